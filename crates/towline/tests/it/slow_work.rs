//! Work that takes too long fails its own request, and no other.

use std::{
    sync::mpsc::{Receiver, channel},
    time::Duration,
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
    "pubKeyCredParams": [{"type": "public-key", "alg": -7}]}"#;

/// Makes its first key only when it is released.
struct Stuck {
    keys: SoftwareKeys,
    release: Option<Receiver<()>>,
}

impl KeyStore for Stuck {
    fn algorithms(&self) -> Vec<i64> {
        self.keys.algorithms()
    }

    fn generate(&mut self, algorithm: i64) -> Work<NewKey, KeyError> {
        let release = self.release.take();
        let Work::Done(made) = self.keys.generate(algorithm) else { unreachable!("in memory") };
        Work::later(move || {
            if let Some(release) = release {
                release.recv().unwrap();
            }
            made
        })
    }

    fn sign(&mut self, key: &KeyHandle, parts: &[&[u8]]) -> Work<Vec<u8>, KeyError> {
        self.keys.sign(key, parts)
    }

    fn public_key(&mut self, key: &KeyHandle) -> Work<CosePublicKey, KeyError> {
        self.keys.public_key(key)
    }

    fn custody(&self, key: &KeyHandle) -> Custody {
        self.keys.custody(key)
    }

    fn forget(&mut self, key: &KeyHandle) -> Work<(), KeyError> {
        self.keys.forget(key)
    }

    fn clear(&mut self) -> Work<(), KeyError> {
        self.keys.clear()
    }
}

#[tokio::test]
async fn a_job_that_hangs_does_not_keep_the_next_request_from_its_own() {
    let provider = towline::crypto::rustcrypto::provider();
    let (released, release) = channel();
    let keys = Stuck { keys: SoftwareKeys::new(provider.clone()), release: Some(release) };
    let mut config = Config::platform();
    config.timing.work_timeout = Duration::from_secs(1);
    let authenticator =
        Authenticator::new(config, provider.clone(), MemoryStore::new(), keys).unwrap();
    let mut device = LocalAuthenticator::new(authenticator, Client::new(provider), Agreeable);

    let hung = device.create("https://example.org", OPTIONS).await;
    assert!(hung.is_err(), "{hung:?}");
    let next = device.create("https://example.org", OPTIONS).await;
    assert!(next.unwrap().contains("attestationObject"));

    // The late key is cleared up with the request after it.
    released.send(()).unwrap();
    let info = device.transact(&[0x04]).await;
    assert_eq!(info.first(), Some(&0));
}
