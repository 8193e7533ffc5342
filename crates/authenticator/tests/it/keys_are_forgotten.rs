//! Keys that a key store holds itself go after their credentials, whatever fails, and none is lost
//! sight of.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};

use crate::rig::{commands::*, platform::Platform, *};
use towline_authenticator::{
    AttestationFormat, BackupState, Config, CredentialStore, Custody, KeyError, KeyHandle,
    KeyStore, MemoryStore, NewKey, Record, ResetTime, SoftwareKeys, Work,
};
use towline_ctap::{
    CosePublicKey, CredentialManagementSubcommand as Sub, Flags, Permissions, Request, Status,
};

/// A token with slots: it holds the keys, and handles are the numbers of slots.
#[derive(Clone)]
struct Slots(Arc<Mutex<Content>>, Arc<Switches>);

struct Content {
    keys: SoftwareKeys,
    slots: BTreeMap<u8, KeyHandle>,
    next: u8,
}

#[derive(Default)]
struct Switches {
    fails: AtomicBool,
    /// It reuses slots, and says that it could not delete a key that it has deleted.
    lies: AtomicBool,
    is_slow: AtomicBool,
}

impl Slots {
    fn new() -> Self {
        let keys = SoftwareKeys::new(towline_crypto::rustcrypto::provider());
        let content = Content { keys, slots: BTreeMap::new(), next: 0 };
        Self(Arc::new(Mutex::new(content)), Arc::default())
    }

    fn failing(&self, fails: bool) {
        self.1.fails.store(fails, Relaxed);
    }

    fn slow(&self, is_slow: bool) {
        self.1.is_slow.store(is_slow, Relaxed);
    }

    fn taken(&self) -> Vec<u8> {
        self.0.lock().unwrap().slots.keys().copied().collect()
    }

    fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Content) -> Result<T, KeyError> + Send + 'static,
    ) -> Work<T, KeyError> {
        let (this, fails) = (self.clone(), self.1.fails.load(Relaxed));
        let run = move || {
            if fails {
                return Err(KeyError::Unavailable("told to".into()));
            }
            work(&mut this.0.lock().unwrap())
        };
        if self.1.is_slow.load(Relaxed) { Work::later(run) } else { run().into() }
    }
}

fn done<T, E>(work: Work<T, E>) -> Result<T, E> {
    match work {
        Work::Done(result) => result,
        Work::Later(run) => run(),
    }
}

impl KeyStore for Slots {
    fn algorithms(&self) -> Vec<i64> {
        self.0.lock().unwrap().keys.algorithms()
    }

    fn generate(&mut self, algorithm: i64) -> Work<NewKey, KeyError> {
        let this = self.clone();
        Work::later(move || {
            let content = &mut *this.0.lock().unwrap();
            let NewKey { handle, public_key } = done(content.keys.generate(algorithm))?;
            let free = (0..).find(|slot| !content.slots.contains_key(slot));
            let lies = this.1.lies.load(Relaxed);
            let slot = free.filter(|_| lies).unwrap_or(content.next);
            content.next += 1;
            content.slots.insert(slot, handle);
            let handle = KeyHandle::new(algorithm, zeroize::Zeroizing::new([slot].into()));
            Ok(NewKey { handle, public_key })
        })
    }

    fn sign(&mut self, key: &KeyHandle, parts: &[&[u8]]) -> Work<Vec<u8>, KeyError> {
        let content = &mut *self.0.lock().unwrap();
        match content.slots.get(&key.expose()[0]) {
            Some(held) => content.keys.sign(held, parts),
            None => Work::failed(KeyError::InvalidKey),
        }
    }

    fn public_key(&mut self, key: &KeyHandle) -> Work<CosePublicKey, KeyError> {
        let content = &mut *self.0.lock().unwrap();
        match content.slots.get(&key.expose()[0]) {
            Some(held) => content.keys.public_key(held),
            None => Work::failed(KeyError::InvalidKey),
        }
    }

    fn custody(&self, _: &KeyHandle) -> Custody {
        Custody::Held
    }

    fn forget(&mut self, key: &KeyHandle) -> Work<(), KeyError> {
        let slot = key.expose()[0];
        let lies = self.1.lies.load(Relaxed);
        self.work(move |content| {
            content.slots.remove(&slot);
            if lies { Err(KeyError::Unavailable("told to".into())) } else { Ok(()) }
        })
    }

    fn clear(&mut self) -> Work<(), KeyError> {
        self.work(|content| {
            content.slots.clear();
            Ok(())
        })
    }
}

fn config() -> Config {
    let mut config = storing();
    config.reset.when = ResetTime::Always;
    config.attestation.formats = vec![AttestationFormat::None];
    config
}

fn rig_of(slots: &Slots, store: &MemoryStore) -> Rig {
    let provider = towline_crypto::rustcrypto::provider();
    Rig::with(config(), provider, store.clone(), store.clone(), slots.clone())
}

fn rig() -> (Rig, Slots) {
    let slots = Slots::new();
    let mut rig = rig_of(&slots, &MemoryStore::new());
    Platform::agree(&mut rig, 2).set_pin(&mut rig, PIN).unwrap();
    (rig, slots)
}

fn passkey(rig: &mut Rig, name: &str) -> Result<towline_ctap::CredentialId, Status> {
    let mut request = creation("example.org", name);
    request.options.rk = Some(true);
    let token = token(rig, Permissions::MC, Some("example.org"));
    token.authorize(rig, &mut request);
    rig.create(&request).map(|response| made(&response).0)
}

fn delete(rig: &mut Rig, id: &towline_ctap::CredentialId) -> Result<(), Status> {
    let token = token(rig, Permissions::CM, None);
    manage(rig, Some(&token), Sub::DeleteCredential(id.clone())).map(drop)
}

/// Each stored credential has its key; gives how many credentials there are.
fn sound(rig: &Rig, slots: &Slots) -> usize {
    let taken = slots.taken();
    let all = rig.store.credentials();
    assert!(all.iter().all(|credential| taken.contains(&credential.key.expose()[0])));
    all.len()
}

fn is_listed(rig: &Rig) -> bool {
    done(rig.store.clone().record(Record::UnneededKeys)).unwrap().is_some()
}

#[test]
fn the_key_of_a_credential_that_is_deleted_goes_with_it() {
    for is_slow in [false, true] {
        let (mut rig, slots) = rig();
        slots.slow(is_slow);
        let ids = ["alice", "bob"].map(|name| passkey(&mut rig, name).unwrap());
        delete(&mut rig, &ids[0]).unwrap();
        assert_eq!((sound(&rig, &slots), slots.taken()), (1, vec![1]));
        assert!(!is_listed(&rig));
    }
}

#[test]
fn a_credential_is_deleted_though_its_key_is_not_and_that_is_tried_again() {
    for is_slow in [false, true] {
        let (mut rig, slots) = rig();
        slots.slow(is_slow);
        let ids = ["alice", "bob", "carol"].map(|name| passkey(&mut rig, name).unwrap());
        slots.failing(true);
        delete(&mut rig, &ids[0]).unwrap();
        assert_eq!((sound(&rig, &slots), slots.taken().len()), (2, 3));
        assert!(is_listed(&rig));
        delete(&mut rig, &ids[1]).unwrap();
        assert_eq!((sound(&rig, &slots), slots.taken().len()), (1, 3));
        slots.failing(false);
        delete(&mut rig, &ids[2]).unwrap();
        assert_eq!((sound(&rig, &slots), slots.taken().len()), (0, 0), "all three");
        assert!(!is_listed(&rig));
    }
}

#[test]
fn a_credential_is_replaced_though_the_key_before_is_not_deleted() {
    let (mut rig, slots) = rig();
    passkey(&mut rig, "alice").unwrap();
    slots.failing(true);
    let new = passkey(&mut rig, "alice").unwrap();
    assert_eq!((sound(&rig, &slots), slots.taken()), (1, vec![0, 1]));
    let mut request = assertion("example.org");
    request.allow_list = Some(listing(&new));
    rig.sign_in(&request).unwrap();
    // It is tried again after a restart.
    slots.failing(false);
    let mut rig = rig_of(&slots, &rig.store);
    rig.info();
    assert_eq!((sound(&rig, &slots), slots.taken()), (1, vec![1]));
    assert!(!is_listed(&rig));
}

#[test]
fn it_is_tried_again_after_a_restart_without_any_other_state_too() {
    let (slots, store) = (Slots::new(), MemoryStore::new());
    let rig_of = || {
        let provider = towline_crypto::rustcrypto::provider();
        Rig::with(Config::platform(), provider, store.clone(), store.clone(), slots.clone())
    };
    let mut rig = rig_of();
    rig.passkey("example.org", "alice");
    slots.failing(true);
    rig.passkey("example.org", "alice");
    assert_eq!((sound(&rig, &slots), slots.taken()), (1, vec![0, 1]));
    slots.failing(false);
    let mut rig = rig_of();
    rig.info();
    assert_eq!((sound(&rig, &slots), slots.taken()), (1, vec![1]));
    assert!(!is_listed(&rig));
}

#[test]
fn a_key_that_was_about_to_be_deleted_when_the_power_went_is_deleted_afterwards() {
    let (mut rig, slots) = rig();
    let id = passkey(&mut rig, "alice").unwrap();
    slots.slow(true);
    let token = token(&mut rig, Permissions::CM, None);
    rig.works = false;
    manage(&mut rig, Some(&token), Sub::DeleteCredential(id)).unwrap();
    assert_eq!(rig.jobs.len(), 1, "after the response");
    assert_eq!((sound(&rig, &slots), slots.taken()), (0, vec![0]));
    let mut rig = rig_of(&slots, &rig.store);
    rig.info();
    assert_eq!(slots.taken(), [0; 0]);
    assert!(!is_listed(&rig));
}

#[test]
fn the_next_request_waits_until_the_key_is_deleted() {
    let (mut rig, slots) = rig();
    let id = passkey(&mut rig, "alice").unwrap();
    slots.slow(true);
    let token = token(&mut rig, Permissions::CM, None);
    rig.works = false;
    manage(&mut rig, Some(&token), Sub::DeleteCredential(id)).unwrap();
    rig.send(HOME, &Request::GetInfo.encode());
    assert!(rig.responses.is_empty());
    rig.work();
    assert_eq!(rig.status(), Status::Ok);
    assert_eq!(slots.taken(), [0; 0]);
}

#[test]
fn a_key_that_was_made_for_nothing_is_not_lost_sight_of_either() {
    let (mut rig, slots) = rig();
    slots.failing(true);
    let mut request = creation("example.org", "alice");
    request.options.rk = Some(true);
    token(&mut rig, Permissions::MC, Some("example.org")).authorize(&rig, &mut request);
    rig.works = false;
    rig.send(HOME, &Request::from(request).encode());
    assert_eq!(rig.jobs.len(), 1, "the key is being made");
    rig.cancel(HOME);
    assert_eq!(rig.status(), Status::KeepaliveCancel);
    rig.works = true;
    rig.work();
    assert_eq!((sound(&rig, &slots), slots.taken()), (0, vec![0]));
    assert!(is_listed(&rig));
    slots.failing(false);
    let mut rig = rig_of(&slots, &rig.store);
    rig.info();
    assert_eq!(slots.taken(), [0; 0]);
    assert!(!is_listed(&rig));
}

#[test]
fn a_token_that_gives_a_handle_out_again_does_not_lose_the_new_key() {
    for is_slow in [false, true] {
        let (mut rig, slots) = rig();
        slots.slow(is_slow);
        slots.1.lies.store(true, Relaxed);
        let ids = ["alice", "bob"].map(|name| passkey(&mut rig, name).unwrap());
        delete(&mut rig, &ids[0]).unwrap();
        assert!(is_listed(&rig));
        passkey(&mut rig, "carol").unwrap();
        assert!(!is_listed(&rig));
        assert_eq!((sound(&rig, &slots), slots.taken()), (2, vec![0, 1]));
        delete(&mut rig, &ids[1]).unwrap();
        assert_eq!((sound(&rig, &slots), slots.taken()), (1, vec![0]));
        let mut rig = rig_of(&slots, &rig.store);
        rig.info();
        assert_eq!((sound(&rig, &slots), slots.taken()), (1, vec![0]));
    }
}

#[test]
fn keys_that_are_never_deleted_hold_nobody_up() {
    let (mut rig, slots) = rig();
    let ids: Vec<_> = (0..10).map(|n| passkey(&mut rig, &format!("user {n}")).unwrap()).collect();
    slots.slow(true);
    slots.failing(true);
    let (last, others) = ids.split_last().unwrap();
    others.iter().for_each(|id| delete(&mut rig, id).unwrap());
    let token = token(&mut rig, Permissions::CM, None);
    rig.works = false;
    manage(&mut rig, Some(&token), Sub::DeleteCredential(last.clone())).unwrap();
    rig.work();
    assert!(rig.jobs.is_empty(), "one of ten");
    // Each has its turn, and in the end none is left.
    slots.failing(false);
    rig.works = true;
    let id = passkey(&mut rig, "another").unwrap();
    delete(&mut rig, &id).unwrap();
    assert_eq!(slots.taken(), [0; 0]);
    assert!(!is_listed(&rig));
}

#[test]
fn a_key_that_was_made_for_nothing_is_listed_though_the_store_fails_twice() {
    // Whether the list can't be read at first, and what fails of the next request.
    for (unread, second) in (0..8).map(|case| (case > 3, case % 4)) {
        let slots = Slots::new();
        let provider = towline_crypto::rustcrypto::provider();
        let (memory, fuse) = (MemoryStore::new(), Fuse::default());
        let store = RiggedStore::fragile(memory.clone(), &fuse);
        let mut rig = Rig::with(Config::platform(), provider, memory, store, slots.clone());
        slots.failing(true);
        rig.works = false;
        fuse.blow_at(unread.then_some(0));
        rig.send(HOME, &Request::from(creation("example.org", "alice")).encode());
        rig.cancel(HOME);
        assert_eq!(rig.status(), Status::KeepaliveCancel);
        rig.works = true;
        fuse.blow_at(Some(0));
        rig.work();
        assert!(!is_listed(&rig));
        fuse.blow_at(Some(second));
        rig.info();
        fuse.blow_at(None);
        rig.info();
        assert!(is_listed(&rig), "{unread} {second}");
    }
}

#[test]
fn the_deletion_of_a_key_disturbs_no_sequence() {
    let (mut rig, slots) = rig();
    for name in ["alice", "bob"] {
        passkey(&mut rig, name).unwrap();
    }
    slots.slow(true);
    let mut request = creation("example.org", "carol");
    token(&mut rig, Permissions::MC, Some("example.org")).authorize(&rig, &mut request);
    rig.works = false;
    rig.send(HOME, &Request::from(request).encode());
    rig.cancel(HOME);
    assert_eq!(rig.status(), Status::KeepaliveCancel);
    rig.sign_in(&assertion("example.org")).unwrap();
    // The key of nobody is made, and then deleted.
    rig.work();
    rig.work();
    assert_eq!(slots.taken(), [0, 1]);
    rig.next().unwrap();
}

#[test]
fn a_reset_whose_keys_stay_is_told_as_failed_and_done_by_another() {
    let (mut rig, slots) = rig();
    passkey(&mut rig, "alice").unwrap();
    slots.failing(true);
    assert_eq!(rig.call(&Request::Reset), Err(Status::Other));
    assert_eq!((sound(&rig, &slots), slots.taken()), (0, vec![0]));
    assert_eq!(rig.info().options.client_pin, Some(false), "the PIN is gone, too");
    slots.failing(false);
    rig.call(&Request::Reset).unwrap();
    assert_eq!(slots.taken(), [0; 0]);
}

#[test]
fn a_credential_whose_key_cannot_move_is_not_made_to_be_backed_up() {
    let slots = Slots::new();
    let software = SoftwareKeys::new(towline_crypto::rustcrypto::provider());
    for (keys, eligible) in
        [(Box::new(slots) as Box<dyn KeyStore>, false), (Box::new(software), true)]
    {
        let provider = towline_crypto::rustcrypto::provider();
        let store = MemoryStore::new();
        let config = config().with_backup(BackupState::BackedUp);
        let mut rig = Rig::with(config, provider, store.clone(), store.clone(), keys);
        let response = rig.create(&creation("example.org", "alice")).unwrap();
        let flags = data(&response.auth_data).flags;
        assert_eq!(flags.contains(Flags::BE), eligible);
        assert_eq!(flags.contains(Flags::BS), eligible);
        assert_eq!(store.credentials()[0].backup_eligible, eligible);
    }
}
