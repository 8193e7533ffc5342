//! Whatever happens to the store, it answers as a plain list would.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use std::{
    collections::BTreeMap,
    hash::{BuildHasher, Hasher, RandomState},
};

use proptest::{collection::vec, option, prelude::*};
use towline_crypto::Secret;
use towline_ctap::{
    CredentialId, LargeBlobKey, Rp, RpId, User, UserHandle,
    extension::{CredentialProtectionPolicy, LargeBlob},
};
use zeroize::Zeroizing;

use super::content::Content;
use crate::{
    Became, Capacity, Change, Counter, CredRandom, Credential, Cursor, ExtensionData, Feed,
    FeedCursor, KeyHandle, LargeBlobPlace, Page, Query, Record, RelyingParties, Replaces,
    StoreError, UnixTime,
};

/// Hashes of one bit: nearly all keys collide.
#[derive(Default)]
struct OneBit;

impl BuildHasher for OneBit {
    type Hasher = OneBitHasher;

    fn build_hasher(&self) -> OneBitHasher {
        OneBitHasher(0)
    }
}

struct OneBitHasher(u64);

impl Hasher for OneBitHasher {
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.0 ^= u64::from(byte & 1));
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// A store as one would write it without a thought for memory or time.
#[derive(Clone, Default)]
struct Model {
    /// The oldest first, each with its age and its counter.
    credentials: Vec<(Credential, u64, u32)>,
    records: BTreeMap<Record, Zeroizing<Vec<u8>>>,
    counter: u32,
    limit: Option<usize>,
}

impl Model {
    fn commit(&mut self, changes: &[Change]) -> Result<(), StoreError> {
        let mut after = self.clone();
        changes.iter().try_for_each(|change| after.make(change))?;
        if after.limit.is_some_and(|limit| after.credentials.len() > limit) {
            return Err(StoreError::Full);
        }
        *self = after;
        Ok(())
    }

    fn make(&mut self, change: &Change) -> Result<(), StoreError> {
        match change {
            Change::Save { credential: new, replaces } => {
                self.credentials.retain(|(old, ..)| {
                    let same_account = old.rp_id == new.rp_id && old.user.id == new.user.id;
                    let both = old.discoverable && new.discoverable;
                    let same_algorithm = old.key.algorithm() == new.key.algorithm();
                    let account_taken = same_account
                        && both
                        && match replaces {
                            Replaces::Account => true,
                            Replaces::AccountAndAlgorithm => same_algorithm,
                            Replaces::Nothing => false,
                        };
                    old.id != new.id && !account_taken
                });
                let age = self.credentials.last().map_or(0, |(_, age, _)| age + 1);
                self.credentials.push(((**new).clone(), age, 0));
            }
            Change::Remove(id) => self.credentials.retain(|(old, ..)| old.id != *id),
            Change::Rename { id, user, .. } => {
                let found = self.credentials.iter_mut().find(|(old, ..)| old.id == *id);
                let (credential, ..) = found.ok_or(StoreError::NotFound)?;
                credential.user.name.clone_from(&user.name);
                credential.user.display_name.clone_from(&user.display_name);
                credential.revision += 1;
            }
            Change::SetExtensionData { id, data, .. } => {
                let found = self.credentials.iter_mut().find(|(old, ..)| old.id == *id);
                let (credential, ..) = found.ok_or(StoreError::NotFound)?;
                credential.extensions.clone_from(data);
                credential.revision += 1;
            }
            Change::Record { record, value: Some(value) } => {
                self.records.insert(*record, value.clone());
            }
            Change::Record { record, value: None } => {
                self.records.remove(record);
            }
            Change::NewRecord { record, value } => {
                self.records.entry(*record).or_insert_with(|| value.clone());
            }
        }
        Ok(())
    }

    fn count(&mut self, counter: &Counter) -> Result<u32, StoreError> {
        let value = match counter {
            Counter::Global => &mut self.counter,
            Counter::Of(id) => {
                let found = self.credentials.iter_mut().find(|(old, ..)| old.id == *id);
                &mut found.ok_or(StoreError::NotFound)?.2
            }
        };
        *value += 1;
        Ok(*value)
    }

    fn list(&self) -> Vec<Credential> {
        self.credentials.iter().map(|(credential, ..)| credential.clone()).collect()
    }

    fn copy(&self) -> BTreeMap<CredentialId, Credential> {
        self.list().into_iter().map(|it| (it.id.clone(), without_use(it))).collect()
    }

    /// The discoverable ones of an RP ID, newest first.
    fn discoverable(&self, rp_id: &RpId, verified: bool) -> Vec<Credential> {
        let open = CredentialProtectionPolicy::UserVerificationOptional;
        let mut all = self.list();
        all.retain(|c| c.discoverable && c.rp_id == *rp_id && (verified || c.protection == open));
        all.reverse();
        all
    }
}

fn id(number: u8) -> CredentialId {
    CredentialId::new(&[number]).unwrap()
}

fn rp_id(number: u8) -> RpId {
    RpId::new(&format!("{number}.example")).unwrap()
}

fn handle(number: u8) -> UserHandle {
    UserHandle::new(&[number; 2]).unwrap()
}

const IDS: std::ops::Range<u8> = 0..12;
const RP_IDS: std::ops::Range<u8> = 0..3;
const USERS: std::ops::Range<u8> = 0..4;

fn name() -> impl Strategy<Value = Option<String>> {
    option::of("[a-zé]{0,4}")
}

fn user() -> impl Strategy<Value = User> {
    (USERS, name(), name()).prop_map(|(user, name, display_name)| User {
        id: handle(user),
        name,
        display_name,
    })
}

fn place() -> impl Strategy<Value = LargeBlobPlace> {
    let blob = (vec(any::<u8>(), 0..300), any::<u64>());
    option::of(blob).prop_map(|blob| match blob {
        None => LargeBlobPlace::Empty,
        Some((compressed, original_size)) => {
            LargeBlobPlace::Holds(Box::new(LargeBlob { compressed, original_size }))
        }
    })
}

fn extensions() -> impl Strategy<Value = ExtensionData> {
    let blob = option::of(vec(any::<u8>(), 0..300));
    let secret = || option::of(any::<[u8; 32]>());
    let random = option::of(any::<([u8; 32], Option<[u8; 32]>)>().prop_map(|(one, other)| {
        let (one, other) = (Secret::new(one), other.map(Secret::new));
        match other {
            None => CredRandom::Derived(one),
            Some(without_uv) => CredRandom::Pair { with_uv: one, without_uv },
        }
    }));
    let parts = (random, blob, secret(), option::of(place()), any::<bool>());
    parts.prop_map(|(cred_random, blob, key, large_blob, payment)| ExtensionData {
        cred_random,
        cred_blob: blob.map(Into::into),
        large_blob_key: key.map(|key| LargeBlobKey::new(Secret::new(key))),
        large_blob,
        third_party_payment: payment,
    })
}

fn credential() -> impl Strategy<Value = Credential> {
    let key = (prop_oneof![Just(-7), Just(-49), any::<i64>()], vec(any::<u8>(), 0..200));
    let key = key.prop_map(|(alg, key)| KeyHandle::new(alg, Zeroizing::new(key.into())));
    let flags = (prop::bool::weighted(0.8), any::<bool>(), 1..4_u64);
    let time = || option::of(any::<i64>().prop_map(UnixTime));
    let foreign = option::of(vec(any::<u8>(), 0..50).prop_map(Into::into));
    let history = (any::<bool>(), time(), time(), time(), 0..u64::MAX / 2, foreign);
    let parts = (IDS, RP_IDS, name(), user(), key, option::of(extensions()), flags, history);
    parts.prop_map(|(number, rp, rp_name, user, key, extensions, flags, history)| {
        let (discoverable, backup_eligible, level) = flags;
        let (never_counts, made, changed, used, revision, foreign) = history;
        Credential {
            rp_name,
            discoverable,
            protection: CredentialProtectionPolicy::from_level(level).unwrap(),
            backup_eligible,
            extensions: extensions.map(Box::new),
            never_counts,
            made,
            changed,
            used,
            revision,
            foreign,
            ..Credential::new(id(number), rp_id(rp), user, key)
        }
    })
}

fn replaces() -> impl Strategy<Value = Replaces> {
    prop_oneof![
        3 => Just(Replaces::Account),
        1 => Just(Replaces::AccountAndAlgorithm),
        1 => Just(Replaces::Nothing),
    ]
}

fn change() -> impl Strategy<Value = Change> {
    let bytes = || vec(any::<u8>(), 0..4).prop_map(Zeroizing::new);
    let value = option::of(bytes());
    prop_oneof![
        6 => (credential(), replaces()).prop_map(|(credential, replaces)| Change::Save {
            credential: Box::new(credential),
            replaces,
        }),
        3 => IDS.prop_map(|number| Change::Remove(id(number))),
        2 => (IDS, user()).prop_map(|(number, user)| Change::Rename {
            id: id(number),
            user,
            at: None,
        }),
        2 => (IDS, option::of(extensions())).prop_map(|(number, data)| Change::SetExtensionData {
            id: id(number),
            data: data.map(Box::new),
            at: None,
        }),
        1 => value.prop_map(|value| Change::Record { record: Record::UvRetries, value }),
        1 => bytes().prop_map(|value| Change::NewRecord { record: Record::UvRetries, value }),
    ]
}

#[derive(Debug, Clone)]
enum Step {
    Commit(Vec<Change>),
    Count(Option<u8>),
    Used(u8, i64),
    Clear,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        20 => vec(change(), 1..5).prop_map(Step::Commit),
        5 => option::of(IDS).prop_map(Step::Count),
        3 => (IDS, any::<i64>()).prop_map(|(id, at)| Step::Used(id, at)),
        1 => Just(Step::Clear),
    ];
    vec(step, 0..60)
}

/// Takes the steps on both and compares all that can be seen, after each of them.
fn agree<S: BuildHasher + Default>(limit: Option<usize>, steps: Vec<Step>) {
    let mut store = limit.map_or_else(Content::<S>::default, Content::with_limit);
    let mut model = Model { limit, ..Model::default() };
    let mut copy = Copy::default();
    for step in steps {
        match step {
            Step::Commit(changes) => {
                assert_eq!(model.commit(&changes), store.commit(changes));
            }
            Step::Count(number) => {
                let counter = number.map_or(Counter::Global, |number| Counter::Of(id(number)));
                assert_eq!(store.count(&counter), model.count(&counter));
            }
            Step::Used(number, at) => {
                store.used(&id(number), UnixTime(at));
                let found = model.credentials.iter_mut().find(|(old, ..)| old.id == id(number));
                if let Some((credential, ..)) = found {
                    credential.used = Some(UnixTime(at));
                }
            }
            Step::Clear => {
                store.clear();
                model = Model { limit, counter: model.counter, ..Model::default() };
            }
        }
        compare(&store, &model);
        copy.follow(&store);
        assert_eq!(copy.credentials, model.copy());
    }
}

/// Somebody who follows the feed of changes.
#[derive(Default)]
struct Copy {
    credentials: BTreeMap<CredentialId, Credential>,
    after: Option<FeedCursor>,
}

impl Copy {
    fn follow<S: BuildHasher + Default>(&mut self, store: &Content<S>) {
        loop {
            match store.changes(self.after, 1) {
                Feed::StartOver { from } => {
                    self.after = Some(from);
                    let all = store.credentials().into_iter().map(without_use);
                    self.credentials = all.map(|it| (it.id.clone(), it)).collect();
                }
                Feed::Since { changes, end } => {
                    if changes.is_empty() {
                        assert_eq!(Some(end), self.after);
                        return;
                    }
                    for change in changes {
                        let now = store.credential(&change.id).map(without_use);
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

/// Use is no change.
fn without_use(credential: Credential) -> Credential {
    Credential { used: None, ..credential }
}

fn compare<S: BuildHasher + Default>(store: &Content<S>, model: &Model) {
    assert_eq!(store.credentials(), model.list());
    assert_eq!(store.len(), model.credentials.len());
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let page = store.all(after, 2);
        assert_eq!(page.total, model.credentials.len());
        if page.credentials.is_empty() {
            break;
        }
        all.extend(page.credentials);
        after = page.end;
    }
    all.reverse();
    assert_eq!(all, model.list());
    assert_eq!(store.record(Record::UvRetries), model.records.get(&Record::UvRetries).cloned());
    let discoverable = model.list().iter().filter(|c| c.discoverable).count();
    // Without a limit of its own there is room for as many as clients can count.
    let remaining = Some(model.limit.unwrap_or(0x7fff_ffff) - model.credentials.len());
    assert_eq!(store.capacity(), Capacity { discoverable, remaining });
    for number in IDS {
        let expected = model.list().into_iter().find(|c| c.id == id(number));
        assert_eq!(store.credential(&id(number)), expected);
    }
    let all: Vec<CredentialId> = IDS.map(id).collect();
    let mut parties = Vec::new();
    for rp in RP_IDS.map(rp_id) {
        let mut listed = model.list();
        listed.retain(|c| c.rp_id == rp);
        listed.sort_by(|a, b| a.id.cmp(&b.id));
        assert_eq!(store.find(&rp, &all), listed);
        for verified in [false, true] {
            let expected = model.discoverable(&rp, verified);
            assert_eq!(page_by_page(store, &rp, verified, expected.len()), expected);
        }
        let all = model.discoverable(&rp, true);
        for user in USERS.map(handle) {
            let expected: Vec<_> = all.iter().filter(|c| c.user.id == user).cloned().collect();
            assert_eq!(store.account(&rp, &user), expected);
        }
        parties.extend(all.first().map(|c| Rp { id: rp, name: c.rp_name.clone() }));
    }
    for after in 0..=parties.len() {
        let (before, rest) = parties.split_at(after);
        let expected = RelyingParties { total: parties.len(), parties: rest.to_vec() };
        assert_eq!(store.relying_parties(before.last().map(|rp| &rp.id), 9), expected);
    }
}

fn page_by_page<S: BuildHasher + Default>(
    store: &Content<S>,
    rp_id: &RpId,
    verified: bool,
    total: usize,
) -> Vec<Credential> {
    let mut query = Query { rp_id: rp_id.clone(), verified, after: None, limit: 2 };
    let mut seen = Vec::new();
    loop {
        let Page { total: told, credentials, end } = store.page(&query);
        if credentials.is_empty() {
            return seen;
        }
        assert_eq!(told, total);
        seen.extend(credentials);
        query.after = end;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn any_sequence_of_changes_leaves_what_a_plain_list_would_have(
        limit in option::of(0..8_usize),
        steps in steps(),
    ) {
        agree::<RandomState>(limit, steps);
    }

    #[test]
    fn keys_whose_hashes_collide_are_told_apart(
        limit in option::of(0..8_usize),
        steps in steps(),
    ) {
        agree::<OneBit>(limit, steps);
    }

    #[test]
    fn a_credential_is_the_same_after_it_was_kept(credential in credential()) {
        let mut store = Content::<RandomState>::default();
        let change = Change::Save { credential: Box::new(credential.clone()), replaces: Replaces::Account };
        store.commit(vec![change]).unwrap();
        prop_assert_eq!(store.credentials(), [credential]);
    }
}

fn saved(number: u32) -> Change {
    let user = UserHandle::new(&number.to_be_bytes()).unwrap();
    let user = User { id: user, name: None, display_name: None };
    let id = CredentialId::new(&number.to_be_bytes()).unwrap();
    let key = KeyHandle::new(-7, Zeroizing::new([7; 32].into()));
    let credential = Credential { discoverable: true, ..Credential::new(id, rp_id(0), user, key) };
    Change::Save { credential: Box::new(credential), replaces: Replaces::Account }
}

#[test]
fn a_page_goes_on_where_a_credential_was_removed() {
    let mut store = Content::<RandomState>::default();
    store.commit((0..5).map(saved).collect()).unwrap();
    let mut query = Query { rp_id: rp_id(0), verified: true, after: None, limit: 2 };
    let page = store.page(&query);
    store.commit(vec![Change::Remove(page.credentials[1].id.clone())]).unwrap();
    query.after = page.end;
    let rest = store.page(&query).credentials;
    assert_eq!(rest.iter().map(|c| c.id.as_bytes()[3]).collect::<Vec<_>>(), [2, 1]);
}

#[test]
fn a_place_in_the_list_is_not_given_out_again() {
    let mut store = Content::<RandomState>::default();
    store.commit(vec![saved(1)]).unwrap();
    let query = Query { rp_id: rp_id(0), verified: true, after: None, limit: 1 };
    let Some(Cursor(before)) = store.page(&query).end else { unreachable!() };
    store.clear();
    store.commit(vec![saved(1)]).unwrap();
    assert!(store.page(&query).end > Some(Cursor(before)));
}

#[test]
fn the_relying_party_after_one_that_is_gone_is_found() {
    let mut store = Content::<RandomState>::default();
    store.commit(vec![saved(1)]).unwrap();
    let gone = RpId::new("0.e").unwrap();
    assert_eq!(store.relying_parties(Some(&gone), 1).parties.len(), 1);
    assert!(store.relying_parties(Some(&rp_id(0)), 1).parties.is_empty());
}

#[test]
fn a_slot_that_was_freed_is_used_again() {
    let mut store = Content::<RandomState>::default();
    store.commit((0..100).map(saved).collect()).unwrap();
    let slots = store.slot_count();
    for number in 0..1000 {
        let remove = Change::Remove(CredentialId::new(&u32::to_be_bytes(number)).unwrap());
        store.commit(vec![remove, saved(number + 100)]).unwrap();
    }
    assert_eq!((store.len(), store.slot_count()), (100, slots));
}
