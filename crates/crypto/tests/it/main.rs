//! Secrets, keys, and the portable provider.
#![allow(clippy::unwrap_used)]

mod secret;
mod smoke;
