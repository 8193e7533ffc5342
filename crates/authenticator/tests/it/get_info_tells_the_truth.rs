//! authenticatorGetInfo: what each preset claims, and that it follows the config.

use crate::rig::*;
use towline_authenticator::{ChannelId, Config, MemoryStore};
use towline_ctap::{Aaguid, GetInfo, Request, Status, Transport, Version, algorithm};

#[test]
fn a_phone_claims_what_phones_claim() {
    let info = Rig::new(Config::phone()).info();
    assert_eq!(info.versions, [Version::Fido2_0, Version::Fido2_1]);
    assert_eq!((info.options.rk, info.options.uv), (Some(true), Some(true)));
    assert_eq!(info.options.client_pin, None);
    assert_eq!(info.options.pin_uv_auth_token, None);
    assert_eq!(info.pin_uv_auth_protocols, None);
    assert_eq!(info.transports, Some(vec![Transport::Hybrid, Transport::Internal]));
    assert_eq!(info.options.plat, None);
}

#[test]
fn a_security_key_claims_a_pin_and_no_verification_of_its_own() {
    let info = Rig::new(Config::security_key()).info();
    assert!(info.versions.starts_with(&[Version::U2fV2, Version::Fido2_0, Version::Fido2_1]));
    assert_eq!((info.options.rk, info.options.uv), (Some(true), None));
    assert_eq!(info.options.client_pin, Some(false));
    assert_eq!(info.options.pin_uv_auth_token, Some(true));
    assert_eq!(info.pin_uv_auth_protocols, Some(vec![2, 1]));
    assert_eq!((info.min_pin_length, info.max_pin_length), (Some(4), Some(63)));
    assert_eq!(info.force_pin_change, Some(false));
    assert_eq!(info.transports, Some(vec![Transport::Usb]));
    assert_eq!(info.max_msg_size, Some(7609));
}

#[test]
fn a_platform_is_part_of_the_device() {
    let info = Rig::new(Config::platform()).info();
    assert_eq!(info.options.plat, Some(true));
    assert_eq!(info.transports, Some(vec![Transport::Internal]));
}

#[test]
fn a_phone_claims_nothing_of_a_security_key() {
    let info = Rig::new(Config::phone()).info();
    assert!(info.versions.iter().all(|version| version.as_str() != "FIDO_2_2"));
    assert_eq!(info.extensions, Some(vec!["credProtect".into(), "prf".into()]));
    assert_eq!(info.algorithms, Some(vec![algorithm::ES256]));
    assert_eq!(info.options.large_blobs, None);
    assert_eq!(info.options.cred_mgmt, None);
    assert_eq!(info.options.ep, None);
    assert_eq!(info.min_pin_length, None);
    assert_eq!(info.enc_identifier, None);
}

#[test]
fn what_is_configured_is_told() {
    let mut config = Config::phone().with_aaguid(Aaguid::new([0xaa; 16]));
    config.identity.firmware_version = Some(7);
    config.limits.max_credential_count_in_list = 3;
    config.verification.make_cred_uv_not_rqd = true;
    config.credentials.discoverable = false;
    let verification = config.verification.built_in.as_mut().unwrap();
    verification.configured = false;
    verification.modality = Some(0x02);
    let info = Rig::new(config).info();
    assert_eq!(info.aaguid, Aaguid::new([0xaa; 16]));
    assert_eq!(info.firmware_version, Some(7));
    assert_eq!(info.max_credential_count_in_list, Some(3));
    assert_eq!(info.options.make_cred_uv_not_rqd, Some(true));
    assert_eq!(info.options.rk, None);
    assert_eq!(info.options.uv, Some(false));
    assert_eq!(info.uv_modality, Some(2));
}

#[test]
fn the_room_that_is_left_is_told_where_it_is_known() {
    let mut rig = Rig::over(Config::security_key(), MemoryStore::with_limit(3));
    assert_eq!(rig.info().remaining_discoverable_credentials, Some(3));
    rig.passkey("example.org", "alice");
    assert_eq!(rig.info().remaining_discoverable_credentials, Some(2));
    let mut rig = Rig::new(Config::security_key());
    let before = rig.info().remaining_discoverable_credentials.unwrap();
    rig.passkey("example.org", "alice");
    assert_eq!(rig.info().remaining_discoverable_credentials, Some(before - 1));
}

#[test]
fn a_client_in_the_same_process_is_told_what_the_request_is_answered() {
    // What is sealed is sealed anew each time.
    let told = |info: GetInfo| {
        let sealed = (info.enc_identifier.is_some(), info.enc_cred_store_state.is_some());
        (GetInfo { enc_identifier: None, enc_cred_store_state: None, ..info }, sealed)
    };
    for config in [Config::phone(), Config::platform(), Config::security_key()] {
        let mut rig = Rig::new(config);
        let ask = |rig: &mut Rig, over: &Transport| {
            let info = rig.authenticator.info_over(over.clone(), ChannelId(7), rig.now);
            rig.pump();
            info
        };
        assert_eq!(ask(&mut rig, &Transport::Internal), None, "nothing was read yet");
        rig.passkey("example.com", "alice");
        for over in [Transport::Internal, Transport::Usb, Transport::Hybrid] {
            rig.transport = Some(over.clone());
            let info = ask(&mut rig, &over).expect("everything is known");
            assert_eq!(told(info), told(rig.info()));
        }
        rig.person(absent);
        rig.send(ChannelId(1), &Request::Selection.encode());
        assert_eq!(ask(&mut rig, &Transport::Internal), None, "a request is under way");
    }
}

#[test]
fn to_be_told_in_the_same_process_ends_a_sequence() {
    let mut rig = Rig::new(Config::security_key());
    rig.passkey("example.com", "alice");
    rig.passkey("example.com", "bob");
    rig.sign_in(&assertion("example.com")).unwrap();
    assert!(rig.authenticator.info_over(Transport::Internal, ChannelId(1), rig.now).is_some());
    assert_eq!(rig.next(), Err(Status::NotAllowed));
}
