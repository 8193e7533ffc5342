//! Why a session failed.

use towline_radio::RadioError;

/// Why a session, or a call, failed.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The transaction failed, or the call does not fit its state.
    #[error(transparent)]
    Hybrid(#[from] towline_hybrid::Error),
    /// The radio does not work.
    #[error(transparent)]
    Radio(#[from] RadioError),
    /// The phone can't listen for computers that ring.
    #[error(transparent)]
    Listen(#[from] towline_hybrid::ListenError),
    /// What is known about linked devices can't be used.
    #[error(transparent)]
    Links(#[from] towline_hybrid::link::StoreError),
    /// The phone's authenticator does not say what it is, as when its store can't be read: nothing
    /// was sent.
    #[error("this phone's passkeys can't be used: {0}")]
    Authenticator(String),
    /// The session is over, so that nothing more can be asked of it.
    #[error("the connection between the two devices is over; start again with a new code")]
    Over,
}
