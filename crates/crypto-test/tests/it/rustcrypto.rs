//! The portable provider passes the whole suite.

use towline_crypto::rustcrypto::provider;
use towline_crypto_test as suite;

towline_crypto_test::register!(towline_crypto::rustcrypto::provider());

#[test]
fn the_algorithms_it_lists_are_these() {
    let listed: Vec<i64> = provider().signatures.iter().map(|a| a.cose_algorithm()).collect();
    assert_eq!(listed, [-7, -8, -35]);
}

fn bytes(digits: &str) -> Vec<u8> {
    let at = (0..digits.len()).step_by(2);
    at.map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect()
}

#[test]
fn signatures_are_deterministic_as_rfc_6979_has_it() {
    for (algorithm, key, examples) in [
        (-7, suite::es256::RFC_6979_KEY, suite::es256::RFC_6979_EXAMPLES),
        (-35, suite::es384::RFC_6979_KEY, suite::es384::RFC_6979_EXAMPLES),
    ] {
        let key = provider().signature(algorithm).unwrap().load(&bytes(key)).unwrap();
        for (message, signature) in examples {
            assert_eq!(key.sign(&[message.as_bytes()]).unwrap(), bytes(signature));
        }
    }
}
