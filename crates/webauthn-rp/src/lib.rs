#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod identity;
mod strict;
mod verify;

pub use identity::Identity;
pub use strict::{CredentialRecord, StrictVerifier, StrictVerifierState};
pub use verify::{Challenge, RegistrationCheck, SignInCheck, User, Verifier, VerifyError};
