//! soft-fido2, which runs in a process of its own and tells what its thread has taken.

use std::{
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use towline_benches::ctap;
use towline_ctap::{AuthenticatorData, MakeCredentialResponse, Request};

/// The process. It ends with its standard input.
pub struct Elsewhere {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Elsewhere {
    /// The program beside this one; `None` if it is not there.
    pub fn start() -> Option<Self> {
        let program = std::env::current_exe().ok()?;
        let program = program.parent().map(|p| p.join("towline-compare-soft-fido2"))?;
        Self::of(&program)
    }

    fn of(program: &Path) -> Option<Self> {
        let pipes = Command::new(program).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child = pipes.ok()?;
        let (input, output) = (child.stdin.take(), BufReader::new(child.stdout.take()?));
        Some(Self { child, input, output })
    }

    fn ask(&mut self, line: &str) -> String {
        writeln!(self.input.as_mut().expect("a pipe"), "{line}").expect("soft-fido2 is there");
        let mut answer = String::new();
        self.output.read_line(&mut answer).expect("an answer");
        answer.trim().to_owned()
    }

    /// Sends the request so many times; the seconds that took.
    fn repeat(&mut self, times: u32, request: &str) -> f64 {
        let nanoseconds: f64 = self.ask(&format!("{times} {request}")).parse().expect("a number");
        nanoseconds * 1e-9
    }
}

impl Drop for Elsewhere {
    fn drop(&mut self) {
        self.input = None;
        drop(self.child.wait());
    }
}

/// makeCredential.
pub fn make() -> Option<impl FnMut(u32) -> f64> {
    let mut peer = Elsewhere::start()?;
    let request = registration();
    Some(move |times| peer.repeat(times, &request))
}

/// getAssertion for the one credential, not listed.
pub fn get() -> Option<impl FnMut(u32) -> f64> {
    let mut peer = Elsewhere::start()?;
    let made = unhex(&peer.ask(&registration()));
    let made = MakeCredentialResponse::decode(&made).expect("a registration");
    AuthenticatorData::decode(&made.auth_data).expect("authenticator data");
    // Without verification it does not show what was made with it.
    let mut request = ctap::get_assertion(None);
    request.options.uv = Some(true);
    let request = hex(&Request::GetAssertion(Box::new(request)).encode());
    Some(move |times| peer.repeat(times, &request))
}

fn registration() -> String {
    hex(&Request::MakeCredential(Box::new(ctap::make_credential(true))).encode())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Vec<u8> {
    let digits = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).expect("hexadecimal");
    (0..text.len()).step_by(2).map(digits).collect()
}
