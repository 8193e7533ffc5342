//! What virtual authenticators make, before the verifiers that are written in Rust; those in other
//! languages are in this directory, too.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::arithmetic_side_effects
)]

mod cases;
mod judges;
mod noticed;
mod page;
mod visit;
mod webauthn_rs;

use std::{collections::BTreeSet, time::Duration};

use cases::{Case, ORIGIN};
use towline_ctap::algorithm::{EDDSA, ES256, ES384, RS256};
use webauthn_rs_core::{
    WebauthnCore,
    proto::{AttestationConveyancePreference, COSEAlgorithm, Credential, UserVerificationPolicy},
};

#[test]
fn towline_webauthn_rp_accepts_all() {
    let mut seen = BTreeSet::new();
    for case in cases::all() {
        let rounds = case.run().unwrap_or_else(|refusal| panic!("{}: {refusal}", case.name));
        assert_eq!(rounds.registration.options["attestation"], case.conveyance);
        assert_eq!(rounds.sign_ins.len(), 2);
        seen.insert((case.algorithm, rounds.attestation));
    }
    for algorithm in [ES256, EDDSA, ES384, RS256] {
        for attestation in ["none", "packed"] {
            assert!(seen.contains(&(algorithm, attestation.into())), "{algorithm}, {attestation}");
        }
    }
}

#[test]
fn webauthn_rs_core_accepts_all_that_it_knows() {
    let mut known = BTreeSet::new();
    for case in cases::all() {
        let Some(algorithm) = known_to_webauthn_rs(case.algorithm) else { continue };
        // Of a TPM it takes RSA keys only, and of SafetyNet nothing.
        if case.name.ends_with("Tpm") || case.name.ends_with("AndroidSafetyNet") {
            continue;
        }
        known.insert(case.algorithm);
        let key = judge(&case, algorithm);
        let key = key.unwrap_or_else(|refusal| panic!("{}: {refusal}", case.name));
        // Both read the same of it.
        let ours = case.run().unwrap();
        assert_eq!(key.backup_eligible, ours.backup_eligible, "{}", case.name);
        assert_eq!(key.backup_state, ours.backed_up, "{}", case.name);
        assert_eq!(key.counter, ours.sign_count, "{}", case.name);
    }
    assert_eq!(known, BTreeSet::from([ES256, ES384, RS256]));
}

/// It names EdDSA, but refuses all such keys.
fn known_to_webauthn_rs(algorithm: i64) -> Option<COSEAlgorithm> {
    match algorithm {
        ES256 => Some(COSEAlgorithm::ES256),
        ES384 => Some(COSEAlgorithm::ES384),
        RS256 => Some(COSEAlgorithm::RS256),
        _ => None,
    }
}

fn judge(case: &Case, algorithm: COSEAlgorithm) -> Result<Credential, String> {
    let (origins, patience) = (vec![ORIGIN.parse().unwrap()], Duration::from_secs(60));
    let (name, id) = ("Example", "example.org");
    let site = WebauthnCore::new_unsafe_experts_only(name, id, origins, patience, None, None);
    let conveyance = match case.conveyance {
        "direct" => AttestationConveyancePreference::Direct,
        _ => AttestationConveyancePreference::None,
    };
    let builder = site.new_challenge_register_builder(b"1", "alice", "alice").unwrap();
    let builder = builder
        .attestation(conveyance)
        .credential_algorithms(vec![algorithm])
        .require_resident_key(true)
        .user_verification_policy(UserVerificationPolicy::Required);
    let (options, state) = site.generate_challenge_register(builder).unwrap();
    let made = case.create(serde_json::to_value(&options.public_key).unwrap());
    let response = serde_json::from_value(made.response).unwrap();
    let key = site.register_credential(&response, &state, None);
    let mut key = key.map_err(|error| format!("registration: {error:?}"))?;

    for _ in 0..2 {
        let policy = Some(UserVerificationPolicy::Required);
        let builder = site.new_challenge_authenticate_builder(vec![key.clone()], policy).unwrap();
        let (options, state) = site.generate_challenge_authenticate(builder).unwrap();
        let made = case.get(serde_json::to_value(&options.public_key).unwrap());
        let response = serde_json::from_value(made.response).unwrap();
        let result = site.authenticate_credential(&response, &state);
        key.counter = result.map_err(|error| format!("sign-in: {error:?}"))?.counter();
    }
    Ok(key)
}
