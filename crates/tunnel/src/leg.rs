//! One admitted connection: a phone that waits, listens or comes, or a computer that rings or
//! joins.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, Sleep};
use towline_rendezvous::{Ending, Heard, Leg, Meter, Role};
use towline_websocket::Opcode;

use crate::guard::LegGuard;
use crate::mailbox::{Event, Events, Partner};
use crate::pair::{self, Pair};
use crate::shared::{Admitted, Shared};
use crate::socket::{End, Socket};
use crate::stream::Stream;

/// The longest message that is kept for a phone which has not come yet, in bytes. The handshake's
/// first has 81.
const EARLY: usize = 256;

/// The longest message that a phone which listens may send, in bytes, is far shorter.
const LISTENER_MESSAGE: usize = 256;

/// A phone that has said too much is not listened to for so long.
const READ_ON_AFTER: Duration = Duration::from_secs(1);

/// The message that says that the phone has come, where the computer wants to know.
const SIGNAL: &[u8] = &[0];

/// Goes on with what the peer sent after its request. Boxed, so that a phone which listens does not
/// hold what a tunnel needs.
pub(crate) fn run(
    admitted: Admitted,
    shared: Arc<Shared>,
    stream: Stream,
    permit: OwnedSemaphorePermit,
    rest: Vec<u8>,
) -> Pin<Box<dyn Future<Output = ()> + Send>> {
    let Admitted { guard, role, events } = admitted;
    let granted = shared.limits.message_bytes;
    let socket = |limit: usize| Socket::new(stream, permit, limit.min(granted), rest);
    match role {
        Role::Waits { .. } => Box::pin(wait(shared, guard, socket(0), events, None)),
        Role::Rings { signal, .. } => {
            let rang = Computer { signal, early: None };
            Box::pin(wait(shared, guard, socket(EARLY), events, Some(rang)))
        }
        Role::Listens { .. } => Box::pin(listen(shared, guard, socket(LISTENER_MESSAGE), events)),
        Role::Joins { with } => {
            Box::pin(join(shared, with, Partner { socket: socket(granted), guard }))
        }
    }
}

/// The other end's task takes this one over.
async fn join(shared: Arc<Shared>, with: Leg, partner: Partner) {
    if let Err(partner) = shared.introduce(with, partner) {
        partner.socket.close(Ending::PeerVanished, shared.close_timeout).await;
    }
}

/// What there is for the phone that a computer rang.
struct Computer {
    /// Whether the computer was promised a signal when the phone comes.
    signal: bool,
    /// What the computer has said already.
    early: Option<Vec<u8>>,
}

/// The other end is waited for, and then the tunnel runs in this same task.
async fn wait(
    shared: Arc<Shared>,
    guard: LegGuard,
    mut socket: Box<Socket>,
    mut events: Events,
    mut rang: Option<Computer>,
) {
    let mut meter = Meter::new(&shared.limits);
    let ending = loop {
        tokio::select! {
            biased;
            event = events.next() => match event {
                Event::Partner(partner) => {
                    let Partner { socket: partner, guard: partner_guard } = partner;
                    let here = End { socket, meter };
                    let there = End { socket: partner, meter: Meter::new(&shared.limits) };
                    let pair = match rang {
                        None => Pair::new(&shared, here, there),
                        Some(rang) => meet(&shared, there, here, rang),
                    };
                    pair::run(pair, events).await;
                    drop((guard, partner_guard));
                    return;
                }
                Event::Close(ending) => break ending,
                Event::Send(_) => {}
            },
            message = socket.receive(&mut meter) => match message {
                // Also when it is only its length that says so.
                Err(Ending::TooLong) => break Ending::TooEarly,
                Err(ending) => break ending,
                Ok(message) => match &mut rang {
                    Some(rang) if rang.early.is_none() => rang.early = Some(message),
                    _ => break Ending::TooEarly,
                },
            },
        }
    };
    shared.counters.ended(ending);
    tracing::debug!(%ending, "a connection no longer waits");
    socket.close(ending, shared.close_timeout).await;
}

/// The phone has come to the computer that rang: both get what waits for them.
fn meet(
    shared: &Shared,
    mut phone: End,
    mut computer: End,
    Computer { signal, early }: Computer,
) -> Box<Pair<'_>> {
    if signal {
        computer.socket.outbox.push(Opcode::Binary, true, SIGNAL);
    }
    if let Some(message) = early {
        shared.count(1, message.len());
        phone.socket.outbox.push(Opcode::Binary, true, &message);
    }
    Pair::new(shared, phone, computer)
}

async fn over(pause: &mut Option<Pin<Box<Sleep>>>) {
    if let Some(pause) = pause {
        pause.as_mut().await;
    }
}

/// A phone listens for computers that ring.
async fn listen(shared: Arc<Shared>, guard: LegGuard, mut socket: Box<Socket>, mut events: Events) {
    let mut meter = Meter::new(&shared.limits);
    let mut pause: Option<Pin<Box<Sleep>>> = None;
    let ending = loop {
        tokio::select! {
            biased;
            event = events.next() => match event {
                Event::Send(message) => {
                    let sending = socket.send(&message);
                    match tokio::time::timeout(shared.write_timeout, sending).await {
                        Ok(Ok(())) => {}
                        Ok(Err(_)) => break Ending::PeerVanished,
                        Err(_) => break Ending::Stalled,
                    }
                }
                Event::Close(ending) => break ending,
                Event::Partner(_) => {}
            },
            () = over(&mut pause), if pause.is_some() => pause = None,
            message = socket.receive(&mut meter), if pause.is_none() => match message {
                Ok(message) => {
                    // How many messages it may send is the rendezvous' business: this connection
                    // has no end.
                    meter = Meter::new(&shared.limits);
                    if shared.hear(&guard, &message) == Heard::TooMany {
                        // What it says next waits in its own buffers, and costs nobody anything.
                        let until = Instant::now().checked_add(READ_ON_AFTER);
                        pause = until.map(|until| Box::pin(tokio::time::sleep_until(until)));
                    }
                }
                Err(ending) => break ending,
            },
        }
    };
    shared.counters.ended(ending);
    tracing::debug!(%ending, "a phone no longer listens");
    // Its place is free at once: the same phone may be on its way back.
    drop(guard);
    socket.close(ending, shared.close_timeout).await;
}
