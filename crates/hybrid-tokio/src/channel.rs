//! What carries the messages of a session: a WebSocket today, a Bluetooth channel tomorrow, a pipe
//! in tests.

use towline_hybrid::tunnel::ConnectFailure;
use towline_hybrid::{Opened, Target};
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

/// An open channel.
pub struct Connected {
    /// The channel, ready for binary messages.
    pub channel: Box<dyn DataChannel>,
    /// What the service said when it accepted.
    pub opened: Opened,
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
