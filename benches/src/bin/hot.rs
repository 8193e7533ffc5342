//! Does one hot path so many times and nothing else, for whoever counts instructions:
//! `hot NAME TIMES`. Without arguments it lists the names. `benches/counts` runs it under
//! callgrind.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

use std::{env, hint::black_box, process::ExitCode};

use towline_authenticator::Config;
use towline_benches::{
    authenticator::Ceremonies,
    ctap::{Answered, Message},
    hybrid::{Adverts, Code, Frames},
    webauthn::Page,
};

type Path = fn(u32);

/// What is counted. Signatures, key pairs and handshakes are not here: nearly all that they take is
/// the curve's.
const PATHS: [(&str, Path); 11] = [
    ("decode_make_credential", |times| repeat(times, Message::new(), |message| message.decode())),
    ("encode_make_credential", |times| {
        repeat(times, Answered::new(), |answered| answered.encode())
    }),
    ("make_credential_with_free_keys", |times| {
        let ceremonies = Ceremonies::with_free_keys(Config::security_key());
        repeat(times, ceremonies, Ceremonies::make_credential);
    }),
    ("get_assertion_with_free_keys", |times| {
        repeat(times, Ceremonies::with_free_keys(Config::phone()), Ceremonies::listed);
    }),
    ("discoverable_with_free_keys", |times| {
        repeat(times, Ceremonies::with_free_keys(Config::phone()), Ceremonies::discoverable);
    }),
    ("advert_rejected", |times| repeat(times, Adverts::new(1), |adverts| adverts.reject())),
    ("advert_accepted", |times| {
        repeat(times, Adverts::new(1), |adverts| adverts.accept().is_some());
    }),
    ("frame_of_64_bytes", |times| repeat(times, Frames::new(64), Frames::round_trip)),
    ("code_encoded", |times| repeat(times, Code::new(), |code| code.encode())),
    ("webauthn_create_with_free_keys", |times| {
        repeat(times, Page::with_free_keys(), |page| page.create());
    }),
    ("webauthn_get_with_free_keys", |times| {
        repeat(times, Page::with_free_keys(), |page| page.get());
    }),
];

fn repeat<S, T>(times: u32, mut subject: S, mut work: impl FnMut(&mut S) -> T) {
    for _ in 0..times {
        black_box(work(&mut subject));
    }
}

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let (name, times) = match &arguments[..] {
        [] => {
            PATHS.iter().for_each(|(name, _)| println!("{name}"));
            return ExitCode::SUCCESS;
        }
        [name, times] => (name, times.parse()),
        _ => return usage(),
    };
    match (PATHS.iter().find(|(known, _)| known == name), times) {
        (Some((_, path)), Ok(times)) => {
            path(times);
            ExitCode::SUCCESS
        }
        _ => usage(),
    }
}

fn usage() -> ExitCode {
    eprintln!("usage: hot [NAME TIMES]");
    ExitCode::from(2)
}
