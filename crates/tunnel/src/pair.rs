//! A tunnel: two sockets, and messages copied between them one at a time.
//!
//! A direction reads its next message only after the last one was taken by the other side, so that a slow reader slows its
//! sender down and nothing piles up here.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::{Message, protocol::CloseFrame};
use towline_hybrid::relay::{Ending, Meter};

use crate::leg::receive;
use crate::shared::{Event, Shared, Socket, stopped};

/// One side of a tunnel: its socket, and what it may still send.
pub(crate) struct End {
    pub(crate) socket: Socket,
    pub(crate) meter: Meter,
}

/// Why a direction ended, as each side gets to know it.
struct Endings {
    sender: Ending,
    receiver: Ending,
}

/// Runs the tunnel to its end and closes both sockets.
pub(crate) async fn run(
    shared: &Shared,
    phone: End,
    computer: End,
    mut events: mpsc::Receiver<Event>,
) {
    let mut phase = shared.phase.subscribe();
    let (mut to_phone, mut from_phone) = phone.socket.split();
    let (mut to_computer, mut from_computer) = computer.socket.split();
    let both = |ending| (ending, ending);
    let last = Mutex::new(Instant::now());
    let (phone_ending, computer_ending) = tokio::select! {
        endings = copy(shared, &mut from_phone, phone.meter, &mut to_computer, &last) =>
            (endings.sender, endings.receiver),
        endings = copy(shared, &mut from_computer, computer.meter, &mut to_phone, &last) =>
            (endings.receiver, endings.sender),
        ending = told_to_close(&mut events) => both(ending),
        () = idle(&last, shared.limits.idle_time) => both(Ending::Idle),
        () = stopped(&mut phase) => both(Ending::ShuttingDown),
    };
    shared.counters.ended(phone_ending);
    shared.counters.ended(computer_ending);
    tracing::debug!(phone = %phone_ending, computer = %computer_ending, "tunnel over");
    tokio::join!(
        close_halves(shared, to_phone, from_phone, phone_ending),
        close_halves(shared, to_computer, from_computer, computer_ending),
    );
}

async fn told_to_close(events: &mut mpsc::Receiver<Event>) -> Ending {
    loop {
        match events.recv().await {
            Some(Event::Close(ending)) => return ending,
            // A tunnel id is used once, so there is no second partner; and nobody here listens.
            Some(Event::Partner(..) | Event::Send(_)) => {}
            None => std::future::pending().await,
        }
    }
}

/// Until no message was passed on for this long. Half a message is none: whoever dribbles one is idle.
async fn idle(last: &Mutex<Instant>, time: Duration) {
    loop {
        let since = *last.lock().unwrap_or_else(PoisonError::into_inner);
        match since.checked_add(time) {
            Some(until) if until > Instant::now() => tokio::time::sleep_until(until).await,
            Some(_) => return,
            None => std::future::pending().await,
        }
    }
}

async fn copy(
    shared: &Shared,
    from: &mut SplitStream<Socket>,
    mut meter: Meter,
    to: &mut SplitSink<Socket, Message>,
    last: &Mutex<Instant>,
) -> Endings {
    loop {
        let message = match receive(from.next().await, &mut meter) {
            Ok(Some(message)) => message,
            Ok(None) => continue,
            Err(sender) => {
                let left = sender == Ending::PeerLeft;
                let receiver = if left { sender } else { Ending::PeerVanished };
                return Endings { sender, receiver };
            }
        };
        let length = message.len();
        match tokio::time::timeout(shared.write_timeout, to.send(Message::Binary(message))).await {
            Ok(Ok(())) => {
                shared.count_message(length);
                *last.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
            }
            // What the other direction reads tells more about a socket that cannot be written; here it is just gone.
            Ok(Err(_)) => {
                return Endings { sender: Ending::PeerVanished, receiver: Ending::PeerVanished };
            }
            Err(_) => return Endings { sender: Ending::PeerVanished, receiver: Ending::Stalled },
        }
    }
}

/// Says why, and waits a moment for the peer to say the same.
pub(crate) async fn close(shared: &Shared, socket: Socket, ending: Ending) {
    let (sink, stream) = socket.split();
    close_halves(shared, sink, stream, ending).await;
}

async fn close_halves(
    shared: &Shared,
    mut sink: SplitSink<Socket, Message>,
    mut stream: SplitStream<Socket>,
    ending: Ending,
) {
    let frame = CloseFrame { code: ending.close_code().into(), reason: ending.to_string().into() };
    let closing = async {
        // Fails when the peer closed first; reading on sends the answer to its close frame.
        let _closed_already = sink.send(Message::Close(Some(frame))).await;
        while let Some(Ok(_)) = stream.next().await {}
    };
    let _late = tokio::time::timeout(shared.close_timeout, closing).await;
}
