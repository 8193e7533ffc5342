//! What the verifier refuses.

use serde_json::json;
use towline_ctap::Flags;
use towline_rp::{ClientError, ErrorCode, RpConfig, SiteEvent};

use crate::{
    Running,
    accounts::register,
    soft_key::{Attestation, SoftKey},
    start,
};

type Change = fn(&mut SoftKey);

fn message<T: std::fmt::Debug>(result: Result<T, ClientError>) -> String {
    refusal(result, ErrorCode::NotVerified)
}

fn refusal<T: std::fmt::Debug>(result: Result<T, ClientError>, code: ErrorCode) -> String {
    match result {
        Err(ClientError::Refused(error)) if error.code == code => error.message,
        other => panic!("{other:?}"),
    }
}

async fn try_register(
    rp: &Running,
    change: Change,
) -> Result<towline_rp::RegisteredKey, ClientError> {
    let mut key = SoftKey::new(&rp.client.origin());
    let begun = rp.client.begin_registration("alice", "phone").await.unwrap();
    change(&mut key);
    let credential = key.create(&begun.public_key);
    rp.client.finish_registration(&begun.ceremony, credential).await
}

/// Ways to go wrong that both ceremonies must notice, and a word of the sentence that says so.
const BOTH: &[(Change, &str)] = &[
    (|k| k.origin = "https://evil.example".into(), "evil.example"),
    (|k| k.origin.push('0'), "origin"),
    (|k| k.rp_id = "evil.example".into(), "another site"),
    (|k| k.challenge = Some("AAAA".into()), "another challenge"),
    (|k| k.challenge = Some("!".into()), "another challenge"),
    (|k| k.kind = Some("payment.get"), "payment.get"),
    (|k| k.extra_client_data = json!({ "crossOrigin": true }), "inside another"),
    (|k| k.extra_client_data = json!({ "topOrigin": "https://evil.example" }), "inside another"),
    (|k| k.flags = Flags::UV | Flags::BE, "see anybody"),
    (|k| k.flags = Flags::UP | Flags::BE, "verify the person"),
    (|k| k.flags = Flags::UP | Flags::UV | Flags::BS, "backup"),
];

#[tokio::test]
async fn registrations_that_lie_are_refused() {
    let rp = start(RpConfig::default()).await;
    let own: &[(Change, &str)] =
        &[(|k| k.kind = Some("webauthn.get"), "webauthn.get"), (|k| k.algorithm = -8, "algorithm")];
    let vouching: &[(Change, &str)] = &[
        (|k| k.attestation = Attestation::NoneWithMembers, "none"),
        (|k| k.attestation = Attestation::PackedSelf { alg: -8 }, "attestation"),
        (|k| k.attestation = Attestation::PackedWithCertificates, "packed"),
        (|k| k.attestation = Attestation::Other, "apple"),
        (
            |k| {
                k.attestation = Attestation::PackedSelf { alg: -7 };
                k.corrupt_signature = true;
            },
            "attestation",
        ),
    ];
    for (change, word) in BOTH.iter().chain(own) {
        let message = message(try_register(&rp, *change).await);
        assert!(message.contains(word), "{word}: {message}");
    }
    for (change, word) in vouching {
        let message = refusal(try_register(&rp, *change).await, ErrorCode::NotVouchedFor);
        assert!(message.contains(word), "{word}: {message}");
    }
    assert!(rp.client.status().await.unwrap().accounts.is_empty());
}

#[tokio::test]
async fn whoever_runs_the_site_is_told_of_each_ceremony_that_ended() {
    let mut rp = start(RpConfig::default()).await;
    let mut key = SoftKey::new(&rp.client.origin());
    let begun = rp.client.begin_registration("alice", "phone").await.unwrap();
    let credential = key.create(&begun.public_key);
    rp.client.finish_registration(&begun.ceremony, credential).await.unwrap();
    for corrupt in [false, true] {
        key.corrupt_signature = corrupt;
        let begun = rp.client.begin_sign_in(Some("alice")).await.unwrap();
        let credential = key.get(&begun.public_key);
        let signed_in = rp.client.finish_sign_in(&begun.ceremony, credential).await;
        assert_eq!(signed_in.is_err(), corrupt);
    }
    let refused = try_register(&rp, |key| key.origin.push('0')).await;
    assert!(refused.is_err());

    let account = || "alice".to_owned();
    let mut told = Vec::new();
    while let Ok(event) = rp.events.try_recv() {
        told.push(event);
    }
    assert_eq!(
        told[..2],
        [
            SiteEvent::Registered { account: account() },
            SiteEvent::SignedIn { account: account(), user_verified: true },
        ]
    );
    assert!(
        matches!(&told[2], SiteEvent::SignInRefused { account: Some(name), .. } if *name == account())
    );
    assert!(
        matches!(&told[3], SiteEvent::RegistrationRefused { account: name, .. } if *name == account())
    );
    assert_eq!(told.len(), 4);
}

#[tokio::test]
async fn packed_self_attestation_is_accepted() {
    let rp = start(RpConfig::default()).await;
    let registered =
        try_register(&rp, |k| k.attestation = Attestation::PackedSelf { alg: -7 }).await.unwrap();
    assert_eq!(registered.key.attestation, "packed");
}

#[tokio::test]
async fn sign_ins_that_lie_are_refused() {
    let rp = start(RpConfig::default()).await;
    let own: &[(Change, &str)] = &[
        (|k| k.kind = Some("webauthn.create"), "webauthn.create"),
        (|k| k.flags = Flags::UP | Flags::UV, "backup"),
        (|k| k.corrupt_signature = true, "signature"),
    ];
    for (change, word) in BOTH.iter().chain(own) {
        let mut key = register(&rp, "alice", "phone").await;
        let begun = rp.client.begin_sign_in(Some("alice")).await.unwrap();
        change(&mut key);
        let message =
            message(rp.client.finish_sign_in(&begun.ceremony, key.get(&begun.public_key)).await);
        assert!(message.contains(word), "{word}: {message}");
        rp.client.remove_key("alice", &key.id_text()).await.unwrap();
    }
    let log = rp.client.status().await.unwrap().sign_ins;
    assert!(log.iter().all(|entry| entry.refused == Some(ErrorCode::NotVerified)));
}

#[tokio::test]
async fn a_key_of_another_pair_does_not_sign_in_under_a_registered_id() {
    let rp = start(RpConfig::default()).await;
    let real = register(&rp, "alice", "phone").await;
    let mut forged = SoftKey::new(&rp.client.origin());
    forged.id.clone_from(&real.id);
    forged.user_handle.clone_from(&real.user_handle);
    let begun = rp.client.begin_sign_in(None).await.unwrap();
    let refused = rp.client.finish_sign_in(&begun.ceremony, forged.get(&begun.public_key)).await;
    assert!(message(refused).contains("signature"));
}

#[tokio::test]
async fn a_counter_must_rise_once_it_counts() {
    let rp = start(RpConfig::default()).await;
    let mut key = register(&rp, "alice", "phone").await;
    for (count, good) in
        [(0, true), (0, true), (5, true), (5, false), (4, false), (0, false), (6, true)]
    {
        key.sign_count = count;
        let begun = rp.client.begin_sign_in(None).await.unwrap();
        let outcome = rp.client.finish_sign_in(&begun.ceremony, key.get(&begun.public_key)).await;
        assert_eq!(outcome.is_ok(), good, "{count}: {outcome:?}");
    }
}

#[tokio::test]
async fn answers_with_missing_or_bent_members_are_refused() {
    let rp = start(RpConfig::default()).await;
    let mut key = SoftKey::new(&rp.client.origin());
    for pointer in
        ["/rawId", "/type", "/response", "/response/clientDataJSON", "/response/attestationObject"]
    {
        for bent in [json!(null), json!(7), json!("AA"), json!("%")] {
            let begun = rp.client.begin_registration("alice", "phone").await.unwrap();
            let mut credential = key.create(&begun.public_key);
            *credential.pointer_mut(pointer).unwrap() = bent;
            message(rp.client.finish_registration(&begun.ceremony, credential).await);
        }
    }
    let key = register(&rp, "alice", "phone").await;
    for pointer in [
        "/rawId",
        "/type",
        "/response/clientDataJSON",
        "/response/authenticatorData",
        "/response/signature",
    ] {
        for bent in [json!(null), json!(7), json!("AA"), json!("%")] {
            let begun = rp.client.begin_sign_in(Some("alice")).await.unwrap();
            let mut credential = key.get(&begun.public_key);
            *credential.pointer_mut(pointer).unwrap() = bent;
            message(rp.client.finish_sign_in(&begun.ceremony, credential).await);
        }
    }
}
