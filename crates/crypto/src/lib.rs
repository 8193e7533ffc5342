//! The cryptography that towline needs, as traits, and one portable implementation.
//!
//! A [`CryptoProvider`] is a plain struct of trait objects. It is handed explicitly to whoever needs it; nothing here
//! is picked by a global or by a feature. [`rustcrypto::provider`] is the default implementation.
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
    Aead, AeadKey, Aes256, Aes256Cbc, BlockKey, CryptoProvider, Ecdh, EcdhKey, Hkdf, Hmac, HmacKey,
    Random, Sha256, Sha256Context, SignatureAlgorithm, SigningKey,
};
pub use secret::{P256PublicKey, Secret, constant_time_eq};
