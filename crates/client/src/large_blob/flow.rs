//! The way to a blob in the array of authenticatorLargeBlobs (CTAP 2.3 §6.10): all of it is read;
//! to write, all of it is written anew.

use towline_crypto::CryptoProvider;
use towline_ctap::{
    DEFAULT_MAX_MSG_SIZE, GetInfo, LargeBlobArray, LargeBlobKey, LargeBlobMap, LargeBlobsRequest,
    LargeBlobsResponse, PinUvAuth, Request, extension::LargeBlob,
};

use super::{BlobOutputs, BlobWish, MAX_SIZE, pack, unpack};
use crate::pin::PinUvAuthToken;

/// What a message holds beside a fragment.
const OVERHEAD: usize = 64;

/// How much an authenticator takes.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Room {
    /// Bytes that fit in one message.
    fragment: usize,
    /// Bytes that the whole array may have.
    array: usize,
}

impl Room {
    pub(crate) fn of(info: &GetInfo) -> Self {
        let size = |member: Option<u64>| member.and_then(|size| usize::try_from(size).ok());
        // No authenticator takes less.
        let message = size(info.max_msg_size).unwrap_or_default().max(DEFAULT_MAX_MSG_SIZE);
        Self {
            fragment: message.saturating_sub(OVERHEAD),
            array: size(info.max_serialized_large_blob_array).unwrap_or(DEFAULT_MAX_MSG_SIZE),
        }
    }
}

/// One blob on its way.
#[derive(Debug)]
pub(crate) struct BlobFlow {
    key: LargeBlobKey,
    wish: BlobWish,
    room: Room,
    token: Option<PinUvAuthToken>,
    provider: CryptoProvider,
    /// What was read, or is being written.
    array: Vec<u8>,
    /// How much of it is written, once it is.
    written: Option<usize>,
}

/// What comes next.
pub(crate) enum BlobStep {
    /// Send this, and come back with its response.
    Request(Vec<u8>),
    /// Over. Whatever went wrong, the sign-in is worth no less.
    Done(BlobOutputs),
}

impl BlobFlow {
    pub(crate) fn new(
        key: LargeBlobKey,
        wish: BlobWish,
        room: Room,
        token: Option<PinUvAuthToken>,
        provider: &CryptoProvider,
    ) -> Self {
        let (provider, array) = (provider.clone(), Vec::new());
        Self { key, wish, room, token, provider, array, written: None }
    }

    /// The first request.
    pub(crate) fn start(&self) -> Vec<u8> {
        self.read()
    }

    pub(crate) fn handle_response(&mut self, response: &[u8]) -> BlobStep {
        let Ok(response) = LargeBlobsResponse::decode(response) else { return self.failed() };
        match (self.written, response.config) {
            (None, Some(fragment)) => {
                self.array.extend_from_slice(&fragment);
                if fragment.len() < self.room.fragment || self.array.len() > MAX_SIZE {
                    return self.whole();
                }
                BlobStep::Request(self.read())
            }
            (Some(written), None) if written >= self.array.len() => {
                BlobStep::Done(BlobOutputs::written(true))
            }
            (Some(written), None) => self.write(written),
            _ => self.failed(),
        }
    }

    fn failed(&self) -> BlobStep {
        BlobStep::Done(match self.wish {
            BlobWish::Read => BlobOutputs::read(None),
            BlobWish::Write(_) => BlobOutputs::written(false),
        })
    }

    fn read(&self) -> Vec<u8> {
        let offset = u32::try_from(self.array.len()).unwrap_or(u32::MAX);
        let count = u64::try_from(self.room.fragment).unwrap_or(u64::MAX);
        Request::from(LargeBlobsRequest::Get { count, offset }).encode()
    }

    /// The whole array was read. One that is damaged counts as empty.
    fn whole(&mut self) -> BlobStep {
        let mut array = LargeBlobArray::decode(&self.array, &self.provider).unwrap_or_default();
        let BlobWish::Write(blob) = &self.wish else {
            let blob = array.find(|map| self.open(&map));
            return BlobStep::Done(BlobOutputs::read(blob.and_then(|blob| unpack(&blob))));
        };
        let Some(sealed) = self.seal(&pack(blob)) else { return self.failed() };
        array.retain(|map| self.open(map).is_none());
        array.push(&sealed);
        self.array = array.encode(&self.provider);
        if self.array.len() > self.room.array {
            return self.failed();
        }
        self.write(0)
    }

    fn write(&mut self, from: usize) -> BlobStep {
        let to = from.saturating_add(self.room.fragment).min(self.array.len());
        let fragment = self.array.get(from..to).unwrap_or_default().to_vec();
        let offset = u32::try_from(from).unwrap_or(u32::MAX);
        let auth = self.token.as_ref().map(|token| {
            let message =
                LargeBlobsRequest::authenticated_message(&self.provider, offset, &fragment);
            PinUvAuth { protocol: token.protocol(), param: token.proof_of(&message) }
        });
        let length = u64::try_from(self.array.len()).ok().filter(|_| from == 0);
        self.written = Some(to);
        let request = LargeBlobsRequest::Set { fragment, offset, length, auth };
        BlobStep::Request(Request::from(request).encode())
    }

    /// The blob of this passkey, if that is it.
    fn open(&self, map: &LargeBlobMap) -> Option<LargeBlob> {
        let mut data = map.ciphertext.clone();
        let associated = LargeBlobMap::associated_data(map.orig_size);
        let key = self.provider.aead.key(self.key.expose());
        key.open(&map.nonce, &associated, &mut data).ok()?;
        Some(LargeBlob { compressed: data, original_size: map.orig_size })
    }

    fn seal(&self, blob: &LargeBlob) -> Option<LargeBlobMap> {
        let (nonce, orig_size) = (self.provider.random.bytes().ok()?, blob.original_size);
        let mut ciphertext = blob.compressed.clone();
        let associated = LargeBlobMap::associated_data(orig_size);
        self.provider
            .aead
            .key(self.key.expose())
            .seal(&nonce, &associated, &mut ciphertext)
            .ok()?;
        Some(LargeBlobMap { ciphertext, nonce, orig_size })
    }
}
