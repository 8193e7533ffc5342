//! What is gone stays gone: what a reset, another key, or a forgotten computer takes away.

use std::{fs, io::Cursor};

use redb::{ReadableTable as _, TableDefinition};
use towline_authenticator::{CredentialStore as _, Record, StoreError};
use towline_store::{Backup, Error, Repaired, Store};

use crate::support::*;

const META: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("meta");

fn filled() -> Place {
    let place = Place::new();
    let mut store = Store::create(&place.file(), &passphrase("old"), &provider()).unwrap();
    done(store.commit(vec![save(1, "a.example", 1), save(2, "b.example", 1), retries(8)])).unwrap();
    place
}

/// What an attacker with an old copy does: its root key, which they can open, in the place of the
/// present one.
fn opens_with_the_root_key_of(old: &Place, new: &Place) -> bool {
    let mut root = Vec::new();
    edit(old, |change| {
        let meta = change.open_table(META).unwrap();
        root = meta.get("root").unwrap().unwrap().value().to_vec();
    });
    let copy = Place::new();
    fs::copy(new.file(), copy.file()).unwrap();
    edit(&copy, |change| {
        change.open_table(META).unwrap().insert("root", &root[..]).unwrap();
    });
    Store::open(&copy.file(), &passphrase("old"), &provider()).is_ok()
}

#[test]
fn an_old_copy_and_what_opened_it_open_nothing_that_is_made_after_a_reseal_or_a_reset() {
    let (place, old) = (filled(), Place::new());
    fs::copy(place.file(), old.file()).unwrap();
    let mut store = Store::open(&place.file(), &passphrase("old"), &provider()).unwrap();
    let before = told(&mut store);
    store.change_key(&passphrase("new")).unwrap();
    drop(store);
    assert!(opens_with_the_root_key_of(&old, &place), "the cheap way: the root key is the same");
    let mut store = Store::open(&place.file(), &passphrase("new"), &provider()).unwrap();
    store.reseal(&passphrase("newer")).unwrap();
    assert_eq!(told(&mut store), before);
    done(store.commit(vec![save(3, "a.example", 3)])).unwrap();
    let before = told(&mut store);
    drop(store);
    assert!(!opens_with_the_root_key_of(&old, &place));
    let opened = Store::open(&place.file(), &passphrase("new"), &provider());
    assert_eq!(opened.unwrap_err(), Error::WrongKey);
    let mut store = Store::open(&place.file(), &passphrase("newer"), &provider()).unwrap();
    assert_eq!(told(&mut store), before);
    assert_eq!(store.check().unwrap().damaged, [""; 0]);
    drop(store);

    let place = filled();
    fs::copy(place.file(), old.file()).unwrap();
    let mut store = Store::open(&place.file(), &passphrase("old"), &provider()).unwrap();
    done(store.clear()).unwrap();
    done(store.commit(vec![save(3, "a.example", 3)])).unwrap();
    assert!(done(store.lookup(&id(3))).unwrap().is_some());
    drop(store);
    assert!(!opens_with_the_root_key_of(&old, &place));
    let mut store = Store::open(&place.file(), &passphrase("old"), &provider()).unwrap();
    assert!(done(store.lookup(&id(3))).unwrap().is_some());
}

#[test]
fn whatever_is_damaged_is_not_lost_when_all_is_sealed_anew() {
    let place = Place::new();
    done(place.create().commit(vec![save(1, "a.example", 1), retries(8)])).unwrap();
    damage(&place, "records", b"pin-retries");
    let store = place.open().unwrap();
    let refused = store.reseal(&passphrase("new")).unwrap_err();
    assert!(
        matches!(&refused, Error::DamagedPart(part) if part.contains("PIN attempts")),
        "{refused}"
    );
    drop(store);
    assert!(done(place.open().unwrap().lookup(&id(1))).unwrap().is_some(), "as it was before");
}

/// Whatever table there is, and whatever comes.
#[test]
fn a_reset_leaves_nothing_in_any_table() {
    let place = Place::new();
    let mut store = place.create();
    done(store.commit(vec![save(1, "a.example", 1), retries(8)])).unwrap();
    done(store.count(towline_authenticator::Counter::Of(id(1)))).unwrap();
    #[cfg(feature = "links")]
    links::fill(&store, 1);
    store
        .begin_circle(b"device", [(Vec::new(), zeroize::Zeroizing::new(vec![1]))].into_iter())
        .unwrap();
    drop(store);
    damage(&place, "credentials", &0_u64.to_be_bytes());
    Repaired::of(&place.file(), &key(), &provider()).unwrap();
    let mut store = place.open().unwrap();
    assert_eq!(store.check().unwrap().aside, 1);
    done(store.clear()).unwrap();
    assert_eq!(done(store.record(Record::PinRetries)), Ok(None));
    drop(store);
    let mut tables = 0;
    edit(&place, |change| {
        for handle in change.list_tables().unwrap() {
            let name = redb::TableHandle::name(&handle).to_owned();
            if name != "meta" {
                let opened = change.open_table(table(&name)).unwrap();
                // Of the feed there is left that it began anew.
                let left = usize::from(name == "4.changes");
                assert_eq!(opened.iter().unwrap().count(), left, "{name}");
                tables += 1;
            }
        }
    });
    assert_eq!(tables, 12);
}

#[test]
fn relying_parties_are_listed_in_the_order_in_which_they_came() {
    let place = Place::new();
    let mut store = place.create();
    let sites = ["m.example", "z.example", "a.example", "k.example", "b.example"];
    for (number, site) in (1..).zip(sites) {
        done(store.commit(vec![save(number * 4 + 1, site, 1)])).unwrap();
    }
    let names = |store: &mut Store| {
        let parties = done(store.relying_parties(None, 9)).unwrap().parties;
        parties.iter().map(|party| party.id.as_str().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names(&mut store), sites);
    // Another passkey of one, and another in the place of its only one, leave it where it is.
    done(store.commit(vec![save(30, "m.example", 9), save(31, "a.example", 1)])).unwrap();
    drop(store);
    let mut store = place.open().unwrap();
    assert_eq!(names(&mut store), sites);
    // A list goes on after one that is gone meanwhile.
    let first = done(store.relying_parties(None, 3)).unwrap().parties;
    done(store.commit(vec![towline_authenticator::Change::Remove(id(31))])).unwrap();
    let rest = done(store.relying_parties(Some(&first[2].id), 9)).unwrap().parties;
    assert_eq!(rest.iter().map(|party| party.id.as_str()).collect::<Vec<_>>(), sites[3..]);
}

#[test]
fn a_store_tells_what_it_has_room_for_and_takes_no_more() {
    let place = Place::new();
    let mut store = place.create();
    assert_eq!(done(store.capacity()).unwrap().remaining, Some(1_000_000));
    store.set_limit(2);
    done(store.commit(vec![save(1, "a.example", 1), save(4, "a.example", 2)])).unwrap();
    assert_eq!(done(store.capacity()).unwrap().remaining, Some(0));
    let full = done(store.commit(vec![retries(3), save(3, "a.example", 3)]));
    assert_eq!(full, Err(StoreError::Full));
    assert_eq!(done(store.record(Record::PinRetries)), Ok(None), "all or nothing");
    // One in the place of another needs no more room.
    done(store.commit(vec![save(5, "a.example", 1)])).unwrap();
}

#[test]
fn a_strangers_backup_costs_nothing_before_it_is_known_to_be_good() {
    let mut bytes = Vec::new();
    filled_store().backup(&mut bytes, &passphrase("theirs")).unwrap();
    // Memory in KiB, 64 MiB, as it stands in the head.
    let cost = [0x1a, 0, 1, 0, 0];
    let at = bytes.windows(5).position(|window| window == cost).unwrap();
    bytes[at + 1..at + 5].copy_from_slice(&(1_u32 << 20).to_be_bytes());
    let started = std::time::Instant::now();
    let refused =
        Backup::open(Cursor::new(&bytes), &passphrase("theirs"), &provider()).unwrap_err();
    assert_eq!(refused, Error::Costly { mebibytes: 1024, passes: 3 });
    assert!(started.elapsed() < std::time::Duration::from_millis(500));
}

fn filled_store() -> Store {
    let place = filled();
    Store::open(&place.file(), &passphrase("old"), &provider()).unwrap()
}

#[cfg(feature = "links")]
mod links {
    use towline_crypto::Secret;
    use towline_hybrid::{
        ids::LinkId,
        link::{ComputerLinks, ContactKey, LinkedComputer, PhoneIdentity},
    };

    use towline_store::Conflicts;

    use super::*;

    pub(super) fn fill(store: &Store, link: u8) {
        let links = store.links();
        links.become_other(&PhoneIdentity::generate(&provider()).unwrap()).unwrap();
        ComputerLinks::save(&links, computer(link)).unwrap();
    }

    fn computer(link: u8) -> LinkedComputer {
        let contact_key = Some(ContactKey::new(Secret::new([link; 32])));
        LinkedComputer { link_id: LinkId::new([link; 8]), since: 7, contact_key }
    }

    #[test]
    fn a_forgotten_computer_does_not_ring_again_by_a_restore() {
        for conflicts in [Conflicts::Keep, Conflicts::Replace] {
            let place = Place::new();
            let store = place.create();
            fill(&store, 1);
            ComputerLinks::save(&store.links(), computer(2)).unwrap();
            let mut bytes = Vec::new();
            store.backup(&mut bytes, &key()).unwrap();
            let restore = |store: &Store| {
                let mut backup = Backup::open(Cursor::new(&bytes), &key(), &provider()).unwrap();
                store.restore(&mut backup, conflicts).unwrap()
            };
            store.links().forget(&LinkId::new([1; 8])).unwrap();
            let restored = restore(&store);
            assert_eq!(store.links().computers().unwrap(), [computer(2)]);
            assert_eq!((restored.kept, restored.replaced), (1, 0));
            let forgotten = store.links().ledger().unwrap().forgotten;
            assert_eq!(forgotten[0].contact_key, computer(1).contact_key, "to be given up");
            // The phone became another, and forgot all of them by that.
            fill(&store, 3);
            let identity = store.links().identity();
            restore(&store);
            assert_eq!(store.links().computers().unwrap(), [computer(3)]);
            assert_eq!(store.links().identity(), identity);
            // A new store is the phone that the backup is of.
            let (other, _) = (Place::new(), ());
            let new = other.create();
            restore(&new);
            assert_eq!(new.links().computers().unwrap(), [computer(1), computer(2)]);
            assert!(new.links().identity().unwrap().is_some());
        }
    }

    #[test]
    fn a_reset_forgets_all_links() {
        let place = Place::new();
        let mut store = place.create();
        fill(&store, 1);
        done(store.clear()).unwrap();
        assert_eq!(store.links().identity(), Ok(None));
        assert!(store.links().computers().unwrap().is_empty());
    }
}
