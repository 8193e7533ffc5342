//! Messages that wait for their answer, so that others can cancel them.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
};

use tokio::sync::oneshot;

/// How many messages are remembered that were cancelled before they came: each is sent on a
/// connection of its own, and they may overtake one another.
const EARLY: usize = 64;

/// The longest id of a message that can be cancelled, in bytes.
const LONGEST: usize = 64;

/// The messages of a session that wait, by their ids.
#[derive(Debug, Default)]
pub(crate) struct UnderWay(Mutex<Waiting>);

#[derive(Debug, Default)]
struct Waiting {
    messages: BTreeMap<String, oneshot::Sender<()>>,
    early: VecDeque<String>,
}

impl UnderWay {
    /// Resolves when somebody cancels this message. A second one of the same id takes the first
    /// one's place, which can't be cancelled from then on.
    pub(crate) async fn cancelled(&self, id: &str) {
        if id.len() > LONGEST {
            return std::future::pending().await;
        }
        let (sender, receiver) = oneshot::channel();
        {
            let mut waiting = self.lock();
            if let Some(place) = waiting.early.iter().position(|it| it == id) {
                waiting.early.remove(place);
                return;
            }
            waiting.messages.insert(id.to_owned(), sender);
        }
        let _gone = Gone(self, id);
        if receiver.await.is_err() {
            // Another message has the id now.
            std::future::pending::<()>().await;
        }
    }

    /// Cancels this message, now or when it comes.
    pub(crate) fn cancel(&self, id: &str) {
        let mut waiting = self.lock();
        if let Some(sender) = waiting.messages.remove(id) {
            // Whoever waited may have been answered this moment.
            let _too_late = sender.send(());
        } else if id.len() <= LONGEST {
            if waiting.early.len() >= EARLY {
                waiting.early.pop_front();
            }
            waiting.early.push_back(id.to_owned());
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes a message off the list when nobody waits for it any more.
struct Gone<'a>(&'a UnderWay, &'a str);

impl Drop for Gone<'_> {
    fn drop(&mut self) {
        let mut waiting = self.0.lock();
        // Another one of the same id waits with a sender that is open.
        if waiting.messages.get(self.1).is_some_and(oneshot::Sender::is_closed) {
            waiting.messages.remove(self.1);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        future::Future,
        pin::pin,
        task::{Context, Poll, Waker},
    };

    use super::*;

    fn poll(future: std::pin::Pin<&mut impl Future<Output = ()>>) -> Poll<()> {
        future.poll(&mut Context::from_waker(Waker::noop()))
    }

    #[test]
    fn a_message_is_cancelled_before_or_after_it_comes() {
        let under_way = UnderWay::default();
        let mut first = pin!(under_way.cancelled("a"));
        assert_eq!(poll(first.as_mut()), Poll::Pending);
        under_way.cancel("b");
        assert_eq!(poll(first.as_mut()), Poll::Pending);
        under_way.cancel("a");
        assert_eq!(poll(first.as_mut()), Poll::Ready(()));

        assert_eq!(poll(pin!(under_way.cancelled("b"))), Poll::Ready(()));
        // It was remembered once.
        assert_eq!(poll(pin!(under_way.cancelled("b"))), Poll::Pending);
    }

    #[test]
    fn nothing_is_kept_of_messages_that_nobody_waits_for() {
        let under_way = UnderWay::default();
        for id in ["a", "b"] {
            let mut message = Box::pin(under_way.cancelled(id));
            assert_eq!(poll(message.as_mut()), Poll::Pending);
        }
        assert!(under_way.lock().messages.is_empty());
        for number in 0..1_000 {
            under_way.cancel(&number.to_string());
        }
        assert_eq!(under_way.lock().early.len(), EARLY);
    }
}
