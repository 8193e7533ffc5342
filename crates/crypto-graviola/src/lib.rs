#![doc = include_str!("../README.md")]
//! # What graviola does, and what it does not
//!
//! | | by | why |
//! | --- | --- | --- |
//! | ES256: making keys, signing and verifying | graviola | a tenth to a seventh of the time |
//! | ECDH | graviola | a third of the time |
//! | compressed points | `towline_crypto::rustcrypto` | graviola reads uncompressed ones only |
//! | AES-256-GCM | `towline_crypto::rustcrypto` | graviola's takes microseconds for each new key |
//! | everything else | `towline_crypto::rustcrypto` | graviola lacks it, or is no faster |
//!
//! # Nonces
//!
//! Those of RFC 6979, with 16 bytes of the operating system's randomness as additional input
//! (§3.6): [`CryptoProvider::random`](towline_crypto::CryptoProvider::random) is not asked, and two
//! signatures of one message differ. Should the randomness be bad they are still safe.
//!
//! # What is not wiped
//!
//! graviola wipes scalars and vector registers. What the compiler copies to the stack on the way is
//! out of reach.
#![forbid(unsafe_code)]
#![deny(missing_docs)]

#[cfg(any(target_arch = "aarch64", target_arch = "x86_64"))]
mod ecdh;
#[cfg(any(target_arch = "aarch64", target_arch = "x86_64"))]
mod es256;
#[cfg(any(target_arch = "aarch64", target_arch = "x86_64"))]
mod scalar;

use towline_crypto::{CryptoProvider, Error, SigningKey};

/// The portable provider with what graviola does faster: ES256 (COSE -7) and ECDH. `None` on a
/// processor that graviola does not run on.
///
/// Its signature algorithms are those of the portable provider, in the same order.
#[must_use]
pub fn provider() -> Option<CryptoProvider> {
    is_supported().then(by_graviola)
}

/// An ES256 key whose public half is known, and is not computed: `private` has 32 bytes,
/// big-endian, and `public` is `04`, x, y. It is **not checked** that the two belong together;
/// signatures by a key with another public half verify nowhere, and tell nothing of the private
/// one.
///
/// # Errors
/// [`Error::InvalidPrivateKey`], or [`Error::Unsupported`] on a processor that graviola does not
/// run on.
pub fn es256_pair(private: &[u8], public: [u8; 65]) -> Result<Box<dyn SigningKey>, Error> {
    if is_supported() { pair(private, public) } else { Err(Error::Unsupported) }
}

/// Whether graviola runs on this processor.
#[must_use]
#[cfg(target_arch = "x86_64")]
pub fn is_supported() -> bool {
    macro_rules! all {
        ($($feature:tt)+) => { $(std::arch::is_x86_feature_detected!($feature))&&+ };
    }
    all!("adx" "aes" "avx" "avx2" "bmi1" "bmi2" "pclmulqdq" "ssse3")
}

/// Whether graviola runs on this processor.
#[must_use]
#[cfg(target_arch = "aarch64")]
pub fn is_supported() -> bool {
    macro_rules! all {
        ($($feature:tt)+) => { $(std::arch::is_aarch64_feature_detected!($feature))&&+ };
    }
    all!("aes" "neon" "pmull" "sha2")
}

/// Whether graviola runs on this processor.
#[must_use]
#[cfg(not(any(target_arch = "aarch64", target_arch = "x86_64")))]
pub const fn is_supported() -> bool {
    false
}

#[cfg(any(target_arch = "aarch64", target_arch = "x86_64"))]
use supported::{by_graviola, pair};
#[cfg(not(any(target_arch = "aarch64", target_arch = "x86_64")))]
use unsupported::{by_graviola, pair};

#[cfg(any(target_arch = "aarch64", target_arch = "x86_64"))]
mod supported {
    use std::sync::LazyLock;

    use towline_crypto::{CryptoProvider, Error, SignatureAlgorithm, SigningKey, rustcrypto};

    use crate::{ecdh::Ecdh, es256};

    pub(super) fn by_graviola() -> CryptoProvider {
        CryptoProvider { ecdh: &Ecdh, signatures: &SIGNATURES, ..rustcrypto::provider() }
    }

    pub(super) fn pair(private: &[u8], public: [u8; 65]) -> Result<Box<dyn SigningKey>, Error> {
        es256::pair(private, public)
    }

    static SIGNATURES: LazyLock<Vec<&dyn SignatureAlgorithm>> = LazyLock::new(|| {
        let faster =
            |portable: &&'static dyn SignatureAlgorithm| -> &'static dyn SignatureAlgorithm {
                match portable.cose_algorithm() {
                    es256::COSE => &es256::Es256,
                    _ => *portable,
                }
            };
        rustcrypto::provider().signatures.iter().map(faster).collect()
    });
}

/// What is never called.
#[cfg(not(any(target_arch = "aarch64", target_arch = "x86_64")))]
mod unsupported {
    use towline_crypto::{CryptoProvider, Error, SigningKey, rustcrypto};

    pub(super) fn by_graviola() -> CryptoProvider {
        rustcrypto::provider()
    }

    pub(super) const fn pair(_: &[u8], _: [u8; 65]) -> Result<Box<dyn SigningKey>, Error> {
        Err(Error::Unsupported)
    }
}
