#![doc = include_str!("../README.md")]
//!
//! # A transaction
//!
//! A computer shows a QR code; a phone scans it, meets the computer at a tunnel service, and proves
//! by a Bluetooth advert that it is near; then CTAP messages go between the two, encrypted end to
//! end (CTAP 2.3, hybrid transports).
//!
//! [`Initiator`] is the computer's side of one transaction, [`Responder`] the phone's, and a
//! [`Listener`] waits for computers that ring. All are [`Machine`]s: bytes, answers and the time go
//! in by `handle_*`, what to do comes out of `poll_output`, and `poll_timeout` says when they want
//! to be called again. Sockets, radios and people are the caller's. **[`Machine`] states what their
//! driver has to keep to**, and what goes wrong if it does not.
//!
//! ```
//! use std::time::Instant;
//! use towline_hybrid::{
//!     CodeSource, ComputerEvent, Effect, Initiator, InitiatorConfig, Machine, Opened, PhoneEvent,
//!     Responder, ResponderAnswer, ResponderConfig,
//!     domain::TunnelDomain,
//!     ids::RoutingId,
//!     qr::{Hint, QrPayload},
//! };
//!
//! let provider = towline_crypto::rustcrypto::provider();
//! let (now, unix_time) = (Instant::now(), 1_790_000_000);
//! let config = InitiatorConfig::default();
//! let mut computer = Initiator::new(config, &provider, Hint::GetAssertion, now, unix_time)?;
//!
//! // The phone scans the code.
//! let code = QrPayload::from_uri(&provider, computer.qr_uri().expect("the code is on show"))?;
//! let config = ResponderConfig::new(vec![0xa0], TunnelDomain::new(257)?);
//! let mut phone = Responder::new(config, &provider, code, CodeSource::Camera, now, unix_time)?;
//!
//! // Drivers do this over sockets and radios.
//! let at_the_service = Opened { routing_id: Some(RoutingId::new([1, 2, 3])), signal: false };
//! let mut answered = None;
//! while answered.is_none() {
//!     while let Some(effect) = phone.poll_output() {
//!         match effect {
//!             Effect::Connect(_) => phone.handle_opened(at_the_service, now),
//!             Effect::Advertise(advert) => computer.handle_advert(advert.as_bytes(), now),
//!             Effect::Send(frame) => computer.handle_frame(frame, now),
//!             Effect::Tell(PhoneEvent::Ask { token, .. }) => {
//!                 phone.handle_answer(token, ResponderAnswer::Connect { remember: false }, now)?;
//!             }
//!             Effect::Tell(PhoneEvent::Request(_)) => phone.handle_response(vec![0x00], now)?,
//!             _ => {}
//!         }
//!     }
//!     while let Some(effect) = computer.poll_output() {
//!         match effect {
//!             Effect::Connect(_) => computer.handle_opened(Opened::default(), now),
//!             Effect::Send(frame) => phone.handle_frame(frame, now),
//!             Effect::Tell(ComputerEvent::Ready { .. }) => {
//!                 computer.handle_request(vec![0x02, 0xa0], now)?;
//!             }
//!             Effect::Tell(ComputerEvent::Response(response)) => answered = Some(response),
//!             _ => {}
//!         }
//!     }
//! }
//! assert_eq!(answered, Some(vec![0x00]));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod digits;
pub mod domain;
mod eid;
mod error;
mod frame;
pub mod ids;
mod initiator;
#[doc(hidden)]
pub mod internal;
mod kdf;
pub mod link;
mod listener;
mod machine;
mod message;
mod noise;
pub mod qr;
mod responder;
mod secrets;
mod session;
pub mod tunnel;

use towline_rendezvous::deadline;

pub use digits::Error as DigitsError;
pub use eid::{ADVERT_LEN, Advert, LEGACY_SERVICE_UUID16, SERVICE_UUID16};
pub use error::{Error, Misuse, Party, PeerFault, Step};
pub use frame::{Error as FrameError, MAX_FRAME, MAX_MESSAGE};
pub use initiator::{
    ComputerEvent, Initiator, InitiatorConfig, InitiatorProgress, InitiatorSummary,
};
pub use listener::{Decision, ListenError, Listener, ListenerConfig, ListenerEvent, RingToken};
pub use machine::{Effect, Machine, Opened, RadioFailure, Target};
pub use message::{Error as MessageError, Features};
pub use noise::Error as HandshakeError;
pub use responder::{
    CodeSource, ConnectQuestion, PhoneEvent, QuestionToken, Responder, ResponderAnswer,
    ResponderConfig, ResponderProgress, ResponderQuestion, ResponderSummary,
};
