//! What comes of a session while the person is busy.

use std::collections::VecDeque;

use towline_hybrid_tokio::phone::{Event, Events};

/// The session's events, some of which come while the person is busy.
pub(super) struct Inbox {
    events: Events,
    early: VecDeque<Event>,
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
    pub(super) const fn new(events: Events) -> Self {
        Self { events, early: VecDeque::new(), owed: Owed::Nothing }
    }

    pub(super) async fn next(&mut self) -> Option<Event> {
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
                Event::Request(_)
                    | Event::JsonRequest(_)
                    | Event::Withdraw { .. }
                    | Event::Finished(_)
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
                Event::Withdraw { .. } | Event::CancelRequest => return,
                Event::Finished(_) => {
                    self.early.push_back(event);
                    return;
                }
                event => self.early.push_back(event),
            }
        }
    }
}
