//! The platform's side of PIN/UV auth protocols one and two (CTAP 2.3 §6.5.5 to §6.5.7).

use std::fmt;

use towline_crypto::CryptoProvider;
use towline_ctap::{ClientDataHash, GetInfo, KeyAgreementKey};
use zeroize::{Zeroize as _, Zeroizing};

use super::PinError;

/// A PIN/UV auth protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    One,
    Two,
}

impl Protocol {
    /// The first that both sides speak, as the authenticator prefers. CTAP 2.0 lets it leave the
    /// list out.
    pub(crate) fn choose(info: &GetInfo) -> Option<Self> {
        let Some(offered) = &info.pin_uv_auth_protocols else { return Some(Self::One) };
        offered.iter().find_map(|protocol| match protocol {
            1 => Some(Self::One),
            2 => Some(Self::Two),
            _ => None,
        })
    }

    pub(crate) const fn number(self) -> u64 {
        match self {
            Self::One => 1,
            Self::Two => 2,
        }
    }

    fn authenticate(self, provider: &CryptoProvider, key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
        let mac = provider.hmac.key(key).sign(parts);
        let length = match self {
            Self::One => 16,
            Self::Two => 32,
        };
        mac.get(..length).unwrap_or_default().to_vec()
    }
}

/// What the two sides have agreed on; good for one exchange.
pub(crate) struct SharedSecret {
    protocol: Protocol,
    /// The platform's public key.
    pub(crate) key: KeyAgreementKey,
    aes: Zeroizing<[u8; 32]>,
    hmac: Zeroizing<[u8; 32]>,
    provider: CryptoProvider,
}

impl SharedSecret {
    /// Agrees with the holder of this key.
    ///
    /// # Errors
    /// [`PinError::Misbehaved`] where it is not a point of the curve, [`PinError::Crypto`].
    pub(crate) fn agree(
        protocol: Protocol,
        theirs: &KeyAgreementKey,
        provider: &CryptoProvider,
    ) -> Result<Self, PinError> {
        let failed = |_| PinError::Crypto;
        let theirs = provider.ecdh.public_key(&theirs.point()).map_err(|_| PinError::Misbehaved)?;
        let own = provider.ecdh.generate(&*provider.random).map_err(failed)?;
        let z = own.agree(&theirs).map_err(|_| PinError::Misbehaved)?;
        let derive = |info: &[u8]| {
            let mut key = Zeroizing::new([0; 32]);
            provider.hkdf.derive(&[0; 32], z.expose(), info, &mut *key).map_err(failed)?;
            Ok::<_, PinError>(key)
        };
        let (hmac, aes) = match protocol {
            Protocol::One => {
                let key = Zeroizing::new(provider.sha256.hash(&[z.expose()]));
                (key.clone(), key)
            }
            Protocol::Two => (derive(b"CTAP2 HMAC key")?, derive(b"CTAP2 AES key")?),
        };
        let key = own.public_key().into();
        Ok(Self { protocol, key, aes, hmac, provider: provider.clone() })
    }

    pub(crate) const fn protocol(&self) -> u64 {
        self.protocol.number()
    }

    /// Encrypts whole blocks.
    pub(crate) fn encrypt(&self, plain: &[u8]) -> Result<Vec<u8>, PinError> {
        let failed = |_| PinError::Crypto;
        let iv = match self.protocol {
            Protocol::One => [0; 16],
            Protocol::Two => self.provider.random.bytes().map_err(failed)?,
        };
        let mut data = plain.to_vec();
        self.provider.aes256_cbc.encrypt(&self.aes, &iv, &mut data).map_err(failed)?;
        Ok(match self.protocol {
            Protocol::One => data,
            Protocol::Two => [&iv[..], &data].concat(),
        })
    }

    /// Decrypts whole blocks; `None` where they are none.
    pub(crate) fn decrypt(&self, encrypted: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (iv, data) = match self.protocol {
            Protocol::One => (&[0; 16], encrypted),
            Protocol::Two => encrypted.split_first_chunk()?,
        };
        let mut plain = Zeroizing::new(data.to_vec());
        self.provider.aes256_cbc.decrypt(&self.aes, iv, &mut plain).ok()?;
        Some(plain)
    }

    /// Decrypts the token. Its length is 16 or 32 bytes with protocol one, 32 with two.
    pub(crate) fn token(&self, encrypted: &[u8]) -> Result<PinUvAuthToken, PinError> {
        let value = self.decrypt(encrypted).ok_or(PinError::Misbehaved)?;
        let known = match self.protocol {
            Protocol::One => matches!(value.len(), 16 | 32),
            Protocol::Two => value.len() == 32,
        };
        if !known {
            return Err(PinError::Misbehaved);
        }
        Ok(PinUvAuthToken { protocol: self.protocol, value, provider: self.provider.clone() })
    }

    pub(crate) fn authenticate(&self, parts: &[&[u8]]) -> Vec<u8> {
        self.protocol.authenticate(&self.provider, &*self.hmac, parts)
    }

    /// The first half of the hash of a PIN, encrypted.
    pub(crate) fn pin_hash(&self, pin: &super::Pin) -> Result<Vec<u8>, PinError> {
        let mut hash = self.provider.sha256.hash(&[pin.as_bytes()]);
        let encrypted = self.encrypt(hash.get(..16).unwrap_or_default());
        hash.zeroize();
        encrypted
    }
}

impl fmt::Debug for SharedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedSecret").field("protocol", &self.protocol).finish_non_exhaustive()
    }
}

/// A pinUvAuthToken: it stands for a person who was verified.
pub(crate) struct PinUvAuthToken {
    protocol: Protocol,
    value: Zeroizing<Vec<u8>>,
    provider: CryptoProvider,
}

impl PinUvAuthToken {
    pub(crate) const fn protocol(&self) -> u64 {
        self.protocol.number()
    }

    /// Proves it for a request: `pinUvAuthParam`.
    pub(crate) fn proof(&self, hash: &ClientDataHash) -> Vec<u8> {
        self.proof_of(hash.as_bytes())
    }

    /// Proves it for another message.
    pub(crate) fn proof_of(&self, message: &[u8]) -> Vec<u8> {
        self.protocol.authenticate(&self.provider, &self.value, &[message])
    }
}

impl fmt::Debug for PinUvAuthToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PinUvAuthToken").field("protocol", &self.protocol).finish_non_exhaustive()
    }
}
