//! The air: adverts lost, changed, doubled, from other phones, or from nobody.

use towline_hybrid::{
    CodeSource, ComputerEvent, Effect, Error, Initiator, InitiatorConfig, InitiatorProgress,
    Machine, Opened, PhoneEvent, Responder, Step, Target,
    domain::TunnelDomain,
    ids::RoutingId,
    internal::eid::{Advert, Eid, EidKey},
    qr::Hint,
    tunnel::ConnectFailure,
};

use super::pair::{Air, From, Pair, Tamper, provider, responder_config, scan, seconds};

#[test]
fn adverts_that_never_arrive_end_both_sides_in_time() {
    let mut pair = Pair::new();
    pair.air = |_| None;
    pair.run();
    assert_eq!(*pair.computer_error(), Error::TimedOut { step: Step::Advert, after: seconds(300) });
    assert_eq!(*pair.phone_error(), Error::TimedOut { step: Step::Message1, after: seconds(120) });
}

#[test]
fn an_advert_that_is_heard_late_is_heard() {
    let mut pair = Pair::new();
    pair.air = |_| None;
    pair.settle();
    pair.now += seconds(119);
    pair.air = |advert| Some(advert.as_bytes().to_vec());
    pair.run();
    assert_eq!(pair.responses.len(), 1);
    assert_eq!(pair.elapsed(), seconds(119));
}

#[test]
fn damaged_adverts_are_ignored() {
    let damages: [Air; 5] = [
        |advert| Some(advert.as_bytes()[..19].to_vec()),
        |advert| Some(advert.as_bytes()[1..].to_vec()),
        |_| Some(vec![]),
        |_| Some(vec![0; 255]),
        |advert| {
            let mut bytes = advert.as_bytes().to_vec();
            bytes[19] ^= 1;
            Some(bytes)
        },
    ];
    for damage in damages {
        let mut pair = Pair::new();
        pair.air = damage;
        pair.run();
        assert!(matches!(pair.computer_error(), Error::TimedOut { step: Step::Advert, .. }));
    }
}

#[test]
fn an_advert_with_a_suffix_matches() {
    let mut pair = Pair::new();
    pair.air = |advert| Some([advert.as_bytes().as_slice(), &[0xa1, 0x01, 0x18, 0xe7]].concat());
    pair.run();
    assert!(pair.computer_result.unwrap().is_ok());
}

#[test]
fn an_advert_for_another_code_is_ignored() {
    let mut pair = Pair::new();
    pair.air = |_| None;
    pair.settle();
    let mut other = Pair::new();
    other.air = |_| None;
    other.settle();
    let advert = other.advert.unwrap();
    pair.computer.handle_advert(advert.as_bytes(), pair.now);
    assert_eq!(pair.computer.poll_output(), None);
}

/// A computer, and what makes adverts for its code.
fn computer(config: InitiatorConfig) -> (Initiator, impl FnMut() -> Advert, Pair) {
    let pair = Pair::new();
    let mut computer =
        Initiator::new(config, &provider(), Hint::MakeCredential, pair.now, 0).unwrap();
    while computer.poll_output().is_some() {}
    let key = EidKey::qr(&provider(), &scan(&computer).secret).unwrap().prepare(&provider());
    let mut count = 0;
    let advert = move || {
        count += 1;
        key.seal(&Eid::qr([count; 10], RoutingId::new([count; 3]), TunnelDomain::GOOGLE))
    };
    (computer, advert, pair)
}

fn outputs(computer: &mut Initiator) -> Vec<Effect<ComputerEvent>> {
    std::iter::from_fn(|| computer.poll_output()).collect()
}

#[test]
fn a_second_advert_is_refused_while_one_is_tried() {
    let (mut computer, mut advert, pair) = computer(InitiatorConfig::default());
    computer.handle_advert(advert().as_bytes(), pair.now);
    let connect = outputs(&mut computer);
    assert!(
        matches!(&connect[..], [Effect::Tell(ComputerEvent::Progress(InitiatorProgress::Near)), _, Effect::Connect(Target::Connect { routing_id, .. })] if routing_id.as_bytes() == &[1; 3])
    );
    computer.handle_advert(advert().as_bytes(), pair.now);
    assert_eq!(outputs(&mut computer), []);
    computer.handle_opened(Opened::default(), pair.now);
    outputs(&mut computer);
    computer.handle_advert(advert().as_bytes(), pair.now);
    assert_eq!(outputs(&mut computer), []);
}

#[test]
fn an_advert_that_failed_is_never_tried_again_but_another_is() {
    let failures = [
        ConnectFailure::Status(404),
        ConnectFailure::Redirected,
        ConnectFailure::NotATunnelService,
        ConnectFailure::Name("cable.example".into()),
        ConnectFailure::TimedOut,
    ];
    let (mut computer, mut advert, pair) = computer(InitiatorConfig::default());
    for failure in failures {
        let first = advert();
        computer.handle_advert(first.as_bytes(), pair.now);
        outputs(&mut computer);
        computer.handle_connect_failed(failure.clone(), pair.now);
        let after = outputs(&mut computer);
        let failed = InitiatorProgress::AttemptFailed(Error::Tunnel(failure));
        assert_eq!(after[0], Effect::Tell(ComputerEvent::Progress(failed)));
        assert!(!after.contains(&Effect::Close), "there is nothing to close");
        computer.handle_advert(first.as_bytes(), pair.now);
        assert_eq!(outputs(&mut computer), []);
        assert!(computer.qr_uri().is_some());
    }
    computer.handle_advert(advert().as_bytes(), pair.now);
    assert!(!outputs(&mut computer).is_empty());
}

#[test]
fn the_last_failure_is_reported_when_no_other_phone_comes() {
    let (mut computer, mut advert, pair) = computer(InitiatorConfig::default());
    computer.handle_advert(advert().as_bytes(), pair.now);
    outputs(&mut computer);
    computer.handle_connect_failed(ConnectFailure::Status(500), pair.now);
    outputs(&mut computer);
    let due = computer.poll_timeout().unwrap();
    assert_eq!(due, pair.now + seconds(300));
    computer.handle_timeout(due - seconds(1));
    assert_eq!(outputs(&mut computer), []);
    computer.handle_timeout(due);
    assert_eq!(
        outputs(&mut computer),
        [
            Effect::StopRadio,
            Effect::Tell(ComputerEvent::Finished(Err(Error::Tunnel(ConnectFailure::Status(500)))))
        ]
    );
}

#[test]
fn a_tunnel_that_never_opens_bans_the_advert() {
    let (mut computer, mut advert, pair) = computer(InitiatorConfig::default());
    computer.handle_advert(advert().as_bytes(), pair.now);
    outputs(&mut computer);
    let due = computer.poll_timeout().unwrap();
    assert_eq!(due, pair.now + seconds(20));
    computer.handle_timeout(due);
    let after = outputs(&mut computer);
    assert_eq!(after[0], Effect::Close);
    let late = Error::TimedOut { step: Step::Tunnel, after: seconds(20) };
    assert_eq!(
        after[1],
        Effect::Tell(ComputerEvent::Progress(InitiatorProgress::AttemptFailed(late)))
    );
    // The socket opens too late.
    computer.handle_opened(Opened::default(), due);
    assert_eq!(outputs(&mut computer), []);
}

#[test]
fn an_attempt_that_fails_after_the_code_expired_is_the_end() {
    let (mut computer, mut advert, pair) = computer(InitiatorConfig::default());
    let late = pair.now + seconds(299);
    computer.handle_advert(advert().as_bytes(), late);
    outputs(&mut computer);
    computer.handle_timeout(late + seconds(20));
    let after = outputs(&mut computer);
    assert!(matches!(
        after.last(),
        Some(Effect::Tell(ComputerEvent::Finished(Err(Error::TimedOut {
            step: Step::Tunnel,
            ..
        }))))
    ));
    assert!(after.contains(&Effect::StopRadio) && after.contains(&Effect::Close));
}

#[test]
fn an_advert_after_the_code_expired_is_ignored() {
    let (mut computer, mut advert, pair) = computer(InitiatorConfig::default());
    computer.handle_advert(advert().as_bytes(), pair.now + seconds(300));
    assert_eq!(outputs(&mut computer), []);
}

#[test]
fn a_second_phone_with_the_same_code_is_refused_once_the_first_has_authenticated() {
    let mut pair = Pair::new();
    let mut second = Responder::new(
        responder_config(),
        &provider(),
        scan(&pair.computer),
        CodeSource::Camera,
        pair.now,
        1_790_000_000,
    )
    .unwrap();
    pair.answers = false;
    pair.settle();
    assert!(pair.phone_holds.request && !pair.computer_holds.radio);

    let Some(Effect::Tell(PhoneEvent::Ask { token, .. })) = second.poll_output() else { panic!() };
    second
        .handle_answer(
            token,
            towline_hybrid::ResponderAnswer::Connect { remember: false },
            pair.now,
        )
        .unwrap();
    second.handle_opened(
        Opened { routing_id: Some(RoutingId::new([1; 3])), signal: false },
        pair.now,
    );
    let advert = std::iter::from_fn(|| second.poll_output())
        .find_map(|output| match output {
            Effect::Advertise(advert) => Some(advert),
            _ => None,
        })
        .unwrap();
    while second.poll_output().is_some() {}
    pair.computer.handle_advert(advert.as_bytes(), pair.now);
    assert_eq!(pair.computer.poll_output(), None);
    let due = second.poll_timeout().unwrap();
    second.handle_timeout(due);
    let outputs: Vec<_> = std::iter::from_fn(|| second.poll_output()).collect();
    assert_eq!(
        outputs,
        [
            Effect::StopRadio,
            Effect::Close,
            Effect::Tell(PhoneEvent::Finished(Err(Error::TimedOut {
                step: Step::Message1,
                after: seconds(120)
            })))
        ]
    );
}

#[test]
fn the_advert_is_on_the_air_only_between_the_tunnel_and_the_handshake() {
    let mut pair = Pair::new();
    pair.tamper = Some((From::Computer, 0, Tamper::Delay(seconds(10))));
    pair.settle();
    assert!(pair.phone_holds.radio);
    pair.run();
    assert!(pair.computer_result.unwrap().is_ok());

    let mut pair = Pair::new();
    pair.phone_tunnel = Err(Some(ConnectFailure::Status(409)));
    pair.run();
    assert_eq!(pair.advert, None);
    assert_eq!(*pair.phone_error(), Error::Tunnel(ConnectFailure::Status(409)));

    let mut pair = Pair::new();
    pair.phone_tunnel = Err(None);
    pair.run();
    assert_eq!(*pair.phone_error(), Error::TimedOut { step: Step::Tunnel, after: seconds(20) });
}
