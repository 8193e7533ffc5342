//! A device's keys: what it is known by in its circle.

use std::fmt;

use towline_crypto::{CryptoProvider, EcdhKey, Error, Secret, SigningKey, zeroize::Zeroizing};

use crate::{
    DeviceId, ObjectHash,
    object::{Label, is_signed, short_hash, sign},
};

/// ES256, by its COSE number.
const ES256: i64 = -7;

/// What a member of a circle is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MemberKind {
    /// A device, which reads and writes.
    Device,
    /// The paper key, which a person has written down: it reads, and changes who belongs to the
    /// circle, and writes nothing else.
    Paper,
}

/// The public keys of a member, compressed points of P-256 (SEC 1 §2.3.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PublicKeys {
    pub(crate) signing: [u8; 33],
    pub(crate) agreement: [u8; 33],
}

impl PublicKeys {
    /// The id that follows from them.
    pub(crate) fn id(&self, crypto: &CryptoProvider) -> DeviceId {
        let parts = [b"towline sync 1 device\0".as_slice(), &self.signing, &self.agreement];
        DeviceId(short_hash(crypto, &parts))
    }
}

/// The private keys of a member: one that signs and one that keys of epochs are wrapped for. A
/// device has them from when it joins, and takes them to no other.
pub struct DeviceKeys {
    signing: Box<dyn SigningKey>,
    agreement: Box<dyn EcdhKey>,
    public: PublicKeys,
    id: DeviceId,
}

impl fmt::Debug for DeviceKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("DeviceKeys").field(&self.id).finish()
    }
}

impl DeviceKeys {
    /// New keys.
    ///
    /// # Errors
    /// [`Error::Random`], or [`Error::Unsupported`] where the provider has no ES256.
    pub fn generate(crypto: &CryptoProvider) -> Result<Self, Error> {
        let signing = crypto.signature(ES256).ok_or(Error::Unsupported)?;
        let signing = signing.generate(&*crypto.random)?;
        Self::new(crypto, signing, crypto.ecdh.generate(&*crypto.random)?)
    }

    /// The keys that [`Self::to_bytes`] gave.
    ///
    /// # Errors
    /// [`Error::InvalidPrivateKey`], or [`Error::Unsupported`] where the provider has no ES256.
    pub fn from_bytes(crypto: &CryptoProvider, bytes: &[u8; 64]) -> Result<Self, Error> {
        let (signing, agreement) = bytes.split_at(32);
        let es256 = crypto.signature(ES256).ok_or(Error::Unsupported)?;
        let agreement = crypto.ecdh.load(&Secret::from_slice(agreement)?)?;
        Self::new(crypto, es256.load(signing)?, agreement)
    }

    /// The keys that follow from a secret: always the same ones.
    pub(crate) fn from_seed(crypto: &CryptoProvider, seed: &[u8]) -> Result<Self, Error> {
        let es256 = crypto.signature(ES256).ok_or(Error::Unsupported)?;
        let signing = derived(crypto, seed, b"signing", |scalar| es256.load(scalar.expose()))?;
        let agreement = derived(crypto, seed, b"agreement", |scalar| crypto.ecdh.load(scalar))?;
        Self::new(crypto, signing, agreement)
    }

    /// The scalars of the signing key and of the agreement key, 32 bytes each, to be kept.
    ///
    /// # Errors
    /// [`Error::KeyUnavailable`] where the provider does not give them out.
    pub fn to_bytes(&self) -> Result<Zeroizing<[u8; 64]>, Error> {
        let (signing, agreement) = (self.signing.private_bytes()?, self.agreement.scalar()?);
        let mut out = Zeroizing::new([0; 64]);
        let parts = signing.iter().chain(agreement.expose());
        out.iter_mut().zip(parts).for_each(|(to, from)| *to = *from);
        Ok(out)
    }

    fn new(
        crypto: &CryptoProvider,
        signing: Box<dyn SigningKey>,
        agreement: Box<dyn EcdhKey>,
    ) -> Result<Self, Error> {
        let public = PublicKeys {
            signing: crypto.ecdh.public_key(signing.public_key())?.compressed(),
            agreement: agreement.public_key().compressed(),
        };
        Ok(Self { signing, agreement, public, id: public.id(crypto) })
    }

    /// The id by which the circle knows whoever has these keys: 16 bytes of a hash of the public
    /// ones.
    #[must_use]
    pub const fn id(&self) -> DeviceId {
        self.id
    }

    pub(crate) fn signing(&self) -> &dyn SigningKey {
        &*self.signing
    }

    pub(crate) fn agreement(&self) -> &dyn EcdhKey {
        &*self.agreement
    }

    /// Agrees to be added by this sponsor: to a circle that there is, or to a new one (`None`).
    ///
    /// # Errors
    /// What signing says: [`Error::KeyUnavailable`] or [`Error::Random`].
    pub fn introduce(
        &self,
        circle: Option<ObjectHash>,
        sponsor: DeviceId,
        kind: MemberKind,
    ) -> Result<Introduction, Error> {
        let consent =
            sign(self, Label::Consent, circle.unwrap_or(NEW), &consented(sponsor, self.id, kind))?;
        Ok(Introduction { keys: self.public, kind, consent })
    }
}

/// A key by HKDF. One in four thousand million secrets gives a number that is no scalar of P-256;
/// then the next one counts.
fn derived<K>(
    crypto: &CryptoProvider,
    seed: &[u8],
    label: &[u8],
    load: impl Fn(&Secret<32>) -> Result<K, Error>,
) -> Result<K, Error> {
    let mut result = Err(Error::InvalidPrivateKey);
    for attempt in 0..=u8::MAX {
        let info = [b"towline sync 1 paper ".as_slice(), label, &[attempt]].concat();
        let scalar = Secret::try_init(|out| crypto.hkdf.derive(&[], seed, &info, out))?;
        result = load(&scalar);
        if !matches!(result, Err(Error::InvalidPrivateKey)) {
            break;
        }
    }
    result
}

/// In place of the circle's hash, which is not known before its first record is written.
pub(crate) const NEW: ObjectHash = ObjectHash([0; 16]);

fn consented(sponsor: DeviceId, id: DeviceId, kind: MemberKind) -> Vec<u8> {
    let kind = u8::from(kind == MemberKind::Paper);
    [sponsor.0.as_slice(), &id.0, &[kind]].concat()
}

/// The public keys of somebody who wants to belong to a circle, and the signature by which they
/// agree to be added by one sponsor: nobody is added who does not have the keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Introduction {
    pub(crate) keys: PublicKeys,
    pub(crate) kind: MemberKind,
    pub(crate) consent: Vec<u8>,
}

impl Introduction {
    /// The id of whoever is introduced.
    #[must_use]
    pub fn id(&self, crypto: &CryptoProvider) -> DeviceId {
        self.keys.id(crypto)
    }

    pub(crate) fn is_for(
        &self,
        crypto: &CryptoProvider,
        circle: ObjectHash,
        sponsor: DeviceId,
    ) -> bool {
        let body = consented(sponsor, self.id(crypto), self.kind);
        is_signed(crypto, &self.keys, Label::Consent, circle, &body, &self.consent)
    }
}
