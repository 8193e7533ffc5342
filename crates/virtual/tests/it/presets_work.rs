//! What each preset is, by what it does.

use towline_authenticator::{PinComplexity, PinUvAuthProtocol};
use towline_ctap::{
    ClientDataHash, CredentialId, GetAssertionRequest, GetAssertionResponse, GetInfo,
    MakeCredentialRequest, PublicKeyCredentialDescriptor, Request, Rp, RpId, Transport, User,
    UserHandle, Version, u2f,
};
use towline_virtual::{
    Builder, Extension, FAMILIES, Family, Passkey, Quirk, TEST_AAGUID, VirtualAuthenticator,
};

use crate::options::{ORIGIN, create, get, get_with, list};

#[test]
fn every_preset_registers_and_signs_in_and_says_that_it_is_a_test() {
    for device in [
        VirtualAuthenticator::security_key(),
        VirtualAuthenticator::fingerprint_key(),
        VirtualAuthenticator::platform(),
        VirtualAuthenticator::synced_passkey(),
        VirtualAuthenticator::phone(),
    ] {
        let info = device.info().unwrap();
        assert_eq!(info.aaguid, TEST_AAGUID, "{device:?}");
        assert_eq!(info.aaguid.to_string(), "746f776c-696e-652d-7465-73742d6b6579");
        device.create(ORIGIN, &create("alice")).unwrap();
        let response = device.get(ORIGIN, &get()).unwrap();
        let response: serde_json::Value = serde_json::from_str(&response).unwrap();
        let id = response["id"].as_str().unwrap();
        assert_eq!(id, crate::options::base64url(device.passkeys()[0].id().as_bytes()));
    }
}

#[test]
fn synced_passkeys_may_be_and_are_backed_up_and_do_not_count() {
    for device in [VirtualAuthenticator::synced_passkey(), VirtualAuthenticator::phone()] {
        device.create(ORIGIN, &create("alice")).unwrap();
        device.get(ORIGIN, &get()).unwrap();
        let passkeys = device.passkeys();
        let [Passkey { credential, sign_count, backed_up }] = &passkeys[..] else { panic!() };
        assert_eq!((credential.backup_eligible, *backed_up, *sign_count), (true, true, None));
        assert_eq!(counter(&device), 0);
    }
}

#[test]
fn providers_make_discoverable_passkeys_whatever_the_site_asks_for() {
    let not_asked = r#"{"challenge": "AAECAwQFBgcICQoLDA0ODw", "extensions": {"credProps": true},
        "rp": {"name": "Example", "id": "example.org"},
        "user": {"id": "MQ", "name": "alice", "displayName": "Alice"},
        "pubKeyCredParams": [{"type": "public-key", "alg": -7}]}"#;
    let family = |name: &str| Family::named(name).unwrap().builder();
    for (builder, discoverable) in [
        (Builder::synced_passkey(), true),
        (Builder::phone(), true),
        (family("android-phone"), true),
        (family("iphone"), true),
        (family("synced-platform"), true),
        // These do as the site says.
        (Builder::platform(), false),
        (Builder::security_key(), false),
        (Builder::fingerprint_key(), false),
        (Builder::synced_passkey().only_discoverable(false), false),
        (Builder::phone().discoverable(false), false),
    ] {
        let device = builder.build().unwrap();
        let response = device.create(ORIGIN, not_asked).unwrap();
        let response: serde_json::Value = serde_json::from_str(&response).unwrap();
        let told = &response["clientExtensionResults"]["credProps"]["rk"];
        assert_eq!(told, discoverable, "{device:?}");
        let passkey = &device.passkeys()[0].credential;
        assert_eq!(passkey.discoverable, discoverable, "{device:?}");
        assert_eq!(device.get(ORIGIN, &get()).is_ok(), discoverable, "without a list: {device:?}");

        // A client of another make does not ask for it, over hybrid or otherwise.
        let rp = Rp { id: RpId::new("example.net").unwrap(), name: None };
        let user = User {
            id: UserHandle::new(&[1]).unwrap(),
            name: Some("alice".into()),
            display_name: Some("Alice".into()),
        };
        let hash = ClientDataHash::new([7; 32]);
        let request = MakeCredentialRequest::new(hash, rp, user, vec![-7]);
        assert_eq!(device.transact(&Request::from(request).encode())[0], 0);
        assert_eq!(device.passkeys()[1].credential.discoverable, discoverable, "{device:?}");
    }
}

#[test]
fn a_security_key_counts_and_its_passkeys_stay_on_it() {
    let key = VirtualAuthenticator::security_key();
    key.create(ORIGIN, &create("alice")).unwrap();
    assert_eq!((counter(&key), counter(&key)), (1, 2));
    let passkey = &key.passkeys()[0];
    assert_eq!(passkey.sign_count, Some(2));
    assert!(!passkey.credential.backup_eligible && !passkey.backed_up);
}

#[test]
fn a_u2f_key_speaks_u2f_alone() {
    let key = VirtualAuthenticator::u2f_key();
    assert_eq!(key.transact(&[0x04]), [0x01], "CTAP1_ERR_INVALID_COMMAND");
    assert_eq!(key.info(), None);
    key.create(ORIGIN, &create("alice")).unwrap();
    let version = key.u2f(&[0, 3, 0, 0, 0, 0, 0]);
    assert_eq!(version, [u2f::VERSION, &[0x90, 0x00]].concat());
    let register = [&[0, 1, 0, 0, 0, 0, 64][..], &[7; 64], &[0, 0]].concat();
    assert_eq!(key.u2f(&register), [0x69, 0x85], "a touch, please");
    let registered = key.u2f(&register);
    assert_eq!((registered[0], &registered[registered.len() - 2..]), (5, &[0x90, 0x00][..]));
}

#[test]
fn a_phone_is_reached_by_the_hybrid_transport_and_a_computer_is_its_own() {
    let (phone, computer) = (VirtualAuthenticator::phone(), VirtualAuthenticator::platform());
    assert_eq!(*phone.transport(), Transport::Hybrid);
    assert_eq!(*computer.transport(), Transport::Internal);
    let of = |device: &VirtualAuthenticator| {
        let response = device.create(ORIGIN, &create("alice")).unwrap();
        let response: serde_json::Value = serde_json::from_str(&response).unwrap();
        response["authenticatorAttachment"].as_str().unwrap().to_owned()
    };
    assert_eq!((of(&phone), of(&computer)), ("cross-platform".into(), "platform".into()));
}

#[test]
fn what_is_chosen_is_what_get_info_says() {
    let key = Builder::security_key()
        .versions(&[Version::Fido2_0, Version::Fido2_1])
        .transports(&[Transport::Nfc, Transport::Ble])
        .algorithms(&[-8])
        .extensions([Extension::HmacSecret, Extension::CredBlob])
        .limits(2048, 3)
        .capacity(2)
        .pin("2580")
        .build()
        .unwrap();
    let info = key.info().unwrap();
    assert_eq!(info.versions, [Version::Fido2_0, Version::Fido2_1]);
    assert_eq!(info.transports, Some(vec![Transport::Nfc, Transport::Ble]));
    assert_eq!(info.algorithms, Some(vec![-8]));
    assert_eq!(info.extensions.unwrap(), ["credProtect", "hmac-secret", "credBlob"]);
    assert_eq!((info.max_msg_size, info.max_credential_count_in_list), (Some(2048), Some(3)));
    assert_eq!(info.remaining_discoverable_credentials, Some(2));
    assert_eq!(info.options.client_pin, Some(true));
    assert_eq!(info.max_cred_blob_length, Some(32));
}

#[test]
fn every_member_of_get_info_can_be_chosen() {
    let key = Builder::fingerprint_key()
        .always_uv_configurable(false)
        .bio_enrollment(None)
        .modality(Some(0x02 | 0x10), Some(2))
        .credential_management(true, false)
        .pin_protocols(&[PinUvAuthProtocol::Two])
        .pin_policy(|pin| {
            (pin.min_length, pin.max_length, pin.permits_mc_ga) = (6, 12, false);
            pin.complexity = PinComplexity::Enforced;
        })
        .firmware(7, &[("FIDO", 1)])
        .reset_over(&[Transport::Usb], true)
        .vendor_commands(&[5])
        .build()
        .unwrap();
    let info = key.info().unwrap();
    let options = info.options;
    assert_eq!((options.always_uv, options.bio_enroll, options.uv), (None, None, Some(true)));
    assert_eq!((options.cred_mgmt, options.per_cred_mgmt_ro), (Some(true), None));
    assert_eq!(options.no_mc_ga_permissions_with_client_pin, Some(true));
    assert_eq!((info.uv_modality, info.preferred_platform_uv_attempts), (Some(0x12), Some(2)));
    assert_eq!(info.pin_uv_auth_protocols, Some(vec![2]));
    assert_eq!((info.min_pin_length, info.max_pin_length), (Some(6), Some(12)));
    assert_eq!((info.pin_complexity_policy, info.firmware_version), (Some(true), Some(7)));
    assert_eq!(info.certifications, Some(vec![("FIDO".to_owned(), 1)]));
    assert_eq!(info.transports_for_reset, Some(vec![Transport::Usb]));
    assert_eq!(info.long_touch_for_reset, Some(false));
    assert_eq!(info.vendor_prototype_config_commands, Some(vec![5]));
}

#[test]
fn what_contradicts_itself_is_refused_with_a_sentence() {
    let sentence = |builder: Builder| builder.build().unwrap_err().to_string();
    let key = Builder::security_key;
    for (refusal, says) in [
        (sentence(key().always_uv(true)), "exclude each other"),
        (sentence(key().limits(100, 1)), "at least 1024"),
        (sentence(key().pin("123")), "too short"),
        (sentence(key().versions(&[])), "must not be empty"),
        (sentence(Builder::platform().algorithms(&[-47])), "none of the configured algorithms"),
        (sentence(key().extensions([Extension::HmacSecretMc])), "FIDO_2_3 can't be claimed"),
        (
            sentence(key().capacity(1).synced_with(&VirtualAuthenticator::phone().synced_set())),
            "the capacity belongs to",
        ),
    ] {
        assert!(refusal.contains(says), "{refusal:?} does not say {says:?}");
    }
}

#[test]
fn a_key_that_is_full_says_so() {
    let key = Builder::security_key().capacity(1).build().unwrap();
    let options = |name: &str| {
        create(name).replace(
            r#"{"residentKey": "preferred", "userVerification": "preferred"}"#,
            r#"{"residentKey": "required", "userVerification": "discouraged"}"#,
        )
    };
    key.create(ORIGIN, &options("alice")).unwrap();
    let error = key.create(ORIGIN, &options("bob")).unwrap_err();
    assert_eq!(error.name(), "NotAllowedError", "{error}");
    assert_eq!(key.passkeys().len(), 1);
}

#[test]
fn every_family_registers_and_signs_in_in_spite_of_its_quirks() {
    for family in FAMILIES {
        let device = family.builder().build().unwrap();
        device.create(ORIGIN, &create("alice")).unwrap_or_else(|e| panic!("{}: {e}", family.name));
        let allowed = get_with(&list("allowCredentials", device.passkeys()[0].id()));
        device.get(ORIGIN, &allowed).unwrap_or_else(|e| panic!("{}: {e}", family.name));
        device.get(ORIGIN, &get()).unwrap_or_else(|e| panic!("{}: {e}", family.name));
        assert_eq!(Family::named(family.name).unwrap().about, family.about);
    }
    assert!(Family::named("another").is_none());
}

#[test]
fn quirks_are_what_they_say() {
    let asks = |quirk: Quirk, request: Request| {
        let device = Builder::security_key().quirks(&[quirk]).build().unwrap();
        device.create(ORIGIN, &create("alice")).unwrap();
        device.transact(&request.encode())
    };
    let site = || RpId::new("example.org").unwrap();
    let hash = ClientDataHash::new([7; 32]);
    let info = GetInfo::decode(&asks(Quirk::SparseInfo, Request::GetInfo)).unwrap();
    assert_eq!((info.algorithms, info.options.cred_mgmt), (None, None));

    let mut get = GetAssertionRequest::new(site(), hash);
    get.options.up = Some(false);
    assert_eq!(asks(Quirk::RefusesSilence, get.clone().into()), [0x2c]);
    let other = PublicKeyCredentialDescriptor::new(CredentialId::new(&[7; 32]).unwrap());
    get.allow_list = Some(vec![other.clone(), other]);
    assert_eq!(asks(Quirk::RefusesLongerLists, get.into()), [0x15]);

    let id = UserHandle::new(&[7]).unwrap();
    for (quirk, display_name, status) in
        [(Quirk::NeedsDisplayName, None, 0x14), (Quirk::RefusesEmptyDisplayName, Some(""), 0x02)]
    {
        let display_name = display_name.map(str::to_owned);
        let user = User { id: id.clone(), name: None, display_name };
        let rp = Rp { id: site(), name: None };
        let request = MakeCredentialRequest::new(hash, rp, user, vec![-7]);
        assert_eq!(asks(quirk, request.into()), [status]);
    }

    for (quirk, has) in [
        (Quirk::OmitsSingleCredential, (false, true)),
        (Quirk::OmitsUserOfLists, (true, false)),
        (Quirk::RefusesSilence, (true, true)),
    ] {
        let device = Builder::phone().quirks(&[quirk]).build().unwrap();
        device.create(ORIGIN, &create("alice")).unwrap();
        let mut get = GetAssertionRequest::new(site(), hash);
        let id = device.passkeys()[0].id().clone();
        get.allow_list = Some(vec![PublicKeyCredentialDescriptor::new(id)]);
        let response = device.transact(&Request::from(get).encode());
        let response = GetAssertionResponse::decode(&response).unwrap();
        assert_eq!((response.credential.is_some(), response.user.is_some()), has, "{quirk:?}");
    }
}

/// The counter of the next sign-in.
fn counter(device: &VirtualAuthenticator) -> u32 {
    let response = device.get(ORIGIN, &get()).unwrap();
    crate::sites_are_tested::auth_data(&response).sign_count
}
