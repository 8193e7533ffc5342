//! The events of a phone that listens, as they wait for somebody who is busy: never many, and none
//! that is moot.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use towline_hybrid::ListenerEvent;

/// How many rings that are over are kept to be told of, more than a machine remembers. Their
/// programs have not looked at them.
const MOST_OVER: usize = 128;

#[derive(Default)]
struct Queue {
    events: VecDeque<ListenerEvent>,
    waker: Option<Waker>,
    ended: bool,
}

/// The end that events come out of.
pub struct ListenerEvents(Arc<Mutex<Queue>>);

/// The end that they go into.
pub(super) struct Teller(Arc<Mutex<Queue>>);

pub(super) fn queue() -> (Teller, ListenerEvents) {
    let queue = Arc::new(Mutex::new(Queue::default()));
    (Teller(queue.clone()), ListenerEvents(queue))
}

fn lock(queue: &Mutex<Queue>) -> MutexGuard<'_, Queue> {
    queue.lock().unwrap_or_else(PoisonError::into_inner)
}

impl ListenerEvents {
    /// The next event; `None` after the last. Cancel-safe. What nobody reads is kept as far as it
    /// still matters: the rings that wait for an answer, and whether the phone listens.
    pub async fn next(&mut self) -> Option<ListenerEvent> {
        poll_fn(|context| self.poll_next(context)).await
    }

    /// The next event, if there is one; the last task that asked is woken when there is.
    pub fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<ListenerEvent>> {
        let mut queue = lock(&self.0);
        match queue.events.pop_front() {
            Some(event) => Poll::Ready(Some(event)),
            None if queue.ended => Poll::Ready(None),
            None => {
                queue.waker = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }
}

impl Teller {
    pub(super) fn add(&self, event: ListenerEvent) {
        let mut queue = lock(&self.0);
        let events = &mut queue.events;
        let moot = match &event {
            // A ring that nobody has heard of, and nobody needs to any more.
            ListenerEvent::Over { token } => {
                let unheard = events.iter().position(
                    |waiting| matches!(waiting, ListenerEvent::Rung { token: rung, .. } if rung == token),
                );
                let over = |waiting: &&ListenerEvent| matches!(waiting, ListenerEvent::Over { .. });
                match unheard {
                    Some(index) => {
                        events.remove(index);
                        true
                    }
                    None => events.iter().filter(over).count() >= MOST_OVER,
                }
            }
            // How it is counts, and not how it was.
            ListenerEvent::Listening | ListenerEvent::Lost { .. } => {
                events.retain(|told| {
                    !matches!(told, ListenerEvent::Listening | ListenerEvent::Lost { .. })
                });
                false
            }
            // The machine has a limit for rings that wait, and ends once.
            _ => false,
        };
        if !moot {
            events.push_back(event);
        }
        let waker = queue.waker.take();
        drop(queue);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl Drop for Teller {
    fn drop(&mut self) {
        let mut queue = lock(&self.0);
        queue.ended = true;
        let waker = queue.waker.take();
        drop(queue);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use towline_crypto::Secret;
    use towline_hybrid::domain::TunnelDomain;
    use towline_hybrid::ids::{ClientNonce, LinkId, RoutingId, TunnelId};
    use towline_hybrid::link::{ClientPayload, ContactKey};
    use towline_hybrid::qr::Hint;
    use towline_hybrid::{Decision, Effect, Listener, ListenerConfig, Machine, Opened, RingToken};
    use towline_rendezvous::message::{FromService, RingId};

    use super::*;

    struct Phone {
        machine: Listener,
        teller: Teller,
        now: Instant,
        told: u64,
    }

    impl Phone {
        fn new() -> (Self, ListenerEvents) {
            let now = Instant::now();
            let config =
                ListenerConfig::new(TunnelDomain::GOOGLE, ContactKey::new(Secret::new([7; 32])));
            let provider = towline_crypto::rustcrypto::provider();
            let mut machine = Listener::new(config, &provider, now);
            machine.handle_opened(Opened::default(), now);
            let (teller, events) = queue();
            let mut phone = Self { machine, teller, now, told: 0 };
            phone.tell();
            (phone, events)
        }

        fn hear(&mut self, message: &FromService) {
            self.machine.handle_frame(message.encode(), self.now);
            self.tell();
        }

        fn tell(&mut self) {
            while let Some(output) = self.machine.poll_output() {
                self.told = self.told.saturating_add(1);
                if let Effect::Tell(event) = output {
                    self.teller.add(event);
                }
            }
        }

        fn ring(&mut self, number: u64) {
            let payload = ClientPayload {
                link_id: LinkId::new([1; 8]),
                nonce: ClientNonce::new(u128::from(number).to_be_bytes()),
                hint: Hint::GetAssertion,
            };
            self.hear(&FromService::Ring {
                ring: RingId(number),
                routing_id: RoutingId::new([1; 3]),
                tunnel_id: TunnelId::new(u128::from(number).to_be_bytes()),
                payload: payload.encode(),
            });
        }
    }

    fn drain(events: &ListenerEvents) -> Vec<ListenerEvent> {
        lock(&events.0).events.drain(..).collect()
    }

    fn rung(events: &ListenerEvents) -> Vec<RingToken> {
        drain(events)
            .into_iter()
            .filter_map(|event| match event {
                ListenerEvent::Rung { token, .. } => Some(token),
                _ => None,
            })
            .collect()
    }

    #[test]
    fn the_rings_of_a_busy_phone_do_not_pile_up() {
        let (mut phone, events) = Phone::new();
        for number in 0..20_000 {
            phone.ring(number);
            phone.hear(&FromService::Over(RingId(number)));
            let waiting = lock(&events.0).events.len();
            assert!(waiting <= 2, "{waiting} events wait after {number} rings");
        }
        assert!(phone.told > 40_000);
        assert_eq!(drain(&events), [ListenerEvent::Listening], "no ring that is over is told of");
    }

    #[test]
    fn rings_that_were_heard_of_and_are_over_do_not_pile_up_either() {
        let (mut phone, events) = Phone::new();
        for number in 0..1000 {
            phone.ring(number);
            for token in rung(&events) {
                phone.machine.handle_decision(token, Decision::Come, phone.now);
            }
            phone.tell();
        }
        for number in 0..1000 {
            phone.hear(&FromService::Over(RingId(number)));
        }
        assert!(lock(&events.0).events.len() <= MOST_OVER);
    }

    #[test]
    fn a_connection_that_comes_and_goes_is_told_of_as_it_is() {
        let (mut phone, events) = Phone::new();
        for _ in 0..1000 {
            phone.machine.handle_closed(phone.now);
            phone.now = phone.machine.poll_timeout().unwrap();
            phone.machine.handle_timeout(phone.now);
            phone.tell();
            phone.machine.handle_opened(Opened::default(), phone.now);
        }
        assert!(matches!(drain(&events)[..], [ListenerEvent::Lost { .. }]));
        phone.tell();
        assert_eq!(drain(&events), [ListenerEvent::Listening]);
    }
}
