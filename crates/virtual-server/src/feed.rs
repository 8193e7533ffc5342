//! What happens, for those who follow it: the log of a session, and its subscribers.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use serde::Serialize;
use tokio::sync::Notify;
use utoipa::ToSchema;

use crate::{
    AuthenticatorId, Base64Url, CeremonyId, Exchange, PhoneEnding, PhoneId, ScreenId, ServiceError,
    ServiceLimits, StoredCredential,
};

/// Something that has happened in a session.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Notice {
    /// Its number in the session, from 1. Where one is missing, a slow reader has lost it.
    pub number: u64,
    /// When it happened, in milliseconds by the clock of the session.
    pub at: u64,
    /// What it was.
    #[serde(flatten)]
    pub what: What,
}

/// What has happened.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(tag = "event", rename_all = "camelCase", rename_all_fields = "camelCase")]
#[non_exhaustive]
pub enum What {
    /// An authenticator came.
    AuthenticatorAdded {
        /// The name by which it is addressed.
        authenticator_id: AuthenticatorId,
    },
    /// An authenticator went, with its passkeys.
    AuthenticatorRemoved {
        /// The name by which it is addressed.
        authenticator_id: AuthenticatorId,
    },
    /// A passkey was made, or added.
    CredentialAdded {
        /// The authenticator that keeps it.
        authenticator_id: AuthenticatorId,
        /// What is kept of it.
        credential: Box<StoredCredential>,
    },
    /// A passkey was deleted: by a site's signal, by the service, by a client, or by a new one.
    CredentialDeleted {
        /// The authenticator that kept it.
        authenticator_id: AuthenticatorId,
        /// The id by which sites knew it.
        credential_id: Base64Url,
    },
    /// What is kept of a passkey was changed, by more than its use.
    CredentialUpdated {
        /// The authenticator that keeps it.
        authenticator_id: AuthenticatorId,
        /// What is kept of it now.
        credential: Box<StoredCredential>,
    },
    /// A passkey has signed in.
    CredentialAsserted {
        /// The authenticator that keeps it.
        authenticator_id: AuthenticatorId,
        /// What is kept of it now, its counter included.
        credential: Box<StoredCredential>,
    },
    /// A client has sent a request of CTAP2.
    Request {
        /// The authenticator that it was sent to.
        authenticator_id: AuthenticatorId,
        /// What was sent, as it came from the client.
        #[schema(value_type = Object)]
        request: Exchange,
    },
    /// An authenticator has answered.
    Response {
        /// The authenticator that has.
        authenticator_id: AuthenticatorId,
        /// What was answered, with all that is wrong with it.
        #[schema(value_type = Object)]
        response: Exchange,
    },
    /// A page, or a program, wants something.
    CeremonyBegan {
        /// The name of the ceremony.
        ceremony_id: CeremonyId,
        /// `create` or `get`.
        verb: &'static str,
        /// The origin of the page.
        origin: String,
        /// The RP ID.
        rp_id: String,
    },
    /// A ceremony is over.
    CeremonyEnded {
        /// The name of the ceremony.
        ceremony_id: CeremonyId,
        /// The authenticator that gave the result, if there is one.
        #[serde(skip_serializing_if = "Option::is_none")]
        authenticator_id: Option<AuthenticatorId>,
        /// The name of the exception, if there is no result.
        #[serde(skip_serializing_if = "Option::is_none")]
        error: Option<&'static str>,
    },
    /// The person is asked something that stays open until they are answered for.
    QuestionOpened {
        /// The authenticator in front of which the person is.
        authenticator_id: AuthenticatorId,
        /// What is asked, as the person sees it.
        question: String,
    },
    /// A phone came.
    PhoneAdded {
        /// The name by which it is addressed.
        phone_id: PhoneId,
    },
    /// A phone went.
    PhoneRemoved {
        /// The name by which it is addressed.
        phone_id: PhoneId,
    },
    /// A phone has come so far on its way to a computer.
    PhoneStep {
        /// The phone that is on its way.
        phone_id: PhoneId,
        /// `connecting`, `advertising` or `connected`.
        step: &'static str,
        /// What that is, for people.
        message: String,
    },
    /// A computer has sent a request of CTAP2 to a phone.
    PhoneRequest {
        /// Which phone it is, by its name in the session.
        phone_id: PhoneId,
        /// What was sent.
        #[schema(value_type = Object)]
        request: Exchange,
    },
    /// A phone has answered.
    PhoneResponse {
        /// Which phone it is, by its name in the session.
        phone_id: PhoneId,
        /// What was answered.
        #[schema(value_type = Object)]
        response: Exchange,
    },
    /// The connection of a phone to a computer is over.
    PhoneEnded {
        /// Which phone it is, by its name in the session.
        phone_id: PhoneId,
        /// How it ended.
        #[serde(flatten)]
        ending: PhoneEnding,
    },
    /// Who holds a phone is asked something that stays open until they are answered for.
    PhoneQuestionOpened {
        /// Which phone it is, by its name in the session.
        phone_id: PhoneId,
        /// What is asked, as the person sees it.
        question: String,
    },
    /// A computer shows a code.
    CodeShown {
        /// The screen that it is on.
        screen_id: ScreenId,
        /// What a phone has to read: `FIDO:/` and digits.
        code: String,
    },
    /// It is over with a computer's screen.
    ScreenEnded {
        /// Which screen it was, by its name in the session.
        screen_id: ScreenId,
        /// Why there is nothing for the site, as the person reads it, if so.
        #[serde(skip_serializing_if = "Option::is_none")]
        error: Option<String>,
    },
}

/// Those who follow what happens in one session, and what has happened last.
pub(crate) struct Feed {
    state: Mutex<State>,
    limits: Arc<ServiceLimits>,
}

#[derive(Default)]
struct State {
    number: u64,
    log: VecDeque<Arc<Notice>>,
    subscribers: Vec<std::sync::Weak<Mailbox>>,
}

#[derive(Default)]
struct Mailbox {
    waiting: Mutex<Waiting>,
    filled: Notify,
}

#[derive(Default)]
struct Waiting {
    notices: VecDeque<Arc<Notice>>,
    lost: u64,
    closed: bool,
}

impl Feed {
    pub(crate) fn new(limits: &Arc<ServiceLimits>) -> Self {
        Self { state: Mutex::default(), limits: limits.clone() }
    }

    pub(crate) fn tell(&self, at: u64, what: What) {
        let mut state = lock(&self.state);
        state.number = state.number.saturating_add(1);
        let notice = Arc::new(Notice { number: state.number, at, what });
        while state.log.len() >= self.limits.log.max(1) {
            state.log.pop_front();
        }
        state.log.push_back(notice.clone());
        state.subscribers.retain(|subscriber| {
            let Some(mailbox) = subscriber.upgrade() else { return false };
            mailbox.put(&notice, self.limits.queue);
            true
        });
    }

    pub(crate) fn log(&self, after: u64) -> Vec<Arc<Notice>> {
        let state = lock(&self.state);
        state.log.iter().filter(|notice| notice.number > after).cloned().collect()
    }

    pub(crate) fn subscribe(&self) -> Result<Subscription, ServiceError> {
        let mut state = lock(&self.state);
        state.subscribers.retain(|subscriber| subscriber.strong_count() > 0);
        let most = self.limits.subscribers;
        if state.subscribers.len() >= most {
            return Err(ServiceError::Full { what: "subscribers of this session", most });
        }
        let mailbox = Arc::new(Mailbox::default());
        state.subscribers.push(Arc::downgrade(&mailbox));
        Ok(Subscription(mailbox))
    }

    /// Nothing more will happen here.
    pub(crate) fn close(&self) {
        for mailbox in lock(&self.state).subscribers.drain(..).filter_map(|it| it.upgrade()) {
            lock(&mailbox.waiting).closed = true;
            mailbox.filled.notify_one();
        }
    }
}

impl Mailbox {
    fn put(&self, notice: &Arc<Notice>, most: usize) {
        let mut waiting = lock(&self.waiting);
        while waiting.notices.len() >= most.max(1) {
            waiting.notices.pop_front();
            waiting.lost = waiting.lost.saturating_add(1);
        }
        waiting.notices.push_back(notice.clone());
        drop(waiting);
        self.filled.notify_one();
    }
}

/// What happens in a session from now on. One that is dropped is over.
pub struct Subscription(Arc<Mailbox>);

/// What a subscriber is told.
#[derive(Debug, Clone, PartialEq)]
pub enum Told {
    /// This has happened.
    Notice(Arc<Notice>),
    /// So many notices were lost, because they were not read in time; the next one is the oldest
    /// that is left.
    Lost(u64),
}

impl Subscription {
    /// What comes next, if it is there already.
    #[must_use]
    pub fn try_next(&self) -> Option<Told> {
        let mut waiting = lock(&self.0.waiting);
        match std::mem::take(&mut waiting.lost) {
            0 => waiting.notices.pop_front().map(Told::Notice),
            lost => Some(Told::Lost(lost)),
        }
    }

    /// What comes next; `None` when the session is over. Cancel-safe, for one reader at a time.
    pub async fn next(&self) -> Option<Told> {
        loop {
            if let Some(told) = self.try_next() {
                return Some(told);
            }
            if lock(&self.0.waiting).closed {
                return None;
            }
            self.0.filled.notified().await;
        }
    }
}

impl std::fmt::Debug for Subscription {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Subscription")
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing is left half done under the lock.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
