//! A phone that lets the computer remember it, or does not; the linked transaction itself is another matter.

use towline_crypto::Secret;
use towline_hybrid::{
    Answer, InitiatorConfig, ResponderConfig, ids::ContactId, link::LinkOffer, secrets::RootSecret,
};

use super::pair::{Pair, responder_config, seconds};

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
fn an_offer_too_long_for_the_constant_size_ends_before_anything_is_sent() {
    let mut pair = Pair::with(linking_computer(), linking_phone(&"x".repeat(400)));
    pair.consent = Some(Answer::Connect { remember: true });
    pair.settle();
    assert_eq!(*pair.phone_error(), towline_hybrid::Error::LinkTooLong);
    pair.run();
    assert!(pair.elapsed() <= seconds(300));
}
