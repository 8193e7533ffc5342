//! One admitted connection: a phone that waits, or a computer on its way to one.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::StreamExt;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::sync::mpsc;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::{self, Message, protocol::Role};
use towline_hybrid::relay::{Ending, Meter};

use crate::pair::{self, End};
use crate::shared::{Event, LegGuard, Shared, Socket, stopped};

async fn socket(shared: &Shared, upgrade: OnUpgrade) -> Option<Socket> {
    let upgraded = tokio::time::timeout(shared.request_timeout, upgrade).await.ok()?.ok()?;
    let config = shared.websocket_config();
    Some(WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, Some(config)).await)
}

/// A phone waits for its computer, which has the first word, and then the tunnel runs in this same task.
pub(crate) async fn wait(
    shared: Arc<Shared>,
    guard: LegGuard,
    upgrade: OnUpgrade,
    mut events: mpsc::Receiver<Event>,
    _alive: mpsc::Sender<()>,
) {
    let Some(mut socket) = socket(&shared, upgrade).await else { return };
    let mut phase = shared.phase.subscribe();
    let mut meter = Meter::new(&shared.limits);
    let ending = loop {
        tokio::select! {
            event = events.recv() => match event {
                Some(Event::Partner(partner, partner_guard)) => {
                    let computer = End { socket: *partner, meter: Meter::new(&shared.limits) };
                    pair::run(&shared, End { socket, meter }, computer, events).await;
                    drop((guard, partner_guard));
                    return;
                }
                Some(Event::Close(ending)) => break ending,
                None => break Ending::PeerVanished,
            },
            message = socket.next() => match receive(message, &mut meter) {
                Ok(Some(_)) => break Ending::TooEarly,
                Ok(None) => {}
                Err(ending) => break ending,
            },
            () = stopped(&mut phase) => break Ending::ShuttingDown,
        }
    };
    tracing::debug!(%ending, "a phone no longer waits");
    pair::close(&shared, socket, ending).await;
}

/// A computer brings its socket to the task of the phone that waits.
pub(crate) async fn join(
    shared: Arc<Shared>,
    guard: LegGuard,
    upgrade: OnUpgrade,
    partner: mpsc::Sender<Event>,
    _alive: mpsc::Sender<()>,
) {
    let Some(socket) = socket(&shared, upgrade).await else {
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
