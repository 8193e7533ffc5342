//! Fingerprints that platforms enrol (CTAP 2.3 §6.7): what is kept of each finger.

use std::fmt;

use towline_cbor::{Key, Reader, Writer};
use towline_ctap::TemplateId;
use zeroize::Zeroizing;

use crate::{Change, Record};

/// How deep the record nests.
const DEPTH: u8 = 2;

/// One enrolled finger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fingerprint {
    /// Its name for platforms.
    pub id: TemplateId,
    /// Its name for people, if it was given one.
    pub friendly_name: Option<String>,
    /// What the sensor knows it by.
    pub template: Template,
}

/// What a sensor wants kept of a finger: the template itself, or for a sensor that keeps it, its
/// handle. A secret: it is wiped on drop, not shown by `Debug`, and compared in constant time.
#[derive(Clone)]
pub struct Template(Zeroizing<Box<[u8]>>);

impl Template {
    /// Takes what the sensor gives, of any length.
    #[must_use]
    pub const fn new(bytes: Zeroizing<Box<[u8]>>) -> Self {
        Self(bytes)
    }

    /// What the sensor gave.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl PartialEq for Template {
    fn eq(&self, other: &Self) -> bool {
        towline_crypto::constant_time_eq(&self.0, &other.0)
    }
}

impl Eq for Template {}

impl fmt::Debug for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Template({} bytes)", self.0.len())
    }
}

/// The change that stores all the fingerprints there are.
pub(crate) fn change(all: &[Fingerprint]) -> Change {
    let record = Record::Fingerprints;
    if all.is_empty() {
        return Change::Record { record, value: None };
    }
    // With its whole room from the start: what grows leaves copies of secrets behind.
    let room = |one: &Fingerprint| {
        let name = one.friendly_name.as_ref().map_or(0, String::len);
        name.saturating_add(one.id.as_bytes().len()).saturating_add(one.template.0.len())
    };
    let room =
        all.iter().map(room).fold(16_usize, |sum, one| sum.saturating_add(one).saturating_add(32));
    let mut writer = Writer::with_capacity(room);
    writer.array(|array| {
        for one in all {
            array.item(|w| {
                w.map(|map| {
                    map.entry(1, |w| w.bytes(one.id.as_bytes()));
                    map.optional(2, one.friendly_name.as_deref(), |w, name| w.text(name));
                    map.entry(3, |w| w.bytes(&one.template.0));
                });
            });
        }
    });
    Change::Record { record, value: Some(Zeroizing::new(writer.into_vec())) }
}

/// The fingerprints of a record; `None` if it is damaged.
pub(crate) fn from_record(record: &[u8]) -> Option<Vec<Fingerprint>> {
    let read = towline_cbor::decode(record, DEPTH, |reader: &mut Reader<'_>| {
        let mut all = Vec::new();
        reader.array(|element| {
            all.push(read_one(element)?);
            Ok::<(), towline_cbor::Error>(())
        })?;
        Ok::<_, towline_cbor::Error>(all)
    });
    read.ok()?.into_iter().collect()
}

fn read_one(reader: &mut Reader<'_>) -> Result<Option<Fingerprint>, towline_cbor::Error> {
    let (mut id, mut friendly_name, mut template) = (None, None, None);
    reader.map(|key, value| {
        match key {
            Key::Int(1) => id = Some(TemplateId::new(value.bytes()?)),
            Key::Int(2) => friendly_name = Some(value.text()?.into()),
            Key::Int(3) => template = Some(Template::new(Zeroizing::new(value.bytes()?.into()))),
            _ => {}
        }
        Ok::<(), towline_cbor::Error>(())
    })?;
    let whole = id.zip(template);
    Ok(whole.map(|(id, template)| Fingerprint { id, friendly_name, template }))
}
