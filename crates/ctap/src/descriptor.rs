//! How credentials are listed: descriptors and transports (WebAuthn L3 §5.8.3, §5.8.4).

use alloc::{boxed::Box, vec::Vec};

use towline_cbor::{Member, Reader, Writer};

use crate::{CredentialId, Malformed};

/// The only type of credential there is; entries of other types are skipped on reading.
pub(crate) const PUBLIC_KEY: &str = "public-key";

/// PublicKeyCredentialDescriptor of type `public-key`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKeyCredentialDescriptor {
    /// The id of the credential.
    pub id: CredentialId,
    /// How its authenticator may be reached; a hint, empty for "not known".
    pub transports: Vec<Transport>,
}

impl PublicKeyCredentialDescriptor {
    /// A descriptor without transports, as authenticators want them.
    #[must_use]
    pub const fn new(id: CredentialId) -> Self {
        Self { id, transports: Vec::new() }
    }

    /// Reads a descriptor; `None` for one that can't name a credential of ours: another type, or an
    /// id of a length that no credential has.
    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Option<Self>, Malformed> {
        let (mut id, mut public_key, mut transports) = (None, None, Vec::new());
        reader.members(|key, value| {
            match key {
                Member::Text(b"id") => id = Some(value.bytes()?),
                Member::Text(b"type") => public_key = Some(value.text_is(PUBLIC_KEY)?),
                Member::Text(b"transports") => value.array(|element| {
                    transports.push(Transport::from(element.text()?));
                    Ok::<(), Malformed>(())
                })?,
                _ => {}
            }
            Ok::<(), Malformed>(())
        })?;
        let id = id.ok_or(Malformed::Missing("the descriptor's id"))?;
        let public_key = public_key.ok_or(Malformed::Missing("the descriptor's type"))?;
        Ok(CredentialId::new(id).ok().filter(|_| public_key).map(|id| Self { id, transports }))
    }

    /// Reads a list, leaving out what [`Self::read`] gives no descriptor for.
    pub(crate) fn read_list(reader: &mut Reader<'_>) -> Result<Vec<Self>, Malformed> {
        let mut list = Vec::new();
        reader.array(|element| {
            // Without transports, as clients send them.
            let usual = element.framed(b"\xa2\x62id", Reader::bytes, b"\x64type\x6apublic-key");
            let entry = match usual {
                Some(id) => CredentialId::new(id).ok().map(Self::new),
                None => Self::read(element)?,
            };
            if let Some(entry) = entry {
                list.push(entry);
            }
            Ok::<(), Malformed>(())
        })?;
        Ok(list)
    }

    pub(crate) fn write(&self, writer: &mut Writer) {
        writer.map(|map| {
            map.entry("id", |w| w.bytes(self.id.as_bytes()));
            map.entry("type", |w| w.text(PUBLIC_KEY));
            if !self.transports.is_empty() {
                map.entry("transports", |w| {
                    w.array(|array| {
                        self.transports.iter().for_each(|t| array.item(|w| w.text(t.as_str())));
                    });
                });
            }
        });
    }

    pub(crate) fn write_list(list: &[Self], writer: &mut Writer) {
        writer.array(|array| list.iter().for_each(|entry| array.item(|w| entry.write(w))));
    }
}

/// How an authenticator may be reached (AuthenticatorTransport, WebAuthn L3 §5.8.4).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Transport {
    /// Removable USB.
    Usb,
    /// Near Field Communication.
    Nfc,
    /// Bluetooth Low Energy.
    Ble,
    /// ISO/IEC 7816 smart card with contacts.
    SmartCard,
    /// Hybrid: proximity shown by Bluetooth, data over another channel.
    Hybrid,
    /// Part of the client device.
    Internal,
    /// One that is not known here. Made by `Transport::from`, which gives the others where it can.
    Other(Box<str>),
}

impl Transport {
    /// The text on the wire.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Usb => "usb",
            Self::Nfc => "nfc",
            Self::Ble => "ble",
            Self::SmartCard => "smart-card",
            Self::Hybrid => "hybrid",
            Self::Internal => "internal",
            Self::Other(other) => other,
        }
    }
}

impl From<&str> for Transport {
    fn from(text: &str) -> Self {
        match text {
            "usb" => Self::Usb,
            "nfc" => Self::Nfc,
            "ble" => Self::Ble,
            "smart-card" => Self::SmartCard,
            "hybrid" => Self::Hybrid,
            "internal" => Self::Internal,
            other => Self::Other(other.into()),
        }
    }
}
