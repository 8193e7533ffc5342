//! Where private keys live and sign.

use towline_ctap::{AttestationStatement, ClientDataHash, CosePublicKey, Status};

use crate::{KeyHandle, Work};

/// Makes keys and signs with them. The keys may live in software, in a TPM, or anywhere else: what
/// the authenticator stores is a [`KeyHandle`]. An operation that would block answers
/// [`Work::Later`].
pub trait KeyStore: Send {
    /// The COSE algorithms that this store has.
    fn algorithms(&self) -> Vec<i64>;

    /// A new key pair of one of these algorithms.
    fn generate(&mut self, algorithm: i64) -> Work<NewKey, KeyError>;

    /// Signs the parts, one after the other, in the form that WebAuthn wants: ASN.1 DER for ECDSA.
    fn sign(&mut self, key: &KeyHandle, parts: &[&[u8]]) -> Work<Vec<u8>, KeyError>;

    /// The public half of a key, for those who manage credentials.
    fn public_key(&mut self, key: &KeyHandle) -> Work<CosePublicKey, KeyError>;

    /// The key is of no use any more. A store that holds keys itself deletes it; this must not
    /// block, so one that needs time for that does it with its next work.
    fn forget(&mut self, key: &KeyHandle);

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

    fn forget(&mut self, key: &KeyHandle) {
        (**self).forget(key);
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
