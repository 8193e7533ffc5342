//! Digital credentials, which travel beside passkeys and are the embedding application's to
//! understand.

use std::sync::Arc;

use towline::{
    Phone, PhoneQuestion,
    device::Wants,
    hybrid::{Error, InitiatorConfig, qr::Hint},
    transport::{ComputerSession, TransportError},
};
use towline_virtual::person::{Asked, showing_credentials};

use crate::support::*;

const ASKED: &[u8] =
    br#"{"origin":"https://example.org","requestType":"credential.get","request":{"digital":{}}}"#;
const TOLD: &[u8] = br#"{"response":{"digital":{"data":{"protocol":"openid4vp","data":{}}}}}"#;

fn computer(world: &World) -> ComputerSession {
    let radio = Arc::new(world.air.radio());
    let (config, hint) = (InitiatorConfig::default(), Hint::CredentialPresentation);
    ComputerSession::start(config, &world.provider, hint, radio, world.relay.connector()).unwrap().0
}

#[tokio::test]
async fn a_wallet_answers_through_a_code_and_sees_the_request_as_it_was_sent() {
    let world = World::new().await;
    let mut phone = world.phone().with(Phone::with_digital_credentials);
    let told = str::from_utf8(TOLD).unwrap();
    phone.person().when(showing_credentials()).shows(told).once().expect(1);
    let computer = computer(&world);
    let code = computer.qr_uri().unwrap();
    let ((told, summary), served) = in_time(async {
        tokio::join!(
            async {
                let told = computer.transact_json(ASKED.to_vec()).await;
                (told, computer.shutdown().await)
            },
            phone.scan(&code)
        )
    })
    .await;
    assert_eq!(told.unwrap(), TOLD);
    assert_eq!((summary.unwrap().requests, served.unwrap().requests), (1, 1));
    assert_eq!(visitors(phone.person())[0].wants, Wants::DigitalCredential);
    let asked = Asked::Phone(PhoneQuestion::DigitalCredentials(ASKED.to_vec()));
    assert_eq!(phone.person().heard()[1..], [asked], "no passkey was asked for");
    world.released().await;
}

#[tokio::test]
async fn a_phone_without_a_wallet_is_not_asked() {
    let world = World::new().await;
    let mut phone = world.phone();
    let computer = computer(&world);
    let code = computer.qr_uri().unwrap();
    let (told, _served) = in_time(async {
        tokio::join!(
            async {
                let told = computer.transact_json(ASKED.to_vec()).await;
                let _closed = computer.shutdown().await;
                told
            },
            phone.scan(&code)
        )
    })
    .await;
    assert_eq!(told, Err(TransportError::Hybrid(Error::NoDigitalCredentials)));
    assert_eq!(phone.person().heard().len(), 1, "to connect, and no more");
    world.released().await;
}

#[tokio::test]
async fn a_person_who_does_not_answer_is_left_alone_when_the_computer_goes_away() {
    let world = World::new().await;
    let mut phone = world.phone().with(Phone::with_digital_credentials);
    let asked = ignores(phone.person(), showing_credentials());
    let computer = computer(&world);
    let code = computer.qr_uri().unwrap();
    let (told, served) = in_time(async {
        tokio::join!(
            async {
                let asking = computer.transact_json(ASKED.to_vec());
                tokio::select! {
                    told = asking => panic!("nobody answered: {told:?}"),
                    () = asked.comes() => {}
                }
                computer.cancel().await
            },
            phone.scan(&code)
        )
    })
    .await;
    assert_eq!(told, Err(TransportError::Hybrid(Error::Cancelled)));
    // The computer said that it was done, as it may at any time.
    assert_eq!(served.unwrap().requests, 0);
    world.released().await;
}
