//! What the store is asked.

use std::sync::atomic::{AtomicBool, Ordering};

use redb::{ReadTransaction, ReadableTable, ReadableTableMetadata as _};
use towline_authenticator::{Capacity, Credential, Cursor, Page, Query, Record, RelyingParties};
use towline_ctap::{CredentialId, Rp, RpId, UserHandle, extension::CredentialProtectionPolicy};
use zeroize::Zeroizing;

use crate::{
    Error,
    seal::{ENTRY, Keys},
    tables::{
        ACCOUNTS, CREDENTIALS, GLOBAL_COUNTER, IDS, MEMBERS, PARTIES, RECORDS, account_entry,
        id_entry, member_entry, party_entry, place_of,
    },
};

/// The name under which the seals of [`CREDENTIALS`] are made.
pub(crate) const CREDENTIAL_SEAL: &str = "credentials";
/// The same of the records of the authenticator.
pub(crate) const RECORD_SEAL: &str = "records";
/// The same of numbers in the table `meta`.
pub(crate) const META_SEAL: &str = "meta";

/// The same of counters.
pub(crate) const COUNTER_SEAL: &str = "counters";
/// The same of links.
pub(crate) const LINK_SEAL: &str = "links";

/// One consistent view of the store.
pub(crate) struct Reading<'a> {
    pub(crate) view: ReadTransaction,
    pub(crate) keys: &'a Keys,
    /// Set when a credential could not be opened.
    pub(crate) damaged: &'a AtomicBool,
}

impl Reading<'_> {
    pub(crate) fn lookup(&self, id: &CredentialId) -> Result<Option<Credential>, Error> {
        let place = self.view.open_table(IDS)?.get(&id_entry(self.keys, id)[..])?;
        let Some(place) = place else { return Ok(None) };
        let found = self.credential(place.value())?;
        Ok(found.filter(|credential| credential.id == *id))
    }

    pub(crate) fn find(
        &self,
        rp_id: &RpId,
        ids: &[CredentialId],
    ) -> Result<Vec<Credential>, Error> {
        let mut here = Vec::new();
        for id in ids {
            here.extend(self.lookup(id)?.filter(|credential| credential.rp_id == *rp_id));
        }
        Ok(here)
    }

    pub(crate) fn account(
        &self,
        rp_id: &RpId,
        user: &UserHandle,
    ) -> Result<Option<Credential>, Error> {
        let entry = account_entry(self.keys, rp_id, user);
        let place = self.view.open_table(ACCOUNTS)?.get(&entry[..])?;
        let Some(place) = place else { return Ok(None) };
        let found = self.credential(place.value())?;
        Ok(found.filter(|credential| credential.rp_id == *rp_id && credential.user.id == *user))
    }

    pub(crate) fn page(&self, query: &Query) -> Result<Page, Error> {
        let party = party_entry(self.keys, &query.rp_id);
        let (all, open) = members(&self.view.open_table(PARTIES)?, &party)?;
        let total = if query.verified { all } else { open };
        let mut page =
            Page { total: usize::try_from(total).unwrap_or(usize::MAX), ..Page::default() };
        let before = query.after.map_or(u64::MAX, |Cursor(place)| place);
        let (first, end) = (member_entry(&party, 0), member_entry(&party, before));
        let table = self.view.open_table(MEMBERS)?;
        for member in table.range(&first[..]..&end[..])?.rev() {
            if page.credentials.len() >= query.limit {
                break;
            }
            let (member, open) = member?;
            if !query.verified && open.value() == 0 {
                continue;
            }
            let Some(place) = place_of(member.value()) else { continue };
            // The index is a hint: what is sealed decides.
            let shown = |credential: &Credential| {
                credential.rp_id == query.rp_id && (query.verified || listed(credential))
            };
            if let Some(credential) = self.credential(place)?.filter(shown) {
                page.credentials.push(credential);
                page.end = Some(Cursor(place));
            }
        }
        Ok(page)
    }

    pub(crate) fn relying_parties(
        &self,
        after: Option<&RpId>,
        limit: usize,
    ) -> Result<RelyingParties, Error> {
        let table = self.view.open_table(PARTIES)?;
        let total = usize::try_from(table.len()?).unwrap_or(usize::MAX);
        let after = after.map(|after| party_entry(self.keys, after));
        let after = after.as_ref().map(|after| &after[..]);
        let first = after.map_or(std::ops::Bound::Unbounded, std::ops::Bound::Excluded);
        let mut parties = Vec::new();
        for party in table.range::<&[u8]>((first, std::ops::Bound::Unbounded))? {
            if parties.len() >= limit {
                break;
            }
            let (party, _) = party?;
            let Ok(party) = <[u8; ENTRY]>::try_from(party.value()) else { continue };
            if let Some(newest) = self.newest(&party)? {
                parties.push(Rp { id: newest.rp_id, name: newest.rp_name });
            }
        }
        Ok(RelyingParties { total, parties })
    }

    pub(crate) fn record(&self, record: Record) -> Result<Option<Zeroizing<Vec<u8>>>, Error> {
        named(&self.view.open_table(RECORDS)?, self.keys, RECORD_SEAL, record.name())
    }

    pub(crate) fn capacity(&self) -> Result<Capacity, Error> {
        let discoverable = self.view.open_table(MEMBERS)?.len()?;
        let discoverable = usize::try_from(discoverable).unwrap_or(usize::MAX);
        Ok(Capacity { discoverable, remaining: None })
    }

    fn newest(&self, party: &[u8; ENTRY]) -> Result<Option<Credential>, Error> {
        let (first, end) = (member_entry(party, 0), member_entry(party, u64::MAX));
        for member in self.view.open_table(MEMBERS)?.range(&first[..]..&end[..])?.rev() {
            let (member, _) = member?;
            let Some(place) = place_of(member.value()) else { continue };
            if let Some(credential) = self.credential(place)? {
                return Ok(Some(credential));
            }
        }
        Ok(None)
    }

    /// The credential at a place. One that is damaged is as good as not there, and is noted.
    fn credential(&self, place: u64) -> Result<Option<Credential>, Error> {
        match credential_at(&self.view.open_table(CREDENTIALS)?, self.keys, place)? {
            Some(Found::Whole(credential)) => Ok(Some(*credential)),
            Some(Found::Damaged) => {
                tracing::error!(
                    place,
                    "a stored credential is damaged; the next change keeps it aside"
                );
                self.damaged.store(true, Ordering::Relaxed);
                Ok(None)
            }
            None => Ok(None),
        }
    }
}

/// Whether it may be listed without verification (`credProtect` level 1).
pub(crate) fn listed(credential: &Credential) -> bool {
    credential.protection == CredentialProtectionPolicy::UserVerificationOptional
}

/// What is at a place.
pub(crate) enum Found {
    Whole(Box<Credential>),
    Damaged,
}

pub(crate) fn credential_at(
    credentials: &impl ReadableTable<u64, &'static [u8]>,
    keys: &Keys,
    place: u64,
) -> Result<Option<Found>, Error> {
    Ok(credentials.get(place)?.map(|sealed| found(keys, place, sealed.value())))
}

pub(crate) fn found(keys: &Keys, place: u64, sealed: &[u8]) -> Found {
    let opened = keys.open(CREDENTIAL_SEAL, &place.to_be_bytes(), sealed);
    match opened.ok().and_then(|bytes| Credential::from_bytes(&bytes).ok()) {
        Some(credential) => Found::Whole(Box::new(credential)),
        None => Found::Damaged,
    }
}

/// How many discoverable credentials a relying party has, and how many may be listed without verification.
pub(crate) fn members(
    parties: &impl ReadableTable<&'static [u8], &'static [u8]>,
    party: &[u8; ENTRY],
) -> Result<(u64, u64), Error> {
    let Some(counts) = parties.get(&party[..])? else { return Ok((0, 0)) };
    let counts = counts.value();
    match (counts.first_chunk(), counts.last_chunk(), counts.len()) {
        (Some(all), Some(open), 16) => Ok((u64::from_be_bytes(*all), u64::from_be_bytes(*open))),
        _ => Err(Error::Damaged("an index".to_owned())),
    }
}

/// The signature counter of the credential at a place; 0 if it was never used.
pub(crate) fn counter(
    counters: &impl ReadableTable<u64, &'static [u8]>,
    keys: &Keys,
    place: u64,
) -> Result<u32, Error> {
    let Some(sealed) = counters.get(place)? else { return Ok(0) };
    let opened = keys.open(COUNTER_SEAL, &place.to_be_bytes(), sealed.value()).ok();
    let bytes = opened.and_then(|bytes| bytes.as_slice().try_into().ok());
    // Begun again at 0 it would go back.
    bytes.map(u32::from_be_bytes).ok_or_else(|| Error::Damaged("a signature counter".to_owned()))
}

/// The signature counter for all credentials.
pub(crate) fn global_counter(
    meta: &impl ReadableTable<&'static str, &'static [u8]>,
    keys: &Keys,
) -> Result<u32, Error> {
    Ok(u32::try_from(number(meta, keys, GLOBAL_COUNTER)?).unwrap_or(u32::MAX))
}

/// What is kept under a name, sealed.
pub(crate) fn named(
    table: &impl ReadableTable<&'static str, &'static [u8]>,
    keys: &Keys,
    seal: &str,
    name: &str,
) -> Result<Option<Zeroizing<Vec<u8>>>, Error> {
    let Some(sealed) = table.get(name)? else { return Ok(None) };
    // A PIN that can't be read must never look like no PIN.
    let opened = keys.open(seal, name.as_bytes(), sealed.value());
    opened.map(Some).map_err(|_| Error::Damaged(format!("the record {name}")))
}

/// A number in the table `meta`; 0 if it is not there.
pub(crate) fn number(
    meta: &impl ReadableTable<&'static str, &'static [u8]>,
    keys: &Keys,
    name: &str,
) -> Result<u64, Error> {
    let Some(sealed) = meta.get(name)? else { return Ok(0) };
    let opened = keys.open(META_SEAL, name.as_bytes(), sealed.value());
    let bytes = opened.ok().and_then(|bytes| bytes.as_slice().try_into().ok());
    bytes.map(u64::from_be_bytes).ok_or_else(|| Error::Damaged(format!("the number {name}")))
}
