//! What the rendezvous answers, and wants done.

use crate::ids::ContactId;
use crate::message::RingId;
use crate::{Ending, Leg, Refusal};

/// Names a question where a phone listens; its answer carries it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LocateToken(pub(super) RingId);

/// Where a phone listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Location {
    /// At the node that asks.
    Here,
    /// At the node of the service that has this number.
    Elsewhere(u8),
    /// At no node of the service. Who can't tell does not answer.
    Nowhere,
}

/// What the service has to do on its own account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RendezvousOutput {
    /// Close this connection for this reason, then report it with
    /// [`Rendezvous::handle_closed`](crate::Rendezvous::handle_closed).
    Close {
        /// The connection that is to end.
        leg: Leg,
        /// The reason, which the close code tells the peer.
        ending: Ending,
    },
    /// Send this binary message to a phone that listens.
    Send {
        /// The phone's connection.
        leg: Leg,
        /// The payload of one binary message.
        message: Vec<u8>,
    },
    /// Respond to a computer that rings: with 101, or with the status of a refusal, after which its
    /// connection is to be reported with
    /// [`Rendezvous::handle_closed`](crate::Rendezvous::handle_closed).
    Answer {
        /// The computer's connection.
        leg: Leg,
        /// Whether the phone comes, or why not.
        answer: Result<(), Refusal>,
    },
    /// A computer rings a phone that does not listen at this node: find out where it does, and
    /// report with [`Rendezvous::handle_located`](crate::Rendezvous::handle_located). Where this is
    /// the service's only node, that is nowhere.
    Locate {
        /// Comes back with the location.
        token: LocateToken,
        /// What the phone is reached by.
        contact: ContactId,
    },
}

/// How many connections are in which state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Phones that wait for one computer.
    pub waiting: usize,
    /// Computers that ring, or wait for the phone that said that it comes.
    pub ringing: usize,
    /// Computers that ring a phone of which nobody has said yet where it listens.
    pub locating: usize,
    /// Phones that listen for computers that ring.
    pub listening: usize,
    /// Phones that listened, and are expected back. They have no connection, and keep their place.
    pub absent: usize,
    /// Connections that belong to a joined tunnel.
    pub joined: usize,
}

/// What became of a message of a phone that listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    /// It was dealt with.
    Taken,
    /// The phone has said too much, and the message is lost. Reading on may wait for a second.
    TooMany,
}
