//! CTAP1/U2F: sequences of requests that make sense.
#![no_main]

use towline_fuzz::u2f::Sequence;

libfuzzer_sys::fuzz_target!(|sequence: Sequence| {
    sequence.run();
});
