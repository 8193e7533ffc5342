//! Requests in JSON: carried as they are where both ends have them, refused where one does not.

use std::time::Instant;

use towline_hybrid::{
    CodeSource, ComputerEvent, Effect, Error, Features, Initiator, InitiatorConfig, Machine,
    Misuse, Opened, PhoneEvent, Responder, ResponderAnswer, Step,
    ids::RoutingId,
    internal::frame,
    qr::{Hint, QrPayload},
};

use super::pair::*;

const ASKED: &[u8] = br#"{"origin":"https://example.org","requestType":"credential.get"}"#;
const TOLD: &[u8] = br#"{"response":{"digital":{"error":"NO_CREDENTIAL"}}}"#;

/// A computer and a phone behind their handshake, and what the phone offers.
struct Connected {
    computer: Initiator,
    phone: Responder,
    features: Features,
    now: Instant,
}

impl Connected {
    fn new(digital_credentials: bool) -> Self {
        let (provider, now) = (provider(), Instant::now());
        let mut computer = Initiator::new(
            InitiatorConfig::default(),
            &provider,
            Hint::CredentialPresentation,
            now,
            0,
        )
        .unwrap();
        let code = QrPayload::from_uri(&provider, computer.qr_uri().unwrap()).unwrap();
        let mut config = responder_config();
        config.digital_credentials = digital_credentials;
        let mut phone =
            Responder::new(config, &provider, code, CodeSource::Camera, now, 1_790_000_000)
                .unwrap();
        let Some(Effect::Tell(PhoneEvent::Ask { token, .. })) = phone.poll_output() else {
            panic!()
        };
        phone.handle_answer(token, ResponderAnswer::Connect { remember: false }, now).unwrap();
        phone.handle_opened(
            Opened { routing_id: Some(RoutingId::new([1, 2, 3])), signal: false },
            now,
        );
        let advert = std::iter::from_fn(|| phone.poll_output())
            .find_map(|output| match output {
                Effect::Advertise(advert) => Some(advert),
                _ => None,
            })
            .unwrap();
        computer.handle_advert(advert.as_bytes(), now);
        computer.handle_opened(Opened::default(), now);
        let mut connected = Self { computer, phone, features: Features::default(), now };
        connected.computer_speaks();
        connected.features = connected
            .phone_speaks()
            .iter()
            .find_map(|output| match output {
                Effect::Tell(ComputerEvent::Ready { features, .. }) => Some(*features),
                _ => None,
            })
            .unwrap();
        connected
    }

    /// Carries what the computer sends, and gives what the phone's program is to do.
    fn computer_speaks(&mut self) {
        for output in std::iter::from_fn(|| self.computer.poll_output()) {
            if let Effect::Send(frame) = output {
                self.phone.handle_frame(frame, self.now);
            }
        }
    }

    /// What the phone's program is to do, apart from telling how it goes.
    fn wanted_of_the_phone(&mut self) -> Vec<Effect<PhoneEvent>> {
        self.computer_speaks();
        std::iter::from_fn(|| self.phone.poll_output())
            .filter(|output| !matches!(output, Effect::Tell(PhoneEvent::Progress(_))))
            .collect()
    }

    /// Carries what the phone sends, and gives what comes of it at the computer.
    fn phone_speaks(&mut self) -> Vec<Effect<ComputerEvent>> {
        for output in std::iter::from_fn(|| self.phone.poll_output()) {
            if let Effect::Send(frame) = output {
                self.computer.handle_frame(frame, self.now);
            }
        }
        std::iter::from_fn(|| self.computer.poll_output()).collect()
    }
}

#[test]
fn a_request_in_json_is_answered_in_json_and_ctap_still_works() {
    let mut pair = Connected::new(true);
    assert_eq!(pair.features, Features { ctap: true, digital_credentials: true, circle: false });
    pair.computer.handle_json_request(ASKED.to_vec(), pair.now).unwrap();
    assert_eq!(pair.wanted_of_the_phone(), [Effect::Tell(PhoneEvent::JsonRequest(ASKED.to_vec()))]);
    pair.phone.handle_json_response(TOLD.to_vec(), pair.now).unwrap();
    assert_eq!(pair.phone_speaks(), [Effect::Tell(ComputerEvent::JsonResponse(TOLD.to_vec()))]);

    pair.computer.handle_request(REQUEST.to_vec(), pair.now).unwrap();
    assert_eq!(pair.wanted_of_the_phone(), [Effect::Tell(PhoneEvent::Request(REQUEST.to_vec()))]);
    pair.phone.handle_response(RESPONSE.to_vec(), pair.now).unwrap();
    assert_eq!(pair.phone_speaks(), [Effect::Tell(ComputerEvent::Response(RESPONSE.to_vec()))]);
}

#[test]
fn a_phone_whose_program_does_not_answer_them_does_not_offer_them() {
    let mut pair = Connected::new(false);
    assert_eq!(pair.features, Features::CTAP);
    let refused = pair.computer.handle_json_request(ASKED.to_vec(), pair.now);
    assert_eq!(refused, Err(Error::NoDigitalCredentials));
    // The connection is as good as before.
    pair.computer.handle_request(REQUEST.to_vec(), pair.now).unwrap();
    assert_eq!(pair.wanted_of_the_phone(), [Effect::Tell(PhoneEvent::Request(REQUEST.to_vec()))]);
}

#[test]
fn a_response_has_the_type_of_its_request() {
    let mut pair = Connected::new(true);
    pair.computer.handle_json_request(ASKED.to_vec(), pair.now).unwrap();
    pair.wanted_of_the_phone();
    assert_eq!(pair.phone.handle_response(RESPONSE.to_vec(), pair.now), Err(Misuse::NotNow));
    pair.phone.handle_json_response(TOLD.to_vec(), pair.now).unwrap();
    pair.phone_speaks();

    pair.computer.handle_request(REQUEST.to_vec(), pair.now).unwrap();
    pair.wanted_of_the_phone();
    assert_eq!(pair.phone.handle_json_response(TOLD.to_vec(), pair.now), Err(Misuse::NotNow));
}

#[test]
fn one_request_at_a_time_whatever_it_is_in() {
    let mut pair = Connected::new(true);
    pair.computer.handle_json_request(ASKED.to_vec(), pair.now).unwrap();
    assert_eq!(pair.computer.handle_request(REQUEST.to_vec(), pair.now), Err(Misuse::Busy.into()));
    assert_eq!(
        pair.computer.handle_json_request(ASKED.to_vec(), pair.now),
        Err(Misuse::Busy.into())
    );
}

#[test]
fn a_message_fills_its_frame_and_no_more() {
    let mut pair = Connected::new(true);
    let longest = vec![b' '; frame::MAX_MESSAGE - 1];
    let longer = vec![b' '; frame::MAX_MESSAGE];
    assert_eq!(
        pair.computer.handle_json_request(longer.clone(), pair.now),
        Err(Misuse::TooLong.into())
    );
    pair.computer.handle_json_request(longest.clone(), pair.now).unwrap();
    assert_eq!(
        pair.wanted_of_the_phone(),
        [Effect::Tell(PhoneEvent::JsonRequest(longest.clone()))]
    );
    assert_eq!(pair.phone.handle_json_response(longer, pair.now), Err(Misuse::TooLong));
    pair.phone.handle_json_response(longest.clone(), pair.now).unwrap();
    assert_eq!(pair.phone_speaks(), [Effect::Tell(ComputerEvent::JsonResponse(longest))]);
}

#[test]
fn when_the_computer_is_gone_the_question_is_taken_off_the_screen() {
    let mut pair = Connected::new(true);
    pair.computer.handle_json_request(ASKED.to_vec(), pair.now).unwrap();
    pair.wanted_of_the_phone();
    pair.phone.handle_closed(pair.now);
    let outputs: Vec<_> = std::iter::from_fn(|| pair.phone.poll_output()).collect();
    assert_eq!(outputs.first(), Some(&Effect::Tell(PhoneEvent::CancelRequest)));
    assert_eq!(
        outputs.last(),
        Some(&Effect::Tell(PhoneEvent::Finished(Err(Error::Closed { step: Step::Answer }))))
    );
}
