//! Each broken phone, and what the computer tells its person about it.

use std::time::Duration;

use towline_virtual_phone::{
    BrokenPhone, FakeComputer, FakePhone, Place,
    towline::{
        ComputerError,
        client::Error as ClientError,
        hybrid::{self, Party, Step},
        radio::RadioError,
        transport::{ConnectFailure, TransportError},
    },
    towline_virtual::person::*,
};

use crate::fakes_meet::{CREATE, GET, ORIGIN};

/// Longer than what is not there is waited for.
const SHORT: Duration = Duration::from_millis(300);
/// Longer than any test takes.
const LONG: Duration = Duration::from_secs(60);

/// A registration with a phone that is broken so; the phone is dropped when the computer has ended.
/// The computer tries one phone, and waits for a short while where nothing comes.
async fn with(how: BrokenPhone) -> Result<String, ComputerError> {
    let place = Place::open().await.unwrap();
    let mut phone = FakePhone::at(&place).unwrap();
    phone.breaks(how);
    let computer = FakeComputer::at(&place).configured(|config| match how {
        BrokenPhone::NeverAnswers => config.response_timeout = SHORT,
        how if waits_for_an_advert(how) => config.scan_timeout = SHORT,
        _ => {}
    });
    let mut screen = computer.create(ORIGIN, CREATE);
    let code = screen.code().await.unwrap();
    let phone = async {
        let _whatever = phone.scan(&code).await;
        std::future::pending::<()>().await;
    };
    tokio::select! {
        response = screen.response() => response,
        () = phone => unreachable!(),
    }
}

/// Whether a computer hears nothing that is for it.
fn waits_for_an_advert(how: BrokenPhone) -> bool {
    use BrokenPhone::{AdvertAltered, AdvertForeign, AdvertLate, AdvertLost, NoTunnel, RadioOff};
    match how {
        AdvertLate(so_much) => so_much == LONG,
        AdvertAltered | AdvertForeign | AdvertLost | NoTunnel | RadioOff => true,
        _ => false,
    }
}

/// What the transport says, and that it says it in a sentence.
async fn transport(how: BrokenPhone) -> hybrid::Error {
    let error = with(how).await.unwrap_err();
    let ComputerError::Transport(TransportError::Hybrid(inner)) = &error else {
        panic!("{how:?}: {error:?}")
    };
    assert_eq!(error.name(), "NotAllowedError");
    let text = error.to_string();
    assert!(text.len() > 20 && text.contains(' ') && !text.contains('{'), "{how:?}: {text}");
    inner.clone()
}

fn timed_out(error: &hybrid::Error) -> Option<Step> {
    match error {
        hybrid::Error::TimedOut { step, .. } => Some(*step),
        _ => None,
    }
}

fn misbehaved(error: &hybrid::Error) -> Option<Step> {
    match error {
        hybrid::Error::Misbehaved { by: Party::Phone, step, .. } => Some(*step),
        _ => None,
    }
}

fn closed(error: &hybrid::Error) -> Option<Step> {
    match error {
        hybrid::Error::Closed { step } => Some(*step),
        _ => None,
    }
}

macro_rules! the_computer_says {
    ($($(#[$doc:meta])* $name:ident: $broken:expr => $way:ident($step:ident);)+) => {
        $(
            $(#[$doc])*
            #[tokio::test]
            async fn $name() {
                let error = transport($broken).await;
                assert_eq!($way(&error), Some(Step::$step), "{error:?}");
            }
        )+
    };
}

the_computer_says! {
    a_radio_that_is_off: BrokenPhone::RadioOff => timed_out(Advert);
    an_advert_that_is_lost: BrokenPhone::AdvertLost => timed_out(Advert);
    an_advert_that_is_too_late: BrokenPhone::AdvertLate(LONG) => timed_out(Advert);
    a_foreign_advert: BrokenPhone::AdvertForeign => timed_out(Advert);
    an_altered_advert: BrokenPhone::AdvertAltered => timed_out(Advert);
    no_tunnel: BrokenPhone::NoTunnel => timed_out(Advert);
    a_relay_that_drops_at_message_1: BrokenPhone::ClosesAtMessage1 => closed(Message2);
    a_relay_that_drops_after_message_2: BrokenPhone::ClosesAfterMessage2 => closed(PostHandshake);
    a_relay_that_drops_after_the_request: BrokenPhone::ClosesAfterRequest => closed(Response);
    a_broken_handshake: BrokenPhone::HandshakeAltered => misbehaved(Message2);
    a_wrong_key: BrokenPhone::WrongKey => closed(Message2);
    a_phone_that_never_answers: BrokenPhone::NeverAnswers => timed_out(Response);
    an_answer_that_was_altered: BrokenPhone::AnswerAltered => misbehaved(Response);
}

#[tokio::test]
async fn a_late_advert_that_is_in_time() {
    with(BrokenPhone::AdvertLate(SHORT)).await.unwrap();
}

#[tokio::test]
async fn a_relay_that_drops_while_the_phone_advertises() {
    let error = transport(BrokenPhone::ClosesOnAir).await;
    let gone = hybrid::Error::Tunnel(ConnectFailure::Status(404));
    assert!(error == gone || closed(&error) == Some(Step::Message2), "{error:?}");
}

#[tokio::test]
async fn a_relay_that_drops_after_the_handshake() {
    // Before or after the computer has sent its request.
    match with(BrokenPhone::ClosesAfterHandshake).await.unwrap_err() {
        ComputerError::Transport(TransportError::Over) => {}
        ComputerError::Transport(TransportError::Hybrid(error)) => {
            assert!(matches!(closed(&error), Some(Step::Request | Step::Response)), "{error:?}");
        }
        error => panic!("{error:?}"),
    }
}

#[tokio::test]
async fn a_phone_that_can_t_say_what_it_is() {
    let error = with(BrokenPhone::InfoNonsense).await.unwrap_err();
    let ComputerError::Client(ClientError::Misbehaved(_)) = &error else { panic!("{error:?}") };
    assert_eq!(error.name(), "UnknownError");
}

#[tokio::test]
async fn a_phone_that_answers_twice() {
    // The first answer is good; the other one opens nothing, and is nobody's answer.
    assert!(with(BrokenPhone::AnswersTwice).await.unwrap().contains("attestationObject"));
}

#[tokio::test]
async fn an_advert_that_is_replayed_leads_nowhere() {
    let place = Place::open().await.unwrap();
    let mut phone = FakePhone::at(&place).unwrap();
    let computer = FakeComputer::at(&place);
    let mut screen = computer.create(ORIGIN, CREATE);
    let code = screen.code().await.unwrap();
    phone.scan(&code).await.unwrap();
    screen.response().await.unwrap();

    phone.breaks(BrokenPhone::AdvertReplayed);
    let impatient = FakeComputer::at(&place).configured(|config| config.scan_timeout = SHORT);
    let mut screen = impatient.get(ORIGIN, GET);
    let code = screen.code().await.unwrap();
    let error = tokio::select! {
        response = screen.response() => response.unwrap_err(),
        served = phone.scan(&code) => panic!("{served:?}"),
    };
    let ComputerError::Transport(TransportError::Hybrid(error)) = error else { panic!("{error}") };
    assert_eq!(timed_out(&error), Some(Step::Advert));

    phone.mends();
    let mut screen = computer.get(ORIGIN, GET);
    let code = screen.code().await.unwrap();
    phone.scan(&code).await.unwrap();
    screen.response().await.unwrap();
}

#[tokio::test]
async fn a_radio_that_is_off_is_said_on_the_phone_too() {
    let place = Place::open().await.unwrap();
    let mut phone = FakePhone::at(&place).unwrap();
    phone.breaks(BrokenPhone::RadioOff);
    let mut screen = FakeComputer::at(&place).get(ORIGIN, GET);
    let code = screen.code().await.unwrap();
    let error = phone.scan(&code).await.unwrap_err();
    assert_eq!(error, TransportError::Radio(RadioError::Off));
}

#[tokio::test]
async fn a_link_that_is_offered_late_costs_nothing_and_is_kept() {
    let place = Place::open().await.unwrap();
    let mut phone = FakePhone::at(&place).unwrap();
    let computer = FakeComputer::at(&place);
    phone.breaks(BrokenPhone::LinkLate(Duration::from_millis(200)));
    phone.person().when(connecting()).refuses().expect(0);
    let mut screen = computer.create(ORIGIN, CREATE);
    let code = screen.code().await.unwrap();
    let served = phone.scan(&code).await.unwrap();
    screen.response().await.unwrap();
    assert!(served.linked);
    // The response for the site does not wait for it.
    while computer.phones() == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(phone.computers(), 1);
}

#[tokio::test]
async fn a_linked_phone_that_breaks_is_asked_by_a_code_instead() {
    let place = Place::open().await.unwrap();
    let mut phone = FakePhone::at(&place).unwrap();
    let computer = FakeComputer::at(&place);
    phone.person().when(connecting()).connects_and_is_remembered().once().expect(1);
    let mut screen = computer.create(ORIGIN, CREATE);
    let code = screen.code().await.unwrap();
    phone.scan(&code).await.unwrap();
    screen.response().await.unwrap();

    phone.listen().await.unwrap();
    phone.breaks(BrokenPhone::HandshakeAltered);
    let mut screen = computer.get(ORIGIN, GET);
    assert!(phone.answer_ring().await.is_err());
    phone.mends();
    let code = screen.code().await.unwrap();
    let said = screen.said();
    assert!(said.iter().any(|said| said.contains("was not reached")), "{said:?}");
    phone.scan(&code).await.unwrap();
    screen.response().await.unwrap();
    assert_eq!((phone.computers(), computer.phones()), (1, 1), "the link is kept");
}
