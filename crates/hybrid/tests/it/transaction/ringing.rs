//! A computer rings a phone that it is linked with: no code, a signal, another handshake, and what
//! may go wrong there.

use towline_crypto::Secret;
use towline_hybrid::{
    ComputerEvent, Effect, Error, Initiator, InitiatorConfig, Machine, Opened, Party, PeerFault,
    PhoneEvent, Responder, ResponderAnswer, Step, Target,
    domain::TunnelDomain,
    ids::{ContactId, RoutingId, TunnelId},
    internal::eid::{Eid, EidKey},
    link::{
        ComputerLinks, ContactKey, LinkSecret, LinkStoreError, LinkedComputer, LinkedPhone,
        MemoryComputerLinks, MemoryPhoneLinks, PhoneIdentity, PhoneLinks,
    },
    qr::Hint,
    tunnel::ConnectFailure,
};

use super::pair::{
    From, Pair, RESPONSE, Tamper, link, payload, provider, responder_config, seconds,
};

fn misbehaved(by: Party, step: Step, fault: PeerFault) -> Error {
    Error::Misbehaved { by, step, fault }
}

#[test]
fn a_linked_phone_answers_without_a_code_and_without_a_question() {
    for signal in [true, false] {
        let mut pair = Pair::linked();
        pair.contact = Ok(signal);
        pair.run();
        assert_eq!(pair.question, None);
        assert_eq!(pair.responses, [RESPONSE]);
        assert_eq!(pair.computer_result.unwrap().unwrap().requests, 1);
        assert_eq!(pair.phone_result.unwrap().unwrap().requests, 1);
        // Message 2, getInfo, the response: no update, since nothing is to be linked.
        assert_eq!(pair.phone_sent.len(), 3);
        assert_eq!(pair.now, pair.start, "there is nothing to linger for");
    }
}

#[test]
fn a_linked_computer_shows_no_code() {
    let (_, known) = link();
    let now = std::time::Instant::now();
    let config = InitiatorConfig::default();
    let computer = Initiator::ring(config, &provider(), &known, Hint::MakeCredential, now).unwrap();
    assert_eq!(computer.qr_uri(), None);
}

#[test]
fn the_advert_may_come_before_the_socket_and_the_socket_before_the_advert() {
    let (identity, known) = link();
    let now = std::time::Instant::now();
    for advert_first in [true, false] {
        let mut computer = Initiator::ring(
            InitiatorConfig::default(),
            &provider(),
            &known,
            Hint::GetAssertion,
            now,
        )
        .unwrap();
        let outputs: Vec<_> = std::iter::from_fn(|| computer.poll_output()).collect();
        let advert = advert(&identity, &known, &outputs);
        if advert_first {
            computer.handle_advert(&advert, now);
            assert!(!sends(&mut computer));
            computer.handle_opened(Opened { routing_id: None, signal: true }, now);
        } else {
            computer.handle_opened(Opened { routing_id: None, signal: true }, now);
            assert!(!sends(&mut computer));
            computer.handle_advert(&advert, now);
        }
        assert!(sends(&mut computer), "advert first: {advert_first}");
    }
}

fn sends(computer: &mut Initiator) -> bool {
    std::iter::from_fn(|| computer.poll_output())
        .any(|output| matches!(output, Effect::Send(frame) if frame.len() == 81))
}

/// The advert of a phone that answers.
fn advert(
    identity: &PhoneIdentity,
    known: &LinkedPhone,
    outputs: &[Effect<ComputerEvent>],
) -> Vec<u8> {
    let payload = payload(outputs);
    assert_eq!(payload.link_id, known.information.link_id);
    let (routing, tunnel) = (RoutingId::new([1; 3]), TunnelId::new([1; 16]));
    let ring = identity.ring(&provider(), &identity.contact_key, payload, routing, tunnel).unwrap();
    let key = EidKey::linked(&provider(), &ring.secret, &ring.payload.nonce).unwrap();
    let eid = Eid::linked(&*provider().random).unwrap();
    key.prepare(&provider()).seal(&eid).as_bytes().to_vec()
}

#[test]
fn a_replayed_advert_of_an_earlier_ring_is_not_heard() {
    let (identity, known) = link();
    let mut first =
        Pair::rung_by(&known, &identity, InitiatorConfig::default(), responder_config());
    first.air = |_| None;
    first.settle();
    let old = *first.advert.unwrap().as_bytes();
    let mut second =
        Pair::rung_by(&known, &identity, InitiatorConfig::default(), responder_config());
    second.air = |_| None;
    second.settle();
    second.computer.handle_advert(&old, second.now);
    second.settle();
    assert!(second.computer_holds.radio, "it goes on listening");
    second.air = |advert| Some(advert.as_bytes().to_vec());
    second.run();
    assert_eq!(second.responses, [RESPONSE]);
}

#[test]
fn adverts_after_the_first_are_not_looked_at() {
    let mut pair = Pair::linked();
    pair.tamper = Some((From::Phone, 0, Tamper::Delay(seconds(3))));
    pair.settle();
    assert!(!pair.computer_holds.radio);
    let advert = pair.advert;
    pair.computer.handle_advert(&[0; 20], pair.now);
    if let Some(advert) = advert {
        pair.computer.handle_advert(advert.as_bytes(), pair.now);
    }
    assert_eq!(pair.computer.poll_output(), None);
    pair.run();
    assert_eq!(pair.responses, [RESPONSE]);
}

#[test]
fn an_advert_without_nearness_never_comes_and_the_computer_gives_up() {
    let mut pair = Pair::linked();
    pair.air = |_| None;
    pair.run();
    assert_eq!(pair.elapsed(), seconds(60));
    let late = Error::TimedOut { step: Step::Ring, after: seconds(60) };
    assert_eq!(*pair.computer_error(), late);
    assert!(late.to_string().contains("scan a code"), "{late}");
    assert!(matches!(pair.phone_error(), Error::Closed { .. }));
}

#[test]
fn a_service_that_does_not_answer_a_ring_is_given_up() {
    let mut pair = Pair::linked();
    (pair.contact, pair.phone_tunnel) = (Err(None), Err(Some(ConnectFailure::Status(404))));
    pair.run();
    let late = Error::TimedOut { step: Step::Tunnel, after: seconds(20) };
    assert_eq!(*pair.computer_error(), late);
    assert_eq!(pair.unlinked, None);
}

#[test]
fn only_gone_removes_a_link() {
    for status in [400, 403, 404, 405, 409, 410, 429, 500, 503] {
        let mut pair = Pair::linked();
        let failure = ConnectFailure::Status(status);
        (pair.contact, pair.phone_tunnel) =
            (Err(Some(failure.clone())), Err(Some(failure.clone())));
        pair.run();
        assert_eq!(pair.unlinked.is_some(), status == 410);
        let error = if status == 410 { Error::LinkGone } else { Error::Tunnel(failure) };
        assert_eq!(*pair.computer_error(), error);
    }
    for failure in [
        ConnectFailure::Name("cable.example".into()),
        ConnectFailure::TimedOut,
        ConnectFailure::Redirected,
        ConnectFailure::NotATunnelService,
        ConnectFailure::Tls("x".into()),
    ] {
        let mut pair = Pair::linked();
        (pair.contact, pair.phone_tunnel) =
            (Err(Some(failure.clone())), Err(Some(failure.clone())));
        pair.run();
        assert_eq!((pair.unlinked, pair.computer_error()), (None, &Error::Tunnel(failure)));
    }
    // After a code, 410 is a failure like any other.
    let mut pair = Pair::new();
    pair.computer_tunnel = Err(Some(ConnectFailure::Status(410)));
    pair.run();
    assert_eq!(pair.unlinked, None);
}

#[test]
fn a_signal_that_is_not_one_ends_the_transaction() {
    for signal in [vec![], vec![1], vec![0, 0], vec![0; 81]] {
        let mut pair = Pair::linked();
        pair.signal = signal;
        pair.run();
        let by_phone = misbehaved(Party::Phone, Step::Ring, PeerFault::Unsolicited);
        assert_eq!(*pair.computer_error(), by_phone);
        assert_eq!(pair.requests_seen, 0);
    }
}

#[test]
fn a_promised_signal_comes_first() {
    let mut pair = Pair::linked();
    // Message 2 in its place.
    pair.signal = vec![4; 81];
    pair.run();
    assert!(matches!(pair.computer_error(), Error::Misbehaved { step: Step::Ring, .. }));
}

#[test]
fn an_unpromised_signal_is_refused() {
    let mut pair = Pair::linked();
    pair.contact = Ok(false);
    pair.air = |_| None;
    pair.settle();
    pair.computer.handle_frame(vec![0], pair.now);
    pair.settle();
    let unsolicited = misbehaved(Party::Phone, Step::Ring, PeerFault::Unsolicited);
    assert_eq!(*pair.computer_error(), unsolicited);
}

#[test]
fn each_message_that_is_changed_is_refused_at_once() {
    for (from, index) in [(From::Computer, 0), (From::Phone, 0), (From::Phone, 1), (From::Phone, 2)]
    {
        for tamper in
            [Tamper::Flip(0), Tamper::Truncate(1), Tamper::Extend, Tamper::Empty, Tamper::Text]
        {
            let mut pair = Pair::linked();
            pair.tamper = Some((from, index, tamper));
            pair.run();
            let blamed = match from {
                From::Computer => pair.phone_error().clone(),
                From::Phone => pair.computer_error().clone(),
            };
            assert!(
                matches!(blamed, Error::Misbehaved { .. }),
                "{from:?} {index} {tamper:?}: {blamed:?}"
            );
            assert_eq!(pair.elapsed(), seconds(0), "{from:?} {index} {tamper:?}");
            assert_eq!(pair.unlinked, None);
        }
    }
}

#[test]
fn lost_and_repeated_messages_and_broken_connections_end_both_sides() {
    for (from, index) in [
        (From::Computer, 0),
        (From::Computer, 1),
        (From::Computer, 2),
        (From::Phone, 0),
        (From::Phone, 1),
        (From::Phone, 2),
    ] {
        for tamper in [
            Tamper::Drop,
            Tamper::Duplicate,
            Tamper::Overtaken,
            Tamper::Replay,
            Tamper::Cut,
            Tamper::Delay(seconds(3600)),
        ] {
            let mut pair = Pair::linked();
            pair.tamper = Some((from, index, tamper));
            pair.run();
            assert!(pair.requests_seen <= 1, "{from:?} {index} {tamper:?}");
            assert_eq!(pair.unlinked, None);
        }
    }
}

#[test]
fn a_phone_with_another_identity_can_not_answer() {
    let (identity, known) = link();
    let mut other = PhoneIdentity::generate(&provider()).unwrap();
    other.contact_key = identity.contact_key.clone();
    // It does not even have the link secret: its advert is not heard.
    let mut pair = Pair::rung_by(&known, &other, InitiatorConfig::default(), responder_config());
    pair.run();
    assert_eq!(pair.elapsed(), seconds(60));

    // With the link secret stolen, it is heard, and fails to prove its identity.
    let config = InitiatorConfig::default();
    let mut thief = Pair::rung_by(&known, &identity, config, responder_config());
    let (routing, tunnel) = (RoutingId::new([7, 8, 9]), TunnelId::new([4; 16]));
    let mut ring = identity
        .ring(&provider(), &identity.contact_key, thief.payload(), routing, tunnel)
        .unwrap();
    ring.identity = provider().ecdh.generate(&*provider().random).unwrap().into();
    thief.phone = Responder::answer_ring(responder_config(), &provider(), ring, thief.now);
    thief.run();
    assert!(matches!(thief.phone_error(), Error::Misbehaved { step: Step::Message1, .. }));
    assert!(thief.computer_result.unwrap().is_err());
    assert_eq!(thief.requests_seen, 0);
}

#[test]
fn a_computer_with_another_link_secret_is_not_served() {
    let (identity, mut known) = link();
    known.information.secret = LinkSecret::new(Secret::new([9; 32]));
    let mut pair = Pair::rung_by(&known, &identity, InitiatorConfig::default(), responder_config());
    pair.run();
    assert_eq!(pair.elapsed(), seconds(60));
    assert_eq!(pair.requests_seen, 0);
}

#[test]
fn only_passkeys_can_be_asked_for_by_ringing() {
    let (_, known) = link();
    let now = std::time::Instant::now();
    for hint in [Hint::CredentialPresentation, Hint::CredentialIssuance] {
        let refused = Initiator::ring(InitiatorConfig::default(), &provider(), &known, hint, now);
        assert_eq!(refused.map(drop), Err(Error::NotForLinks));
    }
}

#[test]
fn linking_information_in_a_linked_transaction_is_ignored() {
    let (identity, known) = link();
    let mut computer = InitiatorConfig::default();
    computer.linking = true;
    let mut phone = responder_config();
    phone.link_offer = Some(identity.offer(&provider(), &identity.contact_key, "again"));
    let mut pair = Pair::rung_by(&known, &identity, computer, phone);
    pair.run();
    assert!(pair.links.is_empty() && pair.phone_links.is_empty());
    assert_eq!(pair.elapsed(), seconds(0));
}

#[test]
fn a_phone_that_asks_when_rung_connects_after_a_yes_only() {
    for (answer, error) in [
        (Some(ResponderAnswer::Connect { remember: true }), None),
        (Some(ResponderAnswer::Decline), Some(Error::Declined)),
        (None, Some(Error::TimedOut { step: Step::Consent, after: seconds(120) })),
    ] {
        let mut config = responder_config();
        config.ask_when_rung = true;
        let mut pair = Pair::linked_with(InitiatorConfig::default(), config);
        pair.consent = answer;
        pair.run();
        assert!(pair.question.is_some());
        match error {
            None => assert_eq!(pair.responses, [RESPONSE]),
            Some(error) => {
                assert_eq!(*pair.phone_error(), error);
                assert!(pair.computer_result.unwrap().is_err());
            }
        }
    }
}

#[test]
fn cancelling_a_ring_ends_both_sides() {
    for (contact, air) in [(Err(None), true), (Ok(true), false), (Ok(true), true)] {
        for by_computer in [true, false] {
            let mut pair = Pair::linked();
            (pair.contact, pair.answers) = (contact.clone(), false);
            if !air {
                pair.air = |_| None;
            }
            pair.settle();
            if by_computer {
                pair.computer.handle_cancel(pair.now);
            } else {
                pair.phone.handle_cancel(pair.now);
            }
            pair.run();
            let cancelled = if by_computer { pair.computer_error() } else { pair.phone_error() };
            assert_eq!(*cancelled, Error::Cancelled);
        }
    }
}

#[test]
fn a_phone_that_can_not_reach_the_waiting_computer_falls_silent() {
    for failure in [ConnectFailure::Status(404), ConnectFailure::TimedOut] {
        let mut pair = Pair::linked();
        pair.phone_tunnel = Err(Some(failure.clone()));
        pair.run();
        assert_eq!(*pair.phone_error(), Error::Tunnel(failure));
        assert_eq!(pair.elapsed(), seconds(60));
    }
}

#[test]
fn a_ring_is_joined_and_never_opened() {
    let (identity, known) = link();
    let now = std::time::Instant::now();
    let config = InitiatorConfig::default();
    let mut computer =
        Initiator::ring(config, &provider(), &known, Hint::GetAssertion, now).unwrap();
    let outputs: Vec<_> = std::iter::from_fn(|| computer.poll_output()).collect();
    let (routing, tunnel) = (RoutingId::new([1; 3]), TunnelId::new([2; 16]));
    let ring = identity
        .ring(&provider(), &identity.contact_key, payload(&outputs), routing, tunnel)
        .unwrap();
    assert!(!format!("{ring:?}").contains("secret"));
    let mut phone = Responder::answer_ring(responder_config(), &provider(), ring, now);
    phone.handle_frame(vec![0; 81], now);
    let outputs: Vec<_> = std::iter::from_fn(|| phone.poll_output()).collect();
    assert!(outputs.contains(&Effect::Connect(Target::Connect {
        domain: TunnelDomain::GOOGLE,
        routing_id: routing,
        tunnel_id: tunnel,
    })));
    let unsolicited = misbehaved(Party::Computer, Step::Message1, PeerFault::Unsolicited);
    assert_eq!(outputs.last(), Some(&Effect::Tell(PhoneEvent::Finished(Err(unsolicited)))));
}

#[test]
fn a_store_keeps_one_link_for_each_phone_and_drops_only_the_one_that_is_meant() {
    let (store, (_, first), (_, second)) = (MemoryPhoneLinks::new(), link(), link());
    store.save(&first).unwrap();
    store.save(&second).unwrap();
    let mut renewed = first.clone();
    renewed.information.link_id = second.information.link_id;
    renewed.information.name = "renamed".into();
    store.save(&renewed).unwrap();
    assert_eq!(store.all().unwrap(), [renewed.clone(), second.clone()]);
    // The old link is gone already: a late "gone" about it does not hit the new one.
    let identity = &first.information.identity;
    assert_eq!(store.remove(identity, &first.information.link_id), Ok(false));
    assert_eq!(store.remove(identity, &renewed.information.link_id), Ok(true));
    assert_eq!(store.all().unwrap(), [second]);
}

#[test]
fn a_record_is_read_as_it_was_written_and_a_damaged_one_is_refused() {
    let (_, mut known) = link();
    known.domain = TunnelDomain::new(4321).unwrap();
    let bytes = known.encode();
    assert_eq!(LinkedPhone::decode(&provider(), &bytes), Ok(known.clone()));
    for length in 0..bytes.len() {
        let cut = LinkedPhone::decode(&provider(), &bytes[..length]);
        assert_eq!(cut, Err(LinkStoreError::Damaged), "{length}");
    }
    known.information.contact_id = ContactId::new([1; 257]);
    let refused = LinkedPhone::decode(&provider(), &known.encode());
    assert_eq!(refused, Err(LinkStoreError::Damaged));
    let secret = format!("{:?}", known.information.secret.expose());
    assert!(!format!("{known:?}").contains(&secret[1..20]));
}

#[test]
fn a_phone_that_becomes_another_forgets_all_computers() {
    let store = MemoryComputerLinks::new();
    assert_eq!(store.identity(), Ok(None));
    let (identity, known) = link();
    store.become_other(&identity).unwrap();
    let computer = LinkedComputer {
        link_id: known.information.link_id,
        since: 7,
        contact_key: Some(ContactKey::generate(&provider()).unwrap()),
    };
    store.save(computer.clone()).unwrap();
    assert_eq!(store.identity(), Ok(Some(identity.clone())));
    assert_eq!(store.computers().unwrap(), std::slice::from_ref(&computer));
    assert_eq!(store.forget(&towline_hybrid::ids::LinkId::new([0; 8])), Ok(false));
    store.become_other(&PhoneIdentity::generate(&provider()).unwrap()).unwrap();
    let ledger = store.ledger().unwrap();
    assert!(ledger.computers.is_empty());
    assert_eq!(ledger.forgotten[0].contact_key, computer.contact_key);
    let other = store.identity().unwrap().unwrap();
    assert_ne!(
        other.contact_key.contact_id(&provider()),
        identity.contact_key.contact_id(&provider())
    );
}
