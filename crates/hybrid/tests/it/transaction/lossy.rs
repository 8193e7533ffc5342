//! Every message of a transaction dropped, delayed, duplicated, changed, cut or reordered in turn.

use towline_hybrid::{
    CodeSource, Error, InitiatorConfig, Machine, Party, PeerFault, Responder, Step,
    internal::frame, internal::noise,
};

use super::pair::{From, Pair, RESPONSE, Tamper, provider, responder_config, scan, seconds};

/// The messages of a transaction with one request, and the steps at which their receivers may be.
const MESSAGES: [(From, usize, &[Step]); 7] = [
    (From::Computer, 0, &[Step::Message1]),
    (From::Phone, 0, &[Step::Message2]),
    (From::Phone, 1, &[Step::PostHandshake]),
    (From::Phone, 2, &[Step::Request, Step::Response]),
    (From::Computer, 1, &[Step::Request]),
    (From::Phone, 3, &[Step::Response]),
    (From::Computer, 2, &[Step::Request]),
];

fn run(from: From, index: usize, tamper: Tamper) -> Pair {
    let mut pair = Pair::new();
    pair.tamper = Some((from, index, tamper));
    pair.run();
    // Scanning for 5 minutes, a request for 10 and an idle connection for 5 are the longest waits.
    assert!(pair.elapsed() <= seconds(1200), "{from:?} {index} {tamper:?}");
    pair
}

#[test]
fn an_undisturbed_transaction_works() {
    let mut pair = Pair::new();
    pair.run();
    assert_eq!(pair.computer_result.as_ref().unwrap().as_ref().unwrap().requests, 1);
    assert_eq!(pair.phone_result.as_ref().unwrap().as_ref().unwrap().requests, 1);
    assert_eq!(pair.responses, [RESPONSE]);
    assert_eq!(pair.elapsed(), seconds(0));
}

#[test]
fn several_requests_follow_each_other_on_one_connection() {
    let mut pair = Pair::new();
    pair.requests = 5;
    pair.run();
    assert_eq!(pair.responses.len(), 5);
    assert_eq!(pair.phone_result.unwrap().unwrap().requests, 5);
}

#[test]
fn a_changed_message_is_blamed_on_its_sender_by_its_receiver() {
    let changes = [
        Tamper::Flip(0),
        Tamper::Flip(15),
        Tamper::Flip(16),
        Tamper::Flip(40),
        Tamper::Flip(80),
        Tamper::Truncate(1),
        Tamper::Truncate(17),
        Tamper::Extend,
        Tamper::Empty,
        Tamper::Text,
    ];
    for (from, index, steps) in MESSAGES {
        for tamper in changes {
            let pair = run(from, index, tamper);
            let (error, expected) = match from {
                From::Computer => (pair.phone_error(), Party::Computer),
                From::Phone => (pair.computer_error(), Party::Phone),
            };
            let Error::Misbehaved { by, step, fault } = error else {
                panic!("{from:?} {index} {tamper:?}: {error:?}")
            };
            assert_eq!(*by, expected);
            assert!(steps.contains(step), "{from:?} {index} {tamper:?}: {error:?}");
            let fits = match fault {
                PeerFault::Text => tamper == Tamper::Text,
                PeerFault::Handshake(noise::Error::Length) => {
                    matches!(tamper, Tamper::Truncate(_) | Tamper::Extend | Tamper::Empty)
                }
                PeerFault::Handshake(noise::Error::Point | noise::Error::Authentication) => {
                    matches!(tamper, Tamper::Flip(_))
                }
                PeerFault::Frame(frame::Error::Authentication) => tamper != Tamper::Text,
                _ => false,
            };
            assert!(fits, "{from:?} {index} {tamper:?}: {error:?}");
        }
    }
}

#[test]
fn a_replayed_message_is_refused() {
    for (from, index, _) in MESSAGES.into_iter().filter(|(_, index, _)| *index > 0) {
        let pair = run(from, index, Tamper::Replay);
        let error = if from == From::Computer { pair.phone_error() } else { pair.computer_error() };
        assert!(matches!(error, Error::Misbehaved { .. }), "{from:?} {index}: {error:?}");
    }
}

#[test]
fn a_lost_message_is_noticed_in_time_by_whoever_waits() {
    for (from, index, _) in MESSAGES {
        let pair = run(from, index, Tamper::Drop);
        let (computer, phone) =
            (pair.computer_result.clone().unwrap(), pair.phone_result.clone().unwrap());
        match (from, index) {
            (From::Computer, 0) => {
                let late = Error::TimedOut { step: Step::Message2, after: seconds(20) };
                assert_eq!(
                    (computer, phone),
                    (Err(late), Err(Error::Closed { step: Step::Message1 }))
                );
            }
            (From::Computer, 1) => {
                let late = Error::TimedOut { step: Step::Request, after: seconds(300) };
                assert_eq!(
                    (computer, phone),
                    (Err(Error::Closed { step: Step::Response }), Err(late))
                );
            }
            (From::Computer, _) => assert!(computer.is_ok() && phone.is_ok()),
            // The response is lost, but the phone can't know.
            (From::Phone, 3) => {
                assert_eq!(computer, Err(Error::Closed { step: Step::Response }));
                assert_eq!(phone.unwrap().requests, 1);
            }
            // The next message comes in the lost one's place.
            (From::Phone, _) => {
                assert!(
                    matches!(computer, Err(Error::Misbehaved { by: Party::Phone, .. })),
                    "{computer:?}"
                );
            }
        }
    }
}

#[test]
fn silence_after_any_message_ends_within_a_deadline() {
    for (from, index, _) in MESSAGES {
        let pair = run(from, index, Tamper::Delay(seconds(3600)));
        let whole = (from, index) == (From::Computer, 2);
        assert_eq!(pair.computer_result.as_ref().unwrap().is_ok(), whole, "{from:?} {index}");
    }
}

#[test]
fn a_short_delay_does_no_harm() {
    for (from, index, _) in MESSAGES {
        let pair = run(from, index, Tamper::Delay(seconds(4)));
        assert!(pair.computer_result.unwrap().is_ok(), "{from:?} {index}");
        assert!(pair.phone_result.unwrap().is_ok(), "{from:?} {index}");
        assert_eq!(pair.responses, [RESPONSE]);
    }
}

#[test]
fn a_duplicate_ends_the_session_but_never_doubles_a_request() {
    for (from, index, _) in MESSAGES {
        let pair = run(from, index, Tamper::Duplicate);
        assert!(pair.requests_seen <= 1, "{from:?} {index}");
        let blamed = match from {
            From::Computer => pair.phone_result.as_ref().unwrap().as_ref().err(),
            From::Phone => pair.computer_result.as_ref().unwrap().as_ref().err(),
        };
        match (from, index) {
            // The receiver was already done, or only waited for the end.
            (From::Computer, 2) | (From::Phone, 3) => assert_eq!(blamed, None),
            _ => assert!(
                matches!(blamed, Some(Error::Misbehaved { .. })),
                "{from:?} {index}: {blamed:?}"
            ),
        }
    }
}

#[test]
fn messages_in_the_wrong_order_are_refused() {
    for (index, expected) in
        [Step::Message2, Step::PostHandshake, Step::Response].into_iter().enumerate()
    {
        let pair = run(From::Phone, index, Tamper::Overtaken);
        let error = pair.computer_error();
        assert!(
            matches!(error, Error::Misbehaved { by: Party::Phone, step, .. } if *step == expected),
            "{index}: {error:?}"
        );
        let phone = pair.phone_result.unwrap();
        let served = phone.is_ok_and(|summary| summary.requests == 1);
        assert_eq!(
            served,
            expected == Step::Response,
            "the phone can't know what came of its last message"
        );
    }
}

#[test]
fn a_connection_that_breaks_is_reported_with_what_was_going_on() {
    for (from, index, _) in MESSAGES {
        let pair = run(from, index, Tamper::Cut);
        let (computer, phone) =
            (pair.computer_result.clone().unwrap(), pair.phone_result.clone().unwrap());
        match (from, index) {
            (From::Computer, 2) => assert!(computer.is_ok() && phone.is_ok()),
            (From::Phone, 3) => {
                assert_eq!(computer, Err(Error::Closed { step: Step::Response }));
                assert!(phone.is_ok());
            }
            _ => {
                assert!(
                    matches!(computer, Err(Error::Closed { .. })),
                    "{from:?} {index}: {computer:?}"
                );
                assert!(matches!(phone, Err(Error::Closed { .. })), "{from:?} {index}: {phone:?}");
            }
        }
    }
}

#[test]
fn a_failure_before_the_phone_authenticates_gives_another_phone_its_chance() {
    for (from, index) in [(From::Computer, 0), (From::Phone, 0)] {
        for tamper in [Tamper::Drop, Tamper::Flip(0), Tamper::Cut, Tamper::Text] {
            let mut pair = Pair::new();
            pair.tamper = Some((from, index, tamper));
            pair.settle();
            while !pair.phone.is_finished() {
                pair.now = pair.computer.poll_timeout().unwrap();
                pair.computer.handle_timeout(pair.now);
                pair.settle();
            }
            assert_eq!(pair.failures.len(), 1);
            assert!(pair.computer_holds.radio && !pair.computer_holds.socket);
            assert!(pair.computer.qr_uri().is_some(), "the code is shown again");

            let mut second = Pair::new();
            second.now = pair.now;
            std::mem::swap(&mut second.computer, &mut pair.computer);
            second.computer_holds.radio = true;
            let config = responder_config();
            let code = scan(&second.computer);
            let source = CodeSource::Camera;
            second.phone =
                Responder::new(config, &provider(), code, source, second.now, 1_790_000_000)
                    .unwrap();
            second.run();
            assert!(second.computer_result.as_ref().unwrap().is_ok(), "{from:?} {tamper:?}");
            assert_eq!(second.responses, [RESPONSE]);
        }
    }
}

#[test]
fn the_number_of_attempts_is_limited() {
    let mut config = InitiatorConfig::default();
    config.max_attempts = 1;
    let mut pair = Pair::with(config, responder_config());
    pair.tamper = Some((From::Phone, 0, Tamper::Flip(0)));
    pair.run();
    assert_eq!(pair.elapsed(), seconds(0));
    assert!(matches!(pair.computer_error(), Error::Misbehaved { step: Step::Message2, .. }));
}
