//! Messages of any content while a device joins, in any order and at any moment, on both sides; and
//! paper keys of any text: refused or taken, never a panic, and nothing follows the end.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    towline_fuzz::joining::run(input);
});
