//! Step 6: a site asks who made the phone, and the phone asks its person.

use rcgen::{BasicConstraints, CertificateParams, CustomExtension, DnType, IsCa, Issuer, KeyPair};
use towline::authenticator::{
    Answer, BatchAttestation, Config, KeyHandle, MemoryStore, Purpose, Question,
};
use towline_ctap::{Aaguid, algorithm};
use zeroize::Zeroizing;

use crate::support::*;

const AAGUID: [u8; 16] = *b"a phone's AAGUID";

/// A batch key with a certificate for the AAGUID, by the maker's root (WebAuthn L3 §8.2.1).
fn batch() -> BatchAttestation {
    let named = |common: &str| {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        let name = &mut params.distinguished_name;
        for (kind, value) in [
            (DnType::CountryName, "CH"),
            (DnType::OrganizationName, "Example phones"),
            (DnType::OrganizationalUnitName, "Authenticator Attestation"),
            (DnType::CommonName, common),
        ] {
            name.push(kind, value);
        }
        params
    };
    let root_key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
    let mut root = named("root");
    root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let issuer = Issuer::new(root, root_key);

    let provider = provider();
    let es256 = provider.signature(algorithm::ES256).unwrap();
    let key = es256.generate(&*provider.random).unwrap();
    let scalar = key.private_bytes().unwrap();
    let leaf_key = KeyPair::try_from(pkcs8(scalar.as_slice(), key.public_key())).unwrap();
    let mut leaf = named("phone");
    leaf.is_ca = IsCa::ExplicitNoCa;
    let value = [&[0x04, 16][..], &AAGUID].concat();
    let model = [1, 3, 6, 1, 4, 1, 45724, 1, 1, 4];
    leaf.custom_extensions.push(CustomExtension::from_oid_content(&model, value));
    let leaf = leaf.signed_by(&leaf_key, &issuer).unwrap();
    let material = Zeroizing::new(scalar.as_slice().into());
    BatchAttestation {
        key: KeyHandle::new(algorithm::ES256, material),
        certificates: vec![leaf.der().to_vec()],
    }
}

/// A private key on P-256 as RFC 5958 has it.
fn pkcs8(scalar: &[u8], public: &[u8]) -> Vec<u8> {
    let head = [
        0x30, 0x81, 0x87, 2, 1, 0, 0x30, 0x13, 6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 6, 8,
        0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7, 4, 0x6d, 0x30, 0x6b, 2, 1, 1, 4, 0x20,
    ];
    [&head[..], scalar, &[0xa1, 0x44, 3, 0x42, 0], public].concat()
}

/// A world with a site that asks, and a phone with a batch key.
async fn curious_world() -> (World, Hand, towline::Phone<Hand>) {
    let mut world = World::new().await;
    world.site = Site::curious().await;
    let hand = Hand::new();
    let config = Config::phone().with_batch_attestation(batch());
    let phone = world.phone_of(config, &hand, &MemoryStore::new());
    (world, hand, phone)
}

#[tokio::test]
async fn step_6_a_person_who_agrees_lets_the_phone_attest() {
    let (world, hand, mut phone) = curious_world().await;
    let (made, on_phone) = register(&world, &mut phone, "alice", "Alice's phone").await;
    // The judge, who is not ours, has checked the signature, the certificate and the AAGUID in it.
    assert_eq!(made.unwrap().key.attestation, "packed");
    on_phone.unwrap().unwrap();
    let asked = hand.questions();
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
    let (world, hand, mut phone) = curious_world().await;
    hand.will_say([Answer::Verified, Answer::Deny]);
    let (made, on_phone) = register(&world, &mut phone, "alice", "Alice's phone").await;
    assert_eq!(made.unwrap().key.attestation, "none");
    on_phone.unwrap().unwrap();
    assert_eq!(hand.questions().len(), 2);
    assert!(sign_in(&world, &mut phone, Some("alice")).await.0.is_ok());
    world.released().await;
}

#[tokio::test]
async fn step_6_a_provider_tells_its_aaguid_where_no_statement_is_wanted() {
    let world = World::new().await;
    let hand = Hand::new();
    let config = Config::phone().with_aaguid(Aaguid::new(AAGUID));
    let mut phone = world.phone_of(config, &hand, &MemoryStore::new());
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
    assert_eq!(data.unwrap()[37..53], AAGUID);
    assert_eq!(hand.questions().len(), 1, "nobody is asked about it");
    rp.finish_registration(&begun.ceremony, json(&made)).await.unwrap();
    world.released().await;
}
