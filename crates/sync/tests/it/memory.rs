//! What fifty thousand passkeys take from the heap.

use std::time::Instant;

use allocation_counter::measure;
use towline_crypto::rustcrypto;
use towline_sync::{
    Circle, CircleConfig, Content, DeviceKeys, MemberKind, Moment, StoreName, SyncOutput,
};

const MANY: u32 = 50_000;
const MIB: u64 = 1 << 20;

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

/// Answers with a store that has nothing, and keeps no record; what was put there.
fn drain(circle: &mut Circle) -> Vec<(StoreName, Vec<u8>)> {
    let mut put = Vec::new();
    while let Some(output) = circle.poll_output() {
        match output {
            SyncOutput::Save { token, .. } => circle.handle_saved(token),
            SyncOutput::Put { token, name, bytes } => {
                put.push((name, bytes));
                circle.handle_stored(token, now());
            }
            SyncOutput::List { token } => circle.handle_listing(token, [], now()),
            _ => {}
        }
    }
    put
}

/// At rest in 64 MiB. What comes beside it while a record is kept, all is written, or all is read,
/// is as long as the state once or several times.
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
    let mut sent = Vec::new();
    let written = measure(|| sent = drain(&mut first));
    // Shared contents, without what was on its way.
    let at_rest = u64::try_from(made.bytes_current + written.bytes_current).unwrap()
        - sent.iter().map(|(_, bytes)| bytes.capacity() as u64).sum::<u64>();
    let kept = measure(|| {
        first.tick_off([0; 16]);
        first.look_now(now());
        drop(first.poll_output());
    });

    let keys = DeviceKeys::generate(&crypto).unwrap();
    let introduced = keys.introduce(Some(first.id()), first.device(), MemberKind::Device).unwrap();
    first.add(introduced, now()).unwrap();
    let mut welcome = first.welcome();
    let mut second = None;
    let joined = measure(|| {
        second = Some(Circle::join(crypto.clone(), config, keys, &welcome, now()).unwrap());
    });
    welcome.clear();
    println!(
        "made {} (most {}), written {} (most {}), kept most {}, joined {} (most {}); at rest {}",
        made.bytes_current / MIB as i64,
        made.bytes_max / MIB,
        written.bytes_current / MIB as i64,
        written.bytes_max / MIB,
        kept.bytes_max / MIB,
        joined.bytes_current / MIB as i64,
        joined.bytes_max / MIB,
        at_rest / MIB,
    );
    assert_eq!(second.unwrap().state().records().count(), MANY as usize);
    assert!(at_rest <= 64 * MIB, "{at_rest} bytes");
    assert!(joined.bytes_current as u64 <= 64 * MIB, "{} bytes", joined.bytes_current);
}
