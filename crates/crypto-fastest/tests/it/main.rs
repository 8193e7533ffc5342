//! The provider that is put together.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod fastest;
