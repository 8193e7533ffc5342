//! Real cryptography, as fast as a model with many schedules needs it: sums are done once, since
//! what two keys agree on does not change when the next device asks; and a signature is a hash of
//! key and message, since nobody here forges any, and what comes of forgery other tests say.

use std::{cell::RefCell, collections::HashMap};

use towline_crypto::{
    Ecdh, EcdhKey, Error, P256PublicKey, Random, Secret, SignatureAlgorithm, SigningKey,
};

use super::*;

/// How much is remembered in a thread before it begins anew.
const MOST: usize = 1 << 14;

/// Sums by their names, and what came of them.
struct Known<T>(HashMap<[u8; 32], T>);

impl<T> Default for Known<T> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<T: Clone> Known<T> {
    fn insert(&mut self, name: [u8; 32], value: T) {
        if self.0.len() >= MOST {
            self.0.clear();
        }
        self.0.insert(name, value);
    }
}

thread_local! {
    static AGREED: RefCell<Known<Secret<32>>> = RefCell::default();
    static POINTS: RefCell<Known<P256PublicKey>> = RefCell::default();
    static SIGNING: RefCell<Known<Arc<dyn SigningKey>>> = RefCell::default();
    static AGREEING: RefCell<Known<Arc<dyn EcdhKey>>> = RefCell::default();
}

/// What is known by this name in this thread, or what this gives.
fn once<T: Clone>(
    known: &RefCell<Known<T>>,
    name: [u8; 32],
    sum: impl FnOnce() -> Result<T, Error>,
) -> Result<T, Error> {
    if let Some(value) = known.borrow().0.get(&name) {
        return Ok(value.clone());
    }
    let value = sum()?;
    known.borrow_mut().insert(name, value.clone());
    Ok(value)
}

/// The provider whose sums are done once in each thread. All of it follows from its randomness, so
/// that a seed makes the same schedule each time.
pub(super) fn provider() -> CryptoProvider {
    CryptoProvider { ecdh: &Once, signatures: &ALGORITHMS, ..towline_crypto_fastest::provider() }
}

static ALGORITHMS: [&dyn SignatureAlgorithm; 1] = [&Once];

struct Once;

fn es256() -> &'static dyn SignatureAlgorithm {
    towline_crypto_fastest::provider().signature(-7).unwrap()
}

fn ecdh() -> &'static dyn Ecdh {
    towline_crypto_fastest::provider().ecdh
}

/// The name of a sum: the parts with their lengths.
fn name(parts: &[&[u8]]) -> [u8; 32] {
    let lengths: Vec<u8> = parts.iter().flat_map(|part| part.len().to_be_bytes()).collect();
    rustcrypto::provider().sha256.hash(&[&[&lengths[..]], parts].concat())
}

impl SignatureAlgorithm for Once {
    fn cose_algorithm(&self) -> i64 {
        -7
    }

    fn generate(&self, random: &dyn Random) -> Result<Box<dyn SigningKey>, Error> {
        Ok(Box::new(Signing(es256().generate(random)?.into())))
    }

    fn load(&self, private: &[u8]) -> Result<Box<dyn SigningKey>, Error> {
        let key = SIGNING
            .with(|known| once(known, name(&[private]), || es256().load(private).map(Arc::from)))?;
        Ok(Box::new(Signing(key)))
    }

    fn verify(&self, public_key: &[u8], message: &[u8], signature: &[u8]) -> Result<(), Error> {
        if signature == hash(public_key, message) { Ok(()) } else { Err(Error::Authentication) }
    }
}

/// In place of a signature. Whoever verifies it has the key as a compressed point.
fn hash(public_key: &[u8], message: &[u8]) -> [u8; 32] {
    let x = public_key.get(1..33).unwrap();
    name(&[x, message])
}

struct Signing(Arc<dyn SigningKey>);

impl SigningKey for Signing {
    fn public_key(&self) -> &[u8] {
        self.0.public_key()
    }

    fn sign(&self, parts: &[&[u8]]) -> Result<Vec<u8>, Error> {
        Ok(hash(self.public_key(), &parts.concat()).to_vec())
    }

    fn private_bytes(&self) -> Result<Zeroizing<Vec<u8>>, Error> {
        self.0.private_bytes()
    }
}

impl Ecdh for Once {
    fn generate(&self, random: &dyn Random) -> Result<Box<dyn EcdhKey>, Error> {
        Ok(Box::new(Agreeing(ecdh().generate(random)?.into())))
    }

    fn load(&self, scalar: &Secret<32>) -> Result<Box<dyn EcdhKey>, Error> {
        let load = || ecdh().load(scalar).map(Arc::from);
        Ok(Box::new(Agreeing(AGREEING.with(|known| once(known, name(&[scalar.expose()]), load))?)))
    }

    fn public_key(&self, sec1: &[u8]) -> Result<P256PublicKey, Error> {
        POINTS.with(|known| once(known, name(&[sec1]), || ecdh().public_key(sec1)))
    }
}

struct Agreeing(Arc<dyn EcdhKey>);

impl EcdhKey for Agreeing {
    fn public_key(&self) -> &P256PublicKey {
        self.0.public_key()
    }

    fn agree(&self, peer: &P256PublicKey) -> Result<Secret<32>, Error> {
        // The same from either side.
        let mut pair = [self.0.public_key().as_bytes().as_slice(), peer.as_bytes()];
        pair.sort_unstable();
        AGREED.with(|known| once(known, name(&pair), || self.0.agree(peer)))
    }

    fn scalar(&self) -> Result<Secret<32>, Error> {
        self.0.scalar()
    }
}
