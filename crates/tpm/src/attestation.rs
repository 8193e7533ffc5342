//! A key that attests to the keys of credentials, its certification by an authority, and the
//! statement of format `tpm` (WebAuthn L3 §8.3).

use towline_cbor::Writer as Cbor;
use towline_crypto::{CryptoProvider, Secret};
use towline_ctap::{AttestationStatement, algorithm};
use zeroize::Zeroizing;

use crate::{
    command::{Attested, Loaded, Private, TpmCommand},
    endorsement::Endorsement,
    enrollment::Enrollment,
    error::Error,
    handle::ObjectName,
    kdf::{Cfb, agreed, kdfa},
    key_handle::{ParentMark, mark},
    public::PublicArea,
    session::{Authorization, Encryption},
    template,
    tpm::Tpm,
    wire::{Reader, Unreadable, Writer},
    worker::{PATIENCE, Worker},
};

/// No certificate is longer than this.
pub(crate) const LONGEST_CERTIFICATE: u16 = 8192;
const VERSION: u8 = 1;

/// A key that signs nothing but what its TPM says about other keys in it, as it is kept. It is of
/// use in its TPM only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttestationKey {
    parent: ParentMark,
    private: Private,
    public: PublicArea,
}

/// What an authority answers: a secret for the endorsement key that opens only in the TPM that has
/// the attestation key as well (TPM 2.0 Part 3 §12.5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActivationChallenge {
    /// The encrypted secret (`TPM2B_ID_OBJECT` without its length).
    pub blob: Vec<u8>,
    /// Its seed, encrypted for the endorsement key, or the point from which that gets it
    /// (`TPM2B_ENCRYPTED_SECRET` without its length).
    pub secret: Vec<u8>,
}

impl ActivationChallenge {
    /// The whole for an endorsement key on P-256, and for a key with this name: the seed is agreed
    /// upon by ECDH with a key that is made for it (TPM 2.0 Part 1 §24 and annex C.6).
    ///
    /// # Errors
    /// [`towline_crypto::Error`], `InvalidPublicKey` where the endorsement key is none on P-256.
    pub fn on_p256(
        provider: &CryptoProvider,
        endorsement: &PublicArea,
        name: &ObjectName,
        secret: &[u8],
    ) -> Result<Self, towline_crypto::Error> {
        let (seed, point) = agreed(provider, endorsement, "IDENTITY")?;
        let blob = Self::blob(provider, &seed, name, secret);
        Ok(Self { blob, secret: point.to_vec() })
    }

    /// The encrypted secret for a key with this name, as an authority makes it
    /// (TPM 2.0 Part 1 §24.4). For an endorsement key by RSA the seed is random, and goes to it by
    /// RSAES-OAEP with SHA-256 and the label `IDENTITY`, which ends with a zero byte.
    #[must_use]
    pub fn blob(
        provider: &CryptoProvider,
        seed: &Secret<32>,
        name: &ObjectName,
        secret: &[u8],
    ) -> Vec<u8> {
        let name = name.as_bytes();
        let key: Secret<16> = kdfa(provider, seed.expose(), "STORAGE", [name, &[]]);
        let mut inner = Writer::new().sized(secret).finish();
        Cfb::new(key, [0; 16]).encrypt(provider, &mut inner);
        let key: Secret<32> = kdfa(provider, seed.expose(), "INTEGRITY", [&[], &[]]);
        let tag = provider.hmac.key(key.expose()).sign(&[&inner, name]);
        Writer::new().sized(&tag).raw(&inner).finish().to_vec()
    }
}

impl AttestationKey {
    /// Makes one in a TPM.
    ///
    /// # Errors
    /// [`Error`].
    pub fn create(worker: &Worker) -> Result<Self, Error> {
        worker.run(PATIENCE, |tpm| {
            tpm.with_parent(|tpm, parent| {
                let template = template::attestation_key();
                let create = TpmCommand::create(parent, &[], &[], &template);
                let made =
                    tpm.execute(create, &[Authorization::Value(&[])], Encryption::COMMAND)?;
                Ok(Self { parent: mark(&parent.name), private: made.private, public: made.public })
            })
        })
    }

    /// Its public area.
    #[must_use]
    pub const fn public(&self) -> &PublicArea {
        &self.public
    }

    /// What is to be kept.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let writer = Writer::new().u8(VERSION).raw(&self.parent).sized(&self.private.0);
        writer.sized(&self.public.encode()).finish().to_vec()
    }

    /// Reads what was kept.
    ///
    /// # Errors
    /// [`Unreadable`].
    pub fn decode(bytes: &[u8]) -> Result<Self, Unreadable> {
        let mut reader = Reader::new(bytes, "attestation key");
        if reader.u8()? != VERSION {
            return Err(reader.malformed());
        }
        let key = Self {
            parent: reader.array()?,
            private: Private(reader.sized(1024)?.into()),
            public: PublicArea::decode(reader.sized(1024)?)?,
        };
        reader.end()?;
        Ok(key)
    }

    pub(crate) fn is_under(&self, parent: &ObjectName) -> bool {
        self.parent == mark(parent)
    }

    pub(crate) fn load(&self, tpm: &mut Tpm, parent: &Loaded) -> Result<Loaded, Error> {
        if !self.is_under(&parent.name) {
            return Err(Error::AnotherTpm);
        }
        let load = TpmCommand::load(parent, &self.private, &self.public);
        tpm.execute(load, &[Authorization::Empty], Encryption::default())
    }

    /// What an authority needs to know. The endorsement key is made, which takes a slow TPM some
    /// seconds: the one that the maker has certified, one by RSA before one on P-256.
    ///
    /// # Errors
    /// [`Error`].
    pub fn enrollment(&self, worker: &Worker) -> Result<Enrollment, Error> {
        let key = self.public.clone();
        worker.run(crate::RSA_PATIENCE, move |tpm| {
            let health = crate::TpmHealth::of(tpm)?;
            let endorsement = Endorsement::of(tpm)?;
            let certificate = endorsement.certificate(tpm)?;
            tpm.make_room();
            Ok(Enrollment {
                endorsement: endorsement.make(tpm)?.public,
                certificate,
                key: key.clone(),
                vendor_id: health.vendor_id,
                firmware: health.firmware,
            })
        })
    }

    /// Opens the secret of an authority, which shows it that this key is in the TPM of that
    /// endorsement key.
    ///
    /// # Errors
    /// [`Error::Response`] with `Integrity` where it is for another TPM, or another key.
    pub fn activate(
        &self,
        worker: &Worker,
        challenge: &ActivationChallenge,
    ) -> Result<Zeroizing<Vec<u8>>, Error> {
        let (key, challenge) = (self.clone(), challenge.clone());
        worker.run(crate::RSA_PATIENCE, move |tpm| {
            let loaded = tpm.with_parent(|tpm, parent| key.load(tpm, parent))?;
            // This key, the endorsement key and the parent would take all the room there is.
            tpm.keep_only(loaded.handle);
            let endorsement = Endorsement::of(tpm)?;
            let made = endorsement.make(tpm)?;
            let activate = TpmCommand::activate_credential(
                &loaded,
                &Loaded { handle: made.handle, name: made.name },
                &challenge.blob,
                &challenge.secret,
            );
            let by = [Authorization::Empty, endorsement.authorized(tpm)?];
            tpm.execute(activate, &by, Encryption::default())
        })
    }
}

/// An [`AttestationKey`] that an authority has certified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertifiedKey {
    /// The key as it is kept.
    pub key: AttestationKey,
    /// Its certificates in DER, its own first, without the root (WebAuthn L3 §8.3.1 says what the
    /// first must hold).
    pub certificates: Vec<Vec<u8>>,
}

impl CertifiedKey {
    /// What is to be kept. Without certificates it is a key that waits for them.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let writer = Writer::new().u8(VERSION).sized(&self.key.encode());
        self.certificates.iter().fold(writer, |writer, it| writer.sized(it)).finish().to_vec()
    }

    /// Reads what was kept.
    ///
    /// # Errors
    /// [`Unreadable`].
    pub fn decode(bytes: &[u8]) -> Result<Self, Unreadable> {
        let mut reader = Reader::new(bytes, "certified attestation key");
        if reader.u8()? != VERSION {
            return Err(reader.malformed());
        }
        let key = AttestationKey::decode(reader.sized(4096)?)?;
        let mut certificates = Vec::new();
        while !reader.is_empty() {
            certificates.push(reader.sized(LONGEST_CERTIFICATE.into())?.to_vec());
        }
        Ok(Self { key, certificates })
    }

    /// Whether it attests to the keys under this parent: an authority has certified it, and it is
    /// in the same TPM.
    #[must_use]
    pub fn is_good_for(&self, parent: &ObjectName) -> bool {
        !self.certificates.is_empty() && self.key.is_under(parent)
    }
}

/// The statement about a credential's key, as verifiers take it: the signature in the form that the
/// algorithm has in COSE.
pub(crate) fn statement(
    certificates: &[Vec<u8>],
    attested: &Attested,
    public: &PublicArea,
) -> Result<AttestationStatement, Error> {
    let mut writer = Cbor::new();
    writer.map(|map| {
        map.entry("alg", |w| w.int(algorithm::ES256));
        map.entry("sig", |w| w.bytes(&attested.signature));
        map.entry("ver", |w| w.text("2.0"));
        map.entry("x5c", |w| {
            w.array(|array| certificates.iter().for_each(|it| array.item(|w| w.bytes(it))));
        });
        map.entry("pubArea", |w| w.bytes(&public.encode()));
        map.entry("certInfo", |w| w.bytes(&attested.info));
    });
    let statement = towline_ctap::OtherAttestation::new("tpm", &writer.into_vec());
    let statement = statement.map_err(|_| Unreadable("attestation statement"))?;
    Ok(AttestationStatement::Other(statement))
}

/// What the statement says of the authenticator data and the client data: their hash.
pub(crate) fn extra_data(
    provider: &CryptoProvider,
    auth_data: &[u8],
    client_data_hash: &[u8],
) -> [u8; 32] {
    provider.sha256.hash(&[auth_data, client_data_hash])
}
