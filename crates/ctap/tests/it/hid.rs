//! CTAPHID: what a device answers, refuses and gives up, and what a host makes of it, with a clock
//! that is moved by hand.

mod busy;
mod channels;
mod gone;
mod host;
mod lock;
mod messages;
mod names;
mod nothing_is_allocated;
mod waiting;

use std::time::{Duration, Instant};

use proptest::prelude::*;
use towline_ctap::hid::{
    Capabilities, HidChannel, HidCommand, HidDevice, HidDeviceConfig, HidDeviceOutput, HidError,
    Host, HostFailure, HostOutput, InitResponse, KeepaliveStatus, MAX_MESSAGE, Packet, Payload,
    Report, SendError, To,
};

const PING: u8 = 0x81;
const MSG: u8 = 0x83;
const LOCK: u8 = 0x84;
const INIT: u8 = 0x86;
const WINK: u8 = 0x88;
const CBOR: u8 = 0x90;
const CANCEL: u8 = 0x91;
const KEEPALIVE: u8 = 0xbb;
const ERROR: u8 = 0xbf;

const INVALID_CMD: u8 = 0x01;
const INVALID_PAR: u8 = 0x02;
const INVALID_LEN: u8 = 0x03;
const INVALID_SEQ: u8 = 0x04;
const TIMEOUT: u8 = 0x05;
const BUSY: u8 = 0x06;
const INVALID_CHANNEL: u8 = 0x0b;

fn init_packet(channel: u32, command: u8, length: u16, data: &[u8]) -> Report {
    let mut report = [0; 64];
    report[..4].copy_from_slice(&channel.to_be_bytes());
    report[4] = command;
    report[5..7].copy_from_slice(&length.to_be_bytes());
    report[7..7 + data.len()].copy_from_slice(data);
    report
}

fn continuation(channel: u32, sequence: u8, data: &[u8]) -> Report {
    let mut report = [0; 64];
    report[..4].copy_from_slice(&channel.to_be_bytes());
    report[4] = sequence;
    report[5..5 + data.len()].copy_from_slice(data);
    report
}

/// All the packets of a message, by hand.
fn packets(channel: u32, command: u8, message: &[u8]) -> Vec<Report> {
    let (first, rest) = message.split_at(message.len().min(57));
    let mut all = vec![init_packet(channel, command, message.len() as u16, first)];
    all.extend((0..).zip(rest.chunks(59)).map(|(seq, data)| continuation(channel, seq, data)));
    all
}

#[derive(Debug, PartialEq)]
enum Seen {
    Cbor(u32, Vec<u8>),
    Msg(u32, Vec<u8>),
    Cancel(u32),
    Wink(u32),
    /// Channel, command byte, payload of a message of one packet.
    Answer(u32, u8, Vec<u8>),
}

/// A device and a clock.
struct Desk {
    device: HidDevice,
    now: Instant,
}

fn desk_with(config: HidDeviceConfig) -> Desk {
    Desk { device: HidDevice::new(config), now: Instant::now() }
}

/// One with all the capabilities, and two channels: 1 and 2.
fn desk() -> Desk {
    let mut config = HidDeviceConfig::default();
    config.capabilities = Capabilities::CBOR.with(Capabilities::WINK);
    let mut desk = desk_with(config);
    assert_eq!((desk.allocate(), desk.allocate()), (1, 2));
    desk
}

impl Desk {
    fn feed(&mut self, report: &Report) -> Vec<Seen> {
        self.device.handle_packet(report, self.now);
        self.drain()
    }

    fn feed_all(&mut self, reports: &[Report]) -> Vec<Seen> {
        reports.iter().flat_map(|report| self.feed(report)).collect()
    }

    fn drain(&mut self) -> Vec<Seen> {
        let mut seen = Vec::new();
        while let Some(output) = self.device.poll_output() {
            seen.push(match output {
                HidDeviceOutput::Send { report, .. } => {
                    let channel = u32::from_be_bytes(report[..4].try_into().unwrap());
                    let length = usize::from(u16::from_be_bytes([report[5], report[6]]));
                    assert!(length <= 57, "a message of several packets");
                    assert!(report[7 + length..].iter().all(|byte| *byte == 0), "padding");
                    Seen::Answer(channel, report[4], report[7..7 + length].to_vec())
                }
                HidDeviceOutput::Cbor { channel, request } => {
                    Seen::Cbor(channel.0, request.to_vec())
                }
                HidDeviceOutput::Msg { channel, request } => Seen::Msg(channel.0, request.to_vec()),
                HidDeviceOutput::Cancel { channel } => Seen::Cancel(channel.0),
                HidDeviceOutput::Wink { channel } => Seen::Wink(channel.0),
            });
        }
        seen
    }

    fn pass(&mut self, milliseconds: u64) -> Vec<Seen> {
        self.now += Duration::from_millis(milliseconds);
        self.device.handle_timeout(self.now);
        self.drain()
    }

    fn respond(&mut self, channel: u32, response: &[u8]) -> Vec<Seen> {
        self.device.handle_response(HidChannel(channel), response, self.now);
        self.drain()
    }

    fn keepalive(&mut self, channel: u32, status: KeepaliveStatus) -> Vec<Seen> {
        self.device.handle_keepalive(HidChannel(channel), status, self.now);
        self.drain()
    }

    fn allocate(&mut self) -> u32 {
        match &self.feed(&init_packet(u32::MAX, INIT, 8, b"nonsense"))[..] {
            [Seen::Answer(u32::MAX, INIT, payload)] => {
                let response = InitResponse::decode(payload).unwrap();
                assert_eq!((&response.nonce, response.protocol), (b"nonsense", 2));
                response.channel.0
            }
            other => panic!("{other:?}"),
        }
    }

    fn start(&mut self, channel: u32) {
        assert_eq!(self.feed(&init_packet(channel, CBOR, 1, &[4])), [Seen::Cbor(channel, vec![4])]);
    }
}

fn error(channel: u32, code: u8) -> Vec<Seen> {
    vec![Seen::Answer(channel, ERROR, vec![code])]
}

/// A host, a device and what passes between them.
struct Pair {
    host: Host,
    device: HidDevice,
    now: Instant,
}

#[derive(Debug, PartialEq)]
enum Heard {
    Opened(u32),
    Message(HidCommand, Vec<u8>),
    Keepalive(KeepaliveStatus),
    Failed(HostFailure),
}

impl Pair {
    fn new() -> Self {
        let device = HidDevice::new(HidDeviceConfig::default());
        Self { host: Host::new(), device, now: Instant::now() }
    }

    fn opened() -> Self {
        let mut pair = Self::new();
        pair.host.open([1; 8], pair.now);
        assert_eq!(pair.pump(|_, _| None), [Heard::Opened(1)]);
        pair
    }

    /// Lets reports pass to and fro; `authenticator` may respond at once.
    fn pump(&mut self, authenticator: impl Fn(u32, &[u8]) -> Option<Vec<u8>>) -> Vec<Heard> {
        let mut heard = Vec::new();
        loop {
            let mut quiet = true;
            while let Some(output) = self.host.poll_output() {
                quiet = false;
                match output {
                    HostOutput::Send(report) => self.device.handle_packet(&report, self.now),
                    HostOutput::Opened(response) => heard.push(Heard::Opened(response.channel.0)),
                    HostOutput::Message { command, message } => {
                        heard.push(Heard::Message(command, message.to_vec()));
                    }
                    HostOutput::Keepalive(status) => heard.push(Heard::Keepalive(status)),
                    HostOutput::Failed(failure) => heard.push(Heard::Failed(failure)),
                }
            }
            while let Some(output) = self.device.poll_output() {
                quiet = false;
                match output {
                    HidDeviceOutput::Send { report, .. } => {
                        self.host.handle_packet(&report, self.now)
                    }
                    HidDeviceOutput::Cbor { channel, request } => {
                        if let Some(response) = authenticator(channel.0, request) {
                            self.device.handle_response(channel, &response, self.now);
                        }
                    }
                    HidDeviceOutput::Cancel { channel } => {
                        self.device.handle_response(channel, &[0x2d], self.now);
                    }
                    other => panic!("{other:?}"),
                }
            }
            if quiet {
                return heard;
            }
        }
    }
}

/// What may happen at a device.
#[derive(Debug, Clone)]
enum Step {
    Packet(Vec<u8>),
    /// Channel, command, declared length: packets that are nearly right.
    Plausible(u32, u8, u16, u8),
    Respond(u32, usize),
    Keepalive(u32, u8),
    Pass(u16),
    PowerCycle,
}

fn step() -> impl Strategy<Value = Step> {
    let channel = || prop_oneof![1_u32..5, Just(0), Just(u32::MAX)];
    let command = prop_oneof![
        prop::sample::select(vec![PING, MSG, LOCK, INIT, WINK, CBOR, CANCEL]),
        0_u8..4,
        any::<u8>(),
    ];
    let length = prop_oneof![0_u16..10, Just(8), 50_u16..300, any::<u16>()];
    prop_oneof![
        1 => prop::collection::vec(any::<u8>(), 64).prop_map(Step::Packet),
        8 => (channel(), command, length, any::<u8>())
            .prop_map(|(a, b, c, d)| Step::Plausible(a, b, c, d)),
        3 => (channel(), 0_usize..400).prop_map(|(a, b)| Step::Respond(a, b)),
        1 => (channel(), any::<u8>()).prop_map(|(a, b)| Step::Keepalive(a, b)),
        2 => (0_u16..700).prop_map(Step::Pass),
        1 => Just(Step::PowerCycle),
    ]
}

proptest! {
    #[test]
    fn whatever_happens_at_most_one_request_is_open_and_only_allocated_channels_have_one(
        steps in prop::collection::vec(step(), 1..120),
    ) {
        let mut config = HidDeviceConfig::default();
        config.capabilities = Capabilities::CBOR.with(Capabilities::WINK);
        let mut device = HidDevice::new(config);
        let mut now = Instant::now();
        let mut open: Option<HidChannel> = None;
        for step in steps {
            match step {
                Step::Packet(bytes) => device.handle_packet(&bytes.try_into().unwrap(), now),
                Step::Plausible(channel, command, length, fill) => {
                    let packet = if command & 0x80 == 0 {
                        continuation(channel, command, &[fill; 59])
                    } else {
                        init_packet(channel, command, length, &[fill; 57])
                    };
                    device.handle_packet(&packet, now);
                }
                Step::Respond(channel, length) => {
                    // The contract: one response for each request, and none without.
                    if open == Some(HidChannel(channel)) {
                        open = None;
                        device.handle_response(HidChannel(channel), &vec![0; length], now);
                    }
                }
                Step::Keepalive(channel, status) => {
                    let status = KeepaliveStatus::from_u8(status);
                    device.handle_keepalive(HidChannel(channel), status, now);
                }
                Step::Pass(milliseconds) => {
                    now += Duration::from_millis(milliseconds.into());
                    device.handle_timeout(now);
                }
                Step::PowerCycle => device.handle_power_cycle(),
            }
            let mut count = 0;
            while let Some(output) = device.poll_output() {
                count += 1;
                prop_assert!(count < 200, "it comes to an end");
                match output {
                    HidDeviceOutput::Cbor { channel, request }
                    | HidDeviceOutput::Msg { channel, request } => {
                        prop_assert!(!request.is_empty() && request.len() <= MAX_MESSAGE);
                        prop_assert_eq!(open.replace(channel), None);
                        prop_assert!(![0, u32::MAX].contains(&channel.0));
                    }
                    HidDeviceOutput::Cancel { channel } => prop_assert_eq!(open, Some(channel)),
                    HidDeviceOutput::Send { .. } | HidDeviceOutput::Wink { .. } => {}
                }
            }
            prop_assert!(device.poll_timeout().is_none_or(|deadline| deadline > now));
        }
    }

    #[test]
    fn any_message_passes_unharmed(
        request in prop::collection::vec(any::<u8>(), 1..=MAX_MESSAGE),
        response in prop::collection::vec(any::<u8>(), 0..=MAX_MESSAGE),
    ) {
        let mut pair = Pair::opened();
        pair.host.send_cbor(&request, pair.now).unwrap();
        let heard = pair.pump(|_, seen| {
            assert_eq!(seen, request);
            Some(response.clone())
        });
        prop_assert_eq!(heard, [Heard::Message(HidCommand::Cbor, response)]);
    }

    #[test]
    fn any_reports_are_read_or_refused_by_a_host(
        reports in prop::collection::vec(prop::collection::vec(any::<u8>(), 60), 0..40),
    ) {
        let mut pair = Pair::opened();
        pair.host.send_cbor(&[4], pair.now).unwrap();
        for rest in reports {
            let report: Vec<u8> = [&[0, 0, 0, 1], &rest[..]].concat();
            pair.host.handle_packet(&report.try_into().unwrap(), pair.now);
            while pair.host.poll_output().is_some() {}
        }
    }
}
