//! What a signature takes besides the TPM's own time: keys in `swtpm`, against a loop that sends it
//! the same two commands and nothing else, in turns.
//! `cargo run --release -p towline-tpm --example overhead`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use std::{
    io::{Read as _, Write as _},
    os::unix::net::UnixStream,
    time::{Duration, Instant},
};

use towline_authenticator::{KeyStore as _, Work};
use towline_testkit::swtpm::Swtpm;
use towline_tpm::{
    Authorization, Encryption, InScheme, Loaded, PATIENCE, TpmBinding, TpmCommand, TpmKeys,
    TpmPlace, TpmRequest, Worker, template,
};

const ROUNDS: usize = 40;
const SIGNATURES: u32 = 25;

fn main() {
    let provider = towline_crypto_aws_lc::provider();
    let (ours, raw) = (Swtpm::new().expect("swtpm"), Swtpm::new().expect("swtpm"));
    let worker = Worker::at(provider.clone(), TpmPlace::Unix(ours.socket()));
    let binding = TpmBinding::new(&worker, &provider).unwrap();
    let mut keys = TpmKeys::open(worker.clone(), provider.clone(), binding).unwrap();
    let key = run(keys.generate(-7)).handle;

    // The other one: a key with an empty password, and no session at all.
    let setup = Worker::at(provider.clone(), TpmPlace::Unix(raw.socket()));
    let (parent, made) = setup
        .run(PATIENCE, |tpm| {
            let parent = tpm.parent()?;
            let template = template::credential_ecc(towline_tpm::Curve::P256);
            let create = TpmCommand::create(&parent, &[], &[], &template);
            let made = tpm.execute(create, &[Authorization::Empty], Encryption::default())?;
            Ok((parent, made))
        })
        .unwrap();
    drop(setup);
    let mut socket = UnixStream::connect(raw.socket()).unwrap();
    let create = TpmCommand::create_primary(towline_tpm::Handle::OWNER, &template::parent());
    let primary = exchange(&mut socket, &bytes(create));
    let parent = Loaded { handle: handle(&primary), name: parent.name };
    let load = TpmCommand::load(&parent, &made.private, &made.public);
    let load = bytes(load);

    let mut overheads: Vec<i128> = (0..ROUNDS)
        .map(|_| {
            let begun = Instant::now();
            for _ in 0..SIGNATURES {
                let loaded = Loaded {
                    handle: handle(&exchange(&mut socket, &load)),
                    name: made.public.name(&provider),
                };
                let sign = TpmCommand::sign(&loaded, &[7; 32], InScheme::Ecdsa(256));
                exchange(&mut socket, &bytes(sign));
                let flush = TpmCommand::flush(loaded.handle);
                let flush =
                    TpmRequest::new(&provider, flush, &[], Encryption::default(), None).unwrap();
                exchange(&mut socket, flush.bytes());
            }
            let raw = begun.elapsed();
            let begun = Instant::now();
            for _ in 0..SIGNATURES {
                run(keys.sign(&key, &[b"message"]));
            }
            let ours = begun.elapsed();
            let each = |all: Duration| {
                i128::try_from(all.div_f64(f64::from(SIGNATURES)).as_micros()).unwrap()
            };
            each(ours).saturating_sub(each(raw))
        })
        .collect();
    overheads.sort_unstable();
    let median = overheads[ROUNDS.div_euclid(2)];
    println!("{median} µs a signature besides the TPM's own time (median of {ROUNDS} rounds)");
}

fn run<T, E: std::fmt::Debug>(work: Work<T, E>) -> T {
    match work {
        Work::Done(result) => result.unwrap(),
        Work::Later(job) => job().unwrap(),
    }
}

/// With an empty password, and nothing encrypted.
fn bytes<R>(command: TpmCommand<R>) -> Vec<u8> {
    let provider = towline_crypto_aws_lc::provider();
    let none = Encryption::default();
    let by = [Authorization::Empty];
    TpmRequest::new(&provider, command, &by, none, None).unwrap().bytes().to_vec()
}

fn handle(response: &[u8]) -> towline_tpm::Handle {
    towline_tpm::Handle(u32::from_be_bytes(response[10..14].try_into().unwrap()))
}

fn exchange(socket: &mut UnixStream, command: &[u8]) -> Vec<u8> {
    socket.write_all(command).unwrap();
    let mut response = vec![0; 4096];
    let length = socket.read(&mut response).unwrap();
    response.truncate(length);
    assert_eq!(response[6..10], [0; 4], "{response:02x?}");
    response
}
