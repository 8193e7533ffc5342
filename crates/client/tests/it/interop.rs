//! Our JSON in another implementation's types, and its JSON in ours.

use serde_json::json;
use towline_ctap::extension::CredentialProtectionPolicy::{self, UserVerificationRequired};
use webauthn_rs_proto::{
    CreationChallengeResponse, PublicKeyCredential, RegisterPublicKeyCredential,
    RequestChallengeResponse,
};

use crate::scripted::*;

#[test]
fn our_registration_is_read_by_webauthn_rs() {
    let options = with(creation(), "extensions", json!({"credProps": true}));
    let (_, result) = register(&options, &phone(), &created(&new_credential()));
    let theirs: RegisterPublicKeyCredential = serde_json::from_value(result.unwrap()).unwrap();
    assert_eq!(theirs.type_, "public-key");
    assert_eq!(theirs.raw_id, [0x1d; 16]);
    assert_eq!(theirs.response.transports.unwrap().len(), 2);
    assert_eq!(theirs.extensions.cred_props.unwrap().rk, Some(false));
}

#[test]
fn our_assertion_is_read_by_webauthn_rs() {
    let answer = asserted(&[5; 16], Some(user(7, None)));
    let (_, result) = sign_in(&request(), &phone(), &answer.encode());
    let theirs: PublicKeyCredential = serde_json::from_value(result.unwrap()).unwrap();
    assert_eq!(theirs.raw_id, [5; 16]);
    assert_eq!(theirs.response.user_handle.as_deref(), Some(&[7][..]));
    assert_eq!(theirs.response.signature, answer.signature);
}

#[test]
fn creation_options_of_webauthn_rs_are_read_by_us() {
    let mut options = creation();
    options["authenticatorSelection"] = json!({
        "residentKey": "required",
        "requireResidentKey": true,
        "userVerification": "required",
    });
    options["attestation"] = json!("none");
    options["timeout"] = json!(300_000);
    options["excludeCredentials"] = json!([listed(&[9; 16])]);
    options["extensions"] = json!({
        "credProps": true,
        "uvm": true,
        "credentialProtectionPolicy": "userVerificationRequired",
        "enforceCredentialProtectionPolicy": false,
    });
    let theirs: CreationChallengeResponse =
        serde_json::from_value(json!({"publicKey": options})).unwrap();
    let (request, _) = register(&serde_json::to_value(&theirs).unwrap(), &phone(), &[0x27]);
    assert_eq!(request.options.rk, Some(true));
    assert_eq!(request.exclude_list, [descriptor(&[9; 16])]);
    assert_eq!(
        request.extensions.get::<CredentialProtectionPolicy>(),
        Ok(Some(UserVerificationRequired))
    );
}

#[test]
fn request_options_of_webauthn_rs_are_read_by_us() {
    let mut options = request();
    options["userVerification"] = json!("required");
    options["allowCredentials"] = json!([listed(&[9; 16])]);
    let theirs: RequestChallengeResponse =
        serde_json::from_value(json!({"publicKey": options})).unwrap();
    let (request, _) = sign_in(&serde_json::to_value(&theirs).unwrap(), &phone(), &[0x27]);
    assert_eq!(request.allow_list, Some(vec![descriptor(&[9; 16])]));
    assert_eq!(request.options.uv, Some(true));
}
