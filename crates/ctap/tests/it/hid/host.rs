//! The host's side, mostly with a device at the other end.

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
    pair.device.handle_keepalive(HidChannel(1), KeepaliveStatus::UpNeeded, pair.now);
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
    assert_eq!(pair.host.channel(), Some(HidChannel(7)));
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
