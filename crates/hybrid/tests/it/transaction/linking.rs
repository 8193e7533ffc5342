//! A phone that lets the computer remember it, at once, later, or not at all.

use towline_crypto::Secret;
use towline_hybrid::{
    InitiatorConfig, Misuse, ResponderAnswer, ResponderConfig,
    ids::ContactId,
    link::{LinkOffer, RootSecret},
};

use super::pair::{Pair, RESPONSE, responder_config, seconds};

fn linking_computer() -> InitiatorConfig {
    let mut config = InitiatorConfig::default();
    config.linking = true;
    config
}

fn linking_phone(name: &str) -> ResponderConfig {
    let mut config = responder_config();
    config.link_offer = Some(LinkOffer {
        root_secret: RootSecret::new(Secret::new([5; 32])),
        contact_id: ContactId::new([6; 150]),
        name: name.into(),
    });
    config
}

#[test]
fn a_phone_is_remembered_when_everybody_agrees() {
    let mut pair = Pair::with(linking_computer(), linking_phone("my phone"));
    pair.consent = Some(ResponderAnswer::Connect { remember: true });
    pair.run();
    assert_eq!(pair.links.len(), 1);
    assert_eq!(pair.links[0].information.name, "my phone");
    assert!(pair.computer_result.unwrap().unwrap().linked);
    assert!(pair.phone_result.unwrap().unwrap().linked);
    assert_eq!(pair.start, pair.now, "there is nothing to linger for");
}

#[test]
fn a_phone_is_not_remembered_when_anybody_does_not_agree() {
    let agree = ResponderAnswer::Connect { remember: true };
    let cases = [
        (linking_computer(), linking_phone("x"), ResponderAnswer::Connect { remember: false }),
        (InitiatorConfig::default(), linking_phone("x"), agree),
        (linking_computer(), responder_config(), agree),
    ];
    for (computer, phone, answer) in cases {
        let mut pair = Pair::with(computer, phone);
        pair.consent = Some(answer);
        pair.run();
        assert!(pair.links.is_empty());
        assert!(!pair.computer_result.unwrap().unwrap().linked);
        assert!(!pair.phone_result.unwrap().unwrap().linked);
    }
}

#[test]
fn an_offer_too_long_for_the_constant_size_is_not_made_and_the_session_goes_on() {
    let mut pair = Pair::with(linking_computer(), linking_phone(&"x".repeat(400)));
    pair.consent = Some(ResponderAnswer::Connect { remember: true });
    pair.run();
    assert!(pair.links.is_empty());
    assert_eq!(pair.responses, [RESPONSE]);
    assert!(!pair.computer_result.unwrap().unwrap().linked);
    let served = pair.phone_result.unwrap().unwrap();
    assert!(!served.linked);
    assert_eq!(served.requests, 1);
}

#[test]
fn nobody_sees_whether_an_offer_was_made() {
    let sizes = |phone, remember| {
        let mut pair = Pair::with(linking_computer(), phone);
        pair.consent = Some(ResponderAnswer::Connect { remember });
        pair.run();
        pair.phone_sent
    };
    let offered = sizes(linking_phone("my phone"), true);
    assert_eq!(sizes(linking_phone("my phone"), false), offered);
    assert_eq!(sizes(linking_phone(&"x".repeat(400)), true), offered);
}

fn later(late: Option<bool>) -> Pair {
    let mut pair = Pair::with(linking_computer(), linking_phone("my phone"));
    (pair.consent, pair.late) = (Some(ResponderAnswer::ConnectAndAskLater), late);
    pair
}

#[test]
fn a_late_yes_is_a_second_update_of_the_same_size() {
    let mut pair = later(Some(true));
    pair.run();
    assert_eq!(pair.links.len(), 1);
    assert_eq!(pair.phone_links, [pair.links[0].information.link_id]);
    assert!(pair.computer_result.unwrap().unwrap().linked);
    assert!(pair.phone_result.unwrap().unwrap().linked);
    // Message 2, getInfo, update, response, update.
    let [_, _, first, _, second] = pair.phone_sent[..] else { panic!("{:?}", pair.phone_sent) };
    assert_eq!((first, second), (528, 528));
}

#[test]
fn a_late_no_sends_nothing_more() {
    let mut pair = later(Some(false));
    pair.run();
    assert!(pair.links.is_empty() && pair.phone_links.is_empty());
    assert_eq!(pair.phone_sent.len(), 4);
    assert_eq!(pair.elapsed(), seconds(0));
    assert!(!pair.phone_result.unwrap().unwrap().linked);
}

#[test]
fn a_yes_after_the_computer_is_done_still_arrives() {
    let mut pair = later(None);
    pair.settle();
    assert!(
        pair.phone_result.is_none() && pair.phone_holds.prompt,
        "the phone waits for its person"
    );
    assert!(pair.computer_result.is_none(), "the computer waits for a late link");
    pair.phone_holds.prompt = false;
    pair.phone
        .handle_answer(pair.late_question.unwrap(), ResponderAnswer::Remember, pair.now)
        .unwrap();
    pair.run();
    assert_eq!(pair.links.len(), 1);
    assert!(pair.computer_result.unwrap().unwrap().linked);
    assert!(pair.phone_result.unwrap().unwrap().linked);
}

#[test]
fn a_question_that_nobody_answers_is_withdrawn() {
    let mut pair = later(None);
    pair.run();
    assert_eq!(pair.elapsed(), seconds(60));
    assert!(pair.computer_result.unwrap().is_ok());
    assert!(!pair.phone_result.unwrap().unwrap().linked);
    assert!(pair.links.is_empty());
    let late =
        pair.phone.handle_answer(pair.late_question.unwrap(), ResponderAnswer::Remember, pair.now);
    assert_eq!(late, Err(Misuse::UnknownToken));
}

#[test]
fn the_answer_to_one_question_is_none_to_the_other() {
    let mut pair = later(None);
    pair.consent = None;
    pair.settle();
    let (first, yes) = (pair.question.unwrap(), ResponderAnswer::Remember);
    assert_eq!(pair.phone.handle_answer(first, yes, pair.now), Err(Misuse::WrongAnswer));
    pair.phone.handle_answer(first, ResponderAnswer::ConnectAndAskLater, pair.now).unwrap();
    pair.phone_holds.prompt = false;
    pair.settle();
    let late = pair.late_question.unwrap();
    let connect = ResponderAnswer::Connect { remember: true };
    assert_eq!(pair.phone.handle_answer(late, connect, pair.now), Err(Misuse::WrongAnswer));
    pair.phone.handle_answer(late, yes, pair.now).unwrap();
    pair.phone_holds.prompt = false;
    pair.run();
    assert_eq!((pair.links.len(), pair.phone_links.len()), (1, 1));
}

#[test]
fn a_computer_that_goes_away_takes_the_question_with_it() {
    let mut pair = later(None);
    pair.settle();
    pair.computer.handle_cancel(pair.now);
    pair.run();
    assert!(pair.phone_result.unwrap().is_ok());
    assert!(!pair.phone_holds.prompt);
}

#[test]
fn the_late_question_is_asked_once_and_only_where_both_can() {
    for (computer, phone) in
        [(InitiatorConfig::default(), linking_phone("x")), (linking_computer(), responder_config())]
    {
        let mut pair = Pair::with(computer, phone);
        (pair.consent, pair.late) = (Some(ResponderAnswer::ConnectAndAskLater), Some(true));
        pair.run();
        assert_eq!(pair.late_question, None);
        assert!(pair.links.is_empty());
    }
    let mut pair = later(Some(true));
    pair.requests = 3;
    pair.run();
    assert_eq!((pair.links.len(), pair.phone_links.len()), (1, 1));
    let again =
        pair.phone.handle_answer(pair.late_question.unwrap(), ResponderAnswer::Remember, pair.now);
    assert_eq!(again, Err(Misuse::UnknownToken));
}

#[test]
fn a_phone_that_serves_one_request_still_waits_for_the_answer() {
    let mut config = linking_phone("my phone");
    config.one_request = true;
    let mut pair = Pair::with(linking_computer(), config);
    (pair.consent, pair.late, pair.shuts_down) =
        (Some(ResponderAnswer::ConnectAndAskLater), Some(true), false);
    pair.run();
    assert_eq!(pair.links.len(), 1);
}

#[test]
fn contact_ids_that_are_too_long_are_not_offered() {
    for (length, offered) in [(0, false), (1, true), (256, true), (257, false)] {
        let mut config = linking_phone("x");
        config.link_offer.as_mut().unwrap().contact_id = ContactId::new(vec![6; length]);
        let mut pair = Pair::with(linking_computer(), config);
        pair.consent = Some(ResponderAnswer::Connect { remember: true });
        pair.run();
        assert_eq!(!pair.links.is_empty(), offered, "{length}");
        assert_eq!(pair.phone_links.len(), pair.links.len());
        assert_eq!(pair.phone_sent[2], 528);
    }
}
