//! Step 6: a site asks who made the phone, and the phone asks its person.

use towline::authenticator::{Purpose, Question};
use towline_virtual::{
    Builder, TEST_AAGUID,
    attestation::{Format, TestAttestation},
    person::attesting,
};
use towline_virtual_phone::FakePhone;

use crate::support::*;

/// A world with a site that asks, and a phone with a batch key.
async fn curious_world() -> (World, FakePhone) {
    let mut world = World::new().await;
    world.site = Site::curious().await;
    let batch = TestAttestation::new(Format::Packed).batch().unwrap();
    let phone = world.phone_of(Builder::phone().batch_attestation(batch));
    (world, phone)
}

#[tokio::test]
async fn step_6_a_person_who_agrees_lets_the_phone_attest() {
    let (world, mut phone) = curious_world().await;
    let (made, on_phone) = register(&world, &mut phone, "alice", "Alice's phone").await;
    // The judge, who is not ours, has checked the signature, the certificate and the AAGUID in it.
    assert_eq!(made.unwrap().key.attestation, "packed");
    on_phone.unwrap().unwrap();
    let asked = questions(phone.person());
    assert!(
        matches!(
            &asked[..],
            [
                Question::VerifyUser { purpose: Purpose::Create { .. }, .. },
                Question::ConfirmPresence { purpose: Purpose::Attest { rp } }
            ] if rp.id.as_str() == "localhost"
        ),
        "{asked:?}"
    );
    assert!(sign_in(&world, &mut phone, Some("alice")).await.0.is_ok());
    world.released().await;
}

#[tokio::test]
async fn step_6_a_person_who_refuses_gets_the_passkey_all_the_same() {
    let (world, mut phone) = curious_world().await;
    phone.person().when(attesting()).refuses().once().expect(1);
    let (made, on_phone) = register(&world, &mut phone, "alice", "Alice's phone").await;
    assert_eq!(made.unwrap().key.attestation, "none");
    on_phone.unwrap().unwrap();
    assert_eq!(questions(phone.person()).len(), 2);
    assert!(sign_in(&world, &mut phone, Some("alice")).await.0.is_ok());
    world.released().await;
}

#[tokio::test]
async fn step_6_a_provider_tells_its_aaguid_where_no_statement_is_wanted() {
    let world = World::new().await;
    let mut phone = world.phone();
    let rp = &world.site.rp;
    let begun = rp.begin_registration("alice", "Alice's phone").await.unwrap();
    let (display, mut camera) = Display::new();
    let options = begun.public_key.to_string();
    let origin = rp.origin();
    let computer = world.computer();
    let (made, _) =
        tow(&mut phone, &mut camera, computer.create(&display, &origin, &options)).await;
    let made = made.unwrap();
    let data = json(&made)["response"]["authenticatorData"].as_str().unwrap().to_owned();
    let data = base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, data);
    assert_eq!(data.unwrap()[37..53], *TEST_AAGUID.as_bytes());
    assert_eq!(questions(phone.person()).len(), 1, "nobody is asked about it");
    rp.finish_registration(&begun.ceremony, json(&made)).await.unwrap();
    world.released().await;
}
