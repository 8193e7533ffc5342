//! What the phone's person is asked, as sentences, and what they can say.

use std::{
    fmt,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use super::CodeSource;
use crate::qr::Hint;

/// Computers give a code up about then.
const OLD: Duration = Duration::from_secs(120);

/// How far the clocks of two devices are apart without anybody's fault.
const APART: u64 = 300;

/// Names one question, once in the life of the process: no session takes the answer to another
/// one's question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct QuestionToken(u64);

impl QuestionToken {
    /// One that there has not been before.
    pub(super) fn unique() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// What the person is asked. Its `Display` form is a sentence that a simple dialog can show.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResponderQuestion {
    /// Connect to this computer? The first question, before anything is sent.
    Connect(ConnectQuestion),
    /// May the computer remember this phone? Asked when its first request is answered, after
    /// [`ResponderAnswer::ConnectAndAskLater`]; the transaction goes on meanwhile.
    Remember,
}

/// "Connect to the computer that shows this code?"
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConnectQuestion {
    /// What the computer says it is going to ask for.
    pub hint: Hint,
    /// How the code came to the phone.
    pub source: CodeSource,
    /// When the computer says it made the code, in seconds of Unix time.
    pub made_at: Option<u64>,
    /// When it is asked, in seconds of Unix time: how old the code is follows from it.
    pub asked_at: Option<u64>,
    /// Whether the person may let the computer remember this phone: the computer can, and this
    /// phone offers it.
    pub may_remember: bool,
}

/// What the person says to a [`ResponderQuestion`].
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResponderAnswer {
    /// Connect to the computer.
    Connect {
        /// Let the computer remember this phone; without effect where the question does not offer
        /// it.
        remember: bool,
    },
    /// Yes, connect, and ask whether the computer may remember this phone when its first request is
    /// answered; as a no where the question does not offer it.
    ConnectAndAskLater,
    /// Yes, the computer may remember this phone.
    Remember,
    /// No, to any question.
    Decline,
}

/// For a dialog or a terminal: nothing in it is a computer's own words.
impl fmt::Display for ResponderQuestion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect(question) => question.fmt(f),
            Self::Remember => f.write_str(
                "May the computer remember this phone, so that you need not scan a code next time?",
            ),
        }
    }
}

/// Which computer, what for, where its code came from and how old it is.
impl fmt::Display for ConnectQuestion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.source {
            CodeSource::Camera => "Connect to the computer whose code you scanned?",
            CodeSource::Typed => "Connect to the computer whose code you typed or pasted?",
            CodeSource::File => "Connect to the computer whose code is in the picture?",
            CodeSource::Link => {
                "Connect to a computer? Its code came as a link that another program opened: say no unless you started \
                 this yourself, on a computer in front of you."
            }
            CodeSource::Ring => "Connect to a computer that you let remember this phone?",
        })?;
        f.write_str(match self.hint {
            Hint::GetAssertion => " It wants to sign in.",
            Hint::MakeCredential => " It wants to make a passkey.",
            Hint::CredentialPresentation => " It wants to see a digital credential.",
            Hint::CredentialIssuance => " It wants to put a digital credential on this phone.",
        })?;
        match self.age() {
            Some(Age::Known(age)) => {
                write!(f, " The code was made {} ago", Rough(age))?;
                f.write_str(if age < OLD {
                    "."
                } else {
                    ": if the computer shows another one by now, scan that."
                })
            }
            Some(Age::Unlikely) => f.write_str(
                " When the code was made is not known: the clocks of computer and phone are apart.",
            ),
            None => Ok(()),
        }
    }
}

enum Age {
    Known(Duration),
    /// It was made in the time to come.
    Unlikely,
}

impl ConnectQuestion {
    /// With the time at which it is asked, in seconds of Unix time, so that its sentence can say
    /// how old the code is.
    #[must_use]
    pub const fn asked_at(mut self, unix_time: u64) -> Self {
        self.asked_at = Some(unix_time);
        self
    }

    fn age(&self) -> Option<Age> {
        let (made, asked) = (self.made_at?, self.asked_at?);
        Some(match asked.checked_sub(made) {
            Some(age) => Age::Known(Duration::from_secs(age)),
            None if made.saturating_sub(asked) <= APART => Age::Known(Duration::ZERO),
            None => Age::Unlikely,
        })
    }
}

/// A time as people say it: "1 second", "25 minutes".
struct Rough(Duration);

impl fmt::Display for Rough {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        let (number, unit) = match seconds {
            0..120 => (seconds, "second"),
            120..7_200 => (seconds / 60, "minute"),
            7_200..172_800 => (seconds / 3_600, "hour"),
            _ => (seconds / 86_400, "day"),
        };
        write!(f, "{number} {unit}{}", if number == 1 { "" } else { "s" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MADE: u64 = 1_790_000_000;

    fn question(source: CodeSource, hint: Hint, made_at: Option<u64>) -> ConnectQuestion {
        ConnectQuestion { hint, source, made_at, may_remember: false, asked_at: None }
    }

    #[test]
    fn the_first_question_says_where_the_code_came_from_and_what_the_computer_wants() {
        let says = |source, hint| question(source, hint, None).to_string();
        let table = [
            (
                CodeSource::Camera,
                Hint::GetAssertion,
                "Connect to the computer whose code you scanned? It wants to sign in.",
            ),
            (
                CodeSource::Typed,
                Hint::MakeCredential,
                "Connect to the computer whose code you typed or pasted? It wants to make a passkey.",
            ),
            (
                CodeSource::File,
                Hint::CredentialPresentation,
                "Connect to the computer whose code is in the picture? It wants to see a digital credential.",
            ),
            (
                CodeSource::Link,
                Hint::CredentialIssuance,
                "Connect to a computer? Its code came as a link that another program opened: say no unless you started \
                 this yourself, on a computer in front of you. It wants to put a digital credential on this phone.",
            ),
            (
                CodeSource::Ring,
                Hint::GetAssertion,
                "Connect to a computer that you let remember this phone? It wants to sign in.",
            ),
        ];
        for (source, hint, sentence) in table {
            assert_eq!(says(source, hint), sentence);
        }
    }

    #[test]
    fn the_first_question_says_how_old_the_code_is() {
        let scanned = question(CodeSource::Camera, Hint::GetAssertion, Some(MADE));
        let base = "Connect to the computer whose code you scanned? It wants to sign in.";
        let renew = "if the computer shows another one by now, scan that.";
        for (asked, rest) in [
            (MADE, " The code was made 0 seconds ago.".to_owned()),
            (MADE + 1, " The code was made 1 second ago.".to_owned()),
            (MADE + 119, " The code was made 119 seconds ago.".to_owned()),
            (MADE + 24 * 60, format!(" The code was made 24 minutes ago: {renew}")),
            (MADE + 3 * 3_600, format!(" The code was made 3 hours ago: {renew}")),
            (
                u64::MAX,
                format!(" The code was made {} days ago: {renew}", (u64::MAX - MADE) / 86_400),
            ),
            (MADE - 60, " The code was made 0 seconds ago.".to_owned()),
            (
                MADE - 3_600,
                " When the code was made is not known: the clocks of computer and phone are apart."
                    .to_owned(),
            ),
        ] {
            assert_eq!(scanned.asked_at(asked).to_string(), format!("{base}{rest}"));
        }
        assert_eq!(scanned.to_string(), base, "without a clock there is no age");
        let old = question(CodeSource::Camera, Hint::GetAssertion, None);
        assert_eq!(old.asked_at(MADE).to_string(), base);
    }

    #[test]
    fn no_two_questions_of_a_process_have_one_token() {
        let tokens: std::collections::BTreeSet<_> =
            (0..100).map(|_| QuestionToken::unique()).collect();
        assert_eq!(tokens.len(), 100);
    }
}
