//! Connections, and what each is there for.

use crate::ids::{ContactId, RoutingId, TunnelId};
use crate::message::RingId;

/// One accepted connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Leg(pub(super) u64);

/// What a connection is there for, from the decision about its request to its last byte.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Role {
    /// A phone waits for the computer whose code it scanned, which has the first word.
    Waits {
        /// The tunnel that it opened.
        tunnel: TunnelId,
        /// What the computer has to show. The phone gets it in the header
        /// [`ROUTING_ID_HEADER`](crate::tunnel::ROUTING_ID_HEADER).
        routing_id: RoutingId,
    },
    /// A phone listens for computers that ring.
    Listens {
        /// What they ring it by.
        contact: ContactId,
    },
    /// A computer rings a phone, and waits for it in a tunnel. It has the first word, too, and may
    /// have said it before the phone is there.
    Rings {
        /// The name that the ring has between the service and the phone.
        ring: RingId,
        /// Whether it wants a signal when the phone comes.
        signal: bool,
    },
    /// The computer joins a phone that waited, or the phone a computer that rang. Whoever was
    /// joined has this role from then on.
    Joins {
        /// The other end of the tunnel.
        with: Leg,
    },
}

/// An accepted request. The response is HTTP status 101, at once, or to a computer that rings once
/// [`RendezvousOutput::Answer`](crate::RendezvousOutput::Answer) says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admission {
    /// The accepted connection.
    pub leg: Leg,
    /// What it is there for.
    pub role: Role,
}
