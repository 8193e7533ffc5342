//! Extension inputs and outputs (CTAP 2.3 §12): an opaque map from identifiers to values, with
//! typed values on top, one file for each extension. What an authenticator does with one that only
//! keeps bytes is a row of `kept_extensions.rs` there.

use alloc::{boxed::Box, vec::Vec};
use core::fmt;

use towline_cbor::{Error, Key, Reader, Writer, decode};

use crate::{MESSAGE_DEPTH, Malformed};

/// A boolean value of an extension, as a type of its own for what it means.
macro_rules! boolean {
    ($(#[$doc:meta])* $name:ident $id:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub struct $name(pub bool);

        impl $crate::extension::ExtensionValue for $name {
            const ID: &'static str = $id;

            fn read(reader: &mut towline_cbor::Reader<'_>) -> Result<Self, $crate::Malformed> {
                Ok(Self(reader.bool()?))
            }

            fn write(&self, writer: &mut towline_cbor::Writer) {
                writer.bool(self.0);
            }
        }
    };
}

mod cred_blob;
mod cred_protect;
mod hmac_secret;
mod hmac_secret_mc;
mod large_blob;
mod large_blob_key;
mod min_pin_length;
mod pin_complexity_policy;
mod prf;
mod third_party_payment;

pub use cred_blob::{CredBlob, CredBlobStored, GetCredBlob};
pub use cred_protect::CredentialProtectionPolicy;
pub use hmac_secret::{HmacSecret, HmacSecretInput, HmacSecretOutput};
pub use hmac_secret_mc::{HmacSecretMcInput, HmacSecretMcOutput};
pub use large_blob::{
    LargeBlob, LargeBlobInput, LargeBlobOutput, LargeBlobSupport, LargeBlobSupported,
};
pub use large_blob_key::GetLargeBlobKey;
pub use min_pin_length::{GetMinPinLength, MinPinLength};
pub use pin_complexity_policy::PinComplexityPolicy;
pub use prf::{PrfCreateInput, PrfCreateOutput, PrfGetInput, PrfGetOutput, PrfResults, PrfSalts};
pub use third_party_payment::ThirdPartyPayment;

/// A typed value of an extension, at one of the places where it stands: input or output, of a
/// creation or an assertion.
///
/// An extension whose values differ between these places has a type for each, all with the same
/// [`Self::ID`].
pub trait ExtensionValue: Sized {
    /// The extension's identifier.
    const ID: &'static str;

    /// Reads the value.
    ///
    /// # Errors
    /// [`Malformed`] where it is not as the extension says.
    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed>;

    /// Writes the value: exactly one item.
    fn write(&self, writer: &mut Writer);
}

/// Extension values by identifier: the inputs in a request, or the outputs in authenticator data.
///
/// The values stay encoded, so that those which are not known here pass through untouched. They are
/// not shown by `Debug`: what `prf` gives is among them.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Extensions {
    /// In canonical order, each identifier once.
    entries: Vec<(Box<str>, Box<[u8]>)>,
}

impl fmt::Debug for Extensions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut map = f.debug_map();
        for (id, value) in &self.entries {
            map.entry(id, &format_args!("{} bytes", value.len()));
        }
        map.finish()
    }
}

impl Extensions {
    /// A map without entries.
    #[must_use]
    pub const fn new() -> Self {
        Self { entries: Vec::new() }
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The identifiers, in canonical order.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|(id, _)| &**id)
    }

    /// Whether there is a value for the identifier.
    #[must_use]
    pub fn contains(&self, id: &str) -> bool {
        self.raw(id).is_some()
    }

    /// The encoded value for an identifier.
    #[must_use]
    pub fn raw(&self, id: &str) -> Option<&[u8]> {
        self.entries.iter().find(|(known, _)| **known == *id).map(|(_, value)| &**value)
    }

    /// The value of a typed extension, if there is one.
    ///
    /// # Errors
    /// [`Malformed`] where the value is not as the extension says.
    pub fn get<T: ExtensionValue>(&self) -> Result<Option<T>, Malformed> {
        self.raw(T::ID).map(|value| decode(value, MESSAGE_DEPTH, T::read)).transpose()
    }

    /// Sets the value of a typed extension.
    pub fn set<T: ExtensionValue>(&mut self, value: &T) {
        let mut writer = Writer::new();
        value.write(&mut writer);
        self.insert(T::ID, writer.into_vec().into());
    }

    /// Sets an encoded value.
    ///
    /// # Errors
    /// [`Error`] where it is not exactly one canonical item.
    pub fn set_raw(&mut self, id: &str, value: &[u8]) -> Result<(), Error> {
        decode(value, MESSAGE_DEPTH, Reader::skip)?;
        self.insert(id, value.into());
        Ok(())
    }

    fn insert(&mut self, id: &str, value: Box<[u8]>) {
        let position = self
            .entries
            .binary_search_by(|(known, _)| (known.len(), &**known).cmp(&(id.len(), id)));
        match position {
            Ok(found) => {
                if let Some((_, known)) = self.entries.get_mut(found) {
                    *known = value;
                }
            }
            Err(place) => self.entries.insert(place, (id.into(), value)),
        }
    }

    /// Reads a map. Entries whose key is not text are no extensions, and left out.
    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let mut entries = Vec::new();
        reader.map(|key, value| {
            if let Key::Text(id) = key {
                entries.push((id.into(), value.raw()?.into()));
            }
            Ok::<(), Malformed>(())
        })?;
        Ok(Self { entries })
    }

    pub(crate) fn write(&self, writer: &mut Writer) {
        writer.map(|map| {
            self.entries.iter().for_each(|(id, value)| map.entry(&**id, |w| w.raw(value)));
        });
    }
}
