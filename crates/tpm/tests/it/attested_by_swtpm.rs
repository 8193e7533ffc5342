//! A real TPM, which is software, attests to its keys, and an authority to that.

use towline_authenticator::KeyStore;
use towline_ctap::{Aaguid, AttestationStatement, ClientDataHash};
use towline_testkit::tpm_authority::TpmAuthority;
use towline_tpm::{
    AttestationKey, Error, PATIENCE, PublicArea, TpmBinding, TpmCommand, TpmKeys, attribute,
};

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
    let authority = TpmAuthority::new(provider());
    let certified = authority.enroll(&worker, &AAGUID);
    assert_eq!(AttestationKey::decode(&certified.key.encode()).unwrap(), certified.key);

    let binding = TpmBinding::new(&worker, &provider()).unwrap();
    let keys = TpmKeys::open(worker.clone(), provider(), binding).unwrap();
    let mut keys = keys.attested_by(certified);
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
    let (Some(swtpm), Some(other)) = (Swtpm::new(), Swtpm::new()) else { return };
    let (here, there) = (worker(&swtpm), worker(&other));
    let authority = TpmAuthority::new(provider());
    let key = AttestationKey::create(&here).unwrap();
    let enrollment = key.enrollment(&here).unwrap();

    // A key that signs whatever it is given could say everything.
    for change in [attribute::RESTRICTED, attribute::FIXED_TPM, attribute::DECRYPT] {
        let mut bad = enrollment.clone();
        bad.key = PublicArea { attributes: bad.key.attributes ^ change, ..bad.key };
        assert!(authority.challenge(&bad).is_none(), "{change:#x}");
    }
    // The secret opens in no other TPM, and for no other key.
    let pending = authority.challenge(&enrollment).unwrap();
    let elsewhere = AttestationKey::create(&there).unwrap();
    let refused = elsewhere.activate(&there, &pending.challenge).unwrap_err();
    assert!(matches!(refused, Error::Response(_)), "{refused}");
    let second = AttestationKey::create(&here).unwrap();
    let refused = second.activate(&here, &pending.challenge).unwrap_err();
    assert!(matches!(refused, Error::Response(_)), "{refused}");
    let refused = key.activate(&there, &pending.challenge).unwrap_err();
    assert!(matches!(refused, Error::AnotherTpm), "{refused}");

    let secret = key.activate(&here, &pending.challenge).unwrap();
    let mut wrong = secret.to_vec();
    wrong[0] ^= 1;
    assert!(authority.certify(pending, &wrong, &AAGUID).is_none());
}
