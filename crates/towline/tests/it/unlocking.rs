//! Whoever fails to unlock again and again is told to wait, and not to delete everything.

use towline::{
    Ask, LocalAuthenticator, Person,
    authenticator::{Config, Event, Question},
    client::Error,
};

const OPTIONS: &str = r#"{"challenge": "AAECAwQFBgcICQoLDA0ODw", "rp": {"name": "Example"},
    "user": {"id": "MQ", "name": "alice", "displayName": "Alice"},
    "pubKeyCredParams": [{"type": "public-key", "alg": -7}]}"#;

/// Somebody whom the device does not know.
#[derive(Default)]
struct Stranger(Vec<Event>);

impl Person for Stranger {
    fn ask(&mut self, ask: Ask) {
        match ask.question() {
            Question::VerifyUser { .. } => ask.not_verified(),
            _ => ask.approve(),
        }
    }

    fn notice(&mut self, event: &Event) {
        self.0.push(event.clone());
    }
}

#[tokio::test]
async fn five_wrong_screen_locks_are_no_blocked_pin() {
    for config in [Config::platform(), Config::phone()] {
        let provider = towline::crypto::rustcrypto::provider();
        let mut device =
            LocalAuthenticator::in_memory(config, provider, Stranger::default()).unwrap();
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
            device.person().0.last(),
            Some(Event::VerificationLocked { wait: Some(left) }) if left == wait
        ));
    }
}
