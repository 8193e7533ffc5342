//! Work that takes too long fails its own request, and no other.

use std::{sync::mpsc::channel, time::Duration};

use towline::{
    Agreeable, LocalAuthenticator,
    authenticator::{Authenticator, Config, MemoryStore},
    client::Client,
};
use towline_testkit::rig::RiggedKeys;

const OPTIONS: &str = r#"{"challenge": "AAECAwQFBgcICQoLDA0ODw", "rp": {"name": "Example"},
    "user": {"id": "MQ", "name": "alice", "displayName": "Alice"},
    "pubKeyCredParams": [{"type": "public-key", "alg": -7}]}"#;

#[tokio::test]
async fn a_job_that_hangs_does_not_keep_the_next_request_from_its_own() {
    let provider = towline::crypto::rustcrypto::provider();
    let (released, release) = channel();
    let keys = RiggedKeys::stuck(provider.clone(), release);
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
