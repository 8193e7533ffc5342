//! soft-fido2 as a contestant, in a process of its own for its licence. It reads lines from
//! standard input and answers each with one: `REQUEST` in hexadecimal is sent to the authenticator
//! and answered by its response, also in hexadecimal; `N REQUEST` is sent N times and answered by
//! the nanoseconds that the thread has spent on a processor for that.

use std::{
    collections::HashMap,
    io::{self, BufRead, Write},
    sync::Mutex,
};

use rustix::time::{ClockId, clock_gettime};
use soft_fido2::{
    Authenticator, AuthenticatorCallbacks, AuthenticatorConfig, AuthenticatorOptions, Credential,
    CredentialRef, CtapCommand, Result, UpResult, UvResult,
};

/// A store with an index, and a person who agrees.
#[derive(Default)]
struct Agreeable(Mutex<HashMap<Vec<u8>, Credential>>);

impl AuthenticatorCallbacks for Agreeable {
    fn request_up(&self, _: &str, _: Option<&str>, _: &str) -> Result<UpResult> {
        Ok(UpResult::Accepted)
    }

    fn request_uv(&self, _: &str, _: Option<&str>, _: &str) -> Result<UvResult> {
        Ok(UvResult::Accepted)
    }

    fn write_credential(&self, credential: &CredentialRef) -> Result<()> {
        // One for each account, as everywhere in this comparison.
        let mut stored = self.0.lock().expect("one thread");
        stored.clear();
        stored.insert(credential.id.to_vec(), credential.to_owned());
        Ok(())
    }

    fn read_credential(&self, id: &[u8]) -> Result<Option<Credential>> {
        Ok(self.0.lock().expect("one thread").get(id).cloned())
    }

    fn delete_credential(&self, id: &[u8]) -> Result<()> {
        self.0.lock().expect("one thread").remove(id);
        Ok(())
    }

    fn list_credentials(&self, rp_id: &str, user: Option<&[u8]>) -> Result<Vec<Credential>> {
        let stored = self.0.lock().expect("one thread");
        let wanted = |one: &&Credential| {
            one.rp.id == rp_id && user.is_none_or(|user| user == one.user.id.as_slice())
        };
        Ok(stored.values().filter(wanted).cloned().collect())
    }

    fn enumerate_rps(&self) -> Result<Vec<(String, Option<String>, usize)>> {
        Ok(Vec::new())
    }

    fn credential_count(&self) -> Result<usize> {
        Ok(self.0.lock().expect("one thread").len())
    }

    fn get_timestamp_ms(&self) -> u64 {
        0
    }
}

fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let options = AuthenticatorOptions::new().with_user_verification(Some(true));
    let config = AuthenticatorConfig::builder()
        .commands(vec![
            CtapCommand::MakeCredential,
            CtapCommand::GetAssertion,
            CtapCommand::GetInfo,
        ])
        .options(options)
        .build();
    let mut authenticator =
        Authenticator::with_config(Agreeable::default(), config).map_err(|e| format!("{e:?}"))?;
    let mut response = Vec::new();
    for line in io::stdin().lock().lines() {
        let line = line?;
        let (times, request) = match line.split_once(' ') {
            Some((times, request)) => (Some(times.parse::<u32>()?), unhex(request)?),
            None => (None, unhex(&line)?),
        };
        let start = spent();
        for _ in 0..times.unwrap_or(1) {
            response.clear();
            authenticator.handle(&request, &mut response).map_err(|e| format!("{e:?}"))?;
        }
        let taken = spent() - start;
        if response.first() != Some(&0) {
            return Err(format!("soft-fido2 refuses with {:02x?}", response.first()).into());
        }
        let mut out = io::stdout().lock();
        match times {
            Some(_) => writeln!(out, "{taken}")?,
            None => {
                response.iter().try_for_each(|byte| write!(out, "{byte:02x}"))?;
                writeln!(out)?;
            }
        }
        out.flush()?;
    }
    Ok(())
}

/// The nanoseconds that this thread has spent on a processor.
fn spent() -> i64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec * 1_000_000_000 + time.tv_nsec
}

fn unhex(text: &str) -> std::result::Result<Vec<u8>, std::num::ParseIntError> {
    let digits = |at| text.get(at..at + 2).unwrap_or_default();
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(digits(at), 16)).collect()
}
