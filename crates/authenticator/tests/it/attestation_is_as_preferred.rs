//! Attestation formats: the preference of the client, and of each preset.

use crate::rig::*;
use std::time::Duration;
use towline_authenticator::{
    AttestationFormat, BatchAttestation, Config, ConfigError, KeyHandle, Purpose, Question,
};
use towline_ctap::{Aaguid, AttestationStatement, Status, algorithm};
use zeroize::Zeroizing;

/// A key that vouches for the model, and its public half.
fn vouched() -> (Config, Vec<u8>) {
    let provider = towline_crypto::rustcrypto::provider();
    let es256 = provider.signature(algorithm::ES256).unwrap();
    let key = es256.generate(&*provider.random).unwrap();
    let material = Zeroizing::new(key.private_bytes().unwrap().as_slice().into());
    let mut config = Config::security_key().with_aaguid([7; 16].into());
    config.attestation.formats = vec![AttestationFormat::PackedBasic, AttestationFormat::None];
    config.attestation.batch = Some(BatchAttestation {
        key: KeyHandle::new(algorithm::ES256, material),
        certificates: vec![vec![0x30, 1], vec![0x30, 2]],
    });
    (config, key.public_key().to_vec())
}

fn refuses_to_attest(question: &Question) -> Option<towline_authenticator::Answer> {
    match question {
        Question::ConfirmPresence { purpose: Purpose::Attest { .. } } => refusing(question),
        other => agreeable(other),
    }
}

#[test]
fn the_batch_key_signs_after_the_person_agreed() {
    let (config, public) = vouched();
    let mut rig = Rig::new(config);
    let response = rig.create(&creation("example.org", "alice")).unwrap();
    let AttestationStatement::Packed(statement) = response.attestation else { panic!() };
    assert_eq!(statement.x5c, Some(vec![vec![0x30, 1], vec![0x30, 2]]));
    assert_eq!(statement.alg, algorithm::ES256);
    let message = [&response.auth_data[..], CLIENT_DATA_HASH.as_bytes()].concat();
    let es256 = rig.provider.signature(algorithm::ES256).unwrap();
    es256.verify(&public, &message, &statement.sig).unwrap();
    let attested = data(&response.auth_data).attested.unwrap();
    assert_eq!(attested.aaguid, Aaguid::new([7; 16]));
    assert_eq!(rig.questions.len(), 2);
}

/// As much of a certificate as names a model (WebAuthn L3 §8.2.1).
fn naming(aaguid: [u8; 16], critical: bool) -> Vec<u8> {
    let identifier = [0x06, 11, 0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0xe5, 0x1c, 0x01, 0x01, 0x04];
    let critical: &[u8] = if critical { &[0x01, 1, 0xff] } else { &[] };
    [&[0x30, 33], &identifier[..], critical, &[0x04, 18, 0x04, 16], &aaguid, &[0x30, 0]].concat()
}

#[test]
fn a_certificate_of_another_model_is_refused() {
    for critical in [false, true] {
        let (mut config, _) = vouched();
        let batch = config.attestation.batch.as_mut().unwrap();
        batch.certificates = vec![naming([8; 16], critical)];
        assert_eq!(batch.aaguid(), Some(Aaguid::new([8; 16])));
        let needs = "the AAGUID that its certificate names";
        let feature = "attestation.batch";
        assert_eq!(config.validate(), Err(ConfigError::Needs { feature, needs }));
        let batch = config.attestation.batch.clone().unwrap();
        let phone = Config::phone().with_batch_attestation(batch);
        assert_eq!((phone.validate(), phone.identity.aaguid), (Ok(()), Aaguid::new([8; 16])));
    }
    // One that names none is for a single model, and cut off it names none either.
    let (mut config, _) = vouched();
    let batch = config.attestation.batch.as_mut().unwrap();
    for end in 0..naming([8; 16], false).len() - 2 {
        batch.certificates = vec![naming([8; 16], false)[..end].to_vec()];
        assert_eq!(batch.aaguid(), None, "{end}");
    }
    assert_eq!(config.validate(), Ok(()));
}

#[test]
fn a_phone_with_a_batch_key_asks_its_person_and_attests() {
    let batch = vouched().0.attestation.batch.unwrap();
    let config =
        || Config::phone().with_aaguid([7; 16].into()).with_batch_attestation(batch.clone());
    let mut rig = Rig::new(config());
    assert_eq!(rig.info().aaguid, Aaguid::new([7; 16]));
    let mut request = creation("example.org", "alice");
    request.attestation_formats_preference = vec!["packed".into(), "none".into()];
    let response = rig.create(&request).unwrap();
    assert!(matches!(response.attestation, AttestationStatement::Packed(_)));
    let told =
        "Let example.org know which model of device this is? The passkey is made either way.";
    assert_eq!(rig.questions[1].to_string(), told);

    let mut rig = Rig::new(config());
    rig.person(refuses_to_attest);
    let response = rig.create(&request).unwrap();
    assert_eq!(response.attestation, AttestationStatement::None);
    assert_eq!(data(&response.auth_data).attested.unwrap().aaguid, Aaguid::ZERO);
    // Who wants no statement is told the AAGUID without a question: sites name the provider by it.
    request.attestation_formats_preference = vec!["none".into()];
    rig.forget_past();
    let response = rig.create(&request).unwrap();
    assert_eq!(data(&response.auth_data).attested.unwrap().aaguid, Aaguid::new([7; 16]));
    assert_eq!(rig.questions.len(), 1);
}

#[test]
fn without_consent_the_model_stays_unknown() {
    let mut rig = Rig::new(vouched().0);
    rig.person(refuses_to_attest);
    let response = rig.create(&creation("example.org", "alice")).unwrap();
    assert_eq!(response.attestation, AttestationStatement::None);
    assert_eq!(data(&response.auth_data).attested.unwrap().aaguid, Aaguid::ZERO);
    assert!(matches!(rig.events[..], [towline_authenticator::Event::Created { .. }]));
}

#[test]
fn who_asks_for_none_is_not_a_reason_to_ask() {
    let mut rig = Rig::new(vouched().0);
    let mut request = creation("example.org", "alice");
    request.attestation_formats_preference = vec!["none".into()];
    let response = rig.create(&request).unwrap();
    assert_eq!(response.attestation, AttestationStatement::None);
    assert_eq!(rig.questions.len(), 1);
}

#[test]
fn nobody_there_to_consent_makes_no_credential() {
    let mut rig = Rig::new(vouched().0);
    rig.person(|question| match question {
        Question::ConfirmPresence { purpose: Purpose::Attest { .. } } => None,
        other => agreeable(other),
    });
    rig.send(HOME, &towline_ctap::Request::from(creation("example.org", "alice")).encode());
    rig.pass(Duration::from_secs(60));
    assert_eq!(rig.status(), Status::OperationDenied);
    assert!(rig.store.is_empty() && rig.open.is_empty());
}

#[test]
fn fido_u2f_is_for_es256_and_tells_no_aaguid() {
    let (mut config, public) = vouched();
    config.attestation.formats = vec![AttestationFormat::FidoU2f, AttestationFormat::PackedSelf];
    let mut rig = Rig::new(config);
    let formats = ["fido-u2f".to_owned(), "packed".to_owned()];
    assert_eq!(rig.info().attestation_formats, Some(formats.to_vec()));
    let mut request = creation("example.org", "alice");
    let response = rig.create(&request).unwrap();
    let AttestationStatement::FidoU2f(statement) = response.attestation else { panic!() };
    assert_eq!(statement.certificate, [0x30, 1]);
    let made = data(&response.auth_data);
    let attested = made.attested.unwrap();
    assert_eq!(attested.aaguid, Aaguid::ZERO);
    let point = attested.public_key.p256_point().unwrap();
    let hash = CLIENT_DATA_HASH;
    let message = [
        &[0],
        &made.rp_id_hash.as_bytes()[..],
        hash.as_bytes(),
        attested.credential_id.as_bytes(),
        &point,
    ]
    .concat();
    let es256 = rig.provider.signature(algorithm::ES256).unwrap();
    es256.verify(&public, &message, &statement.sig).unwrap();
    request.pub_key_cred_params = vec![algorithm::EDDSA];
    request.attestation_formats_preference = vec!["fido-u2f".into()];
    assert!(rig.create(&request).unwrap().attestation.is_self());
    rig.person(refuses_to_attest);
    let response = rig.create(&creation("example.org", "bob")).unwrap();
    assert_eq!(response.attestation, AttestationStatement::None);
}

#[test]
fn a_batch_attestation_needs_its_key_and_a_certificate() {
    let (mut config, _) = vouched();
    config.attestation.batch.as_mut().unwrap().certificates.clear();
    assert!(matches!(config.validate(), Err(ConfigError::Needs { .. })));
    let (mut config, _) = vouched();
    config.attestation.formats = vec![AttestationFormat::FidoU2f];
    let batch = config.attestation.batch.as_mut().unwrap();
    batch.key = KeyHandle::new(algorithm::EDDSA, Zeroizing::new([1; 32].into()));
    assert!(matches!(config.validate(), Err(ConfigError::Needs { .. })));
    config.attestation.batch = None;
    assert!(matches!(config.validate(), Err(ConfigError::Needs { .. })));
}

fn format(config: Config, preference: &[&str]) -> String {
    let mut rig = Rig::new(config);
    let mut request = creation("example.org", "alice");
    request.attestation_formats_preference = preference.iter().map(|f| (*f).into()).collect();
    rig.create(&request).unwrap().attestation.format().into()
}

#[test]
fn without_a_preference_each_preset_has_its_own() {
    assert_eq!(format(Config::phone(), &[]), "none");
    assert_eq!(format(Config::platform(), &[]), "packed");
    assert_eq!(format(Config::security_key(), &[]), "packed");
}

#[test]
fn the_first_supported_one_of_the_preference_is_made() {
    for config in [Config::phone(), Config::security_key()] {
        assert_eq!(format(config.clone(), &["none"]), "none");
        assert_eq!(format(config.clone(), &["packed", "none"]), "packed");
        assert_eq!(format(config.clone(), &["none", "packed"]), "none");
        assert_eq!(format(config, &["tpm", "", "packed"]), "packed");
    }
}

#[test]
fn nobody_makes_what_nobody_wants() {
    let mut config = Config::security_key();
    config.attestation.formats = vec![AttestationFormat::PackedSelf];
    assert_eq!(format(config.clone(), &["none"]), "none");
    assert_eq!(format(config, &["none", "packed"]), "packed", "one that it makes");
}

#[test]
fn a_preference_that_can_not_be_met_is_as_none_at_all() {
    assert_eq!(format(Config::phone(), &["tpm", "Packed"]), "none");
    assert_eq!(format(Config::security_key(), &["tpm"]), "packed");
}

#[test]
fn a_format_that_is_switched_off_is_not_made() {
    let mut config = Config::phone();
    config.attestation.formats = vec![AttestationFormat::None];
    assert_eq!(format(config.clone(), &["packed"]), "none");
    let mut rig = Rig::new(config);
    assert_eq!(rig.info().attestation_formats, Some(Vec::new()));
}
