//! What every store does, shown on the one in memory and on this one.

use std::{fs, io::Cursor};

use towline_authenticator::{
    Became, Change, Counter, CredentialStore, FEED_LENGTH, Feed, FeedCursor, MemoryStore, Query,
    Replaces, StoreError, UnixTime,
};
use towline_ctap::CredentialId;
use towline_store::{Backup, Conflicts, Repaired};

use crate::support::*;

fn on_both(test: impl Fn(&mut dyn CredentialStore)) {
    test(&mut MemoryStore::new());
    let place = Place::new();
    test(&mut place.create());
}

fn commit(store: &mut dyn CredentialStore, changes: Vec<Change>) {
    done(store.commit(changes)).unwrap();
}

fn save_with(number: u8, algorithm: i64, replaces: Replaces) -> Change {
    let mut credential = credential(number, "a.example", 1);
    let material = zeroize::Zeroizing::new(credential.key.expose().into());
    credential.key = towline_authenticator::KeyHandle::new(algorithm, material);
    credential.discoverable = true;
    Change::Save { credential: Box::new(credential), replaces }
}

fn renamed(number: u8) -> Change {
    let user = credential(number, "a.example", 1).user;
    Change::Rename { id: id(number), user, at: None }
}

fn start(store: &mut dyn CredentialStore) -> FeedCursor {
    match done(store.changes(None, 10)).unwrap() {
        Feed::StartOver { from } => from,
        since => panic!("{since:?}"),
    }
}

/// The numbers of the credentials of one answer, with what became of them.
fn since(
    store: &mut dyn CredentialStore,
    after: FeedCursor,
    limit: usize,
) -> Option<(Vec<(u8, Became)>, FeedCursor)> {
    match done(store.changes(Some(after), limit)).unwrap() {
        Feed::Since { changes, end } => {
            let told = changes.iter().map(|change| (change.id.as_bytes()[0], change.what));
            Some((told.collect(), end))
        }
        Feed::StartOver { from } => {
            assert_eq!(Some(from), Some(start(store)));
            None
        }
    }
}

fn account(store: &mut dyn CredentialStore) -> Vec<CredentialId> {
    let user = credential(1, "a.example", 1).user.id;
    let all = done(store.account(&rp("a.example"), &user)).unwrap();
    all.into_iter().map(|credential| credential.id).collect()
}

#[test]
fn the_feed_tells_what_was_made_changed_and_removed_in_its_order() {
    on_both(|store| {
        commit(store, vec![save(1, "a.example", 1)]);
        let begin = start(store);
        assert_eq!(since(store, begin, 9), Some((vec![], begin)), "nothing yet");
        commit(store, vec![save(2, "a.example", 2)]);
        commit(store, vec![renamed(1), retries(3)]);
        commit(store, vec![Change::Remove(id(1)), Change::Remove(id(9))]);
        let told = [(2, Became::Made), (1, Became::Changed), (1, Became::Removed)];
        let (all, end) = since(store, begin, 9).unwrap();
        assert_eq!(all, told);
        assert_eq!(since(store, end, 9), Some((vec![], end)));
        let mut after = begin;
        for one in told {
            let (page, end) = since(store, after, 1).unwrap();
            assert_eq!(page, [one]);
            after = FeedCursor::from_bytes(end.to_bytes());
        }
        assert_eq!(after, end);
    });
}

#[test]
fn what_one_commit_did_is_told_in_one_answer() {
    on_both(|store| {
        commit(store, vec![save(1, "a.example", 1)]);
        let begin = start(store);
        commit(store, vec![save(2, "a.example", 1), save(3, "b.example", 1), renamed(3)]);
        commit(store, vec![save(5, "b.example", 2), Change::Remove(id(5))]);
        commit(store, vec![save(3, "b.example", 1)]);
        let (page, end) = since(store, begin, 1).unwrap();
        assert_eq!(page, [(1, Became::Removed), (2, Became::Made), (3, Became::Made)]);
        assert_eq!(since(store, end, 1).unwrap().0, [(3, Became::Changed)], "another has its id");
    });
}

#[test]
fn use_and_counters_and_records_and_what_failed_are_no_changes() {
    on_both(|store| {
        commit(store, vec![save(1, "a.example", 1)]);
        let begin = start(store);
        store.used(&id(1), UnixTime(7));
        done(store.count(Counter::Of(id(1)))).unwrap();
        commit(store, vec![retries(3)]);
        let failing = vec![save(2, "a.example", 2), renamed(9)];
        assert_eq!(done(store.commit(failing)), Err(StoreError::NotFound));
        assert_eq!(since(store, begin, 9), Some((vec![], begin)));
    });
}

#[test]
fn a_feed_is_bounded_and_who_asks_for_more_starts_over() {
    on_both(|store| {
        let many = |numbers: std::ops::Range<usize>| -> Vec<Change> {
            let one = |number: usize| {
                let mut one = credential(1, "a.example", 1);
                one.id = CredentialId::new(&number.to_be_bytes()).unwrap();
                one.discoverable = false;
                Change::Save { credential: Box::new(one), replaces: Replaces::Account }
            };
            numbers.map(one).collect()
        };
        let begin = start(store);
        commit(store, many(0..FEED_LENGTH - 1));
        let (all, full) = since(store, begin, usize::MAX).unwrap();
        assert_eq!(all.len(), FEED_LENGTH - 1);
        commit(store, many(FEED_LENGTH..FEED_LENGTH + 2));
        assert_eq!(since(store, begin, 9), None, "too long ago");
        assert_eq!(since(store, full, 9).unwrap().0.len(), 2);
        commit(store, many(0..FEED_LENGTH + 1));
        assert_eq!(since(store, full, 9), None, "more than it keeps at once");
        let anew = start(store);
        commit(store, vec![save(1, "a.example", 1)]);
        assert_eq!(since(store, anew, 9).unwrap().0, [(1, Became::Made)]);
    });
}

#[test]
fn after_a_reset_and_with_a_place_of_another_store_one_starts_over() {
    on_both(|store| {
        commit(store, vec![save(1, "a.example", 1)]);
        let before = start(store);
        done(store.clear()).unwrap();
        assert_eq!(since(store, before, 9), None);
        commit(store, vec![save(1, "a.example", 1)]);
        let mut other = MemoryStore::new();
        commit(&mut other, vec![save(1, "a.example", 1)]);
        let elsewhere = start(&mut other);
        assert_eq!(since(store, elsewhere, 9), None);
        let FeedCursor { .. } = before;
        let ahead = FeedCursor::new(start(store).number() + 1, start(store).mark());
        assert_eq!(since(store, ahead, 9), None);
    });
}

#[test]
fn an_account_has_one_credential_or_one_of_each_algorithm_or_as_many_as_come() {
    on_both(|store| {
        commit(store, vec![save_with(1, -7, Replaces::Account)]);
        commit(store, vec![save_with(2, -49, Replaces::AccountAndAlgorithm)]);
        assert_eq!(account(store), [id(2), id(1)]);
        commit(store, vec![save_with(3, -7, Replaces::AccountAndAlgorithm)]);
        assert_eq!(account(store), [id(3), id(2)]);
        commit(store, vec![save_with(4, -7, Replaces::Nothing)]);
        commit(store, vec![save_with(5, -7, Replaces::Nothing)]);
        assert_eq!(account(store), [id(5), id(4), id(3), id(2)]);
        let query = Query { rp_id: rp("a.example"), verified: true, after: None, limit: 9 };
        let page = done(store.discoverable(&query)).unwrap();
        assert_eq!((page.total, page.credentials.len()), (4, 4));
        assert_eq!(done(store.relying_parties(None, 9)).unwrap().total, 1);
        commit(store, vec![save_with(6, -49, Replaces::AccountAndAlgorithm)]);
        assert_eq!(account(store), [id(6), id(5), id(4), id(3)]);
        commit(store, vec![save_with(7, -8, Replaces::Account)]);
        assert_eq!(account(store), [id(7)]);
        commit(store, vec![Change::Remove(id(7))]);
        assert_eq!(account(store), []);
        assert_eq!(done(store.relying_parties(None, 9)).unwrap().total, 0);
    });
}

#[test]
fn a_place_is_good_after_a_restart_and_after_a_crash() {
    let place = Place::new();
    let mut store = place.create();
    commit(&mut store, vec![save(1, "a.example", 1)]);
    let begin = start(&mut store);
    commit(&mut store, vec![save(2, "a.example", 2)]);
    let crashed = fs::read(place.file()).unwrap();
    drop(store);
    let mut store = place.open().unwrap();
    let told = since(&mut store, begin, 9);
    assert_eq!(told.as_ref().unwrap().0, [(2, Became::Made)]);
    let other = Place::new();
    fs::write(other.file(), crashed).unwrap();
    assert_eq!(since(&mut other.open().unwrap(), begin, 9), told);
}

#[test]
fn a_place_is_not_good_in_a_store_that_took_another_course() {
    let place = Place::new();
    let mut store = place.create();
    commit(&mut store, vec![save(1, "a.example", 1)]);
    drop(store);
    let older = fs::read(place.file()).unwrap();
    let mut store = place.open().unwrap();
    let before = start(&mut store);
    commit(&mut store, vec![save(2, "a.example", 2)]);
    let after = start(&mut store);
    drop(store);
    let other = Place::new();
    fs::write(other.file(), older).unwrap();
    let mut store = other.open().unwrap();
    commit(&mut store, vec![save(3, "a.example", 3)]);
    assert_eq!(start(&mut store).number(), after.number());
    assert_eq!(since(&mut store, after, 9), None, "the same number, and another change");
    assert_eq!(since(&mut store, before, 9).unwrap().0, [(3, Became::Made)]);
}

#[test]
fn a_change_that_cannot_be_read_is_named_and_ends_nothing_but_the_feed() {
    let place = Place::new();
    let mut store = place.create();
    let begin = start(&mut store);
    commit(&mut store, vec![save(1, "a.example", 1)]);
    commit(&mut store, vec![save(2, "a.example", 2)]);
    let last = start(&mut store);
    drop(store);
    damage(&place, "changes", &(last.number() - 1).to_be_bytes());
    let mut store = place.open().unwrap();
    assert_eq!(since(&mut store, begin, 9), None);
    assert_eq!(since(&mut store, last, 9), Some((vec![], last)));
    assert_eq!(store.check().unwrap().damaged, ["the feed of changes"]);
    store.reseal(&key()).unwrap();
    assert_eq!(since(&mut store, last, 9), None, "it begins anew");
    assert_eq!(store.check().unwrap().damaged, [""; 0]);
    let last = start(&mut store);
    drop(store);
    Repaired::of(&place.file(), &key(), &provider()).unwrap();
    let mut store = place.open().unwrap();
    assert_eq!(since(&mut store, last, 9), None, "as after a repair");
    assert!(done(store.lookup(&id(2))).unwrap().is_some());
}

#[test]
fn several_credentials_of_an_account_come_back_from_a_backup_and_are_told() {
    let place = Place::new();
    let mut store = place.create();
    let all = [(1, -7), (2, -49), (3, -7)];
    commit(&mut store, all.map(|(n, alg)| save_with(n, alg, Replaces::Nothing)).to_vec());
    let mut bytes = Vec::new();
    store.backup(&mut bytes, &key()).unwrap();
    let restored = |store: &mut towline_store::Store, conflicts| {
        let mut backup = Backup::open(Cursor::new(&bytes), &key(), &provider()).unwrap();
        store.restore(&mut backup, conflicts).unwrap();
        account(store)
    };
    let mut new = Place::new().create();
    let begin = start(&mut new);
    assert_eq!(restored(&mut new, Conflicts::Keep), [id(3), id(2), id(1)]);
    assert_eq!(since(&mut new, begin, 9).unwrap().0.len(), 3);
    for (conflicts, left) in [
        (Conflicts::Keep, vec![id(2), id(6), id(5)]),
        (Conflicts::Replace, vec![id(3), id(2), id(1), id(6)]),
    ] {
        let mut new = Place::new().create();
        commit(&mut new, vec![save_with(5, -7, Replaces::Account)]);
        commit(&mut new, vec![save_with(6, -8, Replaces::Nothing)]);
        assert_eq!(restored(&mut new, conflicts), left, "those of an algorithm stand together");
    }
}
