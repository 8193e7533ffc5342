#![doc = include_str!("../README.md")]
//!
//! Tokio drivers for both roles of the hybrid transport.
//!
//! A [`ComputerSession`] runs a [`towline_hybrid::Initiator`], a [`PhoneSession`] a
//! [`towline_hybrid::Responder`], a [`ListenerSession`] a [`towline_hybrid::Listener`]: one loop
//! over the socket, the radio, the caller's calls and the deadline, and no decision of its own.
//! What they tell is what the machines tell: a [`ComputerEvent`], a [`PhoneEvent`], a
//! [`ListenerEvent`].
//!
//! Which radio, which roots of trust and which way to a tunnel service are handed in:
//! [`TunnelConnector`] opens WebSockets, and anything else that carries whole messages in order can
//! stand behind [`Connector`] and [`DataChannel`].
//!
//! ```
//! use std::{sync::Arc, time::Duration};
//! use towline_hybrid::domain::TunnelDomain;
//! use towline_hybrid::qr::{Hint, QrPayload};
//! use towline_hybrid::{CodeSource, InitiatorConfig, ResponderAnswer, ResponderConfig};
//! use towline_hybrid_tokio::{ComputerSession, PhoneEvent, PhoneSession, TunnelConnector};
//! use towline_radio::air::Air;
//! use towline_tunnel::{Relay, RelayConfig, Security};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let provider = towline_crypto::rustcrypto::provider();
//! let config = RelayConfig::new("127.0.0.1:0".parse()?, Security::Plain, provider.clone());
//! let relay = Relay::bind(config).await?;
//! let connector = Arc::new(TunnelConnector::plain_loopback(relay.local_addr())?);
//! tokio::spawn(relay.run());
//! let air = Air::new(); // simulated: no Bluetooth needed
//!
//! // The computer shows a code ..
//! let (config, radio) = (InitiatorConfig::default(), Arc::new(air.radio()));
//! let (computer, _steps) = ComputerSession::start(
//!     config, &provider, Hint::GetAssertion, radio, connector.clone())?;
//!
//! // .. that the phone scans; it serves requests until the computer is done.
//! let code = QrPayload::from_uri(&provider, &computer.qr_uri().expect("the code is on show"))?;
//! let config = ResponderConfig::new(vec![0xa0], TunnelDomain::new(257)?);
//! let (source, radio) = (CodeSource::Camera, Arc::new(air.radio()));
//! let (phone, mut events) =
//!     PhoneSession::start(config, &provider, code, source, radio, connector)?;
//! let serving = tokio::spawn(async move {
//!     while let Some(event) = events.next().await {
//!         match event {
//!             PhoneEvent::Ask { token, .. } => {
//!                 let yes = ResponderAnswer::Connect { remember: false };
//!                 phone.answer(token, yes).await.expect("asked just now");
//!             }
//!             PhoneEvent::Request(request) => phone.respond(request).await.expect("under way"),
//!             _ => {}
//!         }
//!     }
//! });
//!
//! assert_eq!(computer.get_info().await?, [0xa0]);
//! assert_eq!(computer.transact(vec![0x04]).await?, [0x04]);
//! computer.shutdown().await?;
//! serving.await?;
//! # Ok(())
//! # }
//! ```
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod address;
mod antenna;
mod channel;
mod clock;
mod computer;
mod connector;
mod dial;
mod error;
mod events;
mod listener;
mod phone;
mod proxy;
mod runner;
mod trust;
mod websocket;

pub use channel::{Connected, Connector, DataChannel, Incoming};
pub use computer::{ComputerEvents, ComputerSession};
pub use connector::{NotLoopback, Resolve, SystemResolver, TunnelConnector};
pub use error::TransportError;
pub use events::Events;
pub use listener::{ListenerEvents, ListenerSession};
pub use phone::{PhoneEvents, PhoneSession};
pub use proxy::{NotAProxy, Proxy};
pub use towline_hybrid::tunnel::ConnectFailure;
pub use towline_hybrid::{ComputerEvent, ListenerEvent, PhoneEvent, Target};
pub use trust::why_not_trusted;
