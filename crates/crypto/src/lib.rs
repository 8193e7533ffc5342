#![cfg_attr(feature = "rustcrypto", doc = include_str!("../README.md"))]
//! # Features
//!
//! - `rustcrypto` (default): the portable provider.
//! - `std` (default): a faster portable provider, with tables of the multiples of the curves' base
//!   points.
//! - `ml-dsa`: post-quantum signatures in the portable provider. The COSE identifiers are
//!   registered (RFC 9964), but the implementation is young and nobody is known to have audited it:
//!   an experiment.
//!
//! Without them the crate is the traits and the secrets alone, `no_std` with `alloc`.
//!
//! # What is not wiped
//!
//! The secrets of this crate, private scalars, expanded keys and hash states are wiped when they
//! are dropped. What the compiler copies to the stack or to registers on the way is out of reach,
//! and so are the nonces of signatures inside the `ecdsa` crate.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]
#![deny(missing_docs)]
#![no_std]

extern crate alloc;

mod error;
mod provider;
#[cfg(feature = "rustcrypto")]
pub mod rustcrypto;
mod secret;

pub use error::Error;
pub use provider::{
    Aead, AeadKey, Aes128, Aes256, Aes256Cbc, BlockKey, CryptoProvider, Ecdh, EcdhKey, Hkdf, Hmac,
    HmacKey, Random, Sha256, Sha256Context, SignatureAlgorithm, SigningKey,
};
pub use secret::{P256PublicKey, Secret, constant_time_eq};
/// What wipes secrets: its `Zeroizing` is in the interfaces of keys and of stores, so that who
/// implements them needs it.
pub use zeroize;
