//! What the rendezvous answers, and wants done.

use crate::ids::RoutingId;
use crate::{Ending, Refusal};

/// One accepted connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Leg(pub(super) u64);

/// How the service answers an accepted request: with HTTP status 101, at once or once the phone has
/// answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// The phone waits for its computer. The response carries the routing id.
    Waiting {
        /// The accepted connection.
        leg: Leg,
        /// For the header [`ROUTING_ID_HEADER`](crate::tunnel::ROUTING_ID_HEADER).
        routing_id: RoutingId,
    },
    /// A phone listens for computers that ring.
    Listening {
        /// The accepted connection.
        leg: Leg,
    },
    /// A computer rings a phone. The response waits for [`Output::Answer`].
    Ringing {
        /// The connection, which is accepted once the phone comes.
        leg: Leg,
    },
    /// The computer is joined to a phone that waited, or the phone to a computer that rang.
    Joined {
        /// The accepted connection.
        leg: Leg,
        /// The connection of the phone.
        with: Leg,
    },
}

/// What the service has to do on its own account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
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
}

/// How many connections are in which state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Phones that wait for one computer.
    pub waiting: usize,
    /// Computers that ring, or wait for the phone that said that it comes.
    pub ringing: usize,
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
