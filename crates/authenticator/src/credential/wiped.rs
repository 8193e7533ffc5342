//! Bytes that are wiped when they are dropped.

use std::ops::Deref;

use zeroize::{Zeroize, Zeroizing};

/// Secret bytes without room to spare, wiped on drop as one run: `Zeroizing` wipes a box byte by
/// byte, which takes many times longer.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Wiped(Box<[u8]>);

impl Drop for Wiped {
    fn drop(&mut self) {
        (*self.0).zeroize();
    }
}

impl Deref for Wiped {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl From<&[u8]> for Wiped {
    fn from(bytes: &[u8]) -> Self {
        Self(bytes.into())
    }
}

impl From<Zeroizing<Box<[u8]>>> for Wiped {
    fn from(mut bytes: Zeroizing<Box<[u8]>>) -> Self {
        Self(std::mem::take(&mut *bytes))
    }
}

impl From<Zeroizing<Vec<u8>>> for Wiped {
    fn from(mut bytes: Zeroizing<Vec<u8>>) -> Self {
        if bytes.len() == bytes.capacity() {
            return Self(std::mem::take(&mut *bytes).into_boxed_slice());
        }
        // To give the spare room back may move the bytes, and what they were moved from stays.
        bytes.as_slice().into()
    }
}
