//! Which phones listen or are expected back, and who rings whom.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::time::Instant;

use super::ring_quota::{Allowance, Callers};
use crate::bus::NodeInstance;
use crate::ids::{ContactId, RoutingId, TunnelId};
use crate::message::{FromService, RingId};
use crate::source::Width;
use crate::{Crowd, Leg, Limits, Refusal, Source};

/// Who listens, and who rings whom.
#[derive(Default)]
pub(super) struct Switchboard {
    pub(super) phones: HashMap<ContactId, Phone>,
    pub(super) rings: HashMap<RingId, Ring>,
    /// Phones whose connection broke, in the order in which they are forgotten.
    pub(super) absent: BTreeMap<(Instant, Leg), ContactId>,
    /// The places of phones that listen, and of those that are expected back.
    pub(super) crowd: Crowd,
}

pub(super) struct Phone {
    pub(super) presence: Presence,
    /// The number of its connection, as the phone gave it: later ones have larger numbers. 0 if it
    /// gave none.
    pub(super) sequence: u64,
    /// When that came.
    pub(super) since: Instant,
    pub(super) allowance: Allowance,
    /// Rings that it was told of and has not answered: so many messages are free.
    pub(super) unanswered: u16,
    /// Whether a connection that another one took over from is still being closed.
    pub(super) taken_over: bool,
    /// Nothing until somebody rings it.
    pub(super) book: Option<Box<Book>>,
}

pub(super) enum Presence {
    Here(Leg),
    /// Expected back until then. The place is still that of the connection that broke.
    Absent {
        until: Instant,
        was: Leg,
        source: Source,
    },
}

/// Who rings a phone.
#[derive(Default)]
pub(super) struct Book {
    pub(super) rings: Vec<RingId>,
    pub(super) callers: Callers,
}

/// Where the computer of a ring waits.
#[derive(Clone, Copy)]
pub(super) enum Caller {
    /// At this node.
    Here(Leg),
    /// At another one. If that says nothing, the ring is over then.
    There { node: NodeInstance, until: Instant },
}

pub(super) struct Ring {
    pub(super) caller: Caller,
    /// As the phone's book has it.
    pub(super) source: Source,
    pub(super) contact: ContactId,
    pub(super) routing_id: RoutingId,
    pub(super) tunnel_id: TunnelId,
    pub(super) payload: Vec<u8>,
    pub(super) accepted: bool,
}

impl Phone {
    pub(super) const fn leg(&self) -> Option<Leg> {
        match self.presence {
            Presence::Here(leg) => Some(leg),
            Presence::Absent { .. } => None,
        }
    }

    pub(super) fn rings(&self) -> &[RingId] {
        self.book.as_ref().map_or(&[], |book| &book.rings)
    }
}

impl Switchboard {
    /// The connections of phones that listen.
    pub(super) fn listening(&self) -> impl Iterator<Item = Leg> {
        self.phones.values().filter_map(Phone::leg)
    }

    /// How many phones listen.
    pub(super) fn count(&self) -> usize {
        self.crowd.len().saturating_sub(self.absent.len())
    }

    /// How many are expected back.
    pub(super) fn absent(&self) -> usize {
        self.absent.len()
    }

    pub(super) fn next_absent(&self) -> Option<Instant> {
        self.absent.first_key_value().map(|((until, _), _)| *until)
    }

    /// Forgets the phone that has been away for the longest time; which, and where it was.
    pub(super) fn forget_oldest_absent(&mut self) -> Option<(ContactId, Source)> {
        let contact = self.absent.first_key_value()?.1.clone();
        let source = self.forget(&contact)?;
        Some((contact, source))
    }

    /// Forgets a phone that is away; where it was.
    pub(super) fn forget(&mut self, contact: &ContactId) -> Option<Source> {
        let Presence::Absent { until, was, source } = self.phones.get(contact)?.presence else {
            return None;
        };
        self.absent.remove(&(until, was));
        self.phones.remove(contact);
        self.crowd.remove(source, was.0);
        Some(source)
    }

    /// A phone that was told to close is not expected back. Says whether it was there: another
    /// connection may have taken over.
    pub(super) fn leave(&mut self, contact: &ContactId, leg: Leg, source: Source) -> bool {
        let there = self.phones.get(contact).is_some_and(|phone| phone.leg() == Some(leg));
        if there {
            self.phones.remove(contact);
            self.crowd.remove(source, leg.0);
        }
        there
    }

    pub(super) fn remove(&mut self, id: RingId) -> Option<(Ring, Option<Leg>)> {
        let ring = self.rings.remove(&id)?;
        let phone = self.phones.get_mut(&ring.contact);
        let leg = phone.and_then(|phone| {
            if let Some(book) = &mut phone.book {
                book.rings.retain(|known| *known != id);
            }
            phone.leg()
        });
        Some((ring, leg))
    }

    pub(super) fn callers(&mut self, contact: &ContactId) -> Option<&mut Callers> {
        Some(&mut self.phones.get_mut(contact)?.book.as_mut()?.callers)
    }

    /// Whether one more ring of this source may be under way, and which one has to end for it.
    pub(super) fn line(
        &self,
        phone: &Phone,
        source: Source,
        limits: &Limits,
    ) -> Result<Option<RingId>, Refusal> {
        let known = |source| phone.book.as_ref().is_some_and(|book| book.callers.knows(source));
        let strangers = || {
            let rings = phone.rings().iter().filter_map(|id| Some((*id, self.rings.get(id)?)));
            rings.filter(|(_, ring)| !ring.accepted && !known(ring.source))
        };
        let of = |source: Source| {
            let network = source.network(Width::Region);
            strangers().filter(|(_, ring)| ring.source.network(Width::Region) == network).count()
        };
        if !known(source) && of(source) >= (limits.rings >> 1).max(1) {
            return Err(Refusal::TooMany);
        }
        if phone.rings().len() < limits.rings {
            return Ok(None);
        }
        // Of those who ring most, the oldest.
        let most = strangers().map(|(id, ring)| (of(ring.source), id));
        let (count, id) = most.min_by_key(|(count, _)| Reverse(*count)).ok_or(Refusal::TooMany)?;
        let after = of(source).saturating_add(1);
        if known(source) || count > after { Ok(Some(id)) } else { Err(Refusal::TooMany) }
    }
}

impl Ring {
    pub(super) fn message(&self, ring: RingId) -> Vec<u8> {
        let Self { routing_id, tunnel_id, .. } = *self;
        FromService::Ring { ring, routing_id, tunnel_id, payload: self.payload.clone() }.encode()
    }
}
