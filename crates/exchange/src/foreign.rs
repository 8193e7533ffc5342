//! What came along with a passkey and means nothing here: the unknown members of its item, of
//! itself and of its parts, and the credentials beside it. It is kept as JSON, sealed with the
//! passkey, since there may be passwords in it.

use towline_authenticator::SecretBytes;

use crate::{
    json::{Json, Members, member},
    passkey::take,
};

const ITEM: &str = "item";
const PASSKEY: &str = "passkey";
const BESIDE: &str = "beside";
const PLACE: &str = "place";

/// How deep it may be nested: in a document it stands at most five layers deeper, and that is to
/// be read again, by this crate's preset too.
const DEPTH: usize = 64 - 5;

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Foreign {
    /// Members of the item that have no meaning here.
    pub(crate) item: Members,
    /// The same of the passkey, and of its parts in their places.
    pub(crate) passkey: Members,
    /// The other credentials of the item, without other passkeys.
    pub(crate) beside: Vec<Json>,
    /// How many of those come before the passkey.
    pub(crate) place: usize,
}

impl Foreign {
    /// What to keep; nothing where there is nothing, and an error where it is longer than
    /// `most`, or nested too deep.
    pub(crate) fn to_bytes(&self, most: usize) -> Result<Option<SecretBytes>, TooLarge> {
        let mut members = Members::new();
        if !self.item.is_empty() {
            members.push((ITEM.to_owned(), Json::Object(self.item.clone())));
        }
        if !self.passkey.is_empty() {
            members.push((PASSKEY.to_owned(), Json::Object(self.passkey.clone())));
        }
        if !self.beside.is_empty() {
            members.push((BESIDE.to_owned(), Json::List(self.beside.clone())));
            let place = u32::try_from(self.place).unwrap_or(u32::MAX);
            members.push((PLACE.to_owned(), Json::number(place)));
        }
        if members.is_empty() {
            return Ok(None);
        }
        let kept = Json::Object(members);
        let bytes = kept.write();
        if bytes.len() > most || kept.depth() > DEPTH {
            return Err(TooLarge);
        }
        Ok(Some(bytes.to_vec().into()))
    }

    /// Reads what was kept. What anything else wrote is nothing of ours to pass on.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let Json::Object(mut members) = Json::read(bytes, DEPTH, bytes.len()).ok()? else {
            return None;
        };
        let mut object = |name| match take(&mut members, name) {
            Some(Json::Object(members)) => members,
            _ => Members::new(),
        };
        let (item, passkey) = (object(ITEM), object(PASSKEY));
        let beside = match take(&mut members, BESIDE) {
            Some(Json::List(beside)) => beside,
            _ => Vec::new(),
        };
        let place = member(&members, PLACE).and_then(Json::as_integer);
        let place = place.and_then(|place| usize::try_from(place).ok()).unwrap_or_default();
        Some(Self { item, passkey, beside, place })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooLarge;

/// Puts what was kept beside what is written: objects of one name become one, and what is written
/// counts.
pub(crate) fn merge(into: &mut Members, kept: Members) {
    for (name, kept) in kept {
        match into.iter_mut().find(|(known, _)| *known == name) {
            Some((_, Json::Object(into))) => {
                if let Json::Object(kept) = kept {
                    merge(into, kept);
                }
            }
            Some(_) => {}
            None => into.push((name, kept)),
        }
    }
}
