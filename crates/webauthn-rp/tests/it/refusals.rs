//! One thing wrong at a time: which error says so, and at which step of the standard.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use towline_ctap::{CosePublicKey, Flags};
use towline_webauthn_rp::{
    CredentialRecord, Identity, Procedure, ResponseMember, StrictVerifier, UserEntity, Verifier,
    VerifyError,
};

use crate::soft_key::{Attestation, SoftKey};

const ORIGIN: &str = "http://localhost:7000";
const ALICE: UserEntity = UserEntity { handle: [7; 32], name: String::new() };

fn verifier() -> StrictVerifier {
    let identity = Identity {
        rp_id: "localhost".into(),
        rp_name: "Example".into(),
        origin: ORIGIN.into(),
        challenge_lifetime: Duration::from_secs(60),
    };
    StrictVerifier::new(&identity, towline_crypto::rustcrypto::provider()).unwrap()
}

fn register(
    verifier: &StrictVerifier,
    key: &mut SoftKey,
    existing: &[CredentialRecord],
) -> Result<CredentialRecord, VerifyError> {
    let begun = verifier.begin_registration(&ALICE, existing).unwrap();
    let response = key.create(&begun.options);
    verifier.finish_registration(begun.state, &response).map(|check| check.record)
}

fn sign_in(
    verifier: &StrictVerifier,
    key: &SoftKey,
    record: &CredentialRecord,
    bend: fn(&mut Value),
) -> Result<CredentialRecord, VerifyError> {
    let begun = verifier.begin_sign_in(None).unwrap();
    let mut response = key.get(&begun.options);
    bend(&mut response);
    verifier.finish_sign_in(begun.state, record, &response).map(|check| check.record)
}

/// Changes one thing.
type Change = fn(&mut SoftKey);

/// Changes bytes: a signature, say.
type Bend = fn(&mut Vec<u8>);

const WRONG_SIGNATURE: VerifyError = VerifyError::Attestation("its signature does not match");

/// What is changed, what the verifier says, and the steps of §7.1 and §7.2.
type Row = (Change, VerifyError, Option<u8>, Option<u8>);

#[test]
fn both_ceremonies_notice() {
    let table: &[Row] = &[
        (
            |k| k.kind = Some("payment.get"),
            VerifyError::Type("payment.get".into()),
            Some(7),
            Some(10),
        ),
        (|k| k.challenge = Some("AAAA".into()), VerifyError::Challenge, Some(8), Some(11)),
        (|k| k.origin.push('1'), VerifyError::Origin(format!("{ORIGIN}1")), Some(9), Some(12)),
        (
            |k| k.extra_client_data = json!({ "crossOrigin": true }),
            VerifyError::CrossOrigin,
            Some(10),
            Some(13),
        ),
        (
            |k| k.extra_client_data = json!({ "crossOrigin": "no" }),
            VerifyError::Malformed(ResponseMember::ClientData),
            Some(6),
            Some(9),
        ),
        (
            |k| k.bend_data = |data| data.push(0),
            VerifyError::Malformed(ResponseMember::AuthenticatorData),
            Some(13),
            Some(7),
        ),
        (|k| k.rp_id = "example.org".into(), VerifyError::RpId, Some(14), Some(15)),
        (|k| k.flags = Flags::UV | Flags::BE, VerifyError::NotPresent, Some(15), Some(16)),
        (|k| k.flags = Flags::UP | Flags::BE, VerifyError::NotVerified, Some(16), Some(17)),
        (
            |k| k.flags = Flags::UP | Flags::UV | Flags::BS,
            VerifyError::BackupFlags,
            Some(17),
            Some(18),
        ),
    ];
    let verifier = verifier();
    for (change, expected, registration, signing_in) in table {
        let mut key = SoftKey::new(ORIGIN);
        let record = register(&verifier, &mut key, &[]).unwrap();
        change(&mut key);
        assert_eq!(register(&verifier, &mut key, &[]).unwrap_err(), *expected);
        assert_eq!(expected.step(Procedure::Registration), *registration, "{expected}");
        assert_eq!(sign_in(&verifier, &key, &record, |_| {}).unwrap_err(), *expected);
        assert_eq!(expected.step(Procedure::SignIn), *signing_in, "{expected}");
    }
}

#[test]
fn registrations_notice() {
    let off_the_curve = CosePublicKey::P256 { alg: -7, x: [1; 32], y: [1; 32] };
    let mut no_point = [0; 32];
    no_point[0] = 2;
    let no_point = CosePublicKey::Okp { alg: -8, curve: 6, x: no_point.into() };
    let keys = [
        (off_the_curve, VerifyError::PublicKey),
        (no_point, VerifyError::PublicKey),
        // ES384 on P-256, EdDSA on P-256, ES256 on P-384, Ed448 as EdDSA.
        (CosePublicKey::P256 { alg: -35, x: [1; 32], y: [1; 32] }, VerifyError::PublicKey),
        (CosePublicKey::P256 { alg: -8, x: [1; 32], y: [1; 32] }, VerifyError::PublicKey),
        (
            CosePublicKey::Ec2 { alg: -7, curve: 2, x: vec![1; 48], y: vec![1; 48] },
            VerifyError::PublicKey,
        ),
        (CosePublicKey::Okp { alg: -8, curve: 7, x: vec![1; 57] }, VerifyError::PublicKey),
        // RS256 was not offered.
        (
            CosePublicKey::Rsa { alg: -257, n: vec![1; 256], e: vec![1, 0, 1] },
            VerifyError::Algorithm,
        ),
    ];
    let verifier = verifier();
    for (public_key, expected) in keys {
        let mut key = SoftKey::new(ORIGIN);
        key.public_key = Some(public_key.clone());
        let refused = register(&verifier, &mut key, &[]).unwrap_err();
        assert_eq!(refused, expected, "{public_key:?}");
        assert_eq!(refused.step(Procedure::Registration), Some(20));
    }

    let mut key = SoftKey::new(ORIGIN);
    let record = register(&verifier, &mut key, &[]).unwrap();
    let again = register(&verifier, &mut key, &[record]).unwrap_err();
    assert_eq!(
        (again.step(Procedure::Registration), again),
        (Some(26), VerifyError::AlreadyRegistered)
    );

    let mut key = SoftKey::new(ORIGIN);
    key.attestation = Attestation::PackedSelf { alg: -7 };
    register(&verifier, &mut key, &[]).unwrap();
    key.bend_signature = |signature| signature.push(0);
    assert_eq!(register(&verifier, &mut key, &[]).unwrap_err(), WRONG_SIGNATURE);

    for (attestation, format) in [
        (Attestation::NoneWithMembers, "none"),
        (Attestation::PackedWithCertificates, "packed"),
        (Attestation::Other, "apple"),
    ] {
        let mut key = SoftKey::new(ORIGIN);
        key.attestation = attestation;
        let refused = register(&verifier, &mut key, &[]).unwrap_err();
        assert_eq!(refused, VerifyError::UnsupportedAttestation(format.into()));
        assert_eq!(refused.step(Procedure::Registration), Some(21));
        register(&self::verifier().without_attestation(), &mut key, &[]).unwrap();
    }

    let begun = verifier.begin_registration(&ALICE, &[]).unwrap();
    let mut response = SoftKey::new(ORIGIN).create(&begun.options);
    let long = URL_SAFE_NO_PAD.encode([7; 1024]);
    (response["id"], response["rawId"]) = (long.clone().into(), long.into());
    let refused = verifier.finish_registration(begun.state, &response).unwrap_err();
    assert_eq!(refused, VerifyError::CredentialIdLength(1024));
    assert_eq!(refused.step(Procedure::Registration), Some(25));
}

#[test]
fn attestation_objects_are_canonical_and_end_where_they_end() {
    let verifier = verifier();
    let bends: [Bend; 3] = [
        |object| object.push(0),
        |object| object.truncate(object.len() - 1),
        // The head of the map, in two bytes.
        |object| drop(object.splice(0..1, [0xb8, 3])),
    ];
    for bend in bends {
        let begun = verifier.begin_registration(&ALICE, &[]).unwrap();
        let mut response = SoftKey::new(ORIGIN).create(&begun.options);
        let member = &mut response["response"]["attestationObject"];
        let mut object = URL_SAFE_NO_PAD.decode(member.as_str().unwrap()).unwrap();
        bend(&mut object);
        *member = URL_SAFE_NO_PAD.encode(object).into();
        let refused = verifier.finish_registration(begun.state, &response).unwrap_err();
        assert_eq!(refused, VerifyError::Malformed(ResponseMember::AttestationObject));
    }
}

#[test]
fn sign_ins_notice() {
    let verifier = verifier();
    let mut key = SoftKey::new(ORIGIN);
    let record = register(&verifier, &mut key, &[]).unwrap();

    let handles: [fn(&mut Value); 3] = [
        |it| it["response"]["userHandle"] = Value::Null,
        |it| it["response"]["userHandle"] = "AAAA".into(),
        |it| it["response"]["userHandle"] = 7.into(),
    ];
    for bend in handles {
        let refused = sign_in(&verifier, &key, &record, bend).unwrap_err();
        assert_eq!((refused.step(Procedure::SignIn), refused), (Some(6), VerifyError::UserHandle));
    }
    let refused = sign_in(&verifier, &SoftKey::new(ORIGIN), &record, |_| {}).unwrap_err();
    assert_eq!((refused.step(Procedure::SignIn), refused), (Some(6), VerifyError::CredentialId));

    // Another was asked for; the one that was may leave the user handle out.
    let other = CredentialRecord { id: vec![1], ..record.clone() };
    for (allowed, expected) in [(&other, Err(VerifyError::NotAllowed)), (&record, Ok(()))] {
        let begun = verifier.begin_sign_in(Some(std::slice::from_ref(allowed))).unwrap();
        let mut response = key.get(&begun.options);
        response["response"]["userHandle"] = Value::Null;
        let outcome = verifier.finish_sign_in(begun.state, &record, &response);
        assert_eq!(outcome.map(drop), expected);
    }

    key.flags = Flags::UP | Flags::UV;
    let refused = sign_in(&verifier, &key, &record, |_| {}).unwrap_err();
    assert_eq!(
        (refused.step(Procedure::SignIn), refused),
        (Some(19), VerifyError::BackupEligibility)
    );
    key.flags = Flags::UP | Flags::UV | Flags::BE;

    let record = CredentialRecord { sign_count: 5, ..record };
    for (count, good) in [(6, true), (5, false), (4, false), (0, false)] {
        key.sign_count = count;
        let outcome = sign_in(&verifier, &key, &record, |_| {});
        let expected = if good { Ok(count) } else { Err(VerifyError::Counter) };
        assert_eq!(outcome.map(|record| record.sign_count), expected);
    }
}

#[test]
fn signatures_are_strict_der_and_may_have_a_high_s() {
    let verifier = verifier();
    let mut key = SoftKey::new(ORIGIN);
    let record = register(&verifier, &mut key, &[]).unwrap();
    let bends: [(Bend, bool); 6] = [
        (|signature| *signature = der(&integers(signature)), true),
        (|signature| *signature = der(&other_s(integers(signature))), true),
        (|signature| *signature = integers(signature).concat(), false),
        (|signature| signature.push(0), false),
        (|signature| drop(signature.splice(1..2, [0x81, signature[1]])), false),
        (Vec::clear, false),
    ];
    for (number, (bend, good)) in bends.into_iter().enumerate() {
        key.bend_signature = bend;
        let outcome = sign_in(&verifier, &key, &record, |_| {}).map(drop);
        let expected = if good { Ok(()) } else { Err(VerifyError::Signature) };
        assert_eq!(outcome, expected, "{number}");
    }
}

#[test]
fn extensions_that_nobody_asked_for_are_refused_on_request() {
    let changes: [(Change, &str); 2] = [
        (|key| key.results = json!({ "credProps": { "rk": true }, "largeBlob": {} }), "largeBlob"),
        (
            |key| {
                key.bend_data = |data| {
                    data[32] |= 0x80; // ED
                    data.extend_from_slice(b"\xa1\x6bcredProtect\x02");
                };
            },
            "credProtect",
        ),
    ];
    for (change, id) in changes {
        let mut key = SoftKey::new(ORIGIN);
        change(&mut key);
        let record = register(&verifier(), &mut key, &[]).unwrap();
        let expected = VerifyError::Extension(id.into());
        let strict = verifier().without_unasked_extensions();
        assert_eq!(register(&strict, &mut key, &[]).unwrap_err(), expected);
        key.results.as_object_mut().unwrap().remove("credProps");
        sign_in(&verifier(), &key, &record, |_| {}).unwrap();
        assert_eq!(sign_in(&strict, &key, &record, |_| {}).unwrap_err(), expected);
        assert_eq!(expected.step(Procedure::SignIn), None);
    }
}

/// r and s of an ECDSA signature in DER, each of 32 bytes.
fn integers(der: &[u8]) -> [[u8; 32]; 2] {
    let (_, mut rest) = der.split_at(2);
    [0; 2].map(|_| {
        let (integer, after) = rest[2..].split_at(rest[1].into());
        rest = after;
        let magnitude = integer.strip_prefix(&[0]).unwrap_or(integer);
        let mut fixed = [0; 32];
        fixed[32 - magnitude.len()..].copy_from_slice(magnitude);
        fixed
    })
}

fn der(integers: &[[u8; 32]; 2]) -> Vec<u8> {
    let mut content = Vec::new();
    for integer in integers {
        let zeros = integer.iter().take_while(|byte| **byte == 0).count();
        let mut integer = integer[zeros..].to_vec();
        if integer[0] & 0x80 != 0 {
            integer.insert(0, 0);
        }
        content.extend_from_slice(&[2, integer.len() as u8]);
        content.append(&mut integer);
    }
    [&[0x30, content.len() as u8][..], &content].concat()
}

/// The other s that is as good: the order of P-256 minus s.
fn other_s([r, s]: [[u8; 32]; 2]) -> [[u8; 32]; 2] {
    let order = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
    let mut other = [0; 32];
    let mut borrow = 0;
    for place in (0..32).rev() {
        let digit = i16::from_str_radix(&order[2 * place..2 * place + 2], 16).unwrap();
        let difference = digit - i16::from(s[place]) - borrow;
        borrow = i16::from(difference < 0);
        other[place] = (difference & 0xff) as u8;
    }
    [r, other]
}
