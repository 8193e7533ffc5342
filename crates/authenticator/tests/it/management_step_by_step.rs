//! authenticatorCredentialManagement, authenticatorConfig and authenticatorLargeBlobs: what each
//! step judges.

use crate::rig::{commands::*, platform::*, *};
use towline_authenticator::{Config, CredentialStore, Record, Work};
use towline_ctap::{
    ConfigRequest, ConfigSubcommand, CredentialId, CredentialManagementRequest,
    CredentialManagementSubcommand as Sub, Permissions, PinUvAuth, SetMinPinLength, Status, User,
    extension::*,
};

const RP: &str = "example.org";

/// A key with passkeys of two accounts at one site, and a PIN; the ids, oldest first.
fn stocked() -> (Rig, [CredentialId; 2]) {
    let mut rig = Rig::new(Config::security_key());
    let ids = ["alice", "bob"].map(|name| rig.passkey(RP, name).0);
    Platform::agree(&mut rig, 2).set_pin(&mut rig, PIN).unwrap();
    rig.forget_past();
    (rig, ids)
}

fn renames(id: &CredentialId, user: User) -> Sub {
    Sub::UpdateUserInformation { credential: id.clone(), user }
}

fn set_min(set: SetMinPinLength) -> ConfigSubcommand {
    ConfigSubcommand::SetMinPinLength(set)
}

fn min(length: u64) -> ConfigSubcommand {
    set_min(SetMinPinLength { new_min_pin_length: Some(length), ..SetMinPinLength::default() })
}

#[test]
fn a_protocol_that_is_not_supported_manages_nothing() {
    let (mut rig, ids) = stocked();
    let both = token(&mut rig, Permissions::CM | Permissions::ACFG, None);
    let foreign = |param| Some(PinUvAuth { protocol: 3, param });
    for sub in
        [Sub::GetCredsMetadata, Sub::EnumerateRpsBegin, Sub::DeleteCredential(ids[0].clone())]
    {
        let request = CredentialManagementRequest::new(sub);
        let auth = foreign(both.auth(&rig, &request.authenticated_message()).param);
        let refused = manage_with(&mut rig, auth, request);
        assert_eq!(refused, Err(Status::InvalidParameter));
    }
    let mut request = ConfigRequest::new(ConfigSubcommand::ToggleAlwaysUv);
    request.auth = foreign(both.auth(&rig, &request.authenticated_message()).param);
    assert_eq!(rig.call(&request.into()), Err(Status::InvalidParameter));
    assert_eq!(rig.store.len(), 2);
    assert_eq!(rig.info().options.always_uv, Some(false));
}

#[test]
fn a_bound_token_renames_its_own_site_only() {
    let (mut rig, ids) = stocked();
    let other = token(&mut rig, Permissions::CM, Some("example.com"));
    let renamed = manage(&mut rig, Some(&other), renames(&ids[0], user("alice")));
    assert_eq!(renamed, Err(Status::PinAuthInvalid));
    let unknown = CredentialId::new(&[9; 32]).unwrap();
    let renamed = manage(&mut rig, Some(&other), renames(&unknown, user("alice")));
    assert_eq!(renamed, Err(Status::PinAuthInvalid));
    let own = token(&mut rig, Permissions::CM, Some(RP));
    manage(&mut rig, Some(&own), renames(&ids[0], user("alice"))).unwrap();
}

#[test]
fn names_that_are_absent_are_removed() {
    let (mut rig, ids) = stocked();
    let cm = token(&mut rig, Permissions::CM, None);
    let nameless = nameless("alice");
    manage(&mut rig, Some(&cm), renames(&ids[0], nameless.clone())).unwrap();
    let begin = Sub::EnumerateCredentialsBegin(rp_id(RP).hash(&rig.provider));
    manage(&mut rig, Some(&cm), begin).unwrap();
    let listed = manage(&mut rig, None, Sub::EnumerateCredentialsGetNextCredential).unwrap();
    assert_eq!(listed.user, Some(nameless));
}

#[test]
fn one_token_deletes_and_renames_again_and_again() {
    let (mut rig, ids) = stocked();
    let cm = token(&mut rig, Permissions::CM, None);
    for name in ["one", "two"] {
        let named = User { name: Some(name.into()), ..user("alice") };
        manage(&mut rig, Some(&cm), renames(&ids[0], named)).unwrap();
    }
    for id in ids {
        manage(&mut rig, Some(&cm), Sub::DeleteCredential(id)).unwrap();
    }
    let metadata = manage(&mut rig, Some(&cm), Sub::GetCredsMetadata).unwrap();
    assert_eq!(metadata.existing_resident_credentials_count, Some(0));
}

#[test]
fn what_is_not_discoverable_is_not_managed() {
    let (mut rig, _) = stocked();
    let (id, _) = made(&rig.create(&creation(RP, "carol")).unwrap());
    let cm = token(&mut rig, Permissions::CM, None);
    let metadata = manage(&mut rig, Some(&cm), Sub::GetCredsMetadata).unwrap();
    assert_eq!(metadata.existing_resident_credentials_count, Some(2));
    let begin = Sub::EnumerateCredentialsBegin(rp_id(RP).hash(&rig.provider));
    let listed = manage(&mut rig, Some(&cm), begin).unwrap();
    assert_eq!(listed.total_credentials, Some(2));
    let deleted = manage(&mut rig, Some(&cm), Sub::DeleteCredential(id.clone()));
    assert_eq!(deleted, Err(Status::NoCredentials));
    let renamed = manage(&mut rig, Some(&cm), renames(&id, user("carol")));
    assert_eq!(renamed, Err(Status::NoCredentials));
    let mut request = assertion(RP);
    request.allow_list = Some(listing(&id));
    rig.sign_in(&request).unwrap();
}

#[test]
fn what_a_credential_keeps_is_listed() {
    let (mut rig, _) = stocked();
    let level = CredentialProtectionPolicy::UserVerificationOptionalWithCredentialIdList;
    let mut request = creation("example.net", "dave");
    request.options.rk = Some(true);
    request.extensions.set(&level);
    request.extensions.set(&GetLargeBlobKey(true));
    request.extensions.set(&ThirdPartyPayment(true));
    token(&mut rig, Permissions::MC, Some("example.net")).authorize(&rig, &mut request);
    let made = rig.create(&request).unwrap();
    let cm = token(&mut rig, Permissions::CM, None);
    let list = |rig: &mut Rig, rp: &str| {
        let begin = Sub::EnumerateCredentialsBegin(rp_id(rp).hash(&rig.provider));
        manage(rig, Some(&cm), begin).unwrap()
    };
    let full = list(&mut rig, "example.net");
    assert_eq!(full.cred_protect, Some(level));
    assert_eq!(full.large_blob_key, made.large_blob_key);
    assert!(full.large_blob_key.is_some());
    assert_eq!(full.third_party_payment, Some(true));
    let bare = list(&mut rig, RP);
    assert_eq!(bare.cred_protect, Some(CredentialProtectionPolicy::UserVerificationOptional));
    assert_eq!(bare.large_blob_key, None);
    assert_eq!(bare.third_party_payment, Some(false));
}

#[test]
fn a_bound_token_may_configure_again_and_again() {
    let (mut rig, _) = stocked();
    let both = token(&mut rig, Permissions::ACFG | Permissions::MC, Some(RP));
    configure(&mut rig, Some(&both), min(5)).unwrap();
    configure(&mut rig, Some(&both), min(6)).unwrap();
    assert_eq!(rig.info().min_pin_length, Some(6));
    let mut request = creation(RP, "carol");
    both.authorize(&rig, &mut request);
    rig.create(&request).unwrap();
}

#[test]
fn a_forced_change_ends_the_persistent_token() {
    let (mut rig, _) = stocked();
    let reader = token(&mut rig, Permissions::PCMR, None);
    manage(&mut rig, Some(&reader), Sub::GetCredsMetadata).unwrap();
    let acfg = token(&mut rig, Permissions::ACFG, None);
    let force = SetMinPinLength { force_change_pin: Some(true), ..SetMinPinLength::default() };
    configure(&mut rig, Some(&acfg), set_min(force)).unwrap();
    let read = manage(&mut rig, Some(&reader), Sub::GetCredsMetadata);
    assert_eq!(read, Err(Status::PinAuthInvalid));
    Platform::agree(&mut rig, 2).change_pin(&mut rig, PIN, "another").unwrap();
    let read = manage(&mut rig, Some(&reader), Sub::GetCredsMetadata);
    assert_eq!(read, Err(Status::PinAuthInvalid));
}

#[test]
fn a_list_of_sites_replaces_the_one_before_and_an_empty_one_changes_nothing() {
    let mut rig = Rig::new(Config::security_key());
    let told = |rig: &mut Rig, rp: &str| {
        let mut request = creation(rp, "alice");
        request.extensions.set(&GetMinPinLength(true));
        let outputs = data(&rig.create(&request).unwrap().auth_data).extensions;
        outputs.get::<MinPinLength>().unwrap().is_some()
    };
    let set = |rig: &mut Rig, sites: &[&str]| {
        let sites = sites.iter().map(|site| (*site).to_owned()).collect();
        let set =
            SetMinPinLength { min_pin_length_rp_ids: Some(sites), ..SetMinPinLength::default() };
        configure(rig, None, set_min(set)).unwrap();
        ["one.example", "two.example"].map(|site| told(rig, site))
    };
    assert_eq!(set(&mut rig, &["one.example"]), [true, false]);
    assert_eq!(set(&mut rig, &["two.example"]), [false, true]);
    assert_eq!(set(&mut rig, &[]), [false, true]);
}

#[test]
fn the_persistent_token_counts_only_when_it_was_given_out() {
    let (mut rig, _) = stocked();
    // Whoever reads the store of a stolen device still has no permission.
    let Work::Done(Ok(Some(record))) = rig.store.record(Record::Identity) else { panic!() };
    let stolen = PlatformToken { protocol: 2, value: record[..32].to_vec() };
    let read = manage(&mut rig, Some(&stolen), Sub::GetCredsMetadata);
    assert_eq!(read, Err(Status::PinAuthInvalid));
    assert_eq!(token(&mut rig, Permissions::PCMR, None), stolen);
    manage(&mut rig, Some(&stolen), Sub::GetCredsMetadata).unwrap();
}

#[test]
fn a_proof_of_another_protocol_or_place_writes_nothing() {
    use towline_ctap::LargeBlobsRequest;
    let mut rig = with_pin(Config::security_key());
    let lbw = token(&mut rig, Permissions::LBW, None);
    let bytes = vec![0; 10];
    let mut write = |offset, protocol| {
        let message = LargeBlobsRequest::authenticated_message(&rig.provider, offset, &bytes);
        let auth = PinUvAuth { protocol, ..lbw.auth(&rig, &message) };
        let (fragment, length) = (bytes.clone(), Some(20));
        let request = LargeBlobsRequest::Set { fragment, offset: 0, length, auth: Some(auth) };
        rig.call(&request.into()).map(drop)
    };
    assert_eq!(write(0, 3), Err(Status::InvalidParameter));
    assert_eq!(write(0, 1), Err(Status::PinAuthInvalid));
    assert_eq!(write(5, 2), Err(Status::PinAuthInvalid));
    assert_eq!(write(0, 2), Ok(()));
}
