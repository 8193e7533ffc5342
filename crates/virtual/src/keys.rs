//! Keys in software, with the seams of a test: what is signed may be changed, and statements about
//! new keys may be anybody's.

use std::sync::Arc;

use towline_authenticator::{Custody, KeyError, KeyHandle, KeyStore, NewKey, SoftwareKeys, Work};
use towline_crypto::CryptoProvider;
use towline_ctap::{AttestationStatement, ClientDataHash, CosePublicKey, CredentialId};

use crate::{
    handle,
    meddle::{Meddling, Signing},
    shelf::Shelf,
};

/// The length of a client data hash, in bytes.
const HASH: usize = 32;

/// The byte of authenticator data that holds the flags (WebAuthn L3 §6.1).
const FLAGS: usize = 32;
const BACKED_UP: u8 = 0x10;
const ELIGIBLE: u8 = 0x08;

/// The seam for attestation: statements of any format about keys that were just made.
///
/// A format that is named here can be asked for like one that the authenticator makes itself; as
/// the statement may tell which one device this is, the person is asked first
/// ([`identifying`](crate::person::identifying)).
pub trait Attestation: Send + Sync {
    /// The formats, by their identifiers (IANA WebAuthn registry): `tpm`, `android-key`. The first
    /// is used where the site has no preference.
    fn formats(&self) -> Vec<&'static str>;

    /// A statement in one of these formats.
    ///
    /// # Errors
    /// [`KeyError`], by which the registration fails.
    fn attest(&self, subject: &Subject<'_>) -> Result<AttestationStatement, KeyError>;
}

/// What a statement is about.
#[non_exhaustive]
pub struct Subject<'a> {
    /// The format that is wanted.
    pub format: &'a str,
    /// The private key of the new credential, in its plain form.
    pub key: &'a KeyHandle,
    /// Its public half.
    pub public_key: CosePublicKey,
    /// The encoded authenticator data, with the AAGUID and the public key in them.
    pub auth_data: &'a [u8],
    /// SHA-256 of the client data, which the statement is about as well.
    pub client_data_hash: &'a ClientDataHash,
    /// Cryptography, to sign with whatever key.
    pub provider: &'a CryptoProvider,
}

/// The keys of one virtual authenticator.
pub(crate) struct Keys {
    software: SoftwareKeys,
    shelf: Shelf,
    meddling: Meddling,
    statements: Option<Arc<Statements>>,
}

/// Who makes statements, and with what.
pub(crate) struct Statements {
    pub(crate) attestation: Box<dyn Attestation>,
    pub(crate) provider: CryptoProvider,
}

impl Keys {
    pub(crate) fn new(
        provider: &CryptoProvider,
        shelf: Shelf,
        meddling: Meddling,
        statements: Option<Arc<Statements>>,
    ) -> Self {
        Self { software: SoftwareKeys::new(provider.clone()), shelf, meddling, statements }
    }

    /// What is to be signed, if it is an assertion and anything of it is changed.
    fn meddled(&self, of: Option<&CredentialId>, parts: &[&[u8]]) -> Option<Signing> {
        let [auth_data, hash] = parts else { return None };
        if hash.len() != HASH {
            return None;
        }
        let backed_up = of.and_then(|id| self.shelf.backed_up(id));
        if backed_up.is_none() && !self.meddling.is_on() {
            return None;
        }
        let original = Signing {
            auth_data: auth_data.to_vec(),
            client_data_hash: hash.to_vec(),
            signature: None,
        };
        let mut signing = original.clone();
        if let Some(backed_up) = backed_up
            && let Some(flags) = signing.auth_data.get_mut(FLAGS)
        {
            let backed_up = backed_up && *flags & ELIGIBLE != 0;
            *flags = (*flags & !BACKED_UP) | if backed_up { BACKED_UP } else { 0 };
        }
        self.meddling.sign(&mut signing);
        (signing != original).then(|| {
            if signing.auth_data != original.auth_data {
                self.meddling.note_signed(original.auth_data, signing.auth_data.clone());
            }
            signing
        })
    }
}

impl KeyStore for Keys {
    fn algorithms(&self) -> Vec<i64> {
        self.software.algorithms()
    }

    fn generate(&mut self, algorithm: i64) -> Work<NewKey, KeyError> {
        self.software.generate(algorithm)
    }

    fn sign(&mut self, key: &KeyHandle, parts: &[&[u8]]) -> Work<Vec<u8>, KeyError> {
        let named = handle::read(key);
        let (of, key) = named.as_ref().map_or((None, key), |(id, key)| (Some(id), key));
        match self.meddled(of, parts) {
            Some(Signing { signature: Some(signature), .. }) => Work::ready(signature),
            Some(Signing { auth_data, client_data_hash, .. }) => {
                self.software.sign(key, &[&auth_data, &client_data_hash])
            }
            None => self.software.sign(key, parts),
        }
    }

    fn public_key(&mut self, key: &KeyHandle) -> Work<CosePublicKey, KeyError> {
        self.software.public_key(handle::read(key).as_ref().map_or(key, |(_, key)| key))
    }

    fn custody(&self, key: &KeyHandle) -> Custody {
        self.software.custody(key)
    }

    fn forget(&mut self, key: &KeyHandle) -> Work<(), KeyError> {
        self.software.forget(handle::read(key).as_ref().map_or(key, |(_, key)| key))
    }

    fn clear(&mut self) -> Work<(), KeyError> {
        self.software.clear()
    }

    fn attestation_formats(&self) -> Vec<&'static str> {
        self.statements.as_ref().map(|it| it.attestation.formats()).unwrap_or_default()
    }

    fn attest(
        &mut self,
        key: &KeyHandle,
        format: &str,
        auth_data: &[u8],
        client_data_hash: &ClientDataHash,
    ) -> Work<AttestationStatement, KeyError> {
        let Some(statements) = self.statements.clone() else {
            return Work::failed(KeyError::NoAttestation(format.into()));
        };
        let public_key = match self.software.public_key(key) {
            Work::Done(Ok(public_key)) => public_key,
            Work::Done(Err(error)) => return Work::failed(error),
            Work::Later(_) => return Work::failed(KeyError::InvalidKey),
        };
        let provider = &statements.provider;
        statements
            .attestation
            .attest(&Subject { format, key, public_key, auth_data, client_data_hash, provider })
            .into()
    }
}
