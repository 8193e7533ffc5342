//! What is kept of a circle on the device beside its rows, and what a new member is told.

use std::collections::BTreeMap;

use towline_cbor::{Member, Reader, Writer, decode};
use towline_crypto::{CryptoProvider, Secret, zeroize::Zeroizing};

use super::{
    Circle, CircleConfig, CircleError, Moment, News, OwnHead, SyncNotice, writing::MOST_PARTS,
};
use crate::{
    DeviceId, HybridClock, MalformedObject, ObjectHash, State, StoreName,
    epochs::EpochId,
    keys::DeviceKeys,
    object::{DEPTH, device, hash, list, set, write_all},
    roster::Verdict,
    sealed::{Inner, Seen, read_seen, write_seen},
};

/// How many of anything a record may have.
const MOST: usize = 1 << 20;

impl Circle {
    /// Begins as a new member of a circle, by what its sponsor says.
    ///
    /// # Errors
    /// [`CircleError::Malformed`] where it is no welcome, [`CircleError::NoMember`] where it is one
    /// for somebody else.
    pub fn join(
        crypto: CryptoProvider,
        config: CircleConfig,
        keys: DeviceKeys,
        welcome: &[u8],
        now: Moment,
    ) -> Result<Self, CircleError> {
        let (mut this, owner) = Self::read(crypto, config, keys, welcome, now)?;
        if owner.is_some() {
            return Err(MalformedObject.into());
        }
        if !this.is_member() {
            return Err(CircleError::NoMember);
        }
        this.out.clone_from(this.roster.out());
        this.mark_all(this.changing_rows());
        Ok(this)
    }

    pub(super) fn write_welcome(&self) -> Zeroizing<Vec<u8>> {
        let mut seen = self.seen.clone();
        let mut writer = Writer::with_capacity(self.size());
        // Not what is still on its way: to the others it would look as if the store had lost it.
        let own = self.own.as_ref().filter(|own| !self.is_in_outbox(own.seen.hash));
        seen.extend(own.map(|own| (self.device(), own.seen)));
        writer.map(|map| self.write_shared(map, &seen));
        Zeroizing::new(writer.into_vec())
    }

    /// The head of the rows: all that is small. The record that earlier versions kept is one that
    /// has all the rest, too.
    pub(super) fn head(&self) -> Zeroizing<Vec<u8>> {
        let mut writer = Writer::new();
        writer.map(|map| {
            map.entry(1, |value| value.bytes(&self.circle.0));
            map.entry(6, |value| value.uint(self.clock.greatest()));
            map.entry(7, |value| write_seen(value, &self.seen));
            map.entry(9, |value| value.bytes(&self.device().0));
            let needs_snapshot = self.needs_snapshot || self.has_merged_a_part();
            map.entry(11, |value| value.bool(needs_snapshot));
            map.entry(12, |value| value.uint(self.next_number));
            map.optional(13, self.own.as_ref(), |value, own| {
                let seen = BTreeMap::from([(self.device(), own.seen)]);
                let inner = Inner { segments: own.segments.clone(), seen, time: own.time };
                value.bytes(&inner.write());
            });
            map.entry(14, |value| write_marks(value, self.sealed.iter().map(|seen| (None, seen))));
            map.entry(15, |value| write_seen(value, &self.named));
            map.entry(16, |value| {
                write_marks(value, self.merged.iter().map(|(id, seen)| (Some(id), seen)));
            });
            map.entry(17, |value| write_all(value, self.out.iter().map(|id| &id.0)));
            map.entry(19, |value| {
                value.array(|array| {
                    for (id, number) in &self.answered {
                        array.item(|item| item.bytes(&mark(Some(id), *number, &[])));
                    }
                });
            });
            map.entry(20, |value| {
                value.array(|array| {
                    self.told.iter().filter_map(told).for_each(|(kind, id, number)| {
                        array.item(|item| item.bytes(&mark(Some(&id), number, &[kind])));
                    });
                });
            });
            map.entry(22, |value| {
                value.array(|array| {
                    for (id, news) in &self.news {
                        let heads = news.heads.iter().map(|head| &head.0);
                        let time = mark(Some(id), news.time, &[]);
                        array.item(|item| item.bytes(&time));
                        array.item(|item| write_all(item, heads));
                    }
                });
            });
            map.entry(23, |value| {
                value.array(|array| {
                    for (id, hash) in &self.merged_segments {
                        array.item(|item| item.bytes(&[id.0, hash.0].concat()));
                    }
                });
            });
            map.entry(24, |value| value.uint(u64::try_from(self.parts).unwrap_or(1)));
        });
        Zeroizing::new(writer.into_vec())
    }

    /// What a member may know. It has no keys of devices in it, and the keys of epochs.
    fn write_shared(&self, map: &mut towline_cbor::MapWriter<'_>, seen: &BTreeMap<DeviceId, Seen>) {
        map.entry(1, |value| value.bytes(&self.circle.0));
        map.entry(2, |value| {
            value.array(|array| {
                self.roster.objects().for_each(|(_, bytes)| array.item(|item| item.bytes(bytes)));
            });
        });
        map.entry(3, |value| {
            value.array(|array| {
                for (name, bytes) in self.epochs.objects() {
                    array.item(|item| item.bool(matches!(name, StoreName::Wrap(_))));
                    array.item(|item| item.bytes(bytes));
                }
            });
        });
        map.entry(4, |value| {
            value.array(|array| {
                for (epoch, key) in self.epochs.keys() {
                    let both = Zeroizing::new([epoch.0.as_slice(), key.expose()].concat());
                    array.item(|item| item.bytes(&both));
                }
            });
        });
        map.entry(5, |value| self.state.write_to(value));
        map.entry(6, |value| value.uint(self.clock.greatest()));
        map.entry(7, |value| write_seen(value, seen));
    }

    /// More than a welcome takes, so that no copy stays behind where a vector has grown.
    fn size(&self) -> usize {
        let objects = self.roster.objects().map(|(_, bytes)| bytes.len().saturating_add(160));
        let epochs = self.epochs.objects().map(|(_, bytes)| bytes.len().saturating_add(160));
        let all = objects.chain(epochs).chain([self.state.size()]);
        all.fold(self.seen.len().saturating_mul(64), usize::saturating_add)
    }

    pub(super) fn read(
        crypto: CryptoProvider,
        config: CircleConfig,
        keys: DeviceKeys,
        bytes: &[u8],
        now: Moment,
    ) -> Result<(Self, Option<DeviceId>), CircleError> {
        let (mut circle, mut owner) = (None, None);
        decode::<_, MalformedObject>(bytes, DEPTH, |reader| {
            reader.members(|member, value| {
                match member {
                    Member::Int(1) => circle = Some(hash(value)?),
                    Member::Int(9) => owner = Some(device(value)?),
                    _ => {}
                }
                Ok(())
            })
        })?;
        let mut this = Self::new(crypto, config, keys, circle.ok_or(MalformedObject)?, now);
        decode::<_, MalformedObject>(bytes, DEPTH, |reader| {
            reader.members(|member, value| this.read_member(member, value))
        })?;
        Ok((this, owner))
    }

    fn read_member(
        &mut self,
        member: Member<'_>,
        value: &mut Reader<'_>,
    ) -> Result<(), MalformedObject> {
        let own = self.device();
        match member {
            // These were read first.
            Member::Int(1 | 9) => {}
            Member::Int(2) => self.read_membership(list(value, MOST, |it| Ok(it.bytes()?))?)?,
            Member::Int(3) => {
                for (wrap, bytes) in pairs(value, |it| Ok(it.bool()?), |it| Ok(it.bytes()?))? {
                    self.read_epoch(wrap, bytes)?;
                }
            }
            Member::Int(4) => value.array(|it| {
                let (epoch, key) =
                    it.byte_array::<48>()?.split_first_chunk::<16>().ok_or(MalformedObject)?;
                let key = Secret::from_slice(key).map_err(|_| MalformedObject)?;
                self.epochs.learn(&self.crypto, EpochId(*epoch), key);
                Ok::<_, MalformedObject>(())
            })?,
            Member::Int(5) => self.state = State::read(value)?,
            Member::Int(6) => self.clock = HybridClock::new(own, value.uint()?),
            Member::Int(7) => self.seen = read_seen(value, MOST)?,
            Member::Int(10) => self.pending = State::read(value)?,
            Member::Int(11) => self.needs_snapshot = value.bool()?,
            Member::Int(12) => self.next_number = value.uint()?,
            Member::Int(13) => {
                let Inner { segments, seen, time } = Inner::read(value.bytes()?)?;
                let seen = *seen.get(&own).ok_or(MalformedObject)?;
                self.own = Some(OwnHead { seen, segments, time });
            }
            Member::Int(14) => {
                self.sealed = set(value, MOST, read_mark)?.into_iter().map(|(_, it)| it).collect();
            }
            Member::Int(15) => self.named = read_seen(value, MOST)?,
            Member::Int(16) => self.merged = set(value, MOST, read_mark)?,
            Member::Int(17) => self.out = set(value, MOST, device)?,
            Member::Int(18) => value.array(|it| {
                let mut all = list(it, MOST, |it| Ok(*it.byte_array::<16>()?))?.into_iter();
                let id = DeviceId(all.next().ok_or(MalformedObject)?);
                self.exposed.insert(id, all.collect());
                Ok::<_, MalformedObject>(())
            })?,
            Member::Int(19) => value.array(|it| {
                let (id, number) = read_number(it.byte_array::<24>()?)?;
                self.answered.insert(id, number);
                Ok::<_, MalformedObject>(())
            })?,
            Member::Int(20) => value.array(|it| {
                let (kind, rest) = it.byte_array::<25>()?.split_first().ok_or(MalformedObject)?;
                let (device, number) = read_number(rest)?;
                self.told.insert(notice(*kind, device, number)?);
                Ok::<_, MalformedObject>(())
            })?,
            Member::Int(21) => {
                let name = |it: &mut Reader<'_>| it.text()?.parse().map_err(|_| MalformedObject);
                for (name, bytes) in pairs(value, name, |it| Ok(it.bytes()?.to_vec()))? {
                    self.queue(name, bytes, 0);
                }
            }
            Member::Int(22) => {
                let heads = |it: &mut Reader<'_>| set(it, MOST, hash);
                for (time, heads) in pairs(value, |it| read_number(it.bytes()?), heads)? {
                    self.news.insert(time.0, News { time: time.1, heads });
                }
            }
            Member::Int(23) => {
                self.merged_segments = set(value, MOST, |it| {
                    let (id, hash) =
                        it.byte_array::<32>()?.split_first_chunk::<16>().ok_or(MalformedObject)?;
                    let hash = hash.try_into().map_err(|_| MalformedObject)?;
                    Ok((DeviceId(*id), ObjectHash(hash)))
                })?;
            }
            Member::Int(24) => {
                let parts = usize::try_from(value.uint()?).map_err(|_| MalformedObject)?;
                self.parts = parts.clamp(1, MOST_PARTS);
            }
            _ => return Err(MalformedObject),
        }
        Ok(())
    }

    /// In whatever order they come, each after those that it stands on.
    pub(super) fn read_membership(
        &mut self,
        mut records: Vec<&[u8]>,
    ) -> Result<(), MalformedObject> {
        while !records.is_empty() {
            let before = records.len();
            records.retain(|bytes| self.roster.take(&self.crypto, bytes) != Verdict::Taken);
            if records.len() == before {
                return Err(MalformedObject);
            }
        }
        Ok(())
    }

    pub(super) fn read_epoch(&mut self, wrap: bool, bytes: &[u8]) -> Result<(), MalformedObject> {
        let (crypto, roster, keys) = (&self.crypto, &self.roster, &self.keys);
        let verdict = if wrap {
            self.epochs.take_wrap(crypto, roster, keys, bytes)
        } else {
            self.epochs.take(crypto, roster, keys, bytes)
        };
        if verdict == Verdict::Taken { Ok(()) } else { Err(MalformedObject) }
    }
}

/// 16 bytes, a number, and what tells marks of one table apart.
fn mark(id: Option<&DeviceId>, number: u64, before: &[u8]) -> Vec<u8> {
    let id = id.map(|id| id.0).unwrap_or_default();
    [before, &id, &number.to_be_bytes()].concat()
}

fn read_number(bytes: &[u8]) -> Result<(DeviceId, u64), MalformedObject> {
    let (id, number) = bytes.split_first_chunk::<16>().ok_or(MalformedObject)?;
    let number = number.try_into().map_err(|_| MalformedObject)?;
    Ok((DeviceId(*id), u64::from_be_bytes(number)))
}

fn write_marks<'a>(
    writer: &mut Writer,
    marks: impl Iterator<Item = (Option<&'a DeviceId>, &'a Seen)>,
) {
    writer.array(|array| {
        for (id, seen) in marks {
            let bytes = [mark(id, seen.number, &[]), seen.hash.0.to_vec()].concat();
            array.item(|item| item.bytes(&bytes));
        }
    });
}

fn read_mark(reader: &mut Reader<'_>) -> Result<(DeviceId, Seen), MalformedObject> {
    let (first, hash) =
        reader.byte_array::<40>()?.split_first_chunk::<24>().ok_or(MalformedObject)?;
    let (id, number) = read_number(first)?;
    Ok((id, Seen { number, hash: ObjectHash(hash.try_into().map_err(|_| MalformedObject)?) }))
}

/// Two elements of an array for each.
fn pairs<'a, A, B>(
    reader: &mut Reader<'a>,
    mut first: impl FnMut(&mut Reader<'a>) -> Result<A, MalformedObject>,
    mut second: impl FnMut(&mut Reader<'a>) -> Result<B, MalformedObject>,
) -> Result<Vec<(A, B)>, MalformedObject> {
    let (mut found, mut open) = (Vec::new(), None);
    reader.array(|item| {
        match open.take() {
            None => open = Some(first(item)?),
            Some(a) => found.push((a, second(item)?)),
        }
        Ok::<_, MalformedObject>(())
    })?;
    if open.is_none() { Ok(found) } else { Err(MalformedObject) }
}

/// What was told and has to be remembered. The others are told once in each run.
const fn told(notice: &SyncNotice) -> Option<(u8, DeviceId, u64)> {
    match *notice {
        SyncNotice::WentBack { device, number } => Some((0, device, number)),
        SyncNotice::Withheld { device, number } => Some((1, device, number)),
        SyncNotice::TwoOf { device, number } => Some((2, device, number)),
        SyncNotice::Removed => Some((3, DeviceId([0; 16]), 0)),
        SyncNotice::Invented(_) | SyncNotice::NotSealed | SyncNotice::NotTaken => None,
    }
}

const fn notice(kind: u8, device: DeviceId, number: u64) -> Result<SyncNotice, MalformedObject> {
    match kind {
        0 => Ok(SyncNotice::WentBack { device, number }),
        1 => Ok(SyncNotice::Withheld { device, number }),
        2 => Ok(SyncNotice::TwoOf { device, number }),
        3 => Ok(SyncNotice::Removed),
        _ => Err(MalformedObject),
    }
}
