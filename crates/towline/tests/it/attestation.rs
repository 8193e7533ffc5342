//! No attestation is signed that nobody asked for.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use towline::{
    Agreeable, LocalAuthenticator,
    authenticator::{
        Authenticator, Config, Custody, KeyError, KeyHandle, KeyStore, MemoryStore, NewKey,
        SoftwareKeys, Work,
    },
    client::Client,
};
use towline_ctap::CosePublicKey;

const OPTIONS: &str = r#"{"challenge": "AAECAwQFBgcICQoLDA0ODw", "rp": {"name": "Example"},
    "user": {"id": "MQ", "name": "alice", "displayName": "Alice"},
    "pubKeyCredParams": [{"type": "public-key", "alg": -7}], "attestation": "none"}"#;

/// Counts the signatures.
struct Counting(SoftwareKeys, Arc<AtomicUsize>);

impl KeyStore for Counting {
    fn algorithms(&self) -> Vec<i64> {
        self.0.algorithms()
    }

    fn generate(&mut self, algorithm: i64) -> Work<NewKey, KeyError> {
        self.0.generate(algorithm)
    }

    fn sign(&mut self, key: &KeyHandle, parts: &[&[u8]]) -> Work<Vec<u8>, KeyError> {
        self.1.fetch_add(1, Ordering::Relaxed);
        self.0.sign(key, parts)
    }

    fn public_key(&mut self, key: &KeyHandle) -> Work<CosePublicKey, KeyError> {
        self.0.public_key(key)
    }

    fn custody(&self, key: &KeyHandle) -> Custody {
        self.0.custody(key)
    }

    fn forget(&mut self, key: &KeyHandle) -> Work<(), KeyError> {
        self.0.forget(key)
    }

    fn clear(&mut self) -> Work<(), KeyError> {
        self.0.clear()
    }
}

#[tokio::test]
async fn a_registration_without_attestation_signs_nothing() {
    for config in [Config::platform(), Config::security_key(), Config::phone()] {
        let provider = towline::crypto::rustcrypto::provider();
        let signatures = Arc::new(AtomicUsize::new(0));
        let keys = Counting(SoftwareKeys::new(provider.clone()), signatures.clone());
        let authenticator =
            Authenticator::new(config, provider.clone(), MemoryStore::new(), keys).unwrap();
        let mut device = LocalAuthenticator::new(authenticator, Client::new(provider), Agreeable);
        device.create("https://example.org", OPTIONS).await.unwrap();
        assert_eq!(signatures.load(Ordering::Relaxed), 0);
    }
}
