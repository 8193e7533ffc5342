//! The state machine of one tunnel service node.

mod away;
mod find_quota;
mod foreign;
mod leaving;
mod moving;
mod nodes;
mod revoke_quota;
mod revoking;
mod ring_quota;
mod ringing;
mod switchboard;
#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::time::Instant;

use towline_crypto::CryptoProvider;

use self::away::Away;
use self::find_quota::Finds;
use self::foreign::Foreign;
use self::leaving::Leaving;
use self::nodes::Nodes;
use self::revoke_quota::Revocations;
use self::switchboard::Switchboard;
use crate::ids::{ContactId, RoutingId, TunnelId};
use crate::{
    Admission, Counts, Crowd, DrainStage, Ending, Leg, Limits, NodeCounts, Precedence, Refusal,
    RendezvousOutput, RingCounts, Role, Shares, Source, TunnelRequest, deadline,
};

/// The rendezvous of phones and computers: the state machine of one tunnel service node.
///
/// A tunnel id names at most one tunnel: while a phone waits under it a second phone gets 409, one
/// computer may join it, and after that it is used up. A phone that left before anybody joined may
/// come again.
///
/// The routing id that a phone gets, and its computer must show, is the node's number in the first
/// byte and two random bytes. Nodes that share a domain can tell by the first byte which of them
/// holds the phone.
///
/// A phone that was linked listens under its contact id, of which it has to show the key. A
/// computer that rings it gets its response when the phone has answered, and waits in a tunnel that
/// the service names; the phone joins it there.
///
/// ```
/// use std::time::Instant;
/// use towline_rendezvous::{
///     Limits, Refusal, Rendezvous, RequestHead, Role, Source,
/// };
///
/// let provider = towline_crypto::rustcrypto::provider();
/// let mut relay = Rendezvous::new(7, Limits::default(), provider);
/// let (source, now) = (Source::of([127, 0, 0, 1].into()), Instant::now());
///
/// let path = "/cable/new/000102030405060708090A0B0C0D0E0F";
/// let head = RequestHead {
///     method: "GET",
///     target: path,
///     hosts: vec!["cable.example.com"],
///     subprotocols: vec!["fido.cable"],
///     ..RequestHead::default()
/// };
/// let request = head.read()?;
/// let admission = relay.handle_request(source, request.clone(), now)?;
/// let Role::Waits { routing_id, .. } = admission.role else { unreachable!() };
/// assert_eq!(routing_id.as_bytes()[0], 7);
/// assert_eq!(relay.handle_request(source, request, now), Err(Refusal::InUse));
/// # Ok::<(), Refusal>(())
/// ```
pub struct Rendezvous {
    node: u8,
    limits: Limits,
    provider: CryptoProvider,
    /// Once it was told to stop.
    leaving: Option<Leaving>,
    next_leg: u64,
    legs: HashMap<Leg, Place>,
    deadlines: BTreeSet<(Instant, Leg)>,
    /// Who waits in which tunnel, and what the other end has to show.
    waiting: HashMap<TunnelId, (Leg, RoutingId)>,
    used: HashMap<TunnelId, Instant>,
    used_in_order: VecDeque<(Instant, TunnelId)>,
    shares: Shares,
    waiting_crowd: Crowd,
    ringing_crowd: Crowd,
    /// Computers that ring phones which do not listen here.
    away: Away,
    /// Rings of other nodes.
    foreign: Foreign,
    finds: Finds,
    counted: NodeCounts,
    rung: RingCounts,
    /// Phones that wait for their revocation to be kept.
    revoking: HashMap<Leg, ContactId>,
    revocations: Revocations,
    /// The other nodes, if there are any.
    nodes: Option<Nodes>,
    locating_crowd: Crowd,
    joined_crowd: Crowd,
    switchboard: Switchboard,
    next_ring: u64,
    outputs: VecDeque<RendezvousOutput>,
}

/// What is known about one connection.
struct Place {
    source: Source,
    deadline: Instant,
    /// Nothing once it was told to close, or refused. A phone that another connection took over
    /// from still has its own.
    role: Option<Role>,
}

/// Places of one kind, of which there are so many.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Waiting,
    Ringing,
    Locating,
    Joined,
}

impl Rendezvous {
    /// A node of a tunnel service with nobody connected. `node` is this node's number within the
    /// service.
    #[must_use]
    pub fn new(node: u8, limits: Limits, provider: CryptoProvider) -> Self {
        // Others may still speak of the rings of an earlier run. Where there is no randomness
        // nobody gets a routing id, so that there are no rings.
        let next_ring = provider.random.bytes().map_or(0, u64::from_be_bytes);
        Self {
            node,
            limits,
            provider,
            leaving: None,
            next_leg: 0,
            legs: HashMap::new(),
            deadlines: BTreeSet::new(),
            waiting: HashMap::new(),
            used: HashMap::new(),
            used_in_order: VecDeque::new(),
            shares: Shares::new(),
            waiting_crowd: Crowd::new(),
            ringing_crowd: Crowd::new(),
            away: Away::default(),
            foreign: Foreign::default(),
            finds: Finds::default(),
            counted: NodeCounts::default(),
            rung: RingCounts::default(),
            revoking: HashMap::new(),
            revocations: Revocations::default(),
            nodes: None,
            locating_crowd: Crowd::new(),
            joined_crowd: Crowd::new(),
            switchboard: Switchboard::default(),
            next_ring,
            outputs: VecDeque::new(),
        }
    }

    /// Decides about a request that [`RequestHead::read`](crate::RequestHead::read) found well
    /// formed.
    ///
    /// An admitted connection occupies its place until [`handle_closed`](Self::handle_closed).
    ///
    /// # Errors
    /// The status to answer with; nothing has changed then.
    pub fn handle_request(
        &mut self,
        source: Source,
        request: TunnelRequest,
        now: Instant,
    ) -> Result<Admission, Refusal> {
        self.handle_timeout(now);
        let comes = matches!(request, TunnelRequest::Connect { .. });
        if !comes && self.drain_stage() >= DrainStage::Leaving {
            return Err(Refusal::Unavailable);
        }
        let listens = matches!(request, TunnelRequest::Listen { .. });
        if !listens && !self.shares.allow(source, self.limits.per_source, None) {
            return Err(Refusal::TooMany);
        }
        let admitted = match request {
            TunnelRequest::New { tunnel } => self.open(source, tunnel, now),
            TunnelRequest::Connect { routing, tunnel } => self.join(source, routing, tunnel, now),
            TunnelRequest::Contact { contact, payload, signal } => {
                self.ring(source, contact, payload, signal, now)
            }
            // It may have a share already.
            TunnelRequest::Listen { key, sequence } => self.listen(source, &key, sequence, now),
        };
        // It may have come to the last one who waited.
        self.leave(now);
        admitted
    }

    fn open(
        &mut self,
        source: Source,
        tunnel: TunnelId,
        now: Instant,
    ) -> Result<Admission, Refusal> {
        if self.waiting.contains_key(&tunnel) || self.used.contains_key(&tunnel) {
            return Err(Refusal::InUse);
        }
        let routing_id = self.routing_id()?;
        self.make_room(Kind::Waiting, source)?;
        let deadline = deadline::after(now, self.limits.waiting_time);
        let admission = self.admit(source, deadline, Role::Waits { tunnel, routing_id });
        self.waiting_crowd.add(source, admission.leg.0);
        self.waiting.insert(tunnel, (admission.leg, routing_id));
        Ok(admission)
    }

    /// A routing id for one more connection that waits.
    fn routing_id(&self) -> Result<RoutingId, Refusal> {
        let [high, low] = self.provider.random.bytes().map_err(|_| Refusal::Unavailable)?;
        Ok(RoutingId::new([self.node, high, low]))
    }

    /// Makes room for one more of this source, at the cost of the network that has most.
    fn make_room(&mut self, kind: Kind, source: Source) -> Result<(), Refusal> {
        let (crowd, most, precedence) = match kind {
            Kind::Waiting => (&self.waiting_crowd, self.limits.waiting, Precedence::Newest),
            Kind::Ringing => (&self.ringing_crowd, self.limits.ringing, Precedence::Newest),
            Kind::Locating => (&self.locating_crowd, self.limits.locating, Precedence::Newest),
            // Both ends have a place.
            Kind::Joined => {
                let most = self.limits.pairs.saturating_mul(2).saturating_sub(1);
                (&self.joined_crowd, most, Precedence::Oldest)
            }
        };
        if crowd.len() < most {
            return Ok(());
        }
        let oldest = crowd.make_way(source, precedence).ok_or(Refusal::Unavailable)?;
        self.close(Leg(oldest), Ending::CrowdedOut);
        Ok(())
    }

    fn join(
        &mut self,
        source: Source,
        routing: RoutingId,
        tunnel: TunnelId,
        now: Instant,
    ) -> Result<Admission, Refusal> {
        // A node that is alone is nobody's wrong turn: whoever asks for another number made it up.
        if self.nodes.is_some() && routing.as_bytes().first() != Some(&self.node) {
            count(&mut self.counted.misrouted);
        }
        let waiting = self.waiting.get(&tunnel).filter(|(_, expected)| *expected == routing);
        let with = waiting.ok_or(Refusal::NotFound)?.0;
        self.make_room(Kind::Joined, source)?;
        self.remember(tunnel, now);
        let deadline = deadline::after(now, self.limits.pair_time);
        if let Some(Role::Rings { ring, .. }) = self.settle(with) {
            self.ring_joined(ring, now);
        }
        self.postpone(with, deadline);
        let admission = self.admit(source, deadline, Role::Joins { with });
        self.joined_crowd.add(source, admission.leg.0);
        if let Some(place) = self.legs.get_mut(&with) {
            place.role = Some(Role::Joins { with: admission.leg });
            self.joined_crowd.add(place.source, with.0);
        }
        Ok(admission)
    }

    /// Gives a connection its number and its share. A place among those of its kind is given by who
    /// knows which.
    fn admit(&mut self, source: Source, deadline: Instant, role: Role) -> Admission {
        let leg = Leg(self.next_leg);
        self.next_leg = self.next_leg.wrapping_add(1);
        self.shares.add(source);
        self.deadlines.insert((deadline, leg));
        self.legs.insert(leg, Place { source, deadline, role: Some(role.clone()) });
        Admission { leg, role }
    }

    /// Takes a connection's role from it, and its place among those of its kind. What a phone that
    /// listens has is taken by who knows whether it is expected back.
    fn settle(&mut self, leg: Leg) -> Option<Role> {
        let place = self.legs.get_mut(&leg)?;
        let (source, role) = (place.source, place.role.take()?);
        match &role {
            Role::Waits { tunnel, .. } => {
                self.waiting.remove(tunnel);
                self.waiting_crowd.remove(source, leg.0);
            }
            Role::Rings { ring, .. } if self.away.is_located(*ring) == Some(false) => {
                self.locating_crowd.remove(source, leg.0);
            }
            Role::Rings { .. } => self.ringing_crowd.remove(source, leg.0),
            Role::Joins { .. } => self.joined_crowd.remove(source, leg.0),
            Role::Listens { .. } => {}
        }
        Some(role)
    }

    /// Gives a connection another deadline.
    fn postpone(&mut self, leg: Leg, deadline: Instant) {
        if let Some(place) = self.legs.get_mut(&leg) {
            self.deadlines.remove(&(place.deadline, leg));
            place.deadline = deadline;
            self.deadlines.insert((deadline, leg));
        }
    }

    fn remember(&mut self, tunnel: TunnelId, now: Instant) {
        while self.used_in_order.len() >= self.limits.remembered_ids.max(1) {
            self.forget_oldest();
        }
        let until = deadline::after(now, self.limits.id_memory);
        self.used.insert(tunnel, until);
        self.used_in_order.push_back((until, tunnel));
    }

    fn forget_oldest(&mut self) {
        if let Some((_, tunnel)) = self.used_in_order.pop_front() {
            self.used.remove(&tunnel);
        }
    }

    /// A connection is gone, for whatever reason; unknown ones are ignored.
    pub fn handle_closed(&mut self, leg: Leg, now: Instant) {
        self.closed(leg, now);
        self.leave(now);
    }

    fn closed(&mut self, leg: Leg, now: Instant) {
        let role = self.settle(leg);
        let Some(Place { source, deadline, .. }) = self.legs.remove(&leg) else { return };
        self.deadlines.remove(&(deadline, leg));
        self.revoking.remove(&leg);
        match role {
            Some(Role::Rings { ring, .. }) => drop(self.ring_over(ring)),
            // Whoever is expected back keeps its share, and who took over has it.
            Some(Role::Listens { contact }) => {
                return self.lost_listener(contact, leg, source, now);
            }
            // Where the two have met, the other end is on its way out.
            Some(Role::Joins { with }) => self.close(with, Ending::PeerVanished),
            Some(Role::Waits { .. }) | None => {}
        }
        self.shares.remove(source);
    }

    /// The time is now: closes what has had its time and forgets tunnel ids that nobody can use any
    /// more.
    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some((deadline, leg)) = self.deadlines.first().copied() {
            if deadline > now {
                break;
            }
            self.close(leg, Ending::LifetimeOver);
        }
        self.forget_absent(now);
        self.look_further(now);
        self.end_foreign(now);
        self.speak(now);
        while self.used_in_order.front().is_some_and(|(until, _)| *until <= now) {
            self.forget_oldest();
        }
        self.leave(now);
    }

    /// Asks for the connection to be closed, once. Its place is free for others at once, its
    /// source's share when it is.
    fn close(&mut self, leg: Leg, ending: Ending) {
        let Some(Place { source, deadline, .. }) = self.legs.get(&leg) else { return };
        let source = *source;
        self.deadlines.remove(&(*deadline, leg));
        match self.settle(leg) {
            Some(Role::Rings { ring, .. }) => {
                let located = self.away.is_located(ring) != Some(false);
                if !self.ring_over(ring) {
                    // Nobody came; the computer still waits for the response to its request.
                    // Without an answer where its phone listens, that says nothing about the phone.
                    let full = matches!(ending, Ending::ShuttingDown | Ending::CrowdedOut);
                    let nobody = located && !full;
                    let refusal = if nobody { Refusal::NotFound } else { Refusal::Unavailable };
                    return self
                        .outputs
                        .push_back(RendezvousOutput::Answer { leg, answer: Err(refusal) });
                }
            }
            Some(Role::Listens { contact }) => {
                if !self.switchboard.leave(&contact, leg, source) {
                    // It was told already, when another connection took over.
                    if let Some(place) = self.legs.get_mut(&leg) {
                        place.role = Some(Role::Listens { contact });
                    }
                    return;
                }
                self.forget_tag(&contact);
            }
            Some(Role::Joins { with }) => {
                self.outputs.push_back(RendezvousOutput::Close { leg, ending });
                if let Some(Place { deadline, .. }) = self.legs.get(&with) {
                    self.deadlines.remove(&(*deadline, with));
                    self.settle(with);
                    self.outputs.push_back(RendezvousOutput::Close { leg: with, ending });
                }
                return;
            }
            Some(Role::Waits { .. }) | None => {}
        }
        self.outputs.push_back(RendezvousOutput::Close { leg, ending });
    }

    /// What to do next, until there is nothing.
    pub fn poll_output(&mut self) -> Option<RendezvousOutput> {
        self.outputs.pop_front()
    }

    /// When [`handle_timeout`](Self::handle_timeout) wants to be called.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let leg = self.deadlines.first().map(|(deadline, _)| *deadline);
        let nodes = self.nodes.as_ref().and_then(Nodes::next);
        let leaving = self.leaving.as_ref().and_then(Leaving::next);
        let others = [self.switchboard.next_absent(), self.away.next(), self.foreign.next()];
        others.into_iter().chain([nodes, leaving]).flatten().chain(leg).min()
    }

    /// How many connections there are. One that was told to close counts as joined until it has.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let (waiting, ringing) = (self.waiting_crowd.len(), self.ringing_crowd.len());
        let (listening, absent) = (self.switchboard.count(), self.switchboard.absent());
        let locating = self.locating_crowd.len();
        let others = [waiting, ringing, locating, listening];
        let joined = others.into_iter().fold(self.legs.len(), usize::saturating_sub);
        Counts { waiting, ringing, locating, listening, absent, joined }
    }

    /// What happened between this node and the others since its start.
    #[must_use]
    pub const fn node_counts(&self) -> NodeCounts {
        self.counted
    }

    /// What became of the rings of this node's phones since its start.
    #[must_use]
    pub const fn ring_counts(&self) -> RingCounts {
        self.rung
    }
}

/// Counts one more of what happened.
fn count(counter: &mut u64) {
    *counter = counter.saturating_add(1);
}
