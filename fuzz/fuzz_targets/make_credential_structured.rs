//! authenticatorMakeCredential: sequences of requests that make sense.
#![no_main]

use towline_fuzz::{Script, requests::make_credential::MakeCredential};

libfuzzer_sys::fuzz_target!(|script: Script<MakeCredential>| {
    script.run();
});
