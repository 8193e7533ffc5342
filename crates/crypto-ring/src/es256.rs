//! ES256: ECDSA on P-256 with SHA-256, by ring where that is faster.

use std::sync::{
    OnceLock,
    atomic::{AtomicBool, Ordering},
};

use ring::{
    rand::SystemRandom,
    signature::{
        ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, UnparsedPublicKey,
    },
};
use towline_crypto::{Error, Random, SignatureAlgorithm, SigningKey, rustcrypto};
use zeroize::Zeroizing;

const ES256: i64 = -7;

pub(crate) struct Es256;

/// Where the scalar stands in the PKCS #8 structure that ring writes (RFC 5958, RFC 5915). The
/// uncompressed point ends it.
const SCALAR: std::ops::Range<usize> = 36..68;

/// A key from ring's own randomness, the operating system's.
fn generate_by_ring() -> Result<Box<dyn SigningKey>, Error> {
    let made = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &SystemRandom::new())
        .map_err(|_| Error::Random)?;
    let structure = made.as_ref();
    let scalar = structure.get(SCALAR).ok_or(Error::InvalidPrivateKey)?;
    let public = structure.last_chunk::<65>().ok_or(Error::InvalidPublicKey)?;
    let key = Key::new(portable()?.load(scalar)?, true);
    Ok(Box::new(Key { public: Some(*public), ..key }))
}

/// The same algorithm in the portable provider, for what ring does not offer.
fn portable() -> Result<&'static dyn SignatureAlgorithm, Error> {
    rustcrypto::provider().signature(ES256).ok_or(Error::Unsupported)
}

impl SignatureAlgorithm for Es256 {
    fn cose_algorithm(&self) -> i64 {
        ES256
    }

    fn generate(&self, random: &dyn Random) -> Result<Box<dyn SigningKey>, Error> {
        // ring makes keys from its own randomness only.
        if random.is_system() {
            return generate_by_ring();
        }
        Ok(Box::new(Key::new(portable()?.generate(random)?, true)))
    }

    fn load(&self, private: &[u8]) -> Result<Box<dyn SigningKey>, Error> {
        Ok(Box::new(Key::new(portable()?.load(private)?, false)))
    }

    fn verify(&self, public_key: &[u8], message: &[u8], signature: &[u8]) -> Result<(), Error> {
        // ring takes uncompressed points only.
        if public_key.first() != Some(&0x04) {
            return portable()?.verify(public_key, message, signature);
        }
        let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, public_key);
        match key.verify(message, signature) {
            Ok(()) => Ok(()),
            // ring does not say why it refuses; the portable provider does. Neither overrules the
            // other's refusal.
            Err(_) => {
                portable()?.verify(public_key, message, signature)?;
                Err(Error::Authentication)
            }
        }
    }
}

/// A key of the portable provider, and ring's form of it once that pays.
///
/// ring takes a private key together with its public half only, and multiplies the base point once
/// to compare them. A key that is loaded to sign once is done sooner by the portable provider,
/// which needs no public half to sign.
struct Key {
    portable: Box<dyn SigningKey>,
    /// The public half where ring has computed it.
    public: Option<[u8; 65]>,
    pair: OnceLock<EcdsaKeyPair>,
    /// Whether the next signature is worth preparing the pair for: the public half is known, or
    /// this is not the first.
    prepare: AtomicBool,
}

impl Key {
    fn new(portable: Box<dyn SigningKey>, prepare: bool) -> Self {
        let (public, pair) = (None, OnceLock::new());
        Self { portable, public, pair, prepare: AtomicBool::new(prepare) }
    }

    fn pair(&self) -> Result<&EcdsaKeyPair, Error> {
        if let Some(pair) = self.pair.get() {
            return Ok(pair);
        }
        let pair = EcdsaKeyPair::from_private_key_and_public_key(
            &ECDSA_P256_SHA256_ASN1_SIGNING,
            &self.portable.private_bytes()?,
            self.public_key(),
            &SystemRandom::new(),
        )
        .map_err(|_| Error::KeyUnavailable)?;
        Ok(self.pair.get_or_init(|| pair))
    }
}

impl SigningKey for Key {
    fn public_key(&self) -> &[u8] {
        self.prepare.store(true, Ordering::Relaxed);
        match &self.public {
            Some(public) => public,
            None => self.portable.public_key(),
        }
    }

    fn sign(&self, parts: &[&[u8]]) -> Result<Vec<u8>, Error> {
        if !self.prepare.swap(true, Ordering::Relaxed) {
            return self.portable.sign(parts);
        }
        let signature = self.pair()?.sign(&SystemRandom::new(), &parts.concat());
        signature.map(|signature| signature.as_ref().to_vec()).map_err(|_| Error::Random)
    }

    fn private_bytes(&self) -> Result<Zeroizing<Vec<u8>>, Error> {
        self.portable.private_bytes()
    }
}
