//! PIN/UV auth protocols one and two (CTAP 2.3 §6.5.6, §6.5.7): key agreement, encryption and MACs.

use std::fmt;

use towline_crypto::{CryptoProvider, EcdhKey, Secret};
use towline_ctap::{KeyAgreementKey, Status};
use zeroize::Zeroizing;

/// The AES block, and so the initialization vector, in bytes.
const BLOCK: usize = 16;

/// A PIN/UV auth protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PinUvAuthProtocol {
    /// Protocol one, from CTAP 2.0.
    One,
    /// Protocol two, from CTAP 2.1.
    Two,
}

impl PinUvAuthProtocol {
    /// The number on the wire.
    #[must_use]
    pub const fn identifier(self) -> u64 {
        match self {
            Self::One => 1,
            Self::Two => 2,
        }
    }

    /// Whether `param` is the MAC of the parts under a token.
    pub(crate) fn verify(
        self,
        provider: &CryptoProvider,
        key: &Secret<32>,
        parts: &[&[u8]],
        param: &[u8],
    ) -> bool {
        let length = match self {
            Self::One => BLOCK,
            Self::Two => 2 * BLOCK,
        };
        param.len() == length && provider.hmac.key(key.expose()).verify(parts, param).is_ok()
    }

    /// The keys from the x coordinate of the shared point.
    fn derive(self, provider: &CryptoProvider, z: &Secret<32>) -> Result<SharedSecret, Status> {
        let key = |info: &[u8]| {
            Secret::try_init(|key| provider.hkdf.derive(&[0; 32], z.expose(), info, key))
                .map_err(|_| Status::Other)
        };
        let (hmac, aes) = match self {
            Self::One => {
                let both = Secret::new(provider.sha256.hash(&[z.expose()]));
                (both.clone(), both)
            }
            Self::Two => (key(b"CTAP2 HMAC key")?, key(b"CTAP2 AES key")?),
        };
        Ok(SharedSecret { protocol: self, hmac, aes })
    }
}

/// What both sides know after a key agreement.
pub(crate) struct SharedSecret {
    protocol: PinUvAuthProtocol,
    hmac: Secret<32>,
    aes: Secret<32>,
}

impl SharedSecret {
    /// Encrypts whole blocks.
    pub(crate) fn encrypt(
        &self,
        provider: &CryptoProvider,
        message: &[u8],
    ) -> Result<Vec<u8>, Status> {
        let iv = match self.protocol {
            PinUvAuthProtocol::One => [0; BLOCK],
            PinUvAuthProtocol::Two => provider.random.bytes().map_err(|_| Status::Other)?,
        };
        let mut data = message.to_vec();
        provider
            .aes256_cbc
            .encrypt(self.aes.expose(), &iv, &mut data)
            .map_err(|_| Status::Other)?;
        Ok(match self.protocol {
            PinUvAuthProtocol::One => data,
            PinUvAuthProtocol::Two => [iv.as_slice(), &data].concat(),
        })
    }

    /// Decrypts; `None` where it has not the length that it must have.
    pub(crate) fn decrypt(
        &self,
        provider: &CryptoProvider,
        ciphertext: &[u8],
    ) -> Option<Zeroizing<Vec<u8>>> {
        let (iv, blocks) = match self.protocol {
            PinUvAuthProtocol::One => (&[0; BLOCK], ciphertext),
            PinUvAuthProtocol::Two => ciphertext.split_first_chunk()?,
        };
        let mut data = Zeroizing::new(blocks.to_vec());
        provider.aes256_cbc.decrypt(self.aes.expose(), iv, &mut data).ok()?;
        Some(data)
    }

    /// Whether `param` is the MAC of the parts.
    pub(crate) fn verify(&self, provider: &CryptoProvider, parts: &[&[u8]], param: &[u8]) -> bool {
        self.protocol.verify(provider, &self.hmac, parts, param)
    }
}

/// The authenticator's keys for the key agreement, one for each protocol. They are made when they
/// are first needed.
#[derive(Default)]
pub(crate) struct KeyAgreement {
    one: Option<Box<dyn EcdhKey>>,
    two: Option<Box<dyn EcdhKey>>,
}

impl KeyAgreement {
    /// getPublicKey().
    pub(crate) fn public_key(
        &mut self,
        provider: &CryptoProvider,
        protocol: PinUvAuthProtocol,
    ) -> Result<KeyAgreementKey, Status> {
        Ok(self.key(provider, protocol)?.public_key().into())
    }

    /// decapsulate(): a peer's key that is no point of the curve is an invalid parameter.
    pub(crate) fn decapsulate(
        &mut self,
        provider: &CryptoProvider,
        protocol: PinUvAuthProtocol,
        peer: &KeyAgreementKey,
    ) -> Result<SharedSecret, Status> {
        let peer = provider.ecdh.public_key(&peer.point()).map_err(|_| Status::InvalidParameter)?;
        let key = self.key(provider, protocol)?;
        let z = key.agree(&peer).map_err(|_| Status::InvalidParameter)?;
        protocol.derive(provider, &z)
    }

    /// regenerate(): the next use gets a new key.
    pub(crate) fn regenerate(&mut self, protocol: PinUvAuthProtocol) {
        *self.slot(protocol) = None;
    }

    fn key(
        &mut self,
        provider: &CryptoProvider,
        protocol: PinUvAuthProtocol,
    ) -> Result<&dyn EcdhKey, Status> {
        let slot = self.slot(protocol);
        let key = match slot.take() {
            Some(key) => key,
            None => provider.ecdh.generate(&*provider.random).map_err(|_| Status::Other)?,
        };
        Ok(&**slot.insert(key))
    }

    const fn slot(&mut self, protocol: PinUvAuthProtocol) -> &mut Option<Box<dyn EcdhKey>> {
        match protocol {
            PinUvAuthProtocol::One => &mut self.one,
            PinUvAuthProtocol::Two => &mut self.two,
        }
    }
}

impl fmt::Debug for KeyAgreement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyAgreement")
    }
}
