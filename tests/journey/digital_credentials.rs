//! Digital credentials, which travel beside passkeys and are the embedding application's to
//! understand.

use std::sync::Arc;

use towline::{
    device::Wants,
    hybrid::{CodeSource, Error, InitiatorConfig, qr::Hint},
    transport::{ComputerSession, TransportError},
};

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
    let hand = Hand::new();
    hand.will_show(TOLD);
    let mut phone = world.phone(&hand).with_digital_credentials();
    let computer = computer(&world);
    let code = computer.qr_uri().unwrap();
    let ((told, summary), served) = in_time(async {
        tokio::join!(
            async {
                let told = computer.transact_json(ASKED.to_vec()).await;
                (told, computer.shutdown().await)
            },
            phone.answer_code(&code, CodeSource::Camera)
        )
    })
    .await;
    assert_eq!(told.unwrap(), TOLD);
    assert_eq!((summary.unwrap().requests, served.unwrap().requests), (1, 1));
    hand.see(|memory| {
        assert_eq!(memory.connects[0].wants, Wants::DigitalCredential);
        assert_eq!(memory.credentials_asked, [ASKED]);
        assert!(memory.questions.is_empty(), "no passkey was asked for");
    });
    world.released().await;
}

#[tokio::test]
async fn a_phone_without_a_wallet_is_not_asked() {
    let world = World::new().await;
    let hand = Hand::new();
    let mut phone = world.phone(&hand);
    let computer = computer(&world);
    let code = computer.qr_uri().unwrap();
    let (told, _served) = in_time(async {
        tokio::join!(
            async {
                let told = computer.transact_json(ASKED.to_vec()).await;
                let _closed = computer.shutdown().await;
                told
            },
            phone.answer_code(&code, CodeSource::Camera)
        )
    })
    .await;
    assert_eq!(told, Err(TransportError::Hybrid(Error::NoDigitalCredentials)));
    assert!(hand.see(|memory| memory.credentials_asked.is_empty()));
    world.released().await;
}

#[tokio::test]
async fn a_person_who_does_not_answer_is_left_alone_when_the_computer_goes_away() {
    let world = World::new().await;
    let hand = Hand::new();
    let mut phone = world.phone(&hand).with_digital_credentials();
    let computer = computer(&world);
    let code = computer.qr_uri().unwrap();
    let (told, served) = in_time(async {
        tokio::join!(
            async {
                let asking = computer.transact_json(ASKED.to_vec());
                tokio::select! {
                    told = asking => panic!("nobody answered: {told:?}"),
                    () = hand.until(|memory| !memory.credentials_asked.is_empty()) => {}
                }
                computer.cancel().await
            },
            phone.answer_code(&code, CodeSource::Camera)
        )
    })
    .await;
    assert_eq!(told, Err(TransportError::Hybrid(Error::Cancelled)));
    // The computer said that it was done, as it may at any time.
    assert_eq!(served.unwrap().requests, 0);
    world.released().await;
}
