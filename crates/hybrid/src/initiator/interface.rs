//! What goes into and comes out of the computer's side.

use std::{fmt, time::Duration};

use towline_crypto::P256PublicKey;

use crate::{error::Error, ids::LinkId, link::LinkedPhone, message::Features};

/// How the computer behaves. Start from [`InitiatorConfig::default`].
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InitiatorConfig {
    /// Whether the code says that this computer can remember the phone. Off by default.
    pub linking: bool,
    /// How long the code is shown and adverts are heard, 5 minutes.
    pub scan_timeout: Duration,
    /// How long one connection to the tunnel service may take, 20 seconds.
    pub connect_timeout: Duration,
    /// How long a linked phone may take to answer a ring, its service and its person included, 60
    /// seconds.
    pub ring_timeout: Duration,
    /// How long the phone may take for its handshake message, 20 seconds.
    pub handshake_timeout: Duration,
    /// How long the phone may take for its first message after that, 20 seconds.
    pub post_handshake_timeout: Duration,
    /// How long a request may take, 10 minutes. A person acts on the phone meanwhile.
    pub response_timeout: Duration,
    /// How long a connection without a request is kept, 5 minutes; it is shut down then.
    pub idle_timeout: Duration,
    /// How long the connection is kept after the shutdown message for late linking information, 3
    /// minutes. Only where [`InitiatorConfig::linking`] is set.
    pub linger: Duration,
    /// How long the phone may take to close after the shutdown message where there is nothing to
    /// linger for, 5 seconds.
    pub close_timeout: Duration,
    /// After how many adverts that led nowhere the computer gives up, 16.
    pub max_attempts: usize,
}

impl Default for InitiatorConfig {
    fn default() -> Self {
        Self {
            linking: false,
            scan_timeout: Duration::from_secs(300),
            connect_timeout: Duration::from_secs(20),
            ring_timeout: Duration::from_secs(60),
            handshake_timeout: Duration::from_secs(20),
            post_handshake_timeout: Duration::from_secs(20),
            response_timeout: Duration::from_secs(600),
            idle_timeout: Duration::from_secs(300),
            linger: Duration::from_secs(180),
            close_timeout: Duration::from_secs(5),
            max_attempts: 16,
        }
    }
}

/// What the computer's program is told.
#[non_exhaustive]
#[derive(Clone, PartialEq, Eq)]
pub enum ComputerEvent {
    /// The radio listens for a phone.
    Listening {
        /// Which radio. A simulated one says so.
        radio: String,
    },
    /// How it goes, for a person to see.
    Progress(InitiatorProgress),
    /// The phone is there: [`handle_request`](super::Initiator::handle_request) may be called.
    Ready {
        /// What the phone answers to authenticatorGetInfo, without the status byte; empty for a
        /// phone without CTAP. The command itself is never sent.
        get_info: Vec<u8>,
        /// What the phone can be asked for.
        features: Features,
    },
    /// The answer to the CTAP request: a status byte and CBOR.
    Response(Vec<u8>),
    /// The answer to the digital credential request: JSON that nothing here has looked at.
    JsonResponse(Vec<u8>),
    /// What a device that shares passkeys says. Only in a session
    /// [for a circle](super::Initiator::for_circle).
    CircleMessage(Vec<u8>),
    /// The phone lets this computer remember it: store it. The signature was checked. Only where
    /// [`InitiatorConfig::linking`] is set.
    Linked(Box<LinkedPhone>),
    /// The phone that was rung does not know this computer any more, as its tunnel service says:
    /// delete its link, if it is still this one.
    Unlink {
        /// The key that the phone proves itself with.
        identity: P256PublicKey,
        /// The link that is gone.
        link_id: LinkId,
    },
    /// It is over, everything is released, and nothing follows.
    Finished(Result<InitiatorSummary, Error>),
}

/// Of messages only the length: contents name accounts and carry secrets.
impl fmt::Debug for ComputerEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Listening { radio } => write!(f, "Listening({radio:?})"),
            Self::Progress(progress) => write!(f, "Progress({progress:?})"),
            Self::Ready { get_info, features } => {
                write!(f, "Ready({} bytes, {features:?})", get_info.len())
            }
            Self::Response(response) => write!(f, "Response({} bytes)", response.len()),
            Self::JsonResponse(response) => write!(f, "JsonResponse({} bytes)", response.len()),
            Self::CircleMessage(message) => write!(f, "CircleMessage({} bytes)", message.len()),
            Self::Linked(phone) => write!(f, "Linked({:?})", phone.domain),
            Self::Unlink { .. } => f.write_str("Unlink"),
            Self::Finished(result) => write!(f, "Finished({result:?})"),
        }
    }
}

/// A step of the computer's side.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InitiatorProgress {
    /// The code is on show until a phone has scanned it.
    WaitingForScan,
    /// The linked phone is being rung.
    Ringing,
    /// The linked phone was reached and is on its way; it has not shown yet that it is near.
    PhoneComing,
    /// The phone's advert was heard: it is near. The code need not be shown any longer.
    Near,
    /// The connection to the tunnel service is being made.
    Connecting,
    /// The tunnel is up, and the handshake runs.
    Handshaking,
    /// This advert led nowhere; others are listened for, and the code is to be shown again.
    AttemptFailed(Error),
    /// The handshake is done: the phone is authenticated.
    Authenticated,
    /// The request is on its way: the person acts on the phone now.
    WaitingForPhone,
    /// The connection is being ended.
    Closing,
}

/// How a connection that worked went.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct InitiatorSummary {
    /// How many requests were answered.
    pub requests: u32,
    /// Whether valid linking information was received.
    pub linked: bool,
}
