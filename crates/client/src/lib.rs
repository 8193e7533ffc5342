//! The computer's side of WebAuthn: options JSON in, response JSON out, over any way to an
//! authenticator.
//!
//! [`Create`] and [`Get`] are machines without I/O. They check who asks (origin, RP ID, public
//! suffixes), make the client data, choose what to ask the authenticator for, check what it
//! answers, and write the response for the site. The functions [`create`] and [`get`] run them over
//! a [`Channel`], on any asynchronous runtime.
//!
//! Where an authenticator verifies people by a PIN, the machines speak its PIN/UV auth protocols,
//! and ask for the PIN by an output with a token ([`Output::AskPin`]). [`PinChange`] sets a PIN, or
//! changes it, by itself.
//!
//! Of extensions they know `credProps`, `credProtect` and `prf`, the latter over authenticators
//! that speak it as it is, as phones do.
//!
//! ```
//! use std::time::Instant;
//! use towline_client::{Client, Get, Origin, Output};
//! use towline_ctap::{Aaguid, GetInfo, Transport, Version};
//!
//! let client = Client::new(towline_crypto::rustcrypto::provider());
//! let caller = Origin::parse("https://login.example.org")?.into();
//! let options = r#"{"challenge": "ABEiMw", "rpId": "example.org", "userVerification": "discouraged"}"#;
//! let mut get = Get::new(&client, &caller, options, Instant::now())?;
//!
//! let info = GetInfo::new(Aaguid::ZERO, vec![Version::Fido2_1]);
//! get.handle_info(&info.to_cbor(), &Transport::Usb);
//! let Some(Output::Request(ctap)) = get.poll_output() else { panic!("a request comes first") };
//! assert_eq!(ctap[0], 0x02); // authenticatorGetAssertion
//!
//! get.handle_response(&[0x2e]); // the authenticator says: no credentials
//! let Some(Output::Finished(Err(error))) = get.poll_output() else { panic!("it is over") };
//! assert_eq!(error.name(), "NotAllowedError");
//! # Ok::<(), towline_client::Error>(())
//! ```
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod attestation;
mod ceremony;
mod channel;
mod client;
mod client_data;
mod create;
mod error;
mod get;
mod lists;
mod names;
mod options;
mod origin;
mod pin;
mod prf;
mod response;
mod spki;
mod verification;

pub use ceremony::{Account, Attachment, Output, Token};
pub use channel::{Channel, Environment, create, get};
pub use client::{Client, Timeouts};
pub use create::Create;
pub use error::{ChannelError, Error, Misbehaviour, OriginProblem};
pub use get::Get;
pub use origin::{Caller, CompiledPublicSuffixes, Origin, PublicSuffixes};
pub use pin::{Pin, PinAnswer, PinChange, PinError, PinProblem, PinQuestion, PinReason, PinRules};
