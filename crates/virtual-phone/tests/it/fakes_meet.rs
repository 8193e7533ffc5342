//! What works: codes, rings, wiping, two at once.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use towline_virtual_phone::{
    FakeComputer, FakePhone, Place,
    towline::{
        Computer, ComputerStep, PhoneTransport,
        crypto::rustcrypto,
        hybrid::{Error, domain::TunnelDomain},
        radio::air::{UdpAir, UdpHub},
        transport::{TransportError, TunnelConnector},
    },
    towline_virtual::{Builder, person::*},
};

pub(crate) const ORIGIN: &str = "https://example.org";
pub(crate) const CREATE: &str = r#"{"challenge": "AAECAwQFBgcICQoLDA0ODw", "rp": {"name": "Example"},
    "user": {"id": "MQ", "name": "alice", "displayName": "Alice"},
    "pubKeyCredParams": [{"type": "public-key", "alg": -7}],
    "authenticatorSelection": {"residentKey": "required"}}"#;
pub(crate) const GET: &str = r#"{"challenge": "AAECAwQFBgcICQoLDA0ODw"}"#;

#[tokio::test]
async fn a_code_leads_to_a_passkey_and_another_one_to_a_sign_in() {
    let place = Place::open().await.unwrap();
    let (mut phone, computer) = (FakePhone::at(&place).unwrap(), FakeComputer::at(&place));
    phone.person().when(verifying()).fails_the_lock().once().expect(1);

    let mut screen = computer.create(ORIGIN, CREATE);
    let code = screen.code().await.unwrap();
    assert_eq!(phone.scan(&code).await.unwrap().requests, 1);
    let made: serde_json::Value = serde_json::from_str(&screen.response().await.unwrap()).unwrap();
    assert_eq!(phone.passkeys().len(), 1);

    let mut screen = computer.get(ORIGIN, GET);
    let code = screen.code().await.unwrap();
    assert_eq!(phone.scan(&code).await.unwrap().requests, 1);
    let used: serde_json::Value = serde_json::from_str(&screen.response().await.unwrap()).unwrap();
    assert_eq!(used["id"], made["id"]);
}

#[tokio::test]
async fn the_products_own_computer_takes_it_for_a_phone() {
    let place = Place::open().await.unwrap();
    let mut phone = FakePhone::at(&place).unwrap();
    let radio = Arc::new(place.air().radio());
    let computer = Computer::new(rustcrypto::provider(), radio, place.connector());
    let (shown, mut seen) = tokio::sync::mpsc::unbounded_channel();
    let screen = move |step: ComputerStep<'_>| {
        if let ComputerStep::ShowCode(code) = step {
            shown.send(code.to_owned()).unwrap();
        }
    };
    let scanning = async { phone.scan(&seen.recv().await.unwrap()).await };
    let (made, served) = tokio::join!(computer.create(&screen, ORIGIN, CREATE), scanning);
    assert!(made.unwrap().contains("attestationObject"));
    assert_eq!(served.unwrap().requests, 1);
}

#[tokio::test]
async fn the_person_says_no_and_no_one_is_asked_further() {
    let place = Place::open().await.unwrap();
    let (mut phone, computer) = (FakePhone::at(&place).unwrap(), FakeComputer::at(&place));
    phone.person().when(creating()).refuses().once().expect(1);
    let mut screen = computer.create(ORIGIN, CREATE);
    let code = screen.code().await.unwrap();
    phone.scan(&code).await.unwrap();
    assert_eq!(screen.response().await.unwrap_err().name(), "NotAllowedError");

    phone.person().when(connecting()).refuses().once().expect(1);
    let mut screen = computer.create(ORIGIN, CREATE);
    let code = screen.code().await.unwrap();
    let declined = phone.scan(&code).await.unwrap_err();
    assert!(matches!(declined, TransportError::Hybrid(Error::Declined)), "{declined:?}");
    // The computer does not learn of it; its own person gives up.
    screen.cancel();
    assert!(screen.response().await.is_err());
    assert!(phone.passkeys().is_empty());
}

#[tokio::test]
async fn a_person_who_takes_their_time_takes_it() {
    let place = Place::open().await.unwrap();
    let (mut phone, computer) = (FakePhone::at(&place).unwrap(), FakeComputer::at(&place));
    let so_long = Duration::from_millis(50);
    phone.person().when(connecting()).waits(so_long).consents().once().expect(1);
    phone.person().when(verifying()).waits(so_long).consents().once().expect(1);
    let began = Instant::now();
    let mut screen = computer.create(ORIGIN, CREATE);
    let code = screen.code().await.unwrap();
    phone.scan(&code).await.unwrap();
    screen.response().await.unwrap();
    assert!(began.elapsed() >= 2 * so_long);
}

/// Registers, and lets the computer remember the phone.
async fn link(phone: &mut FakePhone, computer: &FakeComputer) {
    phone.person().when(connecting()).connects_and_is_remembered().once().expect(1);
    let mut screen = computer.create(ORIGIN, CREATE);
    let code = screen.code().await.unwrap();
    assert!(phone.scan(&code).await.unwrap().linked);
    screen.response().await.unwrap();
    assert_eq!((phone.computers(), computer.phones()), (1, 1));
}

#[tokio::test]
async fn a_linked_phone_is_asked_without_a_code() {
    let place = Place::open().await.unwrap();
    let (mut phone, computer) = (FakePhone::at(&place).unwrap(), FakeComputer::at(&place));
    link(&mut phone, &computer).await;
    phone.listen().await.unwrap();
    for _ in 0..2 {
        let mut screen = computer.get(ORIGIN, GET);
        assert_eq!(phone.answer_ring().await.unwrap().requests, 1);
        assert_eq!(screen.code().await, None, "{:?}", screen.said());
        assert!(screen.response().await.unwrap().contains("signature"));
    }
}

#[tokio::test]
async fn a_wiped_phone_has_no_passkeys_and_answers_no_ring() {
    let place = Place::open().await.unwrap();
    let (mut phone, computer) = (FakePhone::at(&place).unwrap(), FakeComputer::at(&place));
    link(&mut phone, &computer).await;
    phone.wipe().unwrap();
    assert_eq!((phone.passkeys().len(), phone.computers()), (0, 0));
    // A code is shown instead, and there is nothing to sign in with.
    let mut screen = computer.get(ORIGIN, GET);
    let code = screen.code().await.unwrap();
    let said = screen.said();
    assert!(said.iter().any(|said| said.contains("is not listening now")), "{said:?}");
    phone.scan(&code).await.unwrap();
    assert_eq!(screen.response().await.unwrap_err().name(), "NotAllowedError");
    // The next time that the phone listens, the computer learns that it is another.
    phone.listen().await.unwrap();
    let mut screen = computer.get(ORIGIN, GET);
    let code = screen.code().await.unwrap();
    let said = screen.said();
    assert!(said.iter().any(|said| said.contains("does not know this computer")), "{said:?}");
    assert_eq!(computer.phones(), 0);
    phone.scan(&code).await.unwrap();
}

#[tokio::test]
async fn two_phones_and_two_computers_in_one_room_do_not_meet_the_wrong_way() {
    let place = Place::open().await.unwrap();
    let mut phones = [FakePhone::at(&place).unwrap(), FakePhone::at(&place).unwrap()];
    let computers = [FakeComputer::at(&place), FakeComputer::at(&place)];
    let bob = CREATE.replace("alice", "bob").replace("MQ", "Mg");
    let mut screens = [computers[0].create(ORIGIN, CREATE), computers[1].create(ORIGIN, &bob)];
    let codes = [screens[0].code().await.unwrap(), screens[1].code().await.unwrap()];
    let [alices, bobs] = &mut phones;
    let (first, second) = tokio::join!(bobs.scan(&codes[1]), alices.scan(&codes[0]));
    assert_eq!((first.unwrap().requests, second.unwrap().requests), (1, 1));
    for screen in screens {
        screen.response().await.unwrap();
    }
    for (phone, account) in phones.iter().zip(["alice", "bob"]) {
        let passkeys = phone.passkeys();
        assert_eq!(passkeys.len(), 1);
        assert_eq!(passkeys[0].credential.user.name.as_deref(), Some(account));
    }
}

#[tokio::test]
async fn programs_that_share_an_air_and_a_relay_meet() {
    // As `towline computer --relay ws://.. --air udp:..` does.
    let place = Place::open().await.unwrap();
    let hub = UdpHub::bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let air = hub.local_addr();
    let hub = tokio::spawn(hub.run());
    let connector = || Arc::new(TunnelConnector::plain_loopback(place.address()).unwrap());
    let transport = PhoneTransport {
        advertiser: Arc::new(UdpAir::connect(air).await.unwrap()),
        connector: connector(),
        domain: TunnelDomain::new(300).unwrap(),
    };
    let mut phone = FakePhone::over(Builder::phone(), transport).unwrap();
    let radio = Arc::new(UdpAir::connect(air).await.unwrap());
    let mut screen = FakeComputer::over(radio, connector()).create(ORIGIN, CREATE);
    let code = screen.code().await.unwrap();
    assert_eq!(phone.scan(&code).await.unwrap().requests, 1);
    screen.response().await.unwrap();
    hub.abort();
}

#[tokio::test]
async fn a_phone_may_serve_in_a_task_of_its_own() {
    let place = Place::open().await.unwrap();
    let mut phone = FakePhone::at(&place).unwrap();
    let mut screen = FakeComputer::at(&place).create(ORIGIN, CREATE);
    let code = screen.code().await.unwrap();
    let serving = tokio::spawn(async move {
        phone.scan(&code).await.unwrap();
        phone
    });
    screen.response().await.unwrap();
    assert_eq!(serving.await.unwrap().passkeys().len(), 1);
}
