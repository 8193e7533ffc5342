//! A person who does what a test says, and remembers what they saw.

use std::{collections::VecDeque, future::pending, sync::Arc};

use tokio::sync::watch;
use towline::{
    Ask, Person, PhoneAnswer, PhoneAsk, PhoneQuestion, PhoneStep,
    authenticator::{Answer, Event, Question},
    device::Visitor,
    hybrid::ResponderProgress,
};

/// What the person does about one question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    Say(Answer),
    /// Looks away, for ever.
    Ignore,
}

/// What the person does about "connect to this computer?".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Connect {
    #[default]
    Yes,
    /// And it may remember this phone.
    Remember,
    /// And ask me about remembering when it is done.
    AskLater,
    No,
    Ignore,
}

/// What the person saw, and is going to do. Without instructions they agree.
#[derive(Debug, Default)]
pub struct Memory {
    pub replies: VecDeque<Reply>,
    pub connect: Connect,
    /// What the person says when asked again; nothing is for ever.
    pub remember: Option<bool>,
    pub remember_asked: usize,
    pub questions: Vec<Question>,
    pub connects: Vec<Visitor>,
    pub notices: Vec<Event>,
    pub radios: Vec<String>,
    pub progress: Vec<ResponderProgress>,
    /// Requests for digital credentials, and what is said to them; nothing is for ever.
    pub credentials_asked: Vec<Vec<u8>>,
    pub credentials: Option<Vec<u8>>,
}

/// A handle to one person: the device has one, the test another.
#[derive(Debug, Clone, Default)]
pub struct Hand(Arc<watch::Sender<Memory>>);

impl Hand {
    pub fn new() -> Self {
        Self::default()
    }

    /// Answers the next questions so.
    pub fn will(&self, replies: impl IntoIterator<Item = Reply>) {
        self.0.send_modify(|memory| memory.replies.extend(replies));
    }

    pub fn will_say(&self, answers: impl IntoIterator<Item = Answer>) {
        self.will(answers.into_iter().map(Reply::Say));
    }

    pub fn will_connect(&self, connect: Connect) {
        self.0.send_modify(|memory| memory.connect = connect);
    }

    /// Says so when asked again whether the computer may remember the phone.
    pub fn set_remember(&self, remember: Option<bool>) {
        self.0.send_modify(|memory| memory.remember = remember);
    }

    pub fn questions(&self) -> Vec<Question> {
        self.0.borrow().questions.clone()
    }

    pub fn notices(&self) -> Vec<Event> {
        self.0.borrow().notices.clone()
    }

    pub fn see<T>(&self, look: impl FnOnce(&Memory) -> T) -> T {
        look(&self.0.borrow())
    }

    /// Says so to whoever asks for digital credentials.
    pub fn will_show(&self, credentials: &[u8]) {
        self.0.send_modify(|memory| memory.credentials = Some(credentials.to_vec()));
    }

    /// Waits until the person has seen something.
    pub async fn until(&self, seen: impl FnMut(&Memory) -> bool) {
        self.0.subscribe().wait_for(seen).await.expect("a hand holds its own sender");
    }

    /// Waits until a question of the authenticator is open, the first or another.
    pub async fn until_asked(&self) {
        let before = self.see(|memory| memory.questions.len());
        self.until(|memory| memory.questions.len() > before).await;
    }
}

impl Hand {
    /// Sees how the way to a computer goes.
    pub fn watcher(&self) -> impl FnMut(PhoneStep<'_>) + use<> {
        let hand = self.clone();
        move |step| {
            hand.0.send_modify(|memory| match step {
                PhoneStep::Advertising(radio) => memory.radios.push(radio.to_owned()),
                PhoneStep::Progress(progress) => memory.progress.push(progress),
                _ => {}
            });
        }
    }

    /// What the person says, if anything, to a question of the phone's own.
    fn says(&self, question: &PhoneQuestion) -> Option<PhoneAnswer> {
        let mut answer = None;
        self.0.send_modify(|memory| {
            answer = match question {
                PhoneQuestion::Connect(visitor) => {
                    memory.connects.push(visitor.clone());
                    match memory.connect {
                        Connect::Yes => Some(PhoneAnswer::Approve),
                        Connect::Remember => Some(PhoneAnswer::ApproveAndRemember),
                        Connect::AskLater => Some(PhoneAnswer::ApproveAndAskLater),
                        Connect::No => Some(PhoneAnswer::Deny),
                        Connect::Ignore => None,
                    }
                }
                PhoneQuestion::Remember => {
                    memory.remember_asked += 1;
                    let yes_or_no =
                        |yes| if yes { PhoneAnswer::Approve } else { PhoneAnswer::Deny };
                    memory.remember.map(yes_or_no)
                }
                PhoneQuestion::DigitalCredentials(request) => {
                    memory.credentials_asked.push(request.clone());
                    memory.credentials.clone().map(PhoneAnswer::DigitalCredentials)
                }
                other => panic!("what a person is not asked here: {other:?}"),
            };
        });
        answer
    }
}

impl Person for Hand {
    fn ask(&mut self, ask: Ask) {
        let mut reply = None;
        self.0.send_modify(|memory| {
            memory.questions.push(ask.question().clone());
            reply = memory.replies.pop_front();
        });
        match reply {
            Some(Reply::Say(answer)) => ask.answer(answer),
            Some(Reply::Ignore) => ask.answer_with(|_| pending()),
            None => {
                let agreement = ask.question().simulated_agreement();
                ask.answer(agreement);
            }
        }
    }

    fn phone_asks(&mut self, ask: PhoneAsk) {
        match self.says(ask.question()) {
            Some(answer) => ask.answer(answer),
            None => ask.answer_with(|_| pending()),
        }
    }

    fn notice(&mut self, event: &Event) {
        self.0.send_modify(|memory| memory.notices.push(event.clone()));
    }
}
