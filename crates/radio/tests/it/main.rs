//! The simulated air, in one process and between several.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod medium;
mod udp;
