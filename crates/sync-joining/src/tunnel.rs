//! The tunnel as both sides of it see it: messages in and out, whoever showed the code.

use std::future::pending;

use towline_crypto::zeroize::Zeroizing;
use towline_hybrid::{InitiatorProgress, ResponderAnswer, ResponderProgress};
use towline_hybrid_tokio::{
    ComputerEvent, ComputerEvents, ComputerSession, PhoneEvent, PhoneEvents, PhoneSession,
    TransportError,
};

/// What happened at this end of the tunnel.
pub(crate) enum TunnelNews {
    /// The radio listens or broadcasts; which one, a simulated one says so.
    Radio(String),
    /// The other device is near.
    Near,
    /// Both devices have shaken hands: messages can be sent.
    Opened,
    Message(Vec<u8>),
    /// Nothing follows. The reason is there where it is one.
    Ended(Option<TransportError>),
}

pub(crate) enum Tunnel {
    Shown { session: ComputerSession, events: ComputerEvents, opened: bool },
    Scanned { session: PhoneSession, events: PhoneEvents },
    Gone,
}

impl Tunnel {
    pub(crate) fn qr_uri(&self) -> Option<Zeroizing<String>> {
        match self {
            Self::Shown { session, .. } => session.qr_uri(),
            _ => None,
        }
    }

    /// The next news. Cancel-safe: what is said to the session on the way is said when its event is
    /// read.
    pub(crate) async fn next(&mut self) -> TunnelNews {
        loop {
            let news = match self {
                Self::Shown { session, events, opened } => tokio::select! {
                    biased;
                    ready = session.get_info(), if !*opened => {
                        *opened = true;
                        // Why there is nothing comes as the last event.
                        ready.ok().map(|_| TunnelNews::Opened)
                    }
                    event = events.next() => shown(event),
                },
                Self::Scanned { session, events } => match events.next().await {
                    // Whoever scanned a code for joining wants to connect; what is asked of the
                    // person comes when it is known who is there.
                    Some(PhoneEvent::Ask { token, .. }) => {
                        let yes = ResponderAnswer::Connect { remember: false };
                        let _over = session.answer(token, yes).await;
                        None
                    }
                    event => scanned(event),
                },
                Self::Gone => return pending().await,
            };
            match news {
                Some(ended @ TunnelNews::Ended(_)) => {
                    *self = Self::Gone;
                    return ended;
                }
                Some(news) => return news,
                None => {}
            }
        }
    }

    /// A session that is over ignores it: that comes as news.
    pub(crate) async fn send(&self, message: Vec<u8>) {
        let _over = match self {
            Self::Shown { session, .. } => session.send(message).await,
            Self::Scanned { session, .. } => session.send(message).await,
            Self::Gone => return,
        };
    }

    /// Sends what is queued, and releases the socket and the radio.
    pub(crate) async fn close(self) {
        let error = match self {
            Self::Shown { session, .. } => session.shutdown().await.err(),
            Self::Scanned { session, .. } => session.shutdown().await.err(),
            Self::Gone => None,
        };
        if let Some(error) = error {
            tracing::debug!(%error, "closed");
        }
    }
}

fn shown(event: Option<ComputerEvent>) -> Option<TunnelNews> {
    match event {
        Some(ComputerEvent::Listening { radio }) => Some(TunnelNews::Radio(radio)),
        Some(ComputerEvent::Progress(InitiatorProgress::Near)) => Some(TunnelNews::Near),
        Some(ComputerEvent::CircleMessage(message)) => Some(TunnelNews::Message(message)),
        Some(ComputerEvent::Finished(result)) => {
            Some(TunnelNews::Ended(result.err().map(Into::into)))
        }
        None => Some(TunnelNews::Ended(None)),
        Some(_) => None,
    }
}

fn scanned(event: Option<PhoneEvent>) -> Option<TunnelNews> {
    match event {
        Some(PhoneEvent::Advertising { radio }) => Some(TunnelNews::Radio(radio)),
        Some(PhoneEvent::Progress(ResponderProgress::Connected)) => Some(TunnelNews::Opened),
        Some(PhoneEvent::CircleMessage(message)) => Some(TunnelNews::Message(message)),
        Some(PhoneEvent::Finished(result)) => Some(TunnelNews::Ended(result.err().map(Into::into))),
        None => Some(TunnelNews::Ended(None)),
        Some(_) => None,
    }
}
