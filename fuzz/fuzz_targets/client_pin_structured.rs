//! authenticatorClientPIN: sequences of requests that make sense.
#![no_main]

use towline_fuzz::{Script, requests::client_pin::ClientPin};

libfuzzer_sys::fuzz_target!(|script: Script<ClientPin>| {
    script.run();
});
