#![doc = include_str!("../README.md")]
//!
//! # What it does
//!
//! A phone waits at `/cable/new`, its computer joins it at `/cable/connect`, and from then on the
//! service copies binary messages between the two, unchanged and in order. A phone that lets
//! computers remember it listens at `/towline/v1/listen`; a computer rings it at `/cable/contact`
//! and waits for it to join. `docs/relay-protocol.md` has the whole of it. It sees ciphertext,
//! sizes and times, and logs no identifier and no address. The decisions are those of
//! [`towline_rendezvous`]; this crate adds sockets: TLS, HTTP/1.1 upgrades and WebSockets, with
//! a limit on everything that a stranger can make it hold.
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod accepting;
mod admin;
mod buffers;
mod bus;
mod certificate;
mod config;
mod contacts;
mod direction;
mod error;
mod guard;
mod happening;
mod http;
#[cfg(feature = "kept")]
mod kept;
mod leg;
mod mailbox;
mod metrics;
mod pair;
mod proxies;
mod question;
mod requests;
mod server;
mod shared;
mod socket;
mod stream;
mod tls;

pub use bus::{BusEvent, BusLink, BusSender, MemoryBus};
pub use certificate::Tls;
pub use config::{RelayConfig, Security};
pub use contacts::{ContactAnswer, Contacts, MemoryContacts, NoContacts};
pub use error::RelayError;
pub use happening::Happening;
#[cfg(feature = "kept")]
pub use kept::{KeptContacts, KeptError};
pub use metrics::Stats;
pub use proxies::{NotASubnet, Subnet};
pub use server::{Relay, RelayHandle};
pub use towline_rendezvous::{ContactState, Drain, Ending, Limits, OriginPolicy, Source};
