//! The portable provider passes the whole suite with post-quantum signatures.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::arithmetic_side_effects
)]

mod over_the_socket;

use towline_crypto::rustcrypto::provider;

towline_crypto_test::register!(provider());

#[test]
fn the_algorithms_it_lists_are_these() {
    let listed: Vec<i64> = provider().signatures.iter().map(|a| a.cose_algorithm()).collect();
    assert_eq!(listed, [-7, -8, -35, -48, -49]);
}
