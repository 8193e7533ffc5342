//! Passkeys go out and come back as they were; what may not leave stays, and is told.

use proptest::prelude::*;
use serde_json::json;
use towline_authenticator::{
    Change, CredRandom, Credential, CredentialStore as _, Custody, ExtensionData, LargeBlobPlace,
    MemoryStore, Replaces, UnixTime, Work,
};
use towline_crypto::Secret;
use towline_ctap::{
    CredentialId, LargeBlobArray, LargeBlobKey, LargeBlobMap, RpId, User, UserHandle,
    extension::{CredentialProtectionPolicy, LargeBlob},
};
use towline_exchange::{
    Candidate, Export, Import, ImportLimits, ItemOutcome, ItemReport, LeftOut, Missing, Plan,
    Written,
};

use crate::parts::{
    candidate, export, exporter, json, key, passkey, plan, plan_beside, provider, vector, words,
};

fn text() -> impl Strategy<Value = Option<String>> {
    proptest::option::of("\\PC{0,20}|[\"\\\\\u{0}-\u{1f}é😀]{0,6}")
}

prop_compose! {
    fn extensions()(
        seeds in proptest::option::of(any::<[[u8; 32]; 2]>()),
        blob in proptest::option::of(proptest::collection::vec(any::<u8>(), 0..=32)),
        large in proptest::option::of(proptest::option::of(
            (proptest::collection::vec(any::<u8>(), 0..=200), 0..=5000_u64))),
        key in proptest::option::of(any::<[u8; 32]>()),
        payment in any::<bool>(),
    ) -> ExtensionData {
        let mut data = ExtensionData::default();
        data.cred_random = seeds.map(|[with_uv, without_uv]| CredRandom::Pair {
            with_uv: Secret::new(with_uv),
            without_uv: Secret::new(without_uv),
        });
        data.cred_blob = blob.map(Into::into);
        data.large_blob = large.map(|blob| match blob {
            None => LargeBlobPlace::Empty,
            Some((compressed, original_size)) => {
                LargeBlobPlace::Holds(Box::new(LargeBlob { compressed, original_size }))
            }
        });
        data.large_blob_key = key.map(|key| LargeBlobKey::new(Secret::new(key)));
        data.third_party_payment = payment;
        data
    }
}

prop_compose! {
    fn any_passkey()(
        id in proptest::collection::vec(1..=255_u8, 1..=80),
        handle in proptest::collection::vec(any::<u8>(), 1..=64),
        (algorithm, seed) in (proptest::sample::select(vec![-7_i64, -8, -35]), 1..=254_u8),
        (name, display_name, rp_name) in (text(), text(), text()),
        rp_id in "[a-z0-9]([a-z0-9.-]{0,20}[a-z0-9])?",
        level in 1..=3_u64,
        discoverable in any::<bool>(),
        (made, changed) in any::<(Option<u32>, Option<u32>)>(),
        data in extensions(),
    ) -> Credential {
        let user = User { id: UserHandle::new(&handle).unwrap(), name, display_name };
        let id = CredentialId::new(&id).unwrap();
        let rp_id = RpId::new(&rp_id).unwrap();
        let mut credential = Credential::new(id, rp_id, user, key(algorithm, seed));
        credential.discoverable = discoverable;
        credential.protection = CredentialProtectionPolicy::from_level(level).unwrap();
        credential.backup_eligible = true;
        credential.never_counts = true;
        credential.rp_name = rp_name;
        credential.made = made.map(|time| UnixTime(time.into()));
        credential.changed = changed.map(|time| UnixTime(time.into()));
        let data = Some(Box::new(data));
        credential.extensions = data.filter(|data| **data != ExtensionData::default());
        credential
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_member_of_a_passkey_comes_back(credential in any_passkey()) {
        for document in [
            export(std::slice::from_ref(&credential)).document(),
            export(std::slice::from_ref(&credential)).account(),
        ] {
            let plan = plan(&document).unwrap();
            prop_assert_eq!(plan.credentials(), std::slice::from_ref(&credential));
            let data = credential.extensions.as_ref();
            let blob = data.and_then(|data| data.large_blob.as_ref()?.blob());
            let key = data.and_then(|data| data.large_blob_key.as_ref());
            let outcome = match (blob, key) {
                // It came out of the array of a security key, and does not go into that of another.
                (Some(_), Some(_)) => {
                    ItemOutcome::ImportedPartly(vec![Missing::LargeBlobUnreachable])
                }
                _ => ItemOutcome::Imported,
            };
            prop_assert_eq!(&plan.reports()[0].outcome, &outcome);
        }
    }
}

/// The document is the standard's, member by member and in its order.
#[test]
fn a_document_is_written_as_the_standard_has_it() {
    let mut credential = passkey(&[1, 2, 3], 7);
    credential.rp_name = Some("Example".into());
    credential.made = Some(UnixTime(1_780_000_000));
    let document = export(&[credential]).document();
    let text = str::from_utf8(&document).unwrap();
    assert!(text.ends_with("]}]}\n"), "{text}");
    let order = [
        "version",
        "major",
        "minor",
        "exporterRpId",
        "exporterDisplayName",
        "timestamp",
        "accounts",
        "id",
        "username",
        "email",
        "collections",
        "items",
        "id",
        "creationAt",
        "title",
        "credentials",
        "type",
        "credentialId",
        "rpId",
        "username",
        "userDisplayName",
        "userHandle",
        "key",
        "extensions",
    ];
    let mut rest = text;
    for name in order {
        let (_, after) = rest
            .split_once(&format!("\"{name}\":"))
            .unwrap_or_else(|| panic!("{name} is not there, or too early: {text}"));
        rest = after;
    }
    assert_eq!(json(&document)["accounts"][0]["items"][0]["title"], "Example");
}

#[test]
fn two_seeds_are_written_for_one_secret_and_give_the_same_values() {
    let mut credential = passkey(&[1], 7);
    let derived = CredRandom::Derived(Secret::new([5; 32]));
    let mut data = ExtensionData::default();
    data.cred_random = Some(derived.clone());
    credential.extensions = Some(Box::new(data));
    let back = plan(&export(&[credential]).document()).unwrap();
    let random = back.credentials()[0].extensions.clone().unwrap().cred_random.unwrap();
    assert!(matches!(random, CredRandom::Pair { .. }));
    for verified in [true, false] {
        let provider = provider();
        assert_eq!(random.secret(&provider, verified), derived.secret(&provider, verified));
    }
    assert_ne!(random.secret(&provider(), true), random.secret(&provider(), false));
}

#[test]
fn what_may_not_leave_stays_and_is_told() {
    let bound = Credential { backup_eligible: false, ..passkey(&[1], 1) };
    let counts = Credential { never_counts: false, ..passkey(&[2], 2) };
    let candidates = [
        candidate(bound),
        Candidate { counter: 1, ..candidate(counts.clone()) },
        Candidate { custody: Custody::Held, ..candidate(passkey(&[3], 3)) },
        Candidate { custody: Custody::Wrapped, ..candidate(passkey(&[4], 4)) },
        // It never counts, so what a store counted is of no matter.
        Candidate { counter: 9, ..candidate(passkey(&[5], 5)) },
        candidate(counts),
        candidate(Credential { key: key(-7, 0), ..passkey(&[6], 6) }),
    ];
    let export = Export::new(candidates, None, &exporter());
    let left_out: Vec<_> = export.reports().iter().map(|report| report.outcome.clone()).collect();
    assert_eq!(
        left_out,
        [
            Err(LeftOut::DeviceBound),
            Err(LeftOut::CounterNotZero),
            Err(LeftOut::KeyNotExportable),
            Err(LeftOut::KeyNotExportable),
            Ok(vec![]),
            Ok(vec![]),
            Err(LeftOut::KeyUnreadable),
        ]
    );
    assert_eq!(plan(&export.document()).unwrap().credentials().len(), 2);
}

#[test]
fn what_readers_will_not_keep_is_told() {
    let mut credential = passkey(&[1], 7);
    credential.protection = CredentialProtectionPolicy::UserVerificationRequired;
    credential.discoverable = false;
    let export = export(&[credential]);
    let notes = export.reports()[0].outcome.clone();
    assert_eq!(notes, Ok(vec![Written::ProtectionLostElsewhere, Written::FoundElsewhere]));
}

#[test]
fn a_blob_of_the_shared_array_goes_along_opened() {
    let provider = provider();
    let mut credential = passkey(&[1], 7);
    let mut data = ExtensionData::default();
    data.large_blob_key = Some(LargeBlobKey::new(Secret::new([4; 32])));
    credential.extensions = Some(Box::new(data));
    let mut array = LargeBlobArray::default();
    for (key, content) in [([3; 32], "another's"), ([4; 32], "this one's")] {
        let mut ciphertext = content.as_bytes().to_vec();
        let orig_size = 50;
        let data = LargeBlobMap::associated_data(orig_size);
        provider.aead.key(&key).seal(&[1; 12], &data, &mut ciphertext).unwrap();
        array.push(&LargeBlobMap { ciphertext, nonce: [1; 12], orig_size });
    }
    let array = array.encode(&provider);
    let export = Export::new([candidate(credential)], Some(&array), &exporter());
    let back = plan(&export.document()).unwrap();
    let data = back.credentials()[0].extensions.clone().unwrap();
    let blob = data.large_blob.as_ref().and_then(LargeBlobPlace::blob).unwrap();
    assert_eq!((&blob.compressed[..], blob.original_size), (&b"this one's"[..], 50));
    assert!(data.large_blob_key.is_some());
}

/// An account's second passkey does not push the first one out, as a new registration would.
#[test]
fn an_import_replaces_nothing() {
    let mut store = MemoryStore::new();
    let mine = passkey(&[1], 7);
    let save = |credential: &Credential| Change::Save {
        credential: Box::new(credential.clone()),
        replaces: Replaces::Account,
    };
    assert_eq!(store.commit(vec![save(&mine)]).now(), Ok(()));
    let theirs = Credential { key: key(-7, 8), ..passkey(&[2], 7) };
    let plan = plan_beside(
        &export(&[theirs.clone(), mine.clone()]).document(),
        std::slice::from_ref(&mine),
    );
    let plan = plan.unwrap();
    assert_eq!(words(&plan), ["imported", "already-there"]);
    assert_eq!(store.commit(plan.changes()).now(), Ok(()));
    assert_eq!(store.credentials(), [mine.clone(), theirs]);

    // The same id with another key or site changes nothing.
    let key = Credential { key: key(-7, 9), ..mine.clone() };
    let site = Credential { rp_id: RpId::new("example.net").unwrap(), ..mine.clone() };
    let clash = plan_beside(&export(&[key, site]).document(), &[mine]).unwrap();
    assert_eq!(words(&clash), ["conflict", "conflict"]);
    assert!(clash.changes().is_empty());
}

#[test]
fn what_came_along_goes_with_its_passkey_and_is_not_written_twice() {
    let document = vector("bitwarden-shape.json");
    let there = plan(&document).unwrap();
    let [first, second] = there.credentials() else { panic!("{:?}", there.reports()) };
    let again = json(&export(&[first.clone(), second.clone()]).account());
    let types = |item: usize| {
        let list = again["items"][item]["credentials"].as_array().unwrap();
        list.iter().map(|credential| credential["type"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(types(0), ["basic-auth", "totp", "passkey"]);
    assert_eq!(types(1), ["passkey"]);
    assert_eq!(again["items"][0]["favorite"], true);
    assert_eq!(again["items"][1].get("favorite"), None);
    assert_eq!(again["items"][1]["title"], "login");
    assert_ne!(again["items"][0]["id"], again["items"][1]["id"]);
    let kept =
        |report: &ItemReport| matches!(report.outcome, ItemOutcome::NotAPasskey { kept: true, .. });
    assert!(kept(&there.reports()[0]) && kept(&there.reports()[1]));

    // Where no passkey of the item goes in there is nobody to carry it.
    let none = plan_beside(&document, there.credentials()).unwrap();
    assert_eq!(words(&none), ["not-a-passkey", "not-a-passkey", "already-there", "already-there"]);
    assert!(!kept(&none.reports()[0]));
}

#[test]
fn too_much_beside_a_passkey_is_not_kept_and_is_told() {
    let mut document = json(&vector("apple-shape.json"));
    document["accounts"][0]["items"][0]["note"] = json!("x".repeat(70_000));
    let plan = plan(document.to_string().as_bytes()).unwrap();
    let partly = ItemOutcome::ImportedPartly(vec![Missing::ForeignTooLarge]);
    assert_eq!(plan.reports()[0].outcome, partly);
    assert_eq!(plan.credentials()[0].foreign, None);
}

/// What is kept is written a few layers deeper in a document than it may have come, and has to be
/// read again.
#[test]
fn what_is_written_can_be_read_again_however_deep_it_is() {
    let passkey = json(&vector("bare-passkey.json"));
    for depth in [50, 57, 60] {
        let mut deep = json!(1);
        for _ in 0..depth {
            deep = json!([deep]);
        }
        let item = json!({ "title": "deep", "credentials": [passkey], "deep": deep });
        let first = plan(item.to_string().as_bytes()).unwrap();
        let again = plan(&export(first.credentials()).document()).unwrap();
        let kept =
            |plan: &Plan| plan.credentials()[0].foreign.as_ref().map(|kept| kept.expose().len());
        assert!(kept(&again) >= kept(&first), "{depth}");
        assert_eq!(kept(&first).is_some_and(|kept| kept > 100), depth <= 57, "{depth}");
    }
}

/// An extension is a claim of the file: it may make a passkey stricter, and it speaks for the
/// passkey that it names only.
#[test]
fn a_claim_lowers_nothing_and_speaks_for_its_own_passkey() {
    let mut strict = passkey(&[1], 7);
    strict.protection = CredentialProtectionPolicy::UserVerificationRequired;
    let document = export(&[strict, passkey(&[2], 8)]).document();
    let import = |document: &[u8], least| {
        let import = Import::read(document, &ImportLimits::default()).unwrap();
        let mut importer = towline_exchange::Importer::new(provider());
        importer.protection = least;
        let plan = import.plan(|_| Ok::<_, ()>(None), &importer).unwrap();
        plan.credentials().iter().map(|one| one.protection.level()).collect::<Vec<_>>()
    };
    let level = |level| CredentialProtectionPolicy::from_level(level).unwrap();
    assert_eq!(import(&document, level(1)), [3, 1]);
    assert_eq!(import(&document, level(2)), [3, 2]);
    // The claim about the first stands in the item of the second.
    let mut swapped = json(&document);
    let claim = swapped["accounts"][0]["items"][0]["extensions"].take();
    swapped["accounts"][0]["items"][1]["extensions"] = claim;
    assert_eq!(import(swapped.to_string().as_bytes(), level(1)), [1, 1]);
}

/// The members of other managers' counters: the passkey goes in, and sends 0 for ever.
#[test]
fn a_key_in_pem_is_read_and_told() {
    let mut document = json(&vector("bare-passkey.json"));
    let der = document["key"].as_str().unwrap().replace('-', "+").replace('_', "/");
    let lines: Vec<_> =
        der.as_bytes().chunks(64).map(|line| str::from_utf8(line).unwrap()).collect();
    let pem = |label: &str| {
        format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\r\n"))
    };
    document["key"] = json!(pem("PRIVATE KEY"));
    let read = plan(document.to_string().as_bytes()).unwrap();
    let partly = ItemOutcome::ImportedPartly(vec![Missing::KeyWasPem]);
    assert_eq!(read.reports()[0].outcome, partly);
    for label in ["EC PRIVATE KEY", "ENCRYPTED PRIVATE KEY", "PUBLIC KEY"] {
        document["key"] = json!(pem(label));
        assert_eq!(words(&plan(document.to_string().as_bytes()).unwrap()), ["refused"], "{label}");
    }
}

/// A secret is nowhere in what a report or an error says.
#[test]
fn nothing_secret_is_told() {
    let bytes = vector("errata-example-shape.json");
    let import = Import::read(&bytes, &ImportLimits::default()).unwrap();
    let plan = plan(&bytes).unwrap();
    let told = format!("{:?}", plan.reports());
    let passkey = &json(&bytes)["accounts"][0]["items"][0]["credentials"][0];
    for member in ["key", "credentialId", "userHandle"] {
        assert!(!told.contains(passkey[member].as_str().unwrap()), "{member}");
    }
    let key = plan.credentials()[0].key.expose();
    for shown in
        [format!("{import:?}"), format!("{plan:?}"), format!("{:?}", export(plan.credentials()))]
    {
        let key_bytes = format!("{key:?}");
        assert!(!shown.contains(key_bytes.trim_matches(['[', ']'])), "the key is shown");
        assert!(!shown.contains(passkey["key"].as_str().unwrap()), "the package is shown");
    }
}

trait Now<T> {
    fn now(self) -> T;
}

impl<T, E> Now<Result<T, E>> for Work<T, E> {
    fn now(self) -> Result<T, E> {
        match self {
            Self::Done(done) => done,
            Self::Later(job) => job(),
        }
    }
}
