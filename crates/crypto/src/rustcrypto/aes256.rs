//! AES: single blocks with both lengths of key, and CBC and GCM with 256 bits.

use alloc::{boxed::Box, vec::Vec};

use ::aes::cipher::{
    Array, BlockCipherDecrypt, BlockCipherEncrypt, BlockModeDecrypt, BlockModeEncrypt, KeyInit,
    KeyIvInit,
};
use aes_gcm::aead::AeadInOut;

use crate::{AeadKey, BlockKey, Error};

type Block = Array<u8, ::aes::cipher::consts::U16>;

pub(super) struct Aes256;

impl crate::Aes256 for Aes256 {
    fn key(&self, key: &[u8; 32]) -> Box<dyn BlockKey> {
        Box::new(ExpandedKey(::aes::Aes256::new(key.into())))
    }
}

pub(super) struct Aes128;

impl crate::Aes128 for Aes128 {
    fn key(&self, key: &[u8; 16]) -> Box<dyn BlockKey> {
        Box::new(ExpandedKey(::aes::Aes128::new(key.into())))
    }
}

struct ExpandedKey<C>(C);

impl<C> BlockKey for ExpandedKey<C>
where
    C: BlockCipherEncrypt<BlockSize = ::aes::cipher::consts::U16>
        + BlockCipherDecrypt
        + Send
        + Sync,
{
    fn encrypt(&self, block: &mut [u8; 16]) {
        self.0.encrypt_block(block.into());
    }

    fn decrypt(&self, block: &mut [u8; 16]) {
        self.0.decrypt_block(block.into());
    }
}

pub(super) struct Aes256Cbc;

impl crate::Aes256Cbc for Aes256Cbc {
    fn encrypt(&self, key: &[u8; 32], iv: &[u8; 16], data: &mut [u8]) -> Result<(), Error> {
        let blocks = blocks(data)?;
        cbc::Encryptor::<::aes::Aes256>::new(key.into(), iv.into()).encrypt_blocks(blocks);
        Ok(())
    }

    fn decrypt(&self, key: &[u8; 32], iv: &[u8; 16], data: &mut [u8]) -> Result<(), Error> {
        let blocks = blocks(data)?;
        cbc::Decryptor::<::aes::Aes256>::new(key.into(), iv.into()).decrypt_blocks(blocks);
        Ok(())
    }
}

/// The data as whole blocks; nothing may be left over.
fn blocks(data: &mut [u8]) -> Result<&mut [Block], Error> {
    let (blocks, rest) = Block::slice_as_chunks_mut(data);
    if rest.is_empty() { Ok(blocks) } else { Err(Error::Length) }
}

pub(super) struct Aes256Gcm;

impl crate::Aead for Aes256Gcm {
    fn key(&self, key: &[u8; 32]) -> Box<dyn AeadKey> {
        Box::new(GcmKey(aes_gcm::Aes256Gcm::new(key.into())))
    }
}

struct GcmKey(aes_gcm::Aes256Gcm);

impl AeadKey for GcmKey {
    fn seal(&self, nonce: &[u8; 12], aad: &[u8], data: &mut Vec<u8>) -> Result<(), Error> {
        let tag = self
            .0
            .encrypt_inout_detached(nonce.into(), aad, data.as_mut_slice().into())
            .map_err(|_| Error::Length)?;
        data.extend_from_slice(&tag);
        Ok(())
    }

    fn open(&self, nonce: &[u8; 12], aad: &[u8], data: &mut Vec<u8>) -> Result<(), Error> {
        let (message, tag) = data.split_last_chunk_mut::<16>().ok_or(Error::Authentication)?;
        let length = message.len();
        // The tag is checked before anything is decrypted, so a refused message stays as it was.
        self.0
            .decrypt_inout_detached(nonce.into(), aad, message.into(), (&*tag).into())
            .map_err(|_| Error::Authentication)?;
        data.truncate(length);
        Ok(())
    }
}
