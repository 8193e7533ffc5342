//! A small loopback relying party for demos and tests.
//!
//! [`Rp`] keeps accounts, named keys and a log of sign-ins in memory and speaks JSON over plain
//! HTTP on loopback; `/` is a page for a person. Whether a credential is good is decided by a
//! [`Verifier`]: [`StrictVerifier`] is the one that comes with it, any other WebAuthn library can
//! be plugged in. [`RpClient`] is the other end.
//!
//! It is a stand-in for a login site, not a login site: whoever reaches the port may add, rename
//! and remove keys, so it refuses to listen on anything but loopback, and requests of pages from
//! other origins.
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
//!
//! ```
//! use towline_rp::{Rp, RpClient, RpConfig, StrictVerifier};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let provider = towline_crypto::rustcrypto::provider();
//! let rp = Rp::bind(RpConfig::default(), |identity| StrictVerifier::new(identity, provider)).await?;
//! let (client, shutdown) = (RpClient::new(&rp.url())?, rp.shutdown_handle());
//! let running = tokio::spawn(rp.run());
//!
//! let begun = client.begin_registration("alice", "Alice's phone").await?;
//! assert_eq!(begun.public_key["rp"]["id"], "localhost");
//!
//! shutdown.shutdown();
//! running.await?;
//! # Ok(())
//! # }
//! ```
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
