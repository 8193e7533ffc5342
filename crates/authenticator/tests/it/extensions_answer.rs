//! The extensions: what they answer, what they keep, and what they refuse.

use crate::rig::{platform::*, *};
use towline_authenticator::Config;
use towline_ctap::{
    ConfigRequest, ConfigSubcommand, CosePublicKey, Extensions, GetAssertionResponse,
    MakeCredentialRequest, Permissions, SetMinPinLength, Status, extension::*,
};

const RP: &str = "example.org";
const PIN: &str = "2468-blue";

fn discoverable(user: &str) -> MakeCredentialRequest {
    let mut request = creation(RP, user);
    request.options.rk = Some(true);
    request
}

fn creates(set: impl FnOnce(&mut Extensions)) -> Result<Extensions, Status> {
    let mut request = discoverable("alice");
    set(&mut request.extensions);
    let mut rig = Rig::new(Config::security_key());
    let response = rig.create(&request)?;
    Ok(data(&response.auth_data).extensions)
}

fn secret(rig: &mut Rig, platform: &Platform, salt: &[u8]) -> Vec<u8> {
    let mut request = assertion(RP);
    request.extensions.set(&salts(platform, salt));
    let response = rig.sign_in(&request).unwrap();
    let output = data(&response.auth_data).extensions.get::<HmacSecretOutput>().unwrap().unwrap();
    platform.decrypt(&output.0)
}

#[test]
fn nothing_is_answered_that_was_not_asked_for() {
    let mut rig = Rig::new(Config::security_key());
    let response = rig.create(&discoverable("alice")).unwrap();
    assert!(data(&response.auth_data).extensions.is_empty());
    assert!(response.unsigned_extension_outputs.is_empty());
    assert_eq!(response.large_blob_key, None);
    let response = rig.sign_in(&assertion(RP)).unwrap();
    assert_eq!(response.auth_data.len(), 37);
    assert_eq!(response.large_blob_key, None);
}

#[test]
fn a_phone_ignores_what_it_does_not_have() {
    let mut rig = Rig::new(Config::phone());
    let mut request = discoverable("alice");
    request.extensions.set(&HmacSecret(true));
    request.extensions.set(&CredBlob(vec![1]));
    request.extensions.set(&GetLargeBlobKey(true));
    let response = rig.create(&request).unwrap();
    assert!(data(&response.auth_data).extensions.is_empty());
    assert!(response.unsigned_extension_outputs.is_empty());
    let kept = rig.store.credentials().remove(0).extensions.unwrap();
    assert_eq!((kept.cred_blob, kept.large_blob_key), (None, None));
}

#[test]
fn hmac_secret_gives_one_value_for_each_salt() {
    for protocol in [1, 2] {
        let mut rig = Rig::new(Config::security_key());
        // Every credential has the secret, whether it was asked for or not.
        rig.passkey(RP, "alice");
        let platform = Platform::agree(&mut rig, protocol);
        let one = secret(&mut rig, &platform, &[1; 32]);
        assert_eq!(one.len(), 32);
        let two = secret(&mut rig, &platform, &[[2; 32], [1; 32]].concat());
        assert_eq!(two.len(), 64);
        assert_eq!(two[32..], one);
        assert_ne!(two[..32], one);
        let again = Platform::agree(&mut rig, 3 - protocol);
        assert_eq!(secret(&mut rig, &again, &[1; 32]), one);
        rig.passkey(RP, "alice");
        assert_ne!(secret(&mut rig, &platform, &[1; 32]), one, "another credential");
    }
}

#[test]
fn hmac_secret_differs_for_the_verified_and_is_the_same_at_the_creation() {
    let mut rig = Rig::new(Config::security_key());
    let platform = Platform::agree(&mut rig, 2);
    platform.set_pin(&mut rig, PIN).unwrap();
    let mc = Permissions::MC;
    let token = platform.pin_token(&mut rig, PIN, mc, Some(RP)).unwrap();
    let mut request = discoverable("alice");
    request.extensions.set(&HmacSecret(true));
    request.extensions.set(&HmacSecretMcInput(salts(&platform, &[1; 32])));
    token.authorize(&rig, &mut request);
    let outputs = data(&rig.create(&request).unwrap().auth_data).extensions;
    assert_eq!(outputs.get(), Ok(Some(HmacSecret(true))));
    let HmacSecretMcOutput(made) = outputs.get().unwrap().unwrap();
    let made = platform.decrypt(&made.0);

    let unverified = secret(&mut rig, &platform, &[1; 32]);
    assert_ne!(unverified, made);
    let token = platform.pin_token(&mut rig, PIN, Permissions::GA, Some(RP)).unwrap();
    let mut request = assertion(RP);
    token.authorize_sign_in(&rig, &mut request);
    request.extensions.set(&salts(&platform, &[1; 32]));
    let response = rig.sign_in(&request).unwrap();
    let HmacSecretOutput(output) = data(&response.auth_data).extensions.get().unwrap().unwrap();
    assert_eq!(platform.decrypt(&output), made);
}

#[test]
fn salts_that_are_not_salts_are_refused() {
    let mut rig = Rig::new(Config::security_key());
    rig.passkey(RP, "alice");
    let platform = Platform::agree(&mut rig, 2);
    let mut refuses = |input: HmacSecretInput, status| {
        let mut request = assertion(RP);
        request.extensions.set(&input);
        assert_eq!(rig.sign_in(&request).unwrap_err(), status);
    };
    for length in [0, 16, 48, 80, 96] {
        refuses(salts(&platform, &vec![1; length]), Status::InvalidParameter);
    }
    let good = salts(&platform, &[1; 32]);
    let mut bad = good.clone();
    bad.salt_auth[0] ^= 1;
    refuses(bad, Status::PinAuthInvalid);
    let bad = HmacSecretInput { pin_uv_auth_protocol: Some(3), ..good.clone() };
    refuses(bad, Status::InvalidParameter);
    let bad = HmacSecretInput { pin_uv_auth_protocol: None, ..good.clone() };
    refuses(bad, Status::PinAuthInvalid);
    let mut bad = good.clone();
    bad.key_agreement.x = [1; 32];
    refuses(bad, Status::InvalidParameter);

    let mut silent = assertion(RP);
    silent.options.up = Some(false);
    silent.extensions.set(&good);
    assert_eq!(rig.sign_in(&silent).unwrap_err(), Status::UnsupportedOption);
    assert_eq!(rig.questions.len(), 1, "only the creation asked");
}

#[test]
fn salts_at_a_creation_need_hmac_secret_beside_them() {
    let mut rig = Rig::new(Config::security_key());
    let platform = Platform::agree(&mut rig, 2);
    let mut request = discoverable("alice");
    request.extensions.set(&HmacSecretMcInput(salts(&platform, &[1; 32])));
    assert_eq!(rig.create(&request).unwrap_err(), Status::MissingParameter);
    request.extensions.set(&HmacSecret(false));
    assert_eq!(rig.create(&request).unwrap_err(), Status::MissingParameter);
    assert!(rig.store.is_empty());
}

#[test]
fn values_of_a_wrong_type_are_refused() {
    for id in ["hmac-secret", "credProtect", "largeBlobKey", "minPinLength", "thirdPartyPayment"] {
        let made = creates(|inputs| inputs.set_raw(id, &[0x61, b'x']).unwrap());
        assert_eq!(made, Err(Status::CborUnexpectedType), "{id}");
    }
}

#[test]
fn a_cred_blob_is_kept_if_it_fits() {
    let mut rig = Rig::new(Config::security_key());
    let mut request = discoverable("alice");
    let ask = |rig: &mut Rig, request: &mut MakeCredentialRequest, length| {
        request.extensions.set(&CredBlob(vec![7; length]));
        let outputs = data(&rig.create(request).unwrap().auth_data).extensions;
        outputs.get::<CredBlobStored>().unwrap().unwrap().0
    };
    let read = |rig: &mut Rig| {
        let mut request = assertion(RP);
        request.extensions.set(&GetCredBlob(true));
        let response = rig.sign_in(&request).unwrap();
        data(&response.auth_data).extensions.get::<CredBlob>().unwrap().unwrap().0
    };
    assert_eq!(rig.info().max_cred_blob_length, Some(32));
    assert!(!ask(&mut rig, &mut request, 33));
    assert_eq!(read(&mut rig), Vec::<u8>::new());
    assert!(ask(&mut rig, &mut request, 32));
    assert_eq!(read(&mut rig), vec![7; 32]);
}

#[test]
fn a_large_blob_key_is_for_discoverable_credentials() {
    let mut rig = Rig::new(Config::security_key());
    let mut request = creation(RP, "alice");
    request.extensions.set(&GetLargeBlobKey(true));
    assert_eq!(rig.create(&request).unwrap_err(), Status::InvalidOption);
    request.options.rk = Some(true);
    request.extensions.set(&GetLargeBlobKey(false));
    assert_eq!(rig.create(&request).unwrap_err(), Status::InvalidOption);
    request.extensions.set(&GetLargeBlobKey(true));
    let key = rig.create(&request).unwrap().large_blob_key.unwrap();
    let mut sign_in = assertion(RP);
    assert_eq!(rig.sign_in(&sign_in).unwrap().large_blob_key, None);
    sign_in.extensions.set(&GetLargeBlobKey(false));
    assert_eq!(rig.sign_in(&sign_in).unwrap_err(), Status::InvalidOption);
    sign_in.extensions.set(&GetLargeBlobKey(true));
    assert_eq!(rig.sign_in(&sign_in).unwrap().large_blob_key, Some(key));
    rig.passkey(RP, "alice");
    assert_eq!(rig.sign_in(&sign_in).unwrap().large_blob_key, None, "one without");
}

#[test]
fn third_party_payment_is_kept() {
    for wanted in [true, false] {
        let mut rig = Rig::new(Config::security_key());
        let mut request = discoverable("alice");
        request.extensions.set(&ThirdPartyPayment(wanted));
        let outputs = data(&rig.create(&request).unwrap().auth_data).extensions;
        assert_eq!(outputs.get(), Ok(Some(ThirdPartyPayment(wanted))));
        let mut sign_in = assertion(RP);
        sign_in.extensions.set(&ThirdPartyPayment(true));
        let outputs = data(&rig.sign_in(&sign_in).unwrap().auth_data).extensions;
        assert_eq!(outputs.get(), Ok(Some(ThirdPartyPayment(wanted))));
    }
}

#[test]
fn the_minimum_length_is_told_to_those_chosen_only() {
    let mut config = Config::security_key();
    config.pin.as_mut().unwrap().complexity = towline_authenticator::PinComplexity::Configurable;
    let mut rig = Rig::new(config);
    let mut request = discoverable("alice");
    request.extensions.set(&GetMinPinLength(true));
    request.extensions.set(&PinComplexityPolicy(true));
    let asked = |rig: &mut Rig, request: &MakeCredentialRequest| {
        data(&rig.create(request).unwrap().auth_data).extensions
    };
    assert!(asked(&mut rig, &request).is_empty());
    let set = SetMinPinLength {
        new_min_pin_length: Some(6),
        min_pin_length_rp_ids: Some(vec![RP.into()]),
        ..SetMinPinLength::default()
    };
    rig.call(&ConfigRequest::new(ConfigSubcommand::SetMinPinLength(set)).into()).unwrap();
    let outputs = asked(&mut rig, &request);
    assert_eq!(outputs.get(), Ok(Some(MinPinLength(6))));
    assert_eq!(outputs.get(), Ok(Some(PinComplexityPolicy(false))));
    request.rp.id = rp_id("example.com");
    assert!(asked(&mut rig, &request).is_empty());

    let mut config = Config::security_key();
    config.pin.as_mut().unwrap().min_length_for_all = true;
    let outputs = asked(&mut Rig::new(config), &request);
    assert_eq!(outputs.get(), Ok(Some(MinPinLength(4))));
}

#[test]
fn prf_answers_beside_the_signature() {
    let mut rig = Rig::new(Config::phone());
    assert!(rig.info().supports_extension("prf"));
    let salts = PrfSalts { first: [1; 32], second: Some([2; 32]) };
    let mut request = discoverable("alice");
    request.extensions.set(&PrfCreateInput { eval: Some(salts) });
    let response = rig.create(&request).unwrap();
    assert!(data(&response.auth_data).extensions.is_empty());
    let output: PrfCreateOutput = response.unsigned_extension_outputs.get().unwrap().unwrap();
    assert!(output.enabled);
    let (id, _) = made(&response);

    let results = |rig: &mut Rig, input: PrfGetInput| {
        let mut request = assertion(RP);
        request.allow_list = Some(listing(&id));
        request.extensions.set(&input);
        let response = rig.sign_in(&request).unwrap();
        assert_eq!(response.auth_data.len(), 37);
        let output: Option<PrfGetOutput> = response.unsigned_extension_outputs.get().unwrap();
        output.and_then(|output| output.results)
    };
    let both = PrfGetInput { eval: Some(salts), eval_by_credential: Vec::new() };
    assert_eq!(results(&mut rig, both), output.results);
    let other = PrfSalts { first: [2; 32], second: None };
    let own = PrfGetInput { eval: Some(salts), eval_by_credential: vec![(id.clone(), other)] };
    let own = results(&mut rig, own).unwrap();
    assert_eq!(Some(own.first), output.results.unwrap().second);
    assert_eq!(own.second, None);
    assert_eq!(results(&mut rig, PrfGetInput::default()), None);
}

#[test]
fn ed25519_and_es384_keys_sign_in_the_order_of_the_site() {
    for algorithm in [-8, -35, -7] {
        let mut rig = Rig::new(Config::security_key());
        let mut request = discoverable("alice");
        request.pub_key_cred_params = vec![-999, algorithm, -7];
        let (_, key) = made(&rig.create(&request).unwrap());
        assert_eq!(key.algorithm(), Some(algorithm));
        let response = rig.sign_in(&assertion(RP)).unwrap();
        check(&rig, &response, &key);
    }
}

fn check(rig: &Rig, response: &GetAssertionResponse, key: &CosePublicKey) {
    let mut message = response.auth_data.clone();
    message.extend_from_slice(CLIENT_DATA_HASH.as_bytes());
    let public = match key {
        CosePublicKey::Okp { curve: 6, x, .. } => x.clone(),
        CosePublicKey::Ec2 { curve: 2, x, y, .. } => [vec![4], x.clone(), y.clone()].concat(),
        other => other.p256_point().unwrap().to_vec(),
    };
    let algorithm = rig.provider.signature(key.algorithm().unwrap()).unwrap();
    algorithm.verify(&public, &message, &response.signature).unwrap();
}

#[test]
fn get_info_lists_what_is_on() {
    let info = Rig::new(Config::security_key()).info();
    for id in [
        "credProtect",
        "hmac-secret",
        "hmac-secret-mc",
        "credBlob",
        "largeBlobKey",
        "minPinLength",
        "thirdPartyPayment",
    ] {
        assert!(info.supports_extension(id), "{id}");
    }
    for id in ["prf", "largeBlob", "pinComplexityPolicy", "uvm"] {
        assert!(!info.supports_extension(id), "{id}");
    }
}

/// One rule for all of them, whatever the store and the preset.
#[test]
fn what_only_the_present_get_is_refused_to_silent_requests() {
    let salts_of = PrfGetInput {
        eval: Some(PrfSalts { first: [1; 32], second: None }),
        eval_by_credential: Vec::new(),
    };
    let silent = |rig: &mut Rig, ask: &dyn Fn(&mut Extensions)| {
        rig.passkey(RP, "alice");
        rig.forget_past();
        let mut request = assertion(RP);
        request.options.up = Some(false);
        ask(&mut request.extensions);
        assert_eq!(rig.sign_in(&request).unwrap_err(), Status::UnsupportedOption);
        assert!(rig.questions.is_empty());
        // With verification, which somebody is there for, it is the same.
        request.options.uv =
            rig.authenticator.config().verification.built_in.as_ref().map(|_| true);
        assert_eq!(rig.sign_in(&request).unwrap_err(), Status::UnsupportedOption);
        // And it is not for want of the extension.
        request.options.up = None;
        let response = rig.sign_in(&request).unwrap();
        let signed = data(&response.auth_data).extensions;
        assert!(!signed.is_empty() || !response.unsigned_extension_outputs.is_empty());
    };
    let mut phone = Rig::new(Config::phone());
    silent(&mut phone, &|extensions| extensions.set(&salts_of));
    let mut key = Rig::new(Config::security_key());
    let secret = salts(&Platform::agree(&mut key, 2), &[1; 32]);
    silent(&mut key, &|extensions| extensions.set(&secret));
    let mut platform = Rig::new(Config::platform());
    silent(&mut platform, &|extensions| extensions.set(&LargeBlobInput::Read));
}

#[test]
fn salts_without_a_protocol_are_for_protocol_one() {
    let mut config = Config::security_key();
    config.tokens.pin_uv_auth_protocols = vec![towline_authenticator::PinUvAuthProtocol::Two];
    let mut rig = Rig::new(config);
    rig.passkey(RP, "alice");
    let good = salts(&Platform::agree(&mut rig, 2), &[1; 32]);
    for (protocol, status) in [
        (Some(2), Ok(())),
        (None, Err(Status::PinAuthInvalid)),
        (Some(1), Err(Status::InvalidParameter)),
    ] {
        let mut request = assertion(RP);
        request.extensions.set(&HmacSecretInput { pin_uv_auth_protocol: protocol, ..good.clone() });
        assert_eq!(rig.sign_in(&request).map(drop), status, "{protocol:?}");
    }
}
