//! Credentials that are their ids: algorithm, protection, backup flags and extensions are those
//! that they were made with.

use crate::rig::{platform::*, *};
use towline_authenticator::{BackupState, Config, Counters, MemoryStore};
use towline_ctap::{
    CosePublicKey, CredentialId, Flags, GetAssertionRequest, GetAssertionResponse,
    MakeCredentialRequest, Permissions, Status, algorithm,
    extension::{
        CredBlob, CredBlobStored, CredentialProtectionPolicy, GetCredBlob, GetLargeBlobKey,
        HmacSecret, HmacSecretMcInput, HmacSecretMcOutput, HmacSecretOutput, ThirdPartyPayment,
    },
};

const RP: &str = "example.org";
const PIN: &str = "2468-blue";

fn listed(id: &CredentialId) -> GetAssertionRequest {
    let mut request = assertion(RP);
    request.allow_list = Some(listing(id));
    request
}

/// A rig with a PIN.
fn with_pin() -> (Rig, Platform) {
    let mut rig = Rig::new(Config::security_key());
    let platform = Platform::agree(&mut rig, 2);
    platform.set_pin(&mut rig, PIN).unwrap();
    (rig, platform)
}

fn verified_creation(rig: &mut Rig, platform: &Platform, request: &mut MakeCredentialRequest) {
    let token = platform.pin_token(rig, PIN, Permissions::MC, Some(RP)).unwrap();
    token.authorize(rig, request);
}

fn verified_sign_in(
    rig: &mut Rig,
    platform: &Platform,
    mut request: GetAssertionRequest,
) -> Result<GetAssertionResponse, Status> {
    let token = platform.pin_token(rig, PIN, Permissions::GA, Some(RP)).unwrap();
    token.authorize_sign_in(rig, &mut request);
    rig.sign_in(&request)
}

fn protected(rig: &mut Rig, platform: &Platform, level: u64) -> CredentialId {
    let mut request = creation(RP, "alice");
    request.extensions.set(&CredentialProtectionPolicy::from_level(level).unwrap());
    verified_creation(rig, platform, &mut request);
    let (id, _) = made(&rig.create(&request).unwrap());
    assert!(rig.store.is_empty());
    id
}

#[test]
fn one_of_level_3_shows_itself_to_the_verified_only() {
    let (mut rig, platform) = with_pin();
    let id = protected(&mut rig, &platform, 3);
    for up in [Some(false), None] {
        let mut request = listed(&id);
        request.options.up = up;
        assert_eq!(rig.sign_in(&request).unwrap_err(), Status::NoCredentials);
    }
    let mut again = creation(RP, "alice");
    again.exclude_list = listing(&id);
    rig.create(&again).unwrap();
    verified_creation(&mut rig, &platform, &mut again);
    assert_eq!(rig.create(&again).unwrap_err(), Status::CredentialExcluded);
    verified_sign_in(&mut rig, &platform, listed(&id)).unwrap();
}

#[test]
fn those_of_the_other_levels_show_themselves_to_who_names_them() {
    let (mut rig, platform) = with_pin();
    for level in [1, 2] {
        let id = protected(&mut rig, &platform, level);
        rig.sign_in(&listed(&id)).unwrap();
        let mut again = creation(RP, "alice");
        again.exclude_list = listing(&id);
        assert_eq!(rig.create(&again).unwrap_err(), Status::CredentialExcluded);
    }
}

#[test]
fn a_silent_look_up_finds_them_and_sets_no_flag() {
    let mut rig = Rig::new(Config::security_key());
    let (id, _) = made(&rig.create(&creation(RP, "alice")).unwrap());
    rig.forget_past();
    let mut request = listed(&id);
    request.options.up = Some(false);
    let response = rig.sign_in(&request).unwrap();
    assert_eq!(data(&response.auth_data).flags, Flags::empty());
    assert!(rig.questions.is_empty() && rig.events.is_empty());
}

fn asks_at_once(platform: &Platform, salt: &[u8]) -> MakeCredentialRequest {
    let mut request = creation(RP, "alice");
    request.extensions.set(&HmacSecret(true));
    request.extensions.set(&HmacSecretMcInput(salts(platform, salt)));
    request
}

fn secret_of(rig: &mut Rig, platform: &Platform, id: &CredentialId, verified: bool) -> Vec<u8> {
    let mut request = listed(id);
    request.extensions.set(&salts(platform, &[7; 32]));
    let response = if verified {
        verified_sign_in(rig, platform, request).unwrap()
    } else {
        rig.sign_in(&request).unwrap()
    };
    let output = data(&response.auth_data).extensions.get::<HmacSecretOutput>().unwrap().unwrap();
    platform.decrypt(&output.0)
}

#[test]
fn hmac_secret_is_the_same_at_every_use_and_another_for_every_credential() {
    let (mut rig, platform) = with_pin();
    let (id, at_once) = {
        let response = rig.create(&asks_at_once(&platform, &[7; 32])).unwrap();
        let output = data(&response.auth_data).extensions.get::<HmacSecretMcOutput>();
        (made(&response).0, platform.decrypt(&output.unwrap().unwrap().0.0))
    };
    let (other, _) = made(&rig.create(&creation(RP, "bob")).unwrap());
    let value = secret_of(&mut rig, &platform, &id, false);
    assert_eq!(value, at_once);
    assert_eq!(secret_of(&mut rig, &platform, &id, false), value);
    assert_ne!(secret_of(&mut rig, &platform, &id, true), value, "another with verification");
    // Who did not ask for it when it was made gets one too.
    assert_ne!(secret_of(&mut rig, &platform, &other, false), value);
}

#[test]
fn payment_is_as_it_was_asked_for() {
    for wanted in [None, Some(false), Some(true)] {
        let mut rig = Rig::new(Config::security_key());
        let mut request = creation(RP, "alice");
        if let Some(wanted) = wanted {
            request.extensions.set(&ThirdPartyPayment(wanted));
        }
        let (id, _) = made(&rig.create(&request).unwrap());
        let mut request = listed(&id);
        request.extensions.set(&ThirdPartyPayment(true));
        let response = rig.sign_in(&request).unwrap();
        let output = data(&response.auth_data).extensions.get();
        assert_eq!(output, Ok(Some(ThirdPartyPayment(wanted == Some(true)))));
    }
}

/// What `credBlob` says of this many bytes, the id, and what it gives back.
fn blob_of(rig: &mut Rig, length: usize) -> (bool, CredentialId, Vec<u8>) {
    let mut request = creation(RP, "alice");
    request.extensions.set(&CredBlob(vec![7; length]));
    let response = rig.create(&request).unwrap();
    let CredBlobStored(kept) = data(&response.auth_data).extensions.get().unwrap().unwrap();
    let (id, _) = made(&response);
    let mut sign_in = listed(&id);
    sign_in.extensions.set(&GetCredBlob(true));
    let response = rig.sign_in(&sign_in).unwrap();
    let CredBlob(told) = data(&response.auth_data).extensions.get().unwrap().unwrap();
    (kept, id, told)
}

#[test]
fn a_blob_that_fits_is_in_the_id() {
    let mut rig = Rig::new(Config::security_key());
    for length in [0, 1, 32] {
        let (kept, id, told) = blob_of(&mut rig, length);
        assert_eq!((kept, told), (true, vec![7; length]));
        assert_eq!(id.as_bytes().len(), 67 + length);
    }
    let (kept, id, told) = blob_of(&mut rig, 33);
    assert_eq!((kept, told), (false, Vec::new()));
    assert_eq!(id.as_bytes().len(), 66);
    assert!(rig.store.is_empty());
}

#[test]
fn one_with_a_blob_that_is_too_long_for_an_id_is_stored() {
    let mut config = Config::security_key();
    config.extensions.cred_blob = Some(300);
    for (length, stored) in [(188, false), (189, true), (255, true), (256, true), (300, true)] {
        let mut rig = Rig::new(config.clone());
        let (kept, _, told) = blob_of(&mut rig, length);
        assert_eq!((kept, told), (true, vec![7; length]));
        assert_eq!(rig.store.is_empty(), !stored, "{length}");
    }
}

#[test]
fn large_blobs_are_for_discoverable_ones() {
    let mut rig = Rig::new(Config::security_key());
    let mut request = creation(RP, "alice");
    let (id, _) = made(&rig.create(&request).unwrap());
    let mut sign_in = listed(&id);
    sign_in.extensions.set(&GetLargeBlobKey(true));
    assert_eq!(rig.sign_in(&sign_in).unwrap().large_blob_key, None);
    request.extensions.set(&GetLargeBlobKey(true));
    assert_eq!(rig.create(&request).unwrap_err(), Status::InvalidOption);
}

#[test]
fn each_algorithm_can_be_wrapped() {
    let mut config = Config::security_key();
    config.credentials.algorithms = vec![algorithm::ES256, algorithm::EDDSA, algorithm::ES384];
    for (alg, length) in [(algorithm::ES256, 66), (algorithm::EDDSA, 66), (algorithm::ES384, 82)] {
        let mut rig = Rig::new(config.clone());
        let mut request = creation(RP, "alice");
        request.pub_key_cred_params = vec![alg];
        let (id, key) = made(&rig.create(&request).unwrap());
        assert_eq!(id.as_bytes().len(), length);
        let response = rig.sign_in(&listed(&id)).unwrap();
        let public = match key {
            CosePublicKey::Okp { x, .. } => x.to_vec(),
            CosePublicKey::Ec2 { x, y, .. } => [&[4], &x[..], &y].concat(),
            other => other.p256_point().unwrap().to_vec(),
        };
        let message = [&response.auth_data[..], CLIENT_DATA_HASH.as_bytes()].concat();
        let signatures = rig.provider.signature(alg).unwrap();
        signatures.verify(&public, &message, &response.signature).unwrap();
    }
}

#[test]
fn what_may_be_backed_up_is_fixed_when_it_is_made() {
    let eligible = Config::security_key().with_backup(BackupState::BackedUp);
    let store = MemoryStore::new();
    let mut rig = Rig::over(eligible.clone(), store.clone());
    let (with, _) = made(&rig.create(&creation(RP, "alice")).unwrap());
    let mut rig = Rig::over(Config::security_key(), store.clone());
    let (without, _) = made(&rig.create(&creation(RP, "alice")).unwrap());
    let flags = |rig: &mut Rig, id| data(&rig.sign_in(&listed(id)).unwrap().auth_data).flags;
    assert_eq!(flags(&mut rig, &with), Flags::UP | Flags::BE);
    assert_eq!(flags(&mut rig, &without), Flags::UP);
    let mut rig = Rig::over(eligible, store);
    assert_eq!(flags(&mut rig, &with), Flags::UP | Flags::BE | Flags::BS);
    assert_eq!(flags(&mut rig, &without), Flags::UP);
}

#[test]
fn they_count_with_all_the_others_or_not_at_all() {
    for (counters, expected) in [(Counters::Global, [1, 2, 4]), (Counters::Zero, [0, 0, 0])] {
        let mut rig = Rig::new(Config::security_key().with_counters(counters));
        let response = rig.create(&creation(RP, "alice")).unwrap();
        let (id, _) = made(&response);
        let count = |rig: &mut Rig| data(&rig.sign_in(&listed(&id)).unwrap().auth_data).sign_count;
        let first = count(&mut rig);
        rig.passkey(RP, "bob");
        let counts = [data(&response.auth_data).sign_count, first, count(&mut rig)];
        assert_eq!(counts, expected);
    }
}
