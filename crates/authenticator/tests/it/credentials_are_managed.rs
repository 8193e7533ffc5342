//! authenticatorCredentialManagement, and the persistent token with what it lets its holders read.

use std::{collections::BTreeSet, time::Duration};

use crate::rig::{
    commands::{PIN, manage, token},
    platform::*,
    *,
};
use towline_authenticator::{Config, Event, MemoryStore, ResetTime};
use towline_ctap::{
    CosePublicKey, CredentialId, CredentialManagementRequest,
    CredentialManagementSubcommand as Sub, Permissions, Request, Status, User, UserHandle,
};

/// A key with a PIN, and passkeys of two accounts at one site and one at another; the first site's
/// ids, oldest first.
fn stocked() -> (Rig, Vec<(CredentialId, CosePublicKey)>) {
    let mut config = Config::security_key();
    config.reset.when = ResetTime::Always;
    let mut rig = Rig::over(config, MemoryStore::with_limit(5));
    let made = vec![rig.passkey("example.org", "alice"), rig.passkey("example.org", "bob")];
    rig.passkey("example.com", "carol");
    Platform::agree(&mut rig, 2).set_pin(&mut rig, PIN).unwrap();
    rig.forget_past();
    (rig, made)
}

fn everything(rig: &mut Rig, token: &PlatformToken) -> Vec<(String, String)> {
    let mut all = Vec::new();
    let mut parties = vec![manage(rig, Some(token), Sub::EnumerateRpsBegin).unwrap()];
    for _ in 1..parties[0].total_rps.unwrap() {
        let next = manage(rig, None, Sub::EnumerateRpsGetNextRp).unwrap();
        assert_eq!(next.total_rps, None);
        parties.push(next);
    }
    for party in parties {
        let rp = party.rp.unwrap().id;
        assert_eq!(party.rp_id_hash, Some(rp.hash(&rig.provider)));
        let begin = Sub::EnumerateCredentialsBegin(party.rp_id_hash.unwrap());
        let first = manage(rig, Some(token), begin).unwrap();
        let total = first.total_credentials.unwrap();
        let mut found = vec![first];
        for _ in 1..total {
            let next = manage(rig, None, Sub::EnumerateCredentialsGetNextCredential).unwrap();
            assert_eq!(next.total_credentials, None);
            found.push(next);
        }
        for credential in found {
            all.push((rp.as_str().to_owned(), credential.user.unwrap().name.unwrap()));
        }
    }
    all
}

fn hash(rig: &Rig, rp: &str) -> towline_ctap::RpIdHash {
    rp_id(rp).hash(&rig.provider)
}

#[test]
fn all_credentials_are_counted_and_listed() {
    let (mut rig, made) = stocked();
    let cm = token(&mut rig, Permissions::CM, None);
    let metadata = manage(&mut rig, Some(&cm), Sub::GetCredsMetadata).unwrap();
    assert_eq!(metadata.existing_resident_credentials_count, Some(3));
    assert_eq!(metadata.max_possible_remaining_resident_credentials_count, Some(2));
    let all = everything(&mut rig, &cm);
    let expected = [("example.com", "carol"), ("example.org", "bob"), ("example.org", "alice")];
    assert_eq!(all, expected.map(|(rp, user)| (rp.to_owned(), user.to_owned())));
    let begin = Sub::EnumerateCredentialsBegin(hash(&rig, "example.org"));
    let newest = manage(&mut rig, Some(&cm), begin).unwrap();
    let (id, key) = made[1].clone();
    assert_eq!(newest.credential.unwrap().id, id);
    assert_eq!(newest.public_key, Some(key));
    assert_eq!(newest.cred_protect.unwrap().level(), 1);
    assert!(rig.questions.is_empty());
}

#[test]
fn credentials_of_the_highest_protection_are_listed_too() {
    let (mut rig, _) = stocked();
    let mc = token(&mut rig, Permissions::MC, Some("example.net"));
    let mut request = creation("example.net", "dave");
    request.options.rk = Some(true);
    request
        .extensions
        .set(&towline_ctap::extension::CredentialProtectionPolicy::UserVerificationRequired);
    mc.authorize(&rig, &mut request);
    rig.create(&request).unwrap();
    let cm = token(&mut rig, Permissions::CM, None);
    let begin = Sub::EnumerateCredentialsBegin(hash(&rig, "example.net"));
    let found = manage(&mut rig, Some(&cm), begin).unwrap();
    assert_eq!(found.cred_protect.unwrap().level(), 3);
}

#[test]
fn nothing_to_list_is_no_credentials() {
    let mut rig = Rig::new(Config::security_key());
    Platform::agree(&mut rig, 2).set_pin(&mut rig, PIN).unwrap();
    let cm = token(&mut rig, Permissions::CM, None);
    let none = manage(&mut rig, Some(&cm), Sub::EnumerateRpsBegin);
    assert_eq!(none, Err(Status::NoCredentials));
    let begin = Sub::EnumerateCredentialsBegin(hash(&rig, "example.org"));
    assert_eq!(manage(&mut rig, Some(&cm), begin), Err(Status::NoCredentials));
    let metadata = manage(&mut rig, Some(&cm), Sub::GetCredsMetadata).unwrap();
    assert_eq!(metadata.existing_resident_credentials_count, Some(0));
}

#[test]
fn without_the_permission_nothing_is_managed() {
    let (mut rig, made) = stocked();
    let user = user("alice");
    let all = || {
        vec![
            Sub::GetCredsMetadata,
            Sub::EnumerateRpsBegin,
            Sub::EnumerateCredentialsBegin(rp_id("example.org").hash(&rig_provider())),
            Sub::DeleteCredential(made[0].0.clone()),
            Sub::UpdateUserInformation { credential: made[0].0.clone(), user: user.clone() },
        ]
    };
    for sub in all() {
        assert_eq!(manage(&mut rig, None, sub), Err(Status::PuatRequired));
    }
    let ga = token(&mut rig, Permissions::GA, Some("example.org"));
    for sub in all() {
        assert_eq!(manage(&mut rig, Some(&ga), sub), Err(Status::PinAuthInvalid));
    }
    let mut wrong = token(&mut rig, Permissions::CM, None);
    wrong.value[0] ^= 1;
    for sub in all() {
        assert_eq!(manage(&mut rig, Some(&wrong), sub), Err(Status::PinAuthInvalid));
    }
    assert_eq!(rig.store.len(), 3);
    assert!(rig.events.is_empty());
}

fn rig_provider() -> towline_crypto::CryptoProvider {
    towline_crypto::rustcrypto::provider()
}

#[test]
fn a_mac_over_other_parameters_is_refused() {
    let (mut rig, made) = stocked();
    let cm = token(&mut rig, Permissions::CM, None);
    let harmless = CredentialManagementRequest::new(Sub::GetCredsMetadata);
    let mut request = CredentialManagementRequest::new(Sub::DeleteCredential(made[0].0.clone()));
    request.auth = Some(cm.auth(&rig, &harmless.authenticated_message()));
    assert_eq!(rig.call(&Request::from(request)), Err(Status::PinAuthInvalid));
    assert_eq!(rig.store.len(), 3);
}

#[test]
fn a_bound_token_manages_its_own_site_only() {
    let (mut rig, made) = stocked();
    let cm = token(&mut rig, Permissions::CM, Some("example.com"));
    for sub in [
        Sub::GetCredsMetadata,
        Sub::EnumerateRpsBegin,
        Sub::EnumerateCredentialsBegin(hash(&rig, "example.org")),
        Sub::DeleteCredential(made[0].0.clone()),
        Sub::DeleteCredential(CredentialId::new(&[9; 32]).unwrap()),
    ] {
        assert_eq!(manage(&mut rig, Some(&cm), sub), Err(Status::PinAuthInvalid));
    }
    let begin = Sub::EnumerateCredentialsBegin(hash(&rig, "example.com"));
    let own = manage(&mut rig, Some(&cm), begin).unwrap().credential.unwrap().id;
    manage(&mut rig, Some(&cm), Sub::DeleteCredential(own)).unwrap();
    assert_eq!(rig.store.len(), 2);
}

#[test]
fn a_deleted_credential_is_gone() {
    let (mut rig, made) = stocked();
    let cm = token(&mut rig, Permissions::CM, None);
    let id = made[0].0.clone();
    manage(&mut rig, Some(&cm), Sub::DeleteCredential(id.clone())).unwrap();
    assert!(
        matches!(&rig.events[..], [Event::Removed { user, .. }] if user.name.as_deref() == Some("alice"))
    );
    let again = manage(&mut rig, Some(&cm), Sub::DeleteCredential(id.clone()));
    assert_eq!(again, Err(Status::NoCredentials));
    let mut request = assertion("example.org");
    request.allow_list = Some(listing(&id));
    assert_eq!(rig.sign_in(&request).unwrap_err(), Status::NoCredentials);
}

#[test]
fn an_account_gets_other_names_but_no_other_handle() {
    let (mut rig, made) = stocked();
    let cm = token(&mut rig, Permissions::CM, None);
    let credential = made[0].0.clone();
    let update = |user| Sub::UpdateUserInformation { credential: credential.clone(), user };
    assert_eq!(manage(&mut rig, Some(&cm), update(user("eve"))), Err(Status::InvalidParameter));
    let renamed = User {
        id: user("alice").id,
        name: Some("alice@example.org".into()),
        display_name: Some(String::new()),
    };
    manage(&mut rig, Some(&cm), update(renamed)).unwrap();
    let stored = rig.store.credential(&made[0].0).unwrap().user;
    assert_eq!(stored.name.as_deref(), Some("alice@example.org"));
    assert_eq!(stored.display_name, None);
    let unknown = Sub::UpdateUserInformation {
        credential: CredentialId::new(&[1; 32]).unwrap(),
        user: user("alice"),
    };
    assert_eq!(manage(&mut rig, Some(&cm), unknown), Err(Status::NoCredentials));
}

#[test]
fn an_empty_user_handle_is_another_one_than_that_of_the_credential() {
    let (mut rig, made) = stocked();
    let cm = token(&mut rig, Permissions::CM, None);
    let credential = made[0].0.clone();
    let user = User { id: UserHandle::new(b"?").unwrap(), name: None, display_name: None };
    let mut request =
        CredentialManagementRequest::new(Sub::UpdateUserInformation { credential, user });
    request.auth = Some(cm.auth(&rig, &request.authenticated_message()));
    let bytes = Request::from(request).encode();
    let handle = bytes.windows(5).position(|window| window == *b"\x62id\x41?").unwrap();
    let emptied = [&bytes[..handle + 3], &[0x40], &bytes[handle + 5..]].concat();
    rig.send(HOME, &emptied);
    assert_eq!(rig.status(), Status::InvalidParameter);
}

#[test]
fn a_continuation_needs_its_beginning() {
    let (mut rig, _) = stocked();
    let next_rp = Sub::EnumerateRpsGetNextRp;
    let next_credential = Sub::EnumerateCredentialsGetNextCredential;
    assert_eq!(manage(&mut rig, None, next_rp.clone()), Err(Status::NotAllowed));
    assert_eq!(manage(&mut rig, None, next_credential.clone()), Err(Status::NotAllowed));
    let cm = token(&mut rig, Permissions::CM, None);
    let begin = |rig: &mut Rig| manage(rig, Some(&cm), Sub::EnumerateRpsBegin).unwrap();
    begin(&mut rig);
    assert_eq!(manage(&mut rig, None, next_credential), Err(Status::NotAllowed));
    begin(&mut rig);
    manage(&mut rig, None, next_rp.clone()).unwrap();
    assert_eq!(manage(&mut rig, None, next_rp.clone()), Err(Status::NotAllowed), "the end");
    begin(&mut rig);
    rig.info();
    assert_eq!(manage(&mut rig, None, next_rp.clone()), Err(Status::NotAllowed), "in between");
    begin(&mut rig);
    rig.pass(Duration::from_secs(31));
    assert_eq!(manage(&mut rig, None, next_rp.clone()), Err(Status::NotAllowed), "too late");
    begin(&mut rig);
    rig.send(ELSEWHERE, &Request::from(CredentialManagementRequest::new(next_rp)).encode());
    assert_eq!(rig.status(), Status::NotAllowed);
}

#[test]
fn an_enumeration_ends_with_its_token() {
    let (mut rig, _) = stocked();
    let cm = token(&mut rig, Permissions::CM, None);
    manage(&mut rig, Some(&cm), Sub::GetCredsMetadata).unwrap();
    rig.pass(Duration::from_secs(590));
    manage(&mut rig, Some(&cm), Sub::EnumerateRpsBegin).unwrap();
    rig.pass(Duration::from_secs(11));
    let next = manage(&mut rig, None, Sub::EnumerateRpsGetNextRp);
    assert_eq!(next, Err(Status::NotAllowed));
}

#[test]
fn many_sites_are_found_by_their_hash() {
    let mut rig = Rig::new(Config::security_key());
    for number in 0..130 {
        rig.passkey(&format!("site-{number}.example"), "alice");
    }
    Platform::agree(&mut rig, 2).set_pin(&mut rig, PIN).unwrap();
    let cm = token(&mut rig, Permissions::CM, None);
    for number in [0, 63, 64, 129] {
        let begin = Sub::EnumerateCredentialsBegin(hash(&rig, &format!("site-{number}.example")));
        assert_eq!(manage(&mut rig, Some(&cm), begin).unwrap().total_credentials, Some(1));
    }
}

#[test]
fn the_persistent_token_only_reads_and_survives_restarts() {
    let (mut rig, made) = stocked();
    let first = token(&mut rig, Permissions::PCMR, None);
    assert_eq!(token(&mut rig, Permissions::PCMR, None), first, "it stays the same");
    let mut rig = Rig::over(Config::security_key(), rig.store);
    assert_eq!(everything(&mut rig, &first).len(), 3);
    manage(&mut rig, Some(&first), Sub::GetCredsMetadata).unwrap();
    let delete = manage(&mut rig, Some(&first), Sub::DeleteCredential(made[0].0.clone()));
    assert_eq!(delete, Err(Status::PinAuthInvalid));
    let credential = made[0].0.clone();
    let update = Sub::UpdateUserInformation { credential, user: user("alice") };
    assert_eq!(manage(&mut rig, Some(&first), update), Err(Status::PinAuthInvalid));
    let mut request = assertion("example.org");
    first.authorize_sign_in(&rig, &mut request);
    assert_eq!(rig.sign_in(&request).unwrap_err(), Status::PinAuthInvalid);
}

#[test]
fn the_persistent_token_is_asked_for_alone() {
    let (mut rig, _) = stocked();
    let platform = Platform::agree(&mut rig, 2);
    let both = platform.pin_token(&mut rig, PIN, Permissions::PCMR | Permissions::CM, None);
    assert_eq!(both, Err(Status::UnauthorizedPermission));
}

#[test]
fn the_persistent_token_ends_with_the_pin_and_with_a_reset() {
    let (mut rig, _) = stocked();
    let first = token(&mut rig, Permissions::PCMR, None);
    Platform::agree(&mut rig, 2).change_pin(&mut rig, PIN, "another").unwrap();
    let read = |rig: &mut Rig, token| manage(rig, Some(token), Sub::GetCredsMetadata);
    assert_eq!(read(&mut rig, &first), Err(Status::PinAuthInvalid));
    let platform = Platform::agree(&mut rig, 2);
    let second = platform.pin_token(&mut rig, "another", Permissions::PCMR, None).unwrap();
    assert_ne!(first, second);
    read(&mut rig, &second).unwrap();
    rig.call(&Request::Reset).unwrap();
    assert_eq!(read(&mut rig, &second), Err(Status::PinAuthInvalid));
}

/// What a holder of the persistent token reads in getInfo: the device, and the state of its
/// credentials.
fn identity(rig: &mut Rig, token: &PlatformToken) -> ([u8; 16], [u8; 16]) {
    let info = rig.info();
    let open = |sealed: [u8; 32], purpose: &[u8]| {
        let mut key = [0; 16];
        rig.provider.hkdf.derive(&[0; 32], &token.value, purpose, &mut key).unwrap();
        let mut block: [u8; 16] = sealed[16..].try_into().unwrap();
        rig.provider.aes128.key(&key).decrypt(&mut block);
        block.iter_mut().zip(&sealed[..16]).for_each(|(byte, iv)| *byte ^= iv);
        block
    };
    (
        open(info.enc_identifier.unwrap(), b"encIdentifier"),
        open(info.enc_cred_store_state.unwrap(), b"encCredStoreState"),
    )
}

#[test]
fn the_identity_never_looks_the_same_twice() {
    let (mut rig, _) = stocked();
    let mut seen = BTreeSet::new();
    for _ in 0..20 {
        let info = rig.info();
        assert!(seen.insert(info.enc_identifier.unwrap()[..16].to_vec()));
        assert!(seen.insert(info.enc_cred_store_state.unwrap()[..16].to_vec()));
    }
}

#[test]
fn holders_of_the_persistent_token_see_each_change_of_the_credentials() {
    let (mut rig, made) = stocked();
    let reader = token(&mut rig, Permissions::PCMR, None);
    let (device, state) = identity(&mut rig, &reader);
    assert_eq!(identity(&mut rig, &reader), (device, state));
    let mut seen = BTreeSet::from([state]);
    // A new one, another in its place, a changed one, a deleted one.
    for _ in 0..2 {
        let mut request = creation("example.net", "dave");
        request.options.rk = Some(true);
        token(&mut rig, Permissions::MC, Some("example.net")).authorize(&rig, &mut request);
        rig.create(&request).unwrap();
        assert!(seen.insert(identity(&mut rig, &reader).1));
    }
    let cm = token(&mut rig, Permissions::CM, None);
    let credential = made[0].0.clone();
    let update = Sub::UpdateUserInformation { credential, user: user("alice") };
    manage(&mut rig, Some(&cm), update).unwrap();
    assert!(seen.insert(identity(&mut rig, &reader).1));
    manage(&mut rig, Some(&cm), Sub::DeleteCredential(made[0].0.clone())).unwrap();
    assert!(seen.insert(identity(&mut rig, &reader).1));
    // One that is not discoverable changes nothing, nor does a use.
    rig.create(&creation("example.net", "eve")).unwrap();
    rig.sign_in(&assertion("example.net")).unwrap();
    let last = identity(&mut rig, &reader);
    assert!(!seen.insert(last.1));
    assert_eq!(last.0, device);

    rig.call(&Request::Reset).unwrap();
    Platform::agree(&mut rig, 2).set_pin(&mut rig, PIN).unwrap();
    let reader = token(&mut rig, Permissions::PCMR, None);
    let fresh = identity(&mut rig, &reader);
    assert_ne!(fresh.0, device);
    assert!(seen.insert(fresh.1));
}
