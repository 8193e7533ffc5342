//! Which questions a rule is for: conditions that read as one sentence.

use std::{fmt, sync::Arc};

use towline_authenticator::{Purpose, Question};
use towline_device::PhoneQuestion;

use super::Asked;

/// Which questions a rule is for. Start with [`creating`], [`signing_in`] or another of these
/// functions, and narrow it down.
///
/// ```
/// use towline_virtual::person::{creating, verifying};
///
/// let when = creating().at("example.org").of("alice");
/// assert_eq!(when.to_string(), "creating a passkey, at example.org, of \"alice\"");
/// let narrow = verifying().and("the first attempt", |asked| !asked.to_string().contains("again"));
/// ```
#[derive(Clone)]
pub struct When(Vec<Condition>);

#[derive(Clone)]
struct Condition {
    says: String,
    holds: Arc<dyn Fn(&Asked) -> bool + Send + Sync>,
}

/// Whatever is asked.
#[must_use]
pub fn anything() -> When {
    When(Vec::new())
}

/// What fits a condition of your own; `says` is how a failing test names it.
#[must_use]
pub fn asked(says: &str, holds: impl Fn(&Asked) -> bool + Send + Sync + 'static) -> When {
    anything().and(says, holds)
}

/// A passkey is to be made, whether that is to be confirmed or wants a verification.
#[must_use]
pub fn creating() -> When {
    for_purpose("creating a passkey", |it| matches!(it, Purpose::Create { .. }))
}

/// A passkey is to be used.
#[must_use]
pub fn signing_in() -> When {
    for_purpose("signing in", |it| matches!(it, Purpose::Use { .. }))
}

/// There is a passkey already, beside which the site wants no other.
#[must_use]
pub fn already_registered() -> When {
    for_purpose("already registered", |it| matches!(it, Purpose::AlreadyRegistered { .. }))
}

/// The screen lock, a fingerprint or a face is asked for, whatever it is for.
#[must_use]
pub fn verifying() -> When {
    asked("verifying the user", |it| {
        matches!(it, Asked::Authenticator(Question::VerifyUser { .. }))
    })
}

/// A touch or a click is asked for, whatever it is for.
#[must_use]
pub fn confirming() -> When {
    asked("confirming", |it| matches!(it, Asked::Authenticator(Question::ConfirmPresence { .. })))
}

/// One of several accounts is to be chosen, on the authenticator or in the client.
#[must_use]
pub fn choosing() -> When {
    asked("choosing an account", |it| {
        let here = matches!(it, Asked::Authenticator(Question::ChooseAccount { .. }));
        here || matches!(it, Asked::Account { .. })
    })
}

/// The client asks for the PIN, or for a new one.
#[must_use]
pub fn typing_a_pin() -> When {
    asked("typing a PIN", |it| matches!(it, Asked::Pin { .. }))
}

/// The site is to learn which model of authenticator this is.
#[must_use]
pub fn attesting() -> When {
    for_purpose("telling the model", |it| matches!(it, Purpose::Attest { .. }))
}

/// The site is to learn which one device this is.
#[must_use]
pub fn identifying() -> When {
    for_purpose("telling the device", |it| matches!(it, Purpose::Identify { .. }))
}

/// A computer wants to connect to the phone.
#[must_use]
pub fn connecting() -> When {
    asked("connecting to a computer", |it| matches!(it, Asked::Phone(PhoneQuestion::Connect(_))))
}

/// The computer asks to remember the phone.
#[must_use]
pub fn remembering() -> When {
    asked("letting the computer remember the phone", |it| {
        matches!(it, Asked::Phone(PhoneQuestion::Remember))
    })
}

/// A computer asks the phone for digital credentials.
#[must_use]
pub fn showing_credentials() -> When {
    asked("showing digital credentials", |it| {
        matches!(it, Asked::Phone(PhoneQuestion::DigitalCredentials(_)))
    })
}

/// The person is told that there is no passkey for the site.
#[must_use]
pub fn nothing_to_use() -> When {
    asked("nothing to use", |it| matches!(it, Asked::Authenticator(Question::NothingToUse { .. })))
}

fn for_purpose(says: &str, fits: fn(&Purpose) -> bool) -> When {
    asked(says, move |it| it.purpose().is_some_and(fits))
}

impl When {
    /// Only for this RP ID.
    #[must_use]
    pub fn at(self, rp_id: &str) -> Self {
        let says = format!("at {rp_id}");
        let rp_id = rp_id.to_owned();
        self.and(&says, move |it| it.rp_id().is_some_and(|site| site.as_str() == rp_id))
    }

    /// Only for the account of this name.
    #[must_use]
    pub fn of(self, name: &str) -> Self {
        let says = format!("of {name:?}");
        let name = name.to_owned();
        self.and(&says, move |it| it.user().is_some_and(|user| user.name.as_deref() == Some(&name)))
    }

    /// Only where this holds, too; `says` is how a failing test names it. It is called while the
    /// person is asked, and must not script them.
    #[must_use]
    pub fn and(
        mut self,
        says: &str,
        holds: impl Fn(&Asked) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.0.push(Condition { says: says.to_owned(), holds: Arc::new(holds) });
        self
    }

    pub(super) fn fits(&self, asked: &Asked) -> bool {
        self.0.iter().all(|condition| (condition.holds)(asked))
    }

    /// How near it comes: the conditions that hold, in hundredths of all.
    pub(super) fn nearness(&self, asked: &Asked) -> usize {
        let holding = self.0.iter().filter(|condition| (condition.holds)(asked)).count();
        holding.saturating_mul(100).checked_div(self.0.len()).unwrap_or(100)
    }

    /// The conditions, each with whether it holds.
    pub(super) fn compared(&self, asked: &Asked) -> Vec<(&str, bool)> {
        let compared = |it: &Condition| (it.holds)(asked);
        self.0.iter().map(|it| (it.says.as_str(), compared(it))).collect()
    }
}

impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("anything");
        }
        let says: Vec<&str> = self.0.iter().map(|condition| condition.says.as_str()).collect();
        f.write_str(&says.join(", "))
    }
}

impl fmt::Debug for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "When({self})")
    }
}
