//! Post-quantum keys sign in.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, dead_code, missing_docs)]

#[path = "it/options.rs"]
mod options;

use options::{ORIGIN, create, get};
use towline_virtual::Builder;

#[test]
fn post_quantum_keys_sign_in() {
    for algorithm in [-48, -49] {
        let device = Builder::platform().algorithms(&[algorithm]).build().unwrap();
        let options = create("alice").replace("-7", &algorithm.to_string());
        device.create(ORIGIN, &options).unwrap();
        device.get(ORIGIN, &get()).unwrap();
        assert_eq!(device.passkeys()[0].key().algorithm(), algorithm);
    }
}
