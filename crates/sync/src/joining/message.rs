//! What two devices say to each other while one joins: canonical CBOR, a map whose member 0 says
//! which message it is.

use towline_cbor::{MapWriter, Member, Reader, Writer, decode};

use crate::{
    Content, DeviceId, Introduction, MalformedObject, ObjectHash,
    object::{DEPTH, device, hash, list},
};

/// The version that is spoken here.
pub(super) const VERSION: u64 = 1;
/// How many versions a device may speak.
const VERSIONS: usize = 16;
/// How long a name may be, in bytes.
pub(super) const NAME: usize = 256;
/// How long the description of the store may be, in bytes.
pub(super) const STORE: usize = 16 << 10;
/// How long a welcome may be, in bytes.
pub(super) const WELCOME: usize = 64 << 20;
/// How long a piece of it may be, in bytes: it has to fit into a message of the tunnel.
pub(super) const PIECE: usize = 256 << 10;
/// Room for the rest of a message, its frame, padding and tag, so that no copy stays behind where a
/// vector has grown.
const BESIDE: usize = 128;

/// Which of the two a device is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Newcomer,
    Sponsor,
}

/// Why a device does not go on, as it tells the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    Declined,
    Cancelled,
    NobodyAnswered,
    Version,
    /// The sponsor can't add anybody.
    NotAdmitted,
    /// The newcomer was removed before.
    WasRemoved,
    /// What was said is not what belongs there.
    Misbehaved,
    /// The newcomer can't keep it, or make nothing of it.
    NotKept,
}

const REFUSALS: [Refusal; 8] = [
    Refusal::Declined,
    Refusal::Cancelled,
    Refusal::NobodyAnswered,
    Refusal::Version,
    Refusal::NotAdmitted,
    Refusal::WasRemoved,
    Refusal::Misbehaved,
    Refusal::NotKept,
];

/// One message, as it is read.
pub(super) enum Message<'a> {
    /// Both: who is there, once the tunnel is open. What later versions add to it is passed over.
    Hello { versions: Vec<u64>, name: &'a str, device: DeviceId, part: Part },
    /// The sponsor, whose person agrees: what there is to join.
    Offer { version: u64, circle: ObjectHash, devices: u64, passkeys: u64, place: &'a str },
    /// The newcomer, whose person agrees.
    Introduction(Introduction),
    /// The sponsor, which has added the newcomer: how long the welcome is, and where the store is.
    Welcome { length: u64, store: &'a [u8] },
    /// The newcomer: what it wants next of the welcome.
    More { from: u64 },
    /// The sponsor: some of the welcome.
    Piece { from: u64, bytes: &'a [u8] },
    /// The newcomer has kept everything.
    Done,
    /// Either one does not go on.
    Refused(Refusal),
}

fn write(kind: u64, room: usize, rest: impl FnOnce(&mut MapWriter<'_>)) -> Vec<u8> {
    let mut writer = Writer::with_capacity(room.saturating_add(BESIDE));
    writer.map(|map| {
        map.entry(0, |value| value.uint(kind));
        rest(map);
    });
    writer.into_vec()
}

pub(super) fn hello(name: &str, device: DeviceId, part: Part) -> Vec<u8> {
    write(0, name.len(), |map| {
        map.entry(1, |value| value.array(|array| array.item(|item| item.uint(VERSION))));
        map.entry(2, |value| value.text(name));
        map.entry(3, |value| value.bytes(&device.0));
        map.entry(4, |value| value.bool(part == Part::Sponsor));
    })
}

pub(super) fn offer(circle: ObjectHash, devices: u64, passkeys: u64, place: &str) -> Vec<u8> {
    write(1, place.len(), |map| {
        map.entry(1, |value| value.uint(VERSION));
        map.entry(2, |value| value.bytes(&circle.0));
        map.entry(3, |value| value.uint(devices));
        map.entry(4, |value| value.uint(passkeys));
        if !place.is_empty() {
            map.entry(5, |value| value.text(place));
        }
    })
}

pub(super) fn introduction(introduction: &Introduction) -> Vec<u8> {
    write(2, 256, |map| map.entry(1, |value| introduction.write(value)))
}

pub(super) fn welcome(length: u64, store: &Content) -> Vec<u8> {
    write(3, store.expose().len(), |map| {
        map.entry(1, |value| value.uint(length));
        map.entry(2, |value| value.bytes(store.expose()));
    })
}

pub(super) fn more(from: u64) -> Vec<u8> {
    write(4, 0, |map| map.entry(1, |value| value.uint(from)))
}

pub(super) fn piece(from: u64, bytes: &[u8]) -> Vec<u8> {
    write(5, bytes.len(), |map| {
        map.entry(1, |value| value.uint(from));
        map.entry(2, |value| value.bytes(bytes));
    })
}

pub(super) fn done() -> Vec<u8> {
    write(6, 0, |_| {})
}

pub(super) fn refused(why: Refusal) -> Vec<u8> {
    let number = REFUSALS.iter().position(|known| *known == why).unwrap_or_default();
    let number = u64::try_from(number).unwrap_or_default();
    write(7, 0, |map| map.entry(1, |value| value.uint(number)))
}

/// The members as they are read, whichever message it is.
#[derive(Default)]
struct Members<'a> {
    kind: Option<u64>,
    /// Members 1 to 4, as far as they are numbers, bytes, and so on.
    numbers: [Option<u64>; 5],
    bytes: Option<&'a [u8]>,
    name: Option<&'a str>,
    hash: Option<ObjectHash>,
    device: Option<DeviceId>,
    part: Option<Part>,
    versions: Option<Vec<u64>>,
    introduction: Option<Introduction>,
}

impl<'a> Members<'a> {
    fn read(&mut self, member: u64, value: &mut Reader<'a>) -> Result<(), MalformedObject> {
        match (self.kind, member) {
            (None, 0) => self.kind = Some(value.uint()?),
            (Some(0), 1) => self.versions = Some(list(value, VERSIONS, |it| Ok(it.uint()?))?),
            (Some(0), 2) => self.name = Some(value.text()?),
            (Some(0), 3) => self.device = Some(device(value)?),
            (Some(0), 4) => {
                self.part = Some(if value.bool()? { Part::Sponsor } else { Part::Newcomer });
            }
            (Some(0), _) => value.skip()?,
            (Some(1), 5) => self.name = Some(value.text()?),
            (Some(1), 2) => self.hash = Some(hash(value)?),
            (Some(2), 1) => self.introduction = Some(Introduction::read(value)?),
            (Some(3 | 5), 2) => self.bytes = Some(value.bytes()?),
            (Some(1), 1 | 3 | 4) | (Some(3 | 4 | 5 | 7), 1) => {
                let place = usize::try_from(member).map_err(|_| MalformedObject)?;
                *self.numbers.get_mut(place).ok_or(MalformedObject)? = Some(value.uint()?);
            }
            _ => return Err(MalformedObject),
        }
        Ok(())
    }

    fn number(&self, member: usize) -> Result<u64, MalformedObject> {
        self.numbers.get(member).copied().flatten().ok_or(MalformedObject)
    }

    fn bytes(&self, limit: usize) -> Result<&'a [u8], MalformedObject> {
        self.bytes.filter(|bytes| bytes.len() <= limit).ok_or(MalformedObject)
    }
}

impl<'a> Message<'a> {
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self, MalformedObject> {
        let mut members = Members::default();
        decode::<_, MalformedObject>(bytes, DEPTH, |reader| {
            reader.members(|member, value| match member {
                Member::Int(number) => {
                    members.read(u64::try_from(number).map_err(|_| MalformedObject)?, value)
                }
                _ => Err(MalformedObject),
            })
        })?;
        Ok(match members.kind.ok_or(MalformedObject)? {
            0 => Self::Hello {
                versions: members.versions.take().ok_or(MalformedObject)?,
                name: members.name.filter(|name| name.len() <= NAME).ok_or(MalformedObject)?,
                device: members.device.ok_or(MalformedObject)?,
                part: members.part.ok_or(MalformedObject)?,
            },
            1 => Self::Offer {
                version: members.number(1)?,
                circle: members.hash.ok_or(MalformedObject)?,
                devices: members.number(3)?,
                passkeys: members.number(4)?,
                place: Some(members.name.unwrap_or_default())
                    .filter(|place| place.len() <= STORE)
                    .ok_or(MalformedObject)?,
            },
            2 => Self::Introduction(members.introduction.take().ok_or(MalformedObject)?),
            3 => Self::Welcome { length: members.number(1)?, store: members.bytes(STORE)? },
            4 => Self::More { from: members.number(1)? },
            5 => Self::Piece { from: members.number(1)?, bytes: members.bytes(PIECE)? },
            6 => Self::Done,
            7 => {
                let number = usize::try_from(members.number(1)?).map_err(|_| MalformedObject)?;
                Self::Refused(*REFUSALS.get(number).ok_or(MalformedObject)?)
            }
            _ => return Err(MalformedObject),
        })
    }
}
