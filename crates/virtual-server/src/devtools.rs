//! The door of DevTools: the domain `WebAuthn` over a WebSocket, by Chromium's names, types, errors
//! and events, and as much of `Browser` and `Target` as clients ask for on their way to it.
//!
//! The targets are the sessions of the service. A client whose WebSocket is
//! `/devtools/page/SESSION` talks to that session, and one at `/devtools/browser` to the default
//! session, and to others by `Target.attachToTarget`. What it has made goes when it disables the
//! domain, detaches or leaves, as in Chromium.
//!
//! Otherwise than there, `Target.createTarget` gives a session instead of a page, there may be
//! several `internal` authenticators, and a `Credential` has more members (`prfSecret` above all),
//! so that nothing is lost when it is put back.

mod attached;
mod bindings;
mod command;
mod connection;
mod credential;
mod error;
mod message;
mod target;

pub use self::connection::{Connection, Messages};
pub(crate) use self::target::{PRODUCT, PROTOCOL_VERSION};
