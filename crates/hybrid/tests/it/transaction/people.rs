//! People: who decline, cancel, walk away, or take their time; and callers that call at the wrong
//! time.

use std::time::Duration;

use towline_hybrid::{
    CodeSource, ComputerEvent, Effect, Error, Initiator, InitiatorConfig, Machine, Misuse, Opened,
    PhoneEvent, Responder, ResponderAnswer, ResponderQuestion, Step,
    domain::TunnelDomain,
    ids::{ClientNonce, LinkId, RoutingId, TunnelId},
    internal::message::{Features, Message, PostHandshake},
    qr::Hint,
    tunnel::ConnectFailure,
};

use super::pair::{
    From, Pair, REQUEST, RESPONSE, Tamper, provider, responder_config, scan, seconds,
};

#[test]
fn nothing_is_sent_before_the_person_agreed() {
    let mut pair = Pair::new();
    pair.consent = None;
    pair.settle();
    assert!(pair.phone_holds.prompt);
    assert!(!pair.phone_holds.socket && !pair.phone_holds.radio);
}

#[test]
fn a_declined_connection_ends_without_a_trace() {
    let mut pair = Pair::new();
    pair.consent = Some(ResponderAnswer::Decline);
    pair.settle();
    assert_eq!(*pair.phone_error(), Error::Declined);
    assert_eq!(pair.advert, None);
    assert!(!pair.phone_holds.socket);
}

#[test]
fn a_question_nobody_answers_is_withdrawn() {
    let mut pair = Pair::new();
    pair.consent = None;
    pair.run();
    assert_eq!(*pair.phone_error(), Error::TimedOut { step: Step::Consent, after: seconds(120) });
}

#[test]
fn the_question_says_what_is_known_about_the_code() {
    let pair = Pair::new();
    let mut config = responder_config();
    config.allow_links = true;
    let code = scan(&pair.computer);
    let mut phone =
        Responder::new(config, &provider(), code, CodeSource::Link, pair.now, 1_790_000_000)
            .unwrap();
    let Some(Effect::Tell(PhoneEvent::Ask { question, .. })) = phone.poll_output() else {
        panic!()
    };
    let ResponderQuestion::Connect(question) = question else { panic!("{question:?}") };
    assert_eq!(question.source, CodeSource::Link);
    assert_eq!(question.hint, Hint::GetAssertion);
    assert_eq!(question.made_at, Some(1_790_000_000));
    assert!(!question.may_remember);
}

#[test]
fn a_code_that_a_web_page_could_have_opened_is_refused_before_the_question() {
    let pair = Pair::new();
    let new = |source| {
        Responder::new(
            responder_config(),
            &provider(),
            scan(&pair.computer),
            source,
            pair.now,
            1_790_000_000,
        )
        .map(drop)
    };
    assert_eq!(new(CodeSource::Link), Err(Error::LinkNotAllowed));
    assert!(Error::LinkNotAllowed.to_string().contains("with the camera"));
    for source in [CodeSource::Camera, CodeSource::Typed, CodeSource::File] {
        assert_eq!(new(source), Ok(()), "{source:?}");
    }
}

#[test]
fn an_answer_to_no_open_question_is_refused() {
    let mut pair = Pair::new();
    pair.consent = None;
    pair.settle();
    let token = pair.question.unwrap();
    let connect = ResponderAnswer::Connect { remember: false };
    pair.phone.handle_cancel(pair.now);
    assert_eq!(pair.phone.handle_answer(token, connect, pair.now), Err(Misuse::UnknownToken));
    pair.settle();
    assert_eq!(*pair.phone_error(), Error::Cancelled);

    let mut pair = Pair::new();
    pair.settle();
    let token = pair.question.unwrap();
    assert_eq!(
        pair.phone.handle_answer(token, ResponderAnswer::Decline, pair.now),
        Err(Misuse::UnknownToken)
    );
}

/// Pairs that are stopped in each state that they can be stopped in.
fn stopped_pairs() -> Vec<Pair> {
    let mut pairs = Vec::new();
    let mut stop = |change: fn(&mut Pair)| {
        let mut pair = Pair::new();
        change(&mut pair);
        pair.settle();
        pairs.push(pair);
    };
    stop(|pair| pair.consent = None);
    stop(|pair| pair.phone_tunnel = Err(None));
    stop(|pair| pair.air = |_| None);
    stop(|pair| pair.computer_tunnel = Err(None));
    stop(|pair| pair.tamper = Some((From::Computer, 0, Tamper::Drop)));
    stop(|pair| pair.tamper = Some((From::Phone, 0, Tamper::Delay(seconds(9)))));
    stop(|pair| pair.tamper = Some((From::Phone, 1, Tamper::Delay(seconds(9)))));
    stop(|pair| pair.answers = false);
    stop(|pair| pair.shuts_down = false);
    pairs
}

#[test]
fn cancelling_on_the_computer_ends_both_sides_from_every_state() {
    for (index, mut pair) in stopped_pairs().into_iter().enumerate() {
        pair.computer.handle_cancel(pair.now);
        pair.settle();
        assert_eq!(*pair.computer_error(), Error::Cancelled, "{index}");
        assert!(pair.computer.is_finished());
        pair.run();
    }
}

#[test]
fn cancelling_on_the_phone_ends_both_sides_from_every_state() {
    for (index, mut pair) in stopped_pairs().into_iter().enumerate() {
        pair.phone.handle_cancel(pair.now);
        pair.settle();
        assert_eq!(*pair.phone_error(), Error::Cancelled, "{index}");
        pair.run();
    }
}

#[test]
fn cancelling_twice_or_after_the_end_changes_nothing() {
    let mut pair = Pair::new();
    pair.run();
    pair.computer.handle_cancel(pair.now);
    pair.computer.handle_shutdown(pair.now);
    pair.computer.handle_closed(pair.now);
    pair.computer.handle_text(pair.now);
    pair.computer.handle_frame(vec![0; 81], pair.now);
    pair.computer.handle_opened(Opened::default(), pair.now);
    pair.computer.handle_connect_failed(ConnectFailure::Name("cable.example".into()), pair.now);
    pair.computer.handle_timeout(pair.now + seconds(9999));
    assert_eq!(pair.computer.poll_output(), None);
    pair.phone.handle_cancel(pair.now);
    pair.phone.handle_shutdown(pair.now);
    pair.phone.handle_closed(pair.now);
    pair.phone.handle_text(pair.now);
    pair.phone.handle_frame(vec![0; 81], pair.now);
    pair.phone.handle_opened(
        Opened { routing_id: Some(RoutingId::new([0; 3])), signal: false },
        pair.now,
    );
    pair.phone.handle_connect_failed(ConnectFailure::Name("cable.example".into()), pair.now);
    pair.phone.handle_timeout(pair.now + seconds(9999));
    assert_eq!(pair.phone.poll_output(), None);
}

#[test]
fn a_cancelled_request_takes_the_prompt_off_the_phone() {
    let mut pair = Pair::new();
    pair.answers = false;
    pair.settle();
    assert!(pair.phone_holds.request);
    pair.computer.handle_cancel(pair.now);
    pair.settle();
    assert!(!pair.phone_holds.request);
    assert!(pair.phone_result.as_ref().unwrap().is_ok(), "the computer said that it is done");
    assert_eq!(pair.phone.handle_response(RESPONSE.to_vec(), pair.now), Err(Misuse::NotNow));
}

#[test]
fn requests_and_responses_at_the_wrong_time_are_refused_and_change_nothing() {
    let mut pair = Pair::new();
    assert_eq!(
        pair.computer.handle_request(REQUEST.to_vec(), pair.now),
        Err(Misuse::NotNow.into())
    );
    assert_eq!(pair.phone.handle_response(RESPONSE.to_vec(), pair.now), Err(Misuse::NotNow));
    pair.answers = false;
    pair.settle();
    assert_eq!(pair.computer.handle_request(REQUEST.to_vec(), pair.now), Err(Misuse::Busy.into()));
    assert_eq!(pair.phone.handle_response(vec![0; 1 << 20], pair.now), Err(Misuse::TooLong));
    pair.phone_holds.request = false;
    pair.phone.handle_response(RESPONSE.to_vec(), pair.now).unwrap();
    assert_eq!(pair.phone.handle_response(RESPONSE.to_vec(), pair.now), Err(Misuse::NotNow));
    pair.run();
    assert_eq!(pair.responses, [RESPONSE]);
    assert_eq!(
        pair.computer.handle_request(REQUEST.to_vec(), pair.now),
        Err(Misuse::NotNow.into())
    );
}

#[test]
fn a_request_that_is_too_long_is_refused_and_the_next_works() {
    let mut pair = Pair::new();
    (pair.requests, pair.shuts_down) = (0, false);
    pair.settle();
    assert_eq!(
        pair.computer.handle_request(vec![1; 1 << 20], pair.now),
        Err(Misuse::TooLong.into())
    );
    pair.computer.handle_request(REQUEST.to_vec(), pair.now).unwrap();
    pair.settle();
    assert_eq!(pair.responses, [RESPONSE]);
}

#[test]
fn an_idle_connection_is_shut_down() {
    let mut pair = Pair::new();
    pair.shuts_down = false;
    pair.run();
    assert_eq!(pair.elapsed(), seconds(300));
    assert!(pair.computer_result.unwrap().is_ok() && pair.phone_result.unwrap().is_ok());
}

#[test]
fn a_phone_program_that_never_answers_runs_into_the_deadline() {
    let mut pair = Pair::new();
    pair.answers = false;
    pair.run();
    assert_eq!(pair.elapsed(), seconds(600));
    assert_eq!(
        *pair.computer_error(),
        Error::TimedOut { step: Step::Response, after: seconds(600) }
    );
    assert_eq!(*pair.phone_error(), Error::TimedOut { step: Step::Answer, after: seconds(600) });
}

#[test]
fn a_phone_may_close_after_one_request() {
    let mut config = responder_config();
    config.one_request = true;
    let mut pair = Pair::with(InitiatorConfig::default(), config);
    pair.shuts_down = false;
    pair.run();
    assert_eq!(pair.responses, [RESPONSE]);
    assert_eq!(pair.elapsed(), seconds(0));
    assert!(pair.computer_result.unwrap().is_ok() && pair.phone_result.unwrap().is_ok());
}

#[test]
fn a_phone_program_may_end_an_idle_connection() {
    let mut pair = Pair::new();
    pair.shuts_down = false;
    pair.settle();
    pair.phone.handle_shutdown(pair.now);
    pair.run();
    assert!(pair.computer_result.unwrap().is_ok() && pair.phone_result.unwrap().is_ok());
}

#[test]
fn shutting_down_during_a_request_drops_its_response() {
    let mut pair = Pair::new();
    pair.answers = false;
    pair.settle();
    pair.computer.handle_shutdown(pair.now);
    pair.run();
    assert!(pair.responses.is_empty());
    assert!(pair.computer_result.unwrap().is_ok());
}

#[test]
fn deadlines_beyond_the_clock_mean_never() {
    let mut config = InitiatorConfig::default();
    config.scan_timeout = Duration::MAX;
    let pair = Pair::with(config, responder_config());
    assert!(pair.computer.poll_timeout().unwrap() > pair.now + seconds(86_400));
}

#[test]
fn a_code_that_this_phone_can_not_serve_is_refused_before_the_question() {
    let pair = Pair::new();
    let new = |domain, change: fn(&mut towline_hybrid::qr::QrPayload)| {
        let mut code = scan(&pair.computer);
        change(&mut code);
        let mut config = responder_config();
        config.domain = domain;
        Responder::new(config, &provider(), code, CodeSource::Typed, pair.now, 1_790_000_000)
            .map(drop)
    };
    let derived = TunnelDomain::new(256).unwrap();
    assert_eq!(
        new(TunnelDomain::APPLE, |code| code.known_domains = Some(1)),
        Err(Error::UnknownTunnelDomain)
    );
    assert_eq!(
        new(TunnelDomain::GOOGLE, |code| code.known_domains = None),
        Err(Error::UnknownTunnelDomain)
    );
    assert_eq!(new(derived, |code| code.known_domains = None), Ok(()));
    assert_eq!(new(derived, |code| code.channels = Some(vec![1])), Err(Error::NoCommonChannel));
    assert_eq!(new(derived, |code| code.channels = Some(vec![1, 0])), Ok(()));
}

#[test]
fn a_broken_random_source_is_an_error_with_everything_released() {
    struct Broken;
    impl towline_crypto::Random for Broken {
        fn fill(&self, _: &mut [u8]) -> Result<(), towline_crypto::Error> {
            Err(towline_crypto::Error::Random)
        }
    }
    let mut broken = provider();
    broken.random = std::sync::Arc::new(Broken);
    let pair = Pair::new();
    let refused =
        Initiator::new(InitiatorConfig::default(), &broken, Hint::GetAssertion, pair.now, 0);
    assert_eq!(refused.map(drop), Err(Error::Crypto(towline_crypto::Error::Random)));

    let mut pair = Pair::new();
    let code = scan(&pair.computer);
    pair.phone = Responder::new(
        responder_config(),
        &broken,
        code,
        CodeSource::Camera,
        pair.now,
        1_790_000_000,
    )
    .unwrap();
    pair.settle();
    assert_eq!(*pair.phone_error(), Error::Crypto(towline_crypto::Error::Random));
    assert!(!pair.phone_holds.socket && !pair.phone_holds.radio);
}

#[test]
fn errors_are_sentences_without_secrets() {
    let pair = Pair::new();
    let uri = pair.computer.qr_uri().unwrap();
    assert!(!format!("{:?}", pair.computer).contains(&uri[6..20]));
    let payload = scan(&pair.computer);
    let secret: String = payload.secret.expose().iter().map(|byte| format!("{byte}, ")).collect();
    assert!(!format!("{payload:?}").contains(&secret));
    let late = Error::TimedOut { step: Step::Advert, after: seconds(300) };
    assert!(late.to_string().contains("Bluetooth"));
    let started = [Effect::<ComputerEvent>::StartScanning];
    assert!(!format!("{started:?}").is_empty());
}

#[test]
fn what_is_said_inside_the_connection_is_not_printed() {
    let said = b"\x00account".to_vec();
    let printed = [
        format!("{:?}", Effect::Tell(ComputerEvent::Response(said.clone()))),
        format!("{:?}", Effect::Tell(PhoneEvent::Request(said.clone()))),
        format!("{:?}", Message::Ctap(said.clone())),
        format!("{:?}", Message::Update(said.clone())),
        format!(
            "{:?}",
            PostHandshake { get_info: None, features: Features::CTAP, linking: Some(said.clone()) }
        ),
    ];
    for text in printed {
        assert!(!text.contains("97, 99, 99"), "{text}");
    }
    for text in [
        format!("{:?}", LinkId::new([0xab; 8])),
        format!("{:?}", TunnelId::new([0xab; 16])),
        format!("{:?}", ClientNonce::new([0xab; 16])),
    ] {
        assert!(!text.to_lowercase().contains("abab"), "{text}");
    }
}
