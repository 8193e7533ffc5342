//! What may flow through a tunnel in one direction, and why a tunnel ends.

use crate::Limits;

/// Why a connection to the tunnel service ends.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Ending {
    /// The other end closed its connection.
    #[error("the other device left")]
    PeerLeft,
    /// The other end's connection broke.
    #[error("the other device vanished")]
    PeerVanished,
    /// A text message: only binary ones exist in this protocol.
    #[error("text messages are not allowed")]
    Text,
    /// More messages, or pings, than the service grants.
    #[error("too many messages")]
    TooManyMessages,
    /// More bytes in all than the service grants.
    #[error("too much data")]
    TooMuch,
    /// A phone sent something before its computer was there, which has the first word; or a
    /// computer that rang sent more than that.
    #[error("a message before the other device was there")]
    TooEarly,
    /// A longer message than the service grants.
    #[error("message too long")]
    TooLong,
    /// Time is up, for a phone that waited or for a tunnel.
    #[error("lifetime over")]
    LifetimeOver,
    /// Nothing went through the tunnel for too long.
    #[error("nothing was sent for too long")]
    Idle,
    /// The peer broke the WebSocket protocol.
    #[error("protocol error")]
    Misbehaved,
    /// The other end does not take its messages.
    #[error("the other device is too slow")]
    Stalled,
    /// Another connection took over.
    #[error("replaced by another connection")]
    Replaced,
    /// The contact id was revoked: nobody listens under it any more.
    #[error("the contact was revoked")]
    Revoked,
    /// The service is full, and this network had the most places.
    #[error("the service is full")]
    CrowdedOut,
    /// The service is about to stop.
    #[error("the service is shutting down")]
    ShuttingDown,
}

impl Ending {
    /// A stable name in lower case, for metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::PeerLeft => "peer_left",
            Self::PeerVanished => "peer_vanished",
            Self::Text => "text",
            Self::TooManyMessages => "too_many_messages",
            Self::TooMuch => "too_much",
            Self::TooEarly => "too_early",
            Self::TooLong => "too_long",
            Self::LifetimeOver => "lifetime_over",
            Self::Idle => "idle",
            Self::Misbehaved => "misbehaved",
            Self::Stalled => "stalled",
            Self::Replaced => "replaced",
            Self::Revoked => "revoked",
            Self::CrowdedOut => "crowded_out",
            Self::ShuttingDown => "shutting_down",
        }
    }

    /// The WebSocket close code (RFC 6455 §7.4.1 and its registry). It has no meaning in the
    /// protocol; it helps a person who looks.
    #[must_use]
    pub const fn close_code(self) -> u16 {
        match self {
            Self::PeerLeft | Self::Replaced | Self::Revoked => 1000,
            Self::PeerVanished | Self::ShuttingDown => 1001,
            Self::Misbehaved => 1002,
            Self::Text => 1003,
            Self::TooManyMessages
            | Self::TooMuch
            | Self::TooEarly
            | Self::LifetimeOver
            | Self::Idle
            | Self::Stalled => 1008,
            Self::TooLong => 1009,
            Self::CrowdedOut => 1013,
        }
    }
}

/// Counts what one end sends.
#[derive(Debug, Clone)]
pub struct Meter {
    message_bytes: usize,
    /// What the message under way may still have.
    message_left: usize,
    messages: u32,
    bytes: usize,
    control_frames: u32,
}

impl Meter {
    /// A meter with everything that the limits grant.
    #[must_use]
    pub const fn new(limits: &Limits) -> Self {
        Self {
            message_bytes: limits.message_bytes,
            message_left: limits.message_bytes,
            messages: limits.messages,
            bytes: limits.tunnel_bytes,
            control_frames: limits.control_frames,
        }
    }

    /// `length` bytes of a binary message arrived, the `first` of it or more; they may be passed on
    /// if this succeeds.
    ///
    /// # Errors
    /// Why the tunnel ends: [`Ending::TooLong`], [`Ending::TooManyMessages`] or
    /// [`Ending::TooMuch`].
    pub fn handle_piece(&mut self, length: usize, first: bool) -> Result<(), Ending> {
        if first {
            self.message_left = self.message_bytes;
            self.messages = self.messages.checked_sub(1).ok_or(Ending::TooManyMessages)?;
        }
        self.message_left = self.message_left.checked_sub(length).ok_or(Ending::TooLong)?;
        self.bytes = self.bytes.checked_sub(length).ok_or(Ending::TooMuch)?;
        Ok(())
    }

    /// A ping, a pong or an empty fragment arrived.
    ///
    /// # Errors
    /// [`Ending::TooManyMessages`].
    pub fn handle_control(&mut self) -> Result<(), Ending> {
        self.control_frames = self.control_frames.checked_sub(1).ok_or(Ending::TooManyMessages)?;
        Ok(())
    }
}
