//! Passkeys that another device of the circle wrote, with any content, on their way into a store;
//! and any bytes as what a store keeps of its own device.
//!
//! An input is a row of pieces: a kind, two bytes of length, and the piece. What is fixed of a
//! passkey (kind 1) begins one; its names (2) and what its site keeps (3) are written to it. Kind 4
//! deletes one. Kind 0 is what is kept of the device.

use std::{cell::RefCell, convert::Infallible, io};

use towline_authenticator::{Credential, CredentialStore as _, Work};
use towline_crypto::{CryptoProvider, Secret, rustcrypto};
use towline_crypto_test::fake;
use towline_store::{KeySource, Store};
use towline_sync::{Circle, CircleConfig, CircleStore, Content, Moment, Register, StoreName};
use towline_synced::{SyncedError, SyncedStore};
use towline_testkit::Disk;

use crate::circle::{Objects, begin, drain, keys, moment};

/// What came of an input.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// The passkeys in the store at the end.
    pub stored: usize,
    /// The passkeys of the circle that are in no store of this version.
    pub unreadable: usize,
    /// How often what was kept of the device could be used, and could not.
    pub devices: [usize; 2],
}

/// The store between the devices.
struct Remote(RefCell<Objects>);

impl CircleStore for Remote {
    type Error = Infallible;

    fn list(&self) -> Result<Vec<String>, Infallible> {
        Ok(self.0.borrow().keys().map(ToString::to_string).collect())
    }

    fn get(&self, name: StoreName) -> Result<Option<Vec<u8>>, Infallible> {
        Ok(self.0.borrow().get(&name).cloned())
    }

    fn put(&self, name: StoreName, bytes: &[u8]) -> Result<(), Infallible> {
        self.0.borrow_mut().insert(name, bytes.to_vec());
        Ok(())
    }

    fn delete(&self, name: StoreName) -> Result<(), Infallible> {
        self.0.borrow_mut().remove(&name);
        Ok(())
    }
}

/// Runs an input.
pub fn run(input: &[u8]) -> Outcome {
    let (crypto, config) = (fake::provider(1), CircleConfig::default());
    let (mut circle, mut objects, mut kept) = begin();
    circle.look_now(moment(1));
    circle.handle_timeout(moment(1));
    // Nothing was changed, but what is in the store has been looked at.
    drain(&mut circle, &mut objects, &mut kept, moment(1));
    let mut outcome = Outcome::default();
    let mut other =
        Circle::restore(fake::provider(3), config, keys(), &kept, moment(1)).expect("it was kept");
    let (mut devices, mut record) = (Vec::new(), 0_u8);
    let mut rest = input;
    while let Some((head, after)) = rest.split_first_chunk::<3>() {
        let [kind, high, low] = *head;
        let length = usize::from(u16::from_be_bytes([high, low])).min(after.len());
        let (piece, after) = after.split_at(length);
        rest = after;
        let content = Content::new(piece.to_vec());
        match kind {
            0 => devices.push(piece),
            1 => {
                record = record.wrapping_add(1);
                other.make([record; 16], &content, &content, moment(2)).expect("it is random");
            }
            2 => drop(other.write([record; 16], Register::Names, &content, moment(2))),
            3 => drop(other.write([record; 16], Register::LargeBlob, &content, moment(2))),
            _ => drop(other.bury([record; 16], moment(2))),
        }
    }
    other.handle_timeout(moment(3));
    drain(&mut other, &mut objects, &mut kept, moment(3));

    let remote = Remote(RefCell::new(objects));
    let mut store = new_store(&rustcrypto::provider());
    let circle = Circle::join(crypto.clone(), config, keys(), &circle.welcome(), moment(4))
        .expect("it is a member");
    let synced =
        SyncedStore::begin(store.clone(), crypto.clone(), &keys(), circle, "here", moment(4));
    let mut synced = synced.expect("a store in memory keeps it");
    turn(&mut synced, &remote, moment(5));
    // What came in is nothing new to tell.
    let settled = synced.circle().state().to_bytes();
    turn(&mut synced, &remote, moment(6));
    assert_eq!(synced.circle().state().to_bytes(), settled);
    outcome.unreadable = synced.unreadable();
    let credentials = all(&mut store);
    outcome.stored = credentials.len();
    for credential in credentials {
        assert!(credential.backup_eligible && credential.never_counts);
        let again = Credential::from_bytes(&credential.to_bytes());
        assert_eq!(again.as_ref(), Ok(&credential));
    }
    drop(synced);
    for device in devices {
        store.begin_circle(device, kept.clone().into_iter()).expect("a store in memory keeps it");
        match SyncedStore::open(store.clone(), crypto.clone(), config, moment(7)) {
            Ok(opened) => {
                let mut synced = opened.expect("it belongs to the circle");
                turn(&mut synced, &remote, moment(8));
                outcome.devices[0] += 1;
            }
            Err(SyncedError::Device | SyncedError::Circle(_)) => outcome.devices[1] += 1,
            Err(error) => panic!("{error}"),
        }
    }
    outcome
}

fn turn(synced: &mut SyncedStore, remote: &Remote, now: Moment) {
    synced.circle_mut().look_now(now);
    let turn = synced.turn(remote, || now).expect("a store in memory keeps it");
    assert_eq!(turn.failed, None);
}

fn new_store(provider: &CryptoProvider) -> Store {
    let source = KeySource::Key(Secret::new([7; 32]));
    Store::create_on(Disk::new(io::ErrorKind::Other), &source, provider).expect("it is in memory")
}

fn all(store: &mut Store) -> Vec<Credential> {
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let page = match store.all(after, 64) {
            Work::Done(page) => page,
            Work::Later(run) => run(),
        };
        let page = page.expect("it is in memory");
        all.extend(page.credentials);
        after = Some(match page.end {
            Some(end) => end,
            None => return all,
        });
    }
}
