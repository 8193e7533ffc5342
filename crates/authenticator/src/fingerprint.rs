//! Fingerprints that platforms enrol (CTAP 2.3 §6.7): the sensor, and what is kept of each finger.

use std::fmt;

use towline_cbor::{Key, Reader, Writer};
use towline_ctap::TemplateId;
use zeroize::Zeroizing;

use crate::{Change, ConfigError, Record, config_check::out_of_range};

/// How deep the record nests.
const DEPTH: u8 = 2;

/// authenticatorBioEnrollment (`bioEnroll`), and the sensor that it is about.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BioEnrollment {
    /// The kind of the sensor.
    pub kind: FingerprintKind,
    /// How many good samples an enrolment takes at most: at least 1.
    pub max_samples: u8,
    /// For how many fingerprints there is room: 1 to 10.
    pub max_fingerprints: u8,
    /// The longest name of a fingerprint, in bytes: at least 1.
    pub max_friendly_name: u8,
    /// Whether built-in verification permits to enrol (`uvBioEnroll`), too, and not only the PIN.
    pub verification_permits: bool,
}

/// What a finger does on a sensor (`fingerprintKind`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FingerprintKind {
    /// The finger rests on the sensor (1).
    Touch,
    /// The finger moves over the sensor (2).
    Swipe,
}

impl FingerprintKind {
    pub(crate) const fn to_u8(self) -> u8 {
        match self {
            Self::Touch => 1,
            Self::Swipe => 2,
        }
    }
}

impl BioEnrollment {
    /// A sensor to touch, with room for 5 fingers of 5 samples each, whose names have 32 bytes at
    /// most. An enrolled finger permits to enrol others.
    #[must_use]
    pub const fn touch() -> Self {
        Self {
            kind: FingerprintKind::Touch,
            max_samples: 5,
            max_fingerprints: 5,
            max_friendly_name: 32,
            verification_permits: true,
        }
    }

    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        if self.max_samples == 0 {
            return Err(out_of_range("bio_enrollment.max_samples", "at least 1"));
        }
        if !(1..=10).contains(&self.max_fingerprints) {
            return Err(out_of_range("bio_enrollment.max_fingerprints", "1 to 10"));
        }
        if self.max_friendly_name == 0 {
            return Err(out_of_range("bio_enrollment.max_friendly_name", "at least 1"));
        }
        Ok(())
    }
}

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
