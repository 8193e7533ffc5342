//! What all machines of this crate have in common: their verbs, and the contract with whoever
//! drives them.

use std::{error, fmt, sync::Arc, time::Instant};

use crate::{
    domain::TunnelDomain,
    eid::Advert,
    ids::{ContactId, RoutingId, TunnelId},
    link::{ClientPayload, ContactKey},
    tunnel::ConnectFailure,
};

/// A state machine that somebody drives: an [`Initiator`](crate::Initiator), a
/// [`Responder`](crate::Responder), a [`Listener`](crate::Listener).
///
/// It owns no socket, no radio, no clock and no task. What happens is handed in by `handle_*`, what
/// to do comes out of [`poll_output`](Self::poll_output), and [`poll_timeout`](Self::poll_timeout)
/// says when it wants to be called in any case. What only one of them can be told, such as a
/// person's answer, is a `handle_*` of its own.
///
/// # The contract
///
/// A driver keeps five rules. The machine never panics when one is broken, and what is not expected
/// is ignored; but it can't make good what the driver left undone.
///
/// 1. **Drain after every input.** Call `poll_output` until it says `None`, and do each [`Effect`]
///    in its order, before the next input. Otherwise an effect meets a world that it was not meant
///    for: a question is shown that was withdrawn, an advert stays on the air for a transaction
///    that is over.
/// 2. **Then ask for the time.** Each input may move the deadline: take it from `poll_timeout`
///    after each drain, and call `handle_timeout` when it has come. Otherwise whatever waits for a
///    silent peer, or for a person who has left, waits for ever, with its radio and its socket.
/// 3. **Time only goes forward.** `now` is the time at which the input is handed in, by one
///    monotonic clock. Otherwise what came too late counts, or deadlines pass that are not due.
/// 4. **Report once, and about what is open.** [`Effect::Connect`] is answered by one
///    `handle_opened` or `handle_connect_failed`, unless [`Effect::Close`] comes first; after that,
///    and after `handle_closed`, nothing of that connection is handed in. Otherwise it counts for
///    the next connection, since the machine has one at a time and does not number them.
/// 5. **The end is the end.** The last output tells that it is finished. Whatever was opened or
///    switched on was closed or switched off by an effect before. Drop the machine then: it ignores
///    everything.
pub trait Machine {
    /// What its program is told and asked. The last one tells how it ended.
    type Event;

    /// The next thing to do or to tell; `None` when there is nothing until the next input.
    fn poll_output(&mut self) -> Option<Effect<Self::Event>>;

    /// When to call [`handle_timeout`](Self::handle_timeout); `None` only when all is over.
    fn poll_timeout(&self) -> Option<Instant>;

    /// The time that [`poll_timeout`](Self::poll_timeout) named has come. Calling early does
    /// nothing.
    fn handle_timeout(&mut self, now: Instant);

    /// The WebSocket of [`Effect::Connect`] is open and selected the subprotocol
    /// [`SUBPROTOCOL`](crate::tunnel::SUBPROTOCOL).
    fn handle_opened(&mut self, opened: Opened, now: Instant);

    /// The WebSocket of [`Effect::Connect`] could not be opened.
    fn handle_connect_failed(&mut self, failure: ConnectFailure, now: Instant);

    /// A binary message came. One that comes after the deadline comes too late.
    fn handle_frame(&mut self, frame: Vec<u8>, now: Instant);

    /// A text message came, which the protocol does not have.
    fn handle_text(&mut self, now: Instant);

    /// The connection ended from the other side or broke.
    fn handle_closed(&mut self, now: Instant);

    /// The radio does what [`Effect::Advertise`] or [`Effect::StartScanning`] wants. `radio` is
    /// what it is called, for the person to see; a simulated one says so.
    fn handle_radio_started(&mut self, radio: &str, now: Instant) {
        let _ = (radio, now);
    }

    /// The radio can't do it, or not any more. This ends a transaction that needs it.
    fn handle_radio_failed(&mut self, failure: RadioFailure, now: Instant) {
        let _ = (failure, now);
    }

    /// The radio that scans heard Bluetooth service data: anybody's, and each as often as it is
    /// sent.
    fn handle_advert(&mut self, service_data: &[u8], now: Instant) {
        let _ = (service_data, now);
    }
}

/// What a [`Machine`] wants done. A driver does all of it.
#[derive(Clone, PartialEq, Eq)]
pub enum Effect<E> {
    /// Open a WebSocket, and report with [`Machine::handle_opened`] or
    /// [`Machine::handle_connect_failed`].
    Connect(Target),
    /// Send one binary message.
    Send(Vec<u8>),
    /// Close the connection, or give up making it, after what was sent is out. Report nothing more
    /// about it.
    Close,
    /// Broadcast this service data under [`SERVICE_UUID16`](crate::SERVICE_UUID16), from a fresh
    /// random address, until [`StopRadio`](Self::StopRadio).
    Advertise(Advert),
    /// Listen for Bluetooth service data under [`SERVICE_UUID16`](crate::SERVICE_UUID16) and
    /// [`LEGACY_SERVICE_UUID16`](crate::LEGACY_SERVICE_UUID16), until
    /// [`StopRadio`](Self::StopRadio), and hand each in by [`Machine::handle_advert`].
    StartScanning,
    /// Stop broadcasting or listening. Report nothing more about it.
    StopRadio,
    /// Tell the program what happened, or ask it.
    Tell(E),
}

/// Of messages only the length: contents name accounts and carry secrets.
impl<E: fmt::Debug> fmt::Debug for Effect<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect(target) => write!(f, "Connect({target:?})"),
            Self::Send(message) => write!(f, "Send({} bytes)", message.len()),
            Self::Close => f.write_str("Close"),
            Self::Advertise(_) => f.write_str("Advertise"),
            Self::StartScanning => f.write_str("StartScanning"),
            Self::StopRadio => f.write_str("StopRadio"),
            Self::Tell(event) => write!(f, "Tell({event:?})"),
        }
    }
}

/// Where a connection has to lead: which service, and which request there.
#[derive(Clone, PartialEq, Eq)]
pub enum Target {
    /// The phone opens a tunnel, at [`new_path`](crate::tunnel::new_path).
    New {
        /// The tunnel service to open it at.
        domain: TunnelDomain,
        /// The id of the new tunnel.
        tunnel_id: TunnelId,
    },
    /// The computer joins the phone's tunnel, or the phone that of a computer that rang, at
    /// [`connect_path`](crate::tunnel::connect_path).
    Connect {
        /// The tunnel service at which the peer waits.
        domain: TunnelDomain,
        /// The server of the service where the peer waits.
        routing_id: RoutingId,
        /// The tunnel in which the peer waits there.
        tunnel_id: TunnelId,
    },
    /// The computer rings a linked phone, at [`contact_path`](crate::tunnel::contact_path) and with
    /// the headers [`CLIENT_PAYLOAD_HEADER`](crate::tunnel::CLIENT_PAYLOAD_HEADER) and
    /// [`SIGNAL_CONNECTION_HEADER`](crate::tunnel::SIGNAL_CONNECTION_HEADER).
    Contact {
        /// The tunnel service that the phone listens at.
        domain: TunnelDomain,
        /// The contact id of the phone.
        contact_id: ContactId,
        /// What the phone is told.
        payload: ClientPayload,
    },
    /// The phone listens for computers that ring, at [`LISTEN_PATH`](crate::tunnel::LISTEN_PATH)
    /// and with the header [`CONTACT_KEY_HEADER`](crate::tunnel::CONTACT_KEY_HEADER).
    Listen {
        /// The tunnel service to listen at.
        domain: TunnelDomain,
        /// What gives the right to it.
        key: ContactKey,
    },
}

impl Target {
    /// The tunnel service that it leads to.
    #[must_use]
    pub const fn domain(&self) -> TunnelDomain {
        match self {
            Self::New { domain, .. }
            | Self::Connect { domain, .. }
            | Self::Contact { domain, .. }
            | Self::Listen { domain, .. } => *domain,
        }
    }
}

/// Which tunnel or phone it is does not belong into a log.
impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self {
            Self::New { .. } => "New",
            Self::Connect { .. } => "Connect",
            Self::Contact { .. } => "Contact",
            Self::Listen { .. } => "Listen",
        };
        write!(f, "{what}({:?})", self.domain())
    }
}

/// What a tunnel service said when it accepted a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Opened {
    /// What it calls its server, from [`ROUTING_ID_HEADER`](crate::tunnel::ROUTING_ID_HEADER). A
    /// [`Target::New`] needs it.
    pub routing_id: Option<RoutingId>,
    /// Whether it says when the phone has come, by
    /// [`SIGNAL_CONNECTION_HEADER`](crate::tunnel::SIGNAL_CONNECTION_HEADER); matters for a
    /// [`Target::Contact`] alone.
    pub signal: bool,
}

/// Why a radio does not work: the driver's own error, whose words the person reads. Two are equal
/// whose words are.
#[derive(Clone)]
pub struct RadioFailure(Arc<dyn error::Error + Send + Sync>);

impl RadioFailure {
    /// A failure for this reason. It prints as a sentence that says what to do.
    pub fn new(reason: impl error::Error + Send + Sync + 'static) -> Self {
        Self(Arc::new(reason))
    }

    /// The driver's own error, if it is of this type.
    #[must_use]
    pub fn downcast_ref<R: error::Error + 'static>(&self) -> Option<&R> {
        self.0.downcast_ref()
    }
}

impl fmt::Debug for RadioFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl fmt::Display for RadioFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl error::Error for RadioFailure {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        self.0.source()
    }
}

impl PartialEq for RadioFailure {
    fn eq(&self, other: &Self) -> bool {
        self.to_string() == other.to_string()
    }
}

impl Eq for RadioFailure {}
