//! Each broken computer, and what the phone tells its person about it.

use std::time::Duration;

use towline_virtual_phone::{
    BrokenComputer, FakeComputer, FakePhone, Place,
    towline::{
        PhoneQuestion,
        hybrid::{self, Party, ResponderSummary, Step, qr::QrError},
        transport::TransportError,
    },
    towline_virtual::person::{Asked, connecting, verifying},
};

use crate::fakes_meet::{CREATE, GET, ORIGIN};

/// Longer than what is not there is waited for.
const SHORT: Duration = Duration::from_millis(500);

/// A scan of the code of a computer that is broken so, and what the phone's person was asked. The
/// phone waits for a short while where nothing comes, and its person looks twice at a request.
async fn with(how: BrokenComputer) -> (Result<ResponderSummary, TransportError>, Vec<Asked>) {
    let place = Place::open().await.unwrap();
    let mut phone = FakePhone::at(&place).unwrap().configured(move |config| match how {
        BrokenComputer::NeverHears | BrokenComputer::NoTunnel => config.advertise_timeout = SHORT,
        BrokenComputer::NeverAsks => config.idle_timeout = SHORT,
        _ => {}
    });
    phone.person().when(verifying()).waits(SHORT / 2).consents();
    let computer = FakeComputer::at(&place);
    computer.breaks(how);
    let mut screen = computer.create(ORIGIN, CREATE);
    let code = screen.code().await.unwrap();
    let served = phone.scan(&code).await;
    (served, phone.person().heard())
}

/// What the transport says, and that it says it in a sentence.
async fn refused(how: BrokenComputer) -> hybrid::Error {
    let error = with(how).await.0.unwrap_err();
    let text = error.to_string();
    assert!(text.len() > 20 && text.contains(' ') && !text.contains('{'), "{how:?}: {text}");
    let TransportError::Hybrid(error) = error else { panic!("{how:?}: {error:?}") };
    error
}

macro_rules! the_phone_says {
    ($($name:ident: $broken:ident => $error:pat,)+) => {
        $(
            #[tokio::test]
            async fn $name() {
                let error = refused(BrokenComputer::$broken).await;
                assert!(matches!(error, $error), "{error:?}");
            }
        )+
    };
}

use hybrid::Error::{Closed, Misbehaved, NoCommonChannel, Qr, TimedOut};

the_phone_says! {
    a_damaged_code: CodeDamaged => Qr(QrError::Digits(_) | QrError::Cbor(_)),
    a_code_for_bluetooth_channels_alone: CodeOffersBluetooth => NoCommonChannel,
    a_code_with_another_key: WrongKey
        => Misbehaved { by: Party::Computer, step: Step::Message1, .. },
    a_computer_that_hears_nothing: NeverHears => TimedOut { step: Step::Message1, .. },
    a_computer_that_finds_no_tunnel: NoTunnel => TimedOut { step: Step::Message1, .. },
    a_computer_that_goes_before_the_handshake: ClosesBeforeMessage1
        => Closed { step: Step::Message1 },
    a_computer_that_goes_after_its_half_of_the_handshake: ClosesAfterMessage1
        => Closed { step: Step::Request },
    a_broken_handshake: HandshakeAltered
        => Misbehaved { by: Party::Computer, step: Step::Message1, .. },
    a_computer_that_goes_before_its_request: ClosesBeforeRequest
        => Closed { step: Step::Request },
    a_computer_that_never_asks: NeverAsks => TimedOut { step: Step::Request, .. },
    a_request_that_was_altered: RequestAltered
        => Misbehaved { by: Party::Computer, step: Step::Request, .. },
    a_computer_that_asks_twice: AsksTwice => Misbehaved { by: Party::Computer, .. },
    a_computer_that_goes_after_its_request: ClosesAfterRequest => Closed { step: Step::Answer },
}

#[tokio::test]
async fn an_old_code_works_and_the_person_is_told_how_old_it_is() {
    let (served, heard) = with(BrokenComputer::CodeOld).await;
    assert_eq!(served.unwrap().requests, 1);
    let Some(Asked::Phone(PhoneQuestion::Connect(visitor))) = heard.first() else {
        panic!("{heard:?}")
    };
    assert!(visitor.sentence.contains("60 minutes ago"), "{}", visitor.sentence);
}

#[tokio::test]
async fn a_computer_that_rings_and_goes_before_its_request() {
    let place = Place::open().await.unwrap();
    let (mut phone, computer) = (FakePhone::at(&place).unwrap(), FakeComputer::at(&place));
    phone.person().when(connecting()).connects_and_is_remembered().once().expect(1);
    let mut screen = computer.create(ORIGIN, CREATE);
    let code = screen.code().await.unwrap();
    phone.scan(&code).await.unwrap();
    screen.response().await.unwrap();

    phone.listen().await.unwrap();
    computer.breaks(BrokenComputer::ClosesBeforeRequest);
    let _screen = computer.get(ORIGIN, GET);
    let error = phone.answer_ring().await.unwrap_err();
    assert_eq!(error, TransportError::Hybrid(Closed { step: Step::Request }));
    assert_eq!((phone.computers(), computer.phones()), (1, 1), "the link is kept");
}
