//! Keys from keys (TPM 2.0 Part 1 §11.4.10), and AES-128 in CFB mode, which encrypts parameters
//! (§21.3).

use towline_crypto::{CryptoProvider, Error, Secret};
use zeroize::Zeroizing;

use crate::{
    public::{Curve, Object, PublicArea},
    wire::Writer,
};

/// KDFa with SHA-256: at most 32 bytes from a key, for a purpose (Part 1 §11.4.10.2).
#[must_use]
pub fn kdfa<const N: usize>(
    provider: &CryptoProvider,
    key: &[u8],
    label: &str,
    context: [&[u8]; 2],
) -> Secret<N> {
    let [u, v] = context;
    let bits = bits::<N>();
    let parts: [&[u8]; 6] = [&[0, 0, 0, 1], label.as_bytes(), &[0], u, v, &bits];
    leftmost(Secret::new(provider.hmac.key(key).sign(&parts)))
}

/// KDFe with SHA-256: at most 32 bytes from a shared secret of ECDH (Part 1 §11.4.10.3).
#[must_use]
pub fn kdfe<const N: usize>(
    provider: &CryptoProvider,
    z: &[u8],
    purpose: &str,
    parties: [&[u8]; 2],
) -> Secret<N> {
    let [u, v] = parties;
    leftmost(Secret::new(provider.sha256.hash(&[&[0, 0, 0, 1], z, purpose.as_bytes(), &[0], u, v])))
}

/// A secret for whoever has the private half of a key on P-256, by ECDH with a key that is made for
/// it; and that key's point (`TPMS_ECC_POINT`), from which he gets the secret (Part 1 annex C.6).
///
/// # Errors
/// [`Error::InvalidPublicKey`] where it is no key on P-256, and what the cryptography fails with.
pub(crate) fn agreed(
    provider: &CryptoProvider,
    public: &PublicArea,
    purpose: &str,
) -> Result<(Secret<32>, Zeroizing<Vec<u8>>), Error> {
    let Object::Ecc { curve: Curve::P256, x, y, .. } = &public.object else {
        return Err(Error::InvalidPublicKey);
    };
    let theirs = provider.ecdh.public_key(&[&[4], x.as_slice(), y].concat())?;
    let ephemeral = provider.ecdh.generate(&*provider.random)?;
    let shared = ephemeral.agree(&theirs)?;
    let ours = ephemeral.public_key();
    let secret = kdfe(provider, shared.expose(), purpose, [ours.x(), theirs.x()]);
    Ok((secret, Writer::new().sized(ours.x()).sized(ours.y()).finish()))
}

fn bits<const N: usize>() -> [u8; 4] {
    const { assert!(N <= 32, "one block of SHA-256 is all there is") };
    u32::try_from(N.saturating_mul(8)).unwrap_or(u32::MAX).to_be_bytes()
}

fn leftmost<const N: usize>(block: Secret<32>) -> Secret<N> {
    const { assert!(N <= 32, "one block of SHA-256 is all there is") };
    let mut bytes = [0; N];
    for (to, from) in bytes.iter_mut().zip(block.expose()) {
        *to = *from;
    }
    Secret::new(bytes)
}

/// AES-128-CFB in place. Each block is the key stream that the ciphertext before it gives.
#[derive(Debug)]
pub struct Cfb {
    key: Secret<16>,
    iv: [u8; 16],
}

impl Cfb {
    /// A key, and where to start.
    #[must_use]
    pub const fn new(key: Secret<16>, iv: [u8; 16]) -> Self {
        Self { key, iv }
    }

    /// The key and the start of what encrypts a parameter: 32 bytes by `CFB` (Part 1 §21.3).
    pub(crate) fn of_parameter(
        provider: &CryptoProvider,
        key: &[u8],
        newer: &[u8],
        older: &[u8],
    ) -> Self {
        let both: Secret<32> = kdfa(provider, key, "CFB", [newer, older]);
        let (key, iv) = both.expose().split_at(16);
        let half = |bytes: &[u8]| {
            let mut half = [0; 16];
            half.copy_from_slice(bytes);
            half
        };
        Self::new(Secret::new(half(key)), half(iv))
    }

    /// Encrypts in place.
    pub fn encrypt(self, provider: &CryptoProvider, data: &mut [u8]) {
        let key = provider.aes128.key(self.key.expose());
        let mut before = self.iv;
        for block in data.chunks_mut(16) {
            key.encrypt(&mut before);
            for (byte, stream) in block.iter_mut().zip(&mut before) {
                *byte ^= *stream;
                *stream = *byte;
            }
        }
    }

    /// Decrypts in place.
    pub fn decrypt(self, provider: &CryptoProvider, data: &mut [u8]) {
        let key = provider.aes128.key(self.key.expose());
        let mut before = self.iv;
        for block in data.chunks_mut(16) {
            key.encrypt(&mut before);
            for (byte, stream) in block.iter_mut().zip(&mut before) {
                let cipher = *byte;
                *byte ^= *stream;
                *stream = cipher;
            }
        }
    }
}
