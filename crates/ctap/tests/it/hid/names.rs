//! Numbers and their names.

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
    assert_eq!(packet.channel, HidChannel(0x0102_0304));
    let expected =
        Payload::Initialization { command: HidCommand::Cbor, length: 300, data: &[7; 57] };
    assert_eq!(packet.payload, expected);
    let report = continuation(5, 0x7f, &[8; 59]);
    let expected = Payload::Continuation { sequence: 0x7f, data: &[8; 59] };
    assert_eq!(Packet::read(&report), Packet { channel: HidChannel(5), payload: expected });
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
