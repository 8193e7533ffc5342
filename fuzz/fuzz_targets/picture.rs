//! Pictures of anything: texts are read from it, each once, or none, and the picture turned over
//! light and dark reads alike.
#![no_main]

use libfuzzer_sys::fuzz_target;
use towline_fuzz::picture::levels;

fuzz_target!(|bytes: &[u8]| {
    let Some((width, levels)) = levels(bytes) else { return };
    let found = towline_qr::codes(width, &levels);
    for (place, text) in found.iter().enumerate() {
        assert!(!found[..place].contains(text));
    }
});
