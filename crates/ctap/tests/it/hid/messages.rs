//! How messages are put together, and which are refused.

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
                let HidDeviceOutput::Send { report, .. } = output else { panic!("{output:?}") };
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

    let mut desk = desk_with(HidDeviceConfig::default());
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
    let mut config = HidDeviceConfig::default();
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
    assert_eq!(InitResponse::decode(payload).unwrap().channel, HidChannel(1));
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
