#![doc = include_str!("../README.md")]
//! # Layers
//!
//! | what | where |
//! | --- | --- |
//! | bytes, without I/O | [`TpmCommand`], [`TpmRequest`], [`TpmResponse`], [`PublicArea`], [`kdf`] |
//! | a TPM in use: parent, session, nothing left behind | [`Tpm`] over a [`TpmTransport`] |
//! | one thread that has it | [`Worker`] |
//! | keys of credentials, and the PIN | [`TpmKeys`], [`TpmPin`] |
//! | a store whose older copies are noticed | [`CountedStore`] |
//! | a secret that only this TPM opens | [`seal`], [`unseal`] |
//! | a key that attests to them, and its certification | [`AttestationKey`], [`Enrollment`] |
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod attestation;
mod binding;
mod code;
mod command;
mod counted_store;
mod counter;
mod endorsement;
mod enrollment;
mod error;
mod handle;
mod health;
pub mod kdf;
mod key_handle;
mod keys;
mod pin;
mod public;
mod response;
mod sealed;
mod session;
pub mod template;
mod tpm;
mod transport;
mod wire;
mod worker;

pub use attestation::{ActivationChallenge, AttestationKey, CertifiedKey};
pub use binding::{KeyState, TpmBinding};
pub use code::{Code, CodeSubject, ResponseCode};
pub use command::{
    Algorithms, Attested, Capability, CommandCode, Created, Curves, Handles, Loaded, LoadedPrimary,
    NvIndex, NvKind, NvPublic, Private, Properties, Public, StartedSession, TpmCommand,
    policy_secret,
};
pub use counted_store::{CountedStore, CountedStoreError};
pub use enrollment::{Enrollment, EnrollmentAnswer, LONGEST_ENROLLMENT};
pub use error::Error;
pub use handle::{Handle, ObjectName};
pub use health::{Lockout, TpmHealth};
pub use keys::TpmKeys;
pub use pin::TpmPin;
pub use public::{Curve, InScheme, Object, PublicArea, Scheme, attribute};
pub use response::{Acknowledgement, LONGEST_RESPONSE, TpmResponse};
pub use sealed::{seal, unseal};
pub use session::{Authorization, Encryption, Salt, TpmRequest, TpmSession};
pub use tpm::Tpm;
pub use transport::{DEVICE, NoTpmPlace, TpmOpenError, TpmPlace, TpmTransport};
pub use wire::Unreadable;
pub use worker::{PATIENCE, RSA_PATIENCE, Worker};
