//! Stores that older versions wrote. `data/format-N.towline` was written by the last version whose
//! format that was.

use std::fs;

use redb::ReadableTable as _;
use towline_authenticator::{
    Counter, CredRandom, Credential, CredentialStore as _, ExtensionData, Feed, LargeBlobPlace,
    Record, UnixTime,
};
use towline_crypto::Secret;
use towline_store::{Error, KeySource, Repaired, Store};

use crate::{failing::Disk, support::*};

pub(crate) const FORMAT_1: &[u8] = include_bytes!("../data/format-1.towline");
pub(crate) const FORMAT_2: &[u8] = include_bytes!("../data/format-2.towline");
pub(crate) const FORMAT_4: &[u8] = include_bytes!("../data/format-4.towline");
pub(crate) const FORMAT_3: &[u8] = include_bytes!("../data/format-3.towline");
pub(crate) const FORMAT_5: &[u8] = include_bytes!("../data/format-5.towline");

fn holds_everything(store: &mut Store) {
    for number in [1, 2, 4] {
        let (site, user) = [("a.example", number), ("b.example", 1)][usize::from(number == 4)];
        let kept = done(store.lookup(&id(number))).unwrap();
        assert_eq!(kept, Some(credential(number, site, user)));
    }
    assert_eq!(*done(store.record(Record::PinRetries)).unwrap().unwrap(), [5]);
}

#[test]
fn a_store_of_the_first_format_is_brought_up_with_all_that_is_in_it() {
    let place = Place::new();
    fs::write(place.file(), FORMAT_1).unwrap();
    for counter in [4, 5] {
        let mut store = place.open().unwrap();
        holds_everything(&mut store);
        assert_eq!(done(store.count(Counter::Of(id(1)))), Ok(counter));
    }
}

#[test]
fn a_store_of_the_second_format_is_brought_up_with_all_that_is_in_it() {
    let place = Place::new();
    fs::write(place.file(), FORMAT_2).unwrap();
    for counter in [4, 5] {
        let mut store = place.open().unwrap();
        holds_everything(&mut store);
        assert_eq!(*done(store.record(Record::Pin)).unwrap().unwrap(), [1; 17]);
        assert_eq!(done(store.count(Counter::Of(id(1)))), Ok(counter));
        assert_eq!(done(store.count(Counter::Global)), Ok(counter - 2));
        let parties = done(store.relying_parties(None, 9)).unwrap().parties;
        let parties: Vec<_> = parties.iter().map(|party| party.id.as_str()).collect();
        assert_eq!(parties, ["a.example"]);
        #[cfg(feature = "links")]
        {
            use towline_hybrid::link::ComputerLinks as _;
            assert!(store.links().identity().unwrap().is_some());
            assert_eq!(store.links().computers().unwrap().len(), 1);
        }
        assert_eq!(store.check().unwrap().damaged, [""; 0]);
    }
}

/// What a member of every credential of the third format held.
fn full() -> Credential {
    let mut data = ExtensionData::default();
    data.cred_random =
        Some(CredRandom::Pair { with_uv: Secret::new([1; 32]), without_uv: Secret::new([2; 32]) });
    data.cred_blob = Some(vec![3; 32].into());
    data.large_blob = Some(LargeBlobPlace::Empty);
    data.third_party_payment = true;
    Credential {
        never_counts: true,
        made: Some(UnixTime(1_700_000_000)),
        changed: Some(UnixTime(1_700_000_001)),
        used: Some(UnixTime(1_700_000_002)),
        revision: 3,
        foreign: Some(vec![4; 9].into()),
        backup_eligible: true,
        extensions: Some(Box::new(data)),
        ..credential(5, "c.example", 7)
    }
}

#[test]
fn a_store_of_the_third_format_is_brought_up_with_all_that_is_in_it() {
    let place = Place::new();
    fs::write(place.file(), FORMAT_3).unwrap();
    let mut copy = Copy::default();
    for counter in [4, 5] {
        let mut store = place.open().unwrap();
        holds_everything(&mut store);
        assert_eq!(done(store.lookup(&id(5))).unwrap(), Some(full()));
        assert_eq!(*done(store.record(Record::Pin)).unwrap().unwrap(), [1; 17]);
        assert_eq!(done(store.count(Counter::Of(id(1)))), Ok(counter));
        assert_eq!(done(store.count(Counter::Global)), Ok(counter - 2));
        for number in [1, 2, 5] {
            let one = done(store.lookup(&id(number))).unwrap().unwrap();
            assert_eq!(done(store.account(&one.rp_id, &one.user.id)).unwrap(), [one]);
        }
        // The feed begins when the store is brought up, and goes on from then on.
        assert_eq!(copy.follow(&mut store), counter == 4);
        #[cfg(feature = "links")]
        {
            use towline_hybrid::link::ComputerLinks as _;
            assert!(store.links().identity().unwrap().is_some());
            assert_eq!(store.links().computers().unwrap().len(), 1);
        }
        assert_eq!(store.check().unwrap().damaged, [""; 0]);
    }
    assert_eq!(format_of(&place), 6);
}

/// It has what a device kept of its circle as one; `towline-synced` goes on from that.
#[test]
fn a_store_of_the_fifth_format_is_brought_up_with_all_that_is_in_it() {
    let place = Place::new();
    fs::write(place.file(), FORMAT_5).unwrap();
    let mut feed = None;
    for _ in 0..2 {
        let mut store = place.open().unwrap();
        let checked = store.check().unwrap();
        assert_eq!((checked.credentials, &*checked.damaged), (4, &[][..]));
        let kept = store.circle().unwrap().unwrap();
        let [(key, record)] = &*kept.rows else { panic!("{kept:?}") };
        assert!(key.is_empty() && record.len() > 1000 && !kept.device.is_empty());
        assert!(kept.told.is_some());
        // The feed goes on where it was.
        let Feed::StartOver { from } = done(store.changes(None, 1)).unwrap() else { panic!() };
        assert_eq!(*feed.get_or_insert(from), from);
    }
    assert_eq!(format_of(&place), 6);
    fs::write(place.file(), FORMAT_5).unwrap();
    assert!(matches!(place.open(), Err(Error::Older { .. })));
}

/// Whether it was damaged before it was brought up, or is repaired as it is.
#[test]
fn a_damaged_circle_of_the_fifth_format_is_damage_until_it_is_repaired() {
    for damaged in [false, true] {
        let place = Place::new();
        fs::write(place.file(), FORMAT_5).unwrap();
        if damaged {
            damage(&place, "links", b"circle");
            let opened = place.open().unwrap();
            assert!(matches!(opened.circle(), Err(Error::DamagedPart(_))));
            assert!(matches!(opened.prepared_circle(), Err(Error::DamagedPart(_))));
            assert_eq!(opened.check().unwrap().damaged.len(), 1);
        }
        let repaired = Repaired::of(&place.file(), &key(), &provider()).unwrap();
        assert_eq!((repaired.credentials, repaired.lost.len()), (4, usize::from(damaged)));
        let circle = place.open().unwrap().circle().unwrap();
        assert_eq!(circle.map(|kept| kept.rows.len()), (!damaged).then_some(1));
    }
}

/// The same layout as the fifth, with credentials of the second form. This one has a key file.
#[test]
fn a_store_of_the_fourth_format_is_brought_up_with_all_that_is_in_it() {
    let place = Place::new();
    fs::write(place.file(), FORMAT_4).unwrap();
    let KeySource::KeyFile(key) = place.key_file() else { panic!() };
    towline_store::write_new_file(&key, &[7; 32], &provider()).unwrap();
    let open = || Store::open(&place.file(), &place.key_file(), &provider());
    let mut feed = None;
    for _ in 0..2 {
        let mut store = open().unwrap();
        let all = done(store.all(None, 9)).unwrap().credentials;
        assert_eq!(all.len(), 1);
        assert_eq!((all[0].rp_id.as_str(), all[0].backed_up), ("example.org", false));
        assert!(all[0].backup_eligible && all[0].never_counts);
        assert_eq!(store.check().unwrap().damaged, [""; 0]);
        // The feed goes on where it was.
        let Feed::StartOver { from } = done(store.changes(None, 1)).unwrap() else { panic!() };
        assert_eq!(*feed.get_or_insert(from), from);
    }
    assert_eq!(format_of(&place), 6);
    fs::write(place.file(), FORMAT_4).unwrap();
    assert!(matches!(open(), Err(Error::Older { .. })));
}

#[test]
fn whatever_is_taken_out_of_a_file_of_the_third_format_is_noticed() {
    let names = ["credentials", "counters", "records", "links"];
    for name in names.into_iter().chain(["ids", "accounts", "members", "parties", "order"]) {
        for at in 0.. {
            let place = Place::new();
            fs::write(place.file(), FORMAT_3).unwrap();
            let mut taken = false;
            edit(&place, |change| {
                let name = format!("3.{name}");
                let mut opened = change.open_table(table(&name)).unwrap();
                let key = opened.iter().unwrap().nth(at).map(|row| row.unwrap().0.value().to_vec());
                if let Some(key) = key {
                    taken = opened.remove(&key[..]).unwrap().is_some();
                }
            });
            if !taken {
                assert!(at > 0, "{name}");
                break;
            }
            assert!(matches!(place.open(), Err(Error::Damaged(_))), "{name} {at}");
            assert_eq!(format_of(&place), 3, "it is left as it was");
        }
    }
}

/// To bring it up is a change more, by which it must not seem to be the newest.
#[test]
fn an_older_copy_of_the_third_format_is_noticed_where_the_newer_one_was_seen() {
    let place = Place::new();
    fs::write(place.file(), FORMAT_3).unwrap();
    let mut store = place.open().unwrap();
    done(store.commit(vec![])).unwrap();
    drop(store);
    for _ in 0..2 {
        fs::write(place.file(), FORMAT_3).unwrap();
        assert!(matches!(place.open(), Err(Error::Older { .. })));
    }
}

#[test]
fn what_can_be_read_of_a_damaged_store_of_the_third_format_is_repaired() {
    let place = Place::new();
    fs::write(place.file(), FORMAT_3).unwrap();
    edit(&place, |change| {
        let mut rows = change.open_table(table("3.credentials")).unwrap();
        rows.remove(&1_u64.to_be_bytes()[..]).unwrap();
    });
    let repaired = Repaired::of(&place.file(), &key(), &provider()).unwrap();
    assert_eq!(
        (repaired.credentials, &*repaired.lost),
        (3, &["1 of its credentials".to_owned()][..])
    );
    let mut store = place.open().unwrap();
    assert_eq!(done(store.lookup(&id(2))), Ok(None));
    assert_eq!(done(store.lookup(&id(5))).unwrap(), Some(full()));
    assert_eq!(store.check().unwrap().damaged, [""; 0]);
}

#[test]
fn whenever_the_disk_fails_meanwhile_the_store_is_of_one_of_the_two_formats() {
    let mut failures = 0;
    for (bytes, operations) in [FORMAT_1, FORMAT_2, FORMAT_3]
        .into_iter()
        .flat_map(|bytes| (0..60).map(move |at| (bytes, at)))
    {
        let disk = Disk::with(bytes);
        disk.fails_after(operations);
        let opened = Store::open_on(disk.clone(), &key(), &provider());
        disk.fails_after(i64::MAX);
        let whole = opened.is_ok();
        drop(opened);
        holds_everything(&mut Store::open_on(disk, &key(), &provider()).unwrap());
        failures += i32::from(!whole);
    }
    assert!((15..165).contains(&failures), "{failures}");
}

#[test]
fn with_the_wrong_key_it_stays_as_it_was() {
    let place = Place::new();
    fs::write(place.file(), FORMAT_1).unwrap();
    let wrong = KeySource::Key(Secret::new([8; 32]));
    let refused = Store::open(&place.file(), &wrong, &provider()).unwrap_err();
    assert_eq!(refused, Error::WrongKey);
    assert_eq!(format_of(&place), 1);
    drop(place.open().unwrap());
    assert_eq!(format_of(&place), 6);
}

fn format_of(place: &Place) -> u32 {
    let table = redb::TableDefinition::<&str, &[u8]>::new("meta");
    let database = redb::Database::open(place.file()).unwrap();
    let view = redb::ReadableDatabase::begin_read(&database).unwrap();
    let format = view.open_table(table).unwrap().get("format").unwrap().unwrap();
    u32::from_be_bytes(format.value().try_into().unwrap())
}
