//! `credBlob`: a few bytes that are kept with a credential (CTAP 2.3 §12).

use alloc::vec::Vec;
use core::fmt;

use towline_cbor::{Reader, Writer};

use super::ExtensionValue;
use crate::Malformed;

/// The bytes: to be stored in a creation, and stored in the answer to an assertion (empty if none
/// are). They are the relying party's own and may be confidential, so they are not printed.
#[derive(Clone, PartialEq, Eq)]
pub struct CredBlob(pub Vec<u8>);

impl fmt::Debug for CredBlob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CredBlob({} bytes)", self.0.len())
    }
}

impl ExtensionValue for CredBlob {
    const ID: &'static str = "credBlob";

    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self(reader.bytes()?.into()))
    }

    fn write(&self, writer: &mut Writer) {
        writer.bytes(&self.0);
    }
}

boolean! {
    /// The answer to a creation: whether the bytes were stored.
    CredBlobStored "credBlob"
}

boolean! {
    /// `credBlob` of an assertion: `true` asks for the bytes.
    GetCredBlob "credBlob"
}
