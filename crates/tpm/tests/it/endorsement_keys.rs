//! Endorsement keys by RSA and on a curve: an authority certifies a key by the one that the maker
//! of the TPM has certified.

use towline_tpm::{
    ActivationChallenge, AttestationKey, Authorization, Encryption, Error, Handle, Object,
    ObjectName, PATIENCE, PublicArea, RSA_PATIENCE, TpmCommand, TpmPlace, TpmTransport, Worker,
    template,
};
use towline_virtual::attestation::{TpmAuthority, TpmRefusal};
use tpm2_protocol::frame;

use crate::{
    swtpm::{Swtpm, Tap, tapped, worker},
    vectors::{hex, provider, scripted, vectors},
};

/// Has the endorsement key of this template certified, by a maker of whom an authority looks for
/// the key alone.
fn certify(swtpm: &Swtpm, index: u32, template: PublicArea) -> Vec<u8> {
    let create = move |tpm: &mut towline_tpm::Tpm| {
        let create = TpmCommand::create_primary(Handle::ENDORSEMENT, &template);
        tpm.execute(create, &[Authorization::Empty], Encryption::default())
    };
    let made = worker(swtpm).run(RSA_PATIENCE, create).unwrap();
    let key = match made.public.object {
        Object::Ecc { x, y, .. } => [x, y].concat(),
        Object::Rsa { n, .. } => n,
        Object::Sealed { .. } => panic!("it is a key"),
    };
    let certificate = [&[0x30; 700][..], &key, b"the end"].concat();
    swtpm.put(index, &certificate);
    certificate
}

/// Commands and responses, in turn, are those of another implementation.
fn assert_well_formed(tap: &Tap) {
    let all = tap.lock().unwrap();
    let mut rest = all.as_slice();
    let mut next = || {
        let length = u32::from_be_bytes(rest.get(2..6)?.try_into().unwrap());
        let (one, after) = rest.split_at(usize::try_from(length).unwrap());
        rest = after;
        Some(one)
    };
    let mut count = 0;
    while let Some(command) = next() {
        let command = frame::TpmCommand::cast(command).unwrap();
        command.validate().unwrap();
        let response = frame::TpmResponse::cast(next().unwrap()).unwrap();
        response.validate(command.cc().unwrap()).unwrap();
        count += 1;
    }
    assert!(count > 10, "the tap works");
}

#[test]
fn the_key_that_the_maker_has_certified_is_enough() {
    let (Some(swtpm), Some(other)) = (Swtpm::new(), Swtpm::new()) else { return };
    let authority = TpmAuthority::new(1).unwrap();
    // Each goes before the one above it.
    for (index, template) in [
        (0x01c0_0014, template::endorsement_ecc_high()),
        (0x01c0_000a, template::endorsement_ecc()),
        (0x01c0_0012, template::endorsement_rsa_high()),
        (0x01c0_0002, template::endorsement_rsa()),
    ] {
        let certificate = certify(&swtpm, index, template.clone());
        let (tap, _, worker) = tapped(&swtpm);
        let key = AttestationKey::create(&worker).unwrap();
        let enrollment = key.enrollment(&worker).unwrap();
        assert_eq!(enrollment.certificate.as_ref(), Some(&certificate), "{index:x}");
        let made = &enrollment.endorsement;
        assert_eq!((made.attributes, &made.policy), (template.attributes, &template.policy));

        let answer = authority.answer(&enrollment).unwrap();
        let certified = key.clone().certified(&worker, &provider(), &answer).unwrap();
        assert_eq!(certified.certificates.len(), 2, "{index:x}");
        // It is for this one key, by this one endorsement key.
        let second = AttestationKey::create(&worker).unwrap();
        let refused = second.certified(&worker, &provider(), &answer).unwrap_err();
        assert!(matches!(refused, Error::Response(_)), "{index:x}: {refused}");
        for place in [0, 34, answer.challenge.blob.len() - 1] {
            let mut changed = answer.clone();
            changed.challenge.blob[place] ^= 1;
            key.clone().certified(&worker, &provider(), &changed).unwrap_err();
        }
        let mut changed = answer.clone();
        let last = changed.challenge.secret.len() - 1;
        changed.challenge.secret[last] ^= 1;
        key.clone().certified(&worker, &provider(), &changed).unwrap_err();
        key.certified(&worker, &provider(), &answer).unwrap();
        // What is left to do of it is done.
        worker.run(PATIENCE, |_| Ok(())).unwrap();
        assert_well_formed(&tap);

        let mut another = enrollment;
        another.certificate = Some(vec![0x30; 700]);
        assert_eq!(authority.answer(&another), Err(TpmRefusal::Endorsement), "{index:x}");
    }

    // What is for one TPM is nothing in another.
    certify(&other, 0x01c0_000a, template::endorsement_ecc());
    let (here, there) = (worker(&swtpm), worker(&other));
    let ours = AttestationKey::create(&there).unwrap();
    let mut enrollment = ours.enrollment(&there).unwrap();
    enrollment.key = AttestationKey::create(&here).unwrap().public().clone();
    let answer = authority.answer(&enrollment).unwrap();
    let refused = ours.certified(&there, &provider(), &answer).unwrap_err();
    assert!(matches!(refused, Error::Response(_)), "{refused}");
}

/// A chip that has no RSA, and no certificate.
struct WithoutRsa(Box<dyn TpmTransport>);

impl TpmTransport for WithoutRsa {
    fn exchange(&mut self, command: &[u8], response: &mut Vec<u8>) -> std::io::Result<()> {
        const ALGORITHMS: &[u8] = b"\0\0\x01\x7a\0\0\0\0";
        const CREATE_PRIMARY: &[u8] = b"\0\0\x01\x31";
        if command[6..].starts_with(CREATE_PRIMARY) {
            assert!(!command.windows(4).any(|it| it == b"\0\x01\0\x0b"), "a template of RSA");
        }
        self.0.exchange(command, response)?;
        if command[6..].starts_with(ALGORITHMS) {
            // Head, "more", capability and count; then algorithms, with four bytes each.
            assert_eq!(response[19..21], [0, 1], "RSA is the first");
            response.drain(19..25);
            response[18] -= 1;
            response[5] -= 6;
        }
        Ok(())
    }

    fn is_managed(&self) -> bool {
        self.0.is_managed()
    }
}

#[test]
fn a_chip_without_rsa_and_without_a_certificate_is_certified_as_well() {
    let Some(swtpm) = Swtpm::new() else { return };
    let place = TpmPlace::Unix(swtpm.socket());
    let worker =
        Worker::new(provider(), move || Ok(Box::new(WithoutRsa(place.open(RSA_PATIENCE)?))));
    let key = AttestationKey::create(&worker).unwrap();
    let enrollment = key.enrollment(&worker).unwrap();
    assert!(matches!(enrollment.endorsement.object, Object::Ecc { .. }));
    assert_eq!(enrollment.certificate, None);
    let answer = TpmAuthority::new(1).unwrap().answer(&enrollment).unwrap();
    key.certified(&worker, &provider(), &answer).unwrap();
}

#[test]
fn a_secret_for_a_key_on_a_curve_is_what_is_known() {
    let all = vectors();
    let it = &all["make_credential_ecc"];
    let endorsement = PublicArea::decode(&hex(&it["endorsement_public_area"])).unwrap();
    let name = ObjectName::read(&hex(&it["aik_name"])).unwrap();
    let random = scripted(vec![hex(&it["ephemeral_scalar"])]);
    let secret = hex(&it["secret"]);
    let made = ActivationChallenge::on_p256(&random, &endorsement, &name, &secret).unwrap();
    assert_eq!(made.secret, hex(&it["encrypted_secret"]));
    assert_eq!(made.blob, hex(&it["credential_blob"]));

    // A point that is not on the curve would give its sender away what the next is agreed with.
    let mut off = endorsement.clone();
    let Object::Ecc { y, .. } = &mut off.object else { panic!("it is on a curve") };
    y[31] ^= 1;
    for bad in [off, template::endorsement_ecc(), template::endorsement_rsa()] {
        let refused = ActivationChallenge::on_p256(&provider(), &bad, &name, &secret).unwrap_err();
        assert_eq!(refused, towline_crypto::Error::InvalidPublicKey);
    }
}

#[test]
fn the_policy_of_the_high_range_is_the_one_of_the_profile() {
    /// What the owner may put into NV index 0x01c07f01 (PolicyC): its name is known, too.
    const AUTHORIZE_NV: [u8; 4] = [0, 0, 1, 0x92];
    const OR: [u8; 4] = [0, 0, 1, 0x71];
    let sha256 = |parts: &[&[u8]]| provider().sha256.hash(parts);
    let a = template::ENDORSEMENT_POLICY;
    let secret = towline_tpm::policy_secret(&provider(), &Handle::ENDORSEMENT.name());
    assert_eq!(a, secret, "the authorisation of the hierarchy");
    let index = [b"\x01\xc0\x7f\x01\0\x0b\x22\x0f\x10\x08\0\x20", &a[..], b"\0\x22"].concat();
    let index = ObjectName::of(&provider(), &index);
    let c = sha256(&[&[0; 32], &AUTHORIZE_NV, index.as_bytes()]);
    assert_eq!(template::ENDORSEMENT_POLICY_HIGH, sha256(&[&[0; 32], &OR, &a, &c]));
}
