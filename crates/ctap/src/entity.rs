//! Who is involved: the relying party and the user (WebAuthn L3 §5.4.2, §5.4.3).

use alloc::string::String;

use towline_cbor::{Kind, Member, Reader, Writer};

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

/// How names for people are read.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Names {
    /// In a request they are UTF-8, as everything is.
    Whole,
    /// In a response they are what an authenticator kept, and some keep 64 bytes, wherever the 64th
    /// is. Nothing is signed over them; U+FFFD stands for what is left of a character (WebAuthn L3
    /// §6.4.1).
    MayBeCut,
}

impl Names {
    fn read(self, reader: &mut Reader<'_>) -> Result<String, Malformed> {
        Ok(match self {
            Self::Whole => reader.text()?.into(),
            Self::MayBeCut => reader.text_lossy()?.into_owned(),
        })
    }

    /// Goes past a member that has no use here: an `icon`, which is kept and cut as names are.
    fn skip(self, reader: &mut Reader<'_>) -> Result<(), Malformed> {
        if matches!(self, Self::MayBeCut) && reader.kind()? == Kind::Text {
            reader.text_lossy()?;
        }
        Ok(())
    }
}

impl Rp {
    /// Reads what a client asks for, or, with `names` of [`Names::MayBeCut`], what an authenticator
    /// answers.
    pub(crate) fn read(reader: &mut Reader<'_>, names: Names) -> Result<Self, Malformed> {
        let (mut id, mut name) = (None, None);
        reader.members(|key, value| {
            match key {
                Member::Text(b"id") => id = Some(rp_id(value)?),
                Member::Text(b"name") => name = Some(names.read(value)?),
                _ => names.skip(value)?,
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
    /// Reads what a client asks for, or, with `names` of [`Names::MayBeCut`], what an authenticator
    /// answers.
    pub(crate) fn read(reader: &mut Reader<'_>, names: Names) -> Result<Self, Malformed> {
        let (mut id, mut name, mut display_name) = (None, None, None);
        reader.members(|key, value| {
            match key {
                Member::Text(b"id") => id = Some(UserHandle::read(value.bytes()?)?),
                Member::Text(b"name") => name = Some(names.read(value)?),
                Member::Text(b"displayName") => display_name = Some(names.read(value)?),
                _ => names.skip(value)?,
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
