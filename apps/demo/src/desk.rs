//! Questions that people see on the page, and the answers that they give there.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;
use towline::{
    Ask, Person, PhoneAnswer, PhoneAsk, PhoneQuestion,
    authenticator::{Answer, Event, Purpose, Question},
    ctap::{Rp, RpId, User},
    device::Wants,
};

use crate::{
    board::Board,
    devices::{DeviceId, site},
};

/// A question on the page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct QuestionView {
    pub(crate) number: u64,
    #[serde(flatten)]
    pub(crate) asked: Asked,
}

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub(crate) enum Asked {
    /// A phone: connect to this computer?
    Connect { wants: &'static str, may_remember: bool },
    /// A phone: may the computer remember it?
    Remember,
    /// A passkey is to be made.
    Create { site: String, account: String, replaces: bool },
    /// A passkey is to be used.
    Use { site: String, account: String },
    /// The screen lock, or the sensor of a key, for what `purpose` says.
    Verify { purpose: &'static str, site: String, account: String, left: u8, failed: bool },
    /// Which of several accounts to sign in with?
    Account { site: String, accounts: Vec<String> },
    /// Does the site learn which model this is?
    Attest { site: String },
    /// The computer is to be let in, for a site.
    Authorize { site: String },
    /// There is a passkey already.
    Already { site: String },
    /// The site asks for a passkey, and none is here.
    Nothing { site: String },
    /// Passkeys are to be written into a file; others can't leave.
    Export { passkeys: usize, stay: usize },
    /// Passkeys are to be taken in from a file.
    Import { passkeys: usize },
    /// The tablet is to be removed from the devices of its person.
    Lose,
    /// Phone B: is another tablet to have so many passkeys, and those to come?
    Add { passkeys: u64 },
    /// That tablet: is it to have them?
    Join { passkeys: u64 },
    /// Everything is to be deleted.
    Reset,
    /// Something else, as a sentence.
    Other { text: String },
    /// The browser: which way?
    Way { phones: Vec<String>, ways: Vec<Way> },
}

/// A way to an authenticator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Way {
    /// A phone, by a code.
    Phone,
    /// What is built into the computer.
    Laptop,
    /// A security key.
    Key,
}

/// What a person presses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Reply {
    Allow,
    Remember,
    Refuse,
    /// The right finger.
    Finger,
    WrongFinger,
    Account(usize),
    /// The browser's dialog: this way.
    Way(Way),
    /// The browser's dialog: this linked phone.
    Linked(usize),
}

/// The questions that are open. A clone is the same desk.
#[derive(Clone)]
pub(crate) struct Desk {
    board: Board,
    open: Arc<Mutex<Open>>,
}

#[derive(Default)]
struct Open {
    last: u64,
    replies: BTreeMap<u64, oneshot::Sender<Reply>>,
}

impl Desk {
    pub(crate) fn new(board: Board) -> Self {
        Self { board, open: Arc::default() }
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Shows a question on a device, until the returned value is dropped.
    pub(crate) fn post(&self, device: DeviceId, asked: Asked) -> Posted {
        let (sender, reply) = oneshot::channel();
        let number = {
            let mut open = self.lock();
            open.last = open.last.saturating_add(1);
            let number = open.last;
            open.replies.insert(number, sender);
            number
        };
        self.board.mark("asked", false);
        let view = QuestionView { number, asked };
        self.questions(device, |questions| questions.push(view));
        Posted { desk: self.clone(), device, number, reply }
    }

    fn questions(&self, device: DeviceId, change: impl FnOnce(&mut Vec<QuestionView>)) {
        self.board.change(|scene| match device {
            DeviceId::Browser => change(&mut scene.browser.questions),
            _ => {
                if let Some(view) = scene.devices.get_mut(&device) {
                    change(&mut view.questions);
                }
            }
        });
    }

    /// A person presses a button. Whether the question was still open.
    pub(crate) fn answer(&self, number: u64, reply: Reply) -> bool {
        let waiting = self.lock().replies.remove(&number);
        if waiting.is_some() {
            self.board.mark("answered", true);
        }
        waiting.is_some_and(|waiting| waiting.send(reply).is_ok())
    }
}

/// A question that is open.
pub(crate) struct Posted {
    desk: Desk,
    device: DeviceId,
    number: u64,
    reply: oneshot::Receiver<Reply>,
}

impl Posted {
    /// Waits for what the person presses. Cancel-safe.
    pub(crate) async fn reply(&mut self) -> Reply {
        // Senders are dropped by answering alone.
        (&mut self.reply).await.unwrap_or(Reply::Refuse)
    }
}

impl Drop for Posted {
    fn drop(&mut self) {
        self.desk.lock().replies.remove(&self.number);
        let number = self.number;
        self.desk.questions(self.device, |questions| {
            questions.retain(|question| question.number != number);
        });
    }
}

/// The person in front of a device: whoever looks at the page.
pub(crate) struct Holder {
    pub(crate) device: DeviceId,
    pub(crate) desk: Desk,
}

impl Person for Holder {
    fn ask(&mut self, mut ask: Ask) {
        let asked = self.asked(ask.question());
        let attests = matches!(asked, Asked::Attest { .. });
        let several =
            matches!(asked, Asked::Account { .. }) && DeviceId::HANDSETS.contains(&self.device);
        let board = self.desk.board.clone();
        let mut posted = self.desk.post(self.device, asked);
        tokio::spawn(async move {
            let reply = tokio::select! {
                reply = posted.reply() => Some(reply),
                () = ask.withdrawn() => None,
            };
            drop(posted);
            let Some(reply) = reply else { return };
            if attests {
                board.done(6);
            }
            if several && matches!(reply, Reply::Account(_)) {
                board.done(13);
            }
            let answer = answer(ask.question(), reply);
            ask.answer(answer);
        });
    }

    fn phone_asks(&mut self, mut ask: PhoneAsk) {
        let asked = match ask.question() {
            PhoneQuestion::Connect(visitor) => Asked::Connect {
                wants: match visitor.wants {
                    Wants::SignIn => "sign-in",
                    Wants::Passkey => "passkey",
                    _ => "other",
                },
                may_remember: visitor.may_remember,
            },
            PhoneQuestion::Remember => Asked::Remember,
            _ => return ask.deny(),
        };
        let mut posted = self.desk.post(self.device, asked);
        tokio::spawn(async move {
            let reply = tokio::select! {
                reply = posted.reply() => Some(reply),
                () = ask.withdrawn() => None,
            };
            drop(posted);
            match reply {
                Some(Reply::Allow) => ask.answer(PhoneAnswer::Approve),
                Some(Reply::Remember) => ask.answer(PhoneAnswer::ApproveAndRemember),
                _ => ask.deny(),
            }
        });
    }

    fn notice(&mut self, event: &Event) {
        let notice = match event {
            Event::Created { rp, user, .. } => {
                Some(("created", format!("{} · {}", name(user), of_rp(rp))))
            }
            Event::Used { rp_id, .. } => Some(("used", self.site(rp_id))),
            Event::AlreadyRegistered { rp, .. } => Some(("already", of_rp(rp))),
            Event::VerificationLocked { .. } => Some(("locked", String::new())),
            Event::Reset => Some(("wiped", String::new())),
            _ => None,
        };
        if let Some(notice) = notice {
            self.desk.board.device(self.device, |view| view.notice = Some(notice));
        }
    }
}

fn name(user: &User) -> String {
    user.name.clone().or_else(|| user.display_name.clone()).unwrap_or_default()
}

fn of_rp(rp: &Rp) -> String {
    site(&rp.id, rp.name.as_deref())
}

impl Holder {
    /// What the site is called by the passkeys that the device has for it.
    fn site(&self, id: &RpId) -> String {
        self.desk.board.look(|scene| {
            let passkeys = scene.devices.get(&self.device).map(|view| view.passkeys.as_slice());
            let known = passkeys.unwrap_or_default().iter().find(|known| known.rp_id == *id);
            known.map_or_else(|| site(id, None), |known| known.site.clone())
        })
    }

    fn asked(&self, question: &Question) -> Asked {
        match question {
            Question::ConfirmPresence { purpose } => self.of_purpose(purpose, question),
            Question::VerifyUser { purpose, attempts_left, failed_before } => {
                let (purpose, site, account) = match self.of_purpose(purpose, question) {
                    Asked::Create { site, account, .. } => ("create", site, account),
                    Asked::Use { site, account } => ("use", site, account),
                    Asked::Attest { site } => ("attest", site, String::new()),
                    Asked::Already { site } => ("already", site, String::new()),
                    Asked::Authorize { site } => ("authorize", site, String::new()),
                    _ => ("other", String::new(), String::new()),
                };
                let (left, failed) = (*attempts_left, *failed_before);
                Asked::Verify { purpose, site, account, left, failed }
            }
            Question::ChooseAccount { rp_id, accounts } => Asked::Account {
                site: self.site(rp_id),
                accounts: accounts.iter().map(name).collect(),
            },
            Question::NothingToUse { rp_id } => Asked::Nothing { site: self.site(rp_id) },
            _ => Asked::Other { text: question.to_string() },
        }
    }

    fn of_purpose(&self, purpose: &Purpose, question: &Question) -> Asked {
        match purpose {
            Purpose::Create { rp, user, replaces } => {
                Asked::Create { site: of_rp(rp), account: name(user), replaces: *replaces }
            }
            Purpose::Use { rp_id, user } => Asked::Use {
                site: self.site(rp_id),
                account: user.as_ref().map(name).unwrap_or_default(),
            },
            Purpose::Attest { rp } | Purpose::Identify { rp } => Asked::Attest { site: of_rp(rp) },
            Purpose::AlreadyRegistered { rp, .. } => Asked::Already { site: of_rp(rp) },
            Purpose::Authorize { rp_id: Some(rp_id), .. } => {
                Asked::Authorize { site: self.site(rp_id) }
            }
            Purpose::Reset { .. } => Asked::Reset,
            _ => Asked::Other { text: question.to_string() },
        }
    }
}

/// What a button means as the answer to a question. One that does not fit is a no.
fn answer(question: &Question, reply: Reply) -> Answer {
    match (question, reply) {
        (Question::VerifyUser { .. }, Reply::Finger) => Answer::Verified,
        (Question::VerifyUser { .. }, Reply::WrongFinger) => Answer::NotVerified,
        (Question::ChooseAccount { .. }, Reply::Account(index)) => Answer::Account(index),
        (_, Reply::Allow) => question.agreement().unwrap_or(Answer::Deny),
        _ => Answer::Deny,
    }
}
