//! A tunnel: two sockets, and what each sends passed on to the other.
//!
//! A direction reads on only after the other side took what was read before, so that a slow reader slows its sender down and
//! nothing piles up here. Its buffer is there only while there is something in it: a tunnel in which nothing happens holds none.

use std::cell::RefCell;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::AsyncWrite;
use tokio::time::{Instant, Sleep};
use towline_hybrid::relay::{Ending, Meter};
use towline_websocket::{Event as Sent, Forwarder, Opcode, Reader, Violation};

use crate::mailbox::{Event, Events};
use crate::shared::Shared;
use crate::socket::{Peer, Socket, ending_of};

/// What is read, and passed on, at once, in bytes: longer messages go on in fragments.
const BUFFER: usize = 64 * 1024;

/// How many buffers a thread keeps for its tunnels.
const SPARE: usize = 16;

/// Times without end are this long.
const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);

thread_local! {
    /// Buffers that nobody uses. For each thread its own, since each message takes one and gives it back.
    static BUFFERS: RefCell<Vec<Box<[u8]>>> = const { RefCell::new(Vec::new()) };
}

fn take_buffer() -> Box<[u8]> {
    let spare = BUFFERS.with_borrow_mut(Vec::pop);
    spare.unwrap_or_else(|| vec![0; BUFFER].into_boxed_slice())
}

fn give_back(buffer: Box<[u8]>) {
    BUFFERS.with_borrow_mut(|buffers| {
        if buffers.len() < SPARE {
            buffers.push(buffer);
        }
    });
}

/// One side of a tunnel: its socket, and what it may still send.
pub(crate) struct End {
    pub(crate) socket: Box<Socket>,
    pub(crate) meter: Meter,
}

/// Why a direction ended, as each side gets to know it.
#[derive(Clone, Copy)]
struct Endings {
    sender: Ending,
    receiver: Ending,
}

/// Runs the tunnel to its end and closes both sockets. What it needs is boxed, so that a connection that waits does not hold it.
pub(crate) async fn run(mut pair: Box<Pair<'_>>, mut events: Events) {
    let (phone_ending, computer_ending) = {
        let mut alarm = std::pin::pin!(tokio::time::sleep_until(pair.next_deadline()));
        poll_fn(|cx| {
            if let Poll::Ready(endings) = pair.poll(cx) {
                return Poll::Ready(endings);
            }
            while let Poll::Ready(event) = events.poll_next(cx) {
                // A tunnel id is used once, so there is no second partner; and nobody here listens.
                if let Event::Close(ending) = event {
                    return Poll::Ready((ending, ending));
                }
            }
            pair.poll_deadlines(cx, alarm.as_mut())
        })
        .await
    };
    pair.shared.counters.ended(phone_ending);
    pair.shared.counters.ended(computer_ending);
    tracing::debug!(phone = %phone_ending, computer = %computer_ending, "tunnel over");
    let patience = pair.shared.close_timeout;
    let (phone, computer) = pair.part();
    tokio::join!(phone.close(phone_ending, patience), computer.close(computer_ending, patience),);
}

/// Two sockets, and what flows between them.
pub(crate) struct Pair<'shared> {
    shared: &'shared Shared,
    phone: Box<Socket>,
    computer: Box<Socket>,
    from_phone: Direction,
    from_computer: Direction,
    /// When a message was passed on last. Half a message is none: whoever dribbles one is idle.
    last: Instant,
}

impl<'shared> Pair<'shared> {
    pub(crate) fn new(shared: &'shared Shared, mut phone: End, mut computer: End) -> Box<Self> {
        Box::new(Self {
            shared,
            from_phone: Direction::new(shared, &mut phone, &mut computer.socket),
            from_computer: Direction::new(shared, &mut computer, &mut phone.socket),
            phone: phone.socket,
            computer: computer.socket,
            last: Instant::now(),
        })
    }

    /// Passes on what can be passed on; how it ended for the phone and for the computer.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<(Ending, Ending)> {
        let Self { shared, phone, computer, from_phone, from_computer, last } = self;
        loop {
            if let Poll::Ready(over) = from_phone.poll(cx, shared, phone, computer, last) {
                return Poll::Ready((over.sender, over.receiver));
            }
            let unsent = computer.outbox.len();
            if let Poll::Ready(over) = from_computer.poll(cx, shared, computer, phone, last) {
                return Poll::Ready((over.receiver, over.sender));
            }
            // Pongs to one side are sent by the direction that leads there, and may hold up the other one.
            let held_up = from_phone.held_up && phone.keeps_up()
                || from_computer.held_up && computer.keeps_up();
            if !held_up && computer.outbox.len() <= unsent {
                return Poll::Pending;
            }
        }
    }

    /// What has taken too long.
    fn poll_deadlines(
        &mut self,
        cx: &mut Context<'_>,
        mut alarm: Pin<&mut Sleep>,
    ) -> Poll<(Ending, Ending)> {
        let next = self.next_deadline();
        // An alarm that is too early costs nothing; setting it again for each message would.
        if next < alarm.deadline() {
            alarm.as_mut().reset(next);
        }
        loop {
            ready!(alarm.as_mut().poll(cx));
            let now = Instant::now();
            if self.from_phone.stalled(now) {
                return Poll::Ready((Ending::PeerVanished, Ending::Stalled));
            }
            if self.from_computer.stalled(now) {
                return Poll::Ready((Ending::Stalled, Ending::PeerVanished));
            }
            if after(self.last, self.shared.limits.idle_time) <= now {
                return Poll::Ready((Ending::Idle, Ending::Idle));
            }
            alarm.as_mut().reset(self.next_deadline());
        }
    }

    fn next_deadline(&self) -> Instant {
        let idle = after(self.last, self.shared.limits.idle_time);
        let stalled = [self.from_phone.until, self.from_computer.until];
        stalled.into_iter().flatten().fold(idle, Instant::min)
    }

    /// Both sockets, with what has to be sent before anything else.
    fn part(self: Box<Self>) -> (Box<Socket>, Box<Socket>) {
        let Self { mut phone, mut computer, from_phone, from_computer, .. } = *self;
        from_phone.leave(&mut phone, &mut computer);
        from_computer.leave(&mut computer, &mut phone);
        (phone, computer)
    }
}

fn after(since: Instant, time: Duration) -> Instant {
    since.checked_add(time.min(YEAR)).unwrap_or(since)
}

/// What one side sends to the other.
struct Direction {
    forwarder: Forwarder,
    meter: Meter,
    buffer: Option<Box<[u8]>>,
    /// Some of what is ready is sent, but not all of it.
    midway: bool,
    /// What was sent still has to leave.
    unflushed: bool,
    /// The sender is not read, since it does not take its pongs.
    held_up: bool,
    /// By when the receiver has to take what it has not.
    until: Option<Instant>,
    /// Messages that end in what is ready, and the bytes of all that is in it.
    messages: u64,
    bytes: usize,
    /// Why nothing follows after what is ready.
    over: Option<Ending>,
}

/// Why a direction stops, out of what a client sent.
struct Stop(Ending);

impl From<Violation> for Stop {
    fn from(violation: Violation) -> Self {
        Self(ending_of(violation))
    }
}

impl From<Ending> for Stop {
    fn from(ending: Ending) -> Self {
        Self(ending)
    }
}

impl Direction {
    fn new(shared: &Shared, from: &mut End, to: &mut Socket) -> Self {
        let mut reader = std::mem::replace(&mut from.socket.reader, Reader::new(0));
        reader.set_limit(shared.limits.message_bytes);
        // What came of a message before there was anybody to pass it on to.
        let message = std::mem::take(&mut from.socket.message);
        let begun = !message.is_empty();
        if begun {
            to.outbox.push(Opcode::Binary, false, &message);
        }
        Self {
            forwarder: Forwarder::resume(reader, begun),
            meter: from.meter.clone(),
            buffer: None,
            midway: false,
            unflushed: false,
            held_up: false,
            until: None,
            messages: 0,
            bytes: message.len(),
            over: None,
        }
    }

    fn stalled(&self, now: Instant) -> bool {
        self.until.is_some_and(|until| until <= now)
    }

    fn poll(
        &mut self,
        cx: &mut Context<'_>,
        shared: &Shared,
        from: &mut Socket,
        to: &mut Socket,
        last: &mut Instant,
    ) -> Poll<Endings> {
        loop {
            match self.poll_send(cx, to) {
                Poll::Ready(Ok(())) => self.until = None,
                // What the other direction reads tells more about a socket that can't be written; here it is just gone.
                Poll::Ready(Err(_)) => {
                    let ending = Ending::PeerVanished;
                    return Poll::Ready(Endings { sender: ending, receiver: ending });
                }
                Poll::Pending => {
                    self.until.get_or_insert_with(|| after(Instant::now(), shared.write_timeout));
                    return Poll::Pending;
                }
            }
            if self.bytes > 0 || self.messages > 0 {
                if self.messages > 0 {
                    *last = Instant::now();
                }
                shared.count(self.messages, self.bytes);
                (self.messages, self.bytes) = (0, 0);
            }
            if let Some(sender) = self.over {
                let receiver =
                    if sender == Ending::PeerLeft { sender } else { Ending::PeerVanished };
                return Poll::Ready(Endings { sender, receiver });
            }
            if let Err(ending) = ready!(self.poll_receive(cx, from)) {
                self.over = Some(ending);
            }
        }
    }

    /// All that the receiver is to get, in whole frames: what is ready, and before or after it what is in its outbox.
    fn poll_send(&mut self, cx: &mut Context<'_>, to: &mut Socket) -> Poll<std::io::Result<()>> {
        if !self.midway {
            ready!(to.poll_send(cx))?;
        }
        if let Some(buffer) = &self.buffer {
            while let ready @ [_, ..] = self.forwarder.ready(buffer) {
                let sent = match ready!(Pin::new(&mut to.stream).poll_write(cx, ready)) {
                    Ok(sent) if sent > 0 => sent,
                    Ok(_) | Err(_) => {
                        to.peer = Peer::Gone;
                        return Poll::Ready(Err(std::io::ErrorKind::BrokenPipe.into()));
                    }
                };
                self.forwarder.sent(sent);
                self.midway = !self.forwarder.ready(buffer).is_empty();
                self.unflushed = true;
            }
        }
        if self.unflushed {
            ready!(Pin::new(&mut to.stream).poll_flush(cx))?;
            self.unflushed = false;
        }
        if self.forwarder.is_empty()
            && let Some(buffer) = self.buffer.take()
        {
            give_back(buffer);
        }
        Poll::Ready(Ok(()))
    }

    /// What the sender sends, made ready.
    fn poll_receive(
        &mut self,
        cx: &mut Context<'_>,
        from: &mut Socket,
    ) -> Poll<Result<(), Ending>> {
        self.held_up = !from.keeps_up();
        if self.held_up {
            return Poll::Pending;
        }
        if from.inbox.is_empty() {
            ready!(from.stream.poll_ready(cx));
        }
        let mut buffer = self.buffer.take().unwrap_or_else(take_buffer);
        let read = self.poll_fill(cx, from, &mut buffer);
        let made = match read {
            Poll::Ready(Ok(())) => Poll::Ready(self.process(from, &mut buffer)),
            nothing => nothing,
        };
        if self.forwarder.is_empty() {
            give_back(buffer);
        } else {
            self.buffer = Some(buffer);
        }
        made
    }

    fn poll_fill(
        &mut self,
        cx: &mut Context<'_>,
        from: &mut Socket,
        buffer: &mut [u8],
    ) -> Poll<Result<(), Ending>> {
        let room = self.forwarder.room(buffer);
        let read = if from.inbox.is_empty() {
            ready!(from.poll_read(cx, room))?
        } else {
            // What came before there was anybody to pass it on to.
            let early = from.inbox.len().min(room.len());
            for (place, byte) in room.iter_mut().zip(from.inbox.drain(..early)) {
                *place = byte;
            }
            early
        };
        self.forwarder.filled(read);
        Poll::Ready(Ok(()))
    }

    fn process(&mut self, from: &mut Socket, buffer: &mut [u8]) -> Result<(), Ending> {
        let Self { forwarder, meter, messages, bytes, .. } = self;
        let Socket { outbox, peer, .. } = from;
        let processed = forwarder.process(buffer, |event| match event {
            Sent::Piece { length, first, last } => {
                meter.handle_piece(length, first)?;
                if length == 0 && !last {
                    meter.handle_control()?;
                }
                *messages = messages.saturating_add(last.into());
                *bytes = bytes.saturating_add(length);
                Ok(())
            }
            Sent::Ping(payload) => {
                meter.handle_control()?;
                outbox.push(Opcode::Pong, true, payload);
                Ok(())
            }
            Sent::Pong => Ok(meter.handle_control()?),
            Sent::Close(code) => {
                *peer = Peer::Left(code);
                Err(Stop(Ending::PeerLeft))
            }
        });
        processed.map_err(|Stop(ending)| {
            if *peer == Peer::There {
                *peer = Peer::Garbled;
            }
            ending
        })
    }

    /// Gives the sockets back what they need for their end: the receiver the rest of a frame that it has begun to get, the sender
    /// whoever finds its last word.
    fn leave(self, from: &mut Socket, to: &mut Socket) {
        if let Some(buffer) = &self.buffer {
            from.inbox.extend_from_slice(self.forwarder.raw(buffer));
            let rest = self.forwarder.ready(buffer);
            if self.midway {
                to.outbox.push_first(rest);
            } else {
                to.outbox.push_last(rest);
            }
        }
        from.reader = self.forwarder.into_reader();
    }
}
