//! What the library promises, through its public interface alone.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::arithmetic_side_effects,
    missing_docs
)]

mod addresses;
mod engines;
mod faults;
mod server;
mod servers;

use std::time::Instant;

use towline_crypto::{CryptoProvider, rustcrypto};
use towline_sync::{
    Circle, CircleConfig, CircleStore, Content, DeviceId, DeviceKeys, MemberKind, Moment,
    ObjectHash, StoreName, SyncNotice, SyncOutput,
};
use towline_sync_object::{RemoteConfig, RemoteError, RemoteStore};

const CIRCLE: ObjectHash = ObjectHash([7; 16]);
const NAME: StoreName = StoreName::Membership(ObjectHash([1; 16]));

fn now() -> Moment {
    Moment { instant: Instant::now(), wall_clock: 1_790_000_000_000 }
}

fn begin(crypto: &CryptoProvider) -> Circle {
    let (device, paper) =
        (DeviceKeys::generate(crypto).unwrap(), DeviceKeys::generate(crypto).unwrap());
    let introduced = paper.introduce(None, device.id(), MemberKind::Paper).unwrap();
    let config = CircleConfig::default();
    Circle::begin(crypto.clone(), config, device, introduced, now()).unwrap()
}

fn join(crypto: &CryptoProvider, sponsor: &mut Circle) -> Circle {
    let keys = DeviceKeys::generate(crypto).unwrap();
    let introduced =
        keys.introduce(Some(sponsor.id()), sponsor.device(), MemberKind::Device).unwrap();
    sponsor.add(introduced, now()).unwrap();
    let welcome = sponsor.welcome();
    Circle::join(crypto.clone(), CircleConfig::default(), keys, &welcome, now()).unwrap()
}

/// Looks at the store until there is nothing to be done: what the person is told, and what the
/// store said.
fn look(circle: &mut Circle, store: &RemoteStore) -> (Vec<SyncNotice>, Vec<RemoteError>) {
    let (mut notices, mut errors) = (Vec::new(), Vec::new());
    circle.look_now(now());
    circle.handle_timeout(now());
    for _ in 0..1000 {
        let Some(output) = circle.poll_output() else { return (notices, errors) };
        match store.answer(circle, output, now()) {
            Ok(Some(SyncOutput::Save { token, .. })) => circle.handle_saved(token),
            Ok(Some(SyncOutput::Notice(notice))) => notices.push(notice),
            Ok(_) => {}
            Err(error) => errors.push(error),
        }
    }
    panic!("it asks for ever");
}

/// A look at which nothing goes wrong.
fn sync(circle: &mut Circle, store: &RemoteStore) {
    let (notices, errors) = look(circle, store);
    assert!(notices.is_empty() && errors.is_empty(), "{notices:?} {errors:?}");
}

fn make(circle: &mut Circle, record: u8) {
    let content = Content::new(vec![record; 40]);
    circle.make([record; 16], &content, &content, now()).unwrap();
}

fn has(circle: &Circle, record: u8) -> bool {
    circle.state().fixed([record; 16]).is_some()
}

/// Two devices that see each other's passkeys through a store that each opens for itself.
fn two_devices_share(open: impl Fn(ObjectHash) -> RemoteStore) {
    let crypto = rustcrypto::provider();
    let mut first = begin(&crypto);
    let (at_first, at_second) = (open(first.id()), open(first.id()));
    make(&mut first, 1);
    sync(&mut first, &at_first);
    let mut second = join(&crypto, &mut first);
    sync(&mut first, &at_first);
    sync(&mut second, &at_second);
    for record in 2..=5 {
        let one = record % 2 == 0;
        make(if one { &mut first } else { &mut second }, record);
        sync(&mut first, &at_first);
        sync(&mut second, &at_second);
    }
    assert!(first.bury([2; 16], now()));
    for _ in 0..2 {
        sync(&mut first, &at_first);
        sync(&mut second, &at_second);
    }
    for device in [&first, &second] {
        assert!([1, 3, 4, 5].into_iter().all(|record| has(device, record)) && !has(device, 2));
        assert!(!device.is_on_this_device_only());
    }
}

/// The four verbs, each twice.
fn four_verbs(store: &RemoteStore) {
    let segment = StoreName::Segment(DeviceId([3; 16]), ObjectHash([4; 16]));
    let head = StoreName::Head(DeviceId([3; 16]), 12, ObjectHash([5; 16]));
    assert_eq!((store.list().unwrap(), store.get(NAME).unwrap()), (vec![], None));
    store.delete(NAME).unwrap();
    for name in [NAME, segment, head, NAME] {
        store.put(name, b"some bytes").unwrap();
        assert_eq!(store.get(name).unwrap().as_deref(), Some(&b"some bytes"[..]));
    }
    let mut names = store.list().unwrap();
    names.sort();
    assert_eq!(names, [head.to_string(), NAME.to_string(), segment.to_string()]);
    store.delete(NAME).unwrap();
    store.delete(NAME).unwrap();
    assert_eq!((store.list().unwrap().len(), store.get(NAME).unwrap()), (2, None));
}
