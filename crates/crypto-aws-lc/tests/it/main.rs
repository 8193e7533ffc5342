//! The provider by AWS-LC.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod aws_lc;
mod end_to_end;
