//! Messages that wait for their answer, so that others can cancel them.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::oneshot;

use crate::SessionId;

/// How many messages are remembered that were cancelled before they came: each is sent on a
/// connection of its own, and they may overtake one another.
const EARLY: usize = 64;

/// The longest id of a message that can be cancelled, in bytes.
const LONGEST: usize = 64;

type Name = (SessionId, String);

/// The messages of all sessions that wait. A clone is a handle to the same.
#[derive(Debug, Clone, Default)]
pub(crate) struct UnderWay(Arc<Mutex<Waiting>>);

#[derive(Debug, Default)]
struct Waiting {
    messages: BTreeMap<Name, oneshot::Sender<()>>,
    early: VecDeque<Name>,
}

impl UnderWay {
    /// Resolves when somebody cancels this message. A second one of the same name takes the first
    /// one's place, which can't be cancelled from then on.
    pub(crate) async fn cancelled(&self, session: &SessionId, id: &str) {
        let name = (session.clone(), id.to_owned());
        if id.len() > LONGEST {
            return std::future::pending().await;
        }
        let (sender, receiver) = oneshot::channel();
        {
            let mut waiting = self.lock();
            if let Some(place) = waiting.early.iter().position(|it| *it == name) {
                waiting.early.remove(place);
                return;
            }
            waiting.messages.insert(name.clone(), sender);
        }
        let _gone = Gone(self, name);
        if receiver.await.is_err() {
            // Another message has the name now.
            std::future::pending::<()>().await;
        }
    }

    /// Cancels this message, now or when it comes.
    pub(crate) fn cancel(&self, session: &SessionId, id: &str) {
        let name = (session.clone(), id.to_owned());
        let mut waiting = self.lock();
        if let Some(sender) = waiting.messages.remove(&name) {
            // Whoever waited may have been answered this moment.
            let _too_late = sender.send(());
        } else if id.len() <= LONGEST {
            if waiting.early.len() >= EARLY {
                waiting.early.pop_front();
            }
            waiting.early.push_back(name);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes a message off the list when nobody waits for it any more.
struct Gone<'a>(&'a UnderWay, Name);

impl Drop for Gone<'_> {
    fn drop(&mut self) {
        let mut waiting = self.0.lock();
        // Another one of the same name waits with a sender that is open.
        if waiting.messages.get(&self.1).is_some_and(oneshot::Sender::is_closed) {
            waiting.messages.remove(&self.1);
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
    fn a_message_is_cancelled_before_or_after_it_comes_and_only_in_its_session() {
        let (under_way, one, two) =
            (UnderWay::default(), SessionId::new("one"), SessionId::new("two"));
        let mut first = pin!(under_way.cancelled(&one, "a"));
        assert_eq!(poll(first.as_mut()), Poll::Pending);
        under_way.cancel(&two, "a");
        assert_eq!(poll(first.as_mut()), Poll::Pending);
        under_way.cancel(&one, "a");
        assert_eq!(poll(first.as_mut()), Poll::Ready(()));

        under_way.cancel(&one, "b");
        assert_eq!(poll(pin!(under_way.cancelled(&one, "b"))), Poll::Ready(()));
        // It was remembered once.
        assert_eq!(poll(pin!(under_way.cancelled(&one, "b"))), Poll::Pending);
    }

    #[test]
    fn nothing_is_kept_of_messages_that_nobody_waits_for() {
        let (under_way, one) = (UnderWay::default(), SessionId::new("one"));
        for id in ["a", "b"] {
            let mut message = Box::pin(under_way.cancelled(&one, id));
            assert_eq!(poll(message.as_mut()), Poll::Pending);
        }
        assert!(under_way.lock().messages.is_empty());
        for number in 0..1_000 {
            under_way.cancel(&one, &number.to_string());
        }
        assert_eq!(under_way.lock().early.len(), EARLY);
    }
}
