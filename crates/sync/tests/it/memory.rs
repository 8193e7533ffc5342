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

/// What a circle gave out.
#[derive(Debug, Default)]
struct Given {
    /// To the store of the circle, in bytes.
    put: usize,
    /// To be kept on the device, keys included.
    kept: usize,
    rows: usize,
}

/// Answers with a store that has nothing and keeps nothing.
fn drain(circle: &mut Circle) -> Given {
    let mut given = Given::default();
    while let Some(output) = circle.poll_output() {
        match output {
            SyncOutput::Save { token } => {
                for row in circle.unsaved() {
                    given.rows += 1;
                    given.kept += row.key.len() + row.value.map_or(0, |value| value.len());
                }
                circle.handle_saved(token);
            }
            SyncOutput::Put { token, bytes, .. } => {
                given.put += bytes.len();
                circle.handle_stored(token, now());
            }
            _ => {}
        }
    }
    given
}

/// At rest, while all of them are written in one snapshot, and while a device joins with all of
/// them.
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
    let mut given = Given::default();
    let written = measure(|| given = drain(&mut first));
    assert!(given.put > 15 << 20 && given.kept > 30 << 20, "all are in the store: {given:?}");
    let at_rest = made.bytes_current + written.bytes_current;
    let writing = i64::try_from(written.bytes_max).unwrap() + made.bytes_current;
    // One more, and what is kept then.
    let one_more = |circle: &mut Circle, number| {
        let (record, fixed, names) = contents(number);
        circle.make(record, &fixed, &names, now()).unwrap();
        drain(circle)
    };
    one_more(&mut first, MANY);
    let mut of_one = Given::default();
    let kept = measure(|| of_one = one_more(&mut first, MANY + 1));
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
    println!("one more: {of_one:?}");
    assert!(at_rest <= 32 * MIB, "at rest: {at_rest} bytes");
    assert!(keeping <= at_rest + MIB, "while a change is kept: {keeping} bytes");
    assert!(joining <= 64 * MIB, "while it joins: {joining} bytes");
    assert!(writing <= 64 * MIB, "while all is written: {writing} bytes");
    // Its own row twice over, what is to be sent, and two heads.
    assert!(of_one.kept <= 8 << 10 && of_one.rows <= 16, "for one change: {of_one:?}");
}
