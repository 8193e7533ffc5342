//! The key, and a pretended kernel at the other end: a pair of sockets that keep events apart as
//! `/dev/uhid` does. The real one is asked in a virtual machine, by `tests/vm`.

use std::{
    io::ErrorKind,
    os::fd::OwnedFd,
    time::{Duration, Instant},
};

use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};
use tokio::{io::AsyncWriteExt as _, net::unix::pipe, sync::mpsc, task::JoinHandle, time::timeout};
use towline_authenticator::{Authenticator, Config, MemoryStore, SoftwareKeys};
use towline_ctap::{
    GetInfo,
    hid::{HidCommand, Host, HostOutput, MAX_MESSAGE, Report},
};
use towline_ctaphid_tokio::{Ask, Nobody, Person, SecurityKey, Simulated};
use towline_uhid::{Description, UhidError, UsbKey, event::EVENT_SIZE};

const START: u32 = 2;
const STOP: u32 = 3;
const OPEN: u32 = 4;
const CLOSE: u32 = 5;
const OUTPUT: u32 = 6;
const GET_REPORT: u32 = 9;
const INPUT2: u32 = 12;
const SET_REPORT: u32 = 13;

/// The kernel's end.
struct Kernel {
    from: pipe::Receiver,
    to: pipe::Sender,
}

impl Kernel {
    fn new() -> (Self, OwnedFd) {
        let (flags, kind) = (SocketFlags::NONBLOCK, SocketType::SEQPACKET);
        let (here, there) = socketpair(AddressFamily::UNIX, kind, flags, None).unwrap();
        let to = pipe::Sender::from_owned_fd_unchecked(here.try_clone().unwrap()).unwrap();
        (Self { from: pipe::Receiver::from_owned_fd_unchecked(here).unwrap(), to }, there)
    }

    async fn say(&mut self, kind: u32, content: &[u8]) {
        let mut event = [&kind.to_ne_bytes()[..], content].concat();
        event.resize(EVENT_SIZE, 0);
        assert_eq!(self.to.write(&event).await.unwrap(), EVENT_SIZE);
    }

    /// A program writes to the node, as `hidraw` passes it on.
    async fn output(&mut self, report: &Report) {
        let mut content = [&[0][..], report].concat();
        content.resize(4096, 0);
        content.extend(65u16.to_ne_bytes());
        content.push(1);
        self.say(OUTPUT, &content).await;
    }

    /// What the key wrote; nothing when it is unplugged.
    async fn heard(&mut self) -> Vec<u8> {
        let mut event = vec![0; EVENT_SIZE];
        let length = loop {
            self.from.readable().await.unwrap();
            match self.from.try_read(&mut event) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                read => break read.unwrap(),
            }
        };
        event.truncate(length);
        event
    }

    async fn input(&mut self) -> Report {
        let event = self.heard().await;
        assert_eq!(event[..4], INPUT2.to_ne_bytes(), "{event:02x?}");
        assert_eq!(event[4..6], 64u16.to_ne_bytes());
        event[6..].try_into().unwrap()
    }
}

/// A program that talks to the node.
async fn request(kernel: &mut Kernel, command: HidCommand, message: &[u8]) -> Vec<u8> {
    let mut host = Host::new();
    host.open(*b"a nonce!", Instant::now());
    loop {
        match host.poll_output() {
            Some(HostOutput::Send(report)) => kernel.output(&report).await,
            Some(HostOutput::Opened(_)) => host.send(command, message, Instant::now()).unwrap(),
            Some(HostOutput::Message { message, .. }) => return message.to_vec(),
            Some(HostOutput::Keepalive(_)) => {}
            Some(HostOutput::Failed(failure)) => panic!("{failure:?}"),
            None => host.handle_packet(&kernel.input().await, Instant::now()),
        }
    }
}

struct Plugged {
    kernel: Kernel,
    key: JoinHandle<()>,
    usb: JoinHandle<Result<(), UhidError>>,
}

async fn plugged() -> Plugged {
    plugged_before(Simulated::new(Nobody)).await
}

async fn plugged_before(person: impl Person + 'static) -> Plugged {
    let (mut kernel, door) = Kernel::new();
    let usb = UsbKey::through(door, &Description::default()).unwrap();
    assert_eq!(kernel.heard().await[..4], 11u32.to_ne_bytes(), "made");
    let key = SecurityKey::new();
    let usb = tokio::spawn(usb.serve(key.reports()));
    let provider = towline_crypto::rustcrypto::provider();
    let keys = SoftwareKeys::new(provider.clone());
    let authenticator =
        Authenticator::new(Config::security_key(), provider, MemoryStore::new(), keys).unwrap();
    let key = tokio::spawn(async move { match key.run(authenticator, person).await {} });
    Plugged { kernel, key, usb }
}

#[tokio::test]
async fn a_program_reaches_the_authenticator() {
    let Plugged { mut kernel, .. } = plugged().await;
    kernel.say(START, &[0; 8]).await;
    kernel.say(OPEN, &[]).await;
    let answer = request(&mut kernel, HidCommand::Cbor, &[0x04]).await;
    assert!(GetInfo::decode(&answer).is_ok(), "{answer:02x?}");
}

#[tokio::test]
async fn the_longest_message_comes_back_whole_and_not_faster_than_it_is_kept() {
    let Plugged { mut kernel, .. } = plugged().await;
    let message: Vec<u8> = (0..MAX_MESSAGE).map(|place| place.to_le_bytes()[0]).collect();
    let began = Instant::now();
    assert_eq!(request(&mut kernel, HidCommand::Ping, &message).await, message);
    // 129 reports: 32 at once, and 1 ms for each that follows.
    assert!(began.elapsed() >= Duration::from_millis(95), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn what_the_kernel_waits_for_is_answered_even_before_the_start() {
    let (mut kernel, door) = Kernel::new();
    let mut usb = UsbKey::through(door, &Description::default()).unwrap();
    kernel.heard().await;
    kernel.say(GET_REPORT, &7u32.to_ne_bytes()).await;
    kernel.say(START, &[0; 8]).await;
    assert_eq!(usb.started().await.unwrap(), None, "no kernel, no node");
    let refused = kernel.heard().await;
    assert_eq!((refused[0], refused[4], refused[8]), (10, 7, 5));
    let key = SecurityKey::new();
    let _serving = tokio::spawn(usb.serve(key.reports()));
    kernel.say(SET_REPORT, &8u32.to_ne_bytes()).await;
    let refused = kernel.heard().await;
    assert_eq!((refused[0], refused[4], refused[8]), (14, 8, 5));
}

/// Never answers; tells when it is asked (true), and when the question is withdrawn.
struct Undecided(mpsc::UnboundedSender<bool>);

struct Withdrawal(mpsc::UnboundedSender<bool>);

impl Drop for Withdrawal {
    fn drop(&mut self) {
        let _ = self.0.send(false);
    }
}

impl Person for Undecided {
    fn ask(&mut self, ask: Ask) {
        let told = self.0.clone();
        ask.answer_with(async move |_| {
            told.send(true).unwrap();
            let _withdrawal = Withdrawal(told);
            std::future::pending().await
        });
    }
}

#[tokio::test]
async fn the_last_program_that_closes_the_node_takes_its_question_along() {
    let (told, mut tells) = mpsc::unbounded_channel();
    let Plugged { mut kernel, .. } = plugged_before(Undecided(told)).await;
    for end in [CLOSE, STOP] {
        kernel.say(OPEN, &[]).await;
        let mut host = Host::new();
        host.open(*b"a nonce!", Instant::now());
        let mut asked = false;
        while !asked {
            match host.poll_output() {
                Some(HostOutput::Send(report)) => kernel.output(&report).await,
                Some(HostOutput::Opened(_)) => host.send_cbor(&[0x0b], Instant::now()).unwrap(),
                Some(HostOutput::Keepalive(_)) => asked = true,
                Some(other) => panic!("{other:?}"),
                None => host.handle_packet(&kernel.input().await, Instant::now()),
            }
        }
        assert_eq!(tells.recv().await, Some(true));
        kernel.say(end, &[]).await;
        let withdrawn = timeout(Duration::from_secs(5), tells.recv()).await;
        assert_eq!(withdrawn, Ok(Some(false)), "{end}");
    }
    // The next program is served, and finds nothing of what was under way.
    kernel.say(OPEN, &[]).await;
    let answer = request(&mut kernel, HidCommand::Cbor, &[0x04]).await;
    assert!(GetInfo::decode(&answer).is_ok(), "{answer:02x?}");
}

#[tokio::test]
async fn the_key_is_unplugged_when_its_authenticator_is_gone() {
    let Plugged { mut kernel, key, usb } = plugged().await;
    key.abort();
    assert_eq!(kernel.heard().await, [], "the descriptor is closed");
    assert!(usb.await.unwrap().is_ok());
}

#[tokio::test]
async fn that_the_kernel_took_the_device_away_is_told() {
    let Plugged { kernel, usb, .. } = plugged().await;
    drop(kernel);
    let error = usb.await.unwrap().unwrap_err();
    assert!(error.to_string().starts_with("the USB key failed"), "{error}");
}
