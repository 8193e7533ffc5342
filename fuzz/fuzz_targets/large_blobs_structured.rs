//! authenticatorLargeBlobs: sequences of requests that make sense.
#![no_main]

use towline_fuzz::{Script, requests::large_blobs::LargeBlobs};

libfuzzer_sys::fuzz_target!(|script: Script<LargeBlobs>| {
    script.run();
});
