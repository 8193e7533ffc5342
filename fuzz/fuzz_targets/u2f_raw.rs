//! CTAP1/U2F: APDUs of any bytes.
#![no_main]

libfuzzer_sys::fuzz_target!(|script: &[u8]| {
    towline_fuzz::u2f::raw(script);
});
