#![doc = include_str!("../README.md")]
//!
//! The hybrid (caBLE) transport without I/O: QR codes, adverts, Noise, frames, both roles.
//!
//! A computer shows a QR code; a phone scans it, meets the computer at a tunnel service, and proves
//! by a Bluetooth advert that it is near; then CTAP messages go between the two, encrypted end to
//! end (CTAP 2.3, hybrid transports).
//!
//! [`Initiator`] is the computer's side of one transaction and [`Responder`] the phone's. Both are
//! state machines: bytes, answers and the time go in by `handle_*`, what to do comes out of
//! `poll_output`, and `poll_timeout` says when they want to be called again. Sockets, radios and
//! people are the caller's.
//!
//! ```
//! use std::time::Instant;
//! use towline_hybrid::{
//!     ResponderAnswer, CodeSource, Initiator, InitiatorConfig, InitiatorOutput, Responder, ResponderConfig,
//!     ResponderOutput,
//!     domain::TunnelDomain,
//!     ids::RoutingId,
//!     qr::{Hint, QrPayload},
//! };
//!
//! let provider = towline_crypto::rustcrypto::provider();
//! let now = Instant::now();
//! let mut computer =
//!     Initiator::new(InitiatorConfig::default(), &provider, Hint::GetAssertion, now, 1_790_000_000)?;
//!
//! // The phone scans the code.
//! let code = QrPayload::from_uri(&provider, computer.qr_uri().expect("the code is on show"))?;
//! let config = ResponderConfig::new(vec![0xa0], TunnelDomain::new(257)?);
//! let mut phone = Responder::new(config, &provider, code, CodeSource::Camera, now)?;
//!
//! // Drivers do this over sockets and radios.
//! let mut answered = None;
//! while answered.is_none() {
//!     while let Some(output) = phone.poll_output() {
//!         match output {
//!             ResponderOutput::Ask { token, .. } => {
//!                 phone.handle_answer(token, ResponderAnswer::Connect { remember: false }, now)?;
//!             }
//!             ResponderOutput::Connect { .. } => phone.handle_connected(RoutingId::new([1, 2, 3]), now),
//!             ResponderOutput::Advertise(advert) => computer.handle_advert(advert.as_bytes(), now),
//!             ResponderOutput::Send(frame) => computer.handle_frame(frame, now),
//!             ResponderOutput::Request(_) => phone.send_response(vec![0x00], now)?,
//!             _ => {}
//!         }
//!     }
//!     while let Some(output) = computer.poll_output() {
//!         match output {
//!             InitiatorOutput::Connect { .. } => computer.handle_connected(now),
//!             InitiatorOutput::Send(frame) => phone.handle_frame(frame, now),
//!             InitiatorOutput::Ready { .. } => computer.send_request(vec![0x02, 0xa0], now)?,
//!             InitiatorOutput::Response(response) => answered = Some(response),
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
pub use error::{Error, Fault, Misuse, Party, Step};
pub use frame::{Error as FrameError, MAX_FRAME, MAX_MESSAGE};
pub use initiator::{
    Initiator, InitiatorConfig, InitiatorOutput, InitiatorProgress, InitiatorSummary,
};
pub use listener::{Decision, ListenError, Listener, ListenerConfig, ListenerOutput, RingToken};
pub use message::{Error as MessageError, Features};
pub use noise::Error as HandshakeError;
pub use responder::{
    CodeSource, ConnectQuestion, QuestionToken, Responder, ResponderAnswer, ResponderConfig,
    ResponderOutput, ResponderProgress, ResponderSummary,
};
