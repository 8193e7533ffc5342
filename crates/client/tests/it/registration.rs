//! Registration: what is asked of the authenticator, what the site gets, and what is refused.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use towline_client::{CeremonyOutput, ChannelError, Create, Error, Misbehaviour, Timeouts};
use towline_ctap::{
    AttestationStatement, AuthenticatorData, CosePublicKey, Flags, GetInfo, MakeCredentialResponse,
    Malformed, PackedAttestation, Status, Transport, Version,
    extension::CredentialProtectionPolicy::{self, *},
};

use crate::scripted::*;

fn selection(member: &str, value: Value) -> Value {
    with(creation(), "authenticatorSelection", json!({member: value}))
}

/// What options a new credential is asked for with.
fn asked(options: &Value, info: &GetInfo) -> (Option<bool>, Option<bool>) {
    let (request, _) = register(options, info, &[0x27]);
    (request.options.rk, request.options.uv)
}

fn refused(options: &Value, info: &GetInfo) -> Error {
    let mut create = start_create(options).unwrap();
    create.handle_info(&info.to_cbor(), &Transport::Usb);
    finished(create.poll_output()).unwrap_err()
}

fn attestation_object(result: &Value) -> (String, Vec<u8>) {
    let object = unb64(&result["response"]["attestationObject"]);
    // {"fmt": .., "attStmt": .., "authData": ..}: the same as a response, with names for keys.
    let mut fmt = String::new();
    let mut auth_data = Vec::new();
    towline_cbor::decode(&object, 8, |reader| {
        reader.map(|key, value| {
            match key {
                towline_cbor::Key::Text("fmt") => fmt = value.text()?.to_owned(),
                towline_cbor::Key::Text("authData") => auth_data = value.bytes()?.to_vec(),
                _ => {}
            }
            Ok::<(), towline_cbor::Error>(())
        })
    })
    .unwrap();
    (fmt, auth_data)
}

#[test]
fn a_registration_has_every_member_of_the_standard() {
    let (request, result) = register(&creation(), &phone(), &created(&new_credential()));
    assert_eq!(request.rp.id.as_str(), "example.org");
    assert_eq!(request.rp.name.as_deref(), Some("Example"));
    assert_eq!(request.user.id.as_bytes(), [1, 2, 3]);
    assert_eq!(request.user.name.as_deref(), Some("jo@example.org"));
    assert_eq!(request.user.display_name.as_deref(), Some("Jo"));
    assert_eq!(request.pub_key_cred_params, [-8, -7]);

    let result = result.unwrap();
    assert_eq!(result["type"], "public-key");
    assert_eq!(result["id"], b64(&[0x1d; 16]));
    assert_eq!(result["rawId"], result["id"]);
    assert_eq!(result["authenticatorAttachment"], "cross-platform");
    assert_eq!(result["clientExtensionResults"], json!({}));
    let response = &result["response"];
    assert_eq!(response["transports"], json!(["hybrid", "internal"]));
    assert_eq!(response["publicKeyAlgorithm"], -7);
    assert_eq!(unb64(&response["publicKey"]).len(), 91);
    let client_data = unb64(&response["clientDataJSON"]);
    assert_eq!(
        String::from_utf8(client_data.clone()).unwrap(),
        format!(
            r#"{{"type":"webauthn.create","challenge":"{}","origin":"https://login.example.org","crossOrigin":false}}"#,
            b64(&[0xc4; 32])
        )
    );
    let provider = towline_crypto::rustcrypto::provider();
    assert_eq!(request.client_data_hash.as_bytes(), &provider.sha256.hash(&[&client_data]));
    let (fmt, auth_data) = attestation_object(&result);
    assert_eq!(fmt, "none");
    assert_eq!(auth_data, unb64(&response["authenticatorData"]));
}

#[test]
fn options_in_a_member_public_key_are_read_as_well() {
    let (request, _) = register(&json!({"publicKey": creation()}), &phone(), &[0x27]);
    assert_eq!(request.rp.id.as_str(), "example.org");
}

#[test]
fn values_that_are_not_known_count_as_absent() {
    let mut options = selection("residentKey", json!("sometimes"));
    options["attestation"] = json!("indiscreet");
    options["hints"] = json!(["telepathy"]);
    options["extensions"] = json!({"zap": {"x": 1}});
    options["authenticatorSelection"]["userVerification"] = json!("maybe");
    options["authenticatorSelection"]["authenticatorAttachment"] = json!("glued-on");
    options["excludeCredentials"] =
        json!([{"type": "private-key", "id": "AQ"}, {"type": "public-key", "id": ""}]);
    options["timeout"] = Value::Null;
    let (request, result) = register(&options, &phone(), &created(&new_credential()));
    assert!(result.is_ok());
    assert!(request.exclude_list.is_empty() && request.extensions.is_empty());
    assert_eq!(request.options.rk, None);
}

#[test]
fn options_that_are_not_as_they_must_be_are_refused() {
    let without = |member: &str| {
        let mut options = creation();
        options.as_object_mut().unwrap().remove(member);
        options
    };
    for (options, name) in [
        (json!(null), "TypeError"),
        (json!([]), "TypeError"),
        (json!({}), "TypeError"),
        (json!({"publicKey": null}), "TypeError"),
        (without("rp"), "TypeError"),
        (without("user"), "TypeError"),
        (without("challenge"), "TypeError"),
        (without("pubKeyCredParams"), "TypeError"),
        (with(creation(), "rp", json!({"id": "example.org"})), "TypeError"),
        (with(creation(), "rp", json!("example.org")), "TypeError"),
        (with(creation(), "user", json!({"id": "AQ", "name": "n"})), "TypeError"),
        (with(creation(), "user", json!({"id": "AQ", "displayName": "n"})), "TypeError"),
        (with(creation(), "user", json!({"id": "", "name": "n", "displayName": "d"})), "TypeError"),
        (
            with(creation(), "user", json!({"id": b64(&[0; 65]), "name": "n", "displayName": "d"})),
            "TypeError",
        ),
        (
            with(creation(), "user", json!({"id": "#", "name": "n", "displayName": "d"})),
            "EncodingError",
        ),
        (with(creation(), "challenge", json!("not base64url!")), "EncodingError"),
        (with(creation(), "challenge", json!([1, 2])), "EncodingError"),
        (with(creation(), "pubKeyCredParams", json!([{"type": "public-key"}])), "TypeError"),
        (
            with(creation(), "pubKeyCredParams", json!([{"type": "x", "alg": -7}])),
            "NotSupportedError",
        ),
        (with(creation(), "excludeCredentials", json!([{"type": "public-key"}])), "TypeError"),
        (
            with(creation(), "excludeCredentials", json!([{"type": "public-key", "id": "+/"}])),
            "EncodingError",
        ),
        (with(creation(), "extensions", json!({"credentialProtectionPolicy": "x"})), "TypeError"),
        (with(creation(), "rp", json!({"id": "example.com", "name": "n"})), "SecurityError"),
        (with(creation(), "rp", json!({"id": "org", "name": "n"})), "SecurityError"),
        (with(creation(), "rp", json!({"id": "Example.org", "name": "n"})), "SecurityError"),
    ] {
        let error = start_create(&options).unwrap_err();
        assert_eq!(error.name(), name, "{options}: {error}");
    }
    let text = Create::new(&client(), &caller(), "{", Instant::now()).unwrap_err();
    assert_eq!(text.name(), "TypeError");
}

#[test]
fn without_parameters_the_usual_algorithms_are_asked_for() {
    let (request, _) =
        register(&with(creation(), "pubKeyCredParams", json!([])), &phone(), &[0x27]);
    assert_eq!(request.pub_key_cred_params, [-7, -257]);
}

#[test]
fn a_discoverable_credential_is_asked_for_as_the_site_wants_and_the_authenticator_can() {
    let mut stores = simple_key();
    stores.options.rk = Some(true);
    for (value, stores_rk) in
        [("required", Some(true)), ("preferred", Some(true)), ("discouraged", None)]
    {
        assert_eq!(asked(&selection("residentKey", json!(value)), &stores).0, stores_rk, "{value}");
    }
    assert_eq!(asked(&creation(), &stores).0, None);
    assert_eq!(asked(&selection("residentKey", json!("preferred")), &simple_key()).0, None);
    assert_eq!(asked(&selection("requireResidentKey", json!(true)), &stores).0, Some(true));
    assert_eq!(asked(&selection("requireResidentKey", json!(false)), &stores).0, None);

    let error = refused(&selection("residentKey", json!("required")), &simple_key());
    assert_eq!((&error, error.name()), (&Error::DiscoverableUnsupported, "ConstraintError"));
    let error = refused(&selection("requireResidentKey", json!(true)), &simple_key());
    assert_eq!(error, Error::DiscoverableUnsupported);
}

#[test]
fn verification_is_asked_for_as_the_site_wants_and_the_authenticator_can() {
    let mut relaxed = phone();
    relaxed.options.make_cred_uv_not_rqd = Some(true);
    for (value, insisting, relaxed_uv, cannot) in [
        (Some("required"), Some(true), Some(true), Err(Error::UserVerificationUnavailable)),
        (Some("preferred"), Some(true), Some(true), Ok(None)),
        (Some("discouraged"), Some(true), None, Ok(None)),
        (None, Some(true), Some(true), Ok(None)),
    ] {
        let options =
            value.map_or_else(creation, |value| selection("userVerification", json!(value)));
        assert_eq!(asked(&options, &phone()).1, insisting, "{value:?}");
        assert_eq!(asked(&options, &relaxed).1, relaxed_uv, "{value:?}");
        match cannot {
            Ok(uv) => assert_eq!(asked(&options, &simple_key()).1, uv, "{value:?}"),
            Err(error) => assert_eq!(refused(&options, &simple_key()), error),
        }
    }
    let mut not_set_up = simple_key();
    not_set_up.options.uv = Some(false);
    let error = refused(&selection("userVerification", json!("required")), &not_set_up);
    assert_eq!((&error, error.name()), (&Error::UserVerificationUnavailable, "ConstraintError"));
}

#[test]
fn a_discoverable_credential_or_an_authenticator_that_insists_brings_verification() {
    let mut relaxed = phone();
    relaxed.options.make_cred_uv_not_rqd = Some(true);
    let mut options = selection("userVerification", json!("discouraged"));
    options["authenticatorSelection"]["residentKey"] = json!("required");
    assert_eq!(asked(&options, &relaxed), (Some(true), Some(true)));
    relaxed.options.always_uv = Some(true);
    let options = selection("userVerification", json!("discouraged"));
    assert_eq!(asked(&options, &relaxed), (None, Some(true)));
}

#[test]
fn the_other_kind_of_authenticator_is_refused() {
    for (wanted, transport, fits) in [
        ("platform", Transport::Internal, true),
        ("platform", Transport::Hybrid, false),
        ("platform", Transport::Usb, false),
        ("cross-platform", Transport::Hybrid, true),
        ("cross-platform", Transport::Internal, false),
    ] {
        let options = selection("authenticatorAttachment", json!(wanted));
        let mut create = start_create(&options).unwrap();
        create.handle_info(&phone().to_cbor(), &transport);
        match create.poll_output() {
            Some(CeremonyOutput::Request(_)) => assert!(fits, "{wanted} {transport:?}"),
            Some(CeremonyOutput::Finished(Err(error))) => {
                assert!(!fits, "{wanted} {transport:?}");
                assert_eq!((&error, error.name()), (&Error::WrongAttachment, "NotAllowedError"));
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn the_attachment_follows_from_the_transport() {
    let mut create = start_create(&creation()).unwrap();
    create.handle_info(&simple_key().to_cbor(), &Transport::Internal);
    sent(create.poll_output());
    create.handle_response(&created(&new_credential()));
    let result = finished(create.poll_output()).unwrap();
    assert_eq!(result["authenticatorAttachment"], "platform");
    assert_eq!(result["response"]["transports"], json!(["internal"]));
}

#[test]
fn cred_props_say_whether_the_credential_is_discoverable_where_that_is_known() {
    let rk = |resident_key: &str, info: &GetInfo| {
        let mut options = selection("residentKey", json!(resident_key));
        options["extensions"] = json!({"credProps": true});
        let (_, result) = register(&options, info, &created(&new_credential()));
        result.unwrap()["clientExtensionResults"].clone()
    };
    assert_eq!(rk("required", &phone()), json!({"credProps": {"rk": true}}));
    assert_eq!(rk("discouraged", &phone()), json!({"credProps": {"rk": false}}));
    // It has no room for one; one that has may make any discoverable before CTAP 2.1.
    assert_eq!(rk("preferred", &simple_key()), json!({"credProps": {"rk": false}}));
    let mut old = simple_key();
    old.options.rk = Some(true);
    assert_eq!(rk("discouraged", &old), json!({"credProps": {}}));
}

#[test]
fn the_client_of_a_provider_makes_discoverable_passkeys_whatever_the_site_asks() {
    let client = client().with_only_discoverable(true);
    for (resident_key, info, discoverable) in [
        ("discouraged", phone(), true),
        ("preferred", phone(), true),
        // There is no room for one.
        ("discouraged", simple_key(), false),
    ] {
        let mut options = selection("residentKey", json!(resident_key));
        options["extensions"] = json!({"credProps": true});
        let options = options.to_string();
        let mut create = Create::new(&client, &caller(), &options, Instant::now()).unwrap();
        create.handle_info(&info.to_cbor(), &Transport::Internal);
        let rk = make_credential(create.poll_output()).options.rk;
        assert_eq!(rk, discoverable.then_some(true), "{resident_key}");
        create.handle_response(&created(&new_credential()));
        let result = finished(create.poll_output()).unwrap();
        assert_eq!(result["clientExtensionResults"], json!({"credProps": {"rk": discoverable}}));
    }
}

#[test]
fn cred_protect_is_asked_for_where_it_is_supported() {
    let protect = |policy: &str, enforce: bool| {
        with(
            creation(),
            "extensions",
            json!({
                "credentialProtectionPolicy": policy,
                "enforceCredentialProtectionPolicy": enforce,
            }),
        )
    };
    for (text, policy) in [
        ("userVerificationOptional", UserVerificationOptional),
        (
            "userVerificationOptionalWithCredentialIDList",
            UserVerificationOptionalWithCredentialIdList,
        ),
        ("userVerificationRequired", UserVerificationRequired),
    ] {
        let (request, _) = register(&protect(text, false), &phone(), &[0x27]);
        assert_eq!(request.extensions.get::<CredentialProtectionPolicy>(), Ok(Some(policy)));
    }
    let strict = protect("userVerificationRequired", true);
    let error = refused(&strict, &simple_key());
    assert_eq!((&error, error.name()), (&Error::ProtectionUnsupported, "NotAllowedError"));
    let (request, result) = register(
        &protect("userVerificationRequired", false),
        &simple_key(),
        &created(&new_credential()),
    );
    assert!(request.extensions.is_empty() && result.is_ok());

    let mut data = new_credential();
    let not_protected = Err(Error::Misbehaved(Misbehaviour::NotProtected));
    assert_eq!(register(&strict, &phone(), &created(&data)).1, not_protected);
    data.extensions.set(&UserVerificationOptionalWithCredentialIdList);
    assert_eq!(register(&strict, &phone(), &created(&data)).1, not_protected);
    data.extensions.set(&UserVerificationRequired);
    assert!(register(&strict, &phone(), &created(&data)).1.is_ok());
}

fn with_statement(
    conveyance: &str,
    statement: &AttestationStatement,
    data: &AuthenticatorData,
) -> Value {
    let response = MakeCredentialResponse::new(statement.clone(), data.encode()).encode();
    register(&with(creation(), "attestation", json!(conveyance)), &phone(), &response).1.unwrap()
}

#[test]
fn attestation_reaches_only_sites_that_ask_for_it() {
    let packed =
        |x5c| AttestationStatement::Packed(PackedAttestation { alg: -7, sig: vec![9; 70], x5c });
    let certified = packed(Some(vec![vec![0x30, 0]]));
    let data = new_credential();
    let mut anonymous = data.clone();
    anonymous.attested.as_mut().unwrap().aaguid = towline_ctap::Aaguid::ZERO;

    for conveyance in ["direct", "indirect", "enterprise"] {
        let (fmt, auth_data) = attestation_object(&with_statement(conveyance, &certified, &data));
        assert_eq!((fmt.as_str(), auth_data), ("packed", data.encode()), "{conveyance}");
    }
    for statement in [certified, packed(None), AttestationStatement::None] {
        let result = with_statement("none", &statement, &data);
        let (fmt, auth_data) = attestation_object(&result);
        assert_eq!((fmt.as_str(), &auth_data), ("none", &data.encode()));
        assert_eq!(unb64(&result["response"]["authenticatorData"]), auth_data);
    }
    let (fmt, _) = attestation_object(&with_statement("none", &packed(None), &anonymous));
    assert_eq!(fmt, "packed", "self attestation that tells no model stays");
}

#[test]
fn formats_are_asked_for_as_the_site_wants() {
    let formats = |conveyance: &str, wanted: &[&str], info: &GetInfo| {
        let mut options = with(creation(), "attestation", json!(conveyance));
        options["attestationFormats"] = json!(wanted);
        register(&options, info, &[0x27]).0.attestation_formats_preference
    };
    let mut newer = phone();
    newer.attestation_formats = Some(vec!["packed".into(), "tpm".into()]);
    assert_eq!(formats("none", &["tpm"], &newer), ["none"]);
    assert_eq!(formats("none", &[], &phone()), [""; 0]);
    // CTAP 2.2 has no name; what it brought tells it, since formats that are `packed` alone are
    // left out.
    let since = |change: fn(&mut GetInfo)| {
        let mut info = phone();
        change(&mut info);
        info
    };
    for info in [
        since(|info| info.versions.push(Version::Fido2_3)),
        since(|info| info.long_touch_for_reset = Some(false)),
        since(|info| info.max_pin_length = Some(63)),
        since(|info| info.enc_identifier = Some([0; 32])),
    ] {
        assert_eq!(formats("none", &[], &info), ["none"]);
    }
    assert_eq!(formats("direct", &["tpm", "apple"], &newer), ["tpm", "apple"]);
    assert_eq!(formats("direct", &[], &newer), ["packed", "tpm"]);
    assert_eq!(formats("direct", &[], &phone()), ["packed"]);
}

#[test]
fn names_that_are_longer_than_a_key_keeps_are_cut_at_a_whole_character() {
    let text = |c: &str, bytes: usize| c.repeat(bytes / c.len());
    let names = [text("\u{fc}", 200), text("\u{20ac}", 201), text("\u{1f600}", 240)];
    let mut options = creation();
    options["rp"]["name"] = json!(names[0]);
    options["user"]["name"] = json!(names[1]);
    options["user"]["displayName"] = json!(names[2]);
    for (transport, lengths) in [
        (Transport::Usb, [64, 63, 64]),
        (Transport::Nfc, [64, 63, 64]),
        (Transport::Ble, [64, 63, 64]),
        (Transport::Hybrid, [200, 201, 240]),
        (Transport::Internal, [200, 201, 240]),
    ] {
        let mut create = start_create(&options).unwrap();
        create.handle_info(&simple_key().to_cbor(), &transport);
        let request = make_credential(create.poll_output());
        let asked =
            [request.rp.name, request.user.name, request.user.display_name].map(Option::unwrap);
        for ((asked, name), length) in asked.iter().zip(&names).zip(lengths) {
            assert!(name.starts_with(asked.as_str()) && asked.len() == length, "{transport:?}");
        }
    }
    options["user"]["name"] = json!("n".repeat(64));
    let (request, _) = register(&options, &simple_key(), &[0x27]);
    assert_eq!(request.user.name.unwrap().len(), 64);
}

#[test]
fn every_refusal_of_the_authenticator_has_its_name() {
    for code in 1..=u8::MAX {
        let error = register(&creation(), &phone(), &[code]).1.unwrap_err();
        let name = match Status::from_u8(code) {
            Status::CredentialExcluded => "InvalidStateError",
            Status::UnsupportedAlgorithm => "NotSupportedError",
            _ => "NotAllowedError",
        };
        assert_eq!(error.name(), name, "{code:#04x}");
    }
    let error = register(&creation(), &phone(), &[0x19]).1.unwrap_err();
    assert_eq!(error, Error::AlreadyRegistered);
}

#[test]
fn answers_that_break_the_standard_are_refused() {
    let changed = |change: fn(&mut AuthenticatorData)| {
        let mut data = new_credential();
        change(&mut data);
        created(&data)
    };
    let key = |alg| CosePublicKey::P256 { alg, x: [1; 32], y: [2; 32] };
    let mut wrong_alg = new_credential();
    wrong_alg.attested.as_mut().unwrap().public_key = key(-9);
    let cut = MakeCredentialResponse::new(AttestationStatement::None, vec![0; 36]).encode();
    for (response, misbehaviour) in [
        (vec![], Misbehaviour::Empty),
        (changed(|data| data.rp_id_hash = [0; 32].into()), Misbehaviour::WrongRpId),
        (changed(|data| data.flags = Flags::UV), Misbehaviour::UserNotPresent),
        (changed(|data| data.flags = Flags::UP), Misbehaviour::UserNotVerified),
        (changed(|data| data.attested = None), Misbehaviour::NoCredential),
        (created(&wrong_alg), Misbehaviour::UnexpectedAlgorithm),
        (cut, Misbehaviour::Malformed(Malformed::Length("the authenticator data"))),
        (vec![0, 0xa0], Misbehaviour::Malformed(Malformed::Missing("fmt"))),
    ] {
        let options = selection("userVerification", json!("required"));
        let error = register(&options, &phone(), &response).1.unwrap_err();
        assert_eq!(error, Error::Misbehaved(misbehaviour));
        assert_eq!(error.name(), "UnknownError");
    }
    let error = register(&creation(), &phone(), &[0, 0xff]).1.unwrap_err();
    assert!(matches!(error, Error::Misbehaved(Misbehaviour::Malformed(Malformed::Cbor(_)))));
}

#[test]
fn verification_that_is_only_preferred_may_be_missing() {
    let mut data = new_credential();
    data.flags = Flags::UP;
    assert!(register(&creation(), &phone(), &created(&data)).1.is_ok());
}

#[test]
fn get_info_that_cannot_be_read_ends_it() {
    for info in [&[][..], &[0xff], &[0xa0], &[0x00, 0xa0]] {
        let mut create = start_create(&creation()).unwrap();
        create.handle_info(info, &Transport::Hybrid);
        assert_eq!(finished(create.poll_output()).unwrap_err().name(), "UnknownError");
        assert_eq!(create.poll_output(), None);
    }
}

#[test]
fn the_time_that_the_site_asks_for_is_clamped() {
    let minutes = |n: u64| Duration::from_secs(60 * n);
    let now = Instant::now();
    for (asked_for, given) in [
        (Value::Null, minutes(5)),
        (json!(0), minutes(5)),
        (json!(60_000), minutes(5)),
        (json!(400_000), Duration::from_secs(400)),
        (json!(86_400_000), minutes(10)),
        (json!(u64::MAX), minutes(10)),
    ] {
        let options = with(creation(), "timeout", asked_for.clone()).to_string();
        let create = Create::new(&client(), &caller(), &options, now).unwrap();
        assert_eq!(create.poll_timeout(), Some(now + given), "{asked_for}");
    }
    let short = Timeouts { min: Duration::ZERO, ..Timeouts::default() };
    let options = with(creation(), "timeout", json!(1500)).to_string();
    let create = Create::new(&client().with_timeouts(short), &caller(), &options, now).unwrap();
    assert_eq!(create.poll_timeout(), Some(now + Duration::from_millis(1500)));
}

#[test]
fn when_time_is_up_the_authenticator_is_told_and_its_late_answer_ignored() {
    let now = Instant::now();
    let mut create = Create::new(&client(), &caller(), &creation().to_string(), now).unwrap();
    create.handle_info(&phone().to_cbor(), &Transport::Hybrid);
    sent(create.poll_output());
    let deadline = create.poll_timeout().unwrap();
    create.handle_timeout(deadline - Duration::from_millis(1));
    assert_eq!(create.poll_output(), None);
    create.handle_timeout(deadline);
    assert_eq!(create.poll_output(), Some(CeremonyOutput::Cancel));
    let error = finished(create.poll_output()).unwrap_err();
    assert_eq!(
        (&error, error.name()),
        (&Error::TimedOut(Duration::from_secs(300)), "NotAllowedError")
    );
    create.handle_response(&created(&new_credential()));
    create.handle_cancel();
    create.handle_info(&phone().to_cbor(), &Transport::Hybrid);
    assert_eq!((create.poll_output(), create.poll_timeout()), (None, None));
}

#[test]
fn a_registration_that_is_called_off_ends() {
    let mut create = start_create(&creation()).unwrap();
    create.handle_cancel();
    let error = finished(create.poll_output()).unwrap_err();
    assert_eq!((&error, error.name()), (&Error::Cancelled, "NotAllowedError"), "a person's no");

    let mut create = start_create(&creation()).unwrap();
    create.handle_abort();
    let error = finished(create.poll_output()).unwrap_err();
    assert_eq!((&error, error.name()), (&Error::Aborted, "AbortError"), "the site's");

    let mut create = start_create(&creation()).unwrap();
    create.handle_info(&phone().to_cbor(), &Transport::Usb);
    create.handle_cancel();
    assert_eq!(
        finished(create.poll_output()),
        Err(Error::Cancelled),
        "the request was not sent yet"
    );

    let mut create = start_create(&creation()).unwrap();
    create.handle_info(&phone().to_cbor(), &Transport::Usb);
    sent(create.poll_output());
    create.handle_cancel();
    assert_eq!(create.poll_output(), Some(CeremonyOutput::Cancel));
    assert_eq!(finished(create.poll_output()), Err(Error::Cancelled));
}

#[test]
fn a_broken_channel_ends_it_without_a_cancel() {
    let mut create = start_create(&creation()).unwrap();
    create.handle_info(&phone().to_cbor(), &Transport::Usb);
    sent(create.poll_output());
    create.handle_channel_error(ChannelError::Closed);
    let error = finished(create.poll_output()).unwrap_err();
    assert_eq!((&error, error.name()), (&Error::Channel(ChannelError::Closed), "NotAllowedError"));
}

#[test]
fn a_response_that_nobody_asked_for_is_ignored() {
    let mut create = start_create(&creation()).unwrap();
    create.handle_response(&created(&new_credential()));
    assert_eq!(create.poll_output(), None);
    create.handle_info(&phone().to_cbor(), &Transport::Usb);
    sent(create.poll_output());
    create.handle_info(&GetInfo::new(AAGUID, vec![Version::Fido2_1]).to_cbor(), &Transport::Usb);
    assert_eq!(create.poll_output(), None);
    create.handle_response(&created(&new_credential()));
    assert!(finished(create.poll_output()).is_ok());
    create.handle_response(&created(&new_credential()));
    assert_eq!(create.poll_output(), None);
}
