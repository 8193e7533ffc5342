//! Commands that change what is stored, while the store fails at each of its operations in turn:
//! the client gets an error, nothing is half done, and the same request succeeds as soon as the
//! store does.

use crate::rig::{commands::*, platform::*, *};
use towline_authenticator::{
    Config, Credential, CredentialStore, MemoryStore, Record, SoftwareKeys, Work,
};
use towline_ctap::{
    ClientPinRequest, ConfigRequest, ConfigSubcommand, CredentialId, CredentialManagementRequest,
    CredentialManagementSubcommand as Sub, Permissions, Request, SetMinPinLength, Status, User,
};

/// All that must not change in part. The retries of a PIN are taken before anything else, and on
/// purpose.
fn stored(rig: &Rig) -> (Vec<Credential>, Vec<Option<Vec<u8>>>) {
    let records = [Record::Pin, Record::Settings, Record::LargeBlobs, Record::Identity];
    let records = records.map(|record| match rig.store.clone().record(record) {
        Work::Done(Ok(value)) => value.map(|value| value.to_vec()),
        _ => panic!("the memory does not fail"),
    });
    (rig.store.credentials(), records.to_vec())
}

fn setup() -> (Rig, Fuse, [CredentialId; 2], PlatformToken) {
    let provider = towline_crypto::rustcrypto::provider();
    let (fuse, memory) = (Fuse::default(), MemoryStore::new());
    let keys = SoftwareKeys::new(provider.clone());
    let store = RiggedStore::fragile(memory.clone(), &fuse);
    let mut rig = Rig::with(Config::security_key(), provider, memory, store, keys);
    let ids = ["alice", "bob"].map(|name| rig.passkey("example.org", name).0);
    Platform::agree(&mut rig, 2).set_pin(&mut rig, PIN).unwrap();
    let permissions = Permissions::CM | Permissions::LBW | Permissions::ACFG;
    let token = token(&mut rig, permissions, None);
    (rig, fuse, ids, token)
}

#[track_caller]
fn withstands(build: impl Fn(&mut Rig, &[CredentialId; 2], &PlatformToken) -> Request) {
    let (mut rig, fuse, ids, token) = setup();
    let request = build(&mut rig, &ids, &token);
    let before = stored(&rig);
    let mut failures = 0;
    loop {
        fuse.blow_at(Some(failures));
        let answer = rig.call(&request);
        if fuse.used() <= failures {
            answer.unwrap();
            break;
        }
        fuse.blow_at(None);
        assert_eq!(answer, Err(Status::Other), "{failures}");
        assert_eq!(stored(&rig), before, "{failures}");
        rig.info();
        failures += 1;
    }
    assert!(failures > 0, "the store was not asked");
    assert_ne!(stored(&rig), before);
}

fn manages(rig: &Rig, token: &PlatformToken, sub: Sub) -> Request {
    let mut request = CredentialManagementRequest::new(sub);
    request.auth = Some(token.auth(rig, &request.authenticated_message()));
    request.into()
}

fn configures(rig: &Rig, token: &PlatformToken, sub: ConfigSubcommand) -> Request {
    let mut request = ConfigRequest::new(sub);
    request.auth = Some(token.auth(rig, &request.authenticated_message()));
    request.into()
}

#[test]
fn a_credential_is_deleted_or_stays() {
    withstands(|rig, ids, token| manages(rig, token, Sub::DeleteCredential(ids[0].clone())));
}

#[test]
fn an_account_is_renamed_or_stays() {
    withstands(|rig, ids, token| {
        let user = User { name: Some("Alice the second".into()), ..user("alice") };
        manages(rig, token, Sub::UpdateUserInformation { credential: ids[0].clone(), user })
    });
}

#[test]
fn always_uv_is_turned_on_or_stays() {
    withstands(|rig, _, token| configures(rig, token, ConfigSubcommand::ToggleAlwaysUv));
}

#[test]
fn a_change_of_the_pin_is_forced_with_all_that_follows_or_not() {
    withstands(|rig, _, token| {
        let set = SetMinPinLength { force_change_pin: Some(true), ..SetMinPinLength::default() };
        configures(rig, token, ConfigSubcommand::SetMinPinLength(set))
    });
}

#[test]
fn the_array_of_large_blobs_is_replaced_or_stays() {
    withstands(|rig, _, token| {
        let content = vec![0x5a; 100];
        let hash = rig.provider.sha256.hash(&[&content]);
        fragment(rig, Some(token), &[content, hash[..16].to_vec()].concat(), 0, Some(116))
    });
}

#[test]
fn the_persistent_token_is_given_out_or_permits_nothing() {
    withstands(|rig, _, _| {
        let platform = Platform::agree(rig, 2);
        let request = ClientPinRequest::GetPinUvAuthTokenUsingPinWithPermissions {
            protocol: 2,
            key_agreement: platform.key,
            pin_hash_enc: platform.pin_hash(PIN),
            permissions: Permissions::PCMR,
            rp_id: None,
        };
        request.into()
    });
}

#[test]
fn a_pin_is_changed_or_stays() {
    withstands(|rig, _, _| {
        let platform = Platform::agree(rig, 2);
        let (new_pin_enc, pin_hash_enc) = (platform.padded("another"), platform.pin_hash(PIN));
        let request = ClientPinRequest::ChangePin {
            protocol: 2,
            key_agreement: platform.key,
            param: platform.mac(&[new_pin_enc.clone(), pin_hash_enc.clone()].concat()),
            new_pin_enc,
            pin_hash_enc,
        };
        request.into()
    });
}
