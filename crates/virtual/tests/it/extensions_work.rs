//! Extensions and old protocols through the whole of it: the client, the person, the authenticator.

use serde_json::{Value, json};
use towline_ctap::{
    AuthenticatorData, ClientDataHash, GetAssertionRequest, GetAssertionResponse,
    MakeCredentialRequest, MakeCredentialResponse, Request, Rp, RpId, User, UserHandle,
    extension::{CredBlob, CredBlobStored, CredentialProtectionPolicy, GetCredBlob},
};
use towline_virtual::{Builder, Error, Extension, VirtualAuthenticator, ctap::Version, person::*};

use crate::options::{ORIGIN, base64url, create, create_with, get_with};

fn registered(device: &VirtualAuthenticator, extensions: &Value) -> Value {
    let options = create_with("alice", &format!(r#", "extensions": {extensions}"#));
    serde_json::from_str(&device.create(ORIGIN, &options).unwrap()).unwrap()
}

fn listing(id: &Value) -> String {
    format!(r#", "allowCredentials": [{{"type": "public-key", "id": {id}}}]"#)
}

fn signed_in(device: &VirtualAuthenticator, list: &str, extensions: &Value) -> Value {
    let options = get_with(&format!(r#"{list}, "extensions": {extensions}"#));
    let response = device.get(ORIGIN, &options).unwrap();
    let response: Value = serde_json::from_str(&response).unwrap();
    response["clientExtensionResults"].clone()
}

#[test]
fn prf_works_on_phones_keys_and_what_is_built_in() {
    let value = base64url(b"what the site encrypts with");
    let prf = json!({"prf": {"eval": {"first": value, "second": value}}});
    for device in [
        VirtualAuthenticator::phone(),
        VirtualAuthenticator::platform(),
        VirtualAuthenticator::security_key(),
        Builder::security_key().pin("2580").build().unwrap(),
        VirtualAuthenticator::fingerprint_key(),
    ] {
        let made = registered(&device, &prf);
        let results = &made["clientExtensionResults"]["prf"]["results"];
        assert!(results["first"].is_string() && results["first"] == results["second"], "{made}");
        let list = listing(&made["id"]);
        for list in ["", &list] {
            assert_eq!(signed_in(&device, list, &prf)["prf"]["results"], *results, "{device:?}");
        }
        let of_this =
            json!({"prf": {"evalByCredential": {made["id"].as_str().unwrap(): {"first": value}}}});
        let own = signed_in(&device, &list, &of_this);
        assert_eq!(own["prf"]["results"]["first"], results["first"]);
    }
}

#[test]
fn blobs_work_under_a_pin_and_a_screen_lock() {
    let key = Builder::security_key().pin("2580");
    let older = Builder::platform().versions(&[Version::Fido2_1]);
    for device in [
        VirtualAuthenticator::platform(),
        key.build().unwrap(),
        VirtualAuthenticator::fingerprint_key(),
        older.extensions([Extension::LargeBlobKey]).build().unwrap(),
    ] {
        let made = registered(&device, &json!({"largeBlob": {"support": "required"}}));
        assert_eq!(made["clientExtensionResults"]["largeBlob"], json!({"supported": true}));
        let list = listing(&made["id"]);
        let text = base64url(b"a certificate");
        let write = json!({"largeBlob": {"write": text}});
        let written = signed_in(&device, &list, &write);
        assert_eq!(written["largeBlob"], json!({"written": true}), "{device:?}");
        let read = signed_in(&device, "", &json!({"largeBlob": {"read": true}}));
        assert_eq!(read["largeBlob"], json!({"blob": text}), "{device:?}");
    }
}

#[test]
fn a_key_of_u2f_registers_and_signs_in_through_the_client() {
    let key = VirtualAuthenticator::u2f_key();
    key.person().strict();
    let touches = key.person().when(confirming()).consents().times(2).expect(2);
    let options = create_with("alice", r#", "attestation": "direct""#);
    let options =
        options.replace(r#""residentKey": "preferred""#, r#""residentKey": "discouraged""#);
    let made: Value = serde_json::from_str(&key.create(ORIGIN, &options).unwrap()).unwrap();
    let object = crate::options::bytes(made["response"]["attestationObject"].as_str().unwrap());
    assert!(object.windows(8).any(|part| part == b"fido-u2f"));
    key.get(ORIGIN, &get_with(&listing(&made["id"]))).unwrap();
    assert_eq!(touches.count(), 2);
    // It keeps nothing, so that it can't tell whose it is.
    assert!(key.passkeys().is_empty());
    assert_eq!(key.get(ORIGIN, &get_with("")), Err(Error::NoCredentials));
}

#[test]
fn nobody_touches_a_key_of_u2f() {
    let key = VirtualAuthenticator::u2f_key();
    key.person().when(anything()).ignores_it();
    let began = key.clock().now();
    let error = key.create(ORIGIN, &create("alice")).unwrap_err();
    assert!(matches!(error, Error::TimedOut(_)), "{error:?}");
    assert!(key.clock().now() - began >= std::time::Duration::from_secs(300));

    let key = VirtualAuthenticator::u2f_key();
    key.person().when(anything()).calls_it_off();
    assert_eq!(key.create(ORIGIN, &create("alice")), Err(Error::Cancelled));
}

#[test]
fn a_passkey_that_is_exported_keeps_the_secret_of_prf() {
    let prf = json!({"prf": {"eval": {"first": base64url(b"a value")}}});
    let old = VirtualAuthenticator::security_key();
    let made = registered(&old, &prf);
    let new = VirtualAuthenticator::security_key();
    new.add(old.passkeys().remove(0)).unwrap();
    let results = &made["clientExtensionResults"]["prf"]["results"];
    assert_eq!(signed_in(&new, "", &prf)["prf"]["results"], *results);
}

#[test]
fn what_is_kept_with_a_passkey_is_given_back() {
    let device = Builder::security_key().pin("2580").build().unwrap();
    let extensions = json!({
        "credProps": true,
        "credentialProtectionPolicy": "userVerificationOptionalWithCredentialIDList",
        "enforceCredentialProtectionPolicy": true,
    });
    let made = registered(&device, &extensions);
    assert_eq!(made["clientExtensionResults"]["credProps"], json!({"rk": true}));
    let passkey = &device.passkeys()[0].credential;
    assert_eq!(
        passkey.protection,
        CredentialProtectionPolicy::UserVerificationOptionalWithCredentialIdList
    );

    // `credBlob` is for platforms, which speak CTAP.
    let key = VirtualAuthenticator::security_key();
    let rp_id = RpId::new("example.org").unwrap();
    let user = User { id: UserHandle::new(b"7").unwrap(), name: None, display_name: None };
    let (hash, rp) = (ClientDataHash::new([1; 32]), Rp { id: rp_id.clone(), name: None });
    let mut request = MakeCredentialRequest::new(hash, rp, user, vec![-7]);
    request.extensions.set(&CredBlob(b"a blob".to_vec()));
    request.options.rk = Some(true);
    let made = MakeCredentialResponse::decode(&key.transact(&Request::from(request).encode()));
    let data = AuthenticatorData::decode(&made.unwrap().auth_data).unwrap();
    assert_eq!(data.extensions.get(), Ok(Some(CredBlobStored(true))));

    let mut request = GetAssertionRequest::new(rp_id, hash);
    request.extensions.set(&GetCredBlob(true));
    let signed = GetAssertionResponse::decode(&key.transact(&Request::from(request).encode()));
    let data = AuthenticatorData::decode(&signed.unwrap().auth_data).unwrap();
    assert_eq!(data.extensions.get(), Ok(Some(CredBlob(b"a blob".to_vec()))));
}
