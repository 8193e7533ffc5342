//! What exists, sealed: with it an absence is proven, and what is old, lost or hidden is noticed.

use redb::ReadableTable;
use towline_cbor::{Key, Reader, Writer};

use crate::{
    Error,
    format::NEWEST,
    read::View,
    seal::{Keys, RecordHash},
    tables::{HEAD, META, Table},
};

/// How deep it nests.
const DEPTH: u8 = 3;
/// What its seal is made for.
const SEAL: &str = "meta";

/// The head of a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Head {
    /// The form of the file.
    pub(crate) format: u32,
    /// One more with each change.
    pub(crate) generation: u64,
    /// The place of the next credential.
    pub(crate) next: u64,
    /// The signature counter for all credentials.
    pub(crate) counter: u32,
    sums: [Sum; Table::ALL.len()],
}

/// All that is in a table: how many, and the sum of their keyed hashes, each bit by itself. One
/// more or less is one step, in whatever order they come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Sum {
    pub(crate) count: u64,
    hash: RecordHash,
}

impl Sum {
    pub(crate) fn add(&mut self, hash: &RecordHash) {
        self.count = self.count.saturating_add(1);
        self.mix(hash);
    }

    pub(crate) fn take(&mut self, hash: &RecordHash) {
        self.count = self.count.saturating_sub(1);
        self.mix(hash);
    }

    fn mix(&mut self, hash: &RecordHash) {
        for (byte, other) in self.hash.iter_mut().zip(hash) {
            *byte ^= other;
        }
    }
}

impl Head {
    /// That of a store with nothing in it.
    pub(crate) fn new(format: u32) -> Self {
        Self { format, generation: 0, next: 0, counter: 0, sums: Default::default() }
    }

    /// The same of a store of the newest format in which nothing is.
    pub(crate) fn emptied(&self) -> Self {
        Self { format: NEWEST, sums: Default::default(), ..self.clone() }
    }

    pub(crate) fn sum(&self, table: Table) -> Sum {
        self.sums
            .iter()
            .zip(Table::ALL)
            .find(|(_, of)| *of == table)
            .map(|(sum, _)| *sum)
            .unwrap_or_default()
    }

    pub(crate) fn sum_mut(&mut self, table: Table) -> Option<&mut Sum> {
        self.sums.iter_mut().zip(Table::ALL).find(|(_, of)| *of == table).map(|(sum, _)| sum)
    }

    pub(crate) fn read(
        meta: &impl ReadableTable<&'static str, &'static [u8]>,
        keys: &Keys,
    ) -> Result<Self, Error> {
        let damaged = || Error::Damaged("its head".to_owned());
        let sealed = meta.get(HEAD)?.ok_or_else(damaged)?;
        let plain = keys.open(SEAL, HEAD.as_bytes(), sealed.value()).map_err(|_| damaged())?;
        Self::decode(&plain).ok_or_else(damaged)
    }

    pub(crate) fn seal(&self, keys: &Keys) -> Result<Vec<u8>, Error> {
        Ok(keys.seal(SEAL, HEAD.as_bytes(), &self.encode())?)
    }

    /// Members that are not known are passed over, so that others can be added; what has to be
    /// understood needs another format.
    fn decode(bytes: &[u8]) -> Option<Self> {
        let (mut format, mut generation, mut next, mut counter) = (None, None, None, None);
        let mut sums = Vec::new();
        towline_cbor::decode(bytes, DEPTH, |reader: &mut Reader<'_>| {
            reader.map(|key, value| {
                match key {
                    Key::Int(1) => format = u32::try_from(value.uint()?).ok(),
                    Key::Int(2) => generation = Some(value.uint()?),
                    Key::Int(3) => next = Some(value.uint()?),
                    Key::Int(4) => counter = u32::try_from(value.uint()?).ok(),
                    Key::Int(5) => value.array(|item| {
                        let mut sum = Sum::default();
                        item.map(|key, value| {
                            match key {
                                Key::Int(1) => sum.count = value.uint()?,
                                Key::Int(2) => sum.hash = *value.byte_array()?,
                                _ => {}
                            }
                            Ok::<(), towline_cbor::Error>(())
                        })?;
                        sums.push(sum);
                        Ok::<(), towline_cbor::Error>(())
                    })?,
                    _ => {}
                }
                Ok::<(), towline_cbor::Error>(())
            })
        })
        .ok()?;
        let format = format?;
        if sums.len() != Table::of(format).count() {
            return None;
        }
        sums.resize(Table::ALL.len(), Sum::default());
        Some(Self {
            format,
            generation: generation?,
            next: next?,
            counter: counter?,
            sums: sums.try_into().ok()?,
        })
    }

    fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.map(|map| {
            map.entry(1, |w| w.uint(self.format.into()));
            map.entry(2, |w| w.uint(self.generation));
            map.entry(3, |w| w.uint(self.next));
            map.entry(4, |w| w.uint(self.counter.into()));
            map.entry(5, |w| {
                w.array(|list| {
                    for sum in &self.sums {
                        list.item(|w| {
                            w.map(|map| {
                                map.entry(1, |w| w.uint(sum.count));
                                map.entry(2, |w| w.bytes(&sum.hash));
                            });
                        });
                    }
                });
            });
        });
        writer.into_vec()
    }
}

/// Adds up what is in a table, as it is found. The keys have to come in their order, or what is
/// there would not be found.
pub(crate) fn sum_of(
    table: Table,
    opened: &impl ReadableTable<&'static [u8], &'static [u8]>,
    keys: &Keys,
) -> Result<Sum, Error> {
    let (mut sum, mut last) = (Sum::default(), None::<Vec<u8>>);
    for entry in opened.iter()? {
        let (key, value) = entry?;
        if last.as_deref().is_some_and(|last| last >= key.value()) {
            return Err(Error::Damaged("the order of a table".to_owned()));
        }
        sum.add(&keys.record_hash(table, key.value(), value.value()));
        last = Some(key.value().to_vec());
    }
    // Another count of the database's own.
    if opened.len()? != sum.count {
        return Err(Error::Damaged("the length of a table".to_owned()));
    }
    Ok(sum)
}

/// What is in the tables has to be what the head says, all of it.
pub(crate) fn verify(view: &View, keys: &Keys) -> Result<Head, Error> {
    let head = Head::read(&view.open_table(META)?, keys)?;
    for table in Table::ALL {
        verify_table(view, keys, &head, table)?;
    }
    Ok(head)
}

pub(crate) fn verify_table(
    view: &View,
    keys: &Keys,
    head: &Head,
    table: Table,
) -> Result<(), Error> {
    verify_rows(&view.open_table(table.definition())?, keys, head, table)
}

/// The rows of a table, wherever they are.
pub(crate) fn verify_rows(
    rows: &impl ReadableTable<&'static [u8], &'static [u8]>,
    keys: &Keys,
    head: &Head,
    table: Table,
) -> Result<(), Error> {
    if sum_of(table, rows, keys)? == head.sum(table) {
        return Ok(());
    }
    Err(Error::Damaged(format!("something is lost or old among its {}", table.name())))
}
