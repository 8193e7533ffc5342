//! CTAPHID: what a device answers, refuses and gives up, and what a host makes of it, with a clock that is moved by hand.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::arithmetic_side_effects,
    clippy::as_conversions
)]

use std::time::{Duration, Instant};

use proptest::prelude::*;
use towline_ctap::hid::{
    Capabilities, Channel, Device, DeviceConfig, DeviceOutput, HidCommand, HidError, Host,
    HostFailure, HostOutput, InitResponse, KeepaliveStatus, MAX_MESSAGE, Packet, Payload, Report,
    SendError,
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
    device: Device,
    now: Instant,
}

fn desk_with(config: DeviceConfig) -> Desk {
    Desk { device: Device::new(config), now: Instant::now() }
}

/// One with all the capabilities, and two channels: 1 and 2.
fn desk() -> Desk {
    let mut config = DeviceConfig::default();
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
                DeviceOutput::Send(report) => {
                    let channel = u32::from_be_bytes(report[..4].try_into().unwrap());
                    let length = usize::from(u16::from_be_bytes([report[5], report[6]]));
                    assert!(length <= 57, "a message of several packets");
                    assert!(report[7 + length..].iter().all(|byte| *byte == 0), "padding");
                    Seen::Answer(channel, report[4], report[7..7 + length].to_vec())
                }
                DeviceOutput::Cbor { channel, request } => Seen::Cbor(channel.0, request.to_vec()),
                DeviceOutput::Msg { channel, request } => Seen::Msg(channel.0, request.to_vec()),
                DeviceOutput::Cancel { channel } => Seen::Cancel(channel.0),
                DeviceOutput::Wink { channel } => Seen::Wink(channel.0),
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
        self.device.handle_response(Channel(channel), response, self.now);
        self.drain()
    }

    fn keepalive(&mut self, channel: u32, status: KeepaliveStatus) -> Vec<Seen> {
        self.device.handle_keepalive(Channel(channel), status, self.now);
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

mod channels {
    use super::*;

    #[test]
    fn every_host_gets_a_channel_of_its_own() {
        let mut desk = desk_with(DeviceConfig::default());
        let channels: Vec<u32> = (0..100).map(|_| desk.allocate()).collect();
        let mut unique = channels.clone();
        unique.sort_unstable();
        unique.dedup();
        assert_eq!(unique.len(), 100);
        assert!(channels.iter().all(|channel| ![0, u32::MAX].contains(channel)));
    }

    #[test]
    fn an_answer_to_init_tells_version_and_capabilities() {
        let mut config = DeviceConfig::default();
        config.version = [1, 2, 3];
        let mut desk = desk_with(config);
        let seen = desk.feed(&init_packet(u32::MAX, INIT, 8, &[9; 8]));
        let payload = [&[9; 8][..], &[0, 0, 0, 1, 2, 1, 2, 3, 0x0d]].concat();
        assert_eq!(seen, [Seen::Answer(u32::MAX, INIT, payload)]);
    }

    #[test]
    fn without_channels_left_there_is_none_until_a_power_cycle() {
        let mut config = DeviceConfig::default();
        (config.first_channel, config.last_channel) = (Channel(5), Channel(8));
        config.never = Some(Channel(7));
        let mut desk = desk_with(config);
        assert_eq!([desk.allocate(), desk.allocate(), desk.allocate()], [5, 6, 8]);
        let init = init_packet(u32::MAX, INIT, 8, &[1; 8]);
        assert_eq!(desk.feed(&init), error(u32::MAX, BUSY));
        assert_eq!(desk.feed(&init), error(u32::MAX, BUSY));
        assert_eq!(desk.feed(&init_packet(8, PING, 0, &[])), [Seen::Answer(8, PING, vec![])]);
        assert_eq!(desk.feed(&init_packet(7, PING, 0, &[])), error(7, INVALID_CHANNEL));
        desk.device.handle_power_cycle();
        assert_eq!(desk.feed(&init_packet(8, PING, 0, &[])), error(8, INVALID_CHANNEL));
        assert_eq!(desk.allocate(), 5);
    }

    #[test]
    fn the_last_channel_before_broadcast_can_be_had_and_broadcast_can_not() {
        let mut config = DeviceConfig::default();
        (config.first_channel, config.last_channel) = (Channel(u32::MAX - 1), Channel(u32::MAX));
        let mut desk = desk_with(config);
        assert_eq!(desk.allocate(), u32::MAX - 1);
        let init = init_packet(u32::MAX, INIT, 8, &[1; 8]);
        assert_eq!(desk.feed(&init), error(u32::MAX, BUSY));
    }

    #[test]
    fn packets_on_channels_that_there_are_not_are_refused() {
        let mut desk = desk();
        for channel in [0, 3, 0x6374_6170, u32::MAX - 1] {
            for packet in [
                init_packet(channel, INIT, 8, &[1; 8]),
                init_packet(channel, CBOR, 1, &[4]),
                init_packet(channel, PING, 0, &[]),
                init_packet(channel, 0x95, 0, &[]),
                continuation(channel, 0, &[1]),
            ] {
                assert_eq!(desk.feed(&packet), error(channel, INVALID_CHANNEL));
            }
        }
    }

    #[test]
    fn on_the_broadcast_channel_there_is_nothing_but_init() {
        let mut desk = desk();
        for packet in [
            init_packet(u32::MAX, PING, 0, &[]),
            init_packet(u32::MAX, CBOR, 1, &[4]),
            init_packet(u32::MAX, CANCEL, 0, &[]),
            continuation(u32::MAX, 0, &[]),
        ] {
            assert_eq!(desk.feed(&packet), error(u32::MAX, INVALID_CHANNEL));
        }
        for length in [0, 7, 9, 57, 7609] {
            let packet = init_packet(u32::MAX, INIT, length, &[1; 8]);
            assert_eq!(desk.feed(&packet), error(u32::MAX, INVALID_LEN));
        }
    }

    #[test]
    fn a_power_cycle_forgets_channels_and_does_not_give_them_to_others() {
        let mut desk = desk();
        desk.feed(&init_packet(1, LOCK, 1, &[10]));
        desk.device.handle_power_cycle();
        assert_eq!(desk.drain(), []);
        assert_eq!(desk.feed(&init_packet(1, PING, 0, &[])), error(1, INVALID_CHANNEL));
        assert_eq!(desk.allocate(), 3);
        assert_eq!(desk.feed(&init_packet(1, PING, 0, &[])), error(1, INVALID_CHANNEL));
    }
}

mod messages {
    use super::*;

    #[test]
    fn a_message_of_every_length_is_put_together_and_taken_apart() {
        let mut desk = desk();
        for length in [0, 1, 56, 57, 58, 115, 116, 117, 1024, 7608, MAX_MESSAGE] {
            let message: Vec<u8> = (0..length).map(|place| place as u8).collect();
            let mut echo = Vec::new();
            for packet in packets(1, PING, &message) {
                desk.device.handle_packet(&packet, desk.now);
                while let Some(output) = desk.device.poll_output() {
                    let DeviceOutput::Send(report) = output else { panic!("{output:?}") };
                    echo.push(report);
                }
            }
            assert_eq!(echo, packets(1, PING, &message), "{length}");
        }
    }

    #[test]
    fn a_request_is_handed_over_whole_and_its_response_sent() {
        let mut desk = desk();
        let request: Vec<u8> = (0..200).collect();
        let seen = desk.feed_all(&packets(1, CBOR, &request));
        assert_eq!(seen, [Seen::Cbor(1, request)]);
        assert_eq!(desk.respond(1, &[0, 1, 2]), [Seen::Answer(1, CBOR, vec![0, 1, 2])]);
        assert_eq!(desk.respond(1, &[0, 1, 2]), [], "a second response goes nowhere");
    }

    #[test]
    fn an_apdu_is_handed_over_where_the_device_speaks_u2f() {
        let mut desk = desk();
        let apdu = [0, 3, 0, 0];
        assert_eq!(desk.feed(&init_packet(1, MSG, 4, &apdu)), [Seen::Msg(1, apdu.to_vec())]);
        assert_eq!(desk.pass(1000), [], "U2F has no keepalives");
        assert_eq!(desk.respond(1, &[0x90, 0]), [Seen::Answer(1, MSG, vec![0x90, 0])]);

        let mut desk = desk_with(DeviceConfig::default());
        let channel = desk.allocate();
        assert_eq!(desk.feed(&init_packet(channel, MSG, 4, &apdu)), error(channel, INVALID_CMD));
    }

    #[test]
    fn lengths_that_a_command_does_not_have_are_refused_with_the_first_packet() {
        for (command, length) in [
            (PING, 7610),
            (PING, u16::MAX),
            (CBOR, 0),
            (CBOR, 7610),
            (MSG, 0),
            (WINK, 1),
            (LOCK, 0),
            (LOCK, 2),
            (INIT, 7),
            (INIT, 9),
        ] {
            let mut desk = desk();
            let packet = init_packet(1, command, length, &[0; 9]);
            assert_eq!(desk.feed(&packet), error(1, INVALID_LEN), "{command:02x} {length}");
            assert_eq!(desk.device.busy(), None);
        }
    }

    #[test]
    fn commands_that_there_are_not_are_refused() {
        let mut desk = desk();
        for command in 0x80..=u8::MAX {
            if [PING, MSG, LOCK, INIT, WINK, CBOR, CANCEL].contains(&command) {
                continue;
            }
            assert_eq!(desk.feed(&init_packet(1, command, 9999, &[])), error(1, INVALID_CMD));
        }
        let mut config = DeviceConfig::default();
        config.capabilities = Capabilities::NMSG;
        let mut bare = desk_with(config);
        let channel = bare.allocate();
        for command in [WINK, CBOR, MSG] {
            let packet = init_packet(channel, command, 1, &[4]);
            assert_eq!(bare.feed(&packet), error(channel, INVALID_CMD));
        }
    }

    #[test]
    fn a_wrong_sequence_number_ends_the_message() {
        for wrong in [1, 2, 0x7f] {
            let mut desk = desk();
            desk.feed(&init_packet(1, PING, 200, &[7; 57]));
            assert_eq!(desk.feed(&continuation(1, wrong, &[7; 59])), error(1, INVALID_SEQ));
            assert_eq!(desk.feed(&continuation(1, 0, &[7; 59])), [], "what follows is stray");
        }
        let mut desk = desk();
        desk.feed(&init_packet(1, PING, 200, &[7; 57]));
        desk.feed(&continuation(1, 0, &[7; 59]));
        assert_eq!(desk.feed(&continuation(1, 0, &[7; 59])), error(1, INVALID_SEQ), "a repetition");
    }

    #[test]
    fn stray_continuations_are_ignored() {
        let mut desk = desk();
        assert_eq!(desk.feed(&continuation(1, 0, &[1; 59])), []);
        desk.start(1);
        assert_eq!(desk.feed(&continuation(1, 0, &[1; 59])), []);
        assert_eq!(desk.feed(&continuation(2, 5, &[1; 59])), []);
        assert_eq!(desk.respond(1, &[0]), [Seen::Answer(1, CBOR, vec![0])]);
    }

    #[test]
    fn another_message_in_the_middle_of_one_is_out_of_order() {
        let mut desk = desk();
        desk.feed(&init_packet(1, PING, 200, &[7; 57]));
        assert_eq!(desk.feed(&init_packet(1, CBOR, 1, &[4])), error(1, INVALID_SEQ));
        assert_eq!(desk.device.busy(), None);
        desk.start(1);
    }

    #[test]
    fn init_in_the_middle_of_a_message_is_a_fresh_start() {
        let mut desk = desk();
        desk.feed(&init_packet(1, PING, 200, &[7; 57]));
        let seen = desk.feed(&init_packet(1, INIT, 8, &[3; 8]));
        let [Seen::Answer(1, INIT, payload)] = &seen[..] else { panic!("{seen:?}") };
        assert_eq!(InitResponse::decode(payload).unwrap().channel, Channel(1));
        assert_eq!(desk.feed(&continuation(1, 0, &[7; 59])), []);
        desk.start(1);
    }

    #[test]
    fn a_message_that_does_not_go_on_is_given_up_by_the_clock() {
        let mut desk = desk();
        desk.feed(&init_packet(1, PING, 200, &[7; 57]));
        assert_eq!(desk.device.poll_timeout(), Some(desk.now + Duration::from_millis(500)));
        assert_eq!(desk.pass(499), []);
        assert_eq!(desk.feed(&continuation(1, 0, &[7; 59])), []);
        assert_eq!(desk.pass(499), [], "every packet gives it more time");
        assert_eq!(desk.pass(1), error(1, TIMEOUT));
        assert_eq!(desk.device.poll_timeout(), None);
        assert_eq!(desk.pass(10_000), []);
    }

    #[test]
    fn a_packet_that_comes_too_late_does_not_save_its_message() {
        let mut desk = desk();
        desk.feed(&init_packet(1, PING, 100, &[7; 57]));
        desk.now += Duration::from_millis(501);
        assert_eq!(desk.feed(&continuation(1, 0, &[7; 59])), error(1, TIMEOUT));
    }

    #[test]
    fn a_response_that_no_message_can_hold_is_an_error() {
        let mut desk = desk();
        desk.start(1);
        assert_eq!(desk.respond(1, &[0; MAX_MESSAGE + 1]), error(1, 0x7f));
        desk.start(1);
    }

    #[test]
    fn a_wink_is_answered_and_shown() {
        let mut desk = desk();
        assert_eq!(
            desk.feed(&init_packet(1, WINK, 0, &[])),
            [Seen::Answer(1, WINK, vec![]), Seen::Wink(1)]
        );
    }
}

mod busy {
    use super::*;

    #[test]
    fn other_channels_are_told_so_while_a_request_runs() {
        let mut desk = desk();
        desk.start(1);
        for command in [PING, CBOR, MSG] {
            assert_eq!(desk.feed(&init_packet(2, command, 1, &[4])), error(2, BUSY));
        }
        assert_eq!(desk.feed(&init_packet(2, WINK, 0, &[])), error(2, BUSY));
        assert_eq!(desk.feed(&init_packet(2, LOCK, 1, &[1])), error(2, BUSY));
        assert_eq!(desk.respond(1, &[0]), [Seen::Answer(1, CBOR, vec![0])]);
        desk.start(2);
    }

    #[test]
    fn other_channels_are_told_so_while_a_message_comes_in() {
        let mut desk = desk();
        desk.feed(&init_packet(1, PING, 100, &[7; 57]));
        assert_eq!(desk.feed(&init_packet(2, CBOR, 1, &[4])), error(2, BUSY));
        assert_eq!(desk.feed(&continuation(2, 0, &[7; 59])), []);
        assert_eq!(desk.device.busy(), Some(Channel(1)));
    }

    #[test]
    fn the_own_channel_is_told_so_too() {
        let mut desk = desk();
        desk.start(1);
        assert_eq!(desk.feed(&init_packet(1, CBOR, 1, &[4])), error(1, BUSY));
        assert_eq!(desk.feed(&init_packet(1, PING, 0, &[])), error(1, BUSY));
        assert_eq!(desk.respond(1, &[0]), [Seen::Answer(1, CBOR, vec![0])]);
    }

    #[test]
    fn others_may_have_a_channel_or_a_fresh_start_meanwhile() {
        let mut desk = desk();
        desk.start(1);
        assert_eq!(desk.allocate(), 3);
        assert!(matches!(
            desk.feed(&init_packet(2, INIT, 8, &[1; 8]))[..],
            [Seen::Answer(2, INIT, _)]
        ));
        assert_eq!(desk.respond(1, &[0]), [Seen::Answer(1, CBOR, vec![0])]);
    }

    #[test]
    fn while_an_answer_goes_out_nothing_new_begins() {
        let mut desk = desk();
        desk.start(1);
        desk.device.handle_response(Channel(1), &[0; 500], desk.now);
        assert!(matches!(desk.device.poll_output(), Some(DeviceOutput::Send(_))));
        desk.device.handle_packet(&init_packet(2, CBOR, 1, &[4]), desk.now);
        let Some(DeviceOutput::Send(report)) = desk.device.poll_output() else { panic!() };
        assert_eq!(report, init_packet(2, ERROR, 1, &[BUSY]));
        let mut rest = 0;
        while let Some(output) = desk.device.poll_output() {
            let DeviceOutput::Send(report) = output else { panic!("{output:?}") };
            assert_eq!((report[3], usize::from(report[4])), (1, rest));
            rest += 1;
        }
        assert_eq!(rest, 8);
    }
}

mod lock {
    use super::*;

    #[test]
    fn a_lock_keeps_others_out_until_it_is_over() {
        let mut desk = desk();
        let ping = |channel| init_packet(channel, PING, 0, &[]);
        assert_eq!(desk.feed(&init_packet(1, LOCK, 1, &[2])), [Seen::Answer(1, LOCK, vec![])]);
        assert_eq!(desk.feed(&ping(2)), error(2, BUSY));
        assert_eq!(desk.feed(&init_packet(2, LOCK, 1, &[0])), error(2, BUSY));
        assert_eq!(desk.feed(&init_packet(2, INIT, 8, &[1; 8])), error(2, BUSY));
        assert_eq!(desk.feed(&init_packet(u32::MAX, INIT, 8, &[1; 8])), error(u32::MAX, BUSY));
        assert_eq!(desk.feed(&ping(1)), [Seen::Answer(1, PING, vec![])]);
        desk.pass(1999);
        assert_eq!(desk.feed(&ping(2)), error(2, BUSY));
        desk.pass(1);
        assert_eq!(desk.feed(&ping(2)), [Seen::Answer(2, PING, vec![])]);
    }

    #[test]
    fn the_owner_can_take_the_lock_away() {
        let mut desk = desk();
        desk.feed(&init_packet(1, LOCK, 1, &[10]));
        assert_eq!(desk.feed(&init_packet(1, LOCK, 1, &[0])), [Seen::Answer(1, LOCK, vec![])]);
        desk.start(2);
    }

    #[test]
    fn a_lock_of_more_than_ten_seconds_is_refused() {
        let mut desk = desk();
        for seconds in [11, 255] {
            assert_eq!(desk.feed(&init_packet(1, LOCK, 1, &[seconds])), error(1, INVALID_PAR));
        }
        desk.start(2);
    }
}

mod waiting {
    use super::*;

    const PROCESSING: KeepaliveStatus = KeepaliveStatus::Processing;
    const UP_NEEDED: KeepaliveStatus = KeepaliveStatus::UpNeeded;

    #[test]
    fn a_running_request_keeps_alive_by_itself() {
        let mut desk = desk();
        desk.start(1);
        assert_eq!(desk.pass(89), []);
        for _ in 0..10 {
            assert_eq!(desk.pass(1), [Seen::Answer(1, KEEPALIVE, vec![1])]);
            assert_eq!(desk.pass(89), []);
        }
        assert_eq!(desk.respond(1, &[0]), [Seen::Answer(1, CBOR, vec![0])]);
        assert_eq!(desk.pass(1000), []);
        assert_eq!(desk.device.poll_timeout(), None);
    }

    #[test]
    fn a_change_is_told_at_once_and_the_same_again_is_not() {
        let mut desk = desk();
        desk.start(1);
        assert_eq!(desk.keepalive(1, PROCESSING), []);
        assert_eq!(desk.keepalive(1, UP_NEEDED), [Seen::Answer(1, KEEPALIVE, vec![2])]);
        assert_eq!(desk.keepalive(1, UP_NEEDED), []);
        assert_eq!(desk.pass(90), [Seen::Answer(1, KEEPALIVE, vec![2])]);
        assert_eq!(desk.keepalive(2, PROCESSING), [], "not of this request");
        assert_eq!(desk.keepalive(1, PROCESSING), [Seen::Answer(1, KEEPALIVE, vec![1])]);
    }

    #[test]
    fn no_keepalive_without_a_request() {
        let mut desk = desk();
        assert_eq!(desk.keepalive(1, UP_NEEDED), []);
        desk.feed(&init_packet(1, PING, 100, &[7; 57]));
        assert_eq!(desk.keepalive(1, UP_NEEDED), []);
    }

    #[test]
    fn a_cancel_is_passed_on_once_and_has_no_answer_of_its_own() {
        let mut desk = desk();
        desk.start(1);
        let cancel = init_packet(1, CANCEL, 0, &[]);
        assert_eq!(desk.feed(&cancel), [Seen::Cancel(1)]);
        assert_eq!(desk.feed(&cancel), []);
        assert_eq!(desk.respond(1, &[0x2d]), [Seen::Answer(1, CBOR, vec![0x2d])]);
        assert_eq!(desk.feed(&cancel), []);
        assert_eq!(desk.respond(1, &[0]), [], "no later answer");
    }

    #[test]
    fn a_cancel_of_nothing_or_of_another_channel_is_ignored() {
        let mut desk = desk();
        assert_eq!(desk.feed(&init_packet(1, CANCEL, 0, &[])), []);
        desk.start(1);
        assert_eq!(desk.feed(&init_packet(2, CANCEL, 0, &[])), []);
        assert_eq!(desk.respond(1, &[0]), [Seen::Answer(1, CBOR, vec![0])]);
        assert_eq!(
            desk.feed(&init_packet(1, MSG, 4, &[0, 3, 0, 0])),
            [Seen::Msg(1, vec![0, 3, 0, 0])]
        );
        assert_eq!(desk.feed(&init_packet(1, CANCEL, 0, &[])), [], "only CTAP2 can be cancelled");
    }

    #[test]
    fn init_gives_a_request_up_and_its_late_response_goes_nowhere() {
        let mut desk = desk();
        desk.start(1);
        let seen = desk.feed(&init_packet(1, INIT, 8, &[3; 8]));
        assert!(matches!(seen[..], [Seen::Answer(1, INIT, _), Seen::Cancel(1)]), "{seen:?}");
        assert_eq!(desk.pass(1000), [], "no keepalive any more");
        assert_eq!(
            desk.feed(&init_packet(1, CBOR, 1, &[4])),
            error(1, BUSY),
            "until the authenticator has let go of it"
        );
        assert_eq!(desk.respond(1, &[0x2d]), []);
        desk.start(1);
        assert_eq!(desk.respond(1, &[0]), [Seen::Answer(1, CBOR, vec![0])]);
    }

    #[test]
    fn a_power_cycle_gives_a_request_up() {
        let mut desk = desk();
        desk.start(1);
        desk.device.handle_power_cycle();
        assert_eq!(desk.drain(), [Seen::Cancel(1)]);
        assert_eq!(desk.respond(1, &[0x2d]), []);
        let channel = desk.allocate();
        desk.start(channel);
    }

    #[test]
    fn a_request_that_nobody_has_seen_is_not_cancelled_but_forgotten() {
        let mut desk = desk();
        desk.device.handle_packet(&init_packet(1, CBOR, 1, &[4]), desk.now);
        desk.device.handle_packet(&init_packet(1, CANCEL, 0, &[]), desk.now);
        desk.device.handle_packet(&init_packet(1, INIT, 8, &[3; 8]), desk.now);
        assert!(matches!(desk.drain()[..], [Seen::Answer(1, INIT, _)]));
        desk.start(1);
    }
}

/// A host, a device and what passes between them.
struct Pair {
    host: Host,
    device: Device,
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
        let device = Device::new(DeviceConfig::default());
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
                    DeviceOutput::Send(report) => self.host.handle_packet(&report, self.now),
                    DeviceOutput::Cbor { channel, request } => {
                        if let Some(response) = authenticator(channel.0, request) {
                            self.device.handle_response(channel, &response, self.now);
                        }
                    }
                    DeviceOutput::Cancel { channel } => {
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

mod host {
    use super::*;

    #[test]
    fn a_request_and_its_answer_pass_between_host_and_device() {
        let mut pair = Pair::opened();
        let request: Vec<u8> = (0..1000).map(|place| place as u8).collect();
        pair.host.send_cbor(&request, pair.now).unwrap();
        let heard = pair.pump(|_, seen| Some([&[0], seen].concat()));
        assert_eq!(heard, [Heard::Message(HidCommand::Cbor, [&[0], &request[..]].concat())]);
    }

    #[test]
    fn a_host_hears_keepalives_and_can_cancel() {
        let mut pair = Pair::opened();
        pair.host.send_cbor(&[0x0b], pair.now).unwrap();
        assert_eq!(pair.pump(|_, _| None), []);
        pair.device.handle_keepalive(Channel(1), KeepaliveStatus::UpNeeded, pair.now);
        assert_eq!(pair.pump(|_, _| None), [Heard::Keepalive(KeepaliveStatus::UpNeeded)]);
        pair.host.cancel();
        assert_eq!(pair.pump(|_, _| None), [Heard::Message(HidCommand::Cbor, vec![0x2d])]);
        pair.host.cancel();
        assert_eq!(pair.pump(|_, _| None), []);
    }

    #[test]
    fn a_cancel_leaves_after_the_request() {
        let mut pair = Pair::opened();
        pair.host.send_cbor(&[1; 300], pair.now).unwrap();
        pair.host.cancel();
        assert_eq!(pair.pump(|_, _| None), [Heard::Message(HidCommand::Cbor, vec![0x2d])]);
    }

    #[test]
    fn what_can_not_be_sent_is_said_at_once() {
        let mut pair = Pair::new();
        assert_eq!(pair.host.send_cbor(&[4], pair.now), Err(SendError::NotOpen));
        let mut pair = Pair::opened();
        let long = vec![0; MAX_MESSAGE + 1];
        let refusal = pair.host.send(HidCommand::Ping, &long, pair.now);
        assert_eq!(refusal, Err(SendError::TooLong(MAX_MESSAGE + 1)));
        pair.host.send_cbor(&[4], pair.now).unwrap();
        assert_eq!(pair.host.send_cbor(&[4], pair.now), Err(SendError::Busy));
    }

    #[test]
    fn errors_of_the_device_are_told() {
        let mut pair = Pair::opened();
        pair.host.send(HidCommand::Other(0x55), &[], pair.now).unwrap();
        let failure = HostFailure::Device(HidError::InvalidCommand);
        assert_eq!(pair.pump(|_, _| None), [Heard::Failed(failure)]);
        pair.device.handle_power_cycle();
        pair.host.send_cbor(&[4], pair.now).unwrap();
        let failure = HostFailure::Device(HidError::InvalidChannel);
        assert_eq!(pair.pump(|_, _| None), [Heard::Failed(failure)]);
    }

    #[test]
    fn a_device_that_is_silent_is_given_up() {
        let mut pair = Pair::opened();
        pair.host.send_cbor(&[4], pair.now).unwrap();
        pair.pump(|_, _| None);
        let deadline = pair.host.poll_timeout().unwrap();
        assert_eq!(deadline, pair.now + Duration::from_secs(3));
        pair.host.handle_timeout(deadline - Duration::from_millis(1));
        assert_eq!(pair.host.poll_output(), None);
        pair.host.handle_timeout(deadline);
        assert_eq!(pair.host.poll_output(), Some(HostOutput::Failed(HostFailure::TimedOut)));
        assert_eq!(pair.host.poll_timeout(), None);
    }

    #[test]
    fn the_answer_to_another_hosts_init_is_not_taken() {
        let mut pair = Pair::new();
        pair.host.open([1; 8], pair.now);
        let answer = |nonce, channel: u8| {
            let payload = [&[nonce; 8][..], &[0, 0, 0, channel, 2, 0, 0, 0, 4]].concat();
            init_packet(u32::MAX, INIT, 17, &payload)
        };
        pair.host.handle_packet(&answer(2, 9), pair.now);
        assert_eq!(pair.host.channel(), None);
        pair.host.handle_packet(&init_packet(u32::MAX, INIT, 3, &[1; 8]), pair.now);
        assert_eq!(pair.host.channel(), None);
        pair.host.handle_packet(&answer(1, 7), pair.now);
        assert_eq!(pair.host.channel(), Some(Channel(7)));
    }

    #[test]
    fn packets_that_do_not_follow_one_another_fail_the_request() {
        for bad in [
            continuation(1, 1, &[0; 59]),
            init_packet(1, CBOR, 5, &[0; 5]),
            init_packet(1, PING, 1, &[0]),
        ] {
            let mut pair = Pair::opened();
            pair.host.send_cbor(&[4], pair.now).unwrap();
            pair.pump(|_, _| None);
            pair.host.handle_packet(&init_packet(1, CBOR, 200, &[0; 57]), pair.now);
            pair.host.handle_packet(&bad, pair.now);
            let expected = HostOutput::Failed(HostFailure::Misbehaved);
            assert_eq!(pair.host.poll_output(), Some(expected));
        }
    }

    #[test]
    fn packets_of_other_channels_and_left_over_ones_are_ignored() {
        let mut pair = Pair::opened();
        pair.host.handle_packet(&init_packet(1, CBOR, 1, &[0]), pair.now);
        assert_eq!(pair.host.poll_output(), None);
        pair.host.send_cbor(&[4], pair.now).unwrap();
        assert!(matches!(pair.host.poll_output(), Some(HostOutput::Send(_))));
        pair.host.handle_packet(&init_packet(2, CBOR, 1, &[0]), pair.now);
        pair.host.handle_packet(&continuation(1, 3, &[]), pair.now);
        assert_eq!(pair.host.poll_output(), None);
        pair.host.handle_packet(&init_packet(1, CBOR, 1, &[0]), pair.now);
        let answer = HostOutput::Message { command: HidCommand::Cbor, message: &[0] };
        assert_eq!(pair.host.poll_output(), Some(answer));
    }

    #[test]
    fn after_an_abort_a_fresh_start_is_possible() {
        let mut pair = Pair::opened();
        pair.host.send_cbor(&[4], pair.now).unwrap();
        pair.pump(|_, _| None);
        pair.host.abort();
        assert_eq!(pair.host.poll_timeout(), None);
        pair.host.open([2; 8], pair.now);
        assert_eq!(pair.pump(|_, _| None), [Heard::Opened(1)]);
        pair.host.send_cbor(&[4], pair.now).unwrap();
        let heard = pair.pump(|_, _| Some(vec![0]));
        assert_eq!(heard, [Heard::Message(HidCommand::Cbor, vec![0])]);
    }
}

mod names {
    use super::*;

    #[test]
    fn every_byte_of_commands_errors_and_statuses_survives_the_round_trip() {
        for byte in 0..=u8::MAX {
            assert_eq!(HidCommand::from_u8(byte).to_u8(), byte & 0x7f);
            assert_eq!(HidError::from_u8(byte).to_u8(), byte);
            assert_eq!(KeepaliveStatus::from_u8(byte).to_u8(), byte);
        }
    }

    #[test]
    fn a_report_is_an_initialization_or_a_continuation_by_its_top_bit() {
        let report = init_packet(0x0102_0304, CBOR, 300, &[7; 57]);
        let packet = Packet::read(&report);
        assert_eq!(packet.channel, Channel(0x0102_0304));
        let expected =
            Payload::Initialization { command: HidCommand::Cbor, length: 300, data: &[7; 57] };
        assert_eq!(packet.payload, expected);
        let report = continuation(5, 0x7f, &[8; 59]);
        let expected = Payload::Continuation { sequence: 0x7f, data: &[8; 59] };
        assert_eq!(Packet::read(&report), Packet { channel: Channel(5), payload: expected });
    }

    #[test]
    fn an_init_response_that_is_too_short_is_none() {
        let bytes = [1; 18];
        for length in 0..17 {
            assert_eq!(InitResponse::decode(&bytes[..length]), None);
        }
        let response = InitResponse::decode(&bytes).unwrap();
        assert_eq!(response.encode(), bytes[..17]);
        assert!(response.capabilities.contains(Capabilities::WINK));
        assert!(!response.capabilities.contains(Capabilities::CBOR));
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
        let mut config = DeviceConfig::default();
        config.capabilities = Capabilities::CBOR.with(Capabilities::WINK);
        let mut device = Device::new(config);
        let mut now = Instant::now();
        let mut open: Option<Channel> = None;
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
                    if open == Some(Channel(channel)) {
                        open = None;
                        device.handle_response(Channel(channel), &vec![0; length], now);
                    }
                }
                Step::Keepalive(channel, status) => {
                    let status = KeepaliveStatus::from_u8(status);
                    device.handle_keepalive(Channel(channel), status, now);
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
                    DeviceOutput::Cbor { channel, request }
                    | DeviceOutput::Msg { channel, request } => {
                        prop_assert!(!request.is_empty() && request.len() <= MAX_MESSAGE);
                        prop_assert_eq!(open.replace(channel), None);
                        prop_assert!(![0, u32::MAX].contains(&channel.0));
                    }
                    DeviceOutput::Cancel { channel } => prop_assert_eq!(open, Some(channel)),
                    DeviceOutput::Send(_) | DeviceOutput::Wink { .. } => {}
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
