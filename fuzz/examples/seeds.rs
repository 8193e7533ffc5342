//! Writes the seeds of the targets for the authenticator:
//! `cargo run --manifest-path fuzz/Cargo.toml --example seeds`.
//!
//! Pseudo-random scripts are run, the same ones each time. What becomes a seed is what gets an
//! answer that none before it got.

use std::{collections::HashSet, fs, path::Path};

use arbitrary::{Arbitrary, Unstructured};
use towline_crypto::Random;
use towline_crypto_test::SeededRandom;
use towline_ctap::Status;
use towline_fuzz::{
    Script,
    kinds::KINDS,
    raw::{raw, record},
    requests::{
        Sensible, authenticator_config::AuthenticatorConfig, bio_enrollment::BioEnrollment,
        client_pin::ClientPin, credential_management::CredentialManagement,
        get_assertion::GetAssertion, large_blobs::LargeBlobs, make_credential::MakeCredential,
        plain::Plain,
    },
    watch::Watch,
};

/// How many seeds a target has at most.
const MOST: usize = 8;

fn main() -> std::io::Result<()> {
    write::<MakeCredential>("make_credential", &[0x01])?;
    write::<GetAssertion>("get_assertion", &[0x02, 0x08])?;
    write::<ClientPin>("client_pin", &[0x06])?;
    write::<CredentialManagement>("credential_management", &[0x0a])?;
    write::<LargeBlobs>("large_blobs", &[0x0c])?;
    write::<AuthenticatorConfig>("authenticator_config", &[0x0d])?;
    write::<BioEnrollment>("bio_enrollment", &[0x09])?;
    write::<Plain>("plain", &[0x04, 0x07, 0x0b])
}

fn write<R: Sensible>(name: &str, commands: &[u8]) -> std::io::Result<()> {
    save(&format!("{name}_structured"), 300, |bytes| {
        let script = Script::<R>::arbitrary(&mut Unstructured::new(bytes)).ok()?;
        Some((bytes.to_vec(), script.run()))
    })?;
    save(&format!("{name}_raw"), 200, |bytes| {
        let (kind, rest) = bytes.split_first()?;
        let kind = kind % KINDS;
        let watch = Watch::prepared(kind);
        let mut script = vec![kind];
        let mut source = Unstructured::new(rest);
        for _ in 0..3 {
            let message = R::arbitrary(&mut source).ok()?.message(&watch);
            let (command, parameters) = message.split_first()?;
            let place = commands.iter().position(|known| known == command)?;
            script.extend(record(u8::try_from(place).ok()?, 0x20, parameters));
        }
        let statuses = raw(commands, &script);
        Some((script, statuses))
    })
}

/// Saves what is new out of many.
fn save(
    target: &str,
    length: usize,
    run: impl Fn(&[u8]) -> Option<(Vec<u8>, Vec<Status>)>,
) -> std::io::Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
    fs::create_dir_all(&folder)?;
    for old in fs::read_dir(&folder)? {
        let old = old?.path();
        let name = old.file_name().and_then(|name| name.to_str());
        if name.is_some_and(|name| name.starts_with("seed-")) {
            fs::remove_file(old)?;
        }
    }
    let mut seen = HashSet::new();
    let mut saved = 0;
    for number in 0..400_u64 {
        let mut bytes = vec![0; length];
        SeededRandom::new(number).fill(&mut bytes).expect("it never fails");
        let Some((seed, statuses)) = run(&bytes) else { continue };
        let new = statuses.into_iter().filter(|status| seen.insert(*status)).count();
        if new > 0 && saved < MOST {
            fs::write(folder.join(format!("seed-{number}")), seed)?;
            saved += 1;
        }
    }
    println!("{target}: {saved} seeds, {} statuses", seen.len());
    Ok(())
}
