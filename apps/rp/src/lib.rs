#![doc = include_str!("../README.md")]
//! # Requests
//!
//! [`RpServer`] keeps accounts, named keys and a log of sign-ins, and speaks JSON over plain HTTP;
//! [`RpClient`] is the other end. A [`Verifier`] decides whether a credential is good:
//! [`StrictVerifier`] comes with it, and any other WebAuthn library can be plugged in.
//!
//! | request | body | answer |
//! | --- | --- | --- |
//! | `GET /` | | a page for a person |
//! | `GET /status` | | [`RpStatus`] |
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

mod agent;
mod api;
mod attempts;
mod client;
mod config;
mod date;
mod event;
mod guard;
mod judge;
mod learned;
mod name;
mod oidc;
mod pages;
mod password;
mod pending;
mod programs;
mod providers;
mod router;
mod serve;
mod server;
mod site;
mod sites;
mod store;
mod texts;
mod visit;
mod web;

pub use api::{
    AccountEntry, ApiError, Begun, ErrorCode, KeyEntry, RegisteredKey, RpStatus, SignInEntry,
    SignedInKey,
};
pub use client::{ClientError, RpClient};
pub use config::{RpConfig, RpError, RpLimits, Showcase, WallClock};
pub use event::SiteEvent;
pub use serve::Shutdown;
pub use server::RpServer;
/// The seam between keeping accounts and judging credentials, and the verifier that comes with it.
pub use towline_webauthn_rp::{
    Challenge, CredentialRecord, Identity, Procedure, RegistrationCheck, ResponseMember,
    SignInCheck, StrictRegistration, StrictSignIn, StrictVerifier, TrustAnchors, UserEntity,
    Verifier, VerifyError,
};
