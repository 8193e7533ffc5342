//! One thing of a backup beside what the store has.

use redb::TableDefinition;
use towline_authenticator::Credential;

use super::restore::{Conflicts, Outcome};
use crate::{
    Error,
    read::{Found, LINK_SEAL, RECORD_SEAL, credential_at, global_counter, named},
    tables::{CREDENTIALS, LINKS, META, RECORDS},
    write::Writing,
};

impl Writing<'_> {
    /// A credential with its signature counter, which is the higher of the two afterwards.
    pub(crate) fn bring_back(
        &self,
        credential: &Credential,
        counter: u32,
        conflicts: Conflicts,
    ) -> Result<Outcome, Error> {
        let outcome = match self.place(&credential.id)? {
            Some(place) => {
                let counter = counter.max(self.counter(place)?);
                let stored =
                    credential_at(&self.change.open_table(CREDENTIALS)?, self.keys, place)?;
                let outcome = match stored {
                    Some(Found::Whole(stored)) if *stored == *credential => Outcome::Same,
                    Some(Found::Whole(_)) if conflicts == Conflicts::Keep => Outcome::Kept,
                    Some(Found::Whole(_)) => Outcome::Replaced,
                    // What could not be read any more is back.
                    Some(Found::Damaged) | None => Outcome::Added,
                };
                if matches!(outcome, Outcome::Same | Outcome::Kept) {
                    if counter > 0 {
                        self.put_counter(place, counter)?;
                    }
                    return Ok(outcome);
                }
                return self.save_with(credential, counter).map(|()| outcome);
            }
            None if self.place_of_account(credential)?.is_none() => Outcome::Added,
            None if conflicts == Conflicts::Keep => return Ok(Outcome::Kept),
            None => Outcome::Replaced,
        };
        self.save_with(credential, counter).map(|()| outcome)
    }

    fn save_with(&self, credential: &Credential, counter: u32) -> Result<(), Error> {
        let place = self.save(credential, None)?;
        if counter > 0 { self.put_counter(place, counter) } else { Ok(()) }
    }

    /// A record of the authenticator.
    pub(crate) fn bring_back_record(
        &self,
        name: &str,
        value: &[u8],
        conflicts: Conflicts,
    ) -> Result<Outcome, Error> {
        self.bring_back_named(RECORDS, RECORD_SEAL, name, value, conflicts)
    }

    /// What links are made of.
    pub(crate) fn bring_back_link(
        &self,
        name: &str,
        value: &[u8],
        conflicts: Conflicts,
    ) -> Result<Outcome, Error> {
        self.bring_back_named(LINKS, LINK_SEAL, name, value, conflicts)
    }

    fn bring_back_named(
        &self,
        table: TableDefinition<'_, &'static str, &'static [u8]>,
        seal: &str,
        name: &str,
        value: &[u8],
        conflicts: Conflicts,
    ) -> Result<Outcome, Error> {
        let mut table = self.change.open_table(table)?;
        let outcome = match named(&table, self.keys, seal, name)? {
            Some(stored) if stored.as_slice() == value => return Ok(Outcome::Same),
            Some(_) if conflicts == Conflicts::Keep => return Ok(Outcome::Kept),
            Some(_) => Outcome::Replaced,
            None => Outcome::Added,
        };
        table.insert(name, &self.keys.seal(seal, name.as_bytes(), value)?[..])?;
        Ok(outcome)
    }

    /// The signature counter for all credentials never goes back.
    pub(crate) fn raise_global_counter(&self, counter: u32) -> Result<(), Error> {
        let stored = global_counter(&self.change.open_table(META)?, self.keys)?;
        if counter > stored { self.put_global_counter(counter) } else { Ok(()) }
    }
}
