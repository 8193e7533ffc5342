//! What the verifier refuses.

use serde_json::json;
use towline_rp::{ClientError, ErrorCode, RegisteredKey, RpConfig, SiteEvent};
use towline_virtual::{
    Builder, Fault, VirtualAuthenticator,
    attestation::{Format, TestAttestation},
};

use crate::{Running, accounts::register, device::Device, start};

fn message<T: std::fmt::Debug>(result: Result<T, ClientError>) -> String {
    refusal(result, ErrorCode::NotVerified)
}

fn refusal<T: std::fmt::Debug>(result: Result<T, ClientError>, code: ErrorCode) -> String {
    match result {
        Err(ClientError::Refused(error)) if error.code == code => error.message,
        other => panic!("{other:?}"),
    }
}

/// Registers a key through a browser that asks for attestation, though the site did not.
async fn try_register(
    rp: &Running,
    device: VirtualAuthenticator,
) -> Result<RegisteredKey, ClientError> {
    let device = Device::of(&rp.client.origin(), device);
    let begun = rp.client.begin_registration("alice", "phone").await.unwrap();
    let mut options = begun.public_key;
    options["attestation"] = json!("direct");
    rp.client.finish_registration(&begun.ceremony, device.create(&options)).await
}

fn faulty(fault: Fault) -> VirtualAuthenticator {
    let device = VirtualAuthenticator::synced_passkey();
    device.faults().inject(fault);
    device
}

fn attesting(format: Format) -> VirtualAuthenticator {
    let attestation = TestAttestation::new(format);
    Builder::synced_passkey().attestation(attestation).build().unwrap()
}

/// Ways to go wrong that both ceremonies must notice, and a word of the sentence that says so.
const BOTH: [(Fault, &str); 10] = [
    (Fault::WrongOrigin, "attacker.example"),
    (Fault::OriginWithPort, "origin"),
    (Fault::WrongRpIdHash, "another site"),
    (Fault::WrongChallenge, "another challenge"),
    (Fault::PaddedChallenge, "another challenge"),
    (Fault::CrossOrigin, "inside another"),
    (Fault::TopOrigin, "inside another"),
    (Fault::FlipUp, "see anybody"),
    (Fault::FlipUv, "verify the person"),
    (Fault::BackedUpWithoutEligibility, "backup"),
];

#[tokio::test]
async fn registrations_that_lie_are_refused() {
    let rp = start(RpConfig::default()).await;
    let own = [(Fault::WrongType, "webauthn.get"), (Fault::KeyOfAnotherAlgorithm, "algorithm")];
    for (fault, word) in BOTH.into_iter().chain(own) {
        let message = message(try_register(&rp, faulty(fault)).await);
        assert!(message.contains(word), "{word}: {message}");
    }
    let vouching = [
        (faulty(Fault::NoneWithStatement), "none"),
        (faulty(Fault::SelfAttestationOfAnother), "attestation"),
        (attesting(Format::Packed), "packed"),
        (attesting(Format::Apple), "apple"),
    ];
    for (device, word) in vouching {
        let message = refusal(try_register(&rp, device).await, ErrorCode::NotVouchedFor);
        assert!(message.contains(word), "{word}: {message}");
    }
    assert!(rp.client.status().await.unwrap().accounts.is_empty());
}

#[tokio::test]
async fn whoever_runs_the_site_is_told_of_each_ceremony_that_ended() {
    let mut rp = start(RpConfig::default()).await;
    let key = register(&rp, "alice", "phone").await;
    for corrupt in [false, true] {
        if corrupt {
            key.inner.faults().inject(Fault::SignatureOfAnotherKey);
        }
        let begun = rp.client.begin_sign_in(Some("alice")).await.unwrap();
        let credential = key.get(&begun.public_key);
        let signed_in = rp.client.finish_sign_in(&begun.ceremony, credential).await;
        assert_eq!(signed_in.is_err(), corrupt);
    }
    assert!(try_register(&rp, faulty(Fault::WrongOrigin)).await.is_err());

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
    let registered = try_register(&rp, attesting(Format::PackedSelf)).await.unwrap();
    assert_eq!(registered.key.attestation, "packed");
}

#[tokio::test]
async fn sign_ins_that_lie_are_refused() {
    let rp = start(RpConfig::default()).await;
    let own = [
        (Fault::WrongType, "webauthn.create"),
        (Fault::FlipBe, "backup"),
        (Fault::SignatureOfAnotherKey, "signature"),
    ];
    for (fault, word) in BOTH.into_iter().chain(own) {
        let key = register(&rp, "alice", "phone").await.with(fault);
        let begun = rp.client.begin_sign_in(Some("alice")).await.unwrap();
        let credential = key.get(&begun.public_key);
        let message = message(rp.client.finish_sign_in(&begun.ceremony, credential).await);
        assert!(message.contains(word), "{word}: {message}");
        rp.client.remove_key("alice", &key.id_text()).await.unwrap();
    }
    let log = rp.client.status().await.unwrap().sign_ins;
    assert!(log.iter().all(|entry| entry.refused == Some(ErrorCode::NotVerified)));
}

#[tokio::test]
async fn a_key_of_another_pair_does_not_sign_in_under_a_registered_id() {
    let rp = start(RpConfig::default()).await;
    // What was registered under this id is the public key of somebody else.
    let key = Device::new(&rp.client.origin()).with(Fault::KeyOfAnother);
    let begun = rp.client.begin_registration("alice", "phone").await.unwrap();
    let credential = key.create(&begun.public_key);
    rp.client.finish_registration(&begun.ceremony, credential).await.unwrap();
    let begun = rp.client.begin_sign_in(None).await.unwrap();
    let refused = rp.client.finish_sign_in(&begun.ceremony, key.get(&begun.public_key)).await;
    assert!(message(refused).contains("signature"));
}

#[tokio::test]
async fn a_counter_must_rise_once_it_counts() {
    let rp = start(RpConfig::default()).await;
    let key = register(&rp, "alice", "phone").await;
    let id = key.inner.passkeys()[0].id().clone();
    for (count, good) in
        [(0, true), (0, true), (5, true), (5, false), (4, false), (0, false), (6, true)]
    {
        // Each signature counts one up; those that don't count say 0.
        key.inner.change(&id, |passkey| passkey.sign_count = u32::checked_sub(count, 1)).unwrap();
        let begun = rp.client.begin_sign_in(None).await.unwrap();
        let outcome = rp.client.finish_sign_in(&begun.ceremony, key.get(&begun.public_key)).await;
        assert_eq!(outcome.is_ok(), good, "{count}: {outcome:?}");
    }
}

#[tokio::test]
async fn answers_with_missing_or_bent_members_are_refused() {
    let rp = start(RpConfig::default()).await;
    let key = Device::new(&rp.client.origin());
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
