//! Several accounts at one site: chosen here, or by the client one after the other.

use std::time::Duration;

use crate::rig::{platform::Platform, *};
use towline_authenticator::{Answer, AnswerError, Config, Event, Purpose, Question};
use towline_ctap::{Flags, Permissions, Request, Status};

fn three(config: Config) -> Rig {
    let mut rig = Rig::new(config);
    for name in ["alice", "bob", "carol"] {
        rig.passkey("example.org", name);
    }
    rig.passkey("example.com", "mallory");
    rig.forget_past();
    rig
}

fn choosing(index: usize) -> impl FnMut(&Question) -> Option<Answer> {
    move |question| match question {
        Question::ChooseAccount { .. } => Some(Answer::Account(index)),
        other => agreeable(other),
    }
}

#[test]
fn the_person_chooses_on_a_display_newest_first() {
    for (index, name) in ["carol", "bob", "alice"].into_iter().enumerate() {
        let mut rig = three(Config::phone());
        rig.person(choosing(index));
        let response = rig.sign_in(&assertion("example.org")).unwrap();
        assert_eq!(response.user.unwrap(), nameless(name));
        assert_eq!(response.user_selected, Some(true));
        assert_eq!(response.number_of_credentials, None);
        let Question::ChooseAccount { accounts, rp_id } = &rig.questions[0] else { panic!() };
        assert_eq!(accounts, &[user("carol"), user("bob"), user("alice")]);
        assert_eq!(rp_id.as_str(), "example.org");
        // What is confirmed then is the account that was chosen.
        let Question::VerifyUser { purpose: Purpose::Use { user: chosen, .. }, .. } =
            &rig.questions[1]
        else {
            panic!("{:?}", rig.questions)
        };
        assert_eq!(chosen.as_ref(), Some(&user(name)));
        assert_eq!(rig.questions.len(), 2);
        assert_eq!(rig.next().unwrap_err(), Status::NotAllowed);
    }
}

#[test]
fn who_chooses_no_account_signs_in_with_none() {
    let mut rig = three(Config::phone());
    rig.person(|question| match question {
        Question::ChooseAccount { .. } => Some(Answer::Deny),
        other => agreeable(other),
    });
    assert_eq!(rig.sign_in(&assertion("example.org")).unwrap_err(), Status::OperationDenied);
    rig.person(|question| match question {
        Question::ChooseAccount { .. } => None,
        other => agreeable(other),
    });
    // As the screen lock would: how many accounts there are is not told.
    assert_eq!(rig.sign_in(&assertion("example.org")).unwrap_err(), Status::UserActionTimeout);
    assert!(rig.questions.iter().all(|asked| matches!(asked, Question::ChooseAccount { .. })));
}

#[test]
fn nobody_chooses_where_the_screen_lock_is_locked() {
    let mut config = Config::phone();
    config.verification.built_in.as_mut().unwrap().max_retries = 1;
    let mut rig = three(config);
    rig.person(clumsy);
    assert_eq!(rig.sign_in(&assertion("example.org")).unwrap_err(), Status::PinBlocked);
    rig.forget_past();
    assert_eq!(rig.sign_in(&assertion("example.org")).unwrap_err(), Status::PinBlocked);
    assert_eq!(rig.questions, []);
}

#[test]
fn an_account_that_is_not_there_can_not_be_chosen() {
    let mut rig = three(Config::phone());
    rig.person(|question| match question {
        Question::ChooseAccount { .. } => None,
        other => agreeable(other),
    });
    rig.send(HOME, &Request::from(assertion("example.org")).encode());
    let (token, _) = rig.open[0].clone();
    for wrong in
        [Answer::Account(3), Answer::Account(usize::MAX), Answer::Approve, Answer::Verified]
    {
        let refused = rig.authenticator.handle_answer(token, wrong, rig.now);
        assert_eq!(refused, Err(AnswerError::DoesNotFit));
    }
    rig.answer(Answer::Account(2));
    assert_eq!(rig.status(), Status::Ok);
}

#[test]
fn one_account_is_not_a_choice() {
    let mut rig = three(Config::phone());
    let response = rig.sign_in(&assertion("example.com")).unwrap();
    assert_eq!(response.user_selected, None);
    assert_eq!(rig.questions.len(), 1);
}

#[test]
fn of_a_list_the_person_chooses_on_a_display() {
    let mut rig = Rig::new(Config::phone());
    let (alice, _) = rig.passkey("example.org", "alice");
    let (bob, key) = rig.passkey("example.org", "bob");
    rig.passkey("example.org", "carol");
    rig.forget_past();
    rig.person(choosing(1));
    let mut request = assertion("example.org");
    request.allow_list = Some([listing(&alice), listing(&bob)].concat());
    let response = rig.sign_in(&request).unwrap();
    assert_eq!(response.credential.as_ref().unwrap().id, bob);
    rig.verify(&response, &key);
    // That is told only where there was no list (CTAP 2.3 §6.2.2, userSelected).
    assert_eq!((response.number_of_credentials, response.user_selected), (None, None));
    let asked: Vec<String> = rig.questions.iter().map(ToString::to_string).collect();
    assert_eq!(
        asked,
        [
            "Which account do you want to use on example.org?",
            "Sign in to example.org? Account: \"bob\". Confirm with your screen lock.",
        ]
    );
    let Question::ChooseAccount { accounts, .. } = &rig.questions[0] else { panic!() };
    assert_eq!(accounts, &[user("alice"), user("bob")]);
    assert_eq!(rig.next().unwrap_err(), Status::NotAllowed);
}

#[test]
fn a_list_with_one_account_or_for_nobody_s_eyes_is_not_a_choice() {
    let passkeys = |config| {
        let mut rig = Rig::new(config);
        let (alice, _) = rig.passkey("example.org", "alice");
        let mut second = creation("example.org", "alice");
        second.options.rk = Some(false);
        let (again, _) = made(&rig.create(&second).unwrap());
        let (bob, _) = rig.passkey("example.org", "bob");
        rig.forget_past();
        (rig, alice, again, bob)
    };
    let (mut rig, alice, again, _) = passkeys(Config::phone());
    let mut request = assertion("example.org");
    request.allow_list = Some([listing(&again), listing(&alice)].concat());
    assert_eq!(rig.sign_in(&request).unwrap().credential.unwrap().id, again);
    assert_eq!(rig.questions.len(), 1, "one account");

    let (mut silent, alice, _, bob) = passkeys(Config::phone());
    request.allow_list = Some([listing(&bob), listing(&alice)].concat());
    request.options.up = Some(false);
    assert_eq!(silent.sign_in(&request).unwrap().credential.unwrap().id, bob);
    assert_eq!(silent.questions, [], "a silent look-up");

    let (mut key, alice, _, bob) = passkeys(storing());
    request.allow_list = Some([listing(&bob), listing(&alice)].concat());
    request.options.up = None;
    assert_eq!(key.sign_in(&request).unwrap().credential.unwrap().id, bob);
    assert_eq!(key.questions.len(), 1, "no display");
}

#[test]
fn without_a_display_the_client_gets_one_after_the_other() {
    let mut rig = three(Config::security_key());
    let first = rig.sign_in(&assertion("example.org")).unwrap();
    assert_eq!(first.number_of_credentials, Some(3));
    assert_eq!(first.user.as_ref().unwrap().id, user("carol").id);
    let mut count = data(&first.auth_data).sign_count;
    for name in ["bob", "alice"] {
        let next = rig.next().unwrap();
        assert_eq!(next.user.as_ref().unwrap().id, user(name).id);
        assert_eq!(next.number_of_credentials, None);
        assert_eq!(data(&next.auth_data).flags, data(&first.auth_data).flags);
        assert!(data(&next.auth_data).sign_count > count);
        count = data(&next.auth_data).sign_count;
    }
    assert_eq!(rig.next().unwrap_err(), Status::NotAllowed);
    assert_eq!(rig.questions.len(), 1, "one touch is for all of them");
}

#[test]
fn names_are_for_the_verified() {
    let mut rig = three(Config::security_key());
    let response = rig.sign_in(&assertion("example.org")).unwrap();
    assert_eq!(response.user, Some(nameless("carol")));
    let mut config = Config::phone();
    config.identity.has_display = false;
    let mut rig = three(config);
    assert_eq!(rig.sign_in(&assertion("example.org")).unwrap().user, Some(user("carol")));
    assert_eq!(rig.next().unwrap().user, Some(user("bob")));
}

#[test]
fn who_has_seen_the_account_on_a_display_is_not_to_be_asked_by_the_client_again() {
    let mut rig = Rig::new(Config::phone());
    rig.passkey("example.org", "alice");
    let response = rig.sign_in(&assertion("example.org")).unwrap();
    assert_eq!(response.user, Some(nameless("alice")));
    assert!(data(&response.auth_data).flags.contains(Flags::UV));
    assert!(
        matches!(&rig.events[..], [.., Event::Used { user: Some(told), .. }] if *told == user("alice"))
    );
}

#[test]
fn a_silent_look_up_leaves_the_choice_to_the_client() {
    let mut rig = three(Config::phone());
    let mut request = assertion("example.org");
    request.options.up = Some(false);
    let response = rig.sign_in(&request).unwrap();
    assert_eq!(response.number_of_credentials, Some(3));
    assert!(rig.next().is_ok());
}

#[test]
fn there_is_no_next_without_a_first() {
    let mut rig = three(Config::security_key());
    assert_eq!(rig.next().unwrap_err(), Status::NotAllowed);
}

#[test]
fn any_other_command_ends_the_sequence() {
    for other in [&[0x04][..], &[0x0b], &[0x63], &[], &[0x01, 0xff], &[0x07]] {
        let mut rig = three(Config::security_key());
        rig.sign_in(&assertion("example.org")).unwrap();
        rig.send(HOME, other);
        rig.response();
        assert_eq!(rig.next().unwrap_err(), Status::NotAllowed, "{other:02x?}");
    }
}

#[test]
fn the_sequence_ends_after_30_seconds_without_a_next() {
    let mut rig = three(Config::security_key());
    rig.sign_in(&assertion("example.org")).unwrap();
    rig.pass(Duration::from_secs(29));
    assert!(rig.next().is_ok());
    rig.pass(Duration::from_secs(29));
    assert!(rig.next().is_ok(), "the time starts anew");
    rig.sign_in(&assertion("example.org")).unwrap();
    rig.pass(Duration::from_secs(30));
    assert_eq!(rig.next().unwrap_err(), Status::NotAllowed);
}

#[test]
fn the_sequence_belongs_to_its_channel() {
    let mut rig = three(Config::security_key());
    rig.sign_in(&assertion("example.org")).unwrap();
    rig.send(ELSEWHERE, &Request::GetNextAssertion.encode());
    assert_eq!(rig.status(), Status::NotAllowed);
    assert!(rig.next().is_ok());
}

#[test]
fn a_power_cycle_ends_the_sequence() {
    let mut rig = three(Config::security_key());
    rig.sign_in(&assertion("example.org")).unwrap();
    rig.power_up();
    assert_eq!(rig.next().unwrap_err(), Status::NotAllowed);
}

#[test]
fn a_first_that_is_refused_has_no_next() {
    let mut rig = three(Config::security_key());
    rig.sign_in(&assertion("example.org")).unwrap();
    rig.person(refusing);
    assert!(rig.sign_in(&assertion("example.org")).is_err());
    assert_eq!(rig.next().unwrap_err(), Status::NotAllowed);
}

#[test]
fn a_silent_look_up_with_a_token_does_not_make_the_person_choose() {
    let mut rig = three(Config::platform());
    let platform = Platform::agree(&mut rig, 2);
    let token = platform.uv_token(&mut rig, Permissions::GA, Some("example.org")).unwrap();
    rig.forget_past();
    let mut request = assertion("example.org");
    request.options.up = Some(false);
    token.authorize_sign_in(&rig, &mut request);
    let first = rig.sign_in(&request).unwrap();
    assert!(rig.questions.is_empty());
    assert_eq!(first.number_of_credentials, Some(3));
    // The client lets the person choose, who was verified: so it has to know the names.
    assert_eq!(first.user, Some(user("carol")));
    assert_eq!(rig.next().unwrap().user, Some(user("bob")));
}
