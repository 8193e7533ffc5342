//! A virtual authenticator, in process: the product's own authenticator and WebAuthn client, with a
//! person who follows a script, a clock that is moved, and randomness from a seed.
//!
//! Five lines test a site:
//!
//! ```
//! use towline_virtual::VirtualAuthenticator;
//!
//! let device = VirtualAuthenticator::platform();
//! # let (options, more) = (r#"{"challenge": "AAECAwQFBgcICQoLDA0ODw", "rp": {"name": "Example"},
//! #     "user": {"id": "MQ", "name": "alice", "displayName": "Alice"},
//! #     "pubKeyCredParams": [{"type": "public-key", "alg": -7}],
//! #     "authenticatorSelection": {"residentKey": "required"}}"#,
//! #     r#"{"challenge": "AAECAwQFBgcICQoLDA0ODw"}"#);
//! // What your site hands to `navigator.credentials.create()`, and to `get()`:
//! let registration = device.create("https://example.org", options)?;
//! let sign_in = device.get("https://example.org", more)?; // verify both as your site does
//! # assert!(registration.contains("attestationObject") && sign_in.contains("signature"));
//! # Ok::<(), towline_virtual::Error>(())
//! ```
//!
//! Nothing here is a stub. Origins, RP IDs, lists, extensions, PINs, tokens, lock-outs and
//! signatures are those of `towline-authenticator` and `towline-client`: what is mended there is
//! mended here. There is no runtime, and nothing waits: a time-out of five minutes takes
//! microseconds. The calls can be used in asynchronous code as they are.
//!
//! | to .. | see |
//! | --- | --- |
//! | choose what the authenticator is | [`Builder`], its presets and options |
//! | decide what the person does | [`person`], [`ScriptedPerson`] |
//! | let time pass | [`Clock`], [`Ceremony`] |
//! | read, add and change passkeys | [`Passkey`], [`VirtualAuthenticator::change`] |
//! | go back, and compare | [`Snapshot`], [`Diff`] |
//! | have several authenticators | [`Browser`], [`SyncedSet`] |
//! | test a client | [`VirtualAuthenticator::transact`], [`VirtualAuthenticator::u2f`], [`Hid`] |
//!
//! # How to know one
//!
//! Each says [`TEST_AAGUID`], which is `towline-test-key`, and there is no way to say another.
//!
//! # Seams
//!
//! - *Attestation*: [`Attestation`] makes statements of any format about new keys
//!   ([`Builder::attestation`]).
//! - *Faults*: [`Meddler`] changes requests, what is signed, responses, results and reports
//!   ([`Builder::meddler`]).
//! - *A whole phone*: [`ScriptedPerson`] is a `Person` of `towline-device`, so that it can sit in
//!   front of whatever asks by that; with [`ScriptedPerson::poll_timeout`] and
//!   [`ScriptedPerson::handle_timeout`] it takes its time there, too.
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod browser;
mod builder;
mod ceremony;
mod clock;
mod device;
mod hid;
mod keys;
mod machine;
mod meddle;
mod passkey;
pub mod person;
mod pkcs8;
mod presets;
mod random;
mod shelf;
mod snapshot;

pub use browser::Browser;
pub use builder::{BuildError, Builder, Extension, TEST_AAGUID};
pub use ceremony::Ceremony;
pub use clock::Clock;
pub use device::{PasskeyError, VirtualAuthenticator};
pub use hid::Hid;
pub use keys::{Attestation, Subject};
pub use meddle::{Direction, Hand, Meddler, Signing, signing};
pub use passkey::{KeyPackageError, Passkey, PrivateKey};
pub use person::ScriptedPerson;
pub use shelf::SyncedSet;
pub use snapshot::{Diff, Snapshot};
/// The policy of an authenticator, and what it asks and tells.
pub use towline_authenticator as authenticator;
/// Origins, and what the client decides.
pub use towline_client as client;
/// Why a ceremony gave no result, by the name of the exception that a browser would throw.
pub use towline_client::Error;
/// Providers of cryptography.
pub use towline_crypto as crypto;
/// The messages of CTAP, U2F and CTAPHID.
pub use towline_ctap as ctap;
