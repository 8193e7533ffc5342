//! What the benchmarks measure, and a way to measure two things against each other.
//!
//! Each contestant is a struct with everything prepared and a method that does the work once, so
//! that the criterion benches and the ratios measure the same code. `README.md` beside this package
//! says what came out.
#![forbid(unsafe_code)]
#![deny(missing_docs)]
#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a benchmark whose subject fails has nothing to measure"
)]

pub mod authenticator;
pub mod contest;
pub mod ctap;
pub mod hybrid;
pub mod primitives;
pub mod site;
pub mod webauthn;

use towline_crypto::CryptoProvider;

/// The provider that everything is measured with.
#[must_use]
pub fn provider() -> CryptoProvider {
    towline_crypto::rustcrypto::provider()
}
