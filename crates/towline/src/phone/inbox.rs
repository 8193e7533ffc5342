//! What comes of a session while the person is busy.

use std::collections::VecDeque;

use towline_hybrid_tokio::{PhoneEvent, PhoneEvents};

/// The session's events, some of which come while the person is busy.
pub(super) struct Inbox {
    events: PhoneEvents,
    early: VecDeque<PhoneEvent>,
    pub(super) owed: Owed,
}

/// What the computer waits for.
pub(super) enum Owed {
    Nothing,
    /// The response to a CTAP request, which is under way.
    Response,
    /// This response, which is being sent.
    This(Vec<u8>),
    /// The response to a request for digital credentials.
    JsonResponse,
}

impl Inbox {
    pub(super) const fn new(events: PhoneEvents) -> Self {
        Self { events, early: VecDeque::new(), owed: Owed::Nothing }
    }

    pub(super) async fn next(&mut self) -> Option<PhoneEvent> {
        match self.early.pop_front() {
            Some(event) => Some(event),
            None => self.events.next().await,
        }
    }

    /// Waits until there is something else to do; keeps what came.
    pub(super) async fn busy(&mut self) {
        while let Some(event) = self.events.next().await {
            let other = matches!(
                event,
                PhoneEvent::Request(_)
                    | PhoneEvent::JsonRequest(_)
                    | PhoneEvent::Withdraw { .. }
                    | PhoneEvent::Finished(_)
            );
            self.early.push_back(event);
            if other {
                return;
            }
        }
    }

    /// Waits until what the person is asked is moot; keeps whatever else comes.
    pub(super) async fn withdrawn(&mut self) {
        while let Some(event) = self.events.next().await {
            match event {
                PhoneEvent::Withdraw { .. } | PhoneEvent::CancelRequest => return,
                PhoneEvent::Finished(_) => {
                    self.early.push_back(event);
                    return;
                }
                event => self.early.push_back(event),
            }
        }
    }
}
