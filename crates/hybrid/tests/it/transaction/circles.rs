//! Devices that share passkeys: messages of their own in both directions, at any time, and nothing
//! else; and those who know nothing of it.

use std::time::Instant;

use towline_hybrid::{
    CodeSource, ComputerEvent, Effect, Error, Initiator, InitiatorConfig, MAX_MESSAGE, Machine,
    Misuse, Opened, PhoneEvent, Responder, ResponderAnswer, ResponderConfig,
    domain::TunnelDomain,
    ids::RoutingId,
    qr::{CircleHint, Hint, QrPayload},
};

use super::pair::*;

struct Devices {
    shows: Initiator,
    scans: Responder,
    now: Instant,
}

fn shows(hint: CircleHint, now: Instant) -> Initiator {
    let mut config = InitiatorConfig::default();
    config.linking = true;
    Initiator::for_circle(config, &provider(), hint, now, 1_790_000_000).unwrap()
}

fn code(shows: &Initiator) -> QrPayload {
    QrPayload::from_uri(&provider(), shows.qr_uri().unwrap()).unwrap()
}

fn scans(config: ResponderConfig, code: QrPayload, now: Instant) -> Result<Responder, Error> {
    Responder::new(config, &provider(), code, CodeSource::Camera, now, 1_790_000_000)
}

impl Devices {
    /// Both behind their handshake.
    fn meet(mut shows: Initiator, mut scans: Responder, now: Instant) -> Self {
        let Some(Effect::Tell(PhoneEvent::Ask { token, .. })) = scans.poll_output() else {
            panic!()
        };
        scans.handle_answer(token, ResponderAnswer::Connect { remember: true }, now).unwrap();
        let routing_id = Some(RoutingId::new([1, 2, 3]));
        scans.handle_opened(Opened { routing_id, signal: false }, now);
        let advert = std::iter::from_fn(|| scans.poll_output()).find_map(|output| match output {
            Effect::Advertise(advert) => Some(advert),
            _ => None,
        });
        shows.handle_advert(advert.unwrap().as_bytes(), now);
        shows.handle_opened(Opened::default(), now);
        let mut devices = Self { shows, scans, now };
        devices.heard_where_scanned();
        devices
    }

    fn connected() -> Self {
        let now = Instant::now();
        let shows = shows(CircleHint::Join, now);
        let config = ResponderConfig::for_circle(TunnelDomain::GOOGLE);
        let scans = scans(config, code(&shows), now).unwrap();
        let mut devices = Self::meet(shows, scans, now);
        let ready = devices.heard_where_shown();
        assert!(ready.iter().any(
            |event| matches!(event, ComputerEvent::Ready { get_info, .. } if get_info.is_empty())
        ));
        devices
    }

    fn heard_where_scanned(&mut self) -> Vec<PhoneEvent> {
        for output in std::iter::from_fn(|| self.shows.poll_output()) {
            if let Effect::Send(frame) = output {
                self.scans.handle_frame(frame, self.now);
            }
        }
        // What is sent meanwhile reaches the other one.
        let outputs: Vec<_> = std::iter::from_fn(|| self.scans.poll_output()).collect();
        let (send, rest): (Vec<_>, Vec<_>) =
            outputs.into_iter().partition(|output| matches!(output, Effect::Send(_)));
        for output in send {
            if let Effect::Send(frame) = output {
                self.shows.handle_frame(frame, self.now);
            }
        }
        told(rest)
    }

    fn heard_where_shown(&mut self) -> Vec<ComputerEvent> {
        for output in std::iter::from_fn(|| self.scans.poll_output()) {
            if let Effect::Send(frame) = output {
                self.shows.handle_frame(frame, self.now);
            }
        }
        told(std::iter::from_fn(|| self.shows.poll_output()).collect())
    }
}

fn told<E>(outputs: Vec<Effect<E>>) -> Vec<E> {
    outputs
        .into_iter()
        .filter_map(|output| match output {
            Effect::Tell(event) => Some(event),
            _ => None,
        })
        .collect()
}

#[test]
fn messages_go_both_ways_in_any_order() {
    let mut devices = Devices::connected();
    for number in 0..3 {
        for message in [vec![], vec![number; 100]] {
            devices.shows.handle_circle_message(message.clone(), devices.now).unwrap();
            let heard = devices.heard_where_scanned();
            assert_eq!(heard, [PhoneEvent::CircleMessage(message)]);
        }
        let longest = vec![number; MAX_MESSAGE - 1];
        devices.scans.handle_circle_message(vec![number], devices.now).unwrap();
        devices.scans.handle_circle_message(longest.clone(), devices.now).unwrap();
        let heard = devices.heard_where_shown();
        let expected = [vec![number], longest].map(ComputerEvent::CircleMessage);
        assert!(heard == expected, "{heard:?}");
    }
    let too_long = vec![0; MAX_MESSAGE];
    let refused = devices.shows.handle_circle_message(too_long.clone(), devices.now);
    assert_eq!(refused, Err(Misuse::TooLong));
    let refused = devices.scans.handle_circle_message(too_long, devices.now);
    assert_eq!(refused, Err(Misuse::TooLong));
    let shown = format!("{:?}", ComputerEvent::CircleMessage(b"secret".to_vec()));
    assert_eq!(shown, "CircleMessage(6 bytes)");

    devices.shows.handle_shutdown(devices.now);
    let heard = devices.heard_where_scanned();
    assert!(matches!(heard.last(), Some(PhoneEvent::Finished(Ok(summary))) if !summary.linked));
}

#[test]
fn there_are_no_passkeys_over_it() {
    let mut devices = Devices::connected();
    let refused = devices.shows.handle_request(REQUEST.to_vec(), devices.now);
    assert_eq!(refused, Err(Error::NoCtap));
    let refused = devices.scans.handle_response(RESPONSE.to_vec(), devices.now);
    assert_eq!(refused, Err(Misuse::NotNow));
}

#[test]
fn the_hint_is_in_codes_of_circles_alone_and_others_read_them() {
    let now = Instant::now();
    for hint in [CircleHint::Join, CircleHint::Invite] {
        let code = code(&shows(hint, now));
        assert_eq!(code.circle_hint(), Some(hint));
        // Whoever does not know the hint takes it for this one.
        assert_eq!(code.request_hint(), Hint::GetAssertion);
        assert_eq!(code.linking, Some(false), "nothing is linked");
        assert!(code.extras.is_empty());
    }
    for hint in [Hint::GetAssertion, Hint::MakeCredential, Hint::CredentialPresentation] {
        let computer =
            Initiator::new(InitiatorConfig::default(), &provider(), hint, now, 0).unwrap();
        assert_eq!(code(&computer).circle_hint(), None);
        assert_eq!(code(&computer).hint.as_deref(), Some(hint.as_str()));
    }
}

#[test]
fn a_code_for_the_other_thing_is_refused_before_anything_is_sent() {
    let now = Instant::now();
    let refused = scans(responder_config(), code(&shows(CircleHint::Join, now)), now);
    assert_eq!(refused.err(), Some(Error::OnlyForCircles));
    let config = InitiatorConfig::default();
    let computer = Initiator::new(config, &provider(), Hint::GetAssertion, now, 0).unwrap();
    let config = ResponderConfig::for_circle(TunnelDomain::GOOGLE);
    let refused = scans(config, code(&computer), now);
    assert_eq!(refused.err(), Some(Error::NotForCircles));
}

/// One that does not know the hint, as today's phones do not.
#[test]
fn a_phone_that_connects_is_let_go_with_a_word() {
    let now = Instant::now();
    let shows = shows(CircleHint::Invite, now);
    let mut code = code(&shows);
    code.hint = None;
    let scans = scans(responder_config(), code, now).unwrap();
    let mut devices = Devices::meet(shows, scans, now);
    let heard = devices.heard_where_shown();
    assert_eq!(heard.last(), Some(&ComputerEvent::Finished(Err(Error::NoCircle))));
    assert!(!heard.iter().any(|event| matches!(event, ComputerEvent::Ready { .. })));
    let refused = devices.shows.handle_circle_message(vec![1], now);
    assert_eq!(refused, Err(Misuse::NotNow));
}

/// What a peer sends all the same is refused: see the peers that break the protocol.
#[test]
fn where_people_sign_in_no_message_of_a_circle_is_sent() {
    let now = Instant::now();
    let config = InitiatorConfig::default();
    let computer = Initiator::new(config, &provider(), Hint::GetAssertion, now, 0).unwrap();
    let phone = scans(responder_config(), code(&computer), now).unwrap();
    let mut devices = Devices::meet(computer, phone, now);
    devices.heard_where_shown();
    assert_eq!(devices.shows.handle_circle_message(vec![1], now), Err(Misuse::NotNow));
    assert_eq!(devices.scans.handle_circle_message(vec![1], now), Err(Misuse::NotNow));
}
