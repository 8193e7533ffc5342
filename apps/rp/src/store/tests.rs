//! Databases as they are met: new, old, foreign, full, held by somebody.

use rusqlite::TransactionBehavior;

use super::{
    accounts::{StoredAccount, all, by_name, make},
    sessions::{self, IDLE},
    sign_ins::How,
    *,
};
use crate::RpLimits;

fn account(name: &str, byte: u8) -> StoredAccount {
    StoredAccount {
        id: 0,
        name: name.into(),
        display: None,
        handle: [byte; 32],
        password: None,
        second_factor: false,
        created: 7,
    }
}

fn in_memory() -> Connection {
    let mut connection = Connection::open_in_memory().unwrap();
    prepare(&mut connection).unwrap();
    connection
}

/// A file that is gone with the test.
pub(crate) struct File(pub(crate) std::path::PathBuf);

impl File {
    pub(crate) fn new(name: &str) -> Self {
        let file = std::env::temp_dir().join(format!("towline-rp-{}-{name}", std::process::id()));
        let _ = std::fs::remove_file(&file);
        Self(file)
    }
}

impl Drop for File {
    fn drop(&mut self) {
        for end in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(format!("{}{end}", self.0.display()));
        }
    }
}

#[test]
fn what_was_saved_is_there_when_the_file_is_opened_again() {
    let file = File::new("again");
    for round in 0..2 {
        let store = Store::open(Some(&file.0)).unwrap();
        let db = store.0.lock().unwrap();
        if round == 0 {
            make(&db, &RpLimits::default(), &account("jo@example.org", 1)).unwrap();
        }
        assert_eq!(by_name(&db, "jo@example.org").unwrap().unwrap().handle, [1; 32]);
    }
}

#[cfg(unix)]
#[test]
fn nobody_else_may_read_a_new_file() {
    use std::os::unix::fs::PermissionsExt as _;
    let file = File::new("private");
    let _store = Store::open(Some(&file.0)).unwrap();
    assert_eq!(std::fs::metadata(&file.0).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn a_file_of_something_else_is_left_alone() {
    let file = File::new("foreign");
    Connection::open(&file.0).unwrap().execute_batch("CREATE TABLE mine (a)").unwrap();
    assert!(Store::open(Some(&file.0)).err().unwrap().contains("another program"));
    std::fs::write(&file.0, "no database at all, but long enough to be looked at as one").unwrap();
    assert!(Store::open(Some(&file.0)).is_err());
    let newer = File::new("newer");
    drop(Store::open(Some(&newer.0)).unwrap());
    let tampered = Connection::open(&newer.0).unwrap();
    tampered.pragma_update(None, "user_version", VERSION + 1).unwrap();
    assert!(Store::open(Some(&newer.0)).err().unwrap().contains("of form 3"));
}

#[test]
fn a_file_of_the_form_before_is_read_and_keeps_all_it_has() {
    let file = File::new("form-1");
    let before = Connection::open(&file.0).unwrap();
    let column = "        attestation_trusted INTEGER NOT NULL DEFAULT 0,\n";
    assert!(TABLES.contains(column));
    before.execute_batch(&TABLES.replace(column, "")).unwrap();
    before.pragma_update(None, "application_id", APPLICATION).unwrap();
    before.pragma_update(None, "user_version", 1).unwrap();
    let id = make(&before, &RpLimits::default(), &account("jo", 1)).unwrap();
    let key = "INSERT INTO keys (account, credential, name, record, added, backup_eligible,
        backed_up, attestation) VALUES (?1, 'id', 'phone', x'00', 7, 0, 0, 'packed')";
    before.execute(key, [id]).unwrap();
    drop(before);
    for _ in 0..2 {
        let store = Store::open(Some(&file.0)).unwrap();
        let db = store.0.lock().unwrap();
        let kept = keys::of_account(&db, id).unwrap();
        assert_eq!((kept.len(), kept[0].entry.name.as_str()), (1, "phone"));
        assert!(!kept[0].entry.attestation_trusted, "nobody judged it");
    }
}

#[test]
fn a_database_that_is_full_or_read_only_says_so_and_keeps_what_it_has() {
    let db = in_memory();
    make(&db, &RpLimits::default(), &account("first", 1)).unwrap();

    db.pragma_update(None, "query_only", true).unwrap();
    let error = make(&db, &RpLimits::default(), &account("second", 2)).unwrap_err();
    assert_eq!(error.code, ErrorCode::StorageReadOnly);
    db.pragma_update(None, "query_only", false).unwrap();

    let pages: i64 = db.pragma_query_value(None, "page_count", |row| row.get(0)).unwrap();
    db.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(())).unwrap();
    let mut full = None;
    for byte in 2..=255 {
        if let Err(error) =
            make(&db, &RpLimits::default(), &account(&"x".repeat(usize::from(byte)), byte))
        {
            full = Some(error.code);
            break;
        }
    }
    assert_eq!(full, Some(ErrorCode::StorageFull));
    assert!(by_name(&db, "first").unwrap().is_some());
    assert!(all(&db).unwrap().len() > 1);
}

#[test]
fn a_database_that_somebody_holds_says_so() {
    let file = File::new("held");
    let store = Store::open(Some(&file.0)).unwrap();
    let db = store.0.lock().unwrap();
    db.busy_timeout(Duration::ZERO).unwrap();
    let mut other = Connection::open(&file.0).unwrap();
    let held = other.transaction_with_behavior(TransactionBehavior::Exclusive).unwrap();
    let error = make(&db, &RpLimits::default(), &account("jo", 1)).unwrap_err();
    assert_eq!(error.code, ErrorCode::StorageBusy);
    drop(held);
    make(&db, &RpLimits::default(), &account("jo", 1)).unwrap();
}

#[test]
fn a_session_ends_by_itself_and_is_not_believed_from_the_future() {
    let db = in_memory();
    let id = make(&db, &RpLimits::default(), &account("jo", 1)).unwrap();
    let token = [7; 32];
    sessions::begin(&db, &token, id, How::Key, 1_000_000).unwrap();
    assert!(sessions::find(&db, &token, 1_000_000 + IDLE - 1).unwrap().is_some());
    // Seen then, so that it goes on from there.
    assert!(sessions::find(&db, &token, 1_000_000 + 2 * IDLE - 2).unwrap().is_some());
    assert!(sessions::find(&db, &token, 1_000_000).unwrap().is_none(), "the clock went back");

    sessions::begin(&db, &token, id, How::Key, 2_000_000).unwrap();
    assert!(sessions::find(&db, &token, 2_000_000 + IDLE).unwrap().is_none());
    assert!(sessions::find(&db, &token, 2_000_000 + 1).unwrap().is_none(), "ended for good");
}
