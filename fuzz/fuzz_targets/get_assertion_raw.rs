//! authenticatorGetAssertion and authenticatorGetNextAssertion: requests of any bytes.
#![no_main]

libfuzzer_sys::fuzz_target!(|script: &[u8]| {
    towline_fuzz::raw(&[0x02, 0x08], script);
});
