//! SHA-256, HMAC-SHA-256 and HKDF-SHA-256.

use aws_lc_rs::{
    digest::{Context, SHA256, digest},
    hmac::{self, HMAC_SHA256},
};
use towline_crypto::{Error, HmacKey, Sha256Context};
use zeroize::Zeroizing;

/// The longest HKDF-SHA-256 output: 255 blocks (RFC 5869 §2.3).
const HKDF_LIMIT: usize = 8160;

pub(crate) struct Sha256;

impl towline_crypto::Sha256 for Sha256 {
    fn hash(&self, parts: &[&[u8]]) -> [u8; 32] {
        match parts {
            // Without a context in between.
            [whole] => first_32(digest(&SHA256, whole).as_ref()),
            parts => {
                let mut context = Context::new(&SHA256);
                parts.iter().for_each(|part| context.update(part));
                first_32(context.finish().as_ref())
            }
        }
    }

    fn start(&self) -> Box<dyn Sha256Context> {
        Box::new(Running(Context::new(&SHA256)))
    }
}

struct Running(Context);

impl Sha256Context for Running {
    fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish_reset(&mut self) -> [u8; 32] {
        let finished = core::mem::replace(&mut self.0, Context::new(&SHA256));
        first_32(finished.finish().as_ref())
    }
}

pub(crate) struct Hmac;

impl towline_crypto::Hmac for Hmac {
    fn key(&self, key: &[u8]) -> Box<dyn HmacKey> {
        Box::new(Key(hmac::Key::new(HMAC_SHA256, key)))
    }
}

struct Key(hmac::Key);

impl HmacKey for Key {
    fn sign(&self, parts: &[&[u8]]) -> [u8; 32] {
        sign(&self.0, parts)
    }
}

fn sign(key: &hmac::Key, parts: &[&[u8]]) -> [u8; 32] {
    let mut context = hmac::Context::with_key(key);
    parts.iter().for_each(|part| context.update(part));
    first_32(context.sign().as_ref())
}

/// Extract and expand on top of HMAC: AWS-LC's own interface keeps a copy of the salt that it does
/// not wipe, and in a Noise handshake the salt is a secret.
pub(crate) struct Hkdf;

impl towline_crypto::Hkdf for Hkdf {
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
        // HMAC fills a key up with zeros, so an empty salt is 32 zeros (RFC 5869 §2.2).
        let pseudorandom_key = Zeroizing::new(sign(&hmac::Key::new(HMAC_SHA256, salt), &[secret]));
        let key = hmac::Key::new(HMAC_SHA256, pseudorandom_key.as_slice());
        let mut block = Zeroizing::new([0; 32]);
        for (chunk, number) in output.chunks_mut(32).zip(1_u8..=255) {
            let before: &[u8] = if number == 1 { &[] } else { block.as_slice() };
            let next = sign(&key, &[before, info, &[number]]);
            *block = next;
            chunk.iter_mut().zip(block.iter()).for_each(|(to, from)| *to = *from);
        }
        Ok(())
    }
}

/// A SHA-256 output as an array; it always has 32 bytes.
fn first_32(bytes: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    out.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
    out
}
