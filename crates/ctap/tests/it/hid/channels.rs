//! Who gets a channel, and what happens on those that there are not.

use super::*;

#[test]
fn every_host_gets_a_channel_of_its_own() {
    let mut desk = desk_with(HidDeviceConfig::default());
    let channels: Vec<u32> = (0..100).map(|_| desk.allocate()).collect();
    let mut unique = channels.clone();
    unique.sort_unstable();
    unique.dedup();
    assert_eq!(unique.len(), 100);
    assert!(channels.iter().all(|channel| ![0, u32::MAX].contains(channel)));
}

#[test]
fn an_answer_to_init_tells_version_and_capabilities() {
    let mut config = HidDeviceConfig::default();
    config.version = [1, 2, 3];
    let mut desk = desk_with(config);
    let seen = desk.feed(&init_packet(u32::MAX, INIT, 8, &[9; 8]));
    let payload = [&[9; 8][..], &[0, 0, 0, 1, 2, 1, 2, 3, 0x0d]].concat();
    assert_eq!(seen, [Seen::Answer(u32::MAX, INIT, payload)]);
}

#[test]
fn without_channels_left_there_is_none_until_a_power_cycle() {
    let mut config = HidDeviceConfig::default();
    (config.first_channel, config.last_channel) = (HidChannel(5), HidChannel(8));
    config.never = Some(HidChannel(7));
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
    let mut config = HidDeviceConfig::default();
    (config.first_channel, config.last_channel) = (HidChannel(u32::MAX - 1), HidChannel(u32::MAX));
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
