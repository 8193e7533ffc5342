//! Our cryptography in the shape that snow wants.
//!
//! Key pairs are made and loaded outside and only handed over, so that no public key is derived
//! twice and no scalar passes through snow. snow's traits can't report most failures: they are
//! remembered, and [`Health`] reports them.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicBool, Ordering},
};

use snow::{
    params::{CipherChoice, DHChoice, HashChoice},
    resolvers::CryptoResolver,
    types::{Cipher, Dh, Hash, Random},
};
use towline_crypto::{
    Aead, CryptoProvider, Ecdh, EcdhKey, Error, Hkdf, Hmac, P256PublicKey, Secret, Sha256Context,
};

/// Stands for the own private key in snow's builder, which wants bytes. It means nothing.
pub(super) const OWN_KEY: &[u8] = &[0; 32];

const HASH_LEN: usize = 32;
const PUBLIC_LEN: usize = 65;

/// The key pairs of one handshake.
pub(super) struct Keys {
    pub(super) own: Option<Arc<dyn EcdhKey>>,
    pub(super) ephemeral: Box<dyn EcdhKey>,
    /// The peer's static key, where it is known.
    pub(super) peer: Option<P256PublicKey>,
    /// The peer's ephemeral key, when its message has come.
    pub(super) peer_ephemeral: OnceLock<P256PublicKey>,
}

impl Keys {
    /// A key of the peer that has been checked, so that no point is read twice.
    fn checked(&self, point: &[u8]) -> Option<&P256PublicKey> {
        let known = [self.peer.as_ref(), self.peer_ephemeral.get()];
        known.into_iter().flatten().find(|key| key.as_bytes() == point)
    }
}

/// What is shared with the resolver when snow has it.
pub(super) struct Health {
    failed: Arc<AtomicBool>,
    keys: Arc<Keys>,
}

impl Health {
    /// Whether anything failed that snow could not be told of.
    pub(super) fn check(&self) -> Result<(), Error> {
        if self.failed.load(Ordering::Relaxed) { Err(Error::Unsupported) } else { Ok(()) }
    }

    /// The peer's message has brought this key, which was checked. A handshake reads one message
    /// only.
    pub(super) fn knows(&self, ephemeral: P256PublicKey) {
        self.keys.peer_ephemeral.get_or_init(|| ephemeral);
    }
}

pub(super) struct Resolver {
    hasher: &'static dyn towline_crypto::Sha256,
    hmac: &'static dyn Hmac,
    hkdf: &'static dyn Hkdf,
    aead: &'static dyn Aead,
    ecdh: &'static dyn Ecdh,
    keys: Arc<Keys>,
    failed: Arc<AtomicBool>,
}

impl Resolver {
    pub(super) fn new(provider: &CryptoProvider, keys: Keys) -> (Self, Health) {
        let (failed, keys) = (Arc::new(AtomicBool::new(false)), Arc::new(keys));
        let resolver = Self {
            hasher: provider.sha256,
            hmac: provider.hmac,
            hkdf: provider.hkdf,
            aead: provider.aead,
            ecdh: provider.ecdh,
            keys: keys.clone(),
            failed: failed.clone(),
        };
        (resolver, Health { failed, keys })
    }
}

impl CryptoResolver for Resolver {
    fn resolve_rng(&self) -> Option<Box<dyn Random>> {
        Some(Box::new(NoRandom))
    }

    fn resolve_dh(&self, choice: &DHChoice) -> Option<Box<dyn Dh>> {
        if *choice != DHChoice::P256 {
            return None;
        }
        let keys = self.keys.clone();
        Some(Box::new(KeyAgreement { ecdh: self.ecdh, keys, role: Role::Unused }))
    }

    fn resolve_hash(&self, choice: &HashChoice) -> Option<Box<dyn Hash>> {
        if *choice != HashChoice::SHA256 {
            return None;
        }
        Some(Box::new(Sha256 {
            context: self.hasher.start(),
            hmac: self.hmac,
            hkdf: self.hkdf,
            failed: self.failed.clone(),
        }))
    }

    fn resolve_cipher(&self, choice: &CipherChoice) -> Option<Box<dyn Cipher>> {
        if *choice != CipherChoice::AESGCM {
            return None;
        }
        let failed = self.failed.clone();
        Some(Box::new(AesGcm { aead: self.aead, key: None, failed }))
    }
}

/// Nothing here draws from snow's random source: the ephemeral key is made beforehand.
struct NoRandom;

impl Random for NoRandom {
    fn try_fill_bytes(&mut self, _: &mut [u8]) -> Result<(), snow::Error> {
        Err(snow::Error::Rng)
    }
}

#[derive(Clone, Copy)]
enum Role {
    Unused,
    Own,
    Ephemeral,
}

struct KeyAgreement {
    ecdh: &'static dyn Ecdh,
    keys: Arc<Keys>,
    role: Role,
}

impl KeyAgreement {
    fn key(&self) -> Option<&dyn EcdhKey> {
        match self.role {
            Role::Unused => None,
            Role::Own => self.keys.own.as_deref(),
            Role::Ephemeral => Some(&*self.keys.ephemeral),
        }
    }
}

impl Dh for KeyAgreement {
    fn name(&self) -> &'static str {
        "P256"
    }

    fn pub_len(&self) -> usize {
        PUBLIC_LEN
    }

    fn priv_len(&self) -> usize {
        32
    }

    /// Called for the static key only.
    fn set(&mut self, _: &[u8]) {
        self.role = Role::Own;
    }

    /// Called for the ephemeral key only.
    fn generate(&mut self, _: &mut dyn Random) -> Result<(), snow::Error> {
        self.role = Role::Ephemeral;
        Ok(())
    }

    fn pubkey(&self) -> &[u8] {
        self.key().map_or(&[], |key| key.public_key().as_bytes())
    }

    fn privkey(&self) -> &[u8] {
        &[]
    }

    fn dh(&self, pubkey: &[u8], out: &mut [u8]) -> Result<(), snow::Error> {
        let peer = match self.keys.checked(pubkey) {
            Some(peer) => *peer,
            None => self.ecdh.public_key(pubkey).map_err(|_| snow::Error::Dh)?,
        };
        let shared =
            self.key().ok_or(snow::Error::Dh)?.agree(&peer).map_err(|_| snow::Error::Dh)?;
        fill(out, shared.expose()).ok_or(snow::Error::Dh)
    }

    /// The x coordinate only, which Noise itself does not foresee.
    fn dh_len(&self) -> usize {
        32
    }
}

struct Sha256 {
    context: Box<dyn Sha256Context>,
    hmac: &'static dyn Hmac,
    hkdf: &'static dyn Hkdf,
    failed: Arc<AtomicBool>,
}

impl Hash for Sha256 {
    fn name(&self) -> &'static str {
        "SHA256"
    }

    fn block_len(&self) -> usize {
        64
    }

    fn hash_len(&self) -> usize {
        HASH_LEN
    }

    fn reset(&mut self) {
        self.context.finish_reset();
    }

    fn input(&mut self, data: &[u8]) {
        self.context.update(data);
    }

    fn result(&mut self, out: &mut [u8]) {
        if fill(out, &self.context.finish_reset()).is_none() {
            self.failed.store(true, Ordering::Relaxed);
        }
    }

    fn hmac(&mut self, key: &[u8], data: &[u8], out: &mut [u8]) {
        if fill(out, &self.hmac.key(key).sign(&[data])).is_none() {
            self.failed.store(true, Ordering::Relaxed);
        }
    }

    /// Noise's HKDF is that of RFC 5869 without info.
    fn hkdf(
        &mut self,
        chaining_key: &[u8],
        input_key_material: &[u8],
        outputs: usize,
        out1: &mut [u8],
        out2: &mut [u8],
        out3: &mut [u8],
    ) {
        let derived = Secret::<96>::try_init(|bytes| {
            let wanted = bytes.get_mut(..outputs.saturating_mul(HASH_LEN)).ok_or(Error::Length)?;
            self.hkdf.derive(chaining_key, input_key_material, &[], wanted)
        });
        let written = derived.ok().and_then(|bytes| {
            bytes
                .expose()
                .chunks(HASH_LEN)
                .zip([out1, out2, out3])
                .take(outputs)
                .try_for_each(|(bytes, out)| fill(out, bytes))
        });
        if written.is_none() {
            self.failed.store(true, Ordering::Relaxed);
        }
    }
}

struct AesGcm {
    aead: &'static dyn Aead,
    /// Expanded only when it is used: most of a handshake's keys never are.
    key: Option<Secret<32>>,
    failed: Arc<AtomicBool>,
}

impl Cipher for AesGcm {
    fn name(&self) -> &'static str {
        "AESGCM"
    }

    fn set(&mut self, key: &[u8; 32]) {
        self.key = Some(Secret::new(*key));
    }

    fn encrypt(&self, counter: u64, aad: &[u8], plaintext: &[u8], out: &mut [u8]) -> usize {
        let sealed = self.key.as_ref().and_then(|key| {
            let mut data = plaintext.to_vec();
            self.aead.key(key.expose()).seal(&nonce(counter), aad, &mut data).ok()?;
            fill(out, &data)?;
            Some(data.len())
        });
        sealed.unwrap_or_else(|| {
            self.failed.store(true, Ordering::Relaxed);
            0
        })
    }

    fn decrypt(
        &self,
        counter: u64,
        aad: &[u8],
        ciphertext: &[u8],
        out: &mut [u8],
    ) -> Result<usize, snow::Error> {
        let key = self.key.as_ref().ok_or(snow::Error::Decrypt)?;
        let mut data = ciphertext.to_vec();
        self.aead
            .key(key.expose())
            .open(&nonce(counter), aad, &mut data)
            .map_err(|_| snow::Error::Decrypt)?;
        fill(out, &data).ok_or(snow::Error::Decrypt)?;
        Ok(data.len())
    }
}

/// Noise's AES-GCM nonce: four zero bytes and the counter.
fn nonce(counter: u64) -> [u8; 12] {
    let [a, b, c, d, e, f, g, h] = counter.to_be_bytes();
    [0, 0, 0, 0, a, b, c, d, e, f, g, h]
}

/// Copies to the start of `out`; `None` when that is too short.
fn fill(out: &mut [u8], bytes: &[u8]) -> Option<()> {
    out.get_mut(..bytes.len())?.copy_from_slice(bytes);
    Some(())
}
