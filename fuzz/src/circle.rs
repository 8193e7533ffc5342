//! The circle that the target `sync` attacks, on the fake provider: every signature is good and
//! nothing is encrypted, so that all devices have the same keys and each of them is the same one.

use std::{
    collections::BTreeMap,
    sync::LazyLock,
    time::{Duration, Instant},
};

use towline_crypto_test::fake;
use towline_sync::{
    Circle, CircleConfig, DeviceKeys, MemberKind, Moment, ObjectHash, StoreName, SyncOutput,
};
use zeroize::Zeroizing;

/// The objects of a store, without any faults.
pub type Objects = BTreeMap<StoreName, Vec<u8>>;

/// A moment that is so many minutes after the first one.
pub fn moment(minutes: u32) -> Moment {
    static BEGUN: LazyLock<Instant> = LazyLock::new(Instant::now);
    let passed = Duration::from_secs(60) * minutes;
    Moment { instant: *BEGUN + passed, wall_clock: 1_790_000_000_000 + u64::from(minutes) }
}

/// The keys that everybody has.
pub fn keys() -> DeviceKeys {
    DeviceKeys::generate(&fake::provider(1)).expect("the fake provider makes keys")
}

/// The circle, what is in its store when it has begun, and what is kept of it.
pub fn begin() -> (Circle, Objects, Rows) {
    let keys = keys();
    let introduced = keys.introduce(None, keys.id(), MemberKind::Device).expect("it signs");
    let config = CircleConfig { patience: Duration::ZERO, ..CircleConfig::default() };
    let mut circle = Circle::begin(fake::provider(1), config, keys, introduced, moment(0))
        .expect("it is signed");
    let (mut objects, mut kept) = (Objects::new(), Rows::new());
    drain(&mut circle, &mut objects, &mut kept, moment(0));
    (circle, objects, kept)
}

/// What is kept of a circle, by the keys of the rows.
pub type Rows = BTreeMap<Vec<u8>, Zeroizing<Vec<u8>>>;

/// Does what the circle asks until it asks for nothing more, and keeps what it wants to be kept.
pub fn drain(circle: &mut Circle, objects: &mut Objects, kept: &mut Rows, now: Moment) {
    for _ in 0..10_000 {
        let Some(output) = circle.poll_output() else { return };
        match output {
            SyncOutput::List { token } => {
                let names: Vec<_> = objects.keys().map(ToString::to_string).collect();
                circle.handle_listing(token, names.iter().map(String::as_str), now);
            }
            SyncOutput::Get { token, name } => {
                circle.handle_object(token, objects.get(&name).cloned(), now);
            }
            SyncOutput::Put { token, name, bytes } => {
                assert_eq!(ObjectHash::of(&fake::provider(1), &bytes), name.hash());
                objects.insert(name, bytes.to_vec());
                circle.handle_stored(token, now);
            }
            SyncOutput::Delete { token, name } => {
                objects.remove(&name);
                circle.handle_stored(token, now);
            }
            SyncOutput::Save { token } => {
                for row in circle.unsaved() {
                    match row.value {
                        Some(value) => kept.insert(row.key, value),
                        None => kept.remove(&row.key),
                    };
                }
                circle.handle_saved(token);
            }
            SyncOutput::Changed(_) | SyncOutput::Notice(_) => {}
        }
    }
    panic!("it asks for ever");
}

/// The byte that stands for a kind of object in the inputs of the target.
pub fn kind(name: &StoreName) -> u8 {
    match name {
        StoreName::Membership(_) => 0,
        StoreName::Epoch(_) => 1,
        StoreName::Wrap(_) => 2,
        StoreName::Segment(..) => 3,
        StoreName::Head(..) => 4,
    }
}
