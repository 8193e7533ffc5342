//! Keepalives, cancels and fresh starts while a request runs.

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
    assert_eq!(desk.feed(&init_packet(1, MSG, 4, &[0, 3, 0, 0])), [Seen::Msg(1, vec![0, 3, 0, 0])]);
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
