//! Whoever fails to unlock again and again is told to wait, and not to delete everything.

use towline::{
    LocalAuthenticator,
    authenticator::Event,
    client::{Client, Error},
};
use towline_virtual::{Builder, Parts, person::verifying};

const OPTIONS: &str = r#"{"challenge": "AAECAwQFBgcICQoLDA0ODw", "rp": {"name": "Example"},
    "user": {"id": "MQ", "name": "alice", "displayName": "Alice"},
    "pubKeyCredParams": [{"type": "public-key", "alg": -7}]}"#;

#[tokio::test]
async fn five_wrong_screen_locks_are_no_blocked_pin() {
    for kind in [Builder::platform(), Builder::phone()] {
        let Parts { authenticator, person, .. } = kind.build_parts().unwrap();
        // Somebody whom the device does not know.
        person.when(verifying()).fails_the_lock();
        let client = Client::new(towline::crypto::rustcrypto::provider());
        let mut device = LocalAuthenticator::new(authenticator, client, person.clone());
        let mut last = None;
        for _ in 0..3 {
            last = Some(device.create("https://example.org", OPTIONS).await.unwrap_err());
        }
        let last = last.unwrap();
        let Error::VerificationLocked { wait: Some(wait) } = &last else { panic!("{last:?}") };
        assert!((29..=30).contains(&wait.as_secs()), "{wait:?}");
        let said = last.to_string();
        assert!(said.ends_with("try again in 30 seconds"), "{said}");
        assert!(!said.contains("PIN") && !said.contains("reset"), "{said}");
        assert!(matches!(
            person.noticed().last(),
            Some(Event::VerificationLocked { wait: Some(left) }) if left == wait
        ));
    }
}
