//! authenticatorGetInfo, authenticatorSelection and authenticatorReset, which have no parameters:
//! requests of any bytes.
#![no_main]

libfuzzer_sys::fuzz_target!(|script: &[u8]| {
    towline_fuzz::raw(&[0x04, 0x07, 0x0b], script);
});
