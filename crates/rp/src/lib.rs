#![doc = include_str!("../README.md")]
//! # Requests
//!
//! [`Rp`] keeps accounts, named keys and a log of sign-ins, and speaks JSON over plain HTTP;
//! [`RpClient`] is the other end. A [`Verifier`] decides whether a credential is good:
//! [`StrictVerifier`] comes with the crate, and any other WebAuthn library can be plugged in.
//!
//! | request | body | answer |
//! | --- | --- | --- |
//! | `GET /` | | a page for a person |
//! | `GET /status` | | [`Status`] |
//! | `POST /register/begin` | `{"account", "key_name"}` | [`Begun`] |
//! | `POST /register/finish` | `{"ceremony", "credential"}` | [`RegisteredKey`] |
//! | `POST /sign-in/begin` | `{"account"}`, or `{}` for any discoverable credential | [`Begun`] |
//! | `POST /sign-in/finish` | `{"ceremony", "credential"}` | [`SignedInKey`] |
//! | `POST /keys/list` | `{"account"}` | an array of [`KeyEntry`] |
//! | `POST /keys/rename` | `{"account", "key", "name"}` | [`KeyEntry`] |
//! | `POST /keys/remove` | `{"account", "key"}` | [`KeyEntry`], as it was |
//!
//! A request that is refused is answered with a status of 400 or more and
//! `{"error": {"code", "message"}}`, see [`ApiError`].
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod accounts;
mod api;
mod client;
mod config;
mod event;
mod page;
mod pending;
mod server;
mod strict;
mod verify;

pub use api::{
    Account, ApiError, Begun, ErrorCode, KeyEntry, RegisteredKey, SignInEntry, SignedInKey, Status,
};
pub use client::{ClientError, RpClient};
pub use config::{Identity, Limits, RpConfig, RpError};
pub use event::SiteEvent;
pub use server::{Rp, Shutdown};
pub use strict::{CredentialRecord, StrictVerifier, StrictVerifierState};
pub use verify::{Challenge, RegistrationCheck, SignInCheck, User, Verifier, VerifyError};
