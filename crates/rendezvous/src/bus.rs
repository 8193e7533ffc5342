//! What the nodes of one service say to each other over a bus that others keep, such as NATS.
//!
//! Who reads the bus can't ring anybody and learns no address: phones are named by a
//! [`ContactTag`], computers by a veiled [`Source`]. Who may write to it is one of the service's
//! nodes, and is believed.

use std::fmt;

use towline_cbor::{CTAP_DEPTH, Key, Writer};
use towline_crypto::CryptoProvider;

use crate::Source;
use crate::ids::{ContactId, RoutingId, TunnelId};
use crate::message::RingId;

/// The longest message between nodes, in bytes.
pub const MAX_BUS_MESSAGE: usize = 512;

/// Phones that one [`BusMessage::Here`] names at most.
pub const MAX_HERE: usize = 16;

/// The longest client payload of a computer that rings over the bus, in bytes, as at the door.
const MAX_PAYLOAD: usize = 256;

crate::identifier! {
    /// Names one run of one node, 8 random bytes: a node that was restarted is another one.
    NodeInstance, 8
}

crate::identifier! {
    /// Names a linked phone among nodes, 16 bytes. Nobody can ring by it.
    ContactTag, 16
}

impl ContactTag {
    /// The tag of a contact id: the first 16 bytes of the SHA-256 of a label and the id.
    #[must_use]
    pub fn of(contact: &ContactId, provider: &CryptoProvider) -> Self {
        let hash = provider.sha256.hash(&[b"towline bus 1", contact.as_bytes()]);
        Self::new(hash.first_chunk().copied().unwrap_or_default())
    }
}

/// Who gets a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BusAddress {
    /// Every node, the sender too.
    All,
    /// One run of one node.
    Node(NodeInstance),
}

/// What one node says to others.
#[derive(Clone, PartialEq, Eq)]
pub enum BusMessage {
    /// To all: a computer rings this phone; who holds it?
    Find {
        /// The ring's name, which the answer repeats.
        ring: RingId,
        /// Which phone is rung.
        tag: ContactTag,
    },
    /// The answer: it is held here.
    Found {
        /// As the computer's node named it.
        ring: RingId,
        /// The number of the phone's connection: of two holders the one with the larger has it.
        sequence: u64,
        /// When the holder said so, by a clock of its own, which a ring repeats.
        at: u64,
    },
    /// To all: these phones came here.
    Here {
        /// Which, with the numbers of their connections.
        phones: Vec<(ContactTag, u64)>,
        /// As in [`Found`](Self::Found).
        at: u64,
    },
    /// To all, each second.
    Alive {
        /// The node's number in the service.
        node: u8,
        /// Whether it is about to stop.
        draining: bool,
    },
    /// To the holder: tell the phone that a computer rings it.
    Ring {
        /// As the computer's node named it.
        ring: RingId,
        /// Which phone is rung.
        tag: ContactTag,
        /// When the holder said that it has the phone, as it gave it: by that it sees how long the
        /// ring was under way.
        at: u64,
        /// The node at which the computer waits.
        routing_id: RoutingId,
        /// In which tunnel.
        tunnel_id: TunnelId,
        /// What it says to the phone.
        payload: Vec<u8>,
        /// Where it is, [veiled](Source::veiled).
        source: Source,
        /// For how long it waits for the phone's answer from now on, in milliseconds. A phone that
        /// comes back later is not told of it any more.
        left: u64,
    },
    /// The phone comes.
    Comes(RingId),
    /// The phone does not come.
    Refused(RingId, Why),
    /// To the holder: nobody waits any more.
    Over {
        /// As the computer's node named it.
        ring: RingId,
        /// Whether the phone came. To come is to accept.
        met: bool,
    },
}

/// Why a phone at another node does not come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// It can't now.
    Busy,
    /// It does not know the computer, or was revoked.
    Gone,
    /// It is rung by too many.
    TooMany,
    /// It is not here any more.
    NotHere,
}

/// Names nobody, and not what the computer says.
impl fmt::Debug for BusMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Find { ring, .. } => write!(f, "Find({ring:?})"),
            Self::Found { ring, sequence, .. } => write!(f, "Found({ring:?}, {sequence})"),
            Self::Here { phones, .. } => write!(f, "Here({})", phones.len()),
            Self::Alive { node, draining } => write!(f, "Alive({node}, {draining})"),
            Self::Ring { ring, payload, .. } => {
                write!(f, "Ring({ring:?}, {} bytes)", payload.len())
            }
            Self::Comes(ring) => write!(f, "Comes({ring:?})"),
            Self::Refused(ring, why) => write!(f, "Refused({ring:?}, {why:?})"),
            Self::Over { ring, met } => write!(f, "Over({ring:?}, {met})"),
        }
    }
}

const FIND: u64 = 0;
const FOUND: u64 = 1;
const HERE: u64 = 2;
const ALIVE: u64 = 3;
const RING: u64 = 4;
const COMES: u64 = 5;
const REFUSED: u64 = 6;
const OVER: u64 = 7;

impl Why {
    const ALL: [Self; 4] = [Self::Busy, Self::Gone, Self::TooMany, Self::NotHere];

    fn number(self) -> u64 {
        let at = Self::ALL.iter().position(|why| *why == self);
        at.and_then(|at| at.try_into().ok()).unwrap_or_default()
    }

    fn numbered(number: u64) -> Option<Self> {
        Self::ALL.get(usize::try_from(number).ok()?).copied()
    }
}

impl BusMessage {
    /// The map in canonical CBOR, with its sender.
    #[must_use]
    pub fn encode(&self, from: NodeInstance) -> Vec<u8> {
        let mut writer = Writer::with_capacity(128);
        writer.map(|map| {
            let kind = match self {
                Self::Find { .. } => FIND,
                Self::Found { .. } => FOUND,
                Self::Here { .. } => HERE,
                Self::Alive { .. } => ALIVE,
                Self::Ring { .. } => RING,
                Self::Comes(_) => COMES,
                Self::Refused(..) => REFUSED,
                Self::Over { .. } => OVER,
            };
            map.entry(0, |w| w.uint(kind));
            map.entry(1, |w| w.bytes(from.as_bytes()));
            match self {
                Self::Find { ring, tag } => {
                    map.entry(2, |w| w.uint(ring.0));
                    map.entry(3, |w| w.bytes(tag.as_bytes()));
                }
                Self::Found { ring, sequence, at } => {
                    map.entry(2, |w| w.uint(ring.0));
                    map.entry(4, |w| w.uint(*sequence));
                    map.entry(12, |w| w.uint(*at));
                }
                Self::Here { phones, at } => {
                    map.entry(6, |w| {
                        w.array(|list| {
                            for (tag, sequence) in phones.iter().take(MAX_HERE) {
                                list.item(|w| w.bytes(tag.as_bytes()));
                                list.item(|w| w.uint(*sequence));
                            }
                        });
                    });
                    map.entry(12, |w| w.uint(*at));
                }
                Self::Alive { node, draining } => {
                    map.entry(2, |w| w.uint((*node).into()));
                    map.entry(5, |w| w.bool(*draining));
                }
                Self::Ring { ring, tag, at, routing_id, tunnel_id, payload, source, left } => {
                    map.entry(2, |w| w.uint(ring.0));
                    map.entry(3, |w| w.bytes(tag.as_bytes()));
                    map.entry(7, |w| w.bytes(routing_id.as_bytes()));
                    map.entry(8, |w| w.bytes(tunnel_id.as_bytes()));
                    map.entry(9, |w| w.bytes(payload));
                    map.entry(10, |w| w.uint(source.number()));
                    map.entry(11, |w| w.uint(*left));
                    map.entry(12, |w| w.uint(*at));
                }
                Self::Comes(ring) => map.entry(2, |w| w.uint(ring.0)),
                Self::Refused(ring, why) => {
                    map.entry(2, |w| w.uint(ring.0));
                    map.entry(4, |w| w.uint(why.number()));
                }
                Self::Over { ring, met } => {
                    map.entry(2, |w| w.uint(ring.0));
                    map.entry(5, |w| w.bool(*met));
                }
            }
        });
        writer.into_vec()
    }

    /// Reads the map and its sender. Unknown keys are ignored, so that a version may add what
    /// others can do without. `None` for what is not understood, or lacks a member: where a version
    /// adds one that is needed, its nodes ring no phones of older nodes, nor the other way
    /// round, until all are of one version.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<(NodeInstance, Self)> {
        let bytes = (bytes.len() <= MAX_BUS_MESSAGE).then_some(bytes)?;
        let mut read = Members::default();
        towline_cbor::decode(bytes, CTAP_DEPTH, |reader| {
            reader.map(|key, value| read.member(&key, value))
        })
        .ok()?;
        let ring = read.number.map(RingId);
        let message = match read.kind? {
            FIND => Self::Find { ring: ring?, tag: read.tag? },
            FOUND => Self::Found { ring: ring?, sequence: read.count?, at: read.at? },
            HERE => Self::Here { phones: read.here?, at: read.at? },
            ALIVE => Self::Alive { node: u8::try_from(read.number?).ok()?, draining: read.flag? },
            RING => Self::Ring {
                ring: ring?,
                tag: read.tag?,
                at: read.at?,
                routing_id: read.routing_id?,
                tunnel_id: read.tunnel_id?,
                payload: read.payload?,
                source: read.source?,
                left: read.left?,
            },
            COMES => Self::Comes(ring?),
            REFUSED => Self::Refused(ring?, Why::numbered(read.count?)?),
            OVER => Self::Over { ring: ring?, met: read.flag? },
            _ => return None,
        };
        Some((read.from?, message))
    }
}

/// The members of a message, as far as they were there.
#[derive(Default)]
struct Members {
    kind: Option<u64>,
    from: Option<NodeInstance>,
    number: Option<u64>,
    tag: Option<ContactTag>,
    count: Option<u64>,
    flag: Option<bool>,
    here: Option<Vec<(ContactTag, u64)>>,
    routing_id: Option<RoutingId>,
    tunnel_id: Option<TunnelId>,
    payload: Option<Vec<u8>>,
    source: Option<Source>,
    left: Option<u64>,
    at: Option<u64>,
}

impl Members {
    fn member(
        &mut self,
        key: &Key<'_>,
        value: &mut towline_cbor::Reader<'_>,
    ) -> Result<(), towline_cbor::Error> {
        match key {
            Key::Int(0) => self.kind = Some(value.uint()?),
            Key::Int(1) => self.from = Some(NodeInstance::new(*value.byte_array()?)),
            Key::Int(2) => self.number = Some(value.uint()?),
            Key::Int(3) => self.tag = Some(ContactTag::new(*value.byte_array()?)),
            Key::Int(4) => self.count = Some(value.uint()?),
            Key::Int(5) => self.flag = Some(value.bool()?),
            Key::Int(6) => self.here = here(value)?,
            Key::Int(7) => self.routing_id = Some(RoutingId::new(*value.byte_array()?)),
            Key::Int(8) => self.tunnel_id = Some(TunnelId::new(*value.byte_array()?)),
            Key::Int(9) => {
                let payload = value.bytes()?;
                self.payload = (payload.len() <= MAX_PAYLOAD).then(|| payload.to_vec());
            }
            Key::Int(10) => self.source = Some(Source::numbered(value.uint()?)),
            Key::Int(11) => self.left = Some(value.uint()?),
            Key::Int(12) => self.at = Some(value.uint()?),
            _ => {}
        }
        Ok(())
    }
}

/// Pairs of a tag and a number.
fn here(
    value: &mut towline_cbor::Reader<'_>,
) -> Result<Option<Vec<(ContactTag, u64)>>, towline_cbor::Error> {
    let (mut phones, mut tag) = (Vec::new(), None);
    value.array(|element| {
        match tag.take() {
            None => tag = Some(ContactTag::new(*element.byte_array()?)),
            Some(tag) => phones.push((tag, element.uint()?)),
        }
        Ok::<(), towline_cbor::Error>(())
    })?;
    Ok((tag.is_none() && phones.len() <= MAX_HERE).then_some(phones))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn messages_are_read_as_they_were_written_and_are_short() {
        let (from, ring) = (NodeInstance::new([7; 8]), RingId(u64::MAX));
        let tag = ContactTag::new([1; 16]);
        for message in [
            BusMessage::Find { ring, tag },
            BusMessage::Found { ring, sequence: u64::MAX, at: u64::MAX },
            BusMessage::Here { phones: vec![(tag, u64::MAX); MAX_HERE], at: u64::MAX },
            BusMessage::Here { phones: Vec::new(), at: 0 },
            BusMessage::Alive { node: 255, draining: true },
            BusMessage::Ring {
                ring,
                tag,
                at: u64::MAX,
                routing_id: RoutingId::new([1; 3]),
                tunnel_id: TunnelId::new([2; 16]),
                payload: vec![3; MAX_PAYLOAD],
                source: Source::of([192, 0, 2, 1].into()),
                left: u64::MAX,
            },
            BusMessage::Comes(ring),
            BusMessage::Refused(ring, Why::Busy),
            BusMessage::Refused(ring, Why::Gone),
            BusMessage::Refused(ring, Why::TooMany),
            BusMessage::Refused(ring, Why::NotHere),
            BusMessage::Over { ring, met: true },
        ] {
            let bytes = message.encode(from);
            assert!(bytes.len() <= MAX_BUS_MESSAGE, "{message:?}: {}", bytes.len());
            assert_eq!(BusMessage::decode(&bytes), Some((from, message)));
        }
    }

    #[test]
    fn what_is_incomplete_unknown_or_too_long_is_not_understood() {
        for bytes in [&[][..], &[0xa0], &[0xa1, 0, 5], &[0x80], &[0xa2, 0, 9, 1, 0x40]] {
            assert_eq!(BusMessage::decode(bytes), None, "{bytes:?}");
        }
        let too_many =
            BusMessage::Here { phones: vec![(ContactTag::new([0; 16]), 0); MAX_HERE + 1], at: 0 };
        let Some((_, BusMessage::Here { phones: kept, .. })) =
            BusMessage::decode(&too_many.encode(NodeInstance::new([0; 8])))
        else {
            panic!("it is cut")
        };
        assert_eq!(kept.len(), MAX_HERE);
    }

    #[test]
    fn stand_ins_of_sources_keep_their_neighbours_and_tell_no_address() {
        let provider = towline_crypto::rustcrypto::provider();
        let of = |address: [u8; 4]| Source::of(address.into());
        let veiled = |address: [u8; 4]| of(address).veiled(&provider);
        use crate::source::Width;
        let region = |source: Source| source.network(Width::Region);
        assert!(region(veiled([192, 0, 2, 1])) == region(veiled([192, 0, 2, 9])));
        assert!(region(veiled([192, 0, 2, 1])) != region(veiled([192, 0, 3, 1])));
        assert_eq!(veiled([192, 0, 2, 1]), veiled([192, 0, 2, 1]));
        assert_ne!(veiled([192, 0, 2, 1]), veiled([192, 0, 2, 2]));
        assert_ne!(veiled([192, 0, 2, 1]), of([192, 0, 2, 1]));
    }

    proptest! {
        #[test]
        fn any_bytes_are_answered(bytes: Vec<u8>) {
            let _ = BusMessage::decode(&bytes);
        }
    }
}
