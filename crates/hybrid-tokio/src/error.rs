//! Why a session failed.

use towline_hybrid::Misuse;
use towline_radio::RadioError;

/// Why a session, or a call, failed.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TransportError {
    /// The transaction failed.
    #[error(transparent)]
    Hybrid(towline_hybrid::Error),
    /// The call does not fit the state of the session, which goes on as if there had been none.
    #[error(transparent)]
    Misuse(#[from] Misuse),
    /// The radio does not work.
    #[error(transparent)]
    Radio(#[from] RadioError),
    /// The phone can't listen for computers that ring.
    #[error(transparent)]
    Listen(#[from] towline_hybrid::ListenError),
    /// What is known about linked devices can't be used.
    #[error(transparent)]
    Links(#[from] towline_hybrid::link::LinkStoreError),
    /// The phone's authenticator does not say what it is, as when its store can't be read: nothing
    /// was sent.
    #[error("this phone's passkeys can't be used: {0}")]
    Authenticator(String),
    /// The session is over, so that nothing more can be asked of it.
    #[error("the connection between the two devices is over; start again with a new code")]
    Over,
}

impl From<towline_hybrid::Error> for TransportError {
    fn from(error: towline_hybrid::Error) -> Self {
        use towline_hybrid::Error;
        match error {
            Error::Misuse(misuse) => Self::Misuse(misuse),
            Error::Radio(failure) => match failure.downcast_ref::<RadioError>() {
                Some(error) => Self::Radio(error.clone()),
                None => Self::Hybrid(Error::Radio(failure)),
            },
            error => Self::Hybrid(error),
        }
    }
}
