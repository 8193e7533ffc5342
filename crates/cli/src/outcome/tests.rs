//! The table is walked: every end, at every moment, on both sides.

use towline_ctap::Status;

use super::*;

const MOMENTS: [Moment; 7] = [
    Moment::Beginning,
    Moment::Connecting,
    Moment::Advertising,
    Moment::Connected,
    Moment::Asking,
    Moment::Working,
    Moment::Answered,
];

/// The place of an end in [`ends`]. A new one does not compile without one.
const fn place(end: &End) -> usize {
    match end {
        End::Done => 0,
        End::Nothing => 1,
        End::Declined => 2,
        End::Refused => 3,
        End::AlreadyRegistered => 4,
        End::NoPasskey => 5,
        End::Lacks(_) => 6,
        End::Full => 7,
        End::WrongLock => 8,
        End::LockBlocked => 9,
        End::Failed(_) => 10,
        End::NobodyAnswered => 11,
        End::CalledOff => 12,
        End::Gone => 13,
        End::NobodyNear(_) => 14,
        End::TooSlow(_) => 15,
        End::CodeUsed => 16,
        End::RelayFull => 17,
        End::NoRelay(_) => 18,
        End::Machine(_) => 19,
        End::LinkForgotten => 20,
        End::NoCommonWay(_) => 21,
        End::NotACode(_) => 22,
        End::Misbehaved(_) => 23,
        End::Site(_) => 24,
        End::Interrupted => 25,
        End::Terminated => 26,
        End::Replaced => 27,
        End::Quit => 28,
        End::Internal(_) => 29,
    }
}

/// One of each. What libraries say themselves is marked.
fn ends() -> Vec<End> {
    let theirs = || "LIBRARY; do this".to_owned();
    vec![
        End::Done,
        End::Nothing,
        End::Declined,
        End::Refused,
        End::AlreadyRegistered,
        End::NoPasskey,
        End::Lacks(Status::UnsupportedAlgorithm),
        End::Full,
        End::WrongLock,
        End::LockBlocked,
        End::Failed(Status::Other),
        End::NobodyAnswered,
        End::CalledOff,
        End::Gone,
        End::NobodyNear(theirs()),
        End::TooSlow("there was no answer within 20 s".into()),
        End::CodeUsed,
        End::RelayFull,
        End::NoRelay(theirs()),
        End::Machine(Failure::environment("bluetooth_off", theirs())),
        End::LinkForgotten,
        End::NoCommonWay(theirs()),
        End::NotACode(theirs()),
        End::Misbehaved(theirs()),
        End::Site(theirs()),
        End::Interrupted,
        End::Terminated,
        End::Replaced,
        End::Quit,
        End::Internal(theirs()),
    ]
}

/// What a person can do next, as the table says it.
const ADVICE: [&str; 16] = [
    "start again",
    "sign in with it",
    "sign in another way",
    "use another",
    "try again",
    "have the computer show",
    "have it show",
    "cancel it there",
    "remove",
    "wait",
    "go on with",
    "scan a code",
    "do this",
    "look at the phone",
    "register",
    "that the phone says",
];

#[test]
fn every_end_at_every_moment_has_a_sentence_on_both_sides() {
    let ends = ends();
    for (index, end) in ends.iter().enumerate() {
        assert_eq!(place(end), index, "{end:?}");
    }
    let stopped = [End::Interrupted, End::Terminated, End::Quit, End::Replaced];
    for (moment, end) in
        MOMENTS.iter().flat_map(|moment| ends.iter().map(move |end| (*moment, end)))
    {
        for saved in [false, true] {
            let facts = Facts { saved, ..Facts::default() };
            let both = [at_the_phone(moment, end, &facts), at_the_computer(moment, end)];
            for (side, failure) in ["phone", "computer"].into_iter().zip(both) {
                let Some(Failure { exit, message, .. }) = failure else {
                    assert!(matches!(end, End::Done | End::Nothing), "{side} {moment:?} {end:?}");
                    continue;
                };
                let place = format!("{side}, {moment:?}, {end:?}: {message}");
                assert_ne!(exit, Exit::Ok, "{place}");
                // It goes on behind "not done: " or "towline: ".
                assert!(message.starts_with(|c: char| !c.is_uppercase() || c == 'L'), "{place}");
                assert!(!message.ends_with('.') && !message.contains("  "), "{place}");
                let advice = ADVICE.iter().any(|advice| message.contains(advice));
                // Who stops it knows what they want.
                assert!(
                    advice || stopped.contains(end) || matches!(end, End::TooSlow(_)),
                    "{place}"
                );
                assert_eq!(
                    exit == Exit::Interrupted && message.contains("Ctrl-C"),
                    *end == End::Interrupted
                        || side == "computer" && stopped.contains(end) && *end != End::Terminated,
                    "{place}"
                );
            }
        }
    }
}

#[test]
fn the_phone_knows_that_nothing_was_done_as_long_as_its_person_has_not_answered() {
    for moment in MOMENTS.into_iter().filter(|moment| *moment <= Moment::Asking) {
        for end in [End::Gone, End::CalledOff, End::NobodyAnswered, End::Interrupted] {
            let failure = at_the_phone(moment, &end, &Facts::default()).unwrap();
            let message = failure.message;
            assert!(
                message.contains("nothing was done") || message.contains("nothing was sent"),
                "{moment:?} {end:?}: {message}"
            );
            assert!(!message.contains("not known"), "{message}");
        }
    }
}

#[test]
fn a_computer_that_went_away_while_the_phone_asked_has_asked_for_something() {
    let facts = Facts::default();
    let asking = at_the_phone(Moment::Asking, &End::CalledOff, &facts).unwrap();
    assert!(asking.message.contains("while you were asked"), "{asking:?}");
    assert_eq!((asking.exit, asking.reason), (Exit::Refused, "cancelled"));
    let before = at_the_phone(Moment::Connected, &End::CalledOff, &facts).unwrap();
    assert!(before.message.contains("before it asked for anything"), "{before:?}");
}

#[test]
fn a_passkey_that_was_saved_without_the_sites_knowing_is_said() {
    let facts = Facts { saved: true, ..Facts::default() };
    for end in [End::Gone, End::CalledOff, End::Interrupted] {
        let failure = at_the_phone(Moment::Working, &end, &facts).unwrap();
        assert!(failure.message.contains("the passkey is saved here"), "{failure:?}");
    }
}

#[test]
fn a_code_that_was_used_needs_a_new_one_and_not_another_network() {
    let used = towline::hybrid::Error::Tunnel(towline::hybrid::tunnel::ConnectFailure::Status(409));
    assert_eq!(End::from(&used), End::CodeUsed);
    for text in [
        at_the_phone(Moment::Connecting, &End::CodeUsed, &Facts::default()).unwrap().message,
        used.to_string(),
    ] {
        assert!(text.contains("show a new one") && !text.contains("network"), "{text}");
    }
}

#[test]
fn an_old_code_that_nobody_answers_is_said_to_be_old() {
    let near = End::NobodyNear("check that Bluetooth is on".into());
    let told = |code_age| {
        let facts = Facts { code_age, ..Facts::default() };
        at_the_phone(Moment::Advertising, &near, &facts).unwrap().message
    };
    assert!(told(Some(1440)).contains("24 min ago") && told(Some(1440)).contains("show a new one"));
    assert_eq!(told(Some(60)), "check that Bluetooth is on");
    assert_eq!(told(None), "check that Bluetooth is on");
}

#[test]
fn sigterm_is_not_called_ctrl_c() {
    for failure in [
        at_the_phone(Moment::Connected, &End::Terminated, &Facts::default()).unwrap(),
        at_the_computer(Moment::Connected, &End::Terminated).unwrap(),
    ] {
        assert!(failure.message.contains("SIGTERM") && !failure.message.contains("Ctrl-C"));
        assert_eq!(failure.exit, Exit::Interrupted);
    }
}

#[test]
fn every_status_of_the_standard_is_some_end() {
    for status in Status::NAMED {
        let end = End::of_status(*status);
        assert_eq!(end == End::Done, *status == Status::Ok, "{status:?}");
        // Both sides have a sentence for it.
        let phone = at_the_phone(Moment::Answered, &end, &Facts::default());
        assert_eq!(phone.is_none(), *status == Status::Ok, "{status:?}");
    }
}
