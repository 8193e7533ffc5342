//! `largeBlob`: a large blob in the same message as the credential (CTAP 2.3 §12). Outputs are
//! unsigned.
//!
//! Blobs are compressed (raw DEFLATE) by the platform; the authenticator keeps the bytes and their
//! original size.

use alloc::vec::Vec;
use core::fmt;

use towline_cbor::{Key, Reader, Writer};

use super::ExtensionValue;
use crate::Malformed;

const ID: &str = "largeBlob";

/// The input of a creation: how much a large blob matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LargeBlobSupport {
    /// `required`: without it the credential is of no use.
    Required,
    /// `preferred`: the credential is of use all the same.
    Preferred,
}

/// The output of a creation: whether the credential can have a large blob.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LargeBlobSupported(pub bool);

/// The input of an assertion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LargeBlobInput {
    /// `read`: asks for the blob.
    Read,
    /// `write`: stores a blob.
    Write(LargeBlob),
}

/// A blob, compressed. It is the relying party's own and may be confidential, so it is not printed.
#[derive(Clone, PartialEq, Eq)]
pub struct LargeBlob {
    /// The compressed bytes.
    pub compressed: Vec<u8>,
    /// How many bytes they were before.
    pub original_size: u64,
}

impl fmt::Debug for LargeBlob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (compressed, original) = (self.compressed.len(), self.original_size);
        write!(f, "LargeBlob({compressed} bytes for {original})")
    }
}

/// The output of an assertion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LargeBlobOutput {
    /// The answer to a read: the blob, or `None` if there is none.
    Blob(Option<LargeBlob>),
    /// The answer to a write: whether it was done.
    Written(bool),
}

impl ExtensionValue for LargeBlobSupport {
    const ID: &'static str = ID;

    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let mut support = None;
        strictly(reader.map(|key, value| {
            if key == Key::Text("support") {
                support = Some(value.text()?);
            }
            Ok::<(), Malformed>(())
        }))?;
        match support {
            Some("required") => Ok(Self::Required),
            Some("preferred") => Ok(Self::Preferred),
            _ => Err(Malformed::Form(ID)),
        }
    }

    fn write(&self, writer: &mut Writer) {
        let support = match self {
            Self::Required => "required",
            Self::Preferred => "preferred",
        };
        writer.map(|map| map.entry("support", |w| w.text(support)));
    }
}

impl ExtensionValue for LargeBlobSupported {
    const ID: &'static str = ID;

    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let mut supported = None;
        strictly(reader.map(|key, value| {
            if key == Key::Text("supported") {
                supported = Some(value.bool()?);
            }
            Ok::<(), Malformed>(())
        }))?;
        supported.map(Self).ok_or(Malformed::Form(ID))
    }

    fn write(&self, writer: &mut Writer) {
        writer.map(|map| map.entry("supported", |w| w.bool(self.0)));
    }
}

impl ExtensionValue for LargeBlobInput {
    const ID: &'static str = ID;

    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let (mut read, mut write, mut original_size) = (None, None, None);
        strictly(reader.map(|key, value| {
            match key {
                Key::Text("read") => read = Some(value.bool()?),
                Key::Text("write") => write = Some(value.bytes()?.into()),
                Key::Text("originalSize") => original_size = Some(value.uint()?),
                _ => {}
            }
            Ok::<(), Malformed>(())
        }))?;
        match (read, write, original_size) {
            (Some(true), None, None) => Ok(Self::Read),
            (None, Some(compressed), Some(original_size)) => {
                Ok(Self::Write(LargeBlob { compressed, original_size }))
            }
            _ => Err(Malformed::Form(ID)),
        }
    }

    fn write(&self, writer: &mut Writer) {
        writer.map(|map| match self {
            Self::Read => map.entry("read", |w| w.bool(true)),
            Self::Write(blob) => {
                map.entry("write", |w| w.bytes(&blob.compressed));
                map.entry("originalSize", |w| w.uint(blob.original_size));
            }
        });
    }
}

impl ExtensionValue for LargeBlobOutput {
    const ID: &'static str = ID;

    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let (mut blob, mut original_size, mut written) = (None, None, None);
        strictly(reader.map(|key, value| {
            match key {
                Key::Text("blob") => blob = Some(value.bytes()?.into()),
                Key::Text("originalSize") => original_size = Some(value.uint()?),
                Key::Text("written") => written = Some(value.bool()?),
                _ => {}
            }
            Ok::<(), Malformed>(())
        }))?;
        match (blob, original_size, written) {
            (None, None, Some(written)) => Ok(Self::Written(written)),
            (Some(compressed), Some(original_size), None) => {
                Ok(Self::Blob(Some(LargeBlob { compressed, original_size })))
            }
            (None, None, None) => Ok(Self::Blob(None)),
            _ => Err(Malformed::Form(ID)),
        }
    }

    fn write(&self, writer: &mut Writer) {
        writer.map(|map| match self {
            Self::Blob(None) => {}
            Self::Blob(Some(blob)) => {
                map.entry("blob", |w| w.bytes(&blob.compressed));
                map.entry("originalSize", |w| w.uint(blob.original_size));
            }
            Self::Written(written) => map.entry("written", |w| w.bool(*written)),
        });
    }
}

/// Whatever is wrong with this extension is invalid CBOR, wrong types included.
fn strictly(read: Result<(), Malformed>) -> Result<(), Malformed> {
    read.map_err(|_| Malformed::Form(ID))
}
