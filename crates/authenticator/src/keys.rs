//! Where private keys live and sign.

use towline_crypto::Secret;
use towline_ctap::{AttestationStatement, ClientDataHash, CosePublicKey, Status};

use crate::{KeyHandle, Work};

/// Makes keys and signs with them. The keys may live in software, in a TPM, or anywhere else: what
/// the authenticator stores is a [`KeyHandle`]. An operation that would block answers
/// [`Work::Later`].
pub trait KeyStore: Send {
    /// The COSE algorithms that this store has.
    fn algorithms(&self) -> Vec<i64>;

    /// A new key pair of one of these algorithms.
    ///
    /// **A handle is never given out again**, not even after [`forget`](Self::forget): a key that
    /// seemed not to be deleted is deleted later, by its handle, and that must not be another
    /// credential's by then. A token with slots puts something unique beside the slot's number.
    fn generate(&mut self, algorithm: i64) -> Work<NewKey, KeyError>;

    /// Signs the parts, one after the other, in the form that WebAuthn wants: ASN.1 DER for ECDSA.
    fn sign(&mut self, key: &KeyHandle, parts: &[&[u8]]) -> Work<Vec<u8>, KeyError>;

    /// The public half of a key, for those who manage credentials.
    fn public_key(&mut self, key: &KeyHandle) -> Work<CosePublicKey, KeyError>;

    /// Where the private key of a handle is, which tells whether it can move to another device.
    fn custody(&self, key: &KeyHandle) -> Custody;

    /// The key is of no use any more, and no credential that is stored has it. A store that
    /// [holds](Custody::Held) keys itself deletes it. Should that fail it is asked again, some time
    /// later, so that a key that is not there (any more) is no error.
    fn forget(&mut self, key: &KeyHandle) -> Work<(), KeyError>;

    /// The person's PIN was right, and opens this secret, which the
    /// [`PinVerifier`](crate::PinVerifier) has kept: for keys that are of use only then. It is good
    /// until [`lock`](Self::lock), as long as the PIN/UV token that the PIN gave. Without such
    /// keys, and with a verifier that keeps no secret, there is nothing to do.
    fn unlock(&mut self, secret: &Secret<32>) -> Work<(), KeyError> {
        let _ = secret;
        Work::ready(())
    }

    /// What was unlocked is closed, and the secret forgotten. It must not block.
    fn lock(&mut self) {}

    /// All keys made so far are of no use any more (authenticatorReset).
    fn clear(&mut self) -> Work<(), KeyError>;

    /// The formats of the attestation statements that this store makes itself about keys that it
    /// has generated, as a TPM makes `tpm`, by their identifiers (IANA WebAuthn registry). None,
    /// unless a store says otherwise. They are used where the config lists them as
    /// [`AttestationFormat::OfKeyStore`](crate::AttestationFormat::OfKeyStore).
    fn attestation_formats(&self) -> Vec<&'static str> {
        Vec::new()
    }

    /// A statement in one of these formats, about a key that was just made: it attests to the
    /// authenticator data and the client data hash (WebAuthn L3 §6.5.4). A format without a type of
    /// its own is [`AttestationStatement::Other`]. Nobody is asked here: the person has agreed by
    /// then.
    fn attest(
        &mut self,
        key: &KeyHandle,
        format: &str,
        auth_data: &[u8],
        client_data_hash: &ClientDataHash,
    ) -> Work<AttestationStatement, KeyError> {
        let _ = (key, auth_data, client_data_hash);
        Work::failed(KeyError::NoAttestation(format.into()))
    }
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

    fn custody(&self, key: &KeyHandle) -> Custody {
        (**self).custody(key)
    }

    fn forget(&mut self, key: &KeyHandle) -> Work<(), KeyError> {
        (**self).forget(key)
    }

    fn unlock(&mut self, secret: &Secret<32>) -> Work<(), KeyError> {
        (**self).unlock(secret)
    }

    fn lock(&mut self) {
        (**self).lock();
    }

    fn clear(&mut self) -> Work<(), KeyError> {
        (**self).clear()
    }

    fn attestation_formats(&self) -> Vec<&'static str> {
        (**self).attestation_formats()
    }

    fn attest(
        &mut self,
        key: &KeyHandle,
        format: &str,
        auth_data: &[u8],
        client_data_hash: &ClientDataHash,
    ) -> Work<AttestationStatement, KeyError> {
        (**self).attest(key, format, auth_data, client_data_hash)
    }
}

/// Where the private half of a key is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Custody {
    /// It is the handle: whoever has that has the key, here and on any other device. Nothing is
    /// left of it when the handle is gone.
    Handle,
    /// It is the handle, in a form that is of use on this device only, as a TPM wraps keys.
    Wrapped,
    /// The key store holds it, and the handle names it: a slot of a token, say. It is there until
    /// the store forgets it.
    Held,
}

impl Custody {
    /// Whether the key can move: it is of use in a backup, in an export and on other devices. A
    /// credential whose key can't is made without the right to be backed up (BE), whatever the
    /// config says.
    #[must_use]
    pub const fn can_move(self) -> bool {
        matches!(self, Self::Handle)
    }
}

/// A key pair that was just made.
#[derive(Debug, Clone)]
pub struct NewKey {
    /// What to keep of it.
    pub handle: KeyHandle,
    /// The public half, for the attested credential data.
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
    /// The store makes no attestation statements of this format.
    #[error("the key store makes no attestation statements of the format `{0}`")]
    NoAttestation(String),
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
