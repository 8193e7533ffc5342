//! What carries the messages of a session: a WebSocket today, a Bluetooth channel tomorrow, a pipe
//! in tests.

use towline_hybrid::domain::TunnelDomain;
use towline_hybrid::ids::{ContactId, RoutingId, TunnelId};
use towline_hybrid::link::{ClientPayload, ContactKey};
use towline_hybrid::tunnel::ConnectFailure;
use towline_radio::BoxFuture;

/// What arrived on a [`DataChannel`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Incoming {
    /// One whole binary message.
    Frame(Vec<u8>),
    /// A text message, which the protocol does not have.
    Text,
    /// The channel ended or broke. Nothing follows.
    Closed,
}

/// Carries whole messages, in order, both ways.
pub trait DataChannel: Send {
    /// Queues one message. It goes out while [`next`](Self::next) or [`close`](Self::close) is
    /// polled.
    fn send(&mut self, message: Vec<u8>);

    /// Moves queued messages out and waits for one to come in. Cancel-safe: nothing is lost or sent
    /// twice.
    fn next(&mut self) -> BoxFuture<'_, Incoming>;

    /// Sends what is queued and closes in good order. Callers limit the time; dropping the future,
    /// or the channel, ends the connection at once.
    fn close(self: Box<Self>) -> BoxFuture<'static, ()>;
}

/// Where a channel has to lead.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// The phone opens a tunnel at its service.
    New {
        /// The tunnel service to open it at.
        domain: TunnelDomain,
        /// The id of the new tunnel.
        tunnel_id: TunnelId,
    },
    /// The computer rings a linked phone.
    Contact {
        /// The tunnel service that the phone listens at.
        domain: TunnelDomain,
        /// The contact id of the phone.
        contact_id: ContactId,
        /// What the phone is told.
        payload: ClientPayload,
    },
    /// The phone listens for computers that ring.
    Listen {
        /// The tunnel service to listen at.
        domain: TunnelDomain,
        /// What gives the right to it.
        key: ContactKey,
    },
    /// The computer joins the phone's tunnel, or the phone that of a computer that rang.
    Connect {
        /// The tunnel service at which the peer waits.
        domain: TunnelDomain,
        /// The server of the service where the peer waits.
        routing_id: RoutingId,
        /// The tunnel in which the peer waits there.
        tunnel_id: TunnelId,
    },
}

/// An open channel.
pub struct Connected {
    /// The channel, ready for binary messages.
    pub channel: Box<dyn DataChannel>,
    /// What the service calls its server; always there for [`Target::New`].
    pub routing_id: Option<RoutingId>,
    /// Whether the service says when the phone has come; only for [`Target::Contact`].
    pub signal: bool,
}

/// Opens channels to tunnel services: over WebSockets, or whatever a test puts in their place.
pub trait Connector: Send + Sync {
    /// Opens a channel. There is no time limit in here: the caller has one, and drops the future
    /// when it is over.
    ///
    /// # Errors
    /// [`ConnectFailure`], without anything that names the tunnel.
    fn connect(&self, target: Target) -> BoxFuture<'static, Result<Connected, ConnectFailure>>;
}
