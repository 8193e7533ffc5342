//! People who follow a script: what they were asked, and how a test waits until they are.

use std::sync::Arc;

use tokio::sync::watch;
use towline::{
    PhoneQuestion, PhoneStep, authenticator::Question, device::Visitor, hybrid::ResponderProgress,
};
use towline_virtual::{
    ScriptedPerson,
    person::{Asked, Reply, When},
};
use towline_virtual_phone::FakePhone;

/// What an authenticator asked.
pub fn questions(person: &ScriptedPerson) -> Vec<Question> {
    let question = |asked| match asked {
        Asked::Authenticator(question) => Some(question),
        _ => None,
    };
    person.heard().into_iter().filter_map(question).collect()
}

/// The computers that wanted to connect.
pub fn visitors(person: &ScriptedPerson) -> Vec<Visitor> {
    let visitor = |asked| match asked {
        Asked::Phone(PhoneQuestion::Connect(visitor)) => Some(visitor),
        _ => None,
    };
    person.heard().into_iter().filter_map(visitor).collect()
}

/// When a person is asked something: their script does not wait, but a test may have to.
#[derive(Debug, Clone)]
pub struct Moment(watch::Receiver<bool>);

impl Moment {
    /// Waits for it, or learns that it has been.
    pub async fn comes(&self) {
        self.0.clone().wait_for(|come| *come).await.expect("the rule of a script is kept");
    }

    pub fn has_come(&self) -> bool {
        *self.0.borrow()
    }
}

/// The person leaves the next such question open, and the test learns when it comes.
pub fn ignores(person: &ScriptedPerson, when: When) -> Moment {
    let (tell, told) = watch::channel(false);
    let does = move |_: &Asked| {
        tell.send_replace(true);
        Reply::Ignore
    };
    let _rule = person.when(when).does_as(does).once();
    Moment(told)
}

/// How the way to a computer goes, as a phone shows it.
#[derive(Debug, Clone, Default)]
pub struct Steps(Arc<watch::Sender<Went>>);

#[derive(Debug, Default)]
pub struct Went {
    /// The radios that broadcast.
    pub radios: Vec<String>,
    pub progress: Vec<ResponderProgress>,
}

impl Steps {
    /// Watches this phone.
    pub fn of(phone: FakePhone) -> (FakePhone, Self) {
        let steps = Self::default();
        let went = steps.0.clone();
        let watch = move |step: PhoneStep<'_>| {
            went.send_modify(|went| match step {
                PhoneStep::Advertising(radio) => went.radios.push(radio.to_owned()),
                PhoneStep::Progress(progress) => went.progress.push(progress),
                _ => {}
            });
        };
        (phone.with(|phone| phone.with_watcher(watch)), steps)
    }

    pub fn see<T>(&self, look: impl FnOnce(&Went) -> T) -> T {
        look(&self.0.borrow())
    }

    pub async fn until(&self, went: impl FnMut(&Went) -> bool) {
        self.0.subscribe().wait_for(went).await.expect("it holds its own sender");
    }
}
