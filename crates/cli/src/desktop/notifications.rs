//! org.freedesktop.Notifications 1.2, as far as a question needs it.
//!
//! What a person presses belongs to the notification that asked: its signals are subscribed to
//! before it is shown, so that no press is lost, and only those of its id and of who shows it
//! count. It is taken off the screen when nobody waits for its answer any more, however far it had
//! come.

use std::{
    collections::HashMap,
    future::poll_fn,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    sync::oneshot,
    task::JoinSet,
    time::{sleep, timeout},
};
use towline::authenticator::{Answer, Question};
use zbus::{
    Connection, MatchRule, Message, MessageStream, export::futures_core::Stream as _,
    message::Type, names::OwnedUniqueName, zvariant::Value,
};

use crate::{exit::Failure, person::account_name};

const SERVICE: &str = "org.freedesktop.Notifications";
const PATH: &str = "/org/freedesktop/Notifications";

/// What the buttons are called, for programs.
const YES: &str = "yes";
const NO: &str = "no";

/// `NotificationClosed`: the person took it away, so that it is a no. Any other reason is nobody's
/// answer.
const BY_THE_PERSON: u32 = 2;

/// Urgency "critical": it stays until it is answered.
const CRITICAL: u8 = 2;

/// How long after a notification went away by itself the question is shown again.
const AGAIN: Duration = Duration::from_secs(1);

/// How long the end of the program waits until its notifications are off the screen.
const CLEARING: Duration = Duration::from_secs(2);

/// Asks by notification. A clone asks by the same connection.
#[derive(Clone)]
pub(crate) struct Desktop {
    bus: Connection,
    /// What shows and takes away, and is to be finished whatever becomes of the question.
    tasks: Arc<Mutex<JoinSet<()>>>,
}

impl Desktop {
    /// Whether there is somebody who shows notifications.
    pub(crate) async fn find() -> Result<Self, Failure> {
        let found = async {
            let bus = Connection::session().await?;
            bus.call_method(Some(SERVICE), PATH, Some(SERVICE), "GetServerInformation", &())
                .await?;
            zbus::Result::Ok(bus)
        };
        let bus = found.await.map_err(|error| {
            let message =
                format!("notifications can't be shown here ({error}); use --presence ask");
            Failure::environment("no_notifications", message)
        })?;
        Ok(Self { bus, tasks: Arc::default() })
    }

    /// A notification that the person closed is a no. None if it can't be shown.
    pub(crate) async fn answer(&self, question: &Question) -> Option<Answer> {
        loop {
            match self.pressed(question).await? {
                Pressed::Button(name) => return Some(meant(question, &name)),
                Pressed::Closed(BY_THE_PERSON) => return Some(Answer::Deny),
                // It expired, say, or another program took it away; the question is still open.
                Pressed::Closed(_) => sleep(AGAIN).await,
            }
        }
    }

    /// Waits until no notification of this program is on the screen any more, but not for long.
    pub(crate) async fn clear(&self) {
        let clearing = async {
            loop {
                let tasks = self.unfinished();
                if tasks.is_empty() {
                    return;
                }
                // One that shows leaves one that takes away.
                tasks.join_all().await;
            }
        };
        let _ = timeout(CLEARING, clearing).await;
    }

    /// Shows the question once, until something is pressed.
    async fn pressed(&self, question: &Question) -> Option<Pressed> {
        let rule = MatchRule::builder().msg_type(Type::Signal).sender(SERVICE).ok()?;
        let rule = rule.interface(SERVICE).ok()?.path(PATH).ok()?.build();
        let mut signals = MessageStream::for_match_rule(rule, &self.bus, None).await.ok()?;
        let shown = self.show(question).await?;
        loop {
            let signal =
                poll_fn(|context| Pin::new(&mut signals).poll_next(context)).await?.ok()?;
            if let Some(pressed) = shown.pressed(&signal) {
                return Some(pressed);
            }
        }
    }

    /// Shows it in a task of its own: what is on the screen is known to somebody who takes it off
    /// again, even if this future is dropped in the middle.
    async fn show(&self, question: &Question) -> Option<Shown> {
        let (desktop, body, actions) = (self.clone(), body(question), actions(question));
        let (send, shown) = oneshot::channel();
        self.spawn(async move {
            let hints = HashMap::from([("urgency", Value::from(CRITICAL))]);
            let actions: Vec<&str> = actions.iter().map(String::as_str).collect();
            let notification =
                ("towline", 0_u32, "", "Security key", body.as_str(), actions, hints, 0_i32);
            let shown = desktop.bus.call_method(
                Some(SERVICE),
                PATH,
                Some(SERVICE),
                "Notify",
                &notification,
            );
            if let Ok(reply) = shown.await
                && let Ok(id) = reply.body().deserialize()
                && let Some(by) = reply.header().sender()
            {
                let shown = Shown { desktop: desktop.clone(), id, by: by.to_owned().into() };
                // One that nobody waits for is dropped here, and so taken off again.
                let _ = send.send(shown);
            }
        });
        shown.await.ok()
    }

    fn unfinished(&self) -> JoinSet<()> {
        std::mem::take(&mut *self.tasks.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        while tasks.try_join_next().is_some() {}
        tasks.spawn(task);
    }
}

/// What became of a notification.
#[derive(Debug, PartialEq, Eq)]
enum Pressed {
    Button(String),
    Closed(u32),
}

/// A notification on the screen. Taken off when nobody waits for it any more.
struct Shown {
    desktop: Desktop,
    id: u32,
    /// Who shows it: signals of others, which anybody can send, do not count.
    by: OwnedUniqueName,
}

impl Shown {
    /// What the signal says about this very notification.
    fn pressed(&self, signal: &Message) -> Option<Pressed> {
        let header = signal.header();
        if header.sender().is_none_or(|sender| *sender != *self.by) {
            return None;
        }
        match header.member()?.as_str() {
            "ActionInvoked" => {
                let (id, name): (u32, String) = signal.body().deserialize().ok()?;
                // A click beside the buttons is none of them.
                (id == self.id && name != "default").then_some(Pressed::Button(name))
            }
            "NotificationClosed" => {
                let (id, reason): (u32, u32) = signal.body().deserialize().ok()?;
                (id == self.id).then_some(Pressed::Closed(reason))
            }
            _ => None,
        }
    }
}

impl Drop for Shown {
    fn drop(&mut self) {
        let (bus, id) = (self.desktop.bus.clone(), self.id);
        self.desktop.spawn(async move {
            // Unknown is one that the person has closed.
            let _ = bus
                .call_method(Some(SERVICE), PATH, Some(SERVICE), "CloseNotification", &(id,))
                .await;
        });
    }
}

/// The answer that a button stands for.
fn meant(question: &Question, button: &str) -> Answer {
    match (question, button) {
        (Question::ChooseAccount { accounts, .. }, number) => {
            let account = number.parse().ok().filter(|number| *number < accounts.len());
            account.map_or(Answer::Deny, Answer::Account)
        }
        // The question says that it is simulated.
        (Question::VerifyUser { .. } | Question::EnrollFingerprint { .. }, YES) => {
            question.simulated_agreement()
        }
        (_, YES) => question.agreement().unwrap_or(Answer::Deny),
        _ => Answer::Deny,
    }
}

/// Names of buttons for programs and for people, in turn.
fn actions(question: &Question) -> Vec<String> {
    let mut actions = Vec::new();
    match question {
        Question::ChooseAccount { accounts, .. } => {
            for (number, account) in accounts.iter().enumerate() {
                actions.extend([number.to_string(), account_name(account)]);
            }
        }
        _ => actions.extend([YES.to_owned(), "Yes".to_owned()]),
    }
    actions.extend([NO.to_owned(), "No".to_owned()]);
    actions
}

fn body(question: &Question) -> String {
    let simulated = match question {
        Question::VerifyUser { .. } | Question::EnrollFingerprint { .. } => {
            " The sensor is SIMULATED: Yes counts as a finger that it knows."
        }
        _ => "",
    };
    escaped(&format!("{question}{simulated}"))
}

/// Many desktops read the text of a notification as markup, and names in it come from strangers.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
