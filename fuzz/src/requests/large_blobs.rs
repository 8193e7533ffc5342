//! authenticatorLargeBlobs.

use arbitrary::Arbitrary;
use towline_ctap::{LargeBlobsRequest, Request};

use super::{Proof, Sensible};
use crate::watch::Watch;

/// A read, or a part of a write.
#[derive(Debug, Arbitrary)]
pub enum LargeBlobs {
    Get {
        count: u16,
        offset: u16,
    },
    /// A part of an array whose hash is right: from its start, or from where the last part ended.
    Set {
        array: Array,
        begins: bool,
        size: u16,
        proof: Proof,
    },
    /// A part of anything.
    Odd {
        fragment: Vec<u8>,
        offset: u16,
        length: Option<u16>,
        proof: Proof,
    },
}

/// An array, by its content and its length.
#[derive(Debug, Clone, Copy, Arbitrary)]
pub struct Array(u16);

impl Array {
    fn bytes(self, watch: &Watch) -> Vec<u8> {
        let [high, low] = self.0.to_be_bytes();
        let mut array = vec![high; usize::from(low) * 5];
        let hash = watch.provider.sha256.hash(&[&array]);
        array.extend_from_slice(&hash[..16]);
        array
    }
}

impl Sensible for LargeBlobs {
    fn message(&self, watch: &Watch) -> Vec<u8> {
        let request = match self {
            Self::Get { count, offset } => LargeBlobsRequest::Get {
                count: u64::from(*count) % 1300,
                offset: u32::from(*offset) % 1300,
            },
            Self::Set { array, begins, size, proof } => {
                let array = array.bytes(watch);
                let from = if *begins { 0 } else { watch.written.min(array.len()) };
                let to = from.saturating_add(usize::from(*size)).min(array.len());
                LargeBlobsRequest::Set {
                    fragment: array[from..to].to_vec(),
                    offset: u32::try_from(from).expect("short"),
                    length: (from == 0).then(|| u64::try_from(array.len()).expect("short")),
                    auth: proof.auth(watch),
                }
            }
            Self::Odd { fragment, offset, length, proof } => LargeBlobsRequest::Set {
                fragment: fragment.clone(),
                offset: u32::from(*offset) >> 6,
                length: length.map(u64::from),
                auth: proof.auth(watch),
            },
        };
        Request::from(request).encode()
    }
}
