//! The provider with ring.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod ring;
