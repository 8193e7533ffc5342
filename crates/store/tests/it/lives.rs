//! What passkeys keep of their lives, in a store that is closed and opened again.

use crate::support::*;
use towline_authenticator::{Change, CredentialStore, Cursor, UnixTime};

#[test]
fn when_a_passkey_was_used_is_told_at_once_and_outlives_the_program() {
    let place = Place::new();
    let mut store = place.create();
    done(store.commit(vec![save(1, "a.example", 1), save(2, "b.example", 2)])).unwrap();
    store.used(&id(1), UnixTime(7));
    assert_eq!(done(store.lookup(&id(1))).unwrap().unwrap().used, Some(UnixTime(7)));
    assert_eq!(done(store.lookup(&id(2))).unwrap().unwrap().used, None);
    drop(store);
    let mut store = place.open().unwrap();
    assert_eq!(done(store.lookup(&id(1))).unwrap().unwrap().used, Some(UnixTime(7)));
    // Written with the next change, too.
    store.used(&id(2), UnixTime(8));
    done(store.commit(vec![save(3, "c.example", 3)])).unwrap();
    let again = done(store.all(None, 9)).unwrap().credentials;
    assert_eq!(
        again.iter().map(|c| c.used.map(|at| at.0)).collect::<Vec<_>>(),
        [None, Some(8), Some(7)]
    );
}

#[test]
fn a_note_of_a_passkey_that_is_gone_keeps_nothing_from_being_written() {
    let place = Place::new();
    let mut store = place.create();
    done(store.commit(vec![save(1, "a.example", 1)])).unwrap();
    store.used(&id(1), UnixTime(7));
    store.used(&id(9), UnixTime(7));
    done(store.commit(vec![Change::Remove(id(1))])).unwrap();
    done(store.commit(vec![save(2, "b.example", 2)])).unwrap();
    assert_eq!(done(store.all(None, 9)).unwrap().total, 1);
}

#[test]
fn all_passkeys_are_paged_through_those_that_can_not_be_discovered_too() {
    let place = Place::new();
    let mut store = place.create();
    // Every fourth is not discoverable.
    done(store.commit((1..=9).map(|number| save(number, "a.example", number)).collect())).unwrap();
    let (mut seen, mut after) = (Vec::new(), None::<Cursor>);
    loop {
        let page = done(store.all(after, 4)).unwrap();
        assert_eq!(page.total, 9);
        if page.credentials.is_empty() {
            break;
        }
        seen.extend(page.credentials.into_iter().map(|credential| credential.id));
        after = page.end;
    }
    assert_eq!(seen, (1..=9).rev().map(id).collect::<Vec<_>>());
}
