#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod attestation;
mod error;
mod identity;
mod record;
mod response;
mod strict;
mod verify;

pub use attestation::TrustAnchors;
pub use error::{Procedure, ResponseMember, VerifyError};
pub use identity::Identity;
pub use record::CredentialRecord;
pub use response::check_user_handle;
pub use strict::{StrictRegistration, StrictSignIn, StrictVerifier};
/// What a [`CredentialRecord`] has in it.
pub use towline_ctap::{Aaguid, CosePublicKey};
pub use verify::{Challenge, RegistrationCheck, SignInCheck, UserEntity, Verifier};
