//! A phone that lets the computer remember it, or does not; the linked transaction itself is another matter.

use towline_crypto::Secret;
use towline_hybrid::{
    Answer, InitiatorConfig, ResponderConfig, ids::ContactId, link::LinkOffer, secrets::RootSecret,
};

use super::pair::{Pair, RESPONSE, responder_config};

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
    pair.consent = Some(Answer::Connect { remember: true });
    pair.run();
    assert_eq!(pair.links.len(), 1);
    assert_eq!(pair.links[0].name, "my phone");
    assert!(pair.computer_result.unwrap().unwrap().linked);
    assert!(pair.phone_result.unwrap().unwrap().linked);
    assert_eq!(pair.start, pair.now, "there is nothing to linger for");
}

#[test]
fn a_phone_is_not_remembered_when_anybody_does_not_agree() {
    let agree = Answer::Connect { remember: true };
    let cases = [
        (linking_computer(), linking_phone("x"), Answer::Connect { remember: false }),
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
    pair.consent = Some(Answer::Connect { remember: true });
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
        pair.consent = Some(Answer::Connect { remember });
        pair.run();
        pair.phone_sent
    };
    let offered = sizes(linking_phone("my phone"), true);
    assert_eq!(sizes(linking_phone("my phone"), false), offered);
    assert_eq!(sizes(linking_phone(&"x".repeat(400)), true), offered);
}
