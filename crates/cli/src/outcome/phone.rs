//! The table's side of the phone.

use super::{End, Moment, with_advice};
use crate::{
    exit::{Exit, Failure},
    qr::age,
};

/// What else is known at the phone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Facts {
    /// The site that was asked for last.
    pub(crate) site: Option<String>,
    /// How old the code is, in seconds.
    pub(crate) code_age: Option<i64>,
    /// A passkey was saved for the last request.
    pub(crate) saved: bool,
}

/// What the phone says. Nothing for what is no failure.
pub(crate) fn at_the_phone(moment: Moment, end: &End, facts: &Facts) -> Option<Failure> {
    use Exit::{Environment, Failed, Interrupted, Refused, TimedOut, Usage};
    let site = facts.site.as_deref().unwrap_or("the site");
    let nothing = done_so_far(moment, facts);
    let (exit, reason, message) = match end {
        End::Done => return None,
        End::Nothing => (
            Failed,
            "nothing_done",
            "the computer asked for no passkey, and nothing was done; start again there if it should".into(),
        ),
        End::Declined => (
            Refused,
            "declined",
            "you declined the connection, and nothing was sent: the computer goes on waiting; cancel it there".into(),
        ),
        End::Refused => (
            Refused,
            "refused",
            "you declined, and nothing was done; start again at the computer if that was not meant".into(),
        ),
        End::AlreadyRegistered => (
            Failed,
            "already_registered",
            format!("this phone already holds a passkey for {site} that the site knows; sign in with it, or register another device"),
        ),
        End::NoPasskey => (
            Failed,
            "no_credentials",
            format!("no passkey for {site} on this phone; sign in another way, or with the phone that has it"),
        ),
        End::Lacks(status) => (
            Failed,
            "not_supported",
            format!(
                "{site} asks for what this phone does not have: {}",
                with_advice(*status, "use another phone or a security key")
            ),
        ),
        End::Full => (
            Failed,
            "full",
            "there is no room for another passkey; remove one first, with `towline keys`".into(),
        ),
        End::WrongLock => (
            Failed,
            "not_verified",
            "the screen lock was not opened, and nothing was done; start again at the computer".into(),
        ),
        End::LockBlocked => (
            Failed,
            "locked",
            "the screen lock takes no attempts for now, after too many wrong ones, and nothing was done; wait a while, \
             and start again at the computer"
                .into(),
        ),
        End::Failed(status) => (
            Failed,
            "failed",
            format!(
                "this phone could not do it: {}",
                with_advice(*status, "start again at the computer")
            ),
        ),
        End::NobodyAnswered => (
            TimedOut,
            "timed_out",
            match moment {
                Moment::Answered => "nobody answered here in time, so the computer was told no, and nothing was done; \
                                     start again at the computer"
                    .into(),
                _ => {
                    format!("nobody answered here in time, and {nothing}; start again at the computer")
                }
            },
        ),
        End::CalledOff => called_off(moment, facts),
        End::Gone => (Failed, "closed", gone(moment, facts)),
        End::NobodyNear(message) => (TimedOut, "timed_out", nobody_near(message, facts)),
        End::TooSlow(what) => (
            TimedOut,
            "timed_out",
            format!("{what}, and {nothing}; start again at the computer, with a new code"),
        ),
        End::CodeUsed => (
            Usage,
            "code_used",
            "this code was used already, or is too old; have the computer show a new one".into(),
        ),
        End::RelayFull => (
            Environment,
            "relay",
            "the relay has no room now, and nothing was done; try again in a minute".into(),
        ),
        End::NoRelay(why) => (Environment, "relay", why.clone()),
        End::Machine(failure) => return Some(failure.clone()),
        End::LinkForgotten => (
            Failed,
            "failed",
            "this phone does not know that computer any more; have it show a code".into(),
        ),
        End::NoCommonWay(why) => (Failed, "no_common_way", why.clone()),
        End::NotACode(why) => (Usage, "not_a_code", why.clone()),
        End::Misbehaved(why) => (Failed, "misbehaved", why.clone()),
        End::Site(why) => (Failed, "failed", why.clone()),
        End::Interrupted => (Interrupted, "interrupted", stopped("with Ctrl-C", moment, facts)),
        End::Terminated => (Interrupted, "interrupted", stopped("by SIGTERM", moment, facts)),
        End::Quit => (Refused, "cancelled", stopped("by you", moment, facts)),
        End::Replaced => (
            Refused,
            "replaced",
            "another code took its place, and nothing was done for this one; go on with the other".into(),
        ),
        End::Internal(why) => (Failed, "failed", why.clone()),
    };
    Some(Failure::new(exit, reason, message))
}

/// The phone knows what became of a request: nothing, as long as its person has not answered.
const fn done_so_far(moment: Moment, facts: &Facts) -> &'static str {
    match (moment, facts.saved) {
        (_, true) => "the passkey is saved here, but the site may not know it",
        (Moment::Beginning, _) => "nothing was sent",
        (Moment::Working, _) => "your answer did not reach the computer",
        (Moment::Answered, _) => "what was answered before is done",
        (Moment::Connecting | Moment::Advertising | Moment::Connected | Moment::Asking, _) => {
            "nothing was done"
        }
    }
}

fn called_off(moment: Moment, facts: &Facts) -> (Exit, &'static str, String) {
    let nothing = done_so_far(moment, facts);
    match moment {
        Moment::Asking | Moment::Working => (
            Exit::Refused,
            "cancelled",
            format!(
                "the computer called it off while you were asked, and {nothing}; start again there if that was not meant"
            ),
        ),
        Moment::Answered => (
            Exit::Failed,
            "nothing_done",
            "the computer is done; start again there if something is missing".into(),
        ),
        Moment::Beginning | Moment::Connecting | Moment::Advertising | Moment::Connected => (
            Exit::Failed,
            "nothing_done",
            format!(
                "the computer went away before it asked for anything, and {nothing}; start again there"
            ),
        ),
    }
}

fn gone(moment: Moment, facts: &Facts) -> String {
    let nothing = done_so_far(moment, facts);
    match moment {
        Moment::Asking => {
            format!(
                "the connection ended while you were asked, and {nothing}; start again at the computer"
            )
        }
        Moment::Working => {
            format!(
                "the connection ended before the computer was answered, and {nothing}; start again at the computer"
            )
        }
        Moment::Beginning
        | Moment::Connecting
        | Moment::Advertising
        | Moment::Connected
        | Moment::Answered => {
            format!(
                "the connection ended too early, and {nothing}; start again at the computer, with a new code"
            )
        }
    }
}

fn nobody_near(message: &str, facts: &Facts) -> String {
    match facts.code_age {
        Some(seconds) if age::is_given_up(seconds) => format!(
            "no computer answered, and nothing was done: the code was made {} and has most likely been given up; have the \
             computer show a new one",
            age::told(seconds)
        ),
        _ => message.to_owned(),
    }
}

fn stopped(how: &str, moment: Moment, facts: &Facts) -> String {
    let nothing = done_so_far(moment, facts);
    let told = match moment {
        Moment::Asking => ", and the computer was told that you declined",
        _ => "",
    };
    format!("it was stopped {how}{told}; {nothing}")
}
