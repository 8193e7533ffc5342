//! Requests of any bytes into authenticators of every kind, with people who answer anything:
//! exactly one response each, and no question left open after it.
#![no_main]

use std::time::{Duration, Instant};

use libfuzzer_sys::fuzz_target;
use towline_authenticator::{
    Answer, Authenticator, ChannelId, Config, MemoryStore, Output, SoftwareKeys,
};

fuzz_target!(|bytes: &[u8]| {
    let Some((&kind, script)) = bytes.split_first() else { return };
    let provider = towline_crypto_test::fake::provider(u64::from(kind));
    let config = match kind % 3 {
        0 => Config::phone(),
        1 => Config::security_key(),
        _ => Config::platform(),
    };
    let keys = SoftwareKeys::new(provider.clone());
    let mut authenticator =
        Authenticator::new(config, provider, MemoryStore::new(), keys).expect("a preset");
    let mut now = Instant::now();
    authenticator.handle_power_up(now);
    let mut script = script;
    // Each request: two bytes of length, a byte that decides what the person says, the request.
    while let Some((&[high, low, mood], rest)) = script.split_first_chunk() {
        let length = usize::from(u16::from_be_bytes([high, low]) & 0x7ff).min(rest.len());
        let (request, rest) = rest.split_at(length);
        script = rest;
        authenticator.handle_request(ChannelId(1), request, now);
        let (mut responses, mut questions, mut rounds) = (0, 0, 0_u8);
        loop {
            let Some(output) = authenticator.poll_output() else {
                if responses > 0 {
                    break;
                }
                // Waiting for nobody: let the time pass.
                now = authenticator.poll_timeout().expect("whatever waits has a deadline");
                authenticator.handle_timeout(now);
                continue;
            };
            match output {
                Output::Ask { token, .. } => {
                    questions += 1;
                    rounds = rounds.wrapping_add(1);
                    let answer = match mood.wrapping_add(rounds) % 7 {
                        0 => Answer::Deny,
                        1 => Answer::NotVerified,
                        2 => Answer::Account(usize::from(mood)),
                        3 if mood & 0x80 != 0 => {
                            authenticator.handle_cancel(ChannelId(1), now);
                            continue;
                        }
                        4 if mood & 0x40 != 0 => continue, // nobody answers
                        _ => Answer::Verified,
                    };
                    if authenticator.handle_answer(token, answer, now).is_ok()
                        || authenticator.handle_answer(token, Answer::Approve, now).is_ok()
                        || authenticator.handle_answer(token, Answer::Account(0), now).is_ok()
                    {
                        questions -= 1;
                    }
                }
                Output::Withdraw { .. } => questions -= 1,
                Output::Work { token, job } => {
                    let _ = authenticator.handle_work(token, job.run(), now);
                }
                Output::Response { bytes, .. } => {
                    assert!(!bytes.is_empty(), "a response has a status byte");
                    responses += 1;
                }
                _ => {}
            }
        }
        assert_eq!((responses, questions), (1, 0));
        now += Duration::from_millis(u64::from(mood));
    }
});
