//! Passkeys that another device of a circle wrote, with any content, on their way into a store, and
//! any bytes as what a store keeps of its own device: taken or refused, never a panic, and what is
//! taken is nothing new to tell the circle.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    towline_fuzz::synced::run(input);
});
