//! The tunnel service's side: who may open a tunnel, who waits, who is joined to whom, and for how long.
//!
//! [`RequestHead::read`] makes a typed [`Request`] of an HTTP request, [`Rendezvous`] decides about it, and a [`Meter`]
//! for each direction limits what flows through a tunnel. The service sees ciphertext only; nothing here reads it.

mod meter;
mod request;
#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::net::IpAddr;
use std::time::{Duration, Instant};

use towline_crypto::CryptoProvider;

pub use self::meter::{Ending, Meter};
pub use self::request::{OriginPolicy, Refusal, Request, RequestHead};
use crate::deadline;
use crate::frame::MAX_FRAME;
use crate::ids::{ContactId, RoutingId, TunnelId};

/// What a service grants, to all and to each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The longest message, in bytes: [`MAX_FRAME`], 1 MiB.
    pub message_bytes: usize,
    /// Binary messages in each direction of one tunnel, 1024.
    pub messages: u32,
    /// Bytes of binary messages in each direction of one tunnel, 16 MiB: room for every ceremony, and none for a free
    /// ride of other traffic.
    pub tunnel_bytes: usize,
    /// Pings and pongs in each direction of one tunnel, 1024.
    pub control_frames: u32,
    /// How long a phone may wait for its computer, 150 seconds.
    pub waiting_time: Duration,
    /// How long a tunnel may live once both ends are there, 15 minutes.
    pub pair_time: Duration,
    /// Phones that may wait at once, 1024.
    pub waiting: usize,
    /// Tunnels that may run at once, 4096.
    pub pairs: usize,
    /// Connections, waiting or joined, that one [`Source`] may hold at once, 64.
    pub per_source: usize,
    /// For how long a used tunnel id is refused, 15 minutes.
    pub id_memory: Duration,
    /// How many used tunnel ids are remembered at most, 65536; the oldest are forgotten first.
    pub remembered_ids: usize,
}

impl Default for Limits {
    /// Room for every message that a client accepts, and more time than the two roles take by default.
    fn default() -> Self {
        Self {
            message_bytes: MAX_FRAME,
            messages: 1024,
            tunnel_bytes: 16 << 20,
            control_frames: 1024,
            waiting_time: Duration::from_secs(150),
            pair_time: Duration::from_secs(15 * 60),
            waiting: 1024,
            pairs: 4096,
            per_source: 64,
            id_memory: Duration::from_secs(15 * 60),
            remembered_ids: 65_536,
        }
    }
}

/// Where a request came from, for the limit per source: an IPv4 address, or the /64 network of an IPv6 address.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Source(IpAddr);

impl Source {
    /// The source that an address belongs to.
    #[must_use]
    pub fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V6(address) => {
                Self(IpAddr::V6((address.to_bits() & !u128::from(u64::MAX)).into()))
            }
            v4 => Self(v4),
        }
    }
}

/// One accepted connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Leg(u64);

/// How the service answers an accepted request; both are HTTP status 101.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// The phone waits for its computer. The response carries the routing id.
    Waiting {
        /// The accepted connection.
        leg: Leg,
        /// For the header [`ROUTING_ID_HEADER`](crate::tunnel::ROUTING_ID_HEADER).
        routing_id: RoutingId,
    },
    /// The computer is joined to a phone that waited.
    Joined {
        /// The accepted connection.
        leg: Leg,
        /// The connection of the phone.
        with: Leg,
    },
}

/// What the service has to do on its own account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output {
    /// Close this connection for this reason, then report it with [`Rendezvous::handle_closed`].
    Close {
        /// The connection.
        leg: Leg,
        /// Why.
        ending: Ending,
    },
}

/// What is known about a contact id, by which linked phones are reached.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContactState {
    /// Never heard of: 404.
    Unknown,
    /// Once valid, and gone for good: 410, upon which computers delete their link.
    Revoked,
}

/// Where the waiting side of a contact request is found. A service without linked phones uses [`NoContacts`].
pub trait Contacts: Send {
    /// What is known about this contact id.
    fn look_up(&self, contact: &ContactId) -> ContactState;
}

/// No phone can be reached by a contact id.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoContacts;

impl Contacts for NoContacts {
    fn look_up(&self, _contact: &ContactId) -> ContactState {
        ContactState::Unknown
    }
}

/// How many connections are in which state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Phones that wait.
    pub waiting: usize,
    /// Connections that belong to a joined tunnel.
    pub joined: usize,
}

/// The rendezvous of phones and computers: the state machine of one tunnel service node.
///
/// A tunnel id names at most one tunnel: while a phone waits under it a second phone gets 409, one computer may join it,
/// and after that it is used up. A phone that left before anybody joined may come again.
///
/// The routing id that a phone gets, and its computer must show, is the node's number in the first byte and two random
/// bytes. Nodes that share a domain can tell by the first byte which of them holds the phone.
///
/// ```
/// use std::time::Instant;
/// use towline_hybrid::relay::{Admission, Limits, NoContacts, Refusal, Rendezvous, RequestHead, Source};
///
/// let provider = towline_crypto::rustcrypto::provider();
/// let mut relay = Rendezvous::new(7, Limits::default(), provider, Box::new(NoContacts));
/// let (source, now) = (Source::of([127, 0, 0, 1].into()), Instant::now());
///
/// let path = "/cable/new/000102030405060708090A0B0C0D0E0F";
/// let head = RequestHead { method: "GET", target: path, subprotocols: vec!["fido.cable"], ..RequestHead::default() };
/// let request = head.read()?;
/// let Admission::Waiting { routing_id, .. } = relay.handle_request(source, &request, now)? else { unreachable!() };
/// assert_eq!(routing_id.as_bytes()[0], 7);
/// assert_eq!(relay.handle_request(source, &request, now), Err(Refusal::InUse));
/// # Ok::<(), Refusal>(())
/// ```
pub struct Rendezvous {
    node: u8,
    limits: Limits,
    provider: CryptoProvider,
    contacts: Box<dyn Contacts>,
    draining: bool,
    next_leg: u64,
    legs: HashMap<Leg, Place>,
    deadlines: BTreeSet<(Instant, Leg)>,
    tunnels: HashMap<TunnelId, (Leg, RoutingId)>,
    used: HashMap<TunnelId, Instant>,
    used_in_order: VecDeque<(Instant, TunnelId)>,
    per_source: HashMap<Source, usize>,
    outputs: VecDeque<Output>,
}

/// What is known about one connection.
struct Place {
    source: Source,
    deadline: Instant,
    /// The tunnel under which a phone waits; nothing once it is joined.
    waits_for: Option<TunnelId>,
}

impl Rendezvous {
    /// A node of a tunnel service with nobody connected. `node` is this node's number within the service.
    #[must_use]
    pub fn new(
        node: u8,
        limits: Limits,
        provider: CryptoProvider,
        contacts: Box<dyn Contacts>,
    ) -> Self {
        Self {
            node,
            limits,
            provider,
            contacts,
            draining: false,
            next_leg: 0,
            legs: HashMap::new(),
            deadlines: BTreeSet::new(),
            tunnels: HashMap::new(),
            used: HashMap::new(),
            used_in_order: VecDeque::new(),
            per_source: HashMap::new(),
            outputs: VecDeque::new(),
        }
    }

    /// Decides about a request that [`RequestHead::read`] found well formed.
    ///
    /// An admitted connection occupies its place until [`handle_closed`](Self::handle_closed).
    ///
    /// # Errors
    /// The status to answer with; nothing has changed then.
    pub fn handle_request(
        &mut self,
        source: Source,
        request: &Request,
        now: Instant,
    ) -> Result<Admission, Refusal> {
        self.handle_timeout(now);
        if self.draining {
            return Err(Refusal::Unavailable);
        }
        if self.per_source.get(&source).is_some_and(|held| *held >= self.limits.per_source) {
            return Err(Refusal::TooMany);
        }
        match request {
            Request::New { tunnel } => self.open(source, *tunnel, now),
            Request::Connect { routing, tunnel } => self.join(source, *routing, *tunnel, now),
            Request::Contact { contact } => Err(match self.contacts.look_up(contact) {
                ContactState::Unknown => Refusal::NotFound,
                ContactState::Revoked => Refusal::Gone,
            }),
        }
    }

    fn open(
        &mut self,
        source: Source,
        tunnel: TunnelId,
        now: Instant,
    ) -> Result<Admission, Refusal> {
        if self.tunnels.contains_key(&tunnel) || self.used.contains_key(&tunnel) {
            return Err(Refusal::InUse);
        }
        if self.tunnels.len() >= self.limits.waiting {
            return Err(Refusal::Unavailable);
        }
        let mut random = [0; 2];
        self.provider.random.fill(&mut random).map_err(|_| Refusal::Unavailable)?;
        let [high, low] = random;
        let routing_id = RoutingId::new([self.node, high, low]);
        let deadline = deadline::after(now, self.limits.waiting_time);
        let leg = self.admit(Place { source, deadline, waits_for: Some(tunnel) });
        self.tunnels.insert(tunnel, (leg, routing_id));
        Ok(Admission::Waiting { leg, routing_id })
    }

    fn join(
        &mut self,
        source: Source,
        routing: RoutingId,
        tunnel: TunnelId,
        now: Instant,
    ) -> Result<Admission, Refusal> {
        let with = match self.tunnels.get(&tunnel) {
            Some((with, given)) if *given == routing => *with,
            _ => return Err(Refusal::NotFound),
        };
        if self.counts().joined / 2 >= self.limits.pairs {
            return Err(Refusal::Unavailable);
        }
        self.tunnels.remove(&tunnel);
        self.remember(tunnel, now);
        let deadline = deadline::after(now, self.limits.pair_time);
        if let Some(place) = self.legs.get_mut(&with) {
            self.deadlines.remove(&(place.deadline, with));
            place.waits_for = None;
            place.deadline = deadline;
            self.deadlines.insert((deadline, with));
        }
        let leg = self.admit(Place { source, deadline, waits_for: None });
        Ok(Admission::Joined { leg, with })
    }

    fn admit(&mut self, place: Place) -> Leg {
        let leg = Leg(self.next_leg);
        self.next_leg = self.next_leg.wrapping_add(1);
        let held = self.per_source.entry(place.source).or_default();
        *held = held.saturating_add(1);
        self.deadlines.insert((place.deadline, leg));
        self.legs.insert(leg, place);
        leg
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
    pub fn handle_closed(&mut self, leg: Leg, _now: Instant) {
        let Some(place) = self.legs.remove(&leg) else { return };
        self.deadlines.remove(&(place.deadline, leg));
        if let Some(tunnel) = place.waits_for {
            self.tunnels.remove(&tunnel);
        }
        if let Some(held) = self.per_source.get_mut(&place.source) {
            *held = held.saturating_sub(1);
            if *held == 0 {
                self.per_source.remove(&place.source);
            }
        }
    }

    /// The service is about to stop: nobody is admitted any more, who waits is closed, and tunnels may go on.
    pub fn handle_drain(&mut self, _now: Instant) {
        self.draining = true;
        let waiting: Vec<Leg> = self.tunnels.drain().map(|(_, (leg, _))| leg).collect();
        for leg in waiting {
            self.close(leg, Ending::ShuttingDown);
        }
    }

    /// The time is now: closes what has had its time and forgets tunnel ids that nobody can use any more.
    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some((deadline, leg)) = self.deadlines.first().copied() {
            if deadline > now {
                break;
            }
            self.close(leg, Ending::LifetimeOver);
        }
        while self.used_in_order.front().is_some_and(|(until, _)| *until <= now) {
            self.forget_oldest();
        }
    }

    /// Asks for the connection to be closed, once. It keeps its place until it is.
    fn close(&mut self, leg: Leg, ending: Ending) {
        let Some(place) = self.legs.get_mut(&leg) else { return };
        self.deadlines.remove(&(place.deadline, leg));
        if let Some(tunnel) = place.waits_for.take() {
            self.tunnels.remove(&tunnel);
        }
        self.outputs.push_back(Output::Close { leg, ending });
    }

    /// What to do next, until there is nothing.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When [`handle_timeout`](Self::handle_timeout) wants to be called.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.deadlines.first().map(|(deadline, _)| *deadline)
    }

    /// How many connections there are. One that was told to close counts as joined until it has.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let waiting = self.tunnels.len();
        Counts { waiting, joined: self.legs.len().saturating_sub(waiting) }
    }
}
