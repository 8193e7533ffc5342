#![doc = include_str!("../README.md")]
//!
//! # On the bus
//!
//! All nodes hear `tl.1.all`, each hears `tl.1.node.` with its own name, and revoked contacts are
//! messages of the stream `TL_GONE`, one subject each below `tl.1.gone.`. A node makes the stream
//! where there is none. JetStream is spoken by plain requests.
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod bus;
mod contacts;
mod options;

pub use contacts::NatsContacts;
pub use options::{Joined, Nats, NatsError};
