//! authenticatorBioEnrollment: sequences of requests that make sense.
#![no_main]

use towline_fuzz::{Script, requests::bio_enrollment::BioEnrollment};

libfuzzer_sys::fuzz_target!(|script: Script<BioEnrollment>| {
    script.run();
});
