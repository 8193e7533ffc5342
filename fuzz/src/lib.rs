//! What the targets for the authenticator share: an authenticator under watch, requests of any
//! bytes for it, and requests that make sense.
//!
//! Each command has two targets. The raw one sends any bytes after the command byte; the structured
//! one derives a sequence of requests, most of them good, and what happens between them. Both run
//! on the fake provider, so that MACs pass. Both begin with an authenticator that has something to
//! lose: a PIN, a token in use, some credentials. And [`watch::Watch`] holds every answer against
//! the rules.

pub mod circle;
pub mod joining;
pub mod kinds;
pub mod picture;
pub mod raw;
pub mod requests;
pub mod rules;
pub mod script;
pub mod site;
pub mod synced;
pub mod u2f;
pub mod watch;

pub use raw::raw;
pub use script::Script;
