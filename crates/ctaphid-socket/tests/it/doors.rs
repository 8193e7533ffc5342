//! The door on real sockets, by a client of the host's own machine.

mod gone;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{
    io::AsyncReadExt,
    sync::{Mutex, mpsc},
    time::timeout,
};
use towline_authenticator::{Answer, Event};
use towline_ctap::{
    GetInfo, RpIdHash, Status,
    hid::{
        Capabilities, HidChannel, HidCommand, HidError, HostFailure, KeepaliveStatus, MAX_MESSAGE,
    },
    u2f::{Control, StatusWord, U2fRegistration, U2fRequest, split_response},
};
use towline_ctaphid_socket::{Door, DoorError, Endpoint};
use towline_ctaphid_tokio::{Ask, Nobody, Person, SecurityKey};

use towline_testkit::{
    hex,
    hid::{Client, Outcome, Pipe, make_credential, report},
};

use crate::open::{open, open_simulated};

const UDP: &str = "udp:127.0.0.1:0";
const TCP: &str = "tcp:127.0.0.1:0";
const GET_INFO: &[u8] = &[0x04];
const SELECTION: &[u8] = &[0x0b];

const POWER_CYCLE: &str = "ac1052ca95e569de69e02ebff333485f13f9b2da34c5a8a340526697a9ab2e0b\
                           394d8d04973c134005be1a0140bff6045bb26eb77a73eaa47813f6b49a7250dc";

fn power_cycle() -> [u8; 64] {
    hex(POWER_CYCLE).try_into().unwrap()
}

fn control(command: &str) -> [u8; 64] {
    report(format!("ctaphid-control:{command}").as_bytes())
}

fn error_of(answer: &[u8; 64]) -> (u32, u8, u8) {
    (u32::from_be_bytes(answer[..4].try_into().unwrap()), answer[4], answer[7])
}

async fn simulated(endpoints: &[&str]) -> Vec<Endpoint> {
    open_simulated(endpoints, Nobody).await.0
}

/// A person who is somewhere else: questions are passed on, answers awaited; it is told when one is
/// withdrawn.
struct Remote {
    asked: mpsc::UnboundedSender<Asked>,
    /// Whoever is asked waits for its turn.
    answers: Arc<Mutex<mpsc::UnboundedReceiver<Answer>>>,
}

#[derive(Debug, PartialEq)]
enum Asked {
    Question(String),
    Withdrawn,
    Event(Event),
    Wink,
}

struct Withdrawal(mpsc::UnboundedSender<Asked>, bool);

impl Drop for Withdrawal {
    fn drop(&mut self) {
        if self.1 {
            let _ = self.0.send(Asked::Withdrawn);
        }
    }
}

impl Person for Remote {
    fn ask(&mut self, ask: Ask) {
        let (asked, answers) = (self.asked.clone(), self.answers.clone());
        ask.answer_with(async move |question| {
            let mut answers = answers.lock().await;
            let _ = asked.send(Asked::Question(question.to_string()));
            let mut withdrawal = Withdrawal(asked, true);
            let answer = answers.recv().await.unwrap_or(Answer::Deny);
            withdrawal.1 = false;
            answer
        });
    }

    fn notice(&mut self, event: &Event) {
        let _ = self.asked.send(Asked::Event(event.clone()));
    }

    fn wink(&mut self) {
        let _ = self.asked.send(Asked::Wink);
    }
}

type Ends = (mpsc::UnboundedReceiver<Asked>, mpsc::UnboundedSender<Answer>);

async fn asking(endpoints: &[&str]) -> (Vec<Endpoint>, Ends) {
    let (asked, questions) = mpsc::unbounded_channel();
    let (answer, answers) = mpsc::unbounded_channel();
    let (bound, _) =
        open(endpoints, Remote { asked, answers: Arc::new(Mutex::new(answers)) }).await;
    (bound, (questions, answer))
}

#[cfg(unix)]
fn socket_path(name: &str) -> std::path::PathBuf {
    let name = format!("towline-test-{}-{name}.sock", std::process::id());
    std::env::temp_dir().join(name)
}

#[tokio::test]
async fn every_transport_leads_to_the_authenticator() {
    for endpoint in simulated(&[UDP, TCP]).await {
        let mut client = Client::connect(&endpoint).await;
        let answer = client.cbor(GET_INFO).await.result.unwrap();
        assert!(GetInfo::decode(&answer).is_ok(), "{endpoint}");
        let capabilities = client.info.unwrap().capabilities;
        assert!(capabilities.contains(Capabilities::CBOR.with(Capabilities::WINK)));
        assert!(!capabilities.contains(Capabilities::NMSG), "there is U2F");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_unix_socket_is_its_owners_alone_and_goes_with_the_door() {
    use std::os::unix::fs::PermissionsExt;

    let path = socket_path("owner");
    let text = format!("unix:{}", path.display());
    let (endpoints, door) = open_simulated(&[&text], Nobody).await;
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let mut client = Client::connect(&endpoints[0]).await;
    assert!(client.cbor(GET_INFO).await.result.is_ok());
    assert!(matches!(
        Door::new(SecurityKey::new().reports()).listen(&text.parse().unwrap()).await,
        Err(DoorError::Listen { .. })
    ));
    door.abort();
    assert!(door.await.unwrap_err().is_cancelled());
    assert!(!path.exists());
}

#[cfg(unix)]
#[tokio::test]
async fn a_unix_socket_that_was_left_behind_is_replaced_and_other_files_are_not() {
    let path = socket_path("stale");
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    assert!(path.exists());
    let text = format!("unix:{}", path.display());
    let endpoints = simulated(&[&text]).await;
    Client::connect(&endpoints[0]).await;

    let file = socket_path("file");
    std::fs::write(&file, b"precious").unwrap();
    let endpoint = format!("unix:{}", file.display()).parse().unwrap();
    assert!(Door::new(SecurityKey::new().reports()).listen(&endpoint).await.is_err());
    assert_eq!(std::fs::read(&file).unwrap(), b"precious");
    std::fs::remove_file(&file).unwrap();
}

#[tokio::test]
async fn a_door_that_can_not_be_opened_says_why() {
    let endpoints = simulated(&[TCP]).await;
    let error = Door::new(SecurityKey::new().reports()).listen(&endpoints[0]).await.unwrap_err();
    assert!(error.to_string().starts_with(&format!("can't listen on {}", endpoints[0])));
}

#[tokio::test]
async fn the_longest_message_passes_unread_in_one_go() {
    for endpoint in simulated(&[UDP, TCP]).await {
        let mut client = Client::connect(&endpoint).await;
        let message: Vec<u8> = (0..MAX_MESSAGE).map(|place| place as u8).collect();
        assert_eq!(
            client.exchange(HidCommand::Ping, &message).await.result,
            Ok(message),
            "{endpoint}"
        );
    }
}

#[tokio::test]
async fn connections_are_handles_to_one_device() {
    let endpoints = simulated(&[UDP, TCP]).await;
    let mut first = Client::connect(&endpoints[1]).await;
    let channel = first.host.channel();
    assert!(first.cbor(GET_INFO).await.result.is_ok());
    // The same channel from another connection, after the first one is closed.
    let mut second = Client { pipe: Pipe::connect(&endpoints[0]).await, ..first };
    assert_eq!(second.host.channel(), channel);
    assert!(second.cbor(GET_INFO).await.result.is_ok());
    let third = Client::connect(&endpoints[1]).await;
    assert_ne!(third.host.channel(), channel);
}

#[tokio::test]
async fn datagrams_that_are_no_reports_are_dropped_and_report_numbers_forgiven() {
    let endpoints = simulated(&[UDP]).await;
    let mut pipe = Pipe::connect(&endpoints[0]).await;
    let init = report(b"\xff\xff\xff\xff\x86\x00\x08nonsense");
    let Pipe::Udp(socket) = &pipe else { panic!() };
    for length in [0, 1, 63] {
        socket.send(&init[..length]).await.unwrap();
    }
    socket.send(&[&[1], &init[..]].concat()).await.unwrap();
    socket.send(&[&init[..], &[0, 0]].concat()).await.unwrap();
    socket.send(&[&init[..], &[0; 64]].concat()).await.unwrap();
    pipe.is_silent().await;
    let Pipe::Udp(socket) = &pipe else { panic!() };
    socket.send(&[&[0], &init[..]].concat()).await.unwrap();
    let answer = timeout(Duration::from_secs(5), pipe.receive()).await.unwrap();
    assert_eq!(answer[..15], *b"\xff\xff\xff\xff\x86\x00\x11nonsense");
}

#[tokio::test]
async fn a_stream_with_another_length_is_closed() {
    use tokio::io::AsyncWriteExt;

    let endpoints = simulated(&[TCP]).await;
    for length in [[0, 0], [0, 63], [0, 65], [0x40, 0]] {
        let Pipe::Stream(mut stream) = Pipe::connect(&endpoints[0]).await else { panic!() };
        stream.write_all(&length).await.unwrap();
        let end = timeout(Duration::from_secs(5), stream.read(&mut [0; 1])).await.unwrap();
        assert!(matches!(end, Ok(0) | Err(_)), "{length:?}");
    }
}

#[tokio::test]
async fn a_touch_is_simulated_with_a_keepalive_before_it() {
    for endpoint in simulated(&[UDP, TCP]).await {
        let mut client = Client::connect(&endpoint).await;
        let Outcome { keepalives, result } = client.cbor(SELECTION).await;
        assert_eq!(result, Ok(vec![0]));
        assert_eq!(keepalives[0], KeepaliveStatus::UpNeeded);
        let created = client.cbor(&make_credential()).await;
        assert_eq!(created.result.unwrap()[0], 0);
    }
}

#[tokio::test]
async fn without_a_touch_the_request_waits_and_can_be_cancelled() {
    let endpoints = simulated(&[UDP]).await;
    let mut client = Client::connect(&endpoints[0]).await;
    assert_eq!(client.pipe.exchange(&control("presence=deny")).await, control("presence=deny"));
    client.begin(SELECTION).await;
    for _ in 0..4 {
        let before = Instant::now();
        assert_eq!(client.keepalive().await, KeepaliveStatus::UpNeeded);
        assert!(before.elapsed() < Duration::from_millis(1500));
    }
    client.cancel().await;
    let cancelled = Status::KeepaliveCancel.to_u8();
    assert_eq!(client.finish().await.result, Ok(vec![cancelled]));
    client.pipe.is_silent().await;
    assert!(client.cbor(GET_INFO).await.result.is_ok());
}

#[tokio::test]
async fn a_touch_that_is_allowed_later_comes_to_the_question_that_waits() {
    let endpoints = simulated(&[UDP]).await;
    let mut client = Client::connect(&endpoints[0]).await;
    let mut other = Pipe::connect(&endpoints[0]).await;
    other.exchange(&control("presence=deny")).await;
    client.begin(SELECTION).await;
    assert_eq!(client.keepalive().await, KeepaliveStatus::UpNeeded);
    assert_eq!(other.exchange(&control("presence=auto")).await, control("presence=auto"));
    assert_eq!(client.finish().await.result, Ok(vec![0]));
}

#[tokio::test]
async fn one_touch_is_one_touch() {
    let endpoints = simulated(&[TCP]).await;
    let mut client = Client::connect(&endpoints[0]).await;
    client.pipe.exchange(&control("presence=once")).await;
    assert_eq!(client.cbor(SELECTION).await.result, Ok(vec![0]));
    client.begin(SELECTION).await;
    for _ in 0..3 {
        assert_eq!(client.keepalive().await, KeepaliveStatus::UpNeeded);
    }
}

#[tokio::test]
async fn a_no_is_said_at_once() {
    let endpoints = simulated(&[TCP]).await;
    let mut client = Client::connect(&endpoints[0]).await;
    client.pipe.exchange(&control("presence=refuse")).await;
    let before = Instant::now();
    for _ in 0..2 {
        let refused = client.cbor(&make_credential()).await;
        assert_eq!(refused.result, Ok(vec![Status::OperationDenied.to_u8()]));
    }
    assert!(before.elapsed() < Duration::from_secs(5), "not after the time of a question");
    client.pipe.exchange(&control("presence=ignore")).await;
    client.begin(SELECTION).await;
    for _ in 0..3 {
        assert_eq!(client.keepalive().await, KeepaliveStatus::UpNeeded);
    }
    client.pipe.exchange(&control("presence=refuse")).await;
    let refused = client.finish().await.result;
    assert_eq!(refused, Ok(vec![Status::OperationDenied.to_u8()]), "the open question too");
}

#[tokio::test]
async fn a_touch_can_take_its_time() {
    let endpoints = simulated(&[UDP]).await;
    let mut client = Client::connect(&endpoints[0]).await;
    client.pipe.exchange(&control("presence=delay:350")).await;
    let before = Instant::now();
    let Outcome { keepalives, result } = client.cbor(SELECTION).await;
    assert_eq!(result, Ok(vec![0]));
    assert!(before.elapsed() >= Duration::from_millis(350));
    assert!(keepalives.len() >= 3, "{keepalives:?}");
}

#[tokio::test]
async fn control_reports_that_are_not_known_are_not_echoed() {
    let endpoints = simulated(&[UDP]).await;
    let mut pipe = Pipe::connect(&endpoints[0]).await;
    pipe.send(&control("presence=maybe")).await;
    pipe.send(&control("")).await;
    pipe.is_silent().await;
}

#[tokio::test]
async fn a_power_cycle_forgets_channels_without_a_word() {
    let endpoints = simulated(&[UDP, TCP]).await;
    let mut client = Client::connect(&endpoints[0]).await;
    client.pipe.exchange(&control("presence=deny")).await;
    client.begin(SELECTION).await;
    assert_eq!(client.keepalive().await, KeepaliveStatus::UpNeeded);
    let mut other = Pipe::connect(&endpoints[1]).await;
    other.send(&power_cycle()).await;
    other.is_silent().await;
    client.host.abort();
    let unknown = HostFailure::Device(HidError::InvalidChannel);
    assert_eq!(client.cbor(GET_INFO).await.result, Err(unknown));
    let mut again = Client::connect(&endpoints[0]).await;
    assert!(again.cbor(GET_INFO).await.result.is_ok());
}

#[tokio::test]
async fn two_clients_are_told_apart() {
    let endpoints = simulated(&[UDP, TCP]).await;
    let mut first = Client::connect(&endpoints[0]).await;
    let mut second = Client::connect(&endpoints[0]).await;
    let mut third = Client::connect(&endpoints[1]).await;
    second.pipe.exchange(&control("presence=deny")).await;
    first.begin(SELECTION).await;
    assert_eq!(first.keepalive().await, KeepaliveStatus::UpNeeded);
    let busy = Err(HostFailure::Device(HidError::ChannelBusy));
    assert_eq!(second.cbor(GET_INFO).await.result, busy);
    assert_eq!(third.cbor(GET_INFO).await.result, busy);
    second.pipe.is_silent().await;
    second.pipe.exchange(&control("presence=auto")).await;
    assert_eq!(first.finish().await.result, Ok(vec![0]));
    assert!(second.cbor(GET_INFO).await.result.is_ok());
    assert!(third.cbor(GET_INFO).await.result.is_ok());
}

#[tokio::test]
async fn an_answer_goes_to_whoever_asked_though_another_one_cancels() {
    let endpoints = simulated(&[UDP]).await;
    let mut first = Client::connect(&endpoints[0]).await;
    let mut second = Pipe::connect(&endpoints[0]).await;
    second.exchange(&control("presence=deny")).await;
    first.begin(SELECTION).await;
    assert_eq!(first.keepalive().await, KeepaliveStatus::UpNeeded);
    let HidChannel(channel) = first.host.channel().unwrap();
    second.send(&report(&[&channel.to_be_bytes()[..], &[0x91, 0, 0]].concat())).await;
    let cancelled = Status::KeepaliveCancel.to_u8();
    assert_eq!(first.finish().await.result, Ok(vec![cancelled]));
    second.is_silent().await;
}

#[tokio::test]
async fn a_message_that_stalls_is_timed_out_on_its_channel() {
    let endpoints = simulated(&[UDP]).await;
    let mut client = Client::connect(&endpoints[0]).await;
    let HidChannel(channel) = client.host.channel().unwrap();
    let begun = report(&[&channel.to_be_bytes()[..], &[0x81, 1, 0]].concat());
    let before = Instant::now();
    let answer = client.pipe.exchange(&begun).await;
    assert_eq!(error_of(&answer), (channel, 0xbf, 0x05));
    let waited = before.elapsed();
    // The upper bound is generous to busy machines.
    assert!((400..2500).contains(&waited.as_millis()), "{waited:?}");
}

#[tokio::test]
async fn what_is_not_ctaphid_is_refused_as_the_standard_says() {
    let endpoints = simulated(&[UDP]).await;
    let mut client = Client::connect(&endpoints[0]).await;
    let own = client.host.channel().unwrap().0;
    for (channel, command, length, code) in [
        (0xdead_beef, 0x90, 1, 0x0b),
        (0xdead_beef, 0x86, 8, 0x0b),
        (own, 0x90, 0, 0x03),
        (own, 0x83, 0, 0x03),
        (own, 0xc0, 0, 0x01),
    ] {
        let bytes = [&u32::to_be_bytes(channel)[..], &[command, 0, length]].concat();
        let answer = client.pipe.exchange(&report(&bytes)).await;
        assert_eq!(error_of(&answer), (channel, 0xbf, code), "{command:02x}");
    }
}

#[tokio::test]
async fn a_person_is_asked_and_told_what_happened() {
    let (endpoints, (mut questions, answers)) = asking(&[UDP]).await;
    let mut client = Client::connect(&endpoints[0]).await;
    client.begin(&make_credential()).await;
    let Some(Asked::Question(question)) = questions.recv().await else { panic!() };
    assert!(question.contains("example.org"), "{question}");
    assert_eq!(client.keepalive().await, KeepaliveStatus::UpNeeded);
    answers.send(Answer::Approve).unwrap();
    assert_eq!(client.finish().await.result.unwrap()[0], 0);
    assert!(matches!(questions.recv().await, Some(Asked::Event(Event::Created { .. }))));
}

#[tokio::test]
async fn a_person_may_decline_and_an_answer_that_does_not_fit_is_a_no() {
    let (endpoints, (mut questions, answers)) = asking(&[UDP]).await;
    let mut client = Client::connect(&endpoints[0]).await;
    for answer in [Answer::Deny, Answer::Account(3)] {
        client.begin(SELECTION).await;
        assert!(matches!(questions.recv().await, Some(Asked::Question(_))));
        answers.send(answer).unwrap();
        let denied = Status::OperationDenied.to_u8();
        assert_eq!(client.finish().await.result, Ok(vec![denied]));
    }
}

#[tokio::test]
async fn a_question_is_taken_away_when_the_client_cancels() {
    let (endpoints, (mut questions, _answers)) = asking(&[TCP]).await;
    let mut client = Client::connect(&endpoints[0]).await;
    client.begin(SELECTION).await;
    assert!(matches!(questions.recv().await, Some(Asked::Question(_))));
    client.cancel().await;
    let cancelled = Status::KeepaliveCancel.to_u8();
    assert_eq!(client.finish().await.result, Ok(vec![cancelled]));
    assert_eq!(questions.recv().await, Some(Asked::Withdrawn));
}

#[tokio::test]
async fn a_fresh_start_takes_the_question_away_too() {
    let (endpoints, (mut questions, answers)) = asking(&[UDP]).await;
    let mut client = Client::connect(&endpoints[0]).await;
    client.begin(SELECTION).await;
    assert!(matches!(questions.recv().await, Some(Asked::Question(_))));
    client.host.open([9; 8], Instant::now());
    client.info = None;
    while client.info.is_none() {
        assert_eq!(client.step(&mut Vec::new()).await, None);
    }
    assert_eq!(questions.recv().await, Some(Asked::Withdrawn));
    client.begin(SELECTION).await;
    assert!(matches!(questions.recv().await, Some(Asked::Question(_))));
    answers.send(Answer::Approve).unwrap();
    assert_eq!(client.finish().await.result, Ok(vec![0]));
}

#[tokio::test]
async fn where_a_person_is_asked_nothing_can_be_simulated() {
    let (endpoints, (mut questions, answers)) = asking(&[UDP]).await;
    let mut client = Client::connect(&endpoints[0]).await;
    for trick in [control("presence=auto"), power_cycle()] {
        let channel = u32::from_be_bytes(trick[..4].try_into().unwrap());
        let answer = client.pipe.exchange(&trick).await;
        assert_eq!(error_of(&answer), (channel, 0xbf, 0x0b));
    }
    client.begin(SELECTION).await;
    assert!(matches!(questions.recv().await, Some(Asked::Question(_))));
    client.pipe.send(&control("presence=auto")).await;
    for _ in 0..3 {
        assert_eq!(client.keepalive().await, KeepaliveStatus::UpNeeded);
    }
    answers.send(Answer::Approve).unwrap();
    assert_eq!(client.finish().await.result, Ok(vec![0]));
}

#[tokio::test]
async fn a_wink_is_seen() {
    let (endpoints, (mut questions, _answers)) = asking(&[UDP]).await;
    let mut client = Client::connect(&endpoints[0]).await;
    assert_eq!(client.exchange(HidCommand::Wink, &[]).await.result, Ok(vec![]));
    assert_eq!(questions.recv().await, Some(Asked::Wink));
}

#[tokio::test]
async fn a_client_that_goes_away_leaves_the_door_open() {
    let endpoints = simulated(&[TCP]).await;
    let mut client = Client::connect(&endpoints[0]).await;
    client.pipe.exchange(&control("presence=deny")).await;
    client.begin(SELECTION).await;
    assert_eq!(client.keepalive().await, KeepaliveStatus::UpNeeded);
    let channel = client.host.channel().unwrap();
    drop(client);
    // Another one on the channel that was left ends the request.
    let mut pipe = Pipe::connect(&endpoints[0]).await;
    pipe.send(&report(&[&channel.0.to_be_bytes()[..], &[0x86, 0, 8]].concat())).await;
    let answer = timeout(Duration::from_secs(5), pipe.receive()).await.unwrap();
    assert_eq!(answer[4], 0x86);
    let mut again = Client::connect(&endpoints[0]).await;
    assert!(again.cbor(GET_INFO).await.result.is_ok());
}

#[tokio::test]
async fn u2f_is_spoken_and_a_touch_is_asked_for_again_and_again() {
    let endpoints = simulated(&[UDP]).await;
    let mut client = Client::connect(&endpoints[0]).await;
    let version = client.exchange(HidCommand::Msg, &U2fRequest::Version.encode()).await;
    assert_eq!(version.result.unwrap(), b"U2F_V2\x90\x00");
    let (challenge, application) = ([7; 32], RpIdHash::new([8; 32]));
    let register = U2fRequest::Register { challenge, application }.encode();
    let mut refused = 0;
    let made = loop {
        let Outcome { keepalives, result } = client.exchange(HidCommand::Msg, &register).await;
        assert_eq!(keepalives, [], "nothing waits");
        match split_response(&result.unwrap()).unwrap() {
            (data, StatusWord::NO_ERROR) => break U2fRegistration::decode(data).unwrap(),
            (_, word) => assert_eq!(word, StatusWord::CONDITIONS_NOT_SATISFIED),
        }
        refused += 1;
    };
    assert!(refused > 0, "a touch that nobody asked for");
    let (control, key_handle) = (Control::CheckOnly, made.key_handle);
    let check = U2fRequest::Authenticate { control, challenge, application, key_handle };
    assert_eq!(
        client.exchange(HidCommand::Msg, &check.encode()).await.result.unwrap(),
        [0x69, 0x85]
    );
    assert!(client.cbor(GET_INFO).await.result.is_ok());
}

#[tokio::test]
async fn a_reset_that_is_for_usb_alone_comes_through_the_door() {
    let endpoints = simulated(&[UDP]).await;
    let mut client = Client::connect(&endpoints[0]).await;
    assert_eq!(client.cbor(&[0x07]).await.result.unwrap(), [0x00]);
}
