//! To whom a node says its password.

use std::time::Duration;

use rcgen::{CertifiedKey, generate_simple_self_signed};
use towline_nats::{Nats, NatsError};
use towline_testkit::Directory;

use crate::fake::Bus;

/// How each record of a TLS handshake begins.
const HANDSHAKE: u8 = 22;

async fn refusal(nats: Nats) -> NatsError {
    let provider = towline_crypto::rustcrypto::provider();
    nats.join(&provider).await.err().expect("not joined")
}

/// What a server says before the handshake is anybody's word.
#[tokio::test]
async fn who_names_certificates_speaks_tls_to_a_server_that_does_not_ask_for_it() {
    let folder = Directory::new("nats-trust");
    let CertifiedKey { cert, .. } =
        generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    let roots = folder.file("cert.pem");
    std::fs::write(&roots, cert.pem()).unwrap();
    let bus = Bus::new().await;
    let nats = Nats::new(format!("nats://{}", bus.host())).user("node01", "secret");
    let provider = towline_crypto::rustcrypto::provider();
    let joined = nats.root_certificates(roots).join(&provider).await.unwrap();
    assert_eq!(bus.client(&[]).await.first_byte().await, HANDSHAKE);
    drop(joined);
}

#[tokio::test]
async fn servers_that_nobody_named_are_not_asked() {
    let (bus, other) = (Bus::new().await, Bus::new().await);
    let provider = towline_crypto::rustcrypto::provider();
    let nats = Nats::new(format!("nats://{}", bus.host())).user("node01", "secret");
    let joined = nats.join(&provider).await.unwrap();
    // The one that was named fails, and the node looks around.
    for _ in 0..4 {
        assert_eq!(bus.client(&[other.host()]).await.first_byte().await, b'C');
    }
    assert!(other.is_left_alone().await);
    drop(joined);
}

#[tokio::test]
async fn servers_with_and_without_tls_are_no_bus() {
    for servers in ["tls://a:4222,nats://b:4222", "a:4222, tls://b:4222"] {
        let refused = tokio::time::timeout(Duration::from_secs(5), refusal(Nats::new(servers)));
        assert!(matches!(refused.await, Ok(NatsError::Mixed)), "{servers}");
    }
}

#[tokio::test]
async fn what_is_no_address_is_named_without_the_password() {
    for (servers, number) in [
        ("nats://node:secret@a,htp://b", "number 2 "),
        ("nats://a,nats://node:secret@b:port", "number 2 "),
        ("nats://node:se,secret@b:4222", "number 1 "),
        ("", "number 1 "),
    ] {
        let refused = refusal(Nats::new(servers)).await;
        for shown in [refused.to_string(), format!("{refused:?}")] {
            assert!(!shown.contains("secret") && !shown.contains("node"), "{shown}");
        }
        assert!(refused.to_string().starts_with(number), "{refused}");
    }
}
