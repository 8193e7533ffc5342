//! What a computer keeps of the phones that it may ring.

use std::sync::{Mutex, MutexGuard, PoisonError};

use towline_cbor::{CTAP_DEPTH, Key, Writer};
use towline_crypto::{CryptoProvider, P256PublicKey, Secret};
use zeroize::Zeroizing;

use super::LinkingInformation;
use crate::{
    domain::TunnelDomain,
    ids::{ContactId, LinkId},
    secrets::LinkSecret,
};

/// A phone that lets this computer ring it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkedPhone {
    /// What the phone said, with its signature checked.
    pub information: LinkingInformation,
    /// The tunnel service by which it can be rung: that of the session in which it said so.
    pub domain: TunnelDomain,
    /// When it was linked, in seconds of Unix time, where that was noted.
    pub since: Option<u64>,
}

/// Why links could not be read or changed.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LinkStoreError {
    /// What is stored is not what was written.
    #[error("the stored links are damaged; remove them and link the devices again")]
    Damaged,
    /// The place where links are kept can't be used.
    #[error("the links can't be used: {0}")]
    Unavailable(String),
}

/// Keeps links to phones on a computer. A record holds secrets: the right to ring the phone.
///
/// Calls may block for as long as a disk takes; an asynchronous caller makes them elsewhere.
pub trait PhoneLinks: Send + Sync {
    /// All of them, the oldest first.
    ///
    /// # Errors
    /// [`LinkStoreError`].
    fn all(&self) -> Result<Vec<LinkedPhone>, LinkStoreError>;

    /// Keeps a link. One with the same identity is the same phone's, and is replaced whole.
    ///
    /// # Errors
    /// [`LinkStoreError`]; nothing has changed then.
    fn save(&self, phone: &LinkedPhone) -> Result<(), LinkStoreError>;

    /// Deletes the link of this identity, if it is still this one: the phone may have sent another
    /// one meanwhile. Says whether it was there.
    ///
    /// # Errors
    /// [`LinkStoreError`]; nothing has changed then.
    fn remove(&self, identity: &P256PublicKey, link: &LinkId) -> Result<bool, LinkStoreError>;
}

/// Links to phones that are gone with the process.
#[derive(Debug, Default)]
pub struct MemoryPhoneLinks(Mutex<Vec<LinkedPhone>>);

impl MemoryPhoneLinks {
    /// A store without any links.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<LinkedPhone>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl PhoneLinks for MemoryPhoneLinks {
    fn all(&self) -> Result<Vec<LinkedPhone>, LinkStoreError> {
        Ok(self.lock().clone())
    }

    fn save(&self, phone: &LinkedPhone) -> Result<(), LinkStoreError> {
        LinkedPhone::put(&mut self.lock(), phone.clone());
        Ok(())
    }

    fn remove(&self, identity: &P256PublicKey, link: &LinkId) -> Result<bool, LinkStoreError> {
        Ok(LinkedPhone::take(&mut self.lock(), identity, link))
    }
}

impl LinkedPhone {
    /// The phone's name for a person's eyes; the phone's word only.
    #[must_use]
    pub fn display_name(&self) -> String {
        self.information.display_name()
    }

    /// What [`PhoneLinks::save`] does to a list.
    pub fn put(list: &mut Vec<Self>, phone: Self) {
        let identity = phone.information.identity;
        match list.iter_mut().find(|known| known.information.identity == identity) {
            Some(known) => *known = phone,
            None => list.push(phone),
        }
    }

    /// What [`PhoneLinks::remove`] does to a list.
    pub fn take(list: &mut Vec<Self>, identity: &P256PublicKey, link: &LinkId) -> bool {
        let before = list.len();
        list.retain(|known| {
            let known = &known.information;
            known.identity != *identity || known.link_id != *link
        });
        list.len() < before
    }

    /// The record as bytes, for a store. They hold a secret.
    #[must_use]
    pub fn encode(&self) -> Zeroizing<Vec<u8>> {
        let known = &self.information;
        let room = known.contact_id.as_bytes().len().saturating_add(known.name.len());
        let mut writer = Writer::with_capacity(room.saturating_add(160));
        writer.map(|map| {
            map.entry(1, |w| w.bytes(known.contact_id.as_bytes()));
            map.entry(2, |w| w.bytes(known.link_id.as_bytes()));
            map.entry(3, |w| w.bytes(known.secret.expose()));
            map.entry(4, |w| w.bytes(known.identity.as_bytes()));
            map.entry(5, |w| w.text(&known.name));
            map.entry(6, |w| w.uint(self.domain.encoded().into()));
            if let Some(since) = self.since {
                map.entry(7, |w| w.uint(since));
            }
        });
        Zeroizing::new(writer.into_vec())
    }

    /// Reads what [`encode`](Self::encode) wrote.
    ///
    /// # Errors
    /// [`LinkStoreError::Damaged`].
    pub fn decode(provider: &CryptoProvider, bytes: &[u8]) -> Result<Self, LinkStoreError> {
        let (mut contact_id, mut link_id, mut secret) = (None, None, None);
        let (mut identity, mut name, mut domain, mut since) = (None, None, None, None);
        towline_cbor::decode(bytes, CTAP_DEPTH, |reader| {
            reader.map(|key, value| {
                match key {
                    Key::Int(1) => contact_id = Some(ContactId::new(value.bytes()?)),
                    Key::Int(2) => link_id = Some(LinkId::new(*value.byte_array()?)),
                    Key::Int(3) => secret = Some(Secret::new(*value.byte_array()?)),
                    Key::Int(4) => identity = Some(value.byte_array::<65>()?),
                    Key::Int(5) => name = Some(value.text()?.to_owned()),
                    Key::Int(6) => domain = u16::try_from(value.uint()?).ok(),
                    Key::Int(7) => since = Some(value.uint()?),
                    _ => {}
                }
                Ok::<(), towline_cbor::Error>(())
            })
        })
        .map_err(|_| LinkStoreError::Damaged)?;
        let whole = || {
            Some(Self {
                information: LinkingInformation {
                    contact_id: contact_id.filter(ContactId::is_usable)?,
                    link_id: link_id?,
                    secret: LinkSecret::new(secret?),
                    identity: provider.ecdh.public_key(identity?).ok()?,
                    name: name?,
                },
                domain: TunnelDomain::new(domain?).ok()?,
                since,
            })
        };
        whole().ok_or(LinkStoreError::Damaged)
    }
}

/// A name that a stranger chose, for a person's eyes.
pub(super) fn display_name(name: &str) -> String {
    let hidden = |c: char| {
        c.is_control()
            || matches!(c,
                '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
                | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e0fff}')
    };
    name.chars().filter(|c| !hidden(*c)).take(64).collect()
}
