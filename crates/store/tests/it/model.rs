//! Whatever is done, it answers as the store in memory does, also when it was opened again.

use std::io::Cursor;

use proptest::prelude::*;
use towline_authenticator::{
    Change, Counter, CredentialStore as _, ExtensionData, MemoryStore, Record, Replaces,
};
use towline_store::{Backup, Conflicts};
use zeroize::Zeroizing;

use crate::support::*;

#[derive(Debug, Clone)]
enum Step {
    Commit(Vec<Change>),
    Count(Counter),
    Clear,
    Reopen,
    Check,
    /// Into a new store, by way of a backup.
    Move,
}

fn change() -> impl Strategy<Value = Change> {
    let site = prop_oneof![Just("a.example"), Just("b.example"), Just("c.example")];
    let replaces = prop_oneof![
        3 => Just(Replaces::Account),
        1 => Just(Replaces::AccountAndAlgorithm),
        1 => Just(Replaces::Nothing)
    ];
    let saved = (0..20_u8, site, 0..5_u8, replaces).prop_map(|(number, site, user, replaces)| {
        let Change::Save { credential, .. } = save(number, site, user) else { panic!() };
        Change::Save { credential, replaces }
    });
    let renamed = (0..20_u8, any::<Option<String>>()).prop_map(|(number, name)| {
        let mut user = credential(number, "a.example", 9).user;
        user.name = name;
        Change::Rename { id: id(number), user, at: None }
    });
    let extended = (0..20_u8, any::<bool>()).prop_map(|(number, kept)| {
        let mut data = ExtensionData::default();
        data.third_party_payment = true;
        Change::SetExtensionData { id: id(number), data: kept.then(|| Box::new(data)), at: None }
    });
    let recorded =
        (any::<bool>(), proptest::option::of(any::<[u8; 3]>())).prop_map(|(pin, value)| {
            let record = if pin { Record::Pin } else { Record::PinRetries };
            Change::Record { record, value: value.map(|value| Zeroizing::new(value.to_vec())) }
        });
    let removed = (0..20_u8).prop_map(|number| Change::Remove(id(number)));
    let first = any::<[u8; 3]>().prop_map(|value| Change::NewRecord {
        record: Record::Pin,
        value: Zeroizing::new(value.to_vec()),
    });
    prop_oneof![4 => saved, 1 => removed, 1 => renamed, 1 => extended, 1 => recorded, 1 => first]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => proptest::collection::vec(change(), 1..4).prop_map(Step::Commit),
        4 => (0..20_u8).prop_map(|number| Step::Count(Counter::Of(id(number)))),
        2 => Just(Step::Count(Counter::Global)),
        1 => Just(Step::Clear),
        2 => Just(Step::Reopen),
        1 => Just(Step::Check),
        1 => Just(Step::Move),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn any_sequence_of_changes_is_kept_as_in_memory(steps in proptest::collection::vec(step(), 1..25)) {
        let mut place = Place::new();
        let (mut store, mut memory) = (place.create(), MemoryStore::new());
        let (mut copy, mut of_memory) = (Copy::default(), Copy::default());
        copy.follow(&mut store);
        of_memory.follow(&mut memory);
        for step in steps {
            let (cleared, moved) = (matches!(step, Step::Clear), matches!(step, Step::Move));
            match step {
                Step::Commit(changes) => {
                    let (kept, expected) = (store.commit(changes.clone()), memory.commit(changes));
                    prop_assert_eq!(done(kept), done(expected));
                }
                Step::Count(counter) => {
                    let (kept, expected) = (store.count(counter.clone()), memory.count(counter));
                    prop_assert_eq!(done(kept), done(expected));
                }
                Step::Clear => {
                    done(store.clear()).unwrap();
                    done(memory.clear()).unwrap();
                }
                Step::Reopen => {
                    drop(store);
                    store = place.open().unwrap();
                }
                Step::Check => prop_assert!(store.check().unwrap().damaged.is_empty()),
                Step::Move => {
                    let mut bytes = Vec::new();
                    let made = store.backup(&mut bytes, &key()).unwrap();
                    drop(store);
                    place = Place::new();
                    store = place.create();
                    let mut backup = Backup::open(Cursor::new(bytes), &key(), &provider()).unwrap();
                    let restored = store.restore(&mut backup, Conflicts::Keep).unwrap();
                    prop_assert_eq!(restored.added, made.credentials + made.records);
                }
            }
            prop_assert_eq!(told(&mut store), told(&mut memory));
            prop_assert_eq!(copy.follow(&mut store), cleared || moved);
            prop_assert_eq!(of_memory.follow(&mut memory), cleared);
        }
    }
}
