//! A provider that remembers every secret that went through it.

use std::sync::{Arc, Mutex};

use towline::crypto::{
    Aead, AeadKey, CryptoProvider, Ecdh, EcdhKey, Error, Hkdf, Hmac, HmacKey, P256PublicKey,
    Random, Secret, rustcrypto,
};

/// Shorter values stand in a log by chance.
const LONG: usize = 16;

type Record = Arc<Mutex<Vec<(&'static str, Vec<u8>)>>>;

/// What was recorded.
#[derive(Clone)]
pub struct Recorder {
    record: Record,
    inner: CryptoProvider,
}

impl Recorder {
    pub fn new() -> Self {
        Self { record: Arc::default(), inner: rustcrypto::provider() }
    }

    /// The provider. The parts that a provider borrows for ever are leaked: this is a test.
    pub fn provider(&self) -> CryptoProvider {
        let leaked: &'static Self = Box::leak(Box::new(self.clone()));
        CryptoProvider {
            random: Arc::new(self.clone()),
            hmac: leaked,
            hkdf: leaked,
            aead: leaked,
            ecdh: leaked,
            ..self.inner.clone()
        }
    }

    pub fn recorded(&self) -> Vec<(&'static str, Vec<u8>)> {
        self.record.lock().unwrap().clone()
    }

    fn note(&self, what: &'static str, bytes: &[u8]) {
        note(&self.record, what, bytes);
    }
}

fn note(record: &Record, what: &'static str, bytes: &[u8]) {
    if bytes.len() >= LONG && bytes.iter().any(|byte| *byte != 0) {
        record.lock().unwrap().push((what, bytes.to_vec()));
    }
}

impl Random for Recorder {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), Error> {
        self.inner.random.fill(buffer)?;
        self.note("random bytes", buffer);
        Ok(())
    }
}

impl Hmac for Recorder {
    fn key(&self, key: &[u8]) -> Box<dyn HmacKey> {
        self.note("an HMAC key", key);
        self.inner.hmac.key(key)
    }
}

impl Hkdf for Recorder {
    fn derive(
        &self,
        salt: &[u8],
        secret: &[u8],
        info: &[u8],
        output: &mut [u8],
    ) -> Result<(), Error> {
        self.inner.hkdf.derive(salt, secret, info, output)?;
        self.note("a derived secret", output);
        Ok(())
    }
}

impl Aead for Recorder {
    fn key(&self, key: &[u8; 32]) -> Box<dyn AeadKey> {
        self.note("an AEAD key", key);
        self.inner.aead.key(key)
    }
}

impl Ecdh for Recorder {
    fn generate(&self, random: &dyn Random) -> Result<Box<dyn EcdhKey>, Error> {
        let key = self.inner.ecdh.generate(random)?;
        Ok(Box::new(Agreeing { record: self.record.clone(), key }))
    }

    fn load(&self, scalar: &Secret<32>) -> Result<Box<dyn EcdhKey>, Error> {
        self.note("a private key", scalar.expose());
        let key = self.inner.ecdh.load(scalar)?;
        Ok(Box::new(Agreeing { record: self.record.clone(), key }))
    }

    fn public_key(&self, sec1: &[u8]) -> Result<P256PublicKey, Error> {
        self.inner.ecdh.public_key(sec1)
    }
}

struct Agreeing {
    record: Record,
    key: Box<dyn EcdhKey>,
}

impl EcdhKey for Agreeing {
    fn public_key(&self) -> &P256PublicKey {
        self.key.public_key()
    }

    fn agree(&self, peer: &P256PublicKey) -> Result<Secret<32>, Error> {
        let shared = self.key.agree(peer)?;
        note(&self.record, "a shared secret", shared.expose());
        Ok(shared)
    }

    fn scalar(&self) -> Result<Secret<32>, Error> {
        self.key.scalar()
    }
}
