//! authenticatorGetAssertion and authenticatorGetNextAssertion: sequences of requests that make
//! sense.
#![no_main]

use towline_fuzz::{Script, requests::get_assertion::GetAssertion};

libfuzzer_sys::fuzz_target!(|script: Script<GetAssertion>| {
    script.run();
});
