//! A backup is made.

use std::{
    io::{BufWriter, Write},
    path::Path,
};

use redb::ReadableTable as _;
use towline_authenticator::Record;

use super::{
    Contents,
    chunks::{Begun, Sealer},
    entry::Entry,
};
use crate::{
    Error, KeySource, Store,
    directory::{not_there, whole_file},
    head::{Head, verify},
    read::{Reading, counter, decoded, unreadable},
    tables::{CIRCLE_LINKS, Content, META, Table, place_of},
};

impl Store {
    /// Writes everything that is in the store, as it is at this moment, sealed, and locked by
    /// `source` alone. Others may go on using the store. What is damaged is left out, and named.
    ///
    /// # Errors
    /// [`Error::Damaged`] where the file is not what was written, and why the backup can't be
    /// written. What was written until then is no backup, and a key file that was made for it is
    /// gone.
    pub fn backup(&self, out: impl Write, source: &KeySource) -> Result<Contents, Error> {
        let shared = self.shared();
        let Begun { mut sealer, prepared } = Sealer::begin(out, source, &shared.provider)?;
        let contents = shared.read_once(|reading| write(reading, &mut sealer))?;
        sealer.finish()?;
        prepared.keep();
        Ok(contents)
    }

    /// The same into a new file, which only its owner can read, and which is there only when it is
    /// whole and on the disk.
    ///
    /// # Errors
    /// As above, and [`Error::Exists`].
    pub fn backup_file(&self, path: &Path, source: &KeySource) -> Result<Contents, Error> {
        not_there(path)?;
        whole_file(path, &self.shared().provider, |file| {
            let contents = self.backup(BufWriter::new(&file), source)?;
            file.sync_all()?;
            Ok(contents)
        })
    }
}

fn write(reading: &Reading<'_>, sealer: &mut Sealer<impl Write>) -> Result<Contents, Error> {
    let (view, keys) = (&reading.view, reading.keys);
    // A backup that has less in it than there is would be trusted on the day on which all else is
    // lost.
    verify(view, keys)?;
    let mut contents = Contents::default();
    let head = Head::read(&view.open_table(META)?, keys)?;
    sealer.put(&Entry::GlobalCounter(head.counter))?;
    let counters = view.open_table(Table::Counters.definition())?;
    for table in Table::with(Content::Sealed) {
        for entry in view.open_table(table.definition())?.iter()? {
            let (key, sealed) = entry?;
            let key = key.value();
            if table == Table::Records && key == Record::UnneededKeys.name().as_bytes() {
                // What is to be deleted here means nothing elsewhere, or later.
                continue;
            }
            let of_circle = || CIRCLE_LINKS.iter().any(|name| key == name.as_bytes());
            if table == Table::Circle || (table == Table::Links && of_circle()) {
                // A device is there once: whoever has a backup is not that device.
                continue;
            }
            let plain = keys.open(table.name(), key, sealed.value()).ok();
            let name = || String::from_utf8_lossy(key).into_owned();
            let entry = plain.and_then(|value| match table {
                Table::Credentials => {
                    let credential = Box::new(decoded(&value)?);
                    let place = place_of(key)?;
                    let counter = counter(&counters, keys, place).unwrap_or_else(|_| {
                        contents.left_out.push(Table::Counters.part(key));
                        0
                    });
                    Some(Entry::Credential { credential, counter })
                }
                Table::Records => Some(Entry::Record { name: name(), value }),
                Table::Links => Some(Entry::Link { name: name(), value }),
                _ => None,
            });
            match (table, &entry) {
                // With their credentials.
                (Table::Counters, _) => continue,
                (_, Some(entry)) => sealer.put(entry)?,
                (_, None) => {
                    tracing::error!(error = %unreadable(table, key), "it is left out");
                    contents.left_out.push(table.part(key));
                }
            }
            if let Some(entry) = &entry {
                contents.count(entry);
            }
        }
    }
    Ok(contents)
}
