//! authenticatorReset and authenticatorSelection.

use std::time::Duration;

use crate::rig::*;
use towline_authenticator::{Config, Event, Purpose, Question, ResetTime};
use towline_ctap::{Request, Status};

fn reset(rig: &mut Rig) -> Result<(), Status> {
    rig.call(&Request::Reset).map(|response| assert_eq!(response, [0x00]))
}

fn used() -> Rig {
    let mut rig = Rig::new(storing());
    rig.passkey("example.org", "alice");
    rig.create(&creation("example.com", "bob")).unwrap();
    rig.forget_past();
    rig
}

#[test]
fn after_a_power_up_and_a_confirmation_everything_is_gone() {
    let mut rig = used();
    let listed = rig.store.credentials()[1].id.clone();
    rig.power_up();
    assert_eq!(reset(&mut rig), Ok(()));
    assert!(rig.store.is_empty());
    assert_eq!(rig.events, [Event::Reset]);
    let [Question::ConfirmPresence { purpose: Purpose::Reset { long_touch: false } }] =
        &rig.questions[..]
    else {
        panic!("{:?}", rig.questions)
    };
    assert!(rig.questions[0].to_string().starts_with("Delete every passkey on this device?"));
    assert_eq!(rig.sign_in(&assertion("example.org")).unwrap_err(), Status::NoCredentials);
    let mut request = assertion("example.com");
    request.allow_list = Some(listing(&listed));
    assert_eq!(rig.sign_in(&request).unwrap_err(), Status::NoCredentials);
}

#[test]
fn the_window_is_10_seconds_after_a_power_up() {
    let mut rig = used();
    assert_eq!(reset(&mut rig), Err(Status::NotAllowed), "no power-up is assumed");
    rig.power_up();
    rig.pass(Duration::from_secs(10));
    assert_eq!(reset(&mut rig), Err(Status::NotAllowed));
    assert!(rig.questions.is_empty());
    rig.power_up();
    rig.pass(Duration::from_millis(9999));
    assert_eq!(reset(&mut rig), Ok(()));
}

#[test]
fn the_answer_may_come_after_the_window() {
    let mut rig = used();
    rig.power_up();
    rig.pass(Duration::from_secs(9));
    rig.person(absent).send(HOME, &Request::Reset.encode());
    rig.pass(Duration::from_secs(9));
    rig.answer(towline_authenticator::Answer::Approve);
    assert_eq!(rig.status(), Status::Ok);
}

#[test]
fn the_policy_may_allow_it_always_or_never() {
    let mut config = Config::security_key();
    config.reset.when = ResetTime::Always;
    assert_eq!(reset(&mut Rig::new(config.clone())), Ok(()));
    config.reset.when = ResetTime::Never;
    let mut rig = Rig::new(config);
    rig.power_up();
    assert_eq!(reset(&mut rig), Err(Status::NotAllowed));
    assert_eq!(reset(&mut Rig::new(Config::phone())), Err(Status::NotAllowed));
}

#[test]
fn a_reset_that_is_declined_deletes_nothing() {
    for (person, status) in [
        (refusing as fn(&Question) -> _, Status::OperationDenied),
        (absent, Status::UserActionTimeout),
    ] {
        let mut rig = used();
        rig.power_up();
        rig.person(person);
        assert_eq!(reset(&mut rig), Err(status));
        assert_eq!(rig.store.len(), 2);
    }
}

#[test]
fn a_reset_unlocks_the_verification() {
    let mut config = Config::phone();
    config.reset.when = ResetTime::Always;
    config.verification.built_in.as_mut().unwrap().lock_wait = None;
    let mut rig = Rig::new(config);
    rig.person(clumsy);
    for _ in 0..3 {
        rig.create(&creation("example.org", "alice")).unwrap_err();
    }
    assert_eq!(reset(&mut rig), Ok(()));
    rig.person(agreeable);
    rig.create(&creation("example.org", "alice")).unwrap();
}

#[test]
fn the_global_counter_survives_a_reset() {
    let mut rig = used();
    let before = data(&rig.sign_in(&assertion("example.org")).unwrap().auth_data).sign_count;
    rig.power_up();
    reset(&mut rig).unwrap();
    let made = rig.create(&creation("example.org", "alice")).unwrap();
    assert!(data(&made.auth_data).sign_count > before);
}

#[test]
fn a_selected_authenticator_says_so() {
    for config in [Config::phone(), Config::security_key()] {
        let mut rig = Rig::new(config);
        assert_eq!(rig.call(&Request::Selection).unwrap(), [0x00]);
        assert!(matches!(
            rig.questions[..],
            [Question::ConfirmPresence { purpose: Purpose::SelectDevice { rp_id: None } }]
        ));
        rig.person(refusing);
        assert_eq!(rig.call(&Request::Selection).unwrap_err(), Status::OperationDenied);
        rig.person(absent);
        assert_eq!(rig.call(&Request::Selection).unwrap_err(), Status::UserActionTimeout);
    }
}

#[test]
fn commands_without_parameters_take_none() {
    let mut rig = used();
    rig.power_up();
    for command in [0x04, 0x07, 0x08, 0x0b] {
        rig.send(HOME, &[command, 0xa0]);
        assert_eq!(rig.status(), Status::InvalidLength);
    }
    assert!(rig.questions.is_empty());
    assert_eq!(rig.store.len(), 2);
}
