//! authenticatorBioEnrollment: requests of any bytes.
#![no_main]

libfuzzer_sys::fuzz_target!(|script: &[u8]| {
    towline_fuzz::raw(&[0x09], script);
});
