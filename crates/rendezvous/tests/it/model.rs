//! A service of several nodes with a bus, phones and computers, all of one seed and one clock.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::{Duration, Instant};

use towline_crypto::{CryptoProvider, Secret};
use towline_rendezvous::bus::{BusAddress, NodeInstance};
use towline_rendezvous::ids::{ContactId, RoutingId, TunnelId};
use towline_rendezvous::message::{FromPhone, FromService, Reason, RingId};
use towline_rendezvous::{
    Admission, ContactKey, ContactState, Drain, DrainStage, Ending, Leg, Limits, RecallToken,
    Refusal, Rendezvous, RendezvousOutput, RevokeToken, Role, Source, TunnelRequest,
};

/// A node, and which run of it.
type Run = (usize, u64);

pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn below(&mut self, below: u64) -> u64 {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % below
    }

    fn index(&mut self, below: usize) -> usize {
        usize::try_from(self.below(below.try_into().unwrap())).unwrap()
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }
}

/// What is on its way.
enum Coming {
    Message {
        to: Run,
        bytes: Vec<u8>,
    },
    Recalled {
        to: Run,
        token: RecallToken,
        contact: ContactId,
    },
    Revoked {
        to: Run,
        token: RevokeToken,
        contact: ContactId,
    },
    Closed {
        to: Run,
        leg: Leg,
    },
    PhoneHears {
        phone: usize,
        from: (Run, Leg),
        bytes: Vec<u8>,
    },
    PhoneDecides {
        phone: usize,
        from: (Run, Leg),
        ring: RingId,
        routing: RoutingId,
        tunnel: TunnelId,
    },
    PhoneClosed {
        phone: usize,
        from: (Run, Leg),
    },
    PhoneSays {
        to: Run,
        leg: Leg,
        message: FromPhone,
    },
    PhoneListens {
        phone: usize,
    },
    PhoneJoins {
        phone: usize,
        routing: RoutingId,
        tunnel: TunnelId,
    },
}

struct Node {
    run: u64,
    relay: Rendezvous,
    frozen_until: Option<Instant>,
    cut_off: bool,
}

struct Phone {
    key: ContactKey,
    contact: ContactId,
    source: Source,
    sequence: u64,
    /// Where it listens, as far as it knows.
    at: Option<(Run, Leg)>,
    revoked: bool,
    /// The tunnels of the rings that it was told of, by what their computers said.
    told: HashMap<Vec<u8>, TunnelId>,
    /// Where it goes, or has gone.
    accepted: BTreeSet<TunnelId>,
}

struct Computer {
    phone: usize,
    began: Instant,
    answered: bool,
}

pub(crate) struct Model {
    pub(crate) random: Random,
    provider: CryptoProvider,
    limits: Limits,
    start: Instant,
    now: Instant,
    nodes: Vec<Option<Node>>,
    runs: u64,
    bus_up: bool,
    held_until: Option<Instant>,
    phones: Vec<Phone>,
    computers: BTreeMap<(Run, Leg), Computer>,
    /// When each ring began.
    rings: HashMap<(usize, RingId), Instant>,
    joined: BTreeSet<(Run, Leg)>,
    revoked: Vec<ContactId>,
    /// Which phones have said that they do not know a computer.
    unknown: BTreeSet<usize>,
    coming: BTreeMap<(Instant, u64), Coming>,
    number: u64,
    /// Rings of which a phone was told, by their tunnels.
    pub(crate) told: u64,
    pub(crate) met: u64,
    pub(crate) drained: u64,
    /// Phones and the bus do as they should: what fails then was lost by the nodes.
    reliable: bool,
    /// What computers were told that did not reach their phone.
    pub(crate) refused: Vec<Refusal>,
    rung: u64,
}

/// Random bytes of one seed: tunnels and routing ids.
struct Seeded(std::sync::Mutex<Random>);

impl towline_crypto::Random for Seeded {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), towline_crypto::Error> {
        let mut random = self.0.lock().unwrap();
        bytes.fill_with(|| u8::try_from(random.below(256)).unwrap());
        Ok(())
    }
}

impl Model {
    pub(crate) fn new(seed: u64, nodes: usize, phones: u8) -> Self {
        let mut provider = towline_crypto::rustcrypto::provider();
        provider.random = std::sync::Arc::new(Seeded(std::sync::Mutex::new(Random(!seed))));
        let start = Instant::now();
        let phones = (0..phones).map(|number| {
            let key = ContactKey::new(Secret::new([number; 32]));
            Phone {
                contact: key.contact_id(&provider),
                key,
                source: Source::of([10, 0, number, 1].into()),
                sequence: 0,
                at: None,
                revoked: false,
                told: HashMap::new(),
                accepted: BTreeSet::new(),
            }
        });
        let phones: Vec<Phone> = phones.collect();
        let mut model = Self {
            random: Random(seed),
            limits: Limits::default(),
            provider,
            start,
            now: start,
            nodes: (0..nodes).map(|_| None).collect(),
            runs: 0,
            bus_up: true,
            held_until: None,
            phones,
            computers: BTreeMap::new(),
            rings: HashMap::new(),
            joined: BTreeSet::new(),
            revoked: Vec::new(),
            unknown: BTreeSet::new(),
            coming: BTreeMap::new(),
            number: 0,
            told: 0,
            met: 0,
            drained: 0,
            reliable: false,
            refused: Vec::new(),
            rung: 0,
        };
        for node in 0..nodes {
            model.start_node(node);
        }
        for phone in 0..model.phones.len() {
            model.later(Duration::ZERO, Coming::PhoneListens { phone });
        }
        model
    }

    /// Phones that come to everybody, and a bus that loses nothing.
    pub(crate) fn reliable(seed: u64, nodes: usize, phones: u8) -> Self {
        Self { reliable: true, ..Self::new(seed, nodes, phones) }
    }

    fn later(&mut self, wait: Duration, what: Coming) {
        self.number += 1;
        self.coming.insert((self.now + wait, self.number), what);
    }

    fn soon(&mut self, what: Coming) {
        let wait = Duration::from_micros(100 + self.random.below(5_000));
        self.later(wait, what);
    }

    pub(crate) fn start_node(&mut self, node: usize) {
        if self.nodes[node].is_some() {
            return;
        }
        self.runs += 1;
        let instance = NodeInstance::new(self.runs.to_be_bytes());
        let number = u8::try_from(node).unwrap();
        let relay = Rendezvous::new(number, self.limits, self.provider.clone());
        let mut relay = relay.with_bus(instance, self.now);
        relay.handle_bus_state(self.bus_up, self.now);
        self.nodes[node] = Some(Node { run: self.runs, relay, frozen_until: None, cut_off: false });
        self.outputs(node);
    }

    /// All connections of the node break, and nobody is told by it.
    pub(crate) fn kill_node(&mut self, node: usize) {
        let Some(Node { run, .. }) = self.nodes[node].take() else { return };
        let gone = (node, run);
        self.computers.retain(|(run, _), _| *run != gone);
        self.joined.retain(|(run, _)| *run != gone);
        for phone in 0..self.phones.len() {
            if self.phones[phone].at.is_some_and(|(run, _)| run == gone) {
                self.phones[phone].at = None;
                let wait = Duration::from_millis(500 + self.random.below(1_500));
                self.later(wait, Coming::PhoneListens { phone });
            }
        }
    }

    /// A node is told to stop; its front end may learn of it late.
    pub(crate) fn drain_node(&mut self, node: usize) {
        let now = self.now;
        if let Some(node) = &mut self.nodes[node] {
            node.relay.handle_drain(&Drain::default(), now);
        }
        self.outputs(node);
    }

    /// One node leaves in order, unless another one does, and who left is started again.
    pub(crate) fn replace_one(&mut self) {
        for node in 0..self.nodes.len() {
            self.start_node(node);
        }
        let stays = |node: &Node| node.relay.drain_stage() == DrainStage::Serving;
        if self.nodes.iter().flatten().all(stays) {
            let node = self.any_node();
            self.drain_node(node);
        }
    }

    /// Nodes that have had their time on the way out end.
    fn end_drained(&mut self) {
        for node in 0..self.nodes.len() {
            let over = |node: &Node| node.relay.drain_stage() == DrainStage::Over;
            if self.nodes[node].as_ref().is_some_and(over) {
                self.kill_node(node);
                self.drained += 1;
            }
        }
    }

    pub(crate) fn any_node(&mut self) -> usize {
        self.random.index(self.nodes.len())
    }

    pub(crate) fn freeze_node(&mut self, node: usize, time: Duration) {
        let until = self.now + time;
        if let Some(node) = &mut self.nodes[node] {
            node.frozen_until = Some(until);
        }
    }

    pub(crate) fn cut_node(&mut self, node: usize, cut_off: bool) {
        if let Some(node) = &mut self.nodes[node] {
            node.cut_off = cut_off;
        }
    }

    pub(crate) fn set_bus(&mut self, up: bool) {
        self.bus_up = up;
        if !up {
            self.coming.retain(|_, coming| !matches!(coming, Coming::Message { .. }));
        }
        for node in 0..self.nodes.len() {
            let now = self.now;
            if let Some(node) = &mut self.nodes[node] {
                node.relay.handle_bus_state(up, now);
            }
            self.outputs(node);
        }
    }

    /// Messages are kept back, and all are delivered in the end.
    pub(crate) fn hold_bus(&mut self, time: Duration) {
        self.held_until = Some(self.now + time);
    }

    fn relay(&mut self, (node, run): Run) -> Option<&mut Rendezvous> {
        self.nodes[node].as_mut().filter(|node| node.run == run).map(|node| &mut node.relay)
    }

    fn run_of(&self, node: usize) -> Option<Run> {
        self.nodes[node].as_ref().map(|found| (node, found.run))
    }

    /// The front end: any node that is there.
    fn balance(&mut self) -> Option<Run> {
        let first = self.any_node();
        let count = self.nodes.len();
        let node = (first..first + count).map(|node| node % count).find(|node| {
            self.nodes[*node].as_ref().is_some_and(|node| {
                node.frozen_until.is_none() && node.relay.drain_stage() <= DrainStage::Notice
            })
        });
        self.run_of(node?)
    }

    /// A computer rings, at whatever node.
    pub(crate) fn ring(&mut self) {
        let phone = self.random.index(self.phones.len());
        self.rung += 1;
        // A front end may repeat a request elsewhere.
        let repeated = !self.reliable && self.random.chance(3);
        let names = [u8::try_from(phone).unwrap(), repeated.into()];
        let payload = [&names[..], &self.rung.to_be_bytes()[..]].concat();
        self.ring_by(phone, payload.clone());
        if repeated {
            self.ring_by(phone, payload);
        }
    }

    fn ring_by(&mut self, phone: usize, payload: Vec<u8>) {
        let Some(run) = self.balance() else { return };
        let contact = self.phones[phone].contact.clone();
        let request = TunnelRequest::Contact { contact, payload, signal: false };
        let host = u8::try_from(self.random.below(200)).unwrap();
        let (source, now) = (Source::of([172, 16, host, 1].into()), self.now);
        let relay = self.relay(run).unwrap();
        match relay.handle_request(source, request, now) {
            Ok(Admission { leg, role: Role::Rings { ring, .. } }) => {
                self.rings.insert((run.0, ring), now);
                let computer = Computer { phone, began: now, answered: false };
                self.computers.insert((run, leg), computer);
            }
            Ok(other) => panic!("{other:?}"),
            Err(refusal) => {
                assert_ne!(refusal, Refusal::Gone, "never at once");
                self.refused.push(refusal);
            }
        }
        self.outputs(run.0);
    }

    pub(crate) fn computer_leaves(&mut self) {
        let count = self.computers.len();
        if count == 0 {
            return;
        }
        let at = self.random.index(count);
        let (run, leg) = *self.computers.keys().nth(at).unwrap();
        self.computers.remove(&(run, leg));
        self.soon(Coming::Closed { to: run, leg });
    }

    /// A phone's connection breaks; only one end may notice.
    pub(crate) fn phone_breaks(&mut self) {
        let phone = self.random.index(self.phones.len());
        let Some((run, leg)) = self.phones[phone].at.take() else { return };
        if self.random.chance(50) {
            self.soon(Coming::Closed { to: run, leg });
        } else {
            self.later(Duration::from_secs(30), Coming::Closed { to: run, leg });
        }
        let wait = Duration::from_millis(self.random.below(3_000));
        self.later(wait, Coming::PhoneListens { phone });
    }

    pub(crate) fn phone_revokes(&mut self) {
        let phone = self.random.index(self.phones.len());
        if let Some((to, leg)) = self.phones[phone].at {
            self.soon(Coming::PhoneSays { to, leg, message: FromPhone::Revoke });
        }
    }

    /// Time passes, and all that is due happens.
    pub(crate) fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        loop {
            let coming = self.coming.first_key_value().map(|((at, _), _)| *at);
            let timeouts = self.nodes.iter().flatten().filter_map(|node| {
                let next = node.relay.poll_timeout()?;
                Some(node.frozen_until.map_or(next, |until| until.max(next)))
            });
            let next = coming.into_iter().chain(timeouts).min().filter(|next| *next <= end);
            let Some(next) = next else { break };
            self.now = self.now.max(next);
            self.thaw();
            let due = self.coming.first_key_value().is_some_and(|((at, _), _)| *at <= self.now);
            if due && let Some((_, coming)) = self.coming.pop_first() {
                self.happens(coming);
            }
            for node in 0..self.nodes.len() {
                let now = self.now;
                if let Some(node) = &mut self.nodes[node]
                    && node.frozen_until.is_none()
                    && node.relay.poll_timeout().is_some_and(|next| next <= now)
                {
                    node.relay.handle_timeout(now);
                }
                self.outputs(node);
            }
        }
        self.now = end;
        self.thaw();
        self.end_drained();
        self.check_answers();
    }

    fn thaw(&mut self) {
        let now = self.now;
        for node in self.nodes.iter_mut().flatten() {
            node.frozen_until = node.frozen_until.filter(|until| *until > now);
        }
    }

    /// A computer knows after six seconds, if its node is alive.
    fn check_answers(&self) {
        for ((run, leg), computer) in &self.computers {
            let node = self.nodes[run.0].as_ref().unwrap();
            let waited = self.now.duration_since(computer.began);
            let patience = self.limits.ring_answer + Duration::from_millis(1);
            assert!(
                computer.answered || waited <= patience || node.frozen_until.is_some(),
                "{leg:?} of node {} has waited for {waited:?}",
                run.0
            );
        }
    }

    fn frozen(&self, run: Run) -> Option<Instant> {
        self.nodes[run.0].as_ref().filter(|node| node.run == run.1)?.frozen_until
    }

    fn happens(&mut self, coming: Coming) {
        let to = match &coming {
            Coming::Message { to, .. }
            | Coming::Recalled { to, .. }
            | Coming::Revoked { to, .. }
            | Coming::Closed { to, .. }
            | Coming::PhoneSays { to, .. } => Some(*to),
            _ => None,
        };
        let now = self.now;
        if let Some(until) = to.and_then(|run| self.frozen(run)) {
            return self.later(until.duration_since(now), coming);
        }
        match coming {
            Coming::Message { to, bytes } => {
                if let Some(relay) = self.relay(to) {
                    assert!(relay.handle_bus(&bytes, now), "what nodes say is understood");
                }
            }
            Coming::Recalled { to, token, contact } => {
                let lost = !self.bus_up || !self.reliable && self.random.chance(5);
                let revoked = self.revoked.contains(&contact);
                let state = if revoked { ContactState::Revoked } else { ContactState::Unknown };
                if let Some(relay) = self.relay(to) {
                    relay.handle_recalled(token, (!lost).then_some(state), now);
                }
            }
            Coming::Revoked { to, token, contact } => {
                let kept = self.bus_up && self.random.chance(90);
                if kept {
                    self.revoked.push(contact);
                }
                if let Some(relay) = self.relay(to) {
                    relay.handle_revoked(token, kept, now);
                }
            }
            Coming::Closed { to, leg } => {
                self.joined.remove(&(to, leg));
                if let Some(relay) = self.relay(to) {
                    relay.handle_closed(leg, now);
                }
            }
            Coming::PhoneSays { to, leg, message } => {
                if let Some(relay) = self.relay(to) {
                    relay.handle_message(leg, &message.encode(), now);
                }
            }
            Coming::PhoneHears { phone, from, bytes } => self.phone_hears(phone, from, &bytes),
            Coming::PhoneListens { phone } => self.phone_listens(phone),
            Coming::PhoneDecides { phone, from, ring, routing, tunnel } => {
                self.phone_decides(phone, from, ring, routing, tunnel);
            }
            Coming::PhoneClosed { phone, from } => {
                if self.phones[phone].at == Some(from) {
                    self.phones[phone].at = None;
                    let wait = Duration::from_millis(500 + self.random.below(500));
                    self.later(wait, Coming::PhoneListens { phone });
                }
            }
            Coming::PhoneJoins { phone, routing, tunnel } => {
                self.phone_joins(phone, routing, tunnel);
            }
        }
        if let Some((node, _)) = to {
            self.outputs(node);
        }
    }

    fn phone_listens(&mut self, phone: usize) {
        if self.phones[phone].at.is_some() || self.phones[phone].revoked {
            return;
        }
        let again = Duration::from_millis(500 + self.random.below(1_000));
        let Some(run) = self.balance() else {
            return self.later(again, Coming::PhoneListens { phone });
        };
        let clock = self.now.duration_since(self.start).as_millis();
        let clock = u64::try_from(clock).unwrap();
        let sequence = clock.max(self.phones[phone].sequence + 1);
        self.phones[phone].sequence = sequence;
        let request = TunnelRequest::Listen { key: self.phones[phone].key.clone(), sequence };
        let (source, now) = (self.phones[phone].source, self.now);
        match self.relay(run).unwrap().handle_request(source, request, now) {
            Ok(Admission { leg, .. }) => self.phones[phone].at = Some((run, leg)),
            Err(_) => self.later(again, Coming::PhoneListens { phone }),
        }
        self.outputs(run.0);
    }

    fn phone_hears(&mut self, phone: usize, (to, leg): (Run, Leg), bytes: &[u8]) {
        if self.phones[phone].at != Some((to, leg)) {
            return;
        }
        match FromService::decode(bytes).expect("a message") {
            FromService::Ring { ring, routing_id, tunnel_id, payload } => {
                assert_eq!(payload[0], u8::try_from(phone).unwrap(), "a ring of another phone");
                let repeated = payload[1] == 1;
                let known = self.phones[phone].told.get(&payload).copied();
                if known.is_some_and(|known| known != tunnel_id) {
                    assert!(repeated, "one ring in two tunnels");
                    // It is a replay.
                    let message = FromPhone::Refuse(ring, Reason::Busy);
                    return self.soon(Coming::PhoneSays { to, leg, message });
                }
                if known.is_none() {
                    self.phones[phone].told.insert(payload, tunnel_id);
                    self.told += 1;
                    let began = self.rings[&(usize::from(routing_id.as_bytes()[0]), ring)];
                    let age = self.now.duration_since(began);
                    let most = self.limits.ring_answer + Duration::from_secs(3);
                    assert!(age <= most, "a ring of {age:?} ago");
                }
                let from = (to, leg);
                let wait = Duration::from_micros(self.random.below(50_000));
                if self.reliable {
                    let (routing, tunnel) = (routing_id, tunnel_id);
                    self.later(wait, Coming::PhoneDecides { phone, from, ring, routing, tunnel });
                } else {
                    self.phone_rings(phone, from, ring, routing_id, tunnel_id);
                }
            }
            FromService::Revoked => {
                let contact = &self.phones[phone].contact;
                assert!(self.revoked.contains(contact), "told before it was kept");
                self.phones[phone].revoked = true;
            }
            FromService::Replaced | FromService::Over(_) | FromService::Alive => {}
        }
    }

    fn phone_rings(
        &mut self,
        phone: usize,
        (to, leg): (Run, Leg),
        ring: RingId,
        routing: RoutingId,
        tunnel: TunnelId,
    ) {
        let answer = match self.random.below(10) {
            0 => FromPhone::Refuse(ring, Reason::Busy),
            1 => {
                self.unknown.insert(phone);
                FromPhone::Refuse(ring, Reason::Unknown)
            }
            2 => return,
            _ => FromPhone::Accept(ring),
        };
        if let FromPhone::Accept(_) = answer {
            let wait = Duration::from_millis(self.random.below(800));
            self.later(wait, Coming::PhoneJoins { phone, routing, tunnel });
        }
        if self.random.chance(90) {
            self.soon(Coming::PhoneSays { to, leg, message: answer });
        }
    }

    /// It comes, and forgets a ring if the connection on which it was told is gone: the service
    /// tells of it again.
    fn phone_decides(
        &mut self,
        phone: usize,
        (to, leg): (Run, Leg),
        ring: RingId,
        routing: RoutingId,
        tunnel: TunnelId,
    ) {
        if self.phones[phone].at != Some((to, leg)) {
            return;
        }
        self.soon(Coming::PhoneSays { to, leg, message: FromPhone::Accept(ring) });
        if self.phones[phone].accepted.insert(tunnel) {
            let wait = Duration::from_millis(self.random.below(1_500));
            self.later(wait, Coming::PhoneJoins { phone, routing, tunnel });
        }
    }

    fn phone_joins(&mut self, phone: usize, routing: RoutingId, tunnel: TunnelId) {
        let node = usize::from(routing.as_bytes()[0]);
        let Some(run) = self.run_of(node) else { return };
        if self.frozen(run).is_some() {
            return;
        }
        let (source, now) = (self.phones[phone].source, self.now);
        let request = TunnelRequest::Connect { routing, tunnel };
        let joined = self.relay(run).unwrap().handle_request(source, request, now);
        assert!(!self.reliable || joined.is_ok(), "nobody waits for the phone that comes");
        if let Ok(Admission { leg, role: Role::Joins { with } }) = joined {
            self.met += 1;
            // Its answer may be under way, or it has been told to go and goes.
            if let Some(computer) = self.computers.remove(&(run, with)) {
                assert_eq!(computer.phone, phone, "another phone's computer");
            }
            self.joined.insert((run, leg));
            self.joined.insert((run, with));
        }
        self.outputs(node);
    }

    fn outputs(&mut self, node: usize) {
        let Some(run) = self.run_of(node) else { return };
        while let Some(output) = self.relay(run).and_then(Rendezvous::poll_output) {
            self.output(run, output);
        }
    }

    fn output(&mut self, run: Run, output: RendezvousOutput) {
        match output {
            RendezvousOutput::Publish { to, message } => self.publish(run, to, &message),
            RendezvousOutput::Recall { token, contact } => {
                self.soon(Coming::Recalled { to: run, token, contact });
            }
            RendezvousOutput::Revoke { token, contact, .. } => {
                self.soon(Coming::Revoked { to: run, token, contact });
            }
            RendezvousOutput::Send { leg, message } => {
                if let Some(phone) = self.phone_at(run, leg) {
                    self.soon(Coming::PhoneHears { phone, from: (run, leg), bytes: message });
                }
            }
            RendezvousOutput::Answer { leg, answer } => {
                let Some(computer) = self.computers.get_mut(&(run, leg)) else { return };
                assert!(!computer.answered, "answered twice");
                let (phone, waited) = (computer.phone, self.now.duration_since(computer.began));
                computer.answered = true;
                let known = self.revoked.contains(&self.phones[phone].contact);
                if answer == Err(Refusal::Gone) {
                    assert!(known || self.unknown.contains(&phone), "410 without proof");
                }
                if answer == Ok(()) {
                    let late = Duration::from_millis(1);
                    let frozen = self.limits.ring_answer + Duration::from_secs(10);
                    assert!(waited <= frozen + late, "accepted after {waited:?}");
                } else {
                    self.refused.extend(answer.err());
                    self.computers.remove(&(run, leg));
                    self.soon(Coming::Closed { to: run, leg });
                }
            }
            RendezvousOutput::Close { leg, ending } => {
                self.computers.remove(&(run, leg));
                if let Some(phone) = self.phone_at(run, leg) {
                    if ending == Ending::Revoked {
                        assert!(self.revoked.contains(&self.phones[phone].contact), "410");
                        self.phones[phone].revoked = true;
                    }
                    self.soon(Coming::PhoneClosed { phone, from: (run, leg) });
                }
                self.soon(Coming::Closed { to: run, leg });
            }
            RendezvousOutput::NumberTaken => panic!("each node has its own number"),
        }
    }

    fn phone_at(&self, run: Run, leg: Leg) -> Option<usize> {
        self.phones.iter().position(|phone| phone.at == Some((run, leg)))
    }

    fn publish(&mut self, from: Run, to: BusAddress, message: &[u8]) {
        assert!(message.len() <= towline_rendezvous::bus::MAX_BUS_MESSAGE);
        let cut_off = self.nodes[from.0].as_ref().is_some_and(|node| node.cut_off);
        let runs: Vec<Run> = (0..self.nodes.len()).filter_map(|node| self.run_of(node)).collect();
        for run in runs {
            let meant = match to {
                BusAddress::All => true,
                BusAddress::Node(instance) => instance == NodeInstance::new(run.1.to_be_bytes()),
            };
            let there = self.nodes[run.0].as_ref().is_some_and(|node| node.cut_off);
            if !meant || (cut_off != there && run != from) {
                continue;
            }
            if self.reliable {
                let wait = Duration::from_micros(100 + self.random.below(20_000));
                self.later(wait, Coming::Message { to: run, bytes: message.to_vec() });
                continue;
            }
            if self.random.chance(1) {
                continue;
            }
            for _ in 0..=u64::from(self.random.chance(2)) {
                let mut wait = Duration::from_micros(100 + self.random.below(2_000));
                if self.random.chance(2) {
                    wait += Duration::from_millis(self.random.below(500));
                }
                if self.random.chance(1) {
                    wait += Duration::from_millis(self.random.below(12_000));
                }
                if let Some(until) = self.held_until {
                    wait += until.saturating_duration_since(self.now);
                }
                self.later(wait, Coming::Message { to: run, bytes: message.to_vec() });
            }
        }
    }

    /// Nothing fails any more, and all nodes are there.
    pub(crate) fn heal(&mut self) {
        for node in 0..self.nodes.len() {
            let leaves = |node: &Node| node.relay.drain_stage() > DrainStage::Serving;
            if self.nodes[node].as_ref().is_some_and(leaves) {
                self.kill_node(node);
            }
            self.start_node(node);
            self.cut_node(node, false);
            if let Some(node) = &mut self.nodes[node] {
                node.frozen_until = None;
            }
        }
        if !self.bus_up {
            self.set_bus(true);
        }
    }

    /// After a while without faults each phone that was not revoked is held once, where it thinks
    /// that it is.
    pub(crate) fn check_holders(&self) {
        let holders = self.nodes.iter().flatten().map(|node| {
            let counts = node.relay.counts();
            counts.listening + counts.absent
        });
        let held: usize = holders.sum();
        let listening = self.phones.iter().filter(|phone| phone.at.is_some()).count();
        let living = self.phones.iter().filter(|phone| !phone.revoked).count();
        assert_eq!((held, listening), (living, living), "one holder for each phone");
    }

    /// Everybody leaves: nothing is left of them.
    pub(crate) fn everybody_leaves(&mut self) {
        for phone in 0..self.phones.len() {
            self.phones[phone].revoked = true;
            if let Some((to, leg)) = self.phones[phone].at.take() {
                self.soon(Coming::Closed { to, leg });
            }
        }
        let computers: Vec<(Run, Leg)> = self.computers.keys().copied().collect();
        self.computers.clear();
        for (to, leg) in computers.into_iter().chain(std::mem::take(&mut self.joined)) {
            self.soon(Coming::Closed { to, leg });
        }
        self.pass(Duration::from_secs(240));
        for node in self.nodes.iter().flatten() {
            assert_eq!(node.relay.counts(), towline_rendezvous::Counts::default());
        }
    }
}
