//! The portable provider passes the whole suite.
#![allow(clippy::unwrap_used)]

use towline_crypto::rustcrypto::provider;
use towline_crypto_test::es256::{RFC_6979_EXAMPLES, RFC_6979_KEY};

towline_crypto_test::register!(towline_crypto::rustcrypto::provider());

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn signatures_are_deterministic_as_rfc_6979_has_it() {
    let private: Vec<u8> = (0..64)
        .step_by(2)
        .map(|at| u8::from_str_radix(&RFC_6979_KEY[at..at + 2], 16).unwrap())
        .collect();
    let key = provider().signature(-7).unwrap().load(&private).unwrap();
    for (message, signature) in RFC_6979_EXAMPLES {
        assert_eq!(hex(&key.sign(&[message.as_bytes()]).unwrap()), signature);
    }
}
