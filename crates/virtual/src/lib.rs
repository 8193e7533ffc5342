#![doc = include_str!("../README.md")]
//!
//! # Where to look
//!
//! | to .. | see |
//! | --- | --- |
//! | choose what the authenticator is | [`Builder`], its presets and options; [`FAMILIES`] |
//! | decide what the person does | [`person`], [`ScriptedPerson`] |
//! | let time pass | [`Clock`], [`Ceremony`] |
//! | read, add and change passkeys | [`Passkey`], [`VirtualAuthenticator::change`] |
//! | move them, as managers do | [`VirtualAuthenticator::export`], [`VirtualAuthenticator::import`] |
//! | choose the attestation, and what is wrong with it | [`attestation`] |
//! | go back, and compare | [`Snapshot`], [`Diff`] |
//! | have something go wrong | [`VirtualAuthenticator::faults`], [`Fault::ALL`] |
//! | have several authenticators | [`Browser`], [`SyncedSet`] |
//! | test a client | [`VirtualAuthenticator::transact`], [`VirtualAuthenticator::u2f`], [`Hid`]; it is a [`Channel`](towline_client::Channel), too |
//!
//! Nothing here is a stub: origins, RP IDs, lists, extensions, PINs, tokens, lock-outs and
//! signatures are those of `towline-authenticator` and `towline-client`. What is mended there is
//! mended here.
//!
//! # Seams
//!
//! - *Attestation*: [`Attestation`] makes statements of any format about new keys
//!   ([`Builder::attestation`]); [`attestation`] has those of every registered format.
//! - *Faults*: [`Meddler`] changes requests, what is signed, responses, results and reports
//!   ([`Builder::meddler`]). The [`Fault`]s that have names do more, behind it.
//! - *A whole phone*: [`Builder::build_parts`] gives an authenticator that somebody else drives,
//!   with its person and its passkeys. [`ScriptedPerson`] is a `Person` of `towline-device`, and
//!   answers what a phone asks of its own, too; with [`ScriptedPerson::poll_timeout`] and
//!   [`ScriptedPerson::handle_timeout`] it takes its time there. `towline-virtual-phone` is
//!   made so.
#![forbid(unsafe_code)]
#![deny(missing_docs)]

pub mod attestation;
mod browser;
mod builder;
mod ceremony;
mod channel;
mod clock;
mod device;
mod family;
mod faults;
mod handle;
mod hid;
mod keys;
mod machine;
mod meddle;
mod parts;
mod passkey;
pub mod person;
mod presets;
mod random;
mod saved;
mod shelf;
mod snapshot;
mod transaction;

pub use browser::{Browser, CredentialsContainer};
pub use builder::{BuildError, Builder, Extension, TEST_AAGUID};
pub use ceremony::Ceremony;
pub use clock::Clock;
pub use device::{ImportError, PasskeyError, VirtualAuthenticator};
pub use family::{FAMILIES, Family, Quirk};
pub use faults::{Call, Fault, FaultPlace, Faults, Injected, UnknownFault};
pub use hid::Hid;
pub use keys::{Attestation, Subject};
pub use meddle::{Direction, Hand, Meddler, Signing, Witness, signing};
pub use parts::Parts;
pub use passkey::{KeyPackageError, Passkey, PrivateKey};
pub use person::ScriptedPerson;
pub use saved::DamagedSnapshot;
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
/// What is told of exports and imports.
pub use towline_exchange as exchange;
pub use transaction::Transaction;
