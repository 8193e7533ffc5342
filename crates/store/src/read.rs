//! What the store is asked. "None" is said only of what is known not to be there: an index that
//! leads nowhere, or to another thing than it says, and a thing that can't be opened, are damage.

use std::{
    collections::VecDeque,
    ops::Bound,
    sync::{Mutex, PoisonError},
};

use redb::{ReadTransaction, ReadableTable, ReadableTableMetadata as _};
use towline_authenticator::{Capacity, Credential, Cursor, Page, Query, Record, RelyingParties};
use towline_ctap::{CredentialId, Rp, RpId, UserHandle, extension::CredentialProtectionPolicy};
use zeroize::Zeroizing;

use crate::{
    Error,
    head::{Head, verify_table},
    seal::{ENTRY, Keys},
    tables::{META, Table, account_entry, id_entry, member_entry, party_entry, place_of},
};

/// One consistent view of the database.
pub(crate) type View = ReadTransaction;

/// One consistent view of the store.
pub(crate) struct Reading<'a> {
    pub(crate) view: View,
    pub(crate) keys: &'a Keys,
    pub(crate) gone: &'a Gone,
    /// How many credentials the store takes.
    pub(crate) limit: u64,
}

/// Where relying parties were in the order that are gone since, so that a list that was begun
/// before goes on after them.
#[derive(Default)]
pub(crate) struct Gone(Mutex<VecDeque<([u8; ENTRY], u64)>>);

impl Gone {
    /// How many are remembered.
    const MOST: usize = 256;

    pub(crate) fn note(&self, party: [u8; ENTRY], number: u64) {
        let mut gone = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        gone.retain(|(other, _)| *other != party);
        gone.push_front((party, number));
        gone.truncate(Self::MOST);
    }

    fn number(&self, party: &[u8; ENTRY]) -> Option<u64> {
        let gone = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        gone.iter().find(|(other, _)| other == party).map(|(_, number)| *number)
    }
}

fn bad_index() -> Error {
    Error::DamagedPart("an index".to_owned())
}

impl Reading<'_> {
    pub(crate) fn lookup(&self, id: &CredentialId) -> Result<Option<Credential>, Error> {
        let Some(place) = place_in(&self.open(Table::Ids)?, &id_entry(self.keys, id))? else {
            return Ok(None);
        };
        let found = self.credential(place)?;
        if found.id == *id { Ok(Some(found)) } else { Err(bad_index()) }
    }

    /// The highest counter that a signature of this credential may have carried: its own, or the
    /// one for all of them.
    pub(crate) fn counter(&self, id: &CredentialId) -> Result<u32, Error> {
        let all = Head::read(&self.view.open_table(META)?, self.keys)?.counter;
        let place = place_in(&self.open(Table::Ids)?, &id_entry(self.keys, id))?;
        let own = place.map(|place| counter(&self.open(Table::Counters)?, self.keys, place));
        Ok(own.transpose()?.unwrap_or_default().max(all))
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
    ) -> Result<Vec<Credential>, Error> {
        let entry = account_entry(self.keys, rp_id, user);
        let mut all = Vec::new();
        for place in places_of(&self.open(Table::Accounts)?, &entry)?.into_iter().rev() {
            let found = self.credential(place)?;
            if found.rp_id != *rp_id || found.user.id != *user {
                return Err(bad_index());
            }
            all.push(found);
        }
        Ok(all)
    }

    pub(crate) fn page(&self, query: &Query) -> Result<Page, Error> {
        let party = party_entry(self.keys, &query.rp_id);
        let members = members(&self.open(Table::Parties)?, &party)?.unwrap_or_default();
        let total = if query.verified { members.all } else { members.open };
        let mut page =
            Page { total: usize::try_from(total).unwrap_or(usize::MAX), ..Page::default() };
        let before = query.after.map_or(u64::MAX, |Cursor(place)| place);
        let (first, end) = (member_entry(&party, 0), member_entry(&party, before));
        let table = self.open(Table::Members)?;
        let mut passed = 0_u64;
        for member in table.range(&first[..]..&end[..])?.rev() {
            if page.credentials.len() >= query.limit {
                return Ok(page);
            }
            let (member, open) = member?;
            let open = open.value() == [1];
            passed = passed.saturating_add(u64::from(query.verified || open));
            if !query.verified && !open {
                continue;
            }
            let place = place_of(member.value()).ok_or_else(bad_index)?;
            let credential = self.credential(place)?;
            if credential.rp_id != query.rp_id || listed(&credential) != open {
                return Err(bad_index());
            }
            page.credentials.push(credential);
            page.end = Some(Cursor(place));
        }
        // From the first to the last there are as many as are counted.
        if query.after.is_none() && passed != total { Err(bad_index()) } else { Ok(page) }
    }

    /// All credentials, newest first.
    pub(crate) fn all(&self, after: Option<Cursor>, limit: usize) -> Result<Page, Error> {
        let credentials = self.open(Table::Credentials)?;
        let total = usize::try_from(credentials.len()?).unwrap_or(usize::MAX);
        let mut page = Page { total, ..Page::default() };
        let before = after.map_or(u64::MAX, |Cursor(place)| place).to_be_bytes();
        for entry in credentials.range(..&before[..])?.rev().take(limit) {
            let (key, _) = entry?;
            let place = key.value().try_into().map(u64::from_be_bytes);
            let place = place.map_err(|_| bad_index())?;
            page.credentials.push(self.credential(place)?);
            page.end = Some(Cursor(place));
        }
        Ok(page)
    }

    pub(crate) fn relying_parties(
        &self,
        after: Option<&RpId>,
        limit: usize,
    ) -> Result<RelyingParties, Error> {
        let order = self.open(Table::Order)?;
        let total = usize::try_from(order.len()?).unwrap_or(usize::MAX);
        let mut parties = Vec::new();
        let first = match after {
            None => Bound::Unbounded,
            Some(after) => {
                let party = party_entry(self.keys, after);
                let there = members(&self.open(Table::Parties)?, &party)?;
                match there.map(|members| members.number).or_else(|| self.gone.number(&party)) {
                    Some(number) => Bound::Excluded(number.to_be_bytes()),
                    // Gone before this program began, and so nobody goes on after it.
                    None => return Ok(RelyingParties { total, parties }),
                }
            }
        };
        let first = first.as_ref().map(|number| &number[..]);
        for party in order.range::<&[u8]>((first, Bound::Unbounded))? {
            if parties.len() >= limit {
                break;
            }
            let (_, party) = party?;
            let party = <[u8; ENTRY]>::try_from(party.value()).map_err(|_| bad_index())?;
            let newest = self.newest(&party)?;
            parties.push(Rp { id: newest.rp_id, name: newest.rp_name });
        }
        Ok(RelyingParties { total, parties })
    }

    pub(crate) fn record(&self, record: Record) -> Result<Option<Zeroizing<Vec<u8>>>, Error> {
        self.named(Table::Records, record.name())
    }

    /// What is under a name in a table of few things. That there is none is compared with the head.
    pub(crate) fn named(
        &self,
        table: Table,
        name: &str,
    ) -> Result<Option<Zeroizing<Vec<u8>>>, Error> {
        let found = opened(&self.open(table)?, self.keys, table, name.as_bytes())?;
        if found.is_none() {
            let head = Head::read(&self.view.open_table(META)?, self.keys)?;
            verify_table(&self.view, self.keys, &head, table)?;
        }
        Ok(found)
    }

    pub(crate) fn capacity(&self) -> Result<Capacity, Error> {
        let number = |number| usize::try_from(number).unwrap_or(usize::MAX);
        let discoverable = number(self.open(Table::Members)?.len()?);
        let left = self.limit.saturating_sub(self.open(Table::Credentials)?.len()?);
        Ok(Capacity { discoverable, remaining: Some(number(left)) })
    }

    fn newest(&self, party: &[u8; ENTRY]) -> Result<Credential, Error> {
        let (first, end) = (member_entry(party, 0), member_entry(party, u64::MAX));
        let members = self.open(Table::Members)?;
        let newest = members.range(&first[..]..&end[..])?.next_back().ok_or_else(bad_index)?;
        let place = place_of(newest?.0.value()).ok_or_else(bad_index)?;
        self.credential(place)
    }

    fn credential(&self, place: u64) -> Result<Credential, Error> {
        credential_at(&self.open(Table::Credentials)?, self.keys, place)
    }

    pub(crate) fn open(&self, table: Table) -> Result<Opened, Error> {
        Ok(self.view.open_table(table.definition())?)
    }
}

/// A table in a view.
pub(crate) type Opened = redb::ReadOnlyTable<&'static [u8], &'static [u8]>;

/// Whether it may be listed without verification (`credProtect` level 1).
pub(crate) fn listed(credential: &Credential) -> bool {
    credential.protection == CredentialProtectionPolicy::UserVerificationOptional
}

/// The place that an index leads to.
pub(crate) fn place_in(
    index: &impl ReadableTable<&'static [u8], &'static [u8]>,
    entry: &[u8; ENTRY],
) -> Result<Option<u64>, Error> {
    let Some(place) = index.get(&entry[..])? else { return Ok(None) };
    place.value().try_into().map(u64::from_be_bytes).map(Some).map_err(|_| bad_index())
}

/// The places that an index of several leads to, in their order.
pub(crate) fn places_of(
    index: &impl ReadableTable<&'static [u8], &'static [u8]>,
    entry: &[u8; ENTRY],
) -> Result<Vec<u64>, Error> {
    let (first, last) = (member_entry(entry, 0), member_entry(entry, u64::MAX));
    let mut places = Vec::new();
    for row in index.range::<&[u8]>(&first[..]..=&last[..])? {
        places.push(place_of(row?.0.value()).ok_or_else(bad_index)?);
    }
    Ok(places)
}

/// The credential at a place that an index leads to.
pub(crate) fn credential_at(
    credentials: &impl ReadableTable<&'static [u8], &'static [u8]>,
    keys: &Keys,
    place: u64,
) -> Result<Credential, Error> {
    let key = place.to_be_bytes();
    let bytes = opened(credentials, keys, Table::Credentials, &key)?.ok_or_else(bad_index)?;
    decoded(&bytes).ok_or_else(|| unreadable(Table::Credentials, &key))
}

/// A credential of its bytes.
pub(crate) fn decoded(bytes: &[u8]) -> Option<Credential> {
    Credential::from_bytes(bytes).ok()
}

/// The error for what is there and can't be opened.
pub(crate) fn unreadable(table: Table, key: &[u8]) -> Error {
    Error::DamagedPart(table.part(key))
}

/// What is sealed under a key. What can't be opened is never taken for none.
pub(crate) fn opened(
    table: &impl ReadableTable<&'static [u8], &'static [u8]>,
    keys: &Keys,
    of: Table,
    key: &[u8],
) -> Result<Option<Zeroizing<Vec<u8>>>, Error> {
    let Some(sealed) = table.get(key)? else { return Ok(None) };
    let opened = keys.open(of.name(), key, sealed.value());
    opened.map(Some).map_err(|_| unreadable(of, key))
}

/// The discoverable credentials of a relying party.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Members {
    pub(crate) all: u64,
    /// How many of them may be listed without verification.
    pub(crate) open: u64,
    /// Where the relying party is in the order of all.
    pub(crate) number: u64,
}

impl Members {
    pub(crate) fn to_bytes(self) -> [[u8; 8]; 3] {
        [self.all, self.open, self.number].map(u64::to_be_bytes)
    }
}

/// None if it has none.
pub(crate) fn members(
    parties: &impl ReadableTable<&'static [u8], &'static [u8]>,
    party: &[u8; ENTRY],
) -> Result<Option<Members>, Error> {
    let Some(counts) = parties.get(&party[..])? else { return Ok(None) };
    match counts.value().as_chunks::<8>() {
        ([all, open, number], []) => Ok(Some(Members {
            all: u64::from_be_bytes(*all),
            open: u64::from_be_bytes(*open),
            number: u64::from_be_bytes(*number),
        })),
        _ => Err(bad_index()),
    }
}

/// The signature counter of the credential at a place; 0 if it was never used.
pub(crate) fn counter(
    counters: &impl ReadableTable<&'static [u8], &'static [u8]>,
    keys: &Keys,
    place: u64,
) -> Result<u32, Error> {
    let key = place.to_be_bytes();
    let Some(bytes) = opened(counters, keys, Table::Counters, &key)? else { return Ok(0) };
    // Begun again at 0 it would go back.
    let bytes = bytes.as_slice().try_into();
    bytes.map(u32::from_be_bytes).map_err(|_| unreadable(Table::Counters, &key))
}
