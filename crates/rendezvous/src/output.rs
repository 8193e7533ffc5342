//! What the rendezvous answers, and wants done.

use std::time::Duration;

use crate::bus::BusAddress;
use crate::ids::ContactId;
use crate::message::RingId;
use crate::{Ending, Leg, Refusal, Source};

/// Names a question whether a contact id was revoked; its answer carries it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecallToken(pub(super) Recalled);

/// For whom it is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Recalled {
    Ring(RingId),
    Listener(Leg),
}

impl RecallToken {
    pub(super) const fn ring(ring: RingId) -> Self {
        Self(Recalled::Ring(ring))
    }

    pub(super) const fn listener(leg: Leg) -> Self {
        Self(Recalled::Listener(leg))
    }
}

/// Names a revocation that is to be kept; what became of it carries it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RevokeToken(pub(super) Leg);

/// What is known about a contact id.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContactState {
    /// Nothing is known against it. Whether a phone listens under it is another question: 404 if
    /// none does.
    Unknown,
    /// Once valid, and gone for good: 410, upon which computers delete their link.
    Revoked,
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
    /// Look up whether a contact id was revoked, and report with
    /// [`Rendezvous::handle_recalled`](crate::Rendezvous::handle_recalled).
    Recall {
        /// Comes back with what is known.
        token: RecallToken,
        /// The contact id.
        contact: ContactId,
    },
    /// Keep for good that a contact id is revoked, and report with
    /// [`Rendezvous::handle_revoked`](crate::Rendezvous::handle_revoked) once it is kept.
    Revoke {
        /// Comes back with what became of it.
        token: RevokeToken,
        /// The contact id.
        contact: ContactId,
        /// Where its phone is.
        source: Source,
    },
    /// Send this to other nodes of the service, which take it by
    /// [`Rendezvous::handle_bus`](crate::Rendezvous::handle_bus). What can't be sent now is never
    /// sent. A service of one node says nothing.
    Publish {
        /// All nodes, or the run of one.
        to: BusAddress,
        /// The message, at most [`MAX_BUS_MESSAGE`](crate::bus::MAX_BUS_MESSAGE) bytes.
        message: Vec<u8>,
    },
    /// Another node of the service has the number of this one: one of them has to go.
    NumberTaken,
}

/// How many connections are in which state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Phones that wait for one computer.
    pub waiting: usize,
    /// Computers that ring, or wait for the phone that said that it comes.
    pub ringing: usize,
    /// Computers that ring a phone which does not listen here, while it is looked for.
    pub locating: usize,
    /// Phones that listen for computers that ring.
    pub listening: usize,
    /// Phones that listened, and are expected back. They have no connection, and keep their place.
    pub absent: usize,
    /// Connections that belong to a joined tunnel.
    pub joined: usize,
}

/// What a node has counted since its start about the other nodes of its service.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct NodeCounts {
    /// Finds: times that all others were asked who holds a phone.
    pub asked: u64,
    /// Finds that a holder answered.
    pub found: u64,
    /// How long those took, all together.
    pub found_in: Duration,
    /// Finds that nobody answered in time.
    pub nobody: u64,
    /// Answers of holders that came when nobody waited for them any more, or for the second time.
    pub late: u64,
    /// Computers refused without a find: their network, or all, had asked too often.
    pub over_quota: u64,
    /// Computers refused without a find: nothing reached the others.
    pub bus_away: u64,
    /// Finds of other nodes.
    pub foreign: u64,
    /// Those of them that this node answered, since it holds the phone.
    pub held: u64,
    /// Rings of other nodes of which no phone was told, since they came too late.
    pub late_rings: u64,
    /// Words of another node that has the number of this one, one each second, where neither gave
    /// way at its start: two halves of a network have met again, or a node was thawed beside its
    /// replacement. Codes of either are looked for at the other.
    pub twins: u64,
    /// Connections that were meant for another node, where there are others: the front end's map is
    /// wrong.
    pub misrouted: u64,
}

/// What became of the rings of phones that listen here, or are expected back, since the node's
/// start. Each ring counts once, at the node that held its phone when it ended. Rings whose phone
/// was not found are not among them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RingCounts {
    /// Of computers that rang at this node.
    pub here: RingResults,
    /// Of computers that rang at another one.
    pub elsewhere: RingResults,
}

/// What became of so many rings.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RingResults {
    /// The phone said that it comes, or came.
    pub accepted: u64,
    /// The phone was busy.
    pub busy: u64,
    /// The phone did not know the computer, or was revoked.
    pub gone: u64,
    /// The phone was rung too often: these were not told, or had to give way.
    pub too_many: u64,
    /// The phone said nothing in time, or the computer left before that.
    pub unanswered: u64,
    /// The phone went to another node before it said anything. The ring followed it, and counts
    /// there.
    pub moved: u64,
}

/// What became of a message of a phone that listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    /// It was dealt with.
    Taken,
    /// The phone has said too much, and the message is lost. Reading on may wait for a second.
    TooMany,
}
