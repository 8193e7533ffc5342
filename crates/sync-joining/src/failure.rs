//! Why no device joined.

use towline_hybrid_tokio::TransportError;
use towline_sync::JoiningError;

/// Why no device joined, or why it is not known whether it has everything. Prints as a sentence
/// that says what to do.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JoiningFailure {
    /// The two devices, or their persons, did not come to an end.
    #[error(transparent)]
    Joining(#[from] JoiningError),
    /// The two devices did not come together: nothing was changed.
    #[error(transparent)]
    Transport(#[from] TransportError),
}
