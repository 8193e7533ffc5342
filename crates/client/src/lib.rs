#![doc = include_str!("../README.md")]
//! # The parts
//!
//! [`Create`] and [`Get`] are machines without I/O. The functions [`create`] and [`get`] run them
//! over a [`Channel`].
//!
//! What a site signals about its passkeys (WebAuthn L3 §5.1.10) is a [`Signal`]. [`SignalDelivery`]
//! carries it out at an authenticator, and [`signal`](fn@signal) over a channel.
//!
//! Where an authenticator verifies people by a PIN, the machines speak its PIN/UV auth protocols,
//! and ask for the PIN by an output with a token ([`CeremonyOutput::AskPin`]). [`PinChange`] sets a
//! PIN, or changes it, by itself.
//!
//! Of extensions they know `credBlob`, `credProps`, `credProtect`, `largeBlob`, `minPinLength`,
//! `prf`, `appid` and `appidExclude`. `prf` is had from authenticators that speak it as it is, as
//! phones do, and from `hmac-secret`, as security keys do. To keys that speak U2F alone a
//! [`U2fBridge`] leads.
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod appid;
mod attestation;
mod capabilities;
mod ceremony;
mod channel;
mod client;
mod client_data;
mod create;
mod error;
mod get;
mod large_blob;
mod lists;
mod mediation;
mod names;
mod options;
mod origin;
mod pin;
mod prf;
mod related;
mod response;
mod signal;
mod spki;
mod u2f;
mod verification;

pub use capabilities::Reach;
pub use ceremony::{Account, Attachment, CeremonyOutput, CeremonyToken};
pub use channel::{BoxFuture, Channel, Environment, create, get, signal};
pub use client::{Client, Timeouts};
pub use create::Create;
pub use error::{ChannelError, Error, Misbehaviour, OriginProblem};
pub use get::Get;
pub use mediation::{Mediation, PublicKeyCredentialHint};
pub use origin::{Caller, CompiledPublicSuffixes, Origin, PublicSuffixes};
pub use pin::{Pin, PinAnswer, PinChange, PinError, PinProblem, PinQuestion, PinReason, PinRules};
pub use signal::{Signal, SignalDelivery, SignalKind, Verdict};
pub use u2f::{U2fBridge, U2fOutput};
