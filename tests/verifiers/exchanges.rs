//! Has `webauthn-rs-core` judge what came of pages: the lines that `tests/browsers` writes. It
//! knows no frames of other sites, and no key but of ES256, ES384 and RS256.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::arithmetic_side_effects
)]

use std::{io::Read as _, time::Duration};

use serde_json::Value;
use webauthn_rs_core::{
    WebauthnCore,
    proto::{COSEAlgorithm, Credential, UserVerificationPolicy},
};

fn main() {
    let mut lines = String::new();
    std::io::stdin().read_to_string(&mut lines).unwrap();
    let (mut judged, mut unknown) = (0, 0);
    for line in lines.lines() {
        let passed: Value = serde_json::from_str(line).unwrap();
        let foreign = |made: &Value| {
            let data = base64url(made["response"]["response"]["clientDataJSON"].as_str().unwrap());
            serde_json::from_slice::<Value>(&data).unwrap()["crossOrigin"] == true
        };
        if foreign(&passed["registration"]) || list(&passed["signIns"]).iter().any(foreign) {
            unknown += 1;
            continue;
        }
        judge(&passed).unwrap_or_else(|refusal| panic!("{}: {refusal}", passed["case"]));
        judged += 1;
    }
    println!("webauthn-rs-core: judged {judged} passkeys, and does not know {unknown}");
    assert!(judged > 0, "nothing came of the pages");
}

fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap()
}

fn base64url(text: &str) -> Vec<u8> {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(text).unwrap()
}

/// A site at the origin of this exchange.
fn site(passed: &Value, made: &Value) -> WebauthnCore {
    let origin = made["origin"].as_str().unwrap().parse().unwrap();
    let rp_id = passed["rpId"].as_str().unwrap();
    let patience = Duration::from_secs(60);
    WebauthnCore::new_unsafe_experts_only("A site", rp_id, vec![origin], patience, None, None)
}

/// A state of the library with the challenge of these options, which were another site's.
fn challenged<S>(state: S, made: &Value, challenge: Option<&str>) -> S
where
    S: serde::Serialize + serde::de::DeserializeOwned,
{
    let mut state = serde_json::to_value(&state).unwrap();
    state["challenge"] = challenge.map_or(made["options"]["challenge"].clone(), Into::into);
    serde_json::from_value(state).unwrap()
}

fn judge(passed: &Value) -> Result<(), String> {
    let made = &passed["registration"];
    let server = site(passed, made);
    let algorithms = vec![COSEAlgorithm::ES256, COSEAlgorithm::ES384, COSEAlgorithm::RS256];
    let builder = server.new_challenge_register_builder(b"alice", "alice", "Alice").unwrap();
    let builder = builder
        .credential_algorithms(algorithms)
        .user_verification_policy(UserVerificationPolicy::Required);
    let (_, state) = server.generate_challenge_register(builder).unwrap();
    let response = serde_json::from_value(made["response"].clone()).map_err(text)?;
    let wrong = challenged(state.clone(), made, Some("AAAAAAAAAAAAAAAAAAAAAA"));
    if server.register_credential(&response, &wrong, None).is_ok() {
        return Err("another challenge is accepted".into());
    }
    let state = challenged(state, made, None);
    let mut key = server.register_credential(&response, &state, None).map_err(text)?;
    for used in list(&passed["signIns"]) {
        key = sign_in(passed, used, key)?;
    }
    let read = (key.backup_eligible, key.backup_state, u64::from(key.counter));
    let others = (
        passed["backupEligible"] == true,
        passed["backedUp"] == true,
        passed["signCount"].as_u64().unwrap(),
    );
    if read == others { Ok(()) } else { Err(format!("it reads {read:?}, not {others:?}")) }
}

fn sign_in(passed: &Value, used: &Value, mut key: Credential) -> Result<Credential, String> {
    let server = site(passed, used);
    let policy = Some(UserVerificationPolicy::Required);
    let builder = server.new_challenge_authenticate_builder(vec![key.clone()], policy).unwrap();
    let (_, state) = server.generate_challenge_authenticate(builder).unwrap();
    let response = serde_json::from_value(used["response"].clone()).map_err(text)?;
    let wrong = challenged(state.clone(), used, Some("AAAAAAAAAAAAAAAAAAAAAA"));
    if server.authenticate_credential(&response, &wrong).is_ok() {
        return Err("another challenge is accepted".into());
    }
    let state = challenged(state, used, None);
    key.counter = server.authenticate_credential(&response, &state).map_err(text)?.counter();
    Ok(key)
}

fn text(error: impl std::fmt::Debug) -> String {
    format!("{error:?}")
}
