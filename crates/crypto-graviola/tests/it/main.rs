//! The provider with graviola.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod graviola;
