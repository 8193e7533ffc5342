//! The test vectors of WebAuthn L3 §16 before the verifier.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use towline_crypto::{CryptoProvider, Error, Random, rustcrypto::provider};
use towline_testkit::hex;
use towline_webauthn_rp::{Identity, StrictVerifier, UserEntity, Verifier, VerifyError};

/// Gives the challenges of a vector, one after the other.
struct Challenges(Mutex<Vec<Vec<u8>>>);

impl Random for Challenges {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), Error> {
        buffer.copy_from_slice(&self.0.lock().unwrap().remove(0));
        Ok(())
    }
}

fn bytes(digits: &Value) -> Vec<u8> {
    hex(digits.as_str().unwrap())
}

fn base64(hex: &Value) -> String {
    URL_SAFE_NO_PAD.encode(bytes(hex))
}

/// What became of a vector: its registration, and the sign-in after that.
type Outcome = Result<Result<(), VerifyError>, VerifyError>;

fn judge(vector: &Value, verification_required: bool) -> Outcome {
    let [first, second] = [&vector["challenge"], &vector["assertion"]["challenge"]].map(bytes);
    let random = Arc::new(Challenges(Mutex::new(vec![first, second.clone(), second])));
    let identity = Identity {
        rp_id: "example.org".into(),
        rp_name: "Example".into(),
        origin: "https://example.org".into(),
        challenge_lifetime: Duration::from_secs(60),
    };
    let provider = CryptoProvider { random, ..provider() };
    let mut verifier = StrictVerifier::new(&identity, provider).unwrap();
    if !verification_required {
        verifier = verifier.without_user_verification();
    }
    let id = base64(&vector["credential_id"]);
    let credential = |response: Value| json!({ "id": id, "rawId": id, "type": "public-key", "response": response });
    let user = UserEntity { handle: [1; 32], name: "alice".into() };
    let begun = verifier.begin_registration(&user, &[]).unwrap();
    let client_data = vector["client_data_json"].as_str().unwrap();
    let registered = verifier.finish_registration(
        begun.state,
        &credential(json!({
            "clientDataJSON": URL_SAFE_NO_PAD.encode(client_data),
            "attestationObject": base64(&vector["attestation_object"]),
        })),
    )?;
    assert_eq!(registered.attestation, vector["format"]);
    let allowed = [registered.record.clone()];
    let begun = verifier.begin_sign_in(Some(&allowed)).unwrap();
    let assertion = &vector["assertion"];
    let client_data = assertion["client_data_json"].as_str().unwrap();
    let mut response = json!({
        "clientDataJSON": URL_SAFE_NO_PAD.encode(client_data),
        "authenticatorData": base64(&assertion["authenticator_data"]),
        "signature": base64(&assertion["signature"]),
    });
    let signed_in =
        verifier.finish_sign_in(begun.state, &registered.record, &credential(response.clone()));
    // The same with the counter changed, which is signed.
    let mut forged = bytes(&assertion["authenticator_data"]);
    forged[36] ^= 1;
    response["authenticatorData"] = URL_SAFE_NO_PAD.encode(forged).into();
    let begun = verifier.begin_sign_in(Some(&allowed)).unwrap();
    let forged = verifier.finish_sign_in(begun.state, &registered.record, &credential(response));
    assert!(matches!(forged, Err(VerifyError::Signature | VerifyError::NotVerified)));
    Ok(signed_in.map(drop))
}

fn vector(name: &str) -> Value {
    let text = include_str!("../../../../tests/vectors/webauthn.json");
    let file: Value = serde_json::from_str(text).unwrap();
    let mut all =
        ["published", "derived"].iter().flat_map(|group| file[*group].as_array().unwrap());
    all.find(|vector| vector["name"] == name).unwrap().clone()
}

#[test]
fn those_without_attestation_and_with_self_attestation_are_accepted() {
    for name in [
        "none.ES256",
        "none.ES256.long-credential-id",
        "packed-self.ES256",
        "packed-self.ES384",
        "packed-self.EdDSA",
    ] {
        assert_eq!(judge(&vector(name), false), Ok(Ok(())), "{name}");
    }
}

#[test]
fn what_this_verifier_does_not_judge_is_refused() {
    for (name, refusal) in [
        ("none.ES256.crossOrigin", VerifyError::CrossOrigin),
        ("none.ES256.topOrigin", VerifyError::CrossOrigin),
        ("packed.ES256", VerifyError::UnsupportedAttestation("packed".into())),
        ("packed.ES384", VerifyError::UnsupportedAttestation("packed".into())),
        ("packed.EdDSA", VerifyError::UnsupportedAttestation("packed".into())),
        ("fido-u2f.ES256", VerifyError::UnsupportedAttestation("fido-u2f".into())),
        // The provider has no RS256.
        ("packed.RS256", VerifyError::Algorithm),
        ("packed-self.RS256", VerifyError::Algorithm),
    ] {
        assert_eq!(judge(&vector(name), false), Err(refusal), "{name}");
    }
}

#[test]
fn people_who_were_not_verified_are_refused_where_that_is_required() {
    assert_eq!(judge(&vector("none.ES256"), true), Err(VerifyError::NotVerified));
    let signed_in = judge(&vector("packed-self.ES256"), true);
    assert_eq!(signed_in, Ok(Err(VerifyError::NotVerified)));
}

#[test]
fn every_byte_of_a_self_attestation_counts() {
    let good = vector("packed-self.ES256");
    let length = bytes(&good["attestation_object"]).len();
    for place in 0..length {
        let mut object = bytes(&good["attestation_object"]);
        object[place] ^= 1;
        let mut bad = good.clone();
        let hex: String = object.iter().map(|byte| format!("{byte:02x}")).collect();
        bad["attestation_object"] = hex.into();
        assert!(judge(&bad, false).is_err(), "byte {place}");
    }
}
