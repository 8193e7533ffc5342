//! Real cryptography, each sum done once: that a signature is good, or what two keys agree on, does
//! not change when the next device asks.

use std::{cell::RefCell, collections::HashMap};

use towline_crypto::{
    Ecdh, EcdhKey, Error, P256PublicKey, Random, Secret, SignatureAlgorithm, SigningKey,
};

use super::*;

/// How much is remembered in a thread before it begins anew.
const MOST: usize = 1 << 14;

#[derive(Default)]
struct Known {
    verified: HashMap<[u8; 32], Result<(), Error>>,
    agreed: HashMap<[u8; 32], Secret<32>>,
}

thread_local! {
    static KNOWN: RefCell<Known> = RefCell::default();
}

/// The provider whose sums are done once in each thread.
pub(super) fn provider() -> CryptoProvider {
    CryptoProvider { ecdh: &Once, signatures: &ALGORITHMS, ..rustcrypto::provider() }
}

static ALGORITHMS: [&dyn SignatureAlgorithm; 1] = [&Once];

struct Once;

fn es256() -> &'static dyn SignatureAlgorithm {
    rustcrypto::provider().signature(-7).unwrap()
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
        es256().generate(random)
    }

    fn load(&self, private: &[u8]) -> Result<Box<dyn SigningKey>, Error> {
        es256().load(private)
    }

    fn verify(&self, public_key: &[u8], message: &[u8], signature: &[u8]) -> Result<(), Error> {
        let name = name(&[public_key, message, signature]);
        if let Some(known) = KNOWN.with_borrow(|known| known.verified.get(&name).copied()) {
            return known;
        }
        let verified = es256().verify(public_key, message, signature);
        KNOWN.with_borrow_mut(|known| {
            if known.verified.len() >= MOST {
                known.verified.clear();
            }
            known.verified.insert(name, verified);
        });
        verified
    }
}

impl Ecdh for Once {
    fn generate(&self, random: &dyn Random) -> Result<Box<dyn EcdhKey>, Error> {
        Ok(Box::new(Key(rustcrypto::provider().ecdh.generate(random)?)))
    }

    fn load(&self, scalar: &Secret<32>) -> Result<Box<dyn EcdhKey>, Error> {
        Ok(Box::new(Key(rustcrypto::provider().ecdh.load(scalar)?)))
    }

    fn public_key(&self, sec1: &[u8]) -> Result<P256PublicKey, Error> {
        rustcrypto::provider().ecdh.public_key(sec1)
    }
}

struct Key(Box<dyn EcdhKey>);

impl EcdhKey for Key {
    fn public_key(&self) -> &P256PublicKey {
        self.0.public_key()
    }

    fn agree(&self, peer: &P256PublicKey) -> Result<Secret<32>, Error> {
        // The same from either side.
        let mut pair = [self.0.public_key().as_bytes().as_slice(), peer.as_bytes()];
        pair.sort_unstable();
        let name = name(&pair);
        if let Some(known) = KNOWN.with_borrow(|known| known.agreed.get(&name).cloned()) {
            return Ok(known);
        }
        let agreed = self.0.agree(peer)?;
        KNOWN.with_borrow_mut(|known| {
            if known.agreed.len() >= MOST {
                known.agreed.clear();
            }
            known.agreed.insert(name, agreed.clone());
        });
        Ok(agreed)
    }

    fn scalar(&self) -> Result<Secret<32>, Error> {
        self.0.scalar()
    }
}
