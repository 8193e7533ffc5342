//! Peers that finish the handshake and then break the protocol.

use towline_hybrid::{
    CodeSource, ComputerEvent, Effect, Error, Initiator, InitiatorConfig, Machine, Opened, Party,
    PeerFault, PhoneEvent, Responder, ResponderAnswer, Step,
    domain::TunnelDomain,
    ids::RoutingId,
    internal::eid::{Eid, EidKey},
    internal::frame::{self, Opener, Sealer},
    internal::message::{self, Features, Message, PostHandshake},
    internal::noise::{self, InitiatorKey, ResponderKey},
    internal::secrets::{Psk, QrSecret},
    qr::{Hint, QrPayload},
};

use super::pair::{GET_INFO, Pair, REQUEST, RESPONSE, provider, responder_config, scan, seconds};

/// A phone that does what a test says.
struct RawPhone {
    computer: Initiator,
    now: std::time::Instant,
    sealer: Sealer,
    opener: Opener,
}

impl RawPhone {
    /// Up to message 2.
    fn connect(config: InitiatorConfig) -> Self {
        let (provider, now) = (provider(), std::time::Instant::now());
        let mut computer = Initiator::new(config, &provider, Hint::GetAssertion, now, 0).unwrap();
        let code = scan(&computer);
        let eid = Eid::qr([3; 10], RoutingId::new([1; 3]), TunnelDomain::GOOGLE);
        let advert = EidKey::qr(&provider, &code.secret).unwrap().prepare(&provider).seal(&eid);
        computer.handle_advert(advert.as_bytes(), now);
        computer.handle_opened(Opened::default(), now);
        let message1 = sent(&mut computer).pop().unwrap();
        let psk = Psk::qr(&provider, &code.secret, &eid).unwrap();
        let (message2, keys) =
            noise::respond(&provider, &psk, ResponderKey::Qr(&code.public_key), &message1).unwrap();
        computer.handle_frame(message2.to_vec(), now);
        let (sealer, opener) =
            (Sealer::new(&provider, &keys.to_computer), Opener::new(&provider, &keys.to_phone));
        Self { computer, now, sealer, opener }
    }

    /// Up to the first message.
    fn ready() -> Self {
        let mut phone = Self::connect(InitiatorConfig::default());
        phone.send(first_message());
        phone
    }

    fn waiting() -> Self {
        let mut phone = Self::ready();
        phone.computer.handle_request(REQUEST.to_vec(), phone.now).unwrap();
        let request = sent(&mut phone.computer).pop().unwrap();
        let request = Message::decode(phone.opener.open(request).unwrap()).unwrap();
        assert_eq!(request, Message::Ctap(REQUEST.to_vec()));
        phone
    }

    fn lingering() -> Self {
        let mut phone = Self::ready();
        phone.computer.handle_shutdown(phone.now);
        phone
    }

    fn send(&mut self, message: Vec<u8>) {
        let frame = self.sealer.seal(message).unwrap();
        self.computer.handle_frame(frame, self.now);
    }

    fn result(&mut self) -> Option<Result<(), Error>> {
        let outputs: Vec<_> = std::iter::from_fn(|| self.computer.poll_output()).collect();
        match outputs.last() {
            Some(Effect::Tell(ComputerEvent::Finished(result))) => {
                assert!(outputs.contains(&Effect::Close));
                Some(result.clone().map(drop))
            }
            _ => None,
        }
    }
}

fn first_message() -> Vec<u8> {
    PostHandshake { get_info: Some(GET_INFO.to_vec()), features: Features::CTAP, linking: None }
        .encode()
}

fn sent(computer: &mut Initiator) -> Vec<Vec<u8>> {
    std::iter::from_fn(|| computer.poll_output())
        .filter_map(|output| match output {
            Effect::Send(frame) => Some(frame),
            _ => None,
        })
        .collect()
}

fn by_phone(step: Step, fault: PeerFault) -> Option<Result<(), Error>> {
    Some(Err(Error::Misbehaved { by: Party::Phone, step, fault }))
}

#[test]
fn a_bad_first_message_is_fatal() {
    let with = |get_info: Option<&[u8]>, features| {
        PostHandshake { get_info: get_info.map(Into::into), features, linking: None }.encode()
    };
    let none = Features::default();
    for bad in
        [vec![], vec![0xff], vec![0xa0], with(None, Features::CTAP), with(Some(GET_INFO), none)]
    {
        let mut phone = RawPhone::connect(InitiatorConfig::default());
        phone.send(bad);
        let result = phone.result();
        assert!(
            matches!(
                result,
                Some(Err(Error::Misbehaved {
                    by: Party::Phone,
                    step: Step::PostHandshake,
                    fault: PeerFault::Message(_)
                }))
            ),
            "{result:?}"
        );
    }
}

#[test]
fn a_phone_that_authenticated_but_says_nothing_times_out() {
    let mut phone = RawPhone::connect(InitiatorConfig::default());
    let due = phone.computer.poll_timeout().unwrap();
    assert_eq!(due, phone.now + seconds(20));
    phone.computer.handle_timeout(due);
    assert_eq!(
        phone.result(),
        Some(Err(Error::TimedOut { step: Step::PostHandshake, after: seconds(20) }))
    );
}

#[test]
fn a_failure_after_the_phone_authenticated_is_final() {
    let mut phone = RawPhone::connect(InitiatorConfig::default());
    assert_eq!(phone.computer.qr_uri(), None);
    phone.computer.handle_closed(phone.now);
    let outputs: Vec<_> = std::iter::from_fn(|| phone.computer.poll_output()).collect();
    let closed = Error::Closed { step: Step::PostHandshake };
    assert_eq!(outputs.last(), Some(&Effect::Tell(ComputerEvent::Finished(Err(closed)))));
}

#[test]
fn messages_nobody_asked_for_are_fatal() {
    for message in [Message::Ctap(RESPONSE.to_vec()), Message::Json(b"{}".to_vec())] {
        let mut phone = RawPhone::ready();
        phone.send(message.encode());
        assert_eq!(phone.result(), by_phone(Step::Request, PeerFault::Unsolicited));
    }
    let mut phone = RawPhone::waiting();
    phone.send(Message::Json(b"{}".to_vec()).encode());
    assert_eq!(phone.result(), by_phone(Step::Response, PeerFault::Unsolicited));
    for (mut phone, step) in
        [(RawPhone::ready(), Step::Request), (RawPhone::waiting(), Step::Response)]
    {
        phone.send(Message::Circle(vec![1]).encode());
        assert_eq!(phone.result(), by_phone(step, PeerFault::Unsupported));
    }
}

#[test]
fn unknown_and_empty_messages_are_fatal() {
    for (message, error) in [
        (vec![], message::Error::Empty),
        (vec![4], message::Error::UnknownType(4)),
        (vec![255], message::Error::UnknownType(255)),
    ] {
        let mut phone = RawPhone::ready();
        phone.send(message.clone());
        assert_eq!(phone.result(), by_phone(Step::Request, PeerFault::Message(error)));
        let mut phone = RawPhone::waiting();
        phone.send(message);
        assert_eq!(phone.result(), by_phone(Step::Response, PeerFault::Message(error)));
    }
}

#[test]
fn a_phone_that_shuts_down_has_closed() {
    let mut phone = RawPhone::ready();
    phone.send(Message::Shutdown.encode());
    assert_eq!(phone.result(), Some(Ok(())));
    let mut phone = RawPhone::waiting();
    phone.send(Message::Shutdown.encode());
    assert_eq!(phone.result(), Some(Err(Error::Closed { step: Step::Response })));
}

#[test]
fn updates_are_tolerated_at_any_time_whatever_they_say() {
    for mut phone in [RawPhone::ready(), RawPhone::waiting(), RawPhone::lingering()] {
        for update in [
            message::write_update(None).unwrap(),
            vec![],
            vec![0xff],
            vec![0x80],
            vec![0xa1, 1, 0xa0],
        ] {
            phone.send(Message::Update(update).encode());
            assert_eq!(phone.result(), None);
        }
    }
}

#[test]
fn linking_information_that_nobody_wants_or_that_is_forged_is_dropped() {
    for linking in [false, true] {
        let mut config = InitiatorConfig::default();
        config.linking = linking;
        let mut phone = RawPhone::connect(config);
        phone.send(first_message());
        let forged = [&[0xa1, 0x06, 0x58, 0x20][..], &[0; 32]].concat();
        phone.send(Message::Update(message::write_update(Some(&forged)).unwrap()).encode());
        let outputs: Vec<_> = std::iter::from_fn(|| phone.computer.poll_output()).collect();
        assert!(!outputs.iter().any(|o| matches!(
            o,
            Effect::Tell(ComputerEvent::Linked { .. }) | Effect::Tell(ComputerEvent::Finished(_))
        )));
    }
}

#[test]
fn late_replies_are_dropped_after_the_shutdown() {
    let mut phone = RawPhone::lingering();
    phone.send(Message::Ctap(RESPONSE.to_vec()).encode());
    phone.send(Message::Json(vec![]).encode());
    assert_eq!(phone.result(), None);
    phone.computer.handle_frame(vec![0; 48], phone.now);
    assert_eq!(phone.result(), Some(Ok(())));
}

#[test]
fn a_phone_that_never_closes_is_left_after_a_while() {
    let mut phone = RawPhone::lingering();
    let due = phone.computer.poll_timeout().unwrap();
    assert_eq!(due, phone.now + seconds(5));
    phone.computer.handle_timeout(due);
    assert_eq!(phone.result(), Some(Ok(())));

    let mut config = InitiatorConfig::default();
    config.linking = true;
    let mut phone = RawPhone::connect(config);
    phone.send(first_message());
    phone.computer.handle_shutdown(phone.now);
    assert_eq!(phone.computer.poll_timeout(), Some(phone.now + seconds(180)));
}

#[test]
fn a_phone_without_ctap_takes_no_requests() {
    let mut phone = RawPhone::connect(InitiatorConfig::default());
    let features = Features { ctap: false, digital_credentials: true, circle: false };
    phone.send(PostHandshake { get_info: None, features, linking: None }.encode());
    assert_eq!(phone.computer.handle_request(REQUEST.to_vec(), phone.now), Err(Error::NoCtap));
}

#[test]
fn an_answer_in_another_type_than_its_request_is_fatal() {
    let features = Features { ctap: true, digital_credentials: true, circle: false };
    let info = PostHandshake { get_info: Some(GET_INFO.to_vec()), features, linking: None };
    let answers = [Message::Json(b"{}".to_vec()), Message::Ctap(RESPONSE.to_vec())];
    for (json, answer) in [false, true].into_iter().zip(answers) {
        let mut phone = RawPhone::connect(InitiatorConfig::default());
        phone.send(info.encode());
        let request = REQUEST.to_vec();
        if json {
            phone.computer.handle_json_request(request, phone.now).unwrap();
        } else {
            phone.computer.handle_request(request, phone.now).unwrap();
        }
        phone.send(answer.encode());
        assert_eq!(phone.result(), by_phone(Step::Response, PeerFault::Unsolicited));
    }
}

#[test]
fn a_frame_that_is_too_long_is_refused_before_it_is_opened() {
    let mut phone = RawPhone::waiting();
    phone.computer.handle_frame(vec![0; frame::MAX_FRAME + 1], phone.now);
    assert_eq!(phone.result(), by_phone(Step::Response, PeerFault::Frame(frame::Error::TooLong)));
}

/// A computer that does what a test says.
struct RawComputer {
    phone: Responder,
    now: std::time::Instant,
    sealer: Sealer,
}

/// A phone that advertises for a code, the code's private key, and the plaintext of its advert.
fn advertising()
-> (Responder, QrPayload, std::sync::Arc<dyn towline_crypto::EcdhKey>, Eid, std::time::Instant) {
    let (provider, now) = (provider(), std::time::Instant::now());
    let key: std::sync::Arc<dyn towline_crypto::EcdhKey> =
        provider.ecdh.generate(&*provider.random).unwrap().into();
    let secret = QrSecret::generate(&*provider.random).unwrap();
    let code = QrPayload::new(*key.public_key(), secret, Hint::GetAssertion);
    let mut phone = Responder::new(
        responder_config(),
        &provider,
        code.clone(),
        CodeSource::Camera,
        now,
        1_790_000_000,
    )
    .unwrap();
    let Some(Effect::Tell(PhoneEvent::Ask { token, .. })) = phone.poll_output() else { panic!() };
    phone.handle_answer(token, ResponderAnswer::Connect { remember: false }, now).unwrap();
    phone.handle_opened(Opened { routing_id: Some(RoutingId::new([1; 3])), signal: false }, now);
    let advert = std::iter::from_fn(|| phone.poll_output())
        .find_map(|output| match output {
            Effect::Advertise(advert) => Some(advert),
            _ => None,
        })
        .unwrap();
    while phone.poll_output().is_some() {}
    let eid = EidKey::qr(&provider, &code.secret)
        .unwrap()
        .prepare(&provider)
        .open_qr(advert.as_bytes())
        .unwrap()
        .eid;
    (phone, code, key, eid, now)
}

impl RawComputer {
    fn connect() -> Self {
        let provider = provider();
        let (mut phone, code, key, eid, now) = advertising();
        let psk = Psk::qr(&provider, &code.secret, &eid).unwrap();
        let (initiated, message1) =
            noise::initiate(&provider, &psk, InitiatorKey::Qr(&key)).unwrap();
        phone.handle_frame(message1.to_vec(), now);
        let message2 = std::iter::from_fn(|| phone.poll_output())
            .find_map(|output| match output {
                Effect::Send(frame) => Some(frame),
                _ => None,
            })
            .unwrap();
        while phone.poll_output().is_some() {}
        let keys = initiated.finish(&message2).unwrap();
        Self { phone, now, sealer: Sealer::new(&provider, &keys.to_phone) }
    }

    fn send(&mut self, message: Vec<u8>) -> Vec<Effect<PhoneEvent>> {
        let frame = self.sealer.seal(message).unwrap();
        self.phone.handle_frame(frame, self.now);
        std::iter::from_fn(|| self.phone.poll_output()).collect()
    }
}

fn by_computer(step: Step, fault: PeerFault) -> Effect<PhoneEvent> {
    Effect::Tell(PhoneEvent::Finished(Err(Error::Misbehaved { by: Party::Computer, step, fault })))
}

#[test]
fn a_computer_that_breaks_the_protocol_is_closed_without_a_reply() {
    let cases = [
        (vec![], PeerFault::Message(message::Error::Empty)),
        (vec![9, 1], PeerFault::Message(message::Error::UnknownType(9))),
        (Message::Json(b"{}".to_vec()).encode(), PeerFault::Unsupported),
        (Message::Circle(vec![1]).encode(), PeerFault::Unsupported),
    ];
    for (message, fault) in cases {
        let mut computer = RawComputer::connect();
        let outputs = computer.send(message);
        assert_eq!(outputs, [Effect::Close, by_computer(Step::Request, fault)]);
    }
    let mut computer = RawComputer::connect();
    let outputs = computer.send(Message::Update(vec![0x80]).encode());
    assert!(matches!(
        outputs.last(),
        Some(Effect::Tell(PhoneEvent::Finished(Err(Error::Misbehaved { .. }))))
    ));
}

#[test]
fn a_second_request_before_the_response_is_fatal_and_takes_the_prompt_away() {
    let mut computer = RawComputer::connect();
    let outputs = computer.send(Message::Ctap(REQUEST.to_vec()).encode());
    assert!(outputs.contains(&Effect::Tell(PhoneEvent::Request(REQUEST.to_vec()))));
    let outputs = computer.send(Message::Ctap(REQUEST.to_vec()).encode());
    assert_eq!(
        outputs,
        [
            Effect::Tell(PhoneEvent::CancelRequest),
            Effect::Close,
            by_computer(Step::Request, PeerFault::Unsolicited)
        ]
    );
}

#[test]
fn empty_and_harmless_messages_of_a_computer_are_served() {
    let mut computer = RawComputer::connect();
    assert_eq!(computer.send(Message::Update(vec![0xa0]).encode()), []);
    // Even getInfo and nonsense go to the authenticator, which answers with a status.
    let outputs = computer.send(Message::Ctap(vec![]).encode());
    assert!(outputs.contains(&Effect::Tell(PhoneEvent::Request(vec![]))));
}

#[test]
fn a_computer_that_shuts_down_at_once_is_no_error() {
    let mut computer = RawComputer::connect();
    let outputs = computer.send(Message::Shutdown.encode());
    assert!(matches!(outputs[..], [Effect::Close, Effect::Tell(PhoneEvent::Finished(Ok(_)))]));
}

#[test]
fn a_first_message_from_another_session_of_the_same_code_is_refused() {
    let provider = provider();
    let (mut phone, code, key, _, now) = advertising();
    // The right key and secret, but an older advert: what a relay could replay.
    let older = Eid::qr([9; 10], RoutingId::new([1; 3]), TunnelDomain::GOOGLE);
    let psk = Psk::qr(&provider, &code.secret, &older).unwrap();
    let (_, message1) = noise::initiate(&provider, &psk, InitiatorKey::Qr(&key)).unwrap();
    phone.handle_frame(message1.to_vec(), now);
    let outputs: Vec<_> = std::iter::from_fn(|| phone.poll_output()).collect();
    let fault = PeerFault::Handshake(noise::Error::Authentication);
    assert_eq!(outputs, [Effect::StopRadio, Effect::Close, by_computer(Step::Message1, fault)]);
}

#[test]
fn data_before_its_turn_is_refused() {
    // On the phone: before the socket is reported as open.
    let mut pair = Pair::new();
    pair.phone_tunnel = Err(None);
    pair.settle();
    pair.phone.handle_frame(vec![0; 81], pair.now);
    pair.settle();
    let fault = PeerFault::Unsolicited;
    assert_eq!(
        *pair.phone_error(),
        Error::Misbehaved { by: Party::Computer, step: Step::Message1, fault }
    );
    // On the computer: before it has sent message 1.
    let mut pair = Pair::new();
    pair.computer_tunnel = Err(None);
    pair.settle();
    pair.computer.handle_frame(vec![0; 81], pair.now);
    pair.settle();
    assert_eq!(
        pair.failures,
        [Error::Misbehaved { by: Party::Phone, step: Step::Message2, fault }]
    );
}

#[test]
fn a_computer_that_keeps_asking_does_not_keep_the_phone_for_ever() {
    let mut computer = RawComputer::connect();
    let start = computer.now;
    while !computer.phone.is_finished() {
        computer.now += seconds(240);
        assert!(computer.now < start + seconds(7200), "it is still connected");
        computer.phone.handle_timeout(computer.now);
        computer.send(Message::Ctap(vec![0x04]).encode());
        if !computer.phone.is_finished() {
            computer.phone.handle_response(RESPONSE.to_vec(), computer.now).unwrap();
        }
    }
}

#[test]
fn a_request_under_way_is_answered_when_the_connection_has_had_its_time() {
    let mut config = responder_config();
    config.session_timeout = seconds(60);
    let mut pair = Pair::with(InitiatorConfig::default(), config);
    pair.answers = false;
    pair.settle();
    pair.now += seconds(90);
    pair.phone.handle_timeout(pair.now);
    pair.phone.handle_response(RESPONSE.to_vec(), pair.now).unwrap();
    pair.phone_holds.request = false;
    pair.shuts_down = false;
    pair.run();
    assert_eq!(pair.responses, [RESPONSE]);
    assert_eq!(pair.phone_result.unwrap().unwrap().requests, 1);
    assert_eq!(pair.now - pair.start, seconds(90));
}

#[test]
fn messages_after_the_deadline_do_not_put_it_off() {
    let mut computer = RawComputer::connect();
    computer.now += seconds(300);
    let outputs = computer.send(Message::Ctap(REQUEST.to_vec()).encode());
    let late = Error::TimedOut { step: Step::Request, after: seconds(300) };
    assert_eq!(outputs, [Effect::Close, Effect::Tell(PhoneEvent::Finished(Err(late)))]);

    let mut phone = RawPhone::waiting();
    phone.now += seconds(600);
    phone.send(Message::Update(vec![0xa0]).encode());
    let late = Error::TimedOut { step: Step::Response, after: seconds(600) };
    assert_eq!(phone.result(), Some(Err(late)));
}
