//! A tunnel: two sockets, and what each sends passed on to the other.
//!
//! Both directions run in one task, and one alarm watches over what takes too long.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::time::{Instant, Sleep};
use towline_rendezvous::Ending;

use crate::direction::Direction;
use crate::happening::Happening;
use crate::mailbox::{Event, Events};
use crate::shared::{Shared, after};
use crate::socket::{End, Socket};

/// Runs the tunnel to its end and closes both sockets. What it needs is boxed, so that a connection
/// that waits does not hold it.
pub(crate) async fn run(mut pair: Box<Pair<'_>>, mut events: Events) {
    let (number, began) = (pair.shared.counters.begun(), pair.last);
    pair.shared.tell(Happening::Met { number });
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
    let (after, phone, computer) = (began.elapsed(), phone_ending, computer_ending);
    pair.shared.tell(Happening::Parted { number, after, phone, computer });
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
            // Pongs to one side are sent by the direction that leads there, and may hold up the
            // other one.
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
