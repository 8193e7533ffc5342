//! Places, credentials and keys for the tests.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use redb::{ReadableTable as _, TableDefinition};
use towline_authenticator::{
    Became, Change, Credential, CredentialStore, Feed, FeedCursor, KeyHandle, Query, Record,
    Replaces,
};
use towline_crypto::{CryptoProvider, Secret};
use towline_ctap::{
    CredentialId, RpId, User, UserHandle, extension::CredentialProtectionPolicy as Level,
};
use towline_store::{Error, KeySource, Store};
use towline_testkit::Directory;
pub(crate) use towline_testkit::rig::done;
use zeroize::Zeroizing;

pub(crate) fn provider() -> CryptoProvider {
    towline_crypto::rustcrypto::provider()
}

/// A directory of its own, which goes with the test.
pub(crate) struct Place(Directory);

impl Place {
    pub(crate) fn new() -> Self {
        Self(Directory::new("store"))
    }

    pub(crate) fn directory(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.0.file("passkeys.towline")
    }

    pub(crate) fn key_file(&self) -> KeySource {
        KeySource::KeyFile(self.0.file("passkeys.key"))
    }

    pub(crate) fn create(&self) -> Store {
        Store::create(&self.file(), &key(), &provider()).unwrap()
    }

    pub(crate) fn open(&self) -> Result<Store, Error> {
        Store::open(&self.file(), &key(), &provider())
    }
}

/// Somebody changes the file with the database's own means, checksums and all.
pub(crate) fn edit(place: &Place, edit: impl FnOnce(&redb::WriteTransaction)) {
    let database = redb::Database::open(place.file()).unwrap();
    let change = database.begin_write().unwrap();
    edit(&change);
    change.commit().unwrap();
}

/// A table of the newest format.
pub(crate) fn table(name: &str) -> TableDefinition<'_, &'static [u8], &'static [u8]> {
    TableDefinition::new(name)
}

/// The name of a table in the file.
pub(crate) fn in_file(name: &str) -> String {
    let format = match name {
        "accounts" | "changes" => 4,
        "circle" => 6,
        _ => 3,
    };
    format!("{format}.{name}")
}

/// A byte in the middle of what is sealed under this key is another one.
pub(crate) fn damage(place: &Place, of: &str, key: &[u8]) {
    edit(place, |change| {
        let name = in_file(of);
        let mut opened = change.open_table(table(&name)).unwrap();
        let mut bytes = opened.get(key).unwrap().unwrap().value().to_vec();
        // After the nonce, before the tag.
        bytes[12] ^= 1;
        opened.insert(key, &bytes[..]).unwrap();
    });
}

pub(crate) fn key() -> KeySource {
    KeySource::Key(Secret::new([7; 32]))
}

pub(crate) fn passphrase(text: &str) -> KeySource {
    KeySource::Passphrase(Zeroizing::new(text.to_owned()))
}

pub(crate) fn rp(id: &str) -> RpId {
    RpId::new(id).unwrap()
}

pub(crate) fn id(number: u8) -> CredentialId {
    CredentialId::new(&[number; 32]).unwrap()
}

pub(crate) fn credential(number: u8, site: &str, user: u8) -> Credential {
    let user = User {
        id: UserHandle::new(&[user]).unwrap(),
        name: Some(format!("user {user}")),
        display_name: None,
    };
    // Some are of another algorithm.
    let algorithm = if number % 5 == 3 { -49 } else { -7 };
    let key = KeyHandle::new(algorithm, Zeroizing::new([number; 32].into()));
    Credential {
        rp_name: Some(format!("{site}, as it was called for {number}")),
        discoverable: !number.is_multiple_of(4),
        protection: Level::from_level(u64::from(number % 3) + 1).unwrap(),
        ..Credential::new(id(number), rp(site), user, key)
    }
}

pub(crate) fn save(number: u8, site: &str, user: u8) -> Change {
    Change::Save {
        credential: Box::new(credential(number, site, user)),
        replaces: Replaces::Account,
    }
}

pub(crate) fn retries(value: u8) -> Change {
    Change::Record { record: Record::PinRetries, value: Some(Zeroizing::new(vec![value])) }
}

/// Somebody who follows the feed of changes.
#[derive(Default)]
pub(crate) struct Copy {
    credentials: BTreeMap<CredentialId, Credential>,
    after: Option<FeedCursor>,
}

impl Copy {
    /// Whether it had to start over.
    pub(crate) fn follow(&mut self, store: &mut dyn CredentialStore) -> bool {
        let mut started_over = false;
        loop {
            match done(store.changes(self.after, 1)).unwrap() {
                Feed::StartOver { from } => {
                    (self.after, started_over) = (Some(from), true);
                    self.credentials = all(store);
                }
                Feed::Since { changes, end } => {
                    if changes.is_empty() {
                        assert_eq!(Some(end), self.after);
                        assert_eq!(self.credentials, all(store));
                        return started_over;
                    }
                    for change in changes {
                        let now = done(store.lookup(&change.id)).unwrap();
                        let before = self.credentials.remove(&change.id);
                        assert_eq!(before.is_none(), change.what == Became::Made);
                        assert_eq!(now.is_none(), change.what == Became::Removed);
                        self.credentials.extend(now.map(|now| (change.id, now)));
                    }
                    self.after = Some(end);
                }
            }
        }
    }
}

fn all(store: &mut dyn CredentialStore) -> BTreeMap<CredentialId, Credential> {
    let all = done(store.all(None, usize::MAX)).unwrap().credentials;
    all.into_iter().map(|credential| (credential.id.clone(), credential)).collect()
}

/// Everything that can be asked, page by page. Stores list relying parties in orders of their own.
pub(crate) fn told(store: &mut dyn CredentialStore) -> String {
    let mut all = Vec::new();
    let parties = done(store.relying_parties(None, 100)).unwrap();
    assert_eq!(parties.total, parties.parties.len());
    let mut walked = Vec::new();
    while let [party] = &done(store.relying_parties(walked.last(), 1)).unwrap().parties[..] {
        walked.push(party.id.clone());
    }
    assert_eq!(walked, parties.parties.iter().map(|party| party.id.clone()).collect::<Vec<_>>());
    let mut named = parties.parties;
    named.sort_by(|a, b| a.id.cmp(&b.id));
    for party in &named {
        for verified in [true, false] {
            let mut after = None;
            loop {
                let query = Query { rp_id: party.id.clone(), verified, after, limit: 1 };
                let page = done(store.discoverable(&query)).unwrap();
                let Some(found) = page.credentials.first() else { break };
                let account = done(store.account(&party.id, &found.user.id)).unwrap();
                assert!(account.contains(found));
                all.push(format!("{:?}", account.iter().map(|c| &c.id).collect::<Vec<_>>()));
                all.push(format!("{} {verified} {found:?}", page.total));
                after = page.end;
            }
        }
    }
    let ids: Vec<_> = (0..20).map(id).collect();
    for id in &ids {
        all.push(format!("{:?}", done(store.lookup(id)).unwrap()));
    }
    for site in ["a.example", "b.example"] {
        all.push(format!("{:?}", done(store.find(&rp(site), &ids)).unwrap()));
    }
    all.push(format!("{named:?} {:?}", done(store.capacity()).unwrap().discoverable));
    for record in [Record::PinRetries, Record::Pin] {
        all.push(format!("{:?}", done(store.record(record)).unwrap()));
    }
    all.join("\n")
}
