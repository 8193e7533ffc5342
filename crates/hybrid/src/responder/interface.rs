//! What goes into and comes out of the phone's side.

use std::{fmt, time::Duration};

use super::question::{QuestionToken, ResponderQuestion};
use crate::{domain::TunnelDomain, error::Error, ids::LinkId, link::LinkOffer};

/// How the phone behaves. Start from [`ResponderConfig::new`].
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResponderConfig {
    /// What authenticatorGetInfo answers, without its status byte.
    pub get_info: Vec<u8>,
    /// The tunnel service that this phone uses.
    pub domain: TunnelDomain,
    /// Whether the embedding program answers digital credential requests, and the computer is told
    /// so. Off by default: they are refused.
    pub digital_credentials: bool,
    /// Whether the code is that of a device that shares passkeys, and nothing but messages of such
    /// devices goes over the connection. See [`ResponderConfig::for_circle`].
    pub circle: bool,
    /// What to tell a computer that may remember this phone; `None` for a phone that never offers
    /// it.
    pub link_offer: Option<LinkOffer>,
    /// Whether the person is asked before a linked computer that rings is answered. Off by default:
    /// they allowed it when they linked the two, they see that it happens, and they are asked
    /// before anything is done.
    pub ask_when_rung: bool,
    /// Whether a code may come as a [`CodeSource::Link`]. Off by default: the person has to scan.
    pub allow_links: bool,
    /// How long the person may think about connecting, 2 minutes.
    pub consent_timeout: Duration,
    /// How long the connection to the tunnel service may take, 20 seconds.
    pub connect_timeout: Duration,
    /// How long to advertise for the computer's handshake message, 2 minutes.
    pub advertise_timeout: Duration,
    /// How long to wait for a request, the first or another, 5 minutes.
    pub idle_timeout: Duration,
    /// How long a connection may last, however many requests come, 30 minutes. A request that is
    /// under way then is still answered.
    pub session_timeout: Duration,
    /// How long the embedding program may take to answer a request, 10 minutes.
    pub response_timeout: Duration,
    /// How long to keep a connection whose computer is done, for
    /// [`ResponderQuestion::Remember`], 1 minute.
    pub linger: Duration,
    /// Whether to close after the first response, as today's phones do. Off by default.
    pub one_request: bool,
}

impl ResponderConfig {
    /// The defaults for this getInfo.
    #[must_use]
    pub fn new(get_info: Vec<u8>, domain: TunnelDomain) -> Self {
        Self {
            get_info,
            domain,
            digital_credentials: false,
            circle: false,
            link_offer: None,
            ask_when_rung: false,
            allow_links: false,
            consent_timeout: Duration::from_secs(120),
            connect_timeout: Duration::from_secs(20),
            advertise_timeout: Duration::from_secs(120),
            idle_timeout: Duration::from_secs(300),
            session_timeout: Duration::from_secs(1800),
            response_timeout: Duration::from_secs(600),
            linger: Duration::from_secs(60),
            one_request: false,
        }
    }

    /// The defaults for a device that shares its passkeys, with the device that shows the code or
    /// with one of that device's circle.
    #[must_use]
    pub fn for_circle(domain: TunnelDomain) -> Self {
        Self { circle: true, ..Self::new(Vec::new(), domain) }
    }
}

/// How a code came to the phone. Only deliberate acts of the person count.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CodeSource {
    /// The camera of the device saw it.
    Camera,
    /// Typed or pasted into a place made for it, or given on the command line.
    Typed,
    /// Read from an image file.
    File,
    /// A `FIDO:/` link that another program opened. Refused unless [`ResponderConfig::allow_links`]
    /// is set: a web page near an attacker's radio can open a link to the attacker's own code, and
    /// the person would sign the attacker in (CVE-2024-9956). Whoever allows links has to say in
    /// the question where the code came from.
    Link,
    /// No code: a computer rings that the person let remember this phone.
    Ring,
}

/// What the phone's program is told and asked.
#[non_exhaustive]
#[derive(Clone, PartialEq, Eq)]
pub enum PhoneEvent {
    /// Ask the person, and answer with [`handle_answer`](super::Responder::handle_answer) and the
    /// same token.
    Ask {
        /// Comes back with the answer.
        token: QuestionToken,
        /// The question, which prints as a sentence.
        question: ResponderQuestion,
    },
    /// The question is moot: take it off the screen. An answer would be refused.
    Withdraw {
        /// The token of the question.
        token: QuestionToken,
    },
    /// The radio broadcasts for the computer.
    Advertising {
        /// Which radio. A simulated one says so.
        radio: String,
    },
    /// Carry out this CTAP request, a command byte and CBOR, with the person's consent, and answer
    /// with [`handle_response`](super::Responder::handle_response).
    Request(Vec<u8>),
    /// Carry out this digital credential request, JSON that nothing here has looked at, with the
    /// person's consent, and answer with
    /// [`handle_json_response`](super::Responder::handle_json_response). Only where
    /// [`ResponderConfig::digital_credentials`] is set.
    JsonRequest(Vec<u8>),
    /// What a device that shares passkeys says. Only where [`ResponderConfig::circle`] is set.
    CircleMessage(Vec<u8>),
    /// The request is moot: take its prompts off the screen. A response would be refused.
    CancelRequest,
    /// The computer is told how to ring this phone: keep the link, so that its rings are known.
    Linked {
        /// What the computer names itself by when it rings.
        link_id: LinkId,
    },
    /// How it goes, for a person to see.
    Progress(ResponderProgress),
    /// It is over, everything is released, and nothing follows.
    Finished(Result<ResponderSummary, Error>),
}

/// Of messages only the length: contents name accounts and carry secrets.
impl fmt::Debug for PhoneEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ask { token, question } => write!(f, "Ask({token:?}, {question:?})"),
            Self::Withdraw { token } => write!(f, "Withdraw({token:?})"),
            Self::Advertising { radio } => write!(f, "Advertising({radio:?})"),
            Self::Request(request) => write!(f, "Request({} bytes)", request.len()),
            Self::JsonRequest(request) => write!(f, "JsonRequest({} bytes)", request.len()),
            Self::CircleMessage(message) => write!(f, "CircleMessage({} bytes)", message.len()),
            Self::CancelRequest => f.write_str("CancelRequest"),
            Self::Linked { .. } => f.write_str("Linked"),
            Self::Progress(progress) => write!(f, "Progress({progress:?})"),
            Self::Finished(result) => write!(f, "Finished({result:?})"),
        }
    }
}

/// A step of the phone's side.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResponderProgress {
    /// The connection to the tunnel service is being made.
    Connecting,
    /// The advert is on the air: the computer has to be near.
    Advertising,
    /// The computer heard the advert and has authenticated.
    Connected,
    /// The computer asked for something: the person acts now.
    Request,
    /// The request was answered.
    Answered,
}

/// How a connection that worked went.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ResponderSummary {
    /// How many requests were answered, or messages to a device that shares passkeys were sent.
    pub requests: u32,
    /// Whether linking information was sent.
    pub linked: bool,
}
