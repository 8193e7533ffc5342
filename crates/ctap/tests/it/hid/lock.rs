//! LOCK keeps others out for a while.

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
