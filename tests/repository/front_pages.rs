//! The crates that are published.

use std::path::PathBuf;

use super::{crates, text};

/// The crates that are for others. `publish.workspace` holds them back for now; a crate that says
/// `publish = false` itself is never published.
pub(super) fn published() -> Vec<PathBuf> {
    let mut crates = crates();
    crates.retain(|krate| !text(&krate.join("Cargo.toml")).contains("\npublish = false"));
    crates
}
