//! One thing of a backup beside what the store has.

use std::collections::BTreeMap;

use towline_authenticator::{Credential, Replaces};
use towline_crypto::CryptoProvider;
use zeroize::Zeroizing;

use super::restore::{Conflicts, Outcome};
use crate::{
    Error,
    repair::{ATTEMPTS, LAST_ATTEMPT},
    tables::{COMPUTERS, FORGOTTEN, IDENTITY, PHONES, Table},
    write::Writing,
};

impl Writing<'_> {
    /// A credential with its signature counter, which is the higher of the two afterwards. What has
    /// a place below `before` was there before the backup.
    pub(crate) fn bring_back(
        &self,
        credential: &Credential,
        counter: u32,
        conflicts: Conflicts,
        before: u64,
    ) -> Result<Outcome, Error> {
        let mut taken;
        let outcome = match self.place(&credential.id)? {
            Some(place) => {
                // One that can't be read is begun again where the backup has it.
                let stored = match self.counter(place) {
                    Err(Error::DamagedPart(_)) => 0,
                    counter => counter?,
                };
                let counter = counter.max(stored);
                let outcome = match self.credential(place) {
                    Ok(stored) if stored == *credential => Outcome::Same,
                    Ok(_) if conflicts == Conflicts::Keep => Outcome::Kept,
                    Ok(_) => Outcome::Replaced,
                    // What could not be read any more is back.
                    Err(Error::DamagedPart(_)) => {
                        self.put_aside(place)?;
                        Outcome::Added
                    }
                    Err(error) => return Err(error),
                };
                if matches!(outcome, Outcome::Same | Outcome::Kept) {
                    if counter > 0 {
                        self.put_counter(place, counter)?;
                    }
                    return Ok(outcome);
                }
                return self.save_with(credential, counter, Vec::new()).map(|()| outcome);
            }
            None => {
                taken = self.taken_places(credential, Replaces::AccountAndAlgorithm)?;
                // What came with the backup stood beside it where the backup was made.
                taken.retain(|place| *place < before);
                match conflicts {
                    _ if taken.is_empty() => Outcome::Added,
                    Conflicts::Keep => return Ok(Outcome::Kept),
                    Conflicts::Replace => Outcome::Replaced,
                }
            }
        };
        self.save_with(credential, counter, taken).map(|()| outcome)
    }

    fn save_with(
        &self,
        credential: &Credential,
        counter: u32,
        taken: Vec<u64>,
    ) -> Result<(), Error> {
        let place = self.save(credential, taken)?;
        if counter > 0 { self.put_counter(place, counter) } else { Ok(()) }
    }

    /// A record of the authenticator.
    pub(crate) fn bring_back_record(
        &self,
        name: &str,
        value: &[u8],
        conflicts: Conflicts,
    ) -> Result<Outcome, Error> {
        if !ATTEMPTS.iter().any(|record| record.name() == name) {
            return self.bring_back_named(Table::Records, name, value, conflicts);
        }
        // They never go up but by the authenticator's own doing.
        if self.readable(Table::Records, name)? == Found::Unreadable {
            self.put_sealed(Table::Records, name.as_bytes(), &LAST_ATTEMPT)?;
            return Ok(Outcome::Replaced);
        }
        self.bring_back_named(Table::Records, name, value, Conflicts::Keep)
    }

    /// What is under a name; what can't be read is as good as not there.
    pub(crate) fn readable(&self, table: Table, name: &str) -> Result<Found, Error> {
        match self.named(table, name) {
            Ok(found) => Ok(found.map_or(Found::Nothing, Found::Value)),
            Err(Error::DamagedPart(_)) => Ok(Found::Unreadable),
            Err(error) => Err(error),
        }
    }

    pub(crate) fn bring_back_named(
        &self,
        table: Table,
        name: &str,
        value: &[u8],
        conflicts: Conflicts,
    ) -> Result<Outcome, Error> {
        let outcome = match self.readable(table, name)? {
            Found::Value(stored) if stored.as_slice() == value => return Ok(Outcome::Same),
            Found::Value(_) if conflicts == Conflicts::Keep => return Ok(Outcome::Kept),
            Found::Value(_) => Outcome::Replaced,
            Found::Nothing | Found::Unreadable => Outcome::Added,
        };
        self.put_sealed(table, name.as_bytes(), value)?;
        Ok(outcome)
    }

    /// What links are made of. What this phone is to computers, and which of them may ring it, are
    /// one thing: one that was forgotten must not ring again, and that it is in a backup does not
    /// tell whether it was.
    pub(crate) fn bring_back_links(
        &self,
        links: BTreeMap<String, Zeroizing<Vec<u8>>>,
        conflicts: Conflicts,
        provider: &CryptoProvider,
    ) -> Result<Vec<Outcome>, Error> {
        let mut outcomes = Vec::new();
        let is_phone = matches!(self.readable(Table::Links, IDENTITY)?, Found::Value(_));
        for (name, value) in &links {
            let of_phone = [IDENTITY, COMPUTERS, FORGOTTEN].contains(&name.as_str());
            let conflicts = if of_phone { Conflicts::Keep } else { conflicts };
            let stored = self.readable(Table::Links, name)?;
            outcomes.push(match &stored {
                Found::Value(stored) if stored == value => Outcome::Same,
                _ if of_phone && is_phone => Outcome::Kept,
                Found::Value(stored) if name == PHONES => {
                    let (list, outcome) = merged_phones(stored, value, conflicts, provider)?;
                    self.put_sealed(Table::Links, name.as_bytes(), &list)?;
                    outcome
                }
                _ => self.bring_back_named(Table::Links, name, value, conflicts)?,
            });
        }
        Ok(outcomes)
    }

    /// The signature counter for all credentials never goes back.
    pub(crate) fn raise_global_counter(&self, counter: u32) {
        self.with_head(|head| head.counter = head.counter.max(counter));
    }
}

/// What is under a name.
#[derive(PartialEq, Eq)]
pub(crate) enum Found {
    Nothing,
    Unreadable,
    Value(Zeroizing<Vec<u8>>),
}

/// The phones of both, one by one.
#[cfg(feature = "links")]
fn merged_phones(
    stored: &Zeroizing<Vec<u8>>,
    backup: &Zeroizing<Vec<u8>>,
    conflicts: Conflicts,
    provider: &CryptoProvider,
) -> Result<(Zeroizing<Vec<u8>>, Outcome), Error> {
    crate::links::merged_phones(stored, backup, conflicts, provider)
}

/// A program that knows no links leaves lists of them as they are.
#[cfg(not(feature = "links"))]
fn merged_phones(
    stored: &Zeroizing<Vec<u8>>,
    _: &Zeroizing<Vec<u8>>,
    _: Conflicts,
    _: &CryptoProvider,
) -> Result<(Zeroizing<Vec<u8>>, Outcome), Error> {
    Ok((stored.clone(), Outcome::Kept))
}
