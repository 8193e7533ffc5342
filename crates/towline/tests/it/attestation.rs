//! No attestation is signed that nobody asked for.

use towline::{
    Agreeable, LocalAuthenticator,
    authenticator::{Authenticator, Config, MemoryStore},
    client::Client,
};
use towline_testkit::rig::RiggedKeys;

const OPTIONS: &str = r#"{"challenge": "AAECAwQFBgcICQoLDA0ODw", "rp": {"name": "Example"},
    "user": {"id": "MQ", "name": "alice", "displayName": "Alice"},
    "pubKeyCredParams": [{"type": "public-key", "alg": -7}], "attestation": "none"}"#;

#[tokio::test]
async fn a_registration_without_attestation_signs_nothing() {
    for config in [Config::platform(), Config::security_key(), Config::phone()] {
        let provider = towline::crypto::rustcrypto::provider();
        let (keys, store) = (RiggedKeys::new(provider.clone()), MemoryStore::new());
        let authenticator =
            Authenticator::new(config, provider.clone(), store, keys.clone()).unwrap();
        let mut device = LocalAuthenticator::new(authenticator, Client::new(provider), Agreeable);
        device.create("https://example.org", OPTIONS).await.unwrap();
        assert_eq!(keys.signatures(), 0);
    }
}
