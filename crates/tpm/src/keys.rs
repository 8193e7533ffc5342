//! Keys of credentials that live in a TPM.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use towline_authenticator::{Custody, KeyError, KeyHandle, KeyStore, NewKey, SoftwareKeys, Work};
use towline_crypto::{CryptoProvider, Secret};
use towline_ctap::{AttestationStatement, ClientDataHash, CosePublicKey};
use zeroize::Zeroizing;

use crate::{
    attestation::{self, CertifiedKey},
    binding::{KeyState, TpmBinding},
    code::Code,
    command::{Loaded, TpmCommand},
    error::Error,
    handle::ObjectName,
    key_handle::{Kind, ParentMark, TpmKey, mark},
    public,
    session::{Authorization, Encryption},
    tpm::Tpm,
    wire::Unreadable,
    worker::{PATIENCE, RSA_PATIENCE, Worker},
};

/// Keys in a TPM, and beside them those in software that a store has from before.
///
/// New keys are made in the TPM: ES256, RS256, and ES384 where it has it. What is kept of one is of
/// use in this TPM only, and with the store's [`TpmBinding`]. Every operation is a job for the
/// [`Worker`].
pub struct TpmKeys {
    worker: Worker,
    provider: CryptoProvider,
    binding: TpmBinding,
    kinds: Vec<Kind>,
    software: SoftwareKeys,
    /// What the PIN has opened.
    opened: Option<Secret<32>>,
    behind_pin: bool,
    keep: Option<Keep>,
    attestation: Option<CertifiedKey>,
    /// Whether the binding is where it belongs. Keys of one that is not would be lost.
    kept: Arc<AtomicBool>,
}

/// Puts a binding where it belongs.
type Keep = Arc<dyn Fn(&TpmBinding) -> Result<(), String> + Send + Sync>;

impl fmt::Debug for TpmKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TpmKeys({:?})", self.kinds)
    }
}

impl TpmKeys {
    /// The keys of a store. The TPM is asked what it has, and has to be the one that the store is
    /// bound to.
    ///
    /// # Errors
    /// [`Error::AnotherTpm`] or [`Error::Cleared`] where it is another one, or was cleared
    /// ([`TpmBinding::moved`]); [`Error::Missing`] where it can't have such keys.
    pub fn open(
        worker: Worker,
        provider: CryptoProvider,
        binding: TpmBinding,
    ) -> Result<Self, Error> {
        binding.check(&worker)?;
        let kinds = worker.run(PATIENCE, kinds)?;
        let software = SoftwareKeys::new(provider.clone());
        Ok(Self {
            worker,
            provider,
            binding,
            kinds,
            software,
            opened: None,
            behind_pin: false,
            keep: None,
            attestation: None,
            kept: Arc::new(AtomicBool::new(true)),
        })
    }

    /// A reset makes another binding, with which no key from before signs any more, and has this
    /// put it where it belongs. It may block.
    #[must_use]
    pub fn keeping(
        mut self,
        keep: impl Fn(&TpmBinding) -> Result<(), String> + Send + Sync + 'static,
    ) -> Self {
        self.keep = Some(Arc::new(keep));
        self
    }

    /// New keys open with the PIN only, where a PIN that the TPM keeps has just been given: they
    /// are of no use to who has the store and the TPM, but not the PIN. For authenticators that
    /// verify the user for every sign-in (`alwaysUv`); with others a sign-in without a PIN fails.
    #[must_use]
    pub const fn behind_the_pin(mut self) -> Self {
        self.behind_pin = true;
        self
    }

    /// New keys can have a statement of format `tpm` by this key. It shows each site the same
    /// certificate, and the clock of the TPM.
    #[must_use]
    pub fn attested_by(mut self, key: CertifiedKey) -> Self {
        self.attestation = Some(key);
        self
    }

    /// Where the key of a handle can be used.
    #[must_use]
    pub fn state(&self, key: &KeyHandle) -> KeyState {
        KeyState::of(key, Some(&self.binding))
    }

    /// The authorisation value of keys.
    fn auth(&self, behind_pin: bool) -> Result<Secret<32>, Error> {
        let of_store = self.binding.derive(&self.provider, b"towline tpm credential");
        if !behind_pin {
            return Ok(of_store);
        }
        let opened = self.opened.as_ref().ok_or(Error::PinNeeded)?;
        let key = self.provider.hmac.key(opened.expose());
        Ok(Secret::new(key.sign(&[b"towline tpm credential", of_store.expose()])))
    }

    fn signed(&self, key: TpmKey, message: Vec<u8>) -> Result<Work<Vec<u8>, KeyError>, Error> {
        if key.parent != mark(&self.binding.parent) {
            return Err(Error::AnotherTpm);
        }
        let auth = self.auth(key.behind_pin)?;
        let (worker, parent) = (self.worker.clone(), self.binding.parent.clone());
        let digest = match key.kind {
            Kind::Es384 => None,
            Kind::Es256 | Kind::Rs256 => Some(self.provider.sha256.hash(&[&message])),
        };
        Ok(Work::later(move || {
            let signed = worker.run(PATIENCE, move |tpm| {
                tpm.expect(&parent);
                tpm.with_parent(|tpm, parent| {
                    let digest = match &digest {
                        Some(digest) => Zeroizing::new(digest.to_vec()),
                        None => tpm.run(TpmCommand::hash_sha384(&message))?,
                    };
                    let loaded = load(tpm, parent, &key)?;
                    let sign = TpmCommand::sign(&loaded, &digest, key.kind.scheme());
                    let value = [Authorization::Value(auth.expose())];
                    tpm.execute(sign, &value, Encryption::default())
                })
            });
            signed.map_err(failed)
        }))
    }
}

/// Loads a key under its own parent: what the TPM refuses then is damaged.
pub(crate) fn load(tpm: &mut Tpm, parent: &Loaded, key: &TpmKey) -> Result<Loaded, Error> {
    let load = TpmCommand::load(parent, &key.private, &key.public);
    let loaded = match tpm.execute(load, &[Authorization::Empty], Encryption::default()) {
        Err(Error::Response(code))
            if matches!(
                code.code(),
                Some(Code::Integrity | Code::Binding | Code::Size | Code::Insufficient)
            ) =>
        {
            return Err(Error::Damaged);
        }
        loaded => loaded?,
    };
    if loaded.name != key.public.name(tpm.provider()) {
        return Err(Error::Tampered);
    }
    Ok(loaded)
}

/// The kinds of keys that a TPM can have, in the order in which they are offered.
pub(crate) fn kinds(tpm: &mut Tpm) -> Result<Vec<Kind>, Error> {
    const P256: u16 = 3;
    const P384: u16 = 4;
    const SHA256: u16 = 0x000b;
    const SHA384: u16 = 0x000c;
    let curves = tpm.run(TpmCommand::curves())?.values;
    let algorithms = tpm.run(TpmCommand::algorithms())?.values;
    if !algorithms.contains(&SHA256) {
        return Err(Error::Missing("SHA-256"));
    }
    if !curves.contains(&P256) {
        return Err(Error::Missing("keys on the curve P-256"));
    }
    let mut kinds = vec![Kind::Es256];
    if algorithms.contains(&public::RSA) {
        kinds.push(Kind::Rs256);
    }
    if curves.contains(&P384) && algorithms.contains(&SHA384) {
        kinds.push(Kind::Es384);
    }
    Ok(kinds)
}

fn generated(
    worker: &Worker,
    kind: Kind,
    behind_pin: bool,
    auth: Secret<32>,
    parent: ObjectName,
) -> Result<NewKey, Error> {
    let patience = if kind == Kind::Rs256 { RSA_PATIENCE } else { PATIENCE };
    let mark: ParentMark = mark(&parent);
    let created = worker.run(patience, move |tpm| {
        tpm.expect(&parent);
        tpm.with_parent(|tpm, parent| {
            let create = TpmCommand::create(parent, auth.expose(), &[], &kind.template());
            tpm.execute(create, &[Authorization::Value(&[])], Encryption::COMMAND)
        })
    })?;
    let public_key = created.public.cose(kind.algorithm()).ok_or(Unreadable("public key"))?;
    let key =
        TpmKey { kind, behind_pin, parent: mark, private: created.private, public: created.public };
    let handle = key.to_handle().ok_or(Unreadable("key"))?;
    Ok(NewKey { handle, public_key })
}

impl KeyStore for TpmKeys {
    fn algorithms(&self) -> Vec<i64> {
        self.kinds.iter().map(|kind| kind.algorithm()).collect()
    }

    fn generate(&mut self, algorithm: i64) -> Work<NewKey, KeyError> {
        let Some(kind) = Kind::of(algorithm).filter(|kind| self.kinds.contains(kind)) else {
            return Work::failed(KeyError::Unsupported(algorithm));
        };
        if !self.kept.load(Ordering::SeqCst) {
            let why = "what ties the store to the TPM could not be saved; reset once more";
            return Work::failed(KeyError::Unavailable(why.into()));
        }
        let behind_pin = self.behind_pin && self.opened.is_some();
        let auth = match self.auth(behind_pin) {
            Ok(auth) => auth,
            Err(error) => return Work::failed(failed(error)),
        };
        let (worker, parent) = (self.worker.clone(), self.binding.parent.clone());
        Work::later(move || generated(&worker, kind, behind_pin, auth, parent).map_err(failed))
    }

    fn sign(&mut self, key: &KeyHandle, parts: &[&[u8]]) -> Work<Vec<u8>, KeyError> {
        match TpmKey::of(key) {
            None => self.software.sign(key, parts),
            Some(key) => {
                self.signed(key, parts.concat()).unwrap_or_else(|error| Work::failed(failed(error)))
            }
        }
    }

    fn public_key(&mut self, key: &KeyHandle) -> Work<CosePublicKey, KeyError> {
        match TpmKey::of(key) {
            None => self.software.public_key(key),
            Some(it) => it.public.cose(key.algorithm()).ok_or(KeyError::InvalidKey).into(),
        }
    }

    fn custody(&self, key: &KeyHandle) -> Custody {
        match TpmKey::of(key) {
            None => self.software.custody(key),
            Some(_) => Custody::Wrapped,
        }
    }

    fn forget(&mut self, key: &KeyHandle) -> Work<(), KeyError> {
        // Nothing of a key stays in the TPM.
        match TpmKey::of(key) {
            None => self.software.forget(key),
            Some(_) => Work::ready(()),
        }
    }

    fn attestation_formats(&self) -> Vec<&'static str> {
        let can = |it: &CertifiedKey| it.is_good_for(&self.binding.parent);
        if self.attestation.as_ref().is_some_and(can) { vec!["tpm"] } else { Vec::new() }
    }

    fn attest(
        &mut self,
        key: &KeyHandle,
        format: &str,
        auth_data: &[u8],
        client_data_hash: &ClientDataHash,
    ) -> Work<AttestationStatement, KeyError> {
        let (Some(by), Some(key), "tpm") = (&self.attestation, TpmKey::of(key), format) else {
            return Work::failed(KeyError::NoAttestation(format.into()));
        };
        let hash = client_data_hash.as_bytes();
        let extra = attestation::extra_data(&self.provider, auth_data, hash);
        let auth = match self.auth(key.behind_pin) {
            Ok(auth) => auth,
            Err(error) => return Work::failed(failed(error)),
        };
        let (worker, by) = (self.worker.clone(), by.clone());
        let parent = self.binding.parent.clone();
        Work::later(move || {
            let made = worker.run(PATIENCE, move |tpm| {
                tpm.expect(&parent);
                tpm.with_parent(|tpm, parent| {
                    let loaded = load(tpm, parent, &key)?;
                    let aik = by.key.load(tpm, parent)?;
                    let certify = TpmCommand::certify(&loaded, &aik, &extra);
                    let both = [Authorization::Value(auth.expose()), Authorization::Empty];
                    let said = tpm.execute(certify, &both, Encryption::default())?;
                    attestation::statement(&by.certificates, &said, &key.public)
                })
            });
            made.map_err(failed)
        })
    }

    fn unlock(&mut self, secret: &Secret<32>) -> Work<(), KeyError> {
        self.opened = Some(secret.clone());
        Work::ready(())
    }

    fn lock(&mut self) {
        self.opened = None;
    }

    fn clear(&mut self) -> Work<(), KeyError> {
        self.opened = None;
        let software = self.software.clear();
        let Some(keep) = self.keep.clone() else { return software };
        match self.provider.random.secret() {
            Ok(secret) => self.binding.secret = secret,
            Err(error) => return Work::failed(failed(error.into())),
        }
        let (binding, kept) = (self.binding.clone(), Arc::clone(&self.kept));
        kept.store(false, Ordering::SeqCst);
        Work::later(move || {
            keep(&binding).map_err(KeyError::Unavailable)?;
            kept.store(true, Ordering::SeqCst);
            Ok(())
        })
    }
}

/// What the authenticator is told.
fn failed(error: Error) -> KeyError {
    match error {
        Error::Damaged => KeyError::InvalidKey,
        error => KeyError::Unavailable(error.to_string()),
    }
}
