//! Who compares PINs: this program, or something that does not let itself be searched.

use towline_crypto::Secret;
use towline_ctap::Status;
use zeroize::Zeroizing;

use crate::Work;

/// All that an authenticator ever learns of a PIN: the first 16 bytes of its SHA-256
/// (CTAP 2.3 §6.5.5.6). A secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PinHash(Secret<16>);

impl PinHash {
    /// From the 16 bytes.
    #[must_use]
    pub const fn new(hash: Secret<16>) -> Self {
        Self(hash)
    }

    /// The 16 bytes, for the moment of use.
    #[must_use]
    pub fn expose(&self) -> &[u8; 16] {
        self.0.expose()
    }
}

/// Keeps what a PIN is compared with, and compares.
///
/// [`SoftwarePin`] keeps the hash in the credential store, where whoever can open that can search
/// for the PIN. A TPM, say, keeps it out of reach, and counts tries itself. What the standard asks
/// for is the authenticator's business with any of them: a try is taken, durably, before the
/// comparison, three mismatches in a row need a power-up, and a match gives all tries back. Where
/// the verifier has fewer tries left than were counted here, the fewer count. An operation that
/// would block answers [`Work::Later`].
pub trait PinVerifier: Send {
    /// There is a new PIN. Gives what is to be kept for it: the authenticator stores that together
    /// with all else that changes, and hands it back with each comparison. Until it is stored, what
    /// was kept before is what counts; whichever of the two is of no use in the end comes back with
    /// [`discard`](Self::discard). `secret` is what the match with the PIN before gave, which the
    /// new one has to give too.
    fn set(
        &mut self,
        pin: &PinHash,
        secret: Option<&Secret<32>>,
    ) -> Work<Zeroizing<Vec<u8>>, PinVerifierError>;

    /// Compares. An error costs the try, since nobody knows how far the comparison came; it is no
    /// mismatch.
    fn compare(&mut self, kept: &[u8], pin: &PinHash) -> Work<PinComparison, PinVerifierError>;

    /// How many tries the verifier itself has left; `None` if it does not count. It is asked when
    /// the authenticator starts, and after a match.
    ///
    /// # Errors
    /// [`PinVerifierError::Unreadable`] for what this verifier has not made: nothing that needs the
    /// PIN is possible then, until a reset.
    fn tries_left(&mut self, kept: &[u8]) -> Work<Option<u8>, PinVerifierError>;

    /// This is of no use any more: the PIN was changed, or the change of it failed. Should that
    /// fail, nothing else does.
    fn discard(&mut self, kept: &[u8]) -> Work<(), PinVerifierError> {
        let _ = kept;
        Work::ready(())
    }

    /// There is no PIN any more, and none of those before counts (authenticatorReset).
    fn clear(&mut self) -> Work<(), PinVerifierError>;
}

impl<V: PinVerifier + ?Sized> PinVerifier for Box<V> {
    fn set(
        &mut self,
        pin: &PinHash,
        secret: Option<&Secret<32>>,
    ) -> Work<Zeroizing<Vec<u8>>, PinVerifierError> {
        (**self).set(pin, secret)
    }

    fn compare(&mut self, kept: &[u8], pin: &PinHash) -> Work<PinComparison, PinVerifierError> {
        (**self).compare(kept, pin)
    }

    fn tries_left(&mut self, kept: &[u8]) -> Work<Option<u8>, PinVerifierError> {
        (**self).tries_left(kept)
    }

    fn discard(&mut self, kept: &[u8]) -> Work<(), PinVerifierError> {
        (**self).discard(kept)
    }

    fn clear(&mut self) -> Work<(), PinVerifierError> {
        (**self).clear()
    }
}

/// What a comparison comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PinComparison {
    /// It is the PIN.
    Match {
        /// A secret that only the PIN opens, if there is one: the key store gets it
        /// ([`KeyStore::unlock`](crate::KeyStore::unlock)).
        secret: Option<Secret<32>>,
    },
    /// It is not.
    Mismatch {
        /// How many tries the verifier has left, if it counts.
        left: Option<u8>,
    },
}

/// Why a PIN can't be set or compared.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PinVerifierError {
    /// What is kept was not made by this verifier, or is damaged.
    #[error("the stored PIN can't be read")]
    Unreadable,
    /// The verifier can't be used now.
    #[error("the PIN can't be verified: {0}")]
    Unavailable(String),
}

impl PinVerifierError {
    /// What the client learns.
    pub(crate) fn status(&self) -> Status {
        tracing::warn!(error = %self, "PIN verifier");
        Status::Other
    }
}

/// Compares in software: what is kept is the hash.
#[derive(Debug, Clone, Copy, Default)]
pub struct SoftwarePin;

impl SoftwarePin {
    fn read(kept: &[u8]) -> Result<PinHash, PinVerifierError> {
        Secret::from_slice(kept).map(PinHash).map_err(|_| PinVerifierError::Unreadable)
    }
}

impl PinVerifier for SoftwarePin {
    fn set(
        &mut self,
        pin: &PinHash,
        _: Option<&Secret<32>>,
    ) -> Work<Zeroizing<Vec<u8>>, PinVerifierError> {
        Work::ready(Zeroizing::new(pin.expose().to_vec()))
    }

    fn compare(&mut self, kept: &[u8], pin: &PinHash) -> Work<PinComparison, PinVerifierError> {
        let compared = Self::read(kept).map(|kept| match kept == *pin {
            true => PinComparison::Match { secret: None },
            false => PinComparison::Mismatch { left: None },
        });
        compared.into()
    }

    fn tries_left(&mut self, kept: &[u8]) -> Work<Option<u8>, PinVerifierError> {
        Self::read(kept).map(|_| None).into()
    }

    fn clear(&mut self) -> Work<(), PinVerifierError> {
        Work::ready(())
    }
}
