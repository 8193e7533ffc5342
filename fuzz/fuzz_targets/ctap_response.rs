//! Whatever an authenticator answers to the client: a result or a typed error, and only JSON for
//! the site.
#![no_main]

use std::time::Instant;

use libfuzzer_sys::fuzz_target;
use towline_client::{Caller, CeremonyOutput, Client, Create, Get, Origin, Pin, PinAnswer};
use towline_ctap::Transport;

const CREATE: &str = r#"{"challenge": "ABEiMw", "rp": {"name": "Example"},
    "user": {"id": "MQ", "name": "alice", "displayName": "Alice"},
    "pubKeyCredParams": [{"type": "public-key", "alg": -7}], "attestation": "direct",
    "extensions": {"prf": {"eval": {"first": "AAAA"}}, "largeBlob": {"support": "preferred"}}}"#;
const GET: &str = r#"{"challenge": "ABEiMw", "userVerification": "discouraged",
    "extensions": {"prf": {"eval": {"first": "AAAA"}}, "largeBlob": {"read": true}}}"#;

fuzz_target!(|bytes: &[u8]| {
    let Some((&[role, length], rest)) = bytes.split_first_chunk() else { return };
    let (info, response) = rest.split_at(usize::from(length).min(rest.len()));
    let client = Client::new(towline_crypto_test::fake::provider(0));
    let caller = Caller::from(Origin::parse("https://example.org").expect("an origin"));
    let now = Instant::now();
    let result = if role & 1 == 0 {
        let mut create = Create::new(&client, &caller, CREATE, now).expect("good options");
        create.handle_info(info, if role & 2 == 0 { &Transport::Hybrid } else { &Transport::Usb });
        let mut rounds = 0;
        loop {
            match create.poll_output() {
                Some(CeremonyOutput::Request(_)) if rounds < 40 => {
                    rounds += 1;
                    create.handle_response(response);
                }
                Some(CeremonyOutput::AskPin { token, .. }) => {
                    create.handle_pin(token, PinAnswer::Pin(Pin::new("1234")))
                }
                Some(CeremonyOutput::Finished(result)) => break result,
                Some(_) => {}
                None => create.handle_cancel(),
            }
        }
    } else {
        let mut get = Get::new(&client, &caller, GET, now).expect("good options");
        get.handle_info(info, &Transport::Usb);
        let mut rounds = 0;
        loop {
            match get.poll_output() {
                Some(CeremonyOutput::Request(_)) if rounds < 40 => {
                    rounds += 1;
                    get.handle_response(response);
                }
                Some(CeremonyOutput::AskPin { token, .. }) => {
                    get.handle_pin(token, PinAnswer::Pin(Pin::new("1234")))
                }
                Some(CeremonyOutput::Choose { token, .. }) => {
                    get.handle_choice(token, Some(usize::from(role)))
                }
                Some(CeremonyOutput::Finished(result)) => break result,
                Some(_) => {}
                None => get.handle_cancel(),
            }
        }
    };
    if let Ok(json) = result {
        assert!(json.starts_with('{') && json.ends_with('}'));
    }
});
