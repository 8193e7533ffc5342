//! A passkey made and used, by each preset.

use crate::rig::*;
use towline_authenticator::{
    Authenticator, BackupState, Change, Config, Counters, CredentialStore, Event, KeyStore,
    MemoryStore, Output, Purpose, Question, Replaces, SoftwareKeys,
};
use towline_ctap::{Aaguid, AttestationStatement, Flags, algorithm};

#[test]
fn a_passkey_made_on_a_phone_signs_in() {
    let mut rig = Rig::new(Config::phone());
    let (id, key) = rig.passkey("example.org", "alice");
    let response = rig.sign_in(&assertion("example.org")).unwrap();
    rig.verify(&response, &key);
    assert_eq!(response.credential.as_ref().unwrap().id, id);
    assert_eq!(response.user, Some(nameless("alice")));
    assert_eq!(response.number_of_credentials, None);
    assert_eq!(response.user_selected, None);
    let data = data(&response.auth_data);
    assert_eq!(data.flags, Flags::UP | Flags::UV);
    assert_eq!(data.rp_id_hash, rp_id("example.org").hash(&rig.provider));
    assert_eq!(response.auth_data.len(), 37);
    assert!(matches!(rig.events.last(), Some(Event::Used { .. })));
}

#[test]
fn a_phone_asks_for_the_screen_lock_once_even_if_the_client_does_not() {
    let mut rig = Rig::new(Config::phone());
    let response = rig.create(&creation("example.org", "alice")).unwrap();
    assert_eq!(rig.questions.len(), 1);
    assert!(matches!(rig.questions[0], Question::VerifyUser { .. }));
    assert_eq!(data(&response.auth_data).flags, Flags::UP | Flags::UV);
}

#[test]
fn a_phone_gives_no_attestation_and_counts_nothing() {
    let mut rig = Rig::new(Config::phone().with_aaguid(Aaguid::new([9; 16])));
    let response = rig.create(&creation("example.org", "alice")).unwrap();
    assert_eq!(response.attestation, AttestationStatement::None);
    let data = data(&response.auth_data);
    assert_eq!(data.sign_count, 0);
    assert_eq!(data.attested.unwrap().aaguid, Aaguid::new([9; 16]));
}

#[test]
fn a_security_key_attests_itself_and_tests_presence_only() {
    let mut rig = Rig::new(Config::security_key());
    let response = rig.create(&creation("example.org", "alice")).unwrap();
    let AttestationStatement::Packed(packed) = &response.attestation else { panic!("not packed") };
    assert!(response.attestation.is_self());
    assert_eq!(packed.alg, algorithm::ES256);
    let (_, key) = made(&response);
    let mut message = response.auth_data.clone();
    message.extend_from_slice(CLIENT_DATA_HASH.as_bytes());
    let es256 = rig.provider.signature(algorithm::ES256).unwrap();
    es256.verify(&key.p256_point().unwrap(), &message, &packed.sig).unwrap();
    assert_eq!(data(&response.auth_data).flags, Flags::UP);
    assert!(matches!(rig.questions[..], [Question::ConfirmPresence { .. }]));
}

#[test]
fn a_credential_that_is_not_discoverable_signs_in_by_its_id_only() {
    let mut rig = Rig::new(Config::security_key());
    let (id, key) = made(&rig.create(&creation("example.org", "alice")).unwrap());
    let mut request = assertion("example.org");
    request.allow_list = Some(listing(&id));
    let response = rig.sign_in(&request).unwrap();
    rig.verify(&response, &key);
    assert_eq!(response.user, None);
    request.allow_list = None;
    assert!(rig.sign_in(&request).is_err());
}

#[test]
fn what_was_made_before_a_restart_signs_in_after_it() {
    let mut rig = Rig::new(Config::security_key());
    let (_, key) = rig.passkey("example.org", "alice");
    let first = rig.sign_in(&assertion("example.org")).unwrap();
    let mut rig = Rig::over(Config::security_key(), rig.store);
    let second = rig.sign_in(&assertion("example.org")).unwrap();
    rig.verify(&second, &key);
    assert!(data(&second.auth_data).sign_count > data(&first.auth_data).sign_count);
}

#[test]
fn the_question_names_the_site_the_account_and_what_will_happen() {
    let mut rig = Rig::new(Config::phone());
    rig.passkey("example.org", "alice");
    rig.passkey("example.org", "alice");
    rig.sign_in(&assertion("example.org")).unwrap();
    let text: Vec<String> = rig.questions.iter().map(ToString::to_string).collect();
    assert!(text[0].starts_with("Create a passkey for example.org? Account: \"alice\"."));
    assert!(text[1].starts_with("Replace your passkey for example.org? Account: \"alice\"."));
    assert!(text[2].starts_with("Sign in to example.org? Account: \"alice\"."));
    let Question::VerifyUser { purpose: Purpose::Create { replaces, .. }, .. } = &rig.questions[1]
    else {
        panic!("not a creation")
    };
    assert!(replaces);
}

#[test]
fn eligible_credentials_stay_so_and_are_backed_up_when_they_are() {
    let mut rig = Rig::new(Config::phone().with_backup(BackupState::Eligible));
    let (id, _) = made(&rig.create(&creation("example.org", "alice")).unwrap());
    let mut request = assertion("example.org");
    request.allow_list = Some(listing(&id));
    let flags = |rig: &mut Rig| data(&rig.sign_in(&request).unwrap().auth_data).flags;
    assert_eq!(flags(&mut rig), Flags::UP | Flags::UV | Flags::BE);
    rig.authenticator.set_backed_up(true);
    assert_eq!(flags(&mut rig), Flags::UP | Flags::UV | Flags::BE | Flags::BS);
    // A device that no longer makes such credentials does not change those that there are.
    let mut rig = Rig::over(Config::phone(), rig.store);
    assert_eq!(flags(&mut rig), Flags::UP | Flags::UV | Flags::BE);
}

/// Each is backed up once it is known to be elsewhere, and none counts, beside others that do.
#[test]
fn synced_credentials_never_count_and_are_backed_up_one_by_one() {
    let counting = storing().with_counters(Counters::Global);
    let mut rig = Rig::new(counting.clone());
    rig.passkey("counts.example", "alice");
    let mut rig = Rig::over(counting.with_backup(BackupState::Synced), rig.store);
    for (site, elsewhere) in [("a.example", true), ("b.example", false)] {
        let mut request = creation(site, "alice");
        request.options.rk = Some(true);
        let response = rig.create(&request).unwrap();
        let new = data(&response.auth_data);
        assert!(new.flags.contains(Flags::BE) && !new.flags.contains(Flags::BS));
        assert_eq!(new.sign_count, 0);
        let (id, _) = made(&response);
        let stored = rig.store.credentials();
        let mut credential = stored.into_iter().find(|it| it.id == id).unwrap();
        assert!(credential.never_counts);
        credential.backed_up = elsewhere;
        let change = Change::Save { credential: Box::new(credential), replaces: Replaces::Account };
        done(rig.store.commit(vec![change])).unwrap();
        let used = data(&rig.sign_in(&assertion(site)).unwrap().auth_data);
        assert_eq!((used.flags.contains(Flags::BS), used.sign_count), (elsewhere, 0));
    }
    let counts = data(&rig.sign_in(&assertion("counts.example")).unwrap().auth_data);
    assert!(counts.sign_count > 0 && !counts.flags.contains(Flags::BE));
}

/// It is in no store, and so in none that is synced.
#[test]
fn a_credential_that_is_its_id_is_not_synced() {
    let mut rig = Rig::new(Config::security_key().with_backup(BackupState::Synced));
    let flags = data(&rig.create(&creation("example.org", "alice")).unwrap().auth_data).flags;
    assert!(!flags.contains(Flags::BE), "{flags:?}");
}

#[test]
fn credentials_that_are_not_eligible_are_never_backed_up() {
    let mut rig = Rig::new(Config::phone());
    rig.authenticator.set_backed_up(true);
    let response = rig.create(&creation("example.org", "alice")).unwrap();
    assert_eq!(data(&response.auth_data).flags, Flags::UP | Flags::UV);
}

#[test]
fn counters_rise_as_the_policy_says() {
    let counts = |counters| {
        let mut rig = Rig::new(storing().with_counters(counters));
        let made = rig.create(&creation("other.example", "bob")).unwrap();
        let mut counts = vec![data(&made.auth_data).sign_count];
        rig.passkey("example.org", "alice");
        for _ in 0..3 {
            let response = rig.sign_in(&assertion("example.org")).unwrap();
            counts.push(data(&response.auth_data).sign_count);
        }
        counts
    };
    assert_eq!(counts(Counters::Zero), [0, 0, 0, 0]);
    assert_eq!(counts(Counters::Global), [1, 3, 4, 5]);
    assert_eq!(counts(Counters::PerCredential), [0, 1, 2, 3]);
}

#[test]
fn endless_names_are_cut_at_the_end_of_a_character() {
    let mut rig = Rig::new(Config::phone());
    let mut request = creation("example.org", "alice");
    request.rp.name = Some("a".repeat(255) + "\u{1f511}");
    request.user.name = Some("\u{1f511}".repeat(10_000));
    request.user.display_name = Some("x".repeat(256));
    rig.create(&request).unwrap();
    let stored = &rig.store.credentials()[0];
    assert_eq!(stored.rp_name, Some("a".repeat(255)));
    assert_eq!(stored.user.name, Some("\u{1f511}".repeat(64)));
    assert_eq!(stored.user.display_name, Some("x".repeat(256)));
}

#[test]
fn an_authenticator_can_be_moved_to_another_thread_and_take_boxed_stores() {
    fn send<T: Send>(value: T) -> T {
        value
    }
    let provider = towline_crypto::rustcrypto::provider();
    let store: Box<dyn CredentialStore> = Box::new(MemoryStore::new());
    let keys: Box<dyn KeyStore> = Box::new(SoftwareKeys::new(provider.clone()));
    let mut key = send(Authenticator::new(Config::security_key(), provider, store, keys).unwrap());
    key.handle_request(HOME, &[0x04], std::time::Instant::now());
    assert!(matches!(send(key.poll_output()), Some(Output::Response { .. })));
}
