//! One admitted connection: a phone that waits, listens or comes, or a computer that rings or joins.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::sync::mpsc;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::{
    self, Message,
    protocol::{Role, WebSocketConfig},
};
use towline_hybrid::relay::{Ending, Meter};

use crate::pair::{self, End};
use crate::shared::{Event, LegGuard, Shared, Socket, stopped};

/// The longest message that is kept for a phone which has not come yet, in bytes. The handshake's first has 81.
const EARLY: usize = 256;

/// The message that says that the phone has come, where the computer wants to know.
const SIGNAL: &[u8] = &[0];

/// Who waits for whom.
pub(crate) enum Waiting {
    /// A phone for the computer that scanned its advert, which has the first word.
    Phone,
    /// A computer for the phone that it rang. It has the first word, too, and may have said it before the phone is there.
    Computer {
        /// Whether it was promised a signal.
        signal: bool,
    },
}

async fn socket(shared: &Shared, upgrade: OnUpgrade, config: WebSocketConfig) -> Option<Socket> {
    let upgraded = tokio::time::timeout(shared.request_timeout, upgrade).await.ok()?.ok()?;
    Some(WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, Some(config)).await)
}

/// The other end is waited for, and then the tunnel runs in this same task.
pub(crate) async fn wait(
    shared: Arc<Shared>,
    guard: LegGuard,
    upgrade: OnUpgrade,
    mut events: mpsc::Receiver<Event>,
    waiting: Waiting,
    _alive: mpsc::Sender<()>,
) {
    let config = shared.websocket_config();
    let Some(mut socket) = socket(&shared, upgrade, config).await else { return };
    let mut phase = shared.phase.subscribe();
    let mut meter = Meter::new(&shared.limits);
    let mut early = None;
    let ending = loop {
        tokio::select! {
            event = events.recv() => match event {
                Some(Event::Partner(partner, partner_guard)) => {
                    let here = End { socket, meter };
                    let partner = End { socket: *partner, meter: Meter::new(&shared.limits) };
                    match waiting {
                        Waiting::Phone => pair::run(&shared, here, partner, events).await,
                        Waiting::Computer { signal } => {
                            meet(&shared, partner, here, signal, early, events).await;
                        }
                    }
                    drop((guard, partner_guard));
                    return;
                }
                Some(Event::Close(ending)) => break ending,
                Some(Event::Send(_)) => {}
                None => break Ending::PeerVanished,
            },
            message = socket.next() => match receive(message, &mut meter) {
                Ok(Some(message)) => match waiting {
                    Waiting::Computer { .. } if early.is_none() && message.len() <= EARLY => {
                        early = Some(message);
                    }
                    _ => break Ending::TooEarly,
                },
                Ok(None) => {}
                Err(ending) => break ending,
            },
            () = stopped(&mut phase) => break Ending::ShuttingDown,
        }
    };
    shared.counters.ended(ending);
    tracing::debug!(%ending, "a connection no longer waits");
    pair::close(&shared, socket, ending).await;
}

/// The phone has come to the computer that rang: both get what waits for them, and the tunnel runs.
async fn meet(
    shared: &Shared,
    mut phone: End,
    mut computer: End,
    signal: bool,
    early: Option<Bytes>,
    events: mpsc::Receiver<Event>,
) {
    let greeted = tokio::time::timeout(shared.write_timeout, async {
        if signal {
            computer.socket.send(Message::binary(SIGNAL)).await?;
        }
        if let Some(message) = early {
            shared.count_message(message.len());
            phone.socket.send(Message::Binary(message)).await?;
        }
        Ok::<_, tungstenite::Error>(())
    });
    // A socket that can't be written is found out by the tunnel, which tells the other end.
    if matches!(greeted.await, Ok(Ok(()))) {
        return pair::run(shared, phone, computer, events).await;
    }
    tokio::join!(
        pair::close(shared, phone.socket, Ending::PeerVanished),
        pair::close(shared, computer.socket, Ending::PeerVanished),
    );
}

/// A phone listens for computers that ring.
pub(crate) async fn listen(
    shared: Arc<Shared>,
    guard: LegGuard,
    upgrade: OnUpgrade,
    mut events: mpsc::Receiver<Event>,
    _alive: mpsc::Sender<()>,
) {
    let config = shared.listener_config();
    let Some(mut socket) = socket(&shared, upgrade, config).await else { return };
    let mut phase = shared.phase.subscribe();
    let mut meter = Meter::new(&shared.limits);
    let ending = loop {
        tokio::select! {
            event = events.recv() => match event {
                Some(Event::Send(message)) => {
                    let sending = socket.send(Message::binary(message));
                    match tokio::time::timeout(shared.write_timeout, sending).await {
                        Ok(Ok(())) => {}
                        Ok(Err(_)) => break Ending::PeerVanished,
                        Err(_) => break Ending::Stalled,
                    }
                }
                Some(Event::Close(ending)) => break ending,
                Some(Event::Partner(..)) => {}
                None => break Ending::PeerVanished,
            },
            message = socket.next() => match receive(message, &mut meter) {
                Ok(Some(message)) => {
                    // How many messages it may send is the rendezvous' business: this connection has no end.
                    meter = Meter::new(&shared.limits);
                    shared.hear(&guard, &message);
                }
                Ok(None) => {}
                Err(ending) => break ending,
            },
            () = stopped(&mut phase) => break Ending::ShuttingDown,
        }
    };
    shared.counters.ended(ending);
    tracing::debug!(%ending, "a phone no longer listens");
    // Its place is free at once: the same phone may be on its way back.
    drop(guard);
    pair::close(&shared, socket, ending).await;
}

/// Whoever comes second brings its socket to the task of the one that waits.
pub(crate) async fn join(
    shared: Arc<Shared>,
    guard: LegGuard,
    upgrade: OnUpgrade,
    partner: mpsc::Sender<Event>,
    _alive: mpsc::Sender<()>,
) {
    let config = shared.websocket_config();
    let Some(socket) = socket(&shared, upgrade, config).await else {
        let _gone = partner.send(Event::Close(Ending::PeerVanished)).await;
        return;
    };
    if let Err(mpsc::error::SendError(Event::Partner(socket, _guard))) =
        partner.send(Event::Partner(Box::new(socket), guard)).await
    {
        pair::close(&shared, *socket, Ending::PeerVanished).await;
    }
}

/// What a peer sent: a message to pass on, nothing of interest, or the end.
pub(crate) fn receive(
    received: Option<Result<Message, tungstenite::Error>>,
    meter: &mut Meter,
) -> Result<Option<Bytes>, Ending> {
    match received {
        Some(Ok(Message::Binary(message))) => {
            meter.handle_binary(message.len())?;
            Ok(Some(message))
        }
        // The WebSocket library answers pings by itself.
        Some(Ok(Message::Ping(_) | Message::Pong(_))) => meter.handle_control().map(|()| None),
        Some(Ok(Message::Text(_))) => Err(Ending::Text),
        Some(Ok(Message::Close(_))) | None => Err(Ending::PeerLeft),
        Some(Ok(Message::Frame(_))) => Ok(None),
        Some(Err(error)) => Err(ending_of(&error)),
    }
}

fn ending_of(error: &tungstenite::Error) -> Ending {
    use tungstenite::{Error, error::ProtocolError};
    match error {
        Error::ConnectionClosed => Ending::PeerLeft,
        Error::Capacity(_) => Ending::TooLong,
        Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => Ending::PeerVanished,
        Error::Protocol(_) | Error::Utf8(_) => Ending::Misbehaved,
        _ => Ending::PeerVanished,
    }
}
