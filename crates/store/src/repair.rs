//! A store is made of what can still be read of a damaged one.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use redb::{
    Key, ReadableDatabase as _, ReadableTable as _, TableDefinition, backends::FileBackend,
};
use towline_authenticator::Record;
use towline_crypto::CryptoProvider;

use crate::{
    Error, KeySource,
    connection::{Opened, database, guarded},
    directory::{beside, whole_file},
    file::{note_owner, open_file, open_to_write},
    format::{self, NEWEST, aside_key},
    head::{Head, Sum},
    read::{Gone, View, decoded},
    ring::Secrets,
    seal::Keys,
    storage::Storage,
    store::{held, unlock},
    tables::{CIRCLE_PLACE, Content, META, ROOT, Table, place_of},
    witness::Witness,
    write::Writing,
};

/// What can be read of a store that is damaged, or what came of its repair.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Repaired {
    /// Credentials that can be read.
    pub credentials: u64,
    /// What is known to be lost, by what it is: "the PIN", for example.
    pub lost: Vec<String>,
    /// Where the damaged file is now; none if nothing was changed.
    pub damaged: Option<PathBuf>,
}

/// Counters of attempts. One that can't be read leaves the last attempt.
pub(crate) const ATTEMPTS: [Record; 2] = [Record::PinRetries, Record::UvRetries];
/// What such a record holds then.
pub(crate) const LAST_ATTEMPT: [u8; 1] = [1];

/// What was read, as it is sealed.
struct Remains {
    secrets: Secrets,
    head: Option<Head>,
    rows: BTreeMap<(Table, Vec<u8>), Vec<u8>>,
    lost: Vec<String>,
}

impl Repaired {
    /// Looks at a store that [`Store::open`](crate::Store::open) takes for damaged, and tells what
    /// could be read of it. Nothing is changed.
    ///
    /// # Errors
    /// [`Error::Damaged`] where nothing can be read, and others as for opening it.
    pub fn examine(
        path: &Path,
        source: &KeySource,
        provider: &CryptoProvider,
    ) -> Result<Self, Error> {
        let (backend, _) = open_file(path)?;
        let look = || remains(held(backend, provider)?, source, provider);
        let remains = look().map_err(|error: Error| error.at(Some(path)))?;
        let (readable, lost) = remains.sorted();
        let credentials = readable.iter().filter(|((table, _), _)| *table == Table::Credentials);
        let credentials = u64::try_from(credentials.count()).unwrap_or(u64::MAX);
        Ok(Self { credentials, lost, damaged: None })
    }

    /// Puts a store in the place of a damaged one that holds what can be read of it, and is opened
    /// by the same. The damaged file stays, under another name. Where the count of PIN attempts
    /// can't be read, the last one is left. A store that was an older copy is one that can be used
    /// afterwards.
    ///
    /// # Errors
    /// As for [`examine`](Self::examine), and why the file can't be written; the store is as it was
    /// then.
    pub fn of(path: &Path, source: &KeySource, provider: &CryptoProvider) -> Result<Self, Error> {
        // It stays locked until the other is in its place.
        let (file, _) = open_to_write(path)?;
        let opened = held(FileBackend::new(file)?, provider);
        let remains = opened
            .and_then(|opened| remains(opened, source, provider))
            .map_err(|error| error.at(Some(path)))?;
        let (readable, lost) = remains.sorted();
        let new = beside(path, "repaired");
        let credentials = whole_file(&new, provider, |file| {
            let opened = database(Storage::through(FileBackend::new(file)?, provider.sha256)?)?;
            guarded(|| remains.write(&opened, &readable))
        })?;
        let damaged = (0_u32..)
            .map(|number| beside(path, &format!("damaged-{number}")))
            .find(|name| !name.exists())
            .ok_or_else(|| Error::Exists(path.to_owned()))?;
        fs::rename(path, &damaged)?;
        fs::rename(&new, path)?;
        Witness::of(path).forget()?;
        note_owner(path);
        Ok(Self { credentials, lost, damaged: Some(damaged) })
    }
}

type Rows = BTreeMap<(Table, Vec<u8>), Vec<u8>>;

impl Remains {
    /// What can be opened, and what can't.
    fn sorted(&self) -> (Rows, Vec<String>) {
        let (mut readable, mut lost) = (Rows::new(), self.lost.clone());
        for ((table, key), value) in &self.rows {
            let plain = self.secrets.keys.open(table.name(), key, value).ok();
            let whole = plain
                .is_some_and(|plain| *table != Table::Credentials || decoded(&plain).is_some());
            if whole || table.content() == Content::Aside {
                readable.insert((*table, key.clone()), value.clone());
            } else if *table != Table::Circle {
                lost.push(table.part(key));
            }
        }
        self.give_up_part_of_circle(&mut readable, &mut lost);
        let Some(head) = &self.head else { return (readable, lost) };
        for table in Table::with(Content::Sealed).filter(|table| *table != Table::Circle) {
            let found = self.rows.keys().filter(|(of, _)| *of == table).count();
            let missing =
                head.sum(table).count.saturating_sub(u64::try_from(found).unwrap_or(u64::MAX));
            if missing > 0 {
                lost.push(format!("{missing} of its {}", table.name()));
            }
        }
        (readable, lost)
    }

    /// All is known of a circle or nothing: what is missing would look like what never was there.
    /// The device joins it again.
    fn give_up_part_of_circle(&self, readable: &mut Rows, lost: &mut Vec<String>) {
        let of_circle = |row: &(Table, Vec<u8>)| row.0 == Table::Circle;
        let mut sum = Sum::default();
        for ((table, key), value) in readable.iter().filter(|(row, _)| of_circle(row)) {
            sum.add(&self.secrets.keys.record_hash(*table, key, value));
        }
        let whole = match &self.head {
            Some(head) => head.sum(Table::Circle) == sum,
            None => !self.rows.keys().any(of_circle),
        };
        if !whole {
            readable.retain(|row, _| !of_circle(row));
            lost.push(Table::Circle.part(&[]));
        }
    }

    fn write(&self, opened: &Opened, readable: &Rows) -> Result<u64, Error> {
        let (keys, gone) = (&*self.secrets.keys, Gone::default());
        let highest = readable.keys().filter(|(table, _)| *table == Table::Credentials);
        let highest = highest.filter_map(|(_, key)| place_of(key)).max();
        let mut head = self.head.as_ref().map_or_else(|| Head::new(NEWEST), Head::emptied);
        head.next = head.next.max(highest.map_or(0, |highest| highest.saturating_add(1)));
        let writing = Writing::anew(opened.database.begin_write()?, keys, &gone, head)?;
        let mut credentials = 0_u64;
        for ((table, key), value) in readable {
            let orphan = *table == Table::Counters
                && !readable.contains_key(&(Table::Credentials, key.clone()));
            // What is lost is not deleted: the circle brings it back.
            let place = *table == Table::Links && key == CIRCLE_PLACE.as_bytes();
            if !orphan && !place {
                writing.put(*table, key, value)?;
            }
            credentials = credentials.saturating_add((*table == Table::Credentials).into());
        }
        writing.circle_from_5()?;
        for ((table, key), value) in &self.rows {
            // Of a circle, most could be opened; it is in the file that was damaged.
            if *table != Table::Circle && !readable.contains_key(&(*table, key.clone())) {
                writing.put(Table::Aside, &aside_key(*table, key), value)?;
            }
        }
        for record in ATTEMPTS {
            let row = (Table::Records, record.name().as_bytes().to_vec());
            if self.rows.contains_key(&row) && !readable.contains_key(&row) {
                writing.put_sealed(Table::Records, &row.1, &LAST_ATTEMPT)?;
            }
        }
        writing.index_all()?;
        writing.write_format(NEWEST)?;
        writing.write_meta(ROOT, &self.secrets.locked.encode())?;
        writing.commit()?;
        Ok(credentials)
    }
}

/// Reads whatever the database gives.
fn remains(
    opened: Opened,
    source: &KeySource,
    provider: &CryptoProvider,
) -> Result<Remains, Error> {
    let secrets = unlock(&opened.database, source, provider)?;
    let form = guarded(|| format::of(&opened.database))?;
    let view = guarded(|| Ok::<_, Error>(opened.database.begin_read()?))?;
    let mut remains = Remains { secrets, head: None, rows: BTreeMap::new(), lost: Vec::new() };
    if form >= 3 {
        let keys = &remains.secrets.keys;
        remains.head = guarded(|| Head::read(&view.open_table(META)?, keys)).ok();
        for table in Table::of(form) {
            if matches!(table.content(), Content::Sealed | Content::Aside) {
                remains.take(table, &view, table.definition(), |key| key.to_vec());
            }
        }
        return Ok(remains);
    }
    let places =
        [(Table::Credentials, format::CREDENTIALS_2), (Table::Counters, format::COUNTERS_2)];
    for (table, old) in places {
        remains.take(table, &view, old, |place| place.to_be_bytes().to_vec());
    }
    let names = [(Table::Records, format::RECORDS_2), (Table::Links, format::LINKS_2)];
    for (table, old) in names {
        if table != Table::Links || form > 1 {
            remains.take(table, &view, old, |name| name.as_bytes().to_vec());
        }
    }
    remains.head = guarded(|| head_of_2(&view, &remains.secrets.keys)).ok();
    Ok(remains)
}

/// The numbers of an older format; how much there is, it does not say.
fn head_of_2(view: &View, keys: &Keys) -> Result<Head, Error> {
    let mut head = Head::new(NEWEST);
    (head.next, head.counter) = format::numbers_of_2(&view.open_table(META)?, keys)?;
    Ok(head)
}

impl Remains {
    /// From the first row on, and, where that ends in damage, from the last one back.
    fn take<K: Key + 'static>(
        &mut self,
        table: Table,
        view: &View,
        definition: TableDefinition<'static, K, &'static [u8]>,
        bytes: impl Fn(K::SelfType<'_>) -> Vec<u8>,
    ) {
        for back in [false, true] {
            let read = guarded(|| {
                let opened = view.open_table(definition)?;
                let mut rows = opened.iter()?;
                while let Some(row) = if back { rows.next_back() } else { rows.next() } {
                    let (key, value) = row?;
                    let known = (table, bytes(key.value()));
                    // A damaged page can lead back to where one came from.
                    if self.rows.insert(known, value.value().to_vec()).is_some() {
                        return Err(Error::Damaged("the order of a table".to_owned()));
                    }
                }
                Ok(())
            });
            match read {
                Ok(()) => return,
                Err(error) => {
                    tracing::error!(%error, table = table.name(), "not all of it can be read")
                }
            }
        }
        self.lost.push(format!("an unknown number of its {}", table.name()));
    }
}
