//! Fingerprint templates, as authenticatorBioEnrollment names them (CTAP 2.3 §6.7).

use alloc::{boxed::Box, string::String};
use core::fmt;

use towline_cbor::{Key, Reader, Writer};

use crate::Malformed;

/// Names a template; bytes that mean something to its authenticator only.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TemplateId(Box<[u8]>);

impl TemplateId {
    /// Makes one of the bytes that the authenticator chose.
    #[must_use]
    pub fn new(bytes: &[u8]) -> Self {
        Self(bytes.into())
    }

    /// Its bytes, as they are on the wire.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for TemplateId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TemplateId(")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
        f.write_str(")")
    }
}

/// A template in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateInfo {
    /// The id by which it is renamed or removed.
    pub id: TemplateId,
    /// Its name, if it was given one.
    pub friendly_name: Option<String>,
}

impl TemplateInfo {
    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let (mut id, mut friendly_name) = (None, None);
        reader.map(|key, value| {
            match key {
                Key::Int(0x01) => id = Some(TemplateId::new(value.bytes()?)),
                Key::Int(0x02) => friendly_name = Some(value.text()?.into()),
                _ => {}
            }
            Ok::<(), Malformed>(())
        })?;
        Ok(Self { id: id.ok_or(Malformed::Missing("templateId"))?, friendly_name })
    }

    pub(crate) fn write(&self, writer: &mut Writer) {
        writer.map(|map| {
            map.entry(0x01, |w| w.bytes(self.id.as_bytes()));
            map.optional(0x02, self.friendly_name.as_deref(), |w, name| w.text(name));
        });
    }
}
