//! Authenticators that verify their person by a PIN, which is typed at the computer.

use std::{
    sync::{Arc, Mutex},
    time::Instant,
};

use towline::{
    LocalAuthenticator,
    authenticator::{Authenticator, ChannelId, Output, PinUvAuthProtocol},
    client::{Error, Pin, PinAnswer},
};
use towline_ctap::{Status, Transport};
use towline_virtual::{Builder, ScriptedPerson};

use crate::support::*;

const PIN: &str = "correct horse";

/// A security key whose PIN is set, and the first thing that it is asked for is a passkey.
fn key() -> LocalAuthenticator<ScriptedPerson> {
    device(Builder::security_key().pin(PIN)).0
}

/// It is not the first that it is asked: it has looked into its store.
fn used_before(authenticator: &mut Authenticator) {
    let now = Instant::now();
    authenticator.handle_request(ChannelId(9), &[4], now);
    while let Some(output) = authenticator.poll_output() {
        if let Output::Work { token, job } = output {
            authenticator.handle_work(token, job.run(), now).unwrap();
        }
    }
}

/// A security key in this process, its person, and what is typed and asked.
fn typing(
    device: LocalAuthenticator<ScriptedPerson>,
    typed: &[&'static str],
) -> (LocalAuthenticator<ScriptedPerson>, Arc<Mutex<Vec<String>>>) {
    let asked = Arc::<Mutex<Vec<String>>>::default();
    let (heard, typed) = (asked.clone(), typed.to_vec());
    let device = device.with_pin(move |question| {
        let mut heard = heard.lock().unwrap();
        heard.push(question.to_string());
        let typed = typed.get(heard.len() - 1);
        typed.map_or(PinAnswer::Cancel, |pin| PinAnswer::Pin(Pin::new(pin)))
    });
    (device, asked)
}

#[tokio::test]
async fn a_security_key_with_a_pin_serves_a_site_that_requires_verification() {
    let site = Site::open().await;
    let (mut key, asked) = typing(key(), &["wrong", PIN, PIN]);
    register_here(&site, &mut key, "alice", "My key").await.unwrap();
    assert!(sign_in_here(&site, &mut key, None).await.unwrap().user_verified);
    let asked = asked.lock().unwrap().clone();
    assert_eq!(asked.len(), 3, "{asked:?}");
    assert!(asked[0].contains("8 tries left") && asked[1].contains("7 tries left"), "{asked:?}");
}

#[tokio::test]
async fn three_wrong_pins_say_what_helps() {
    let site = Site::open().await;
    let (mut key, _) = typing(key(), &["wrong"; 9]);
    let error = register_here(&site, &mut key, "alice", "My key").await.unwrap_err().client();
    assert_eq!(error, Error::Refused(Status::PinAuthBlocked));
    assert!(error.to_string().contains("restart"), "{error}");
}

#[tokio::test]
async fn a_local_authenticator_is_told_one_transport_by_both_sides() {
    let key = Builder::security_key()
        .configure(|config| config.reset.transports = Some(vec![Transport::Usb]));
    let (mut key, ..) = device(key);
    key.authenticator().handle_power_up(Instant::now());
    // A reset over USB alone: it is a key on USB for the authenticator as it is for the client.
    assert_eq!(key.transact(&[7]).await, [0]);
}

#[tokio::test]
async fn a_phone_with_a_pin_has_it_typed_at_the_computer() {
    let world = World::new().await;
    let phone = Builder::phone().pin(PIN).user_verification(false);
    let mut phone = world.phone_of(phone.pin_protocols(&[PinUvAuthProtocol::Two]));
    used_before(phone.phone().authenticator());

    let (display, mut camera) = Display::new();
    let remote = display.remote();
    let display = display.typing(["wrong", PIN]);
    let ceremony = register_at(&world, world.computer(), display, "alice", "Phone");
    tow(&mut phone, &mut camera, ceremony).await.0.unwrap();
    assert!(remote.see(|shown| shown.sentences.iter().any(|said| said.contains("7 tries left"))));

    let (display, mut camera) = Display::new();
    let ceremony = sign_in_at(&world, world.computer(), display.typing([PIN]), None);
    assert!(tow(&mut phone, &mut camera, ceremony).await.0.unwrap().user_verified);

    let (display, mut camera) = Display::new();
    let ceremony = sign_in_at(&world, world.computer(), display, None);
    let error = tow(&mut phone, &mut camera, ceremony).await.0.unwrap_err();
    assert_eq!(error.client(), Error::Cancelled);
}
