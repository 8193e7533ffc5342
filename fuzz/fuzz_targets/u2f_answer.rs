//! Whatever a key of U2F answers to a ceremony, and whatever an authenticator keeps for blobs: a
//! response of CTAP2, and no panic.
#![no_main]

use std::time::Instant;

use libfuzzer_sys::fuzz_target;
use towline_client::{Caller, CeremonyOutput, Client, Create, Get, Origin, U2fBridge, U2fOutput};
use towline_ctap::{LargeBlobArray, Transport};

const CREATE: &str = r#"{"challenge": "ABEiMw", "rp": {"name": "Example"},
    "user": {"id": "MQ", "name": "alice", "displayName": "Alice"},
    "pubKeyCredParams": [{"type": "public-key", "alg": -7}], "attestation": "direct",
    "excludeCredentials": [{"type": "public-key", "id": "AAAA"}]}"#;
const GET: &str = r#"{"challenge": "ABEiMw", "extensions": {"appid": "https://example.org/app"},
    "allowCredentials": [{"type": "public-key", "id": "AAAA"}]}"#;

fuzz_target!(|bytes: &[u8]| {
    let provider = towline_crypto_test::fake::provider(0);
    let _array = LargeBlobArray::decode(bytes, &provider);
    let Some((&role, rest)) = bytes.split_first() else { return };
    let client = Client::new(provider.clone());
    let caller = Caller::from(Origin::parse("https://example.org").expect("an origin"));
    let now = Instant::now();
    let mut bridge = U2fBridge::new(provider);
    let mut create = Create::new(&client, &caller, CREATE, now).expect("good options");
    let mut get = Get::new(&client, &caller, GET, now).expect("good options");
    create.handle_info(&U2fBridge::info(), &Transport::Usb);
    get.handle_info(&U2fBridge::info(), &Transport::Usb);
    let creates = role & 1 == 0;
    for answer in rest.chunks(1 + usize::from(role)) {
        let output = if creates { create.poll_output() } else { get.poll_output() };
        if let Some(CeremonyOutput::Request(request)) = output {
            bridge.handle_request(&request);
        }
        match bridge.poll_output() {
            Some(U2fOutput::Apdu(_)) => bridge.handle_answer(answer, now),
            Some(U2fOutput::Response(response)) if creates => create.handle_response(&response),
            Some(U2fOutput::Response(response)) => get.handle_response(&response),
            None => match bridge.poll_timeout() {
                Some(due) => bridge.handle_timeout(due),
                None => bridge.handle_cancel(),
            },
        }
    }
});
