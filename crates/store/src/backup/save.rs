//! A backup is made.

use std::{
    io::{BufWriter, Write},
    path::Path,
};

use redb::{ReadTransaction, ReadableTable as _};

use super::{Contents, chunks::Sealer, entry::Entry};
use crate::{
    Error, KeySource, Store,
    directory::whole_file,
    read::{Found, LINK_SEAL, RECORD_SEAL, counter, found, global_counter, named},
    seal::Keys,
    tables::{COUNTERS, CREDENTIALS, LINKS, META, RECORDS},
};

impl Store {
    /// Writes everything that is in the store, as it is at this moment, sealed, and locked by `source` alone. Others may go on
    /// using the store.
    ///
    /// # Errors
    /// [`Error::Damaged`] when a PIN, setting or counter is damaged, and why it can't be written. What was written until
    /// then is no backup.
    pub fn backup(&self, out: impl Write, source: &KeySource) -> Result<Contents, Error> {
        let shared = self.shared();
        let view = shared.connection.begin_read()?;
        let mut sealer = Sealer::begin(out, source, &shared.provider)?;
        let contents = write(&view, &shared.keys, &mut sealer)?;
        sealer.finish()?;
        Ok(contents)
    }

    /// The same into a new file, which only its owner can read, and which is there only when it is whole and on the disk.
    ///
    /// # Errors
    /// As above, and [`Error::Exists`].
    pub fn backup_file(&self, path: &Path, source: &KeySource) -> Result<Contents, Error> {
        if path.exists() {
            return Err(Error::Exists(path.to_owned()));
        }
        whole_file(path, &self.shared().provider, |file| {
            let contents = self.backup(BufWriter::new(&file), source)?;
            file.sync_all()?;
            Ok(contents)
        })
    }
}

fn write(
    view: &ReadTransaction,
    keys: &Keys,
    sealer: &mut Sealer<impl Write>,
) -> Result<Contents, Error> {
    let mut contents = Contents::default();
    sealer.put(&Entry::GlobalCounter(global_counter(&view.open_table(META)?, keys)?))?;
    let counters = view.open_table(COUNTERS)?;
    for entry in view.open_table(CREDENTIALS)?.iter()? {
        let (place, sealed) = entry?;
        match found(keys, place.value(), sealed.value()) {
            Found::Whole(credential) => {
                let counter = counter(&counters, keys, place.value())?;
                sealer.put(&Entry::Credential { credential, counter })?;
                contents.credentials = contents.credentials.saturating_add(1);
            }
            Found::Damaged => contents.left_out = contents.left_out.saturating_add(1),
        }
    }
    let records = view.open_table(RECORDS)?;
    for entry in records.iter()? {
        let name = entry?.0.value().to_owned();
        if let Some(value) = named(&records, keys, RECORD_SEAL, &name)? {
            sealer.put(&Entry::Record { name, value })?;
            contents.records = contents.records.saturating_add(1);
        }
    }
    let links = view.open_table(LINKS)?;
    for entry in links.iter()? {
        let name = entry?.0.value().to_owned();
        if let Some(value) = named(&links, keys, LINK_SEAL, &name)? {
            sealer.put(&Entry::Link { name, value })?;
            contents.links = contents.links.saturating_add(1);
        }
    }
    Ok(contents)
}
