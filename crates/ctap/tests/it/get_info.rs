//! getInfo in full.

use towline_ctap::{Aaguid, GetInfo, Malformed, ResponseError, Status, Transport, Version};

use crate::value::{V, array, bytes, int, map, text};

fn full() -> GetInfo {
    let mut info = GetInfo::new(
        Aaguid::new([3; 16]),
        vec![
            Version::U2fV2,
            Version::Fido2_0,
            Version::Fido2_1Pre,
            Version::Fido2_1,
            Version::Fido2_3,
        ],
    );
    let options = &mut info.options;
    for (index, option) in [
        &mut options.plat,
        &mut options.rk,
        &mut options.up,
        &mut options.uv,
        &mut options.client_pin,
        &mut options.pin_uv_auth_token,
        &mut options.no_mc_ga_permissions_with_client_pin,
        &mut options.large_blobs,
        &mut options.ep,
        &mut options.bio_enroll,
        &mut options.user_verification_mgmt_preview,
        &mut options.uv_bio_enroll,
        &mut options.authnr_cfg,
        &mut options.uv_acfg,
        &mut options.cred_mgmt,
        &mut options.per_cred_mgmt_ro,
        &mut options.credential_mgmt_preview,
        &mut options.set_min_pin_length,
        &mut options.make_cred_uv_not_rqd,
        &mut options.always_uv,
    ]
    .into_iter()
    .enumerate()
    {
        *option = Some(index % 3 == 0);
    }
    options.unknown = vec![("zz".into(), true)];
    info.extensions = Some(vec!["credProtect".into(), "hmac-secret".into()]);
    info.max_msg_size = Some(7609);
    info.pin_uv_auth_protocols = Some(vec![2, 1]);
    info.max_credential_count_in_list = Some(8);
    info.max_credential_id_length = Some(128);
    info.transports = Some(vec![Transport::Hybrid, Transport::Internal]);
    info.algorithms = Some(vec![-7, -8]);
    info.max_serialized_large_blob_array = Some(4096);
    info.force_pin_change = Some(false);
    info.min_pin_length = Some(4);
    info.firmware_version = Some(u64::MAX);
    info.max_cred_blob_length = Some(32);
    info.max_rp_ids_for_set_min_pin_length = Some(0);
    info.preferred_platform_uv_attempts = Some(1);
    info.uv_modality = Some(2);
    info.certifications = Some(vec![("FIDO".into(), 1), ("CC-EAL".into(), 4)]);
    info.remaining_discoverable_credentials = Some(50);
    info.vendor_prototype_config_commands = Some(Vec::new());
    info.attestation_formats = Some(vec!["packed".into()]);
    info.uv_count_since_last_pin_entry = Some(3);
    info.long_touch_for_reset = Some(true);
    info.enc_identifier = Some([0x19; 32]);
    info.transports_for_reset = Some(vec![Transport::Usb]);
    info.pin_complexity_policy = Some(true);
    info.pin_complexity_policy_url = Some(b"https://example.org".to_vec());
    info.max_pin_length = Some(63);
    info.enc_cred_store_state = Some([0x1e; 32]);
    info.authenticator_config_commands = Some(vec![1, 2, 3]);
    info.unknown = vec![(0x20, vec![0xf5])];
    info
}

fn members() -> Vec<(V, V)> {
    vec![(int(1), array([text("FIDO_2_0")])), (int(3), bytes(&[3; 16]))]
}

fn with(key: i64, value: V) -> Vec<u8> {
    let mut all = members();
    all.retain(|(known, _)| *known != int(key));
    all.push((int(key), value));
    all.sort_by_key(|(known, _)| known.encode());
    V::Map(all).encode()
}

#[test]
fn every_member_survives_the_round_trip() {
    let info = full();
    assert_eq!(GetInfo::from_cbor(&info.to_cbor()).unwrap(), info);
    assert_eq!(GetInfo::decode(&info.encode()).unwrap(), info);
    assert_eq!(info.encode()[1..], info.to_cbor());
}

#[test]
fn a_minimal_answer_is_written_in_canonical_form() {
    let info = GetInfo::new(Aaguid::new([3; 16]), vec![Version::Fido2_1]);
    let expected = [&b"\xa2\x01\x81\x68FIDO_2_1\x03\x50"[..], &[3; 16]].concat();
    assert_eq!(info.to_cbor(), expected);
}

#[test]
fn every_member_stands_under_its_key() {
    let ciborium::Value::Map(entries) = ciborium::from_reader(&full().to_cbor()[..]).unwrap()
    else {
        panic!("not a map")
    };
    let keys: Vec<i128> = entries.iter().map(|(key, _)| key.as_integer().unwrap().into()).collect();
    assert_eq!(keys, (1..=0x20).collect::<Vec<_>>());
}

#[test]
fn options_are_in_canonical_order() {
    let ciborium::Value::Map(entries) = ciborium::from_reader(&full().to_cbor()[..]).unwrap()
    else {
        panic!("not a map")
    };
    let (_, options) = &entries[3];
    let ids: Vec<_> =
        options.as_map().unwrap().iter().map(|(id, _)| id.as_text().unwrap()).collect();
    assert_eq!(
        ids.join(" "),
        "ep rk up uv zz plat uvAcfg alwaysUv credMgmt authnrCfg bioEnroll clientPin largeBlobs uvBioEnroll \
         perCredMgmtRO pinUvAuthToken setMinPINLength makeCredUvNotRqd credentialMgmtPreview \
         userVerificationMgmtPreview noMcGaPermissionsWithClientPin"
    );
}

#[test]
fn an_answer_without_versions_or_aaguid_is_refused() {
    for (missing, name) in [(0, "versions"), (1, "aaguid")] {
        let mut all = members();
        all.remove(missing);
        assert_eq!(GetInfo::from_cbor(&V::Map(all).encode()), Err(Malformed::Missing(name)));
    }
}

#[test]
fn every_member_of_the_wrong_type_is_refused() {
    for key in 1..=0x1f {
        let wrong = V::Null;
        assert!(GetInfo::from_cbor(&with(key, wrong)).is_err(), "{key:#04x}");
    }
    for (key, value) in [
        (3, bytes(&[0; 15])),
        (4, map([(text("rk"), int(1))])),
        (0x0a, array([map([(text("alg"), int(-7))])])),
        (0x13, map([(text("FIDO"), text("1"))])),
        (0x19, text("x")),
        (0x19, bytes(&[0; 16])),
        (0x1c, text("https://example.org")),
        (0x1e, bytes(&[0; 33])),
    ] {
        assert!(GetInfo::from_cbor(&with(key, value.clone())).is_err(), "{key:#04x}: {value:?}");
    }
}

#[test]
fn versions_transports_and_options_that_are_not_known_are_kept() {
    let info = GetInfo::from_cbor(&with(1, array([text("FIDO_2_2"), text("FIDO_9_9")]))).unwrap();
    assert_eq!(
        info.versions,
        [Version::Other("FIDO_2_2".into()), Version::Other("FIDO_9_9".into())]
    );
    let info = GetInfo::from_cbor(&with(9, array([text("pigeon")]))).unwrap();
    assert_eq!(info.transports, Some(vec![Transport::Other("pigeon".into())]));
    let options = map([(text("odd"), int(1)), (text("zeal"), V::Bool(false))]);
    let info = GetInfo::from_cbor(&with(4, options)).unwrap();
    assert_eq!(info.options.unknown, [("zeal".into(), false)]);
}

#[test]
fn algorithms_of_another_type_are_left_out() {
    let entry = |alg, kind| map([(text("alg"), int(alg)), (text("type"), text(kind))]);
    let info =
        GetInfo::from_cbor(&with(0x0a, array([entry(-7, "public-key"), entry(-8, "x")]))).unwrap();
    assert_eq!(info.algorithms, Some(vec![-7]));
}

#[test]
fn a_refusal_is_not_an_answer() {
    assert_eq!(GetInfo::decode(&[0x01]), Err(ResponseError::Status(Status::InvalidCommand)));
    assert_eq!(GetInfo::decode(&[]), Err(ResponseError::Empty));
    assert!(matches!(GetInfo::decode(&[0]), Err(ResponseError::Malformed(_))));
}
