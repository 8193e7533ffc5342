//! SHA-256, HMAC-SHA-256 and HKDF-SHA-256.

use alloc::boxed::Box;

use ::hmac::{KeyInit, Mac};
use sha2::Digest;
use zeroize::Zeroize;

use crate::{Error, HmacKey, Sha256Context};

/// The longest HKDF-SHA-256 output: 255 blocks (RFC 5869 §2.3).
const HKDF_LIMIT: usize = 8160;

type HmacSha256 = ::hmac::Hmac<sha2::Sha256>;

pub(super) struct Sha256;

impl crate::Sha256 for Sha256 {
    fn hash(&self, parts: &[&[u8]]) -> [u8; 32] {
        hash_parts(parts)
    }

    fn start(&self) -> Box<dyn Sha256Context> {
        Box::new(Context(sha2::Sha256::new()))
    }
}

/// The hash of the parts, one after the other.
pub(super) fn hash_parts(parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = sha2::Sha256::new();
    for part in parts {
        hash.update(part);
    }
    hash.finalize().into()
}

struct Context(sha2::Sha256);

impl Sha256Context for Context {
    fn update(&mut self, bytes: &[u8]) {
        Digest::update(&mut self.0, bytes);
    }

    fn finish_reset(&mut self) -> [u8; 32] {
        self.0.finalize_reset().into()
    }
}

pub(super) struct Hmac;

impl crate::Hmac for Hmac {
    fn key(&self, key: &[u8]) -> Box<dyn HmacKey> {
        Box::new(PreparedKey(prepare(key)))
    }
}

/// The state after the two padded key blocks, so that no use of the key hashes them again.
struct PreparedKey(HmacSha256);

impl HmacKey for PreparedKey {
    fn sign(&self, parts: &[&[u8]]) -> [u8; 32] {
        let mut mac = self.0.clone();
        for part in parts {
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }
}

fn prepare(key: &[u8]) -> HmacSha256 {
    // RFC 2104 §2: a key longer than a block is hashed first, a shorter one is filled up with
    // zeros.
    let mut block = [0; 64];
    if key.len() > block.len() {
        let mut hashed = hash_parts(&[key]);
        block.iter_mut().zip(hashed).for_each(|(to, from)| *to = from);
        hashed.zeroize();
    } else {
        block.iter_mut().zip(key).for_each(|(to, from)| *to = *from);
    }
    let prepared = HmacSha256::new(&block.into());
    block.zeroize();
    prepared
}

pub(super) struct Hkdf;

impl crate::Hkdf for Hkdf {
    fn derive(
        &self,
        salt: &[u8],
        secret: &[u8],
        info: &[u8],
        output: &mut [u8],
    ) -> Result<(), Error> {
        if output.len() > HKDF_LIMIT {
            return Err(Error::Length);
        }
        let (mut pseudorandom_key, hkdf) =
            ::hkdf::Hkdf::<sha2::Sha256>::extract(Some(salt), secret);
        pseudorandom_key.as_mut_slice().zeroize();
        hkdf.expand(info, output).map_err(|_| Error::Length)
    }
}
