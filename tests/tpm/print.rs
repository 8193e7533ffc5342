//! Prints registrations and sign-ins with keys in a TPM, which `swtpm` is and which attests to
//! them, for verifiers in other languages: one JSON line a case, as `virtual_cases` does.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use towline::{Agreeable, LocalAuthenticator};
use towline_authenticator::{AttestationFormat, Authenticator, Config, MemoryStore};
use towline_ctap::{
    Aaguid,
    algorithm::{ES256, RS256},
};
use towline_testkit::swtpm::Swtpm;
use towline_tpm::{AttestationKey, TpmBinding, TpmKeys, TpmPlace, Worker};
use towline_virtual::attestation::TpmAuthority;
use towline_webauthn_rp::{Identity, StrictVerifier, TrustAnchors, UserEntity, Verifier};

const ORIGIN: &str = "https://example.org";
const AAGUID: Aaguid = Aaguid::new(*b"towline-tpm-test");

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let swtpm = Swtpm::new().expect("swtpm");
    let provider = towline_crypto_aws_lc::provider();
    let worker = Worker::at(provider.clone(), TpmPlace::Unix(swtpm.socket()));
    let authority = TpmAuthority::new(1).unwrap().with_aaguid(AAGUID);
    let key = AttestationKey::create(&worker).unwrap();
    let answer = authority.answer(&key.enrollment(&worker).unwrap()).unwrap();
    let certified = key.certified(&worker, &provider, &answer).unwrap();
    let binding = TpmBinding::new(&worker, &provider).unwrap();
    for (name, algorithm) in [("ES256", ES256), ("RS256", RS256)] {
        let keys = TpmKeys::open(worker.clone(), provider.clone(), binding.clone()).unwrap();
        let keys = keys.attested_by(certified.clone());
        let mut config = Config::platform();
        config.identity.aaguid = AAGUID;
        config.credentials.algorithms = vec![algorithm];
        config.attestation.formats = vec![AttestationFormat::OfKeyStore("tpm")];
        let key = Authenticator::new(config, provider.clone(), MemoryStore::new(), keys).unwrap();
        let client = towline::client::Client::new(provider.clone());
        let device = LocalAuthenticator::new(key, client, Agreeable);
        let line = case(name, algorithm, device, &authority.root().unwrap()).await;
        println!("{line}");
    }
}

async fn case(
    name: &str,
    algorithm: i64,
    mut device: LocalAuthenticator<Agreeable>,
    root: &[u8],
) -> Value {
    let identity = Identity {
        rp_id: "example.org".into(),
        rp_name: "Example".into(),
        origin: ORIGIN.into(),
        challenge_lifetime: Duration::from_secs(300),
    };
    let verifier = StrictVerifier::new(&identity, towline_crypto_aws_lc::provider()).unwrap();
    // RSA keys are none that our own verifier reads in such a statement.
    let verifier = match algorithm {
        ES256 => verifier
            .with_attestation(TrustAnchors::new([root.to_vec()], std::time::SystemTime::now)),
        _ => verifier.without_attestation(),
    };
    let user = UserEntity { handle: [2; 32], name: "alice".into() };
    let mut begun = verifier.begin_registration(&user, &[]).unwrap();
    begun.options["attestation"] = json!("direct");
    begun.options["pubKeyCredParams"] = json!([{ "type": "public-key", "alg": algorithm }]);
    let response = device.create(ORIGIN, &begun.options.to_string()).await.unwrap();
    let response: Value = serde_json::from_str(&response).unwrap();
    let registration = json!({ "options": begun.options, "response": response });
    let check = verifier.finish_registration(begun.state, &response).unwrap();
    let begun = verifier.begin_sign_in(Some(std::slice::from_ref(&check.record))).unwrap();
    let response = device.get(ORIGIN, &begun.options.to_string()).await.unwrap();
    let response: Value = serde_json::from_str(&response).unwrap();
    let sign_in = json!({ "options": begun.options, "response": response });
    let signed_in = verifier.finish_sign_in(begun.state, &check.record, &response).unwrap();
    let record = signed_in.record;
    assert_eq!(check.attestation, "tpm");
    json!({
        "case": format!("keys in a TPM, {name}"),
        "algorithm": algorithm,
        "origin": ORIGIN,
        "rpId": identity.rp_id,
        "verifies": true,
        "nowMs": null,
        "attestation": check.attestation,
        "root": STANDARD.encode(root),
        "backupEligible": record.backup_eligible,
        "backedUp": record.backed_up,
        "signCount": record.sign_count,
        "registration": registration,
        "signIns": [sign_in],
    })
}
