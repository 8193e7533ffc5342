//! Every algorithm that sites ask for, judged by a site.

use std::time::Duration;

use serde_json::{Value, json};
use towline_virtual_server::{Service, devtools::Connection};
use towline_webauthn_rp::{CredentialRecord, Identity, StrictVerifier, UserEntity, Verifier as _};

use crate::support::{ORIGIN, Running};

const ES256: i64 = -7;
const EDDSA: i64 = -8;
const ES384: i64 = -35;
const RS256: i64 = -257;

fn site() -> StrictVerifier {
    let identity = Identity {
        rp_id: "example.org".into(),
        rp_name: "Example".into(),
        origin: ORIGIN.into(),
        challenge_lifetime: Duration::from_secs(60),
    };
    StrictVerifier::new(&identity, towline_crypto_fastest::provider()).unwrap()
}

/// Registers with this algorithm alone, and gives what the site keeps.
async fn register(it: &Running, site: &StrictVerifier, algorithm: i64) -> CredentialRecord {
    let user = UserEntity { handle: [7; 32], name: "alice".into() };
    let begun = site.begin_registration(&user, &[]).unwrap();
    let mut options = begun.options.clone();
    options["pubKeyCredParams"] = json!([{"type": "public-key", "alg": algorithm}]);
    let made = it.post("/v1/default/create", json!({"origin": ORIGIN, "options": options})).await;
    let made = made.ok()["response"].take();
    assert_eq!(made["response"]["publicKeyAlgorithm"], algorithm);
    site.finish_registration(begun.state, &made).unwrap().record
}

async fn sign_in(it: &Running, site: &StrictVerifier, record: &CredentialRecord) {
    let begun = site.begin_sign_in(None).unwrap();
    let asked = json!({"origin": ORIGIN, "options": begun.options});
    let used = it.post("/v1/default/get", asked).await.ok()["response"].take();
    site.finish_sign_in(begun.state, record, &used).unwrap();
}

#[tokio::test]
async fn a_site_accepts_passkeys_of_every_algorithm_that_it_asks_for() {
    for algorithm in [ES256, EDDSA, ES384, RS256] {
        let (it, site) = (Running::start().await, site());
        it.authenticator(json!({})).await;
        let record = register(&it, &site, algorithm).await;
        sign_in(&it, &site, &record).await;
    }
}

/// WebDriver takes ES256 alone by its text (WebAuthn L3 §11.5), and its cases show that; Chromium
/// takes RSA and Ed25519 by DevTools.
#[tokio::test]
async fn a_client_of_devtools_puts_in_passkeys_of_every_algorithm() {
    for algorithm in [EDDSA, ES384, RS256] {
        let (it, site) = (Running::start().await, site());
        let first = it.authenticator(json!({})).await;
        let record = register(&it, &site, algorithm).await;
        let mut client = client(&it.service);
        let from = first.rsplit('/').next().unwrap();
        let taken = send(&mut client, "getCredentials", json!({"authenticatorId": from}));
        it.call("DELETE", &first, Value::Null).await.ok();
        let second = it.authenticator(json!({})).await;
        let to = second.rsplit('/').next().unwrap();
        let added = json!({"authenticatorId": to, "credential": taken["credentials"][0]});
        send(&mut client, "addCredential", added);
        sign_in(&it, &site, &record).await;
    }
}

fn client(service: &Service) -> Connection {
    let mut client = Connection::new(service, service.default_session());
    send(&mut client, "enable", json!({}));
    client
}

fn send(client: &mut Connection, method: &str, params: Value) -> Value {
    let message = json!({"id": 1, "method": format!("WebAuthn.{method}"), "params": params});
    let answers = client.handle_text(&message.to_string());
    let mut answer: Value = serde_json::from_str(answers.last().unwrap()).unwrap();
    assert!(answer.get("error").is_none(), "{method}: {answer}");
    answer["result"].take()
}
