//! What is left of a client that is gone.

use super::*;

#[test]
fn a_request_of_nobody_is_cancelled_and_its_response_goes_nowhere() {
    let mut desk = desk();
    desk.start(1);
    desk.device.handle_gone(HidChannel(2));
    assert_eq!(desk.drain(), [], "somebody else");
    desk.device.handle_gone(HidChannel(1));
    assert_eq!(desk.drain(), [Seen::Cancel(1)]);
    assert_eq!((desk.device.busy(), desk.pass(1000)), (None, vec![]), "no keepalives either");
    desk.device.handle_gone(HidChannel(1));
    assert_eq!(desk.drain(), [], "once is enough");
    assert_eq!(desk.respond(1, &[0x2d]), []);
    desk.start(2);
    assert_eq!(desk.respond(2, &[0]), [Seen::Answer(2, CBOR, vec![0])]);
    // The channel is still somebody's.
    assert_eq!(desk.feed(&init_packet(1, PING, 0, &[])), [Seen::Answer(1, PING, vec![])]);
}

#[test]
fn half_a_message_of_nobody_is_forgotten() {
    let mut desk = desk();
    desk.feed(&init_packet(1, PING, 100, &[7; 57]));
    desk.device.handle_gone(HidChannel(1));
    assert_eq!(desk.feed(&init_packet(2, PING, 0, &[])), [Seen::Answer(2, PING, vec![])]);
    assert_eq!(desk.pass(1000), [], "and not timed out");
}

#[test]
fn a_lock_of_nobody_is_taken_off() {
    let mut desk = desk();
    desk.feed(&init_packet(1, LOCK, 1, &[10]));
    assert_eq!(desk.device.locked(), Some(HidChannel(1)));
    desk.device.handle_unlock();
    assert_eq!(desk.device.locked(), None);
    assert_eq!(desk.feed(&init_packet(2, PING, 0, &[])), [Seen::Answer(2, PING, vec![])]);
}
