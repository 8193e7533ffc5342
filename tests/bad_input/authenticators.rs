//! CTAP that is not CTAP, over a connection that is fine.

use std::sync::Arc;

use towline::{
    ComputerError,
    client::Error as ClientError,
    hybrid::{
        CodeSource, ResponderAnswer, ResponderConfig,
        qr::{Hint, QrPayload},
    },
    radio::air::Air,
    transport::{ComputerSession, PhoneEvent, PhoneSession},
};
use towline_ctap::Status;
use towline_virtual::VirtualAuthenticator;

use crate::{
    messages::{OPTIONS, ORIGIN, Room},
    support::*,
};

/// Requests that no computer should send, and whether they are refused whole.
fn requests() -> Vec<Vec<u8>> {
    let mut all = vec![
        vec![],
        vec![0x00],
        vec![0xff],
        vec![0x01],
        vec![0x02],
        vec![0x01, 0xa0],
        vec![0x02, 0xa0],
        vec![0x01, 0xff],
        vec![0x02, 0x80],
        vec![0x02, 0xa1, 0x01, 0x18, 0x01],
        vec![0x02, 0xbf, 0xff],
        vec![0x04, 0xa0, 0x00],
        vec![0x06, 0xa2, 0x01, 0x01, 0x02, 0x02],
        vec![0x07],
        vec![0x08],
        vec![0x08, 0xa0],
        vec![0x0a, 0xa1, 0x01, 0x01],
        vec![0x41, 0xa0],
    ];
    let mut deep = vec![0x01];
    deep.extend([0x81; 5000]);
    all.push(deep);
    let mut long = vec![0x01, 0xa1, 0x01, 0x59, 0xff, 0xff];
    long.resize(70_000, 0);
    all.push(long);
    all.push(vec![0x01; 70_000]);
    all
}

#[tokio::test]
async fn a_phone_answers_bad_requests_with_a_status_and_serves_on() {
    let relay = LoopbackRelay::plain().await;
    let room = Room { air: Air::new() };
    let mut phone = room.phone(relay.connector());
    let (radio, hint) = (Arc::new(room.air.radio()), Hint::MakeCredential);
    let (computer, _events) =
        ComputerSession::start(impatient(), &provider(), hint, radio, relay.connector()).unwrap();
    let code = computer.qr_uri().unwrap();
    let asking = async {
        let mut answered = 0;
        for request in requests() {
            let shown = format!("{:02x?}", &request[..request.len().min(16)]);
            let response = computer.transact(request).await;
            let response = response.unwrap_or_else(|error| panic!("{shown}: {error}"));
            answered += 1;
            assert_eq!(response.len(), 1, "{shown}: {response:02x?}");
            assert_ne!(response[0], 0, "{shown}");
            // The next good request is served.
            let info = computer.transact(vec![0x04]).await.unwrap();
            answered += 1;
            assert_eq!(info[0], 0, "{shown}");
        }
        (answered, computer.shutdown().await)
    };
    let ((answered, shut_down), served) =
        in_time(async { tokio::join!(asking, phone.scan(&code)) }).await;
    assert_eq!(served.unwrap().requests, answered);
    shut_down.unwrap();
    assert!(questions(phone.person()).is_empty(), "{:?}", phone.person().heard());
    relay.until_empty().await;
    assert_eq!((room.air.adverts(), room.air.scans()), (0, 0));
}

/// A registration with a phone that answers this getInfo, and this to any request.
async fn with_answers(info: Vec<u8>, response: Vec<u8>) -> ComputerError {
    let relay = LoopbackRelay::plain().await;
    let room = Room { air: Air::new() };
    let air = &room.air;
    let mut screen = room.computer(relay.connector()).create(ORIGIN, OPTIONS);
    let code = in_time(screen.code()).await.unwrap();
    let serving = async {
        let code = QrPayload::from_uri(&provider(), &code).unwrap();
        let config = ResponderConfig::new(info, domain());
        let (radio, source) = (Arc::new(air.radio()), CodeSource::Camera);
        let (phone, mut events) =
            PhoneSession::start(config, &provider(), code, source, radio, relay.connector())
                .unwrap();
        while let Some(event) = events.next().await {
            match event {
                PhoneEvent::Ask { token, .. } => {
                    phone
                        .answer(token, ResponderAnswer::Connect { remember: false })
                        .await
                        .unwrap();
                }
                PhoneEvent::Request(_) => phone.respond(response.clone()).await.unwrap(),
                _ => {}
            }
        }
    };
    let (made, ()) = in_time(async { tokio::join!(screen.response(), serving) }).await;
    relay.until_empty().await;
    assert_eq!((air.adverts(), air.scans()), (0, 0));
    made.unwrap_err()
}

fn good_info() -> Vec<u8> {
    VirtualAuthenticator::phone().transact(&[0x04]).split_off(1)
}

#[tokio::test]
async fn a_phone_that_can_t_say_what_it_is_is_refused() {
    let infos = [
        vec![0x00],
        vec![0xa0],
        vec![0xff],
        vec![0xa1, 0x01],
        vec![0xa2, 0x01, 0x80, 0x03, 0x50],
        vec![0xa1, 0x01, 0x60],
        [good_info(), vec![0x00]].concat(),
    ];
    let runs = infos
        .map(|info| Box::pin(async move { (info.clone(), with_answers(info, vec![0]).await) }));
    for (info, error) in futures_util::future::join_all(runs).await {
        let ComputerError::Client(ClientError::Misbehaved(_)) = &error else {
            panic!("{info:02x?}: {error:?}")
        };
        assert_eq!(error.name(), "UnknownError");
    }
}

/// Whether an error is the one that is expected.
type Expected = fn(&ClientError) -> bool;

#[tokio::test]
async fn a_phone_that_answers_nonsense_is_refused() {
    let misbehaved: Expected = |error| matches!(error, ClientError::Misbehaved(_));
    let cases: [(Vec<u8>, Expected); 10] = [
        (vec![], misbehaved),
        (vec![0x00], misbehaved),
        (vec![0x00, 0xa0], misbehaved),
        (vec![0x00, 0xff], misbehaved),
        (vec![0x00, 0xa1, 0x01, 0x64, b'n', b'o', b'n', b'e'], misbehaved),
        (vec![0x00, 0xa3, 1, 0x64, b'n', b'o', b'n', b'e', 2, 0x41, 0, 3, 0xa0], misbehaved),
        (vec![0x00; 100_000], misbehaved),
        (vec![0x27], |error| *error == ClientError::Refused(Status::OperationDenied)),
        (vec![0x19], |error| *error == ClientError::AlreadyRegistered),
        (vec![0xf7], |error| matches!(error, ClientError::Refused(_))),
    ];
    let runs = cases.into_iter().map(|(response, expected)| {
        Box::pin(async move {
            let error = with_answers(good_info(), response.clone()).await;
            let ComputerError::Client(client) = &error else {
                panic!("{response:02x?}: {error:?}")
            };
            assert!(expected(client), "{:02x?}: {error:?}", &response[..response.len().min(16)]);
        })
    });
    futures_util::future::join_all(runs).await;
}
