//! Passkeys go from one virtual authenticator to another, as managers exchange them.

use towline_authenticator::BackupState;
use towline_virtual::{
    Builder, ImportError, VirtualAuthenticator,
    exchange::{ItemOutcome, LeftOut, NotCxf},
};

use crate::options::{ORIGIN, create, get};

fn left_out(device: &VirtualAuthenticator) -> Vec<Option<LeftOut>> {
    let export = device.export();
    export.reports().iter().map(|report| report.outcome.clone().err()).collect()
}

#[test]
fn a_passkey_that_moved_signs_in_where_it_came_to() {
    let old = VirtualAuthenticator::synced_passkey();
    old.create(ORIGIN, &create("alice")).unwrap();
    let document = old.export().document();
    assert_eq!(*document, *old.export().document(), "the same each time");
    for new in [VirtualAuthenticator::platform(), VirtualAuthenticator::security_key()] {
        let reports = new.import(&document).unwrap();
        assert_eq!(reports.len(), 1);
        assert_eq!(reports[0].outcome, ItemOutcome::Imported);
        assert_eq!(reports[0].site.as_deref(), Some("example.org"));
        new.get(ORIGIN, &get()).unwrap();
        let passkey = &new.passkeys()[0];
        assert_eq!(passkey.sign_count, None, "it never counts");
        assert_eq!(passkey.credential.user, old.passkeys()[0].credential.user);
        let again = new.import(&document).unwrap();
        assert_eq!(again[0].outcome, ItemOutcome::AlreadyThere);
        assert_eq!(new.passkeys().len(), 1);
    }
}

#[test]
fn what_may_not_leave_stays() {
    let key = VirtualAuthenticator::security_key();
    key.create(ORIGIN, &create("alice")).unwrap();
    assert_eq!(left_out(&key), [Some(LeftOut::DeviceBound)]);
    let counts = Builder::security_key().backup(BackupState::Eligible).build().unwrap();
    counts.create(ORIGIN, &create("alice")).unwrap();
    counts.get(ORIGIN, &get()).unwrap();
    assert_eq!(left_out(&counts), [Some(LeftOut::CounterNotZero)]);
    let id = counts.passkeys()[0].id().clone();
    counts.change(&id, |passkey| passkey.sign_count = None).unwrap();
    assert_eq!(left_out(&counts), [None]);
}

#[test]
fn all_goes_in_or_nothing() {
    let old = VirtualAuthenticator::synced_passkey();
    for account in ["alice", "bob", "carol"] {
        old.create(ORIGIN, &create(account)).unwrap();
    }
    let document = old.export().document();
    let small = Builder::platform().capacity(2).build().unwrap();
    assert!(matches!(small.import(&document), Err(ImportError::Store(_))));
    assert!(small.passkeys().is_empty());
    let cut = small.import(&document[..document.len() - 4]);
    assert_eq!(cut, Err(ImportError::Document(NotCxf::NotJson)));
}
