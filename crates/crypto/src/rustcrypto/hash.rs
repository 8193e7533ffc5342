//! SHA-256, HMAC-SHA-256 and HKDF-SHA-256.

use alloc::boxed::Box;
use core::slice;

use sha2::{Digest, block_api::compress256};
use zeroize::{Zeroize, Zeroizing};

use crate::{Error, HmacKey, Sha256Context};

/// The longest HKDF-SHA-256 output: 255 blocks (RFC 5869 §2.3).
const HKDF_LIMIT: usize = 8160;

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
    let mut hash = Hashing::NEW;
    for part in parts {
        hash.update(part);
    }
    let state = hash.finish();
    // What was hashed may be a secret.
    hash.block.as_mut_slice().zeroize();
    bytes(&state)
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
        Box::new(prepare(key))
    }
}

/// The states of the two hashes after the padded key, so that no use of the key hashes that again.
/// Whoever has them can sign: they are wiped on drop. A use copies them, and what it does first is
/// to overwrite the copy.
struct PreparedKey {
    inner: Zeroizing<State>,
    outer: Zeroizing<State>,
}

impl HmacKey for PreparedKey {
    fn sign(&self, parts: &[&[u8]]) -> [u8; 32] {
        if let [part] = parts
            && let Ok(message) = (*part).try_into()
        {
            return self.sign_advert(message);
        }
        let length = parts.iter().fold(0_usize, |sum, part| sum.saturating_add(part.len()));
        if length <= SHORT {
            return self.sign_short(parts, length);
        }
        let mut hash = Hashing { state: *self.inner, ..Hashing::AFTER_ONE_BLOCK };
        for part in parts {
            hash.update(part);
        }
        let inner = hash.finish();
        self.finish(&inner, &mut hash.block)
    }
}

/// The longest message after which its end still fits the block: 0x80, and 8 bytes of length.
const SHORT: usize = 55;

/// The outer hash's only block but for the inner hash, which is its first half: the end of a
/// message of 96 bytes, the padded key counted.
const OUTER: [u8; BLOCK] = {
    let mut block = [0; BLOCK];
    block[32] = 0x80;
    // 768 bits.
    block[62] = 3;
    block
};

/// The inner hash's only block but for a message of 16 bytes, which comes first: the end of 80
/// bytes, the padded key counted.
const ADVERT: [u8; BLOCK] = {
    let mut block = [0; BLOCK];
    block[16] = 0x80;
    // 640 bits.
    [block[62], block[63]] = [2, 0x80];
    block
};

impl PreparedKey {
    /// Of a message as long as that of an advert, of which a scan sees thousands: nothing depends
    /// on lengths.
    #[inline]
    fn sign_advert(&self, message: &[u8; 16]) -> [u8; 32] {
        let mut block = ADVERT;
        if let Some(start) = block.first_chunk_mut() {
            *start = *message;
        }
        let mut state = *self.inner;
        compress256(&mut state, slice::from_ref(&block));
        self.finish(&state, &mut block)
    }

    /// Of a message that takes one block, of `length` bytes in all.
    #[inline]
    fn sign_short(&self, parts: &[&[u8]], length: usize) -> [u8; 32] {
        let mut block = [0; BLOCK];
        let mut filled: usize = 0;
        for part in parts {
            fill(block.get_mut(filled..).unwrap_or_default(), part);
            filled = filled.saturating_add(part.len());
        }
        if let Some(end) = block.get_mut(length) {
            *end = 0x80;
        }
        end_with_length(&mut block, length.saturating_add(BLOCK));
        let mut state = *self.inner;
        compress256(&mut state, slice::from_ref(&block));
        self.finish(&state, &mut block)
    }

    /// The outer hash. What was in the block may be a secret: it is overwritten, then wiped.
    #[inline]
    fn finish(&self, inner: &State, block: &mut [u8; BLOCK]) -> [u8; 32] {
        *block = OUTER;
        for (to, from) in block.as_chunks_mut().0.iter_mut().zip(inner) {
            *to = from.to_be_bytes();
        }
        let mut state = *self.outer;
        compress256(&mut state, slice::from_ref(block));
        block.as_mut_slice().zeroize();
        bytes(&state)
    }
}

/// What a hash is of its last state.
#[inline]
fn bytes(state: &State) -> [u8; 32] {
    let mut hash = [0; 32];
    for (to, from) in hash.as_chunks_mut().0.iter_mut().zip(state) {
        *to = from.to_be_bytes();
    }
    hash
}

/// The last 8 bytes of the last block: the length of the message, which is given in bytes.
#[inline]
fn end_with_length(block: &mut [u8; BLOCK], length: usize) {
    // A length in memory always fits 64 bits.
    let length = u64::try_from(length).unwrap_or(u64::MAX);
    if let Some(end) = block.last_chunk_mut() {
        *end = length.wrapping_mul(8).to_be_bytes();
    }
}

fn prepare(key: &[u8]) -> PreparedKey {
    // RFC 2104 §2: a key longer than a block is hashed first, a shorter one is filled up with
    // zeros.
    let mut block = Zeroizing::new([0; BLOCK]);
    if key.len() > block.len() {
        let mut hashed = hash_parts(&[key]);
        block.iter_mut().zip(hashed).for_each(|(to, from)| *to = from);
        hashed.zeroize();
    } else {
        block.iter_mut().zip(key).for_each(|(to, from)| *to = *from);
    }
    let mut after = |pad: u8| {
        block.iter_mut().for_each(|byte| *byte ^= pad);
        let mut state = Zeroizing::new(INITIAL);
        compress256(&mut state, slice::from_ref(&*block));
        block.iter_mut().for_each(|byte| *byte ^= pad);
        state
    };
    PreparedKey { inner: after(0x36), outer: after(0x5c) }
}

/// Bytes of a block of SHA-256.
const BLOCK: usize = 64;

/// What SHA-256 keeps from block to block.
type State = [u32; 8];

/// What it begins with (FIPS 180-4 §5.3.3).
const INITIAL: State = [
    0x6a09_e667,
    0xbb67_ae85,
    0x3c6e_f372,
    0xa54f_f53a,
    0x510e_527f,
    0x9b05_688c,
    0x1f83_d9ab,
    0x5be0_cd19,
];

/// SHA-256 that may go on from a state, which `sha2` has no type for.
struct Hashing {
    state: State,
    /// Bytes that are not hashed yet, so many of them.
    block: [u8; BLOCK],
    filled: usize,
    /// The length of the whole message so far.
    length: u64,
}

impl Hashing {
    const NEW: Self = Self { state: INITIAL, block: [0; BLOCK], filled: 0, length: 0 };
    const AFTER_ONE_BLOCK: Self = Self { length: 64, ..Self::NEW };

    #[inline]
    fn update(&mut self, part: &[u8]) {
        // A length in memory always fits 64 bits.
        let length = u64::try_from(part.len()).unwrap_or(u64::MAX);
        self.length = self.length.wrapping_add(length);
        let mut rest = part;
        if self.filled != 0 || rest.len() < BLOCK {
            let room = self.block.get_mut(self.filled..).unwrap_or_default();
            let (now, later) = rest.split_at(rest.len().min(room.len()));
            fill(room, now);
            self.filled = self.filled.saturating_add(now.len());
            if self.filled < BLOCK {
                return;
            }
            compress256(&mut self.state, slice::from_ref(&self.block));
            rest = later;
        }
        let (blocks, tail) = rest.as_chunks();
        compress256(&mut self.state, blocks);
        fill(&mut self.block, tail);
        self.filled = tail.len();
    }

    /// The state that the hash is read from. Only the block is of use afterwards.
    #[inline]
    fn finish(&mut self) -> State {
        let rest = self.block.get_mut(self.filled..).unwrap_or_default();
        rest.fill(0);
        if let Some(end) = rest.first_mut() {
            *end = 0x80;
        }
        // The length takes 8 bytes, in this block or in one of its own.
        if rest.len() < 9 {
            compress256(&mut self.state, slice::from_ref(&self.block));
            self.block = [0; BLOCK];
        }
        if let Some(end) = self.block.last_chunk_mut() {
            *end = self.length.wrapping_mul(8).to_be_bytes();
        }
        compress256(&mut self.state, slice::from_ref(&self.block));
        self.state
    }
}

/// Copies to the start of `room`, which is long enough.
#[inline]
fn fill(room: &mut [u8], bytes: &[u8]) {
    if let Some(room) = room.get_mut(..bytes.len()) {
        room.copy_from_slice(bytes);
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_of_any_length_is_as_its_parts() {
        let key = prepare(b"a key");
        let message = [0x5a; 2 * BLOCK];
        for length in 1..message.len() {
            let (head, tail) = message[..length].split_at(1);
            assert_eq!(key.sign(&[&message[..length]]), key.sign(&[head, tail]), "{length}");
        }
    }
}
