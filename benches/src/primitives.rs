//! Primitives of one provider, to be measured against those of another.

use std::{hint::black_box, sync::Arc};

use towline_crypto::{
    AeadKey, CryptoProvider, EcdhKey, P256PublicKey, Random, SignatureAlgorithm, SigningKey,
};

/// As long as authenticator data without extensions and a client data hash.
const MESSAGE: [&[u8]; 2] = [&[7; 37], &[8; 32]];

/// One signature algorithm and a key that is loaded and has signed before.
pub struct Signing {
    random: Arc<dyn Random>,
    algorithm: &'static dyn SignatureAlgorithm,
    key: Box<dyn SigningKey>,
    stored: Vec<u8>,
    message: Vec<u8>,
    signature: Vec<u8>,
}

impl Signing {
    /// The provider's implementation of a COSE algorithm.
    ///
    /// # Panics
    /// When it has none.
    #[must_use]
    pub fn new(provider: &CryptoProvider, cose_algorithm: i64) -> Self {
        let algorithm = provider.signature(cose_algorithm).unwrap();
        let key = algorithm.generate(&*provider.random).unwrap();
        key.public_key();
        Self {
            random: Arc::clone(&provider.random),
            algorithm,
            stored: key.private_bytes().unwrap().to_vec(),
            message: MESSAGE.concat(),
            signature: key.sign(&MESSAGE).unwrap(),
            key,
        }
    }

    /// A new key with its public half.
    pub fn generate(&self) {
        black_box(self.algorithm.generate(&*self.random).unwrap().public_key());
    }

    /// A signature by the loaded key.
    pub fn sign(&self) {
        black_box(self.key.sign(black_box(&MESSAGE)).unwrap());
    }

    /// What the first sign-in with a stored key costs.
    pub fn load_and_sign(&self) {
        let key = self.algorithm.load(black_box(&self.stored)).unwrap();
        black_box(key.sign(black_box(&MESSAGE)).unwrap());
    }

    /// A right signature is checked.
    pub fn verify(&self) {
        let public = black_box(self.key.public_key());
        self.algorithm.verify(public, &self.message, &self.signature).unwrap();
    }
}

/// A key for ECDH on P-256 and a peer.
pub struct Agreement {
    provider: CryptoProvider,
    key: Box<dyn EcdhKey>,
    peer: P256PublicKey,
}

impl Agreement {
    /// Fresh keys on both sides.
    #[must_use]
    pub fn new(provider: &CryptoProvider) -> Self {
        let generate = || provider.ecdh.generate(&*provider.random).unwrap();
        let peer = *generate().public_key();
        Self { provider: provider.clone(), key: generate(), peer }
    }

    /// A new key with its public half.
    pub fn generate(&self) {
        black_box(self.provider.ecdh.generate(&*self.provider.random).unwrap().public_key());
    }

    /// The shared secret.
    pub fn agree(&self) {
        black_box(self.key.agree(black_box(&self.peer)).unwrap());
    }
}

/// Messages of one size, sealed and opened.
pub struct Sealing {
    provider: CryptoProvider,
    key: Box<dyn AeadKey>,
    size: usize,
}

impl Sealing {
    /// With a prepared key.
    #[must_use]
    pub fn new(provider: &CryptoProvider, size: usize) -> Self {
        Self { key: provider.aead.key(&[3; 32]), provider: provider.clone(), size }
    }

    /// Sealed and opened again, the buffer included.
    pub fn round_trip(&self) {
        round_trip(&*self.key, self.size);
    }

    /// The same with a key that is not prepared yet.
    pub fn new_key(&self) {
        round_trip(&*self.provider.aead.key(black_box(&[3; 32])), self.size);
    }
}

fn round_trip(key: &dyn AeadKey, size: usize) {
    let mut data = Vec::with_capacity(size + 16);
    data.resize(size, 5);
    key.seal(&[1; 12], &[], &mut data).unwrap();
    key.open(&[1; 12], &[], black_box(&mut data)).unwrap();
    black_box(data);
}

/// The hash of 64 bytes.
pub fn sha256(provider: &CryptoProvider) {
    black_box(provider.sha256.hash(black_box(&[&[0; 64]])));
}

/// 64 bytes from a secret of 32 and a salt of 16.
pub fn hkdf(provider: &CryptoProvider) {
    let mut output = [0; 64];
    provider.hkdf.derive(black_box(&[1; 16]), &[2; 32], &[1, 0, 0, 0], &mut output).unwrap();
    black_box(output);
}
