//! The other nodes of the service: who is there, what they say, and what they are told.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::{Duration, Instant};

use super::{Rendezvous, count};
use crate::bus::{BusAddress, BusMessage, ContactTag, MAX_HERE, NodeInstance};
use crate::ids::ContactId;
use crate::message::RingId;
use crate::{RendezvousOutput, deadline};

/// How often a node says that it is there.
const ALIVE_EVERY: Duration = Duration::from_secs(1);

/// How long a node may be silent before it is missed: one word of it did not come. Who is missed
/// for nothing costs those who ring phones that nobody holds a little patience.
const MISSED_AFTER: Duration = Duration::from_millis(1_300);

/// How long a missed node is waited for: its phones come to others meanwhile.
const MISSED_FOR: Duration = Duration::from_secs(20);

/// How long after it was told to stop a node may have phones, by the times of a
/// [`Drain`](crate::Drain) as it is by default. One that ends later is not missed.
const PHONES_LEAVE: Duration = Duration::from_secs(15);

/// How long it is remembered that nobody holds a phone.
const NOBODY_FOR: Duration = Duration::from_secs(2);

/// Phones of which that is remembered.
const NOBODIES: usize = 4096;

/// How long phones that came are collected before others are told.
const HERE_AFTER: Duration = Duration::from_millis(10);

/// Nodes that are known at once.
const MOST_NODES: usize = 256;

/// How long a node that has just begun gives way to another one that has its number.
const NEWCOMER: Duration = Duration::from_secs(5);

/// How long ago a node may have said that it holds a phone when the ring comes, in milliseconds.
const OFFERED_FOR: u64 = 2_000;

/// What is known of the other nodes.
pub(super) struct Nodes {
    pub(super) instance: NodeInstance,
    start: Instant,
    /// Whether messages go through.
    pub(super) up: bool,
    /// Since when they have gone through for the first time.
    began: Option<Instant>,
    seen: BTreeMap<NodeInstance, Seen>,
    next_alive: Instant,
    /// Phones that came since others were told, and when they will be.
    coming: Vec<(ContactTag, u64)>,
    tell_at: Option<Instant>,
    /// The phones of this node by their tags.
    pub(super) tags: HashMap<ContactTag, ContactId>,
    pub(super) nobody: HashMap<ContactTag, Instant>,
    nobody_in_order: VecDeque<(Instant, ContactTag)>,
}

struct Seen {
    at: Instant,
    /// Since when it has been about to stop.
    draining: Option<Instant>,
}

impl Nodes {
    pub(super) fn new(instance: NodeInstance, now: Instant) -> Self {
        Self {
            instance,
            start: now,
            up: false,
            began: None,
            seen: BTreeMap::new(),
            next_alive: now,
            coming: Vec::new(),
            tell_at: None,
            tags: HashMap::new(),
            nobody: HashMap::new(),
            nobody_in_order: VecDeque::new(),
        }
    }

    /// When something is to be said next.
    pub(super) fn next(&self) -> Option<Instant> {
        let alive = self.up.then_some(self.next_alive);
        alive.into_iter().chain(self.tell_at).min()
    }

    /// Whether a node that was there lately is not, so that its phones are on their way.
    pub(super) fn one_is_missed(&self, now: Instant) -> bool {
        self.seen.values().any(|seen| {
            let silent = now.saturating_duration_since(seen.at);
            let drained = seen.draining.map(|since| seen.at.saturating_duration_since(since));
            drained.is_none_or(|drained| drained < PHONES_LEAVE)
                && silent >= MISSED_AFTER
                && silent < MISSED_FOR
        })
    }

    /// Whether it was found lately that nobody holds this phone, nor is it on its way.
    pub(super) fn nobody_holds(&self, tag: &ContactTag, now: Instant) -> bool {
        self.nobody.get(tag).is_some_and(|until| *until > now) && !self.one_is_missed(now)
    }

    pub(super) fn remember_nobody(&mut self, tag: ContactTag, now: Instant) {
        while self.nobody_in_order.len() >= NOBODIES
            || self.nobody_in_order.front().is_some_and(|(until, _)| *until <= now)
        {
            let Some((until, tag)) = self.nobody_in_order.pop_front() else { break };
            if self.nobody.get(&tag) == Some(&until) {
                self.nobody.remove(&tag);
            }
        }
        let until = deadline::after(now, NOBODY_FOR);
        self.nobody.insert(tag, until);
        self.nobody_in_order.push_back((until, tag));
    }

    /// This node's clock, in milliseconds since its start.
    fn clock(&self, now: Instant) -> u64 {
        let since = now.saturating_duration_since(self.start);
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    }

    /// Whether this node said a moment ago that it holds a phone. What a slow bus delivers late
    /// rings nobody: its computer may be gone.
    pub(super) fn said_lately(&self, at: u64, now: Instant) -> bool {
        self.clock(now).checked_sub(at).is_some_and(|age| age <= OFFERED_FOR)
    }

    fn saw(&mut self, from: NodeInstance, draining: bool, now: Instant) {
        self.seen.retain(|_, seen| now.saturating_duration_since(seen.at) < MISSED_FOR);
        if self.seen.len() < MOST_NODES || self.seen.contains_key(&from) {
            let since = self.seen.get(&from).and_then(|seen| seen.draining).unwrap_or(now);
            self.seen.insert(from, Seen { at: now, draining: draining.then_some(since) });
        }
    }
}

impl Rendezvous {
    /// Makes this a node of a service of several: `instance` is eight random bytes that name this
    /// run of it. Until [`handle_bus_state`](Self::handle_bus_state) says that messages go through
    /// it serves its own phones alone.
    #[must_use]
    pub fn with_bus(mut self, instance: NodeInstance, now: Instant) -> Self {
        self.nodes = Some(Nodes::new(instance, now));
        self
    }

    /// Whether messages of this node reach the others, and theirs this one. Where they do not,
    /// codes and the rings of this node's own phones go on; other rings get 503 at once.
    pub fn handle_bus_state(&mut self, up: bool, now: Instant) {
        self.handle_timeout(now);
        let Some(nodes) = &mut self.nodes else { return };
        if std::mem::replace(&mut nodes.up, up) == up {
            return;
        }
        if up {
            nodes.next_alive = now;
            nodes.began.get_or_insert(now);
            // Who came meanwhile and is there, in an order that does not depend on the memory's.
            let phones = &self.switchboard.phones;
            let here = |contact| phones.get(contact).is_some_and(|phone| phone.leg().is_some());
            let tags = nodes.tags.iter().filter(|(_, contact)| here(contact));
            let mut tags: Vec<_> = tags.map(|(tag, contact)| (*tag, contact.clone())).collect();
            tags.sort_unstable_by_key(|(tag, _)| *tag);
            for (tag, contact) in tags {
                self.came(tag, &contact, now);
            }
        } else {
            self.bus_is_down();
        }
        self.speak(now);
    }

    /// Another node said something, or this one to itself. Takes only what is well formed; says
    /// whether it was.
    pub fn handle_bus(&mut self, message: &[u8], now: Instant) -> bool {
        self.handle_timeout(now);
        let Some(nodes) = &mut self.nodes else { return false };
        let Some((from, message)) = BusMessage::decode(message) else { return false };
        if from == nodes.instance {
            return true;
        }
        match message {
            BusMessage::Alive { node, draining } => {
                nodes.saw(from, draining, now);
                let age = nodes.began.map(|began| now.saturating_duration_since(began));
                // Who has served for longer stays.
                let new = age.is_some_and(|age| age <= NEWCOMER);
                let stays = !draining && self.leaving.is_none();
                if node == self.node && stays {
                    if new {
                        self.outputs.push_back(RendezvousOutput::NumberTaken);
                    } else {
                        count(&mut self.counted.twins);
                    }
                }
            }
            BusMessage::Find { ring, tag } => self.sought(from, ring, &tag, now),
            BusMessage::Found { ring, sequence, at } => {
                if !self.found(from, ring, (sequence, at), now) {
                    count(&mut self.counted.late);
                }
            }
            BusMessage::Here { phones, at } => {
                for (tag, sequence) in phones {
                    self.is_elsewhere(from, &tag, (sequence, at), now);
                }
            }
            BusMessage::Ring { ring, tag, at, routing_id, tunnel_id, payload, source, left } => {
                let tunnel = (routing_id, tunnel_id);
                let until = deadline::after(now, Duration::from_millis(left));
                if let Some(contact) = self.rung_now(from, ring, (&tag, at), now) {
                    self.rung_from(from, ring, contact, source, payload, tunnel, (until, now));
                }
            }
            BusMessage::Comes(ring) => self.comes_from(from, ring, now),
            BusMessage::Refused(ring, why) => self.refused_from(from, ring, why, now),
            BusMessage::Over { ring, met } => self.over_from(from, ring, met, now),
        }
        self.leave(now);
        true
    }

    /// A computer of another node looks for a phone.
    fn sought(&mut self, from: NodeInstance, ring: RingId, tag: &ContactTag, now: Instant) {
        count(&mut self.counted.foreign);
        let Some(nodes) = &mut self.nodes else { return };
        let Some(contact) = nodes.tags.get(tag) else { return };
        let Some(phone) = self.switchboard.phones.get(contact) else { return };
        let sequence = phone.sequence;
        let at = nodes.clock(now);
        count(&mut self.counted.held);
        self.tell(from, &BusMessage::Found { ring, sequence, at });
    }

    /// Others are told of a phone that came, soon.
    pub(super) fn came(&mut self, tag: ContactTag, contact: &ContactId, now: Instant) {
        let Some(phone) = self.switchboard.phones.get(contact) else { return };
        let Some(nodes) = &mut self.nodes else { return };
        nodes.coming.push((tag, phone.sequence));
        if nodes.coming.len() >= MAX_HERE {
            self.tell_who_came(now);
        } else if nodes.tell_at.is_none() {
            nodes.tell_at = Some(deadline::after(now, HERE_AFTER));
        }
    }

    fn tell_who_came(&mut self, now: Instant) {
        let Some(nodes) = &mut self.nodes else { return };
        nodes.tell_at = None;
        let phones = std::mem::take(&mut nodes.coming);
        let at = nodes.clock(now);
        if !phones.is_empty() {
            self.tell_all(&BusMessage::Here { phones, at });
        }
    }

    /// Says what is due.
    pub(super) fn speak(&mut self, now: Instant) {
        let Some(nodes) = &mut self.nodes else { return };
        if nodes.up && nodes.next_alive <= now {
            self.say_alive(now);
        }
        if self.nodes.as_ref().and_then(|nodes| nodes.tell_at).is_some_and(|at| at <= now) {
            self.tell_who_came(now);
        }
    }

    /// The others are told that this node is there, and whether it is about to go.
    pub(super) fn say_alive(&mut self, now: Instant) {
        if let Some(nodes) = &mut self.nodes {
            nodes.next_alive = deadline::after(now, ALIVE_EVERY);
            let draining = self.leaving.is_some();
            self.tell_all(&BusMessage::Alive { node: self.node, draining });
        }
    }

    /// To all other nodes, unless nothing goes through: a bus would deliver it later.
    pub(super) fn tell_all(&mut self, message: &BusMessage) {
        self.publish(BusAddress::All, message);
    }

    pub(super) fn tell(&mut self, node: NodeInstance, message: &BusMessage) {
        self.publish(BusAddress::Node(node), message);
    }

    fn publish(&mut self, to: BusAddress, message: &BusMessage) {
        if let Some(nodes) = self.nodes.as_ref().filter(|nodes| nodes.up) {
            let message = message.encode(nodes.instance);
            self.outputs.push_back(RendezvousOutput::Publish { to, message });
        }
    }
}
