//! Accounts, names, keys and challenges.

use std::time::Duration;

use serde_json::json;
use towline_rp::{
    ClientError, ErrorCode, RpClient, RpConfig, RpError, RpLimits, RpServer, StrictVerifier,
};
use towline_virtual::{Fault, ctap::UserHandle};

use crate::{
    Running,
    device::{Device, any_key},
    start,
};

pub(crate) fn code<T: std::fmt::Debug>(result: Result<T, ClientError>) -> ErrorCode {
    match result {
        Err(ClientError::Refused(error)) => {
            assert!(error.message.ends_with('.'), "not a sentence: {}", error.message);
            error.code
        }
        other => panic!("{other:?}"),
    }
}

pub(crate) async fn register(rp: &Running, account: &str, name: &str) -> Device {
    let key = Device::new(&rp.client.origin());
    let begun = rp.client.begin_registration(account, name).await.unwrap();
    let credential = key.create(&begun.public_key);
    rp.client.finish_registration(&begun.ceremony, credential).await.unwrap();
    key
}

#[tokio::test]
async fn a_key_is_registered_signs_in_and_is_listed_by_its_name() {
    let rp = start(RpConfig::default()).await;
    let key = register(&rp, "alice", "Alice's phone").await;

    for account in [Some("alice"), None] {
        let begun = rp.client.begin_sign_in(account).await.unwrap();
        let allowed = begun.public_key["allowCredentials"].as_array().unwrap().len();
        assert_eq!(allowed, usize::from(account.is_some()));
        let signed_in =
            rp.client.finish_sign_in(&begun.ceremony, key.get(&begun.public_key)).await.unwrap();
        assert_eq!(signed_in.account, "alice");
        assert_eq!(signed_in.key.name, "Alice's phone");
        assert!(signed_in.user_verified && signed_in.key.backed_up);
    }
    let status = rp.client.status().await.unwrap();
    assert_eq!(status.accounts.len(), 1);
    assert_eq!(status.accounts[0].keys[0].id, key.id_text());
    assert!(status.accounts[0].keys[0].last_used.is_some());
    assert_eq!(status.sign_ins.len(), 2);
    assert!(status.sign_ins.iter().all(|entry| entry.refused.is_none()));
}

#[tokio::test]
async fn the_accounts_keys_are_excluded_from_its_next_registration() {
    let rp = start(RpConfig::default()).await;
    let key = register(&rp, "alice", "phone").await;
    register(&rp, "bob", "phone").await;
    let begun = rp.client.begin_registration("alice", "second").await.unwrap();
    let excluded = &begun.public_key["excludeCredentials"];
    assert_eq!(
        *excluded,
        json!([{ "type": "public-key", "id": key.id_text(), "transports": ["internal"] }])
    );
}

#[tokio::test]
async fn a_key_registers_once_even_if_the_authenticator_ignores_the_exclusion() {
    let rp = start(RpConfig::default()).await;
    let key = register(&rp, "alice", "phone").await;
    // Another device has that id for somebody else, and gives it to whatever it makes.
    let mut passkey = key.inner.passkeys().remove(0);
    passkey.credential.user.id = UserHandle::new(b"somebody else").unwrap();
    let key = Device::new(&rp.client.origin());
    key.inner.add(passkey).unwrap();
    let key = key.with(Fault::IgnoresExcludeList).with(Fault::IdTwice);
    for account in ["alice", "bob"] {
        let begun = rp.client.begin_registration(account, "again").await.unwrap();
        let credential = key.create(&begun.public_key);
        let refused = rp.client.finish_registration(&begun.ceremony, credential).await;
        assert_eq!(code(refused), ErrorCode::AlreadyRegistered);
    }
    assert_eq!(rp.client.status().await.unwrap().accounts.len(), 1);
}

#[tokio::test]
async fn a_removed_key_no_longer_signs_in() {
    let rp = start(RpConfig::default()).await;
    let key = register(&rp, "alice", "phone").await;
    let begun = rp.client.begin_sign_in(Some("alice")).await.unwrap();
    rp.client.remove_key("alice", &key.id_text()).await.unwrap();

    let refused = rp.client.finish_sign_in(&begun.ceremony, key.get(&begun.public_key)).await;
    assert_eq!(code(refused), ErrorCode::UnknownKey);
    assert_eq!(code(rp.client.begin_sign_in(Some("alice")).await), ErrorCode::NoKeys);
    assert_eq!(code(rp.client.remove_key("alice", &key.id_text()).await), ErrorCode::UnknownKey);
    assert_eq!(rp.client.keys("alice").await.unwrap(), []);
    let log = rp.client.status().await.unwrap().sign_ins;
    assert_eq!(log[0].refused, Some(ErrorCode::UnknownKey));
}

#[tokio::test]
async fn a_renamed_key_keeps_signing_in() {
    let rp = start(RpConfig::default()).await;
    let key = register(&rp, "alice", "phone").await;
    rp.client.rename_key("alice", &key.id_text(), "old phone").await.unwrap();
    let begun = rp.client.begin_sign_in(None).await.unwrap();
    let signed_in =
        rp.client.finish_sign_in(&begun.ceremony, key.get(&begun.public_key)).await.unwrap();
    assert_eq!(signed_in.key.name, "old phone");
}

#[tokio::test]
async fn another_accounts_key_does_not_sign_in() {
    let rp = start(RpConfig::default()).await;
    register(&rp, "alice", "phone").await;
    let mallory = register(&rp, "mallory", "phone").await;
    let begun = rp.client.begin_sign_in(Some("alice")).await.unwrap();
    let answer = mallory.get(&any_key(&begun.public_key));
    let refused = rp.client.finish_sign_in(&begun.ceremony, answer).await;
    assert_eq!(code(refused), ErrorCode::UnknownKey);
}

#[tokio::test]
async fn a_user_handle_must_be_that_of_the_key() {
    let rp = start(RpConfig::default()).await;
    let alice = register(&rp, "alice", "phone").await;
    let mallory = register(&rp, "mallory", "phone").await;
    let begun = rp.client.begin_sign_in(None).await.unwrap();
    let handle = alice.get(&begun.public_key)["response"]["userHandle"].clone();
    for handle in [handle, json!("not base64url!"), json!(null)] {
        let begun = rp.client.begin_sign_in(None).await.unwrap();
        let mut answer = mallory.get(&begun.public_key);
        answer["response"]["userHandle"] = handle;
        let refused = rp.client.finish_sign_in(&begun.ceremony, answer).await;
        assert_eq!(code(refused), ErrorCode::NotVerified);
    }
}

#[tokio::test]
async fn a_challenge_is_answered_once_whatever_the_answer() {
    let rp = start(RpConfig::default()).await;
    let key = Device::new(&rp.client.origin());
    let begun = rp.client.begin_registration("alice", "phone").await.unwrap();
    let refused = rp.client.finish_registration(&begun.ceremony, json!({})).await;
    assert_eq!(code(refused), ErrorCode::NotVerified);
    let good = key.create(&begun.public_key);
    assert_eq!(
        code(rp.client.finish_registration(&begun.ceremony, good).await),
        ErrorCode::UnknownCeremony
    );

    let key = register(&rp, "alice", "phone").await;
    let begun = rp.client.begin_sign_in(None).await.unwrap();
    let good = key.get(&begun.public_key);
    rp.client.finish_sign_in(&begun.ceremony, good.clone()).await.unwrap();
    assert_eq!(
        code(rp.client.finish_sign_in(&begun.ceremony, good).await),
        ErrorCode::UnknownCeremony
    );
}

#[tokio::test]
async fn a_registration_can_not_be_finished_as_a_sign_in() {
    let rp = start(RpConfig::default()).await;
    let key = register(&rp, "alice", "phone").await;
    let begun = rp.client.begin_registration("alice", "second").await.unwrap();
    let signing_in = rp.client.begin_sign_in(None).await.unwrap();
    let answer = key.get(&signing_in.public_key);
    let refused = rp.client.finish_sign_in(&begun.ceremony, answer).await;
    assert_eq!(code(refused), ErrorCode::UnknownCeremony);
}

#[tokio::test]
async fn an_expired_challenge_is_not_accepted() {
    let rp = start(RpConfig { challenge_lifetime: Duration::ZERO, ..RpConfig::default() }).await;
    let key = Device::new(&rp.client.origin());
    let begun = rp.client.begin_registration("alice", "phone").await.unwrap();
    let late = key.create(&begun.public_key);
    assert_eq!(
        code(rp.client.finish_registration(&begun.ceremony, late).await),
        ErrorCode::UnknownCeremony
    );
    assert!(rp.client.status().await.unwrap().accounts.is_empty());
}

#[tokio::test]
async fn names_have_1_to_64_characters() {
    let rp = start(RpConfig::default()).await;
    let longest = "é".repeat(64);
    rp.client.begin_registration(&longest, &longest).await.unwrap();
    for bad in ["", "   ", "a\nb", "\u{7f}", &"é".repeat(65)] {
        assert_eq!(
            code(rp.client.begin_registration(bad, "phone").await),
            ErrorCode::BadName,
            "{bad:?}"
        );
        assert_eq!(
            code(rp.client.begin_registration("alice", bad).await),
            ErrorCode::BadName,
            "{bad:?}"
        );
    }
    let key = register(&rp, "alice", "phone").await;
    assert_eq!(code(rp.client.rename_key("alice", &key.id_text(), "").await), ErrorCode::BadName);
}

#[tokio::test]
async fn an_unknown_account_is_said_to_be_unknown() {
    let rp = start(RpConfig::default()).await;
    assert_eq!(code(rp.client.begin_sign_in(Some("nobody")).await), ErrorCode::UnknownAccount);
    assert_eq!(code(rp.client.keys("nobody").await), ErrorCode::UnknownAccount);
    assert_eq!(code(rp.client.rename_key("nobody", "x", "y").await), ErrorCode::UnknownAccount);
    assert_eq!(code(rp.client.remove_key("nobody", "x").await), ErrorCode::UnknownAccount);
}

#[tokio::test]
async fn accounts_and_keys_are_bounded() {
    let limits = RpLimits { accounts: 1, keys_per_account: 2, ..RpLimits::default() };
    let rp = start(RpConfig { limits, ..RpConfig::default() }).await;
    register(&rp, "alice", "one").await;
    assert_eq!(code(rp.client.begin_registration("bob", "one").await), ErrorCode::Full);
    register(&rp, "alice", "two").await;
    assert_eq!(code(rp.client.begin_registration("alice", "three").await), ErrorCode::Full);
}

#[tokio::test]
async fn the_log_and_the_waiting_challenges_are_bounded() {
    let limits = RpLimits { challenges: 2, sign_ins: 2, ..RpLimits::default() };
    let rp = start(RpConfig { limits, ..RpConfig::default() }).await;
    let key = register(&rp, "alice", "one").await;
    let first = rp.client.begin_sign_in(None).await.unwrap();
    for _ in 0..2 {
        rp.client.begin_sign_in(None).await.unwrap();
    }
    let refused = rp.client.finish_sign_in(&first.ceremony, key.get(&first.public_key)).await;
    assert_eq!(code(refused), ErrorCode::UnknownCeremony);
    for _ in 0..3 {
        let begun = rp.client.begin_sign_in(None).await.unwrap();
        rp.client.finish_sign_in(&begun.ceremony, key.get(&begun.public_key)).await.unwrap();
    }
    assert_eq!(rp.client.status().await.unwrap().sign_ins.len(), 2);
}

#[tokio::test]
async fn it_refuses_to_listen_beyond_this_machine() {
    let provider = towline_crypto::rustcrypto::provider();
    let addr = "0.0.0.0:0".parse().unwrap();
    let bound = RpServer::bind(RpConfig { addr, ..RpConfig::default() }, |id| {
        StrictVerifier::new(id, provider)
    })
    .await;
    assert_eq!(bound.unwrap_err(), RpError::NotLoopback(addr));
}

#[tokio::test]
async fn a_taken_port_is_said_to_be_taken() {
    let rp = start(RpConfig::default()).await;
    let provider = towline_crypto::rustcrypto::provider();
    let config = RpConfig { addr: rp.addr, ..RpConfig::default() };
    let bound = RpServer::bind(config, |id| StrictVerifier::new(id, provider)).await;
    assert!(matches!(bound.unwrap_err(), RpError::Listen { addr, .. } if addr == rp.addr));
}

#[tokio::test]
async fn after_shutdown_nothing_answers() {
    let provider = towline_crypto::rustcrypto::provider();
    let rp =
        RpServer::bind(RpConfig::default(), |id| StrictVerifier::new(id, provider)).await.unwrap();
    let (client, stop) = (RpClient::new(&rp.url()).unwrap(), rp.shutdown_handle());
    let running = tokio::spawn(rp.run());
    client.status().await.unwrap();
    stop.shutdown();
    running.await.unwrap();
    assert!(matches!(client.status().await, Err(ClientError::Unreachable { .. })));
}
