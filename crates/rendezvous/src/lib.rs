#![doc = include_str!("../README.md")]
//!
//! # The parts
//!
//! [`RequestHead::read`] makes a typed [`TunnelRequest`] of an HTTP request, [`Rendezvous`] decides
//! about it, and a [`Meter`] for each direction limits what flows through a tunnel. The service
//! sees ciphertext only; nothing here reads it.
//!
//! Phones and computers share with a service what is in [`tunnel`] (paths and headers), [`ids`],
//! and [`message`] (what a phone that listens and its service say to each other). [`bus`] is what
//! nodes of one service say to each other.
#![forbid(unsafe_code)]
#![deny(missing_docs)]

pub mod bus;
mod contact_key;
mod crowd;
#[doc(hidden)]
pub mod deadline;
mod drain;
pub mod ids;
mod limits;
pub mod message;
mod meter;
mod output;
mod proxy_header;
mod refusal;
mod rendezvous;
mod request;
mod role;
mod source;
pub mod tunnel;

pub use contact_key::ContactKey;
pub use crowd::{Crowd, Precedence};
pub use drain::{Drain, DrainStage};
pub use limits::Limits;
pub use meter::{Ending, Meter};
pub use output::{
    ContactState, Counts, Heard, NodeCounts, RecallToken, RendezvousOutput, RevokeToken,
    RingCounts, RingResults,
};
pub use proxy_header::{BadProxyHeader, MAX_PROXY_HEADER, ProxyHeader};
pub use refusal::Refusal;
pub use rendezvous::Rendezvous;
pub use request::{OriginPolicy, RequestHead, TunnelRequest};
pub use role::{Admission, Leg, Role};
pub use source::{Shares, Source};
