//! Where private keys live and sign.

use towline_ctap::{CosePublicKey, Status};

use crate::{KeyHandle, Work};

/// Makes keys and signs with them. The keys may live in software, in a TPM, or anywhere else: what the authenticator
/// stores is a [`KeyHandle`]. An operation that would block answers [`Work::Later`].
pub trait KeyStore: Send {
    /// The COSE algorithms that this store has.
    fn algorithms(&self) -> Vec<i64>;

    /// A new key pair of one of these algorithms.
    fn generate(&mut self, algorithm: i64) -> Work<NewKey, KeyError>;

    /// Signs the parts, one after the other, in the form that WebAuthn wants: ASN.1 DER for ECDSA.
    fn sign(&mut self, key: &KeyHandle, parts: &[&[u8]]) -> Work<Vec<u8>, KeyError>;

    /// The public half of a key, for those who manage credentials.
    fn public_key(&mut self, key: &KeyHandle) -> Work<CosePublicKey, KeyError>;

    /// The key is of no use any more. A store that holds keys itself deletes it; this must not block, so one that needs
    /// time for that does it with its next work.
    fn forget(&mut self, key: &KeyHandle);

    /// All keys made so far are of no use any more (authenticatorReset).
    fn clear(&mut self) -> Work<(), KeyError>;
}

impl<K: KeyStore + ?Sized> KeyStore for Box<K> {
    fn algorithms(&self) -> Vec<i64> {
        (**self).algorithms()
    }

    fn generate(&mut self, algorithm: i64) -> Work<NewKey, KeyError> {
        (**self).generate(algorithm)
    }

    fn sign(&mut self, key: &KeyHandle, parts: &[&[u8]]) -> Work<Vec<u8>, KeyError> {
        (**self).sign(key, parts)
    }

    fn public_key(&mut self, key: &KeyHandle) -> Work<CosePublicKey, KeyError> {
        (**self).public_key(key)
    }

    fn forget(&mut self, key: &KeyHandle) {
        (**self).forget(key);
    }

    fn clear(&mut self) -> Work<(), KeyError> {
        (**self).clear()
    }
}

/// A key pair that was just made.
#[derive(Debug, Clone)]
pub struct NewKey {
    /// What to keep of it.
    pub handle: KeyHandle,
    /// The public half.
    pub public_key: CosePublicKey,
}

/// Why a key store failed.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The store does not have this algorithm.
    #[error("the key store does not have the algorithm {0}")]
    Unsupported(i64),
    /// The handle is not one of this store, or was damaged.
    #[error("the stored key can't be loaded")]
    InvalidKey,
    /// The store can't make or use keys now.
    #[error("the key store failed: {0}")]
    Unavailable(String),
}

impl KeyError {
    /// What the client learns.
    pub(crate) fn status(&self) -> Status {
        tracing::warn!(error = %self, "key store");
        Status::Other
    }
}
