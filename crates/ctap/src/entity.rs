//! Who is involved: the relying party and the user (WebAuthn L3 §5.4.2, §5.4.3).

use alloc::string::String;

use towline_cbor::{Key, Reader, Writer};

use crate::{Malformed, RpId, UserHandle};

/// PublicKeyCredentialRpEntity: the relying party.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rp {
    /// Its RP ID, which credentials are bound to.
    pub id: RpId,
    /// A name for people. Anyone can claim any name: show the id beside it.
    pub name: Option<String>,
}

/// PublicKeyCredentialUserEntity: the account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The relying party's handle for the account.
    pub id: UserHandle,
    /// The name by which the account is told from others: an e-mail address, say.
    pub name: Option<String>,
    /// The name of the person.
    pub display_name: Option<String>,
}

impl Rp {
    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let (mut id, mut name) = (None, None);
        reader.map(|key, value| {
            match key {
                Key::Text("id") => id = Some(rp_id(value)?),
                Key::Text("name") => name = Some(value.text()?.into()),
                _ => {}
            }
            Ok::<(), Malformed>(())
        })?;
        Ok(Self { id: id.ok_or(Malformed::Missing("rp.id"))?, name })
    }

    pub(crate) fn write(&self, writer: &mut Writer) {
        writer.map(|map| {
            map.entry("id", |w| w.text(self.id.as_str()));
            map.optional("name", self.name.as_deref(), |w, name| w.text(name));
        });
    }
}

impl User {
    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let (mut id, mut name, mut display_name) = (None, None, None);
        reader.map(|key, value| {
            match key {
                Key::Text("id") => id = Some(UserHandle::read(value.bytes()?)?),
                Key::Text("name") => name = Some(value.text()?.into()),
                Key::Text("displayName") => display_name = Some(value.text()?.into()),
                _ => {}
            }
            Ok::<(), Malformed>(())
        })?;
        Ok(Self { id: id.ok_or(Malformed::Missing("user.id"))?, name, display_name })
    }

    pub(crate) fn write(&self, writer: &mut Writer) {
        writer.map(|map| {
            map.entry("id", |w| w.bytes(self.id.as_bytes()));
            map.optional("name", self.name.as_deref(), |w, name| w.text(name));
            map.optional("displayName", self.display_name.as_deref(), |w, name| w.text(name));
        });
    }
}

pub(crate) fn rp_id(reader: &mut Reader<'_>) -> Result<RpId, Malformed> {
    RpId::new(reader.text()?).map_err(|_| Malformed::Length("the RP ID"))
}
