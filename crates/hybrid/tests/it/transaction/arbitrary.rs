//! Arbitrary input: every call of both machines, and every parser, answers without a panic.

use proptest::prelude::*;
use towline_hybrid::{
    ComputerEvent, Effect, Machine, Opened, PhoneEvent, ResponderAnswer,
    domain::TunnelDomain,
    ids::{RoutingId, TunnelId},
    internal::secrets::QrSecret,
    internal::{
        digits,
        eid::{Eid, EidKey},
    },
    link::ClientPayload,
    qr::QrPayload,
    tunnel::ConnectFailure,
};

use super::pair::{Pair, provider, seconds};

#[derive(Debug, Clone)]
enum Call {
    Advert(Vec<u8>),
    GoodAdvert,
    Frame(bool, Vec<u8>),
    Text(bool),
    Closed(bool),
    Connected(bool),
    ConnectFailed(bool),
    Wait(u64),
    Request(Vec<u8>),
    Response(Vec<u8>),
    Answer(bool),
    Shutdown(bool),
    Cancel(bool),
    Settle,
}

fn call() -> impl Strategy<Value = Call> {
    let bytes = || prop::collection::vec(any::<u8>(), 0..100);
    prop_oneof![
        bytes().prop_map(Call::Advert),
        Just(Call::GoodAdvert),
        (any::<bool>(), bytes()).prop_map(|(side, bytes)| Call::Frame(side, bytes)),
        any::<bool>().prop_map(Call::Text),
        any::<bool>().prop_map(Call::Closed),
        any::<bool>().prop_map(Call::Connected),
        any::<bool>().prop_map(Call::ConnectFailed),
        (0_u64..700).prop_map(Call::Wait),
        bytes().prop_map(Call::Request),
        bytes().prop_map(Call::Response),
        any::<bool>().prop_map(Call::Answer),
        any::<bool>().prop_map(Call::Shutdown),
        Just(Call::Settle),
        any::<bool>().prop_map(Call::Cancel),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_order_of_calls_leaves_both_machines_with_a_deadline_or_finished(
        calls in prop::collection::vec(call(), 1..30),
    ) {
        let mut pair = Pair::new();
        let (computer, phone) = (&mut pair.computer, &mut pair.phone);
        let code = super::pair::scan(computer);
        let key = EidKey::qr(&provider(), &code.secret).unwrap().prepare(&provider());
        let advert = key.seal(&Eid::qr([1; 10], RoutingId::new([2; 3]), TunnelDomain::APPLE));
        let mut now = pair.now;
        let mut token = None;
        let (mut finished_computer, mut finished_phone) = (0, 0);
        for call in calls {
            match call {
                Call::Advert(bytes) => computer.handle_advert(&bytes, now),
                Call::GoodAdvert => computer.handle_advert(advert.as_bytes(), now),
                Call::Frame(true, bytes) => computer.handle_frame(bytes, now),
                Call::Frame(false, bytes) => phone.handle_frame(bytes, now),
                Call::Text(true) => computer.handle_text(now),
                Call::Text(false) => phone.handle_text(now),
                Call::Closed(true) => computer.handle_closed(now),
                Call::Closed(false) => phone.handle_closed(now),
                Call::Connected(true) => computer.handle_opened(Opened::default(), now),
                Call::Connected(false) => phone.handle_opened(Opened { routing_id: Some(RoutingId::new([2; 3])), signal: false }, now),
                Call::ConnectFailed(true) => computer.handle_connect_failed(ConnectFailure::Name("cable.example".into()), now),
                Call::ConnectFailed(false) => phone.handle_connect_failed(ConnectFailure::Name("cable.example".into()), now),
                Call::Wait(time) => {
                    now += seconds(time);
                    computer.handle_timeout(now);
                    phone.handle_timeout(now);
                }
                Call::Request(bytes) => drop(computer.handle_request(bytes, now)),
                Call::Response(bytes) => drop(phone.handle_response(bytes, now)),
                Call::Answer(yes) => {
                    if let Some(token) = token {
                        let answer = if yes { ResponderAnswer::Connect { remember: true } } else { ResponderAnswer::Decline };
                        let _ = phone.handle_answer(token, answer, now);
                    }
                }
                Call::Shutdown(true) => computer.handle_shutdown(now),
                Call::Shutdown(false) => phone.handle_shutdown(now),
                Call::Cancel(true) => computer.handle_cancel(now),
                Call::Cancel(false) => phone.handle_cancel(now),
                Call::Settle => {}
            }
            while let Some(output) = computer.poll_output() {
                prop_assert_eq!(finished_computer, 0);
                finished_computer += usize::from(matches!(output, Effect::Tell(ComputerEvent::Finished(_))));
            }
            while let Some(output) = phone.poll_output() {
                prop_assert_eq!(finished_phone, 0);
                match output {
                    Effect::Tell(PhoneEvent::Ask { token: asked, .. }) => token = Some(asked),
                    Effect::Tell(PhoneEvent::Finished(_)) => finished_phone += 1,
                    _ => {}
                }
            }
            prop_assert_eq!(computer.poll_timeout().is_some(), finished_computer == 0);
            prop_assert_eq!(phone.poll_timeout().is_some(), finished_phone == 0);
        }
    }

    #[test]
    fn any_text_and_bytes_are_answered(text in ".{0,200}", bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = QrPayload::from_uri(&provider(), &text);
        let _ = QrPayload::from_uri(&provider(), &format!("FIDO:/{text}"));
        let _ = QrPayload::from_cbor(&provider(), &bytes);
        let _ = QrPayload::from_uri(&provider(), &format!("fido:/{}", digits::encode(&bytes)));
        let _ = ClientPayload::from_header(&text);
        let _ = ClientPayload::decode(&bytes);
        let _ = TunnelId::from_hex(&text);
        let secret = QrSecret::generate(&*provider().random).unwrap();
        let key = EidKey::qr(&provider(), &secret).unwrap().prepare(&provider());
        prop_assert!(key.open_qr(&bytes).is_err());
    }
}

#[test]
fn a_code_that_is_too_long_is_refused() {
    let uri = format!("FIDO:/{}", "0".repeat(1025));
    assert_eq!(QrPayload::from_uri(&provider(), &uri), Err(towline_hybrid::qr::QrError::TooLong));
}
