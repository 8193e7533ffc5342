//! A real TPM, which is software, attests to its keys, and an authority to that.

use towline_authenticator::{KeyStore, certified_aaguid};
use towline_crypto::Secret;
use towline_ctap::{Aaguid, AttestationStatement, ClientDataHash};
use towline_tpm::{
    AttestationKey, CertifiedKey, Enrollment, EnrollmentAnswer, Error, LONGEST_ENROLLMENT,
    PATIENCE, PublicArea, TpmBinding, TpmCommand, TpmKeys, attribute,
};
use towline_virtual::attestation::{TpmAuthority, TpmRefusal};

use crate::{
    keys_in_swtpm::done,
    swtpm::{Swtpm, worker},
    vectors::provider,
};

const AAGUID: Aaguid = Aaguid::new(*b"towline-tpm-test");

#[test]
fn an_authority_certifies_a_key_that_its_tpm_has_shown() {
    let Some(swtpm) = Swtpm::new() else { return };
    let worker = worker(&swtpm);
    let authority = TpmAuthority::new(1).unwrap().with_aaguid(AAGUID);
    let key = AttestationKey::create(&worker).unwrap();
    let waiting = CertifiedKey { key: key.clone(), certificates: Vec::new() };
    let enrollment = key.enrollment(&worker).unwrap();
    assert_eq!(Enrollment::from_json(&enrollment.to_json()).unwrap(), enrollment);
    let answer = authority.answer(&enrollment).unwrap();
    assert_eq!(EnrollmentAnswer::from_json(&answer.to_json()).unwrap(), answer);
    let certified = key.certified(&worker, &provider(), &answer).unwrap();
    assert_eq!(certified.certificates.len(), 2, "its own, and that of who has issued it");
    assert_eq!(certified_aaguid(&certified.certificates[0]), Some(AAGUID));
    for kept in [&certified, &waiting] {
        assert_eq!(CertifiedKey::decode(&kept.encode()).unwrap(), *kept);
    }

    let binding = TpmBinding::new(&worker, &provider()).unwrap();
    let open = || TpmKeys::open(worker.clone(), provider(), binding.clone()).unwrap();
    assert_eq!(open().attested_by(waiting).attestation_formats(), [""; 0], "not yet");
    let mut keys = open().attested_by(certified);
    assert_eq!(keys.attestation_formats(), ["tpm"]);
    let hash = ClientDataHash::new([7; 32]);
    for algorithm in [-7, -257] {
        let new = done(keys.generate(algorithm)).unwrap();
        let said = done(keys.attest(&new.handle, "tpm", b"authenticator data", &hash)).unwrap();
        let AttestationStatement::Other(said) = said else { panic!("{said:?}") };
        let whole = provider().sha256.hash(&[b"authenticator data", &[7; 32]]);
        let there = |part: &[u8]| said.statement().windows(part.len()).any(|it| it == part);
        assert!(there(&whole), "what is attested to");
        assert!(there(b"\xffTCG\x80\x17"), "a TPM has said it");
        // A key that was not made by the TPM gets none.
        let software = done(towline_authenticator::SoftwareKeys::new(provider()).generate(-7));
        done(keys.attest(&software.unwrap().handle, "tpm", b"data", &hash)).unwrap_err();
        done(keys.attest(&new.handle, "packed", b"data", &hash)).unwrap_err();
    }
    let left = worker.run(PATIENCE, |tpm| {
        tpm.tidy();
        tpm.run(TpmCommand::handles(towline_tpm::Handle(0x8000_0000)))
    });
    assert_eq!(left.unwrap().values.len(), 1, "the parent");
}

#[test]
fn what_an_authority_does_not_certify() {
    let Some(swtpm) = Swtpm::new() else { return };
    let worker = worker(&swtpm);
    let authority = TpmAuthority::new(1).unwrap();
    let key = AttestationKey::create(&worker).unwrap();
    let enrollment = key.enrollment(&worker).unwrap();
    // A key that signs whatever it is given could say everything.
    for change in [attribute::RESTRICTED, attribute::FIXED_TPM, attribute::DECRYPT] {
        let mut bad = enrollment.clone();
        bad.key = PublicArea { attributes: bad.key.attributes ^ change, ..bad.key };
        assert_eq!(authority.answer(&bad), Err(TpmRefusal::NotAttesting), "{change:#x}");
    }
    let mut other = enrollment.clone();
    other.certificate = Some(b"the certificate of another endorsement key".to_vec());
    assert_eq!(authority.answer(&other), Err(TpmRefusal::Endorsement));
    let mut curve = enrollment;
    curve.endorsement = towline_tpm::template::endorsement_ecc();
    assert_eq!(authority.answer(&curve), Err(TpmRefusal::Endorsement));
}

#[test]
fn an_answer_is_for_one_key_in_one_tpm() {
    let (Some(swtpm), Some(other)) = (Swtpm::new(), Swtpm::new()) else { return };
    let (here, there) = (worker(&swtpm), worker(&other));
    let key = AttestationKey::create(&here).unwrap();
    let enrollment = key.enrollment(&here).unwrap();
    let answer = TpmAuthority::new(1).unwrap().answer(&enrollment).unwrap();

    let elsewhere = AttestationKey::create(&there).unwrap();
    let refused = elsewhere.certified(&there, &provider(), &answer).unwrap_err();
    assert!(matches!(refused, Error::Response(_)), "{refused}");
    let second = AttestationKey::create(&here).unwrap();
    let refused = second.certified(&here, &provider(), &answer).unwrap_err();
    assert!(matches!(refused, Error::Response(_)), "{refused}");
    let refused = key.clone().certified(&there, &provider(), &answer).unwrap_err();
    assert!(matches!(refused, Error::AnotherTpm), "{refused}");

    // What was changed on the way, or is for another key, is not taken.
    for place in [0, 12, answer.sealed.len() - 1] {
        let mut changed = answer.clone();
        changed.sealed[place] ^= 1;
        let refused = key.clone().certified(&here, &provider(), &changed).unwrap_err();
        assert!(matches!(refused, Error::Certificates(_)), "{refused}");
    }
    let secret = key.activate(&here, &answer.challenge).unwrap();
    let secret = Secret::from_slice(&secret).unwrap();
    let name = key.public().name(&provider());
    let wrong = [b"\x30\x82\x01\x00".to_vec(), vec![7; 256]].concat();
    for certificates in [vec![], vec![wrong], vec![vec![0x30, 3, 2, 1, 1]]] {
        let challenge = answer.challenge.clone();
        let sealed =
            EnrollmentAnswer::seal(&provider(), challenge, &secret, &name, &certificates).unwrap();
        let refused = key.clone().certified(&here, &provider(), &sealed).unwrap_err();
        assert!(matches!(refused, Error::Certificates(_)), "{refused}");
    }
    key.certified(&here, &provider(), &answer).unwrap();
}

#[test]
fn what_is_no_request_and_no_answer_is_refused() {
    let long = format!("{{\"type\":\"{}\"}}", "x".repeat(LONGEST_ENROLLMENT));
    let request = r#"{"type":"towline-tpm-request-1","endorsementKey":"AA","attestationKey":"AA",
        "manufacturer":"49424D00","firmware":"1"}"#;
    let answer = r#"{"type":"towline-tpm-answer-2","credentialBlob":"","encryptedSecret":"",
        "certificates":""}"#;
    let repeated = r#"{"type":"towline-tpm-answer-1","credentialBlob":"","credentialBlob":"",
        "encryptedSecret":"","certificates":""}"#;
    for json in ["", "{}", "[]", "null", &long, request, answer, repeated] {
        assert!(Enrollment::from_json(json).is_err(), "{json}");
        assert!(EnrollmentAnswer::from_json(json).is_err(), "{json}");
    }
}
