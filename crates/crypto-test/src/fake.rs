//! A provider for fuzzing in which nothing is secret and everything verifies.
//!
//! **Never use it for anything else.** Every tag, MAC and signature of the right form is accepted,
//! encryption leaves the data as it is, every point of the right form is a public key, and all
//! agree on the same secret. That way random input gets past the checks that would stop it at the
//! door, and to the code behind them. Hashes and key derivation are real, so that different inputs
//! still give different keys. It exists in this crate only.

use std::sync::Arc;

use towline_crypto::{
    Aead, AeadKey, Aes256, Aes256Cbc, BlockKey, CryptoProvider, Ecdh, EcdhKey, Error, Hmac,
    HmacKey, P256PublicKey, Random, Secret, SignatureAlgorithm, SigningKey, rustcrypto,
};

use crate::SeededRandom;

/// The fake provider, with randomness that repeats for the same seed.
#[must_use]
pub fn provider(seed: u64) -> CryptoProvider {
    CryptoProvider {
        random: Arc::new(SeededRandom::new(seed)),
        hmac: &FakeHmac,
        aes256: &Identity,
        aes256_cbc: &Identity,
        aead: &Identity,
        ecdh: &FakeEcdh,
        signatures: &[&FakeEs256],
        ..rustcrypto::provider()
    }
}

struct FakeHmac;

impl Hmac for FakeHmac {
    fn key(&self, key: &[u8]) -> Box<dyn HmacKey> {
        Box::new(FakeHmacKey(rustcrypto::provider().hmac.key(key)))
    }
}

/// Signs for real and accepts everything.
struct FakeHmacKey(Box<dyn HmacKey>);

impl HmacKey for FakeHmacKey {
    fn sign(&self, parts: &[&[u8]]) -> [u8; 32] {
        self.0.sign(parts)
    }

    fn verify(&self, _: &[&[u8]], tag: &[u8]) -> Result<(), Error> {
        if (1..=32).contains(&tag.len()) { Ok(()) } else { Err(Error::Length) }
    }
}

/// Leaves data as it is.
struct Identity;

impl Aes256 for Identity {
    fn key(&self, _: &[u8; 32]) -> Box<dyn BlockKey> {
        Box::new(Self)
    }
}

impl BlockKey for Identity {
    fn encrypt(&self, _: &mut [u8; 16]) {}

    fn decrypt(&self, _: &mut [u8; 16]) {}
}

impl Aes256Cbc for Identity {
    fn encrypt(&self, _: &[u8; 32], _: &[u8; 16], data: &mut [u8]) -> Result<(), Error> {
        if data.len().is_multiple_of(16) { Ok(()) } else { Err(Error::Length) }
    }

    fn decrypt(&self, key: &[u8; 32], iv: &[u8; 16], data: &mut [u8]) -> Result<(), Error> {
        Aes256Cbc::encrypt(self, key, iv, data)
    }
}

impl Aead for Identity {
    fn key(&self, _: &[u8; 32]) -> Box<dyn AeadKey> {
        Box::new(Self)
    }
}

impl AeadKey for Identity {
    fn seal(&self, _: &[u8; 12], _: &[u8], data: &mut Vec<u8>) -> Result<(), Error> {
        data.extend_from_slice(&[0; 16]);
        Ok(())
    }

    fn open(&self, _: &[u8; 12], _: &[u8], data: &mut Vec<u8>) -> Result<(), Error> {
        let length = data.len().checked_sub(16).ok_or(Error::Authentication)?;
        data.truncate(length);
        Ok(())
    }
}

/// The base point: a public key that any real code accepts too.
const BASE_POINT: P256PublicKey = P256PublicKey::assume_checked([
    0x04, 0x6b, 0x17, 0xd1, 0xf2, 0xe1, 0x2c, 0x42, 0x47, 0xf8, 0xbc, 0xe6, 0xe5, 0x63, 0xa4, 0x40,
    0xf2, 0x77, 0x03, 0x7d, 0x81, 0x2d, 0xeb, 0x33, 0xa0, 0xf4, 0xa1, 0x39, 0x45, 0xd8, 0x98, 0xc2,
    0x96, 0x4f, 0xe3, 0x42, 0xe2, 0xfe, 0x1a, 0x7f, 0x9b, 0x8e, 0xe7, 0xeb, 0x4a, 0x7c, 0x0f, 0x9e,
    0x16, 0x2b, 0xce, 0x33, 0x57, 0x6b, 0x31, 0x5e, 0xce, 0xcb, 0xb6, 0x40, 0x68, 0x37, 0xbf, 0x51,
    0xf5,
]);

struct FakeEcdh;

impl Ecdh for FakeEcdh {
    fn generate(&self, random: &dyn Random) -> Result<Box<dyn EcdhKey>, Error> {
        Ok(Box::new(FakeKey(random.secret()?)))
    }

    fn load(&self, scalar: &Secret<32>) -> Result<Box<dyn EcdhKey>, Error> {
        Ok(Box::new(FakeKey(scalar.clone())))
    }

    fn public_key(&self, sec1: &[u8]) -> Result<P256PublicKey, Error> {
        let mut bytes = [0; 65];
        bytes[0] = 4;
        match sec1 {
            [4, rest @ ..] if rest.len() == 64 => bytes[1..].copy_from_slice(rest),
            // The last bit of y is what the form says, so that compressing it again gives the same
            // bytes.
            [form @ (2 | 3), x @ ..] if x.len() == 32 => {
                bytes[1..33].copy_from_slice(x);
                bytes[64] = form & 1;
            }
            _ => return Err(Error::InvalidPublicKey),
        }
        Ok(P256PublicKey::assume_checked(bytes))
    }
}

struct FakeKey(Secret<32>);

impl EcdhKey for FakeKey {
    fn public_key(&self) -> &P256PublicKey {
        &BASE_POINT
    }

    fn agree(&self, _: &P256PublicKey) -> Result<Secret<32>, Error> {
        Ok(Secret::new([0x77; 32]))
    }

    fn scalar(&self) -> Result<Secret<32>, Error> {
        Ok(self.0.clone())
    }
}

struct FakeEs256;

impl SignatureAlgorithm for FakeEs256 {
    fn cose_algorithm(&self) -> i64 {
        -7
    }

    fn generate(&self, random: &dyn Random) -> Result<Box<dyn SigningKey>, Error> {
        Ok(Box::new(FakeKey(random.secret()?)))
    }

    fn load(&self, private: &[u8]) -> Result<Box<dyn SigningKey>, Error> {
        let scalar = Secret::from_slice(private).map_err(|_| Error::InvalidPrivateKey)?;
        Ok(Box::new(FakeKey(scalar)))
    }

    fn verify(&self, _: &[u8], _: &[u8], _: &[u8]) -> Result<(), Error> {
        Ok(())
    }
}

impl SigningKey for FakeKey {
    fn public_key(&self) -> &[u8] {
        BASE_POINT.as_bytes()
    }

    fn sign(&self, _: &[&[u8]]) -> Result<Vec<u8>, Error> {
        // SEQUENCE { 1, 1 }
        Ok(vec![0x30, 6, 2, 1, 1, 2, 1, 1])
    }

    fn private_bytes(&self) -> Result<zeroize::Zeroizing<Vec<u8>>, Error> {
        Ok(zeroize::Zeroizing::new(self.0.expose().to_vec()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_tag_opens_but_a_missing_one_does_not() {
        let key = provider(1).aead.key(&[0; 32]);
        let mut data = vec![7; 20];
        key.open(&[0; 12], b"", &mut data).unwrap();
        assert_eq!(data, [7; 4]);
        assert_eq!(key.open(&[0; 12], b"", &mut data), Err(Error::Authentication));
    }

    #[test]
    fn any_mac_verifies_but_an_empty_one_does_not() {
        let key = provider(1).hmac.key(b"key");
        assert_eq!(key.verify(&[b"message"], &[1, 2, 3, 4]), Ok(()));
        assert_eq!(key.verify(&[b"message"], &[]), Err(Error::Length));
    }

    #[test]
    fn points_of_the_right_form_pass_and_compress_to_what_they_were() {
        let ecdh = provider(1).ecdh;
        for form in [2, 3] {
            let mut point = [0x33; 33];
            point[0] = form;
            assert_eq!(ecdh.public_key(&point).unwrap().compressed(), point);
        }
        assert!(ecdh.public_key(&[4; 65]).is_ok());
        assert_eq!(ecdh.public_key(&[5; 65]), Err(Error::InvalidPublicKey));
        assert_eq!(ecdh.public_key(&[2; 65]), Err(Error::InvalidPublicKey));
    }

    #[test]
    fn the_public_key_it_hands_out_is_a_real_one() {
        let real = rustcrypto::provider();
        assert_eq!(real.ecdh.public_key(BASE_POINT.as_bytes()), Ok(BASE_POINT));
    }
}
