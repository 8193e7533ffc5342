//! The seams: attestation made elsewhere, the person in front of somebody else's device, and hands
//! on many threads.

use std::{
    future::Future,
    task::{Context, Poll, Waker},
    time::Duration,
};

use towline_authenticator::{ChannelId, KeyError};
use towline_ctap::{AttestationStatement, GetInfo, OtherAttestation, Transport};
use towline_device::{
    Ask, Delivery, Device, Found, Person, PhoneAnswer, PhoneQuestion, Visitor, Wants,
};
use towline_virtual::{
    Attestation, Builder, Clock, Parts, ScriptedPerson, Subject, TEST_AAGUID, VirtualAuthenticator,
    person::{anything, confirming, connecting, identifying, remembering, showing_credentials},
};

use crate::options::{ORIGIN, bytes, create, create_with, get};

/// A statement of a format that nobody knows, with the hash of what it is about.
struct Odd;

impl Attestation for Odd {
    fn formats(&self) -> Vec<&'static str> {
        vec!["odd"]
    }

    fn attest(&self, subject: &Subject<'_>) -> Result<AttestationStatement, KeyError> {
        assert_eq!(subject.format, "odd");
        let hash = subject.client_data_hash.as_bytes();
        let digest = subject.provider.sha256.hash(&[subject.auth_data, hash]);
        // {"digest": bytes}
        let statement = [b"\xa1\x66digest\x58\x20", &digest[..]].concat();
        let other = OtherAttestation::new("odd", &statement);
        Ok(AttestationStatement::Other(other.map_err(|_| KeyError::InvalidKey)?))
    }
}

fn attestation_object(device: &VirtualAuthenticator) -> Vec<u8> {
    let options = create_with("alice", r#", "attestation": "direct""#);
    let response = device.create(ORIGIN, &options).unwrap();
    let response: serde_json::Value = serde_json::from_str(&response).unwrap();
    bytes(response["response"]["attestationObject"].as_str().unwrap())
}

fn has(object: &[u8], what: &[u8]) -> bool {
    object.windows(what.len()).any(|window| window == what)
}

#[test]
fn attestation_is_made_elsewhere_and_the_person_may_refuse_it() {
    let device = Builder::platform().attestation(Odd).build().unwrap();
    let asked = device.person().when(identifying()).consents().once().expect(1);
    let object = attestation_object(&device);
    assert!(has(&object, b"\x63fmt\x63odd") && has(&object, b"digest"));
    assert!(has(&object, TEST_AAGUID.as_bytes()));
    assert_eq!(asked.count(), 1);

    device.person().when(identifying()).refuses().expect(1);
    let object = attestation_object(&device);
    assert!(has(&object, b"\x63fmt\x64none") && !has(&object, b"digest"));
}

#[test]
fn the_same_person_sits_in_front_of_any_device() {
    let parts = Builder::security_key().pin("2580").build_parts().unwrap();
    let Parts { authenticator, person, passkeys, clock, .. } = parts;
    person.when(confirming()).waits(Duration::from_secs(5)).consents().once().expect(1);
    let mut device = Device::new(authenticator, person.clone());

    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        device.power_up();
        device.request(Transport::Usb, ChannelId(1), &[0x0b]);
        loop {
            match device.next().await {
                // Whoever owns the loop lets the person's time pass.
                Delivery::Asked => {
                    clock.advance_to(person.poll_timeout().unwrap());
                    person.handle_timeout();
                }
                Delivery::Response { bytes, .. } => break assert_eq!(bytes, [0x00]),
                _ => {}
            }
        }
        let info = device.get_info(Transport::Usb, ChannelId(1)).await.unwrap();
        let info = GetInfo::from_cbor(&info).unwrap();
        assert_eq!((info.aaguid, info.options.client_pin), (TEST_AAGUID, Some(true)));
    });
    assert!(passkeys.passkeys().is_empty());
}

#[test]
fn the_person_answers_what_a_phone_asks_of_its_own() {
    let mut person = ScriptedPerson::new(&Clock::new());
    person.when(connecting()).connects_and_is_remembered().once().expect(1);
    person.when(connecting()).refuses().once();
    person.when(remembering()).connects_and_decides_later().once();
    person.when(showing_credentials()).shows("{}").once();
    let mut ask = |question: PhoneQuestion| {
        let (ask, pending) = Ask::open(question);
        person.phone_asks(ask);
        let mut pending = std::pin::pin!(pending);
        match pending.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(answer) => answer.unwrap(),
            Poll::Pending => panic!("an answer at once"),
        }
    };
    let computer = || Visitor::new("Connect?".into(), Wants::SignIn, Found::Camera);
    let json = || PhoneQuestion::DigitalCredentials(b"{}".to_vec());
    assert_eq!(ask(PhoneQuestion::Connect(computer())), PhoneAnswer::ApproveAndRemember);
    assert_eq!(ask(PhoneQuestion::Connect(computer())), PhoneAnswer::Deny);
    assert_eq!(ask(PhoneQuestion::Connect(computer())), PhoneAnswer::Approve);
    assert_eq!(ask(json()), PhoneAnswer::DigitalCredentials(b"{}".to_vec()));
    assert_eq!(ask(json()), PhoneAnswer::Deny, "nothing was said to be shown");
    assert_eq!(ask(PhoneQuestion::Remember), PhoneAnswer::Deny, "that does not fit");
    let unmet = person.verify().unwrap_err().to_string();
    assert!(unmet.contains("connects, and decides later"), "{unmet}");
}

#[test]
fn many_threads_have_one_authenticator() {
    fn shared<T: Send + Sync + Clone>(_: &T) {}
    let device = VirtualAuthenticator::synced_passkey();
    shared(&device);
    shared(device.person());
    device.person().when(anything()).waits(Duration::from_secs(1)).consents();
    std::thread::scope(|scope| {
        for name in ["alice", "bob", "carol", "dave"] {
            let device = device.clone();
            scope.spawn(move || {
                device.create(ORIGIN, &create(name)).unwrap();
                device.get(ORIGIN, &get()).unwrap();
            });
        }
    });
    assert_eq!(device.passkeys().len(), 4);
}

#[test]
fn two_pages_at_a_time_are_one_too_many() {
    let device = VirtualAuthenticator::platform();
    device.person().when(anything()).waits(Duration::from_secs(1)).consents();
    let mut first = device.begin_create(ORIGIN, &create("alice")).unwrap();
    assert_eq!(first.poll(), None);
    let second = device.begin_create(ORIGIN, &create("bob")).unwrap().finish();
    assert_eq!(second.unwrap_err().name(), "NotAllowedError", "the authenticator is busy");
    first.finish().unwrap();
    // A page that is closed lets go of it.
    let third = device.begin_create(ORIGIN, &create("bob")).unwrap();
    drop(third);
    device.create(ORIGIN, &create("carol")).unwrap();
}
