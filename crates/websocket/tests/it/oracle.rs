//! Whatever a client sends, and however it is cut: what is passed on is what another implementation
//! reads.

use proptest::prelude::*;
use tokio_tungstenite::tungstenite::protocol::Role;

use crate::harness::{ours, tungstenite};

/// Frames as clients send them, and sometimes as they must not.
fn frames() -> impl Strategy<Value = Vec<u8>> {
    let first = prop_oneof![
        8 => Just(0x82_u8),
        4 => Just(0x02),
        4 => Just(0x00),
        4 => Just(0x80),
        2 => Just(0x89),
        1 => Just(0x8a),
        1 => Just(0x88),
        1 => any::<u8>(),
    ];
    let length = prop_oneof![6 => 0..200_usize, 2 => 200..1500_usize, 1 => 4000..4200_usize];
    let frame =
        (first, length, any::<[u8; 4]>(), any::<u8>()).prop_map(|(first, length, mask, fill)| {
            let length = if first & 0x08 != 0 { length % 126 } else { length };
            let mut frame = vec![first];
            match u8::try_from(length) {
                Ok(short @ 0..126) => frame.push(0x80 | short),
                _ => {
                    frame.push(0x80 | 126);
                    frame.extend(u16::try_from(length).unwrap().to_be_bytes());
                }
            }
            frame.extend(mask);
            let payload =
                (0..length).map(|place| fill.wrapping_add(u8::try_from(place % 251).unwrap()));
            let mut payload: Vec<u8> = payload.collect();
            if first == 0x88 {
                payload.truncate(0);
                frame[1] = 0x80;
            }
            frame.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
            frame
        });
    prop::collection::vec(frame, 1..12).prop_map(|frames| frames.concat())
}

proptest! {
    #[test]
    fn what_is_passed_on_is_what_was_sent(
        bytes in frames(),
        cuts in prop::collection::vec(1..600_usize, 1..5),
        buffer in 256..2000_usize,
    ) {
        let (expected, left) = tungstenite(bytes.clone(), Role::Server);
        let (sent, counted, ours_left) = ours(&bytes, &cuts, buffer);
        let (found, _) = tungstenite(sent, Role::Client);
        prop_assert_eq!(&found, &expected);
        prop_assert_eq!(counted, expected.len());
        prop_assert_eq!(ours_left, left);
    }

    #[test]
    fn garbage_never_panics_and_is_judged_the_same_however_it_is_cut(
        bytes in prop::collection::vec(any::<u8>(), 0..300),
        cuts in prop::collection::vec(1..20_usize, 1..5),
    ) {
        let [cut, whole] = [(cuts.as_slice(), 256), (&[usize::MAX], 4096)].map(|(cuts, buffer)| {
            let (sent, counted, left) = ours(&bytes, cuts, buffer);
            (tungstenite(sent, Role::Client).0, counted, left)
        });
        prop_assert_eq!(cut, whole);
    }
}

#[test]
fn the_oracle_itself_reads_what_it_should() {
    assert_eq!(tungstenite(vec![0x82, 0x01, 7], Role::Client), (vec![vec![7]], false));
}
