//! What fifty thousand passkeys take from the heap.

use std::time::Instant;

use allocation_counter::measure;
use towline_crypto::rustcrypto;
use towline_sync::{Circle, CircleConfig, Content, DeviceKeys, MemberKind, Moment, SyncOutput};

const MANY: u32 = 50_000;
const MIB: i64 = 1 << 20;

fn now() -> Moment {
    Moment { instant: Instant::now(), wall_clock: 1_790_000_000_000 }
}

/// As long as those of a passkey of a usual site: ids, a key, a pair of seeds; names.
fn contents(number: u32) -> ([u8; 16], Content, Content) {
    // Spread, as hashes are.
    let spread = u128::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
    let bytes = |length| {
        let mut bytes = vec![0x55; length];
        bytes[..4].copy_from_slice(&number.to_be_bytes());
        Content::new(bytes)
    };
    (spread.to_be_bytes(), bytes(250), bytes(60))
}

/// Answers with a store that has nothing and keeps nothing; how many bytes it was given.
fn drain(circle: &mut Circle) -> usize {
    let mut length = 0;
    while let Some(output) = circle.poll_output() {
        match output {
            SyncOutput::Save { token, .. } => circle.handle_saved(token),
            SyncOutput::Put { token, bytes, .. } => {
                length += bytes.len();
                circle.handle_stored(token, now());
            }
            _ => {}
        }
    }
    length
}

/// At rest, and while a device joins with all of them. To write all of them in one snapshot takes
/// more for a moment: the object waits in the outbox, and the record that is kept has it as well.
#[test]
fn fifty_thousand_passkeys_fit_in_64_mib() {
    let crypto = rustcrypto::provider();
    let (device, paper) =
        (DeviceKeys::generate(&crypto).unwrap(), DeviceKeys::generate(&crypto).unwrap());
    let introduced = paper.introduce(None, device.id(), MemberKind::Paper).unwrap();
    let config = CircleConfig::default();
    let mut first = Circle::begin(crypto.clone(), config, device, introduced, now()).unwrap();
    drain(&mut first);
    let made = measure(|| {
        for number in 0..MANY {
            let (record, fixed, names) = contents(number);
            first.make(record, &fixed, &names, now()).unwrap();
        }
    });
    let mut length = 0;
    let written = measure(|| length = drain(&mut first));
    assert!(length > 15 << 20, "all of them are in the store: {length} bytes");
    let at_rest = made.bytes_current + written.bytes_current;
    let writing = i64::try_from(written.bytes_max).unwrap() + made.bytes_current;
    // One more, and the record that is kept then.
    let one_more = |circle: &mut Circle, number| {
        let (record, fixed, names) = contents(number);
        circle.make(record, &fixed, &names, now()).unwrap();
    };
    one_more(&mut first, MANY);
    drain(&mut first);
    let kept = measure(|| {
        one_more(&mut first, MANY + 1);
        drop(first.poll_output());
    });
    let keeping = at_rest + i64::try_from(kept.bytes_max).unwrap();

    let keys = DeviceKeys::generate(&crypto).unwrap();
    let introduced = keys.introduce(Some(first.id()), first.device(), MemberKind::Device).unwrap();
    first.add(introduced, now()).unwrap();
    let welcome = first.welcome();
    let mut second = None;
    let joined = measure(|| {
        second = Some(Circle::join(crypto.clone(), config, keys, &welcome, now()).unwrap());
    });
    assert_eq!(second.unwrap().state().records().count(), 50_002);
    let joining = i64::try_from(joined.bytes_max).unwrap();
    println!("at rest {at_rest}, keeping {keeping}, writing {writing}, joining {joining} bytes");
    assert!(at_rest <= 32 * MIB, "at rest: {at_rest} bytes");
    assert!(keeping <= 64 * MIB, "while a record is kept: {keeping} bytes");
    assert!(joining <= 64 * MIB, "while it joins: {joining} bytes");
    assert!(writing <= 96 * MIB, "while all is written: {writing} bytes");
}
