//! What a power cycle, a reset and the end of a token put an end to, and what a reset leaves.

use std::time::Duration;

use crate::rig::{commands::*, platform::*, *};
use towline_authenticator::{
    AttestationFormat, BatchAttestation, Config, KeyHandle, PinComplexity, ResetTime,
};
use towline_ctap::{
    AttestationStatement, ConfigSubcommand, CredentialManagementSubcommand as Sub, GetInfo,
    Permissions, Request, SetMinPinLength, Status, algorithm,
    extension::{GetMinPinLength, MinPinLength},
};
use zeroize::Zeroizing;

const RP: &str = "example.org";

fn resettable() -> Config {
    let mut config = Config::security_key();
    config.reset.when = ResetTime::Always;
    config
}

#[test]
fn a_power_cycle_ends_an_enumeration_and_a_write() {
    let mut rig = Rig::new(Config::security_key());
    rig.call(&fragment(&rig, None, &[0; 10], 0, Some(20))).unwrap();
    rig.power_up();
    let next = fragment(&rig, None, &[0; 10], 10, None);
    assert_eq!(rig.call(&next), Err(Status::InvalidSeq));

    rig.passkey(RP, "alice");
    rig.passkey(RP, "bob");
    rig.passkey("example.com", "carol");
    Platform::agree(&mut rig, 2).set_pin(&mut rig, PIN).unwrap();
    let hash = rp_id(RP).hash(&rig.provider);
    for (begin, next) in [
        (Sub::EnumerateRpsBegin, Sub::EnumerateRpsGetNextRp),
        (Sub::EnumerateCredentialsBegin(hash), Sub::EnumerateCredentialsGetNextCredential),
    ] {
        let cm = token(&mut rig, Permissions::CM, None);
        manage(&mut rig, Some(&cm), begin.clone()).unwrap();
        manage(&mut rig, None, next.clone()).unwrap();
        manage(&mut rig, Some(&cm), begin).unwrap();
        rig.power_up();
        assert_eq!(manage(&mut rig, None, next), Err(Status::NotAllowed));
    }
}

#[test]
fn a_write_ends_with_its_token() {
    let mut rig = with_pin(Config::security_key());
    let lbw = token(&mut rig, Permissions::LBW, None);
    let first = |rig: &mut Rig| rig.call(&fragment(rig, Some(&lbw), &[0; 10], 0, Some(20)));
    first(&mut rig).unwrap();
    rig.pass(Duration::from_secs(590));
    first(&mut rig).unwrap();
    rig.pass(Duration::from_secs(11));
    let next = fragment(&rig, Some(&lbw), &[0; 10], 10, None);
    assert_eq!(rig.call(&next), Err(Status::InvalidSeq));
}

#[test]
fn a_write_belongs_to_its_channel() {
    let mut rig = Rig::new(Config::security_key());
    rig.call(&fragment(&rig, None, &[0; 10], 0, Some(20))).unwrap();
    rig.send(ELSEWHERE, &fragment(&rig, None, &[0; 10], 10, None).encode());
    assert_eq!(rig.status(), Status::InvalidSeq);
}

#[test]
fn a_reset_lifts_the_latch() {
    let mut rig = with_pin(resettable());
    for _ in 0..3 {
        Platform::agree(&mut rig, 2).legacy_token(&mut rig, "wrong").unwrap_err();
    }
    assert_eq!(pin_retries(&mut rig), (5, Some(true)));
    rig.call(&Request::Reset).unwrap();
    assert_eq!(pin_retries(&mut rig), (8, None));
    Platform::agree(&mut rig, 2).set_pin(&mut rig, PIN).unwrap();
    token(&mut rig, Permissions::GA, Some(RP));
}

/// What getInfo says, but for what is another in each answer.
fn lasting(rig: &mut Rig) -> GetInfo {
    let mut info = rig.info();
    (info.enc_identifier, info.enc_cred_store_state) = (None, None);
    info
}

#[test]
fn a_reset_brings_every_setting_back() {
    let mut config = resettable();
    config.reset.long_touch_configurable = true;
    config.pin.as_mut().unwrap().complexity = PinComplexity::Configurable;
    let mut rig = Rig::new(config);
    let first = lasting(&mut rig);
    let set = SetMinPinLength {
        new_min_pin_length: Some(8),
        min_pin_length_rp_ids: Some(vec![RP.into()]),
        pin_complexity_policy: Some(true),
        ..SetMinPinLength::default()
    };
    configure(&mut rig, None, ConfigSubcommand::SetMinPinLength(set)).unwrap();
    configure(&mut rig, None, ConfigSubcommand::EnableLongTouchForReset).unwrap();
    configure(&mut rig, None, ConfigSubcommand::ToggleAlwaysUv).unwrap();
    Platform::agree(&mut rig, 2).set_pin(&mut rig, PIN).unwrap();
    let acfg = token(&mut rig, Permissions::ACFG, None);
    let force = SetMinPinLength { force_change_pin: Some(true), ..SetMinPinLength::default() };
    configure(&mut rig, Some(&acfg), ConfigSubcommand::SetMinPinLength(force)).unwrap();
    let changed = lasting(&mut rig);
    assert_eq!(changed.min_pin_length, Some(8));
    assert_eq!(changed.force_pin_change, Some(true));
    assert_eq!(changed.pin_complexity_policy, Some(true));
    assert_eq!(changed.long_touch_for_reset, Some(true));
    assert_eq!(changed.options.always_uv, Some(true));
    assert_eq!(changed.options.make_cred_uv_not_rqd, None);
    assert_eq!(changed.options.client_pin, Some(true));

    rig.call(&Request::Reset).unwrap();
    assert_eq!(lasting(&mut rig), first);
    Platform::agree(&mut rig, 2).set_pin(&mut rig, "1111").unwrap();
    token_of_new_pin(&mut rig);
    let mut request = creation(RP, "alice");
    request.extensions.set(&GetMinPinLength(true));
    let outputs = data(&rig.create(&request).unwrap().auth_data).extensions;
    assert_eq!(outputs.get::<MinPinLength>(), Ok(None), "nobody is on the list any more");
}

/// No change of the PIN is forced any more.
fn token_of_new_pin(rig: &mut Rig) {
    let platform = Platform::agree(rig, 2);
    platform.pin_token(rig, "1111", Permissions::MC, Some(RP)).unwrap();
}

#[test]
fn the_attestation_key_survives_a_reset() {
    let provider = towline_crypto::rustcrypto::provider();
    let es256 = provider.signature(algorithm::ES256).unwrap();
    let key = es256.generate(&*provider.random).unwrap();
    let material = Zeroizing::new(key.private_bytes().unwrap().as_slice().into());
    let mut config = resettable();
    config.attestation.formats = vec![AttestationFormat::PackedBasic];
    config.attestation.batch = Some(BatchAttestation {
        key: KeyHandle::new(algorithm::ES256, material),
        certificates: vec![vec![0x30, 1]],
    });
    let mut rig = Rig::new(config);
    for _ in 0..2 {
        let made = rig.create(&creation(RP, "alice")).unwrap();
        let AttestationStatement::Packed(statement) = made.attestation else { panic!() };
        assert_eq!(statement.x5c, Some(vec![vec![0x30, 1]]));
        let message = [&made.auth_data[..], CLIENT_DATA_HASH.as_bytes()].concat();
        es256.verify(key.public_key(), &message, &statement.sig).unwrap();
        rig.call(&Request::Reset).unwrap();
    }
}
