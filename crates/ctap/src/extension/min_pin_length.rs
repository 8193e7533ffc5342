//! `minPinLength`: tells relying parties that may know how short a PIN may be (CTAP 2.3 §12).

use towline_cbor::{Reader, Writer};

use super::ExtensionValue;
use crate::Malformed;

boolean! {
    /// The input of a creation: `true` asks for the length.
    GetMinPinLength "minPinLength"
}

/// The output of a creation: the shortest PIN, in code points.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MinPinLength(pub u64);

impl ExtensionValue for MinPinLength {
    const ID: &'static str = GetMinPinLength::ID;

    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self(reader.uint()?))
    }

    fn write(&self, writer: &mut Writer) {
        writer.uint(self.0);
    }
}
