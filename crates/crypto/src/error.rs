//! What can go wrong in a cryptographic operation.

/// Why a cryptographic operation was refused. No variant carries key material.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The source of randomness failed; nothing may go on.
    #[error("the source of randomness failed")]
    Random,
    /// The bytes are not a point of the curve, or are the point at infinity.
    #[error("not a valid public key")]
    InvalidPublicKey,
    /// The bytes are not a private key of this algorithm (zero, too large, wrong length or form).
    #[error("not a valid private key")]
    InvalidPrivateKey,
    /// A tag, MAC or signature does not match.
    #[error("authentication failed")]
    Authentication,
    /// An input or output has a length that the operation does not allow.
    #[error("wrong length")]
    Length,
    /// The provider does not have this algorithm.
    #[error("unsupported algorithm")]
    Unsupported,
    /// The key is held elsewhere (hardware, say) and refused or failed to act.
    #[error("the key could not be used")]
    KeyUnavailable,
}
