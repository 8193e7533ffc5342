//! The provider: one struct of trait objects.

use alloc::{boxed::Box, sync::Arc, vec::Vec};

use crate::{Error, P256PublicKey, Secret};

/// All the cryptography that towline uses, handed in explicitly.
///
/// Every field can be replaced on its own, so that an accelerator need only bring what it is good
/// at: `CryptoProvider { random: my_source, ..towline_crypto::rustcrypto::provider() }`. Cloning is
/// cheap.
#[derive(Clone)]
pub struct CryptoProvider {
    /// Where random bytes come from.
    pub random: Arc<dyn Random>,
    /// SHA-256.
    pub sha256: &'static dyn Sha256,
    /// HMAC-SHA-256.
    pub hmac: &'static dyn Hmac,
    /// HKDF-SHA-256.
    pub hkdf: &'static dyn Hkdf,
    /// One AES-256 block (the advert of the hybrid transport).
    pub aes256: &'static dyn Aes256,
    /// One AES-128 block (the identifiers in an authenticator's getInfo).
    pub aes128: &'static dyn Aes128,
    /// AES-256-CBC without padding (PIN/UV auth protocols).
    pub aes256_cbc: &'static dyn Aes256Cbc,
    /// AES-256-GCM with 96-bit nonces.
    pub aead: &'static dyn Aead,
    /// ECDH on P-256.
    pub ecdh: &'static dyn Ecdh,
    /// Signature algorithms in order of preference, each at most once.
    pub signatures: &'static [&'static dyn SignatureAlgorithm],
}

impl CryptoProvider {
    /// The implementation of a COSE algorithm (-7 is ES256), if this provider has it.
    #[must_use]
    pub fn signature(&self, cose_algorithm: i64) -> Option<&'static dyn SignatureAlgorithm> {
        self.signatures.iter().copied().find(|s| s.cose_algorithm() == cose_algorithm)
    }
}

impl core::fmt::Debug for CryptoProvider {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("CryptoProvider")
    }
}

/// A source of cryptographically secure random bytes.
pub trait Random: Send + Sync {
    /// Fills the whole buffer.
    ///
    /// # Errors
    /// [`Error::Random`]; the buffer's content is then unspecified and must not be used.
    fn fill(&self, buffer: &mut [u8]) -> Result<(), Error>;

    /// Whether this is the operating system's randomness, straight or through a generator that it
    /// seeds, so that nobody could tell if other bytes of it were taken.
    ///
    /// A library that makes keys from its own generator of that kind, and sooner than from bytes
    /// that it is given, may then do so and leave this source alone. A source that follows from a
    /// seed, is recorded or may fail says `false`, which is what a source says that does not answer
    /// here.
    fn is_system(&self) -> bool {
        false
    }
}

impl dyn Random + '_ {
    /// An array of random bytes.
    ///
    /// # Errors
    /// [`Error::Random`].
    pub fn bytes<const N: usize>(&self) -> Result<[u8; N], Error> {
        let mut out = [0; N];
        self.fill(&mut out)?;
        Ok(out)
    }

    /// A random secret that leaves no copy behind.
    ///
    /// # Errors
    /// [`Error::Random`].
    pub fn secret<const N: usize>(&self) -> Result<Secret<N>, Error> {
        Secret::try_init(|out| self.fill(out))
    }
}

/// SHA-256 (FIPS 180-4).
pub trait Sha256: Send + Sync {
    /// The hash of the parts, one after the other.
    fn hash(&self, parts: &[&[u8]]) -> [u8; 32];

    /// Starts a hash that is fed bit by bit.
    fn start(&self) -> Box<dyn Sha256Context>;
}

/// A SHA-256 computation under way.
pub trait Sha256Context: Send + Sync {
    /// Hashes these bytes after all earlier ones.
    fn update(&mut self, bytes: &[u8]);

    /// The hash of all that was appended; the context is as new afterwards.
    fn finish_reset(&mut self) -> [u8; 32];
}

/// HMAC-SHA-256 (RFC 2104).
pub trait Hmac: Send + Sync {
    /// Prepares a key, of any length, for any number of uses. The prepared key is wiped on drop.
    fn key(&self, key: &[u8]) -> Box<dyn HmacKey>;
}

/// A prepared HMAC-SHA-256 key.
pub trait HmacKey: Send + Sync {
    /// The full 32-byte tag over the parts, one after the other.
    fn sign(&self, parts: &[&[u8]]) -> [u8; 32];

    /// Compares, in constant time, `tag` with the leftmost `tag.len()` bytes of the tag over the
    /// parts.
    ///
    /// # Errors
    /// [`Error::Length`] for an empty tag or one of more than 32 bytes, [`Error::Authentication`]
    /// when it differs.
    fn verify(&self, parts: &[&[u8]], tag: &[u8]) -> Result<(), Error> {
        if tag.is_empty() {
            return Err(Error::Length);
        }
        let computed = self.sign(parts);
        let expected = computed.get(..tag.len()).ok_or(Error::Length)?;
        if crate::constant_time_eq(expected, tag) { Ok(()) } else { Err(Error::Authentication) }
    }
}

/// HKDF-SHA-256 (RFC 5869), extract and expand. An empty salt equals 32 zero bytes.
pub trait Hkdf: Send + Sync {
    /// Fills `output`, at most 8160 bytes.
    ///
    /// # Errors
    /// [`Error::Length`] when more than 8160 bytes are asked for.
    fn derive(
        &self,
        salt: &[u8],
        secret: &[u8],
        info: &[u8],
        output: &mut [u8],
    ) -> Result<(), Error>;
}

/// AES-256 on single blocks (FIPS 197).
pub trait Aes256: Send + Sync {
    /// Expands a key for any number of blocks. The expanded key is wiped on drop.
    fn key(&self, key: &[u8; 32]) -> Box<dyn BlockKey>;
}

/// An expanded AES key.
pub trait BlockKey: Send + Sync {
    /// Encrypts one block in place.
    fn encrypt(&self, block: &mut [u8; 16]);

    /// Decrypts one block in place.
    fn decrypt(&self, block: &mut [u8; 16]);
}

/// AES-128 on single blocks (FIPS 197).
pub trait Aes128: Send + Sync {
    /// Expands a key for any number of blocks. The expanded key is wiped on drop.
    fn key(&self, key: &[u8; 16]) -> Box<dyn BlockKey>;
}

/// AES-256-CBC without padding (NIST SP 800-38A).
pub trait Aes256Cbc: Send + Sync {
    /// Encrypts in place.
    ///
    /// # Errors
    /// [`Error::Length`] when the data is not a multiple of 16 bytes long.
    fn encrypt(&self, key: &[u8; 32], iv: &[u8; 16], data: &mut [u8]) -> Result<(), Error>;

    /// Decrypts in place.
    ///
    /// # Errors
    /// [`Error::Length`] when the data is not a multiple of 16 bytes long.
    fn decrypt(&self, key: &[u8; 32], iv: &[u8; 16], data: &mut [u8]) -> Result<(), Error>;
}

/// AES-256-GCM with 96-bit nonces and 128-bit tags (NIST SP 800-38D).
pub trait Aead: Send + Sync {
    /// Prepares a key. The prepared key is wiped on drop.
    fn key(&self, key: &[u8; 32]) -> Box<dyn AeadKey>;
}

/// A prepared AES-256-GCM key.
pub trait AeadKey: Send + Sync {
    /// Encrypts `data` in place and appends the 16-byte tag.
    ///
    /// # Errors
    /// [`Error::Length`] when the data is too long for the algorithm.
    fn seal(&self, nonce: &[u8; 12], aad: &[u8], data: &mut Vec<u8>) -> Result<(), Error>;

    /// Checks the tag that ends `data`, decrypts in place and cuts the tag off.
    ///
    /// # Errors
    /// [`Error::Authentication`] when the tag does not match or is not there; `data` is then left
    /// as it was, or empty.
    fn open(&self, nonce: &[u8; 12], aad: &[u8], data: &mut Vec<u8>) -> Result<(), Error>;
}

/// ECDH on P-256 (NIST SP 800-56A).
pub trait Ecdh: Send + Sync {
    /// A new key pair. Its randomness comes from `random`, or from the library's own generator
    /// where [`Random::is_system`] allows it.
    ///
    /// # Errors
    /// [`Error::Random`].
    fn generate(&self, random: &dyn Random) -> Result<Box<dyn EcdhKey>, Error>;

    /// Loads a private key from its big-endian scalar.
    ///
    /// # Errors
    /// [`Error::InvalidPrivateKey`] for zero, or a scalar not below the group order.
    fn load(&self, scalar: &Secret<32>) -> Result<Box<dyn EcdhKey>, Error>;

    /// Reads a public key in uncompressed (65 bytes, `04`) or compressed (33 bytes, `02`/`03`) form
    /// and checks that it is on the curve.
    ///
    /// # Errors
    /// [`Error::InvalidPublicKey`].
    fn public_key(&self, sec1: &[u8]) -> Result<P256PublicKey, Error>;
}

/// A P-256 private key for key agreement. Wiped on drop.
pub trait EcdhKey: Send + Sync {
    /// The public half, to be sent to the peer.
    fn public_key(&self) -> &P256PublicKey;

    /// The big-endian x coordinate of the shared point, 32 bytes.
    ///
    /// # Errors
    /// [`Error::InvalidPublicKey`] where the peer's key turns out not to be usable.
    fn agree(&self, peer: &P256PublicKey) -> Result<Secret<32>, Error>;

    /// The big-endian private scalar, for storage.
    ///
    /// # Errors
    /// [`Error::KeyUnavailable`] where the key can't leave the provider.
    fn scalar(&self) -> Result<Secret<32>, Error>;
}

/// One signature algorithm, named by its COSE identifier (IANA COSE Algorithms).
///
/// Each has one plain form of a public key, of a private key and of a signature, whichever provider
/// made them:
///
/// | algorithm | COSE | public key | private key | signature |
/// | --- | ---: | --- | --- | --- |
/// | ES256: ECDSA on P-256 with SHA-256 | -7 | `04`, x, y: 65 bytes | big-endian scalar, 32 bytes | ASN.1 DER |
/// | Ed25519 (RFC 8032) | -8 | 32 bytes | seed, 32 bytes | 64 bytes |
/// | ES384: ECDSA on P-384 with SHA-384 | -35 | `04`, x, y: 97 bytes | big-endian scalar, 48 bytes | ASN.1 DER |
/// | ML-DSA-44 (FIPS 204) | -48 | 1312 bytes | seed ξ, 32 bytes | 2420 bytes |
/// | ML-DSA-65 (FIPS 204) | -49 | 1952 bytes | seed ξ, 32 bytes | 3309 bytes |
/// | RS256: RSASSA-PKCS1-v1_5 with SHA-256 | -257 | DER `RSAPublicKey` (RFC 8017) | DER PKCS #8 | as long as the modulus |
///
/// -8 is EdDSA on any curve in COSE; in WebAuthn, and here, it is Ed25519 (WebAuthn L3 §5.8.5).
pub trait SignatureAlgorithm: Send + Sync {
    /// The COSE identifier; -7 is ES256.
    fn cose_algorithm(&self) -> i64;

    /// A new key pair. Its randomness comes from `random`, or from the library's own generator
    /// where [`Random::is_system`] allows it. A provider says where its library can't take it from
    /// `random` at all.
    ///
    /// # Errors
    /// [`Error::Random`].
    fn generate(&self, random: &dyn Random) -> Result<Box<dyn SigningKey>, Error>;

    /// Loads a private key from what [`SigningKey::private_bytes`] gave.
    ///
    /// # Errors
    /// [`Error::InvalidPrivateKey`].
    fn load(&self, private: &[u8]) -> Result<Box<dyn SigningKey>, Error>;

    /// Checks a signature as it stands in WebAuthn: ASN.1 DER for ECDSA. ECDSA takes compressed
    /// points too.
    ///
    /// # Errors
    /// [`Error::InvalidPublicKey`], or [`Error::Authentication`] when the signature is malformed or
    /// does not match. Where nothing but the check itself would tell that a public key of the right
    /// length is unusable, as with Ed25519, it may be either.
    fn verify(&self, public_key: &[u8], message: &[u8], signature: &[u8]) -> Result<(), Error>;
}

/// A loaded signing key. Wiped on drop.
pub trait SigningKey: Send + Sync {
    /// The public half in the algorithm's plain form (see [`SignatureAlgorithm`]).
    fn public_key(&self) -> &[u8];

    /// Signs the parts, one after the other, in the form that WebAuthn wants: ASN.1 DER for ECDSA.
    ///
    /// # Errors
    /// [`Error::KeyUnavailable`] or [`Error::Random`].
    fn sign(&self, parts: &[&[u8]]) -> Result<Vec<u8>, Error>;

    /// The private key for storage, in the algorithm's plain form (see [`SignatureAlgorithm`]).
    ///
    /// # Errors
    /// [`Error::KeyUnavailable`] where the key can't leave the provider.
    fn private_bytes(&self) -> Result<zeroize::Zeroizing<Vec<u8>>, Error>;
}
