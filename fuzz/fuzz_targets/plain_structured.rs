//! authenticatorGetInfo, authenticatorSelection and authenticatorReset, which have no parameters:
//! sequences of requests that make sense.
#![no_main]

use towline_fuzz::{Script, requests::plain::Plain};

libfuzzer_sys::fuzz_target!(|script: Script<Plain>| {
    script.run();
});
