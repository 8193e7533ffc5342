//! One request at a time.

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
    assert_eq!(desk.device.busy(), Some(HidChannel(1)));
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
    assert!(matches!(desk.feed(&init_packet(2, INIT, 8, &[1; 8]))[..], [Seen::Answer(2, INIT, _)]));
    assert_eq!(desk.respond(1, &[0]), [Seen::Answer(1, CBOR, vec![0])]);
}

#[test]
fn while_an_answer_goes_out_nothing_new_begins() {
    let mut desk = desk();
    desk.start(1);
    desk.device.handle_response(HidChannel(1), &[0; 500], desk.now);
    assert!(matches!(desk.device.poll_output(), Some(HidDeviceOutput::Send { .. })));
    desk.device.handle_packet(&init_packet(2, CBOR, 1, &[4]), desk.now);
    let Some(HidDeviceOutput::Send { report, .. }) = desk.device.poll_output() else { panic!() };
    assert_eq!(report, init_packet(2, ERROR, 1, &[BUSY]));
    let mut rest = 0;
    while let Some(output) = desk.device.poll_output() {
        let HidDeviceOutput::Send { report, .. } = output else { panic!("{output:?}") };
        assert_eq!((report[3], usize::from(report[4])), (1, rest));
        rest += 1;
    }
    assert_eq!(rest, 8);
}

#[test]
fn each_report_says_where_it_goes() {
    fn sent(desk: &mut Desk) -> Vec<(To, u8)> {
        let mut sent = Vec::new();
        while let Some(output) = desk.device.poll_output() {
            if let HidDeviceOutput::Send { to, report } = output {
                sent.push((to, report[4]));
            }
        }
        sent
    }
    let mut desk = desk();
    desk.start(1);
    desk.device.handle_packet(&init_packet(2, CBOR, 1, &[4]), desk.now);
    assert_eq!(sent(&mut desk), [(To::LastSender, ERROR)], "whoever is refused is told");
    desk.device.handle_keepalive(HidChannel(1), KeepaliveStatus::UpNeeded, desk.now);
    assert_eq!(sent(&mut desk), [(To::Requester, KEEPALIVE)]);
    desk.device.handle_packet(&init_packet(2, INIT, 8, &[1; 8]), desk.now);
    desk.device.handle_response(HidChannel(1), &[0; 60], desk.now);
    assert_eq!(
        sent(&mut desk),
        [(To::LastSender, INIT), (To::Requester, CBOR), (To::Requester, 0)]
    );

    // Half a message, and then nothing more.
    desk.device.handle_packet(&init_packet(1, PING, 100, &[0; 57]), desk.now);
    desk.now += Duration::from_secs(1);
    desk.device.handle_packet(&init_packet(2, PING, 1, &[7]), desk.now);
    assert_eq!(sent(&mut desk), [(To::Requester, ERROR), (To::Requester, PING)]);
}
