//! Anything at all arrives over an established connection, at either role: each ends in a result,
//! and nothing stays open.
//!
//! The provider is the fake one, so that frames "decrypt" to what the fuzzer wrote.
#![no_main]

use std::time::{Duration, Instant};

use libfuzzer_sys::fuzz_target;
use towline_crypto::CryptoProvider;
use towline_hybrid::{
    CodeSource, ComputerEvent, Effect, Initiator, InitiatorConfig, Machine, Opened, PhoneEvent,
    Responder, ResponderAnswer, ResponderConfig, Target,
    domain::TunnelDomain,
    ids::RoutingId,
    qr::{Hint, QrPayload},
};

fuzz_target!(|bytes: &[u8]| {
    let Some((&role, script)) = bytes.split_first() else { return };
    let provider = towline_crypto_test::fake::provider(1);
    if role & 1 == 0 { phone(&provider, script) } else { computer(&provider, script) }
});

/// Length-prefixed pieces.
fn pieces(mut script: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let (&length, rest) = script.split_first()?;
        let (piece, rest) = rest.split_at(usize::from(length).min(rest.len()));
        script = rest;
        Some(piece)
    })
}

/// As a frame of the fake provider: the plaintext, its padding, and a tag.
fn frame(plain: &[u8]) -> Vec<u8> {
    let mut frame = plain.to_vec();
    if frame.first() != Some(&0xff) {
        frame.push(0); // no filler; what starts with ff brings its own padding
    }
    frame.extend_from_slice(&[0; 16]);
    frame
}

fn phone(provider: &CryptoProvider, script: &[u8]) {
    let now = Instant::now();
    let computer = Initiator::new(InitiatorConfig::default(), provider, Hint::GetAssertion, now, 0)
        .expect("a code");
    let code =
        QrPayload::from_uri(provider, computer.qr_uri().expect("on show")).expect("our own code");
    let config = ResponderConfig::new(vec![0xa0], TunnelDomain::new(257).expect("derived"));
    let mut phone = Responder::new(config, provider, code, CodeSource::Camera, now, 1_790_000_000)
        .expect("a known domain");
    let mut pieces = pieces(script);
    let (mut advertising, mut finished, mut rounds) = (false, false, 0);
    loop {
        while let Some(output) = phone.poll_output() {
            assert!(!finished, "nothing follows the end");
            match output {
                Effect::Tell(PhoneEvent::Ask { token, .. }) => {
                    phone
                        .handle_answer(token, ResponderAnswer::Connect { remember: true }, now)
                        .expect("an open question");
                }
                Effect::Connect(Target::New { .. }) => phone.handle_opened(
                    Opened { routing_id: Some(RoutingId::new([1, 2, 3])), signal: false },
                    now,
                ),
                Effect::Advertise(_) => {
                    advertising = true;
                    phone.handle_frame([&[4][..], &[9; 80]].concat(), now); // a message 1
                }
                Effect::StopRadio => advertising = false,
                Effect::Tell(PhoneEvent::Request(request)) if request.len() % 2 == 0 => {
                    phone.handle_response(request, now).expect("a request is under way");
                }
                Effect::Tell(PhoneEvent::Finished(_)) => finished = true,
                _ => {}
            }
        }
        if finished {
            break;
        }
        match pieces.next() {
            Some(piece) => phone.handle_frame(frame(piece), now),
            None if rounds == 0 => phone.handle_closed(now),
            None => phone.handle_timeout(now + Duration::from_secs(3600)),
        }
        rounds += 1;
    }
    assert!(!advertising && phone.poll_timeout().is_none());
}

fn computer(provider: &CryptoProvider, script: &[u8]) {
    let now = Instant::now();
    let mut config = InitiatorConfig::default();
    config.linking = true;
    let mut computer =
        Initiator::new(config, provider, Hint::GetAssertion, now, 0).expect("a code");
    computer.handle_advert(&[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 1, 2, 3, 0, 1, 0, 0, 0, 0], now);
    let mut pieces = pieces(script);
    let (mut scanning, mut finished) = (false, false);
    loop {
        while let Some(output) = computer.poll_output() {
            assert!(!finished, "nothing follows the end");
            match output {
                Effect::StartScanning => scanning = true,
                Effect::StopRadio => scanning = false,
                Effect::Connect(Target::Connect { .. }) => {
                    computer.handle_opened(Opened::default(), now);
                    computer.handle_frame([&[4][..], &[9; 80]].concat(), now); // a message 2
                }
                Effect::Tell(ComputerEvent::Ready { .. })
                | Effect::Tell(ComputerEvent::Response(_)) => {
                    let _ = computer.handle_request(vec![0x04], now);
                }
                Effect::Tell(ComputerEvent::Finished(_)) => finished = true,
                _ => {}
            }
        }
        if finished {
            break;
        }
        match pieces.next() {
            Some(piece) if piece.len() == 20 => computer.handle_advert(piece, now),
            Some(piece) => computer.handle_frame(frame(piece), now),
            None => computer.handle_cancel(now),
        }
    }
    assert!(!scanning && computer.poll_timeout().is_none());
}
