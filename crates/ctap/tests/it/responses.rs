//! Responses, attestation and authenticator data: what a client accepts, refuses, and what an
//! authenticator writes.

use towline_crypto::Secret;
use towline_ctap::{
    Aaguid, AttestationStatement, AttestedCredentialData, AuthenticatorData, ClientDataHash,
    CosePublicKey, CredentialId, Extensions, FidoU2fAttestation, Flags, GetAssertionResponse,
    LargeBlobKey, MakeCredentialResponse, Malformed, PackedAttestation,
    PublicKeyCredentialDescriptor, Response, ResponseError, RpIdHash, Status, User, UserHandle,
    algorithm, attestation_object, extension::CredentialProtectionPolicy,
};

use crate::value::{V, array, bytes, int, map, text};

fn success(body: &V) -> Vec<u8> {
    [vec![0], body.encode()].concat()
}

fn malformed<T: std::fmt::Debug>(result: Result<T, ResponseError>) {
    assert!(matches!(result, Err(ResponseError::Malformed(_))), "{result:?}");
}

fn p256_key() -> CosePublicKey {
    CosePublicKey::P256 { alg: algorithm::ES256, x: [0xaa; 32], y: [0xbb; 32] }
}

fn auth_data() -> AuthenticatorData {
    AuthenticatorData {
        rp_id_hash: RpIdHash::new([0x11; 32]),
        flags: Flags::UP | Flags::UV,
        sign_count: 0x0102_0304,
        attested: None,
        extensions: Extensions::new(),
    }
}

fn attested() -> AttestedCredentialData {
    AttestedCredentialData {
        aaguid: Aaguid::new([0x22; 16]),
        credential_id: CredentialId::new(&[0x33; 20]).unwrap(),
        public_key: p256_key(),
    }
}

#[test]
fn every_refusal_is_told_with_its_status() {
    assert_eq!(Response::split(&[]), Err(ResponseError::Empty));
    for code in 1..=u8::MAX {
        let refused = Err(ResponseError::Status(Status::from_u8(code)));
        assert_eq!(MakeCredentialResponse::decode(&[code]), refused);
        assert_eq!(GetAssertionResponse::decode(&[code, 0xa0]).map(drop), refused.map(drop));
        assert_eq!(Response::status_only(Status::from_u8(code)), [code]);
    }
}

#[test]
fn a_creation_with_every_member_survives_the_round_trip() {
    let packed =
        |x5c| AttestationStatement::Packed(PackedAttestation { alg: -7, sig: vec![1, 2], x5c });
    for attestation in
        [AttestationStatement::None, packed(None), packed(Some(vec![vec![0x30, 0], vec![0x30, 1]]))]
    {
        let mut response = MakeCredentialResponse::new(attestation, vec![7; 50]);
        response.ep_att = Some(true);
        response.large_blob_key = Some(LargeBlobKey::new(Secret::new([8; 32])));
        response.unsigned_extension_outputs.set_raw("prf", &[0xa0]).unwrap();
        assert_eq!(MakeCredentialResponse::decode(&response.encode()).unwrap(), response);
    }
}

#[test]
fn an_assertion_with_every_member_survives_the_round_trip() {
    let credential = PublicKeyCredentialDescriptor::new(CredentialId::new(&[1]).unwrap());
    let mut response = GetAssertionResponse::new(credential, vec![7; 37], vec![9; 70]);
    response.user = Some(User {
        id: UserHandle::new(&[4]).unwrap(),
        name: Some("n".into()),
        display_name: None,
    });
    response.number_of_credentials = Some(3);
    response.user_selected = Some(false);
    response.large_blob_key = Some(LargeBlobKey::new(Secret::new([8; 32])));
    response.unsigned_extension_outputs.set_raw("largeBlob", &[0xa0]).unwrap();
    assert_eq!(GetAssertionResponse::decode(&response.encode()).unwrap(), response);
}

#[test]
fn a_large_blob_key_is_not_printed() {
    let key = LargeBlobKey::new(Secret::new([0xab; 32]));
    assert_eq!(format!("{key:?}"), "LargeBlobKey(32 bytes)");
}

#[test]
fn a_minimal_creation_is_written_in_canonical_form() {
    let response = MakeCredentialResponse::new(AttestationStatement::None, vec![0xee]);
    assert_eq!(response.encode(), b"\x00\xa3\x01\x64none\x02\x41\xee\x03\xa0");
}

#[test]
fn only_format_none_may_leave_its_statement_out() {
    let body = |format| map([(int(1), text(format)), (int(2), bytes(&[0xee]))]);
    let response = MakeCredentialResponse::decode(&success(&body("none"))).unwrap();
    assert_eq!(response.attestation, AttestationStatement::None);
    assert_eq!(
        MakeCredentialResponse::decode(&success(&body("packed"))),
        Err(Malformed::Missing("attStmt").into())
    );
}

#[test]
fn statements_that_are_not_known_pass_through_untouched() {
    let statements = [
        ("tpm", map([(text("ver"), text("2.0"))])),
        ("compound", array([map([]), map([])])),
        (
            "packed",
            map([
                (text("alg"), int(-7)),
                (text("sig"), bytes(&[1])),
                (text("ecdaaKeyId"), bytes(&[2])),
            ]),
        ),
        ("packed", map([(text("alg"), text("x"))])),
        ("none", map([(text("x"), int(1))])),
    ];
    for (format, statement) in statements {
        let body =
            map([(int(1), text(format)), (int(2), bytes(&[0xee])), (int(3), statement.clone())]);
        let response = MakeCredentialResponse::decode(&success(&body)).unwrap();
        assert_eq!(response.attestation.format(), format);
        assert!(!response.attestation.is_self());
        assert_eq!(response.encode(), success(&body));
        let object = map([
            (text("fmt"), text(format)),
            (text("attStmt"), statement),
            (text("authData"), bytes(&[0xee])),
        ]);
        assert_eq!(attestation_object(&response.attestation, &[0xee]), object.encode());
    }
}

#[test]
fn creations_that_break_the_standard_are_malformed() {
    let valid = || vec![(int(1), text("none")), (int(2), bytes(&[0xee])), (int(3), map([]))];
    for missing in 0..2 {
        let mut body = valid();
        body.remove(missing);
        malformed(MakeCredentialResponse::decode(&success(&V::Map(body))));
    }
    for (key, value) in [
        (1, bytes(b"none")),
        (2, text("x")),
        (4, int(1)),
        (5, bytes(&[1; 31])),
        (5, text("x")),
        (6, array([])),
    ] {
        let mut body = valid();
        body.retain(|(known, _)| *known != int(key));
        body.push((int(key), value));
        body.sort_by_key(|(known, _)| known.encode());
        malformed(MakeCredentialResponse::decode(&success(&V::Map(body))));
    }
    let mut unsorted = valid();
    unsorted.swap(0, 1);
    malformed(MakeCredentialResponse::decode(&success(&V::Map(unsorted))));
    let mut trailing = success(&V::Map(valid()));
    trailing.push(0);
    malformed(MakeCredentialResponse::decode(&trailing));
    malformed(MakeCredentialResponse::decode(&[0]));
}

#[test]
fn assertions_that_break_the_standard_are_malformed() {
    let credential = |kind| map([(text("id"), bytes(&[1])), (text("type"), text(kind))]);
    let valid = || {
        vec![(int(1), credential("public-key")), (int(2), bytes(&[7; 37])), (int(3), bytes(&[9]))]
    };
    assert!(GetAssertionResponse::decode(&success(&V::Map(valid()))).is_ok());
    assert!(GetAssertionResponse::decode(&success(&V::Map(valid()[1..].to_vec()))).is_ok());
    for missing in 1..3 {
        let mut body = valid();
        body.remove(missing);
        malformed(GetAssertionResponse::decode(&success(&V::Map(body))));
    }
    for (key, value) in [
        (1, credential("other")),
        (1, bytes(&[1])),
        (2, text("x")),
        (3, text("x")),
        (4, map([])),
        (4, map([(text("id"), bytes(&[]))])),
        (5, int(-1)),
        (5, text("2")),
        (6, int(0)),
        (7, bytes(&[1; 33])),
        (8, text("x")),
    ] {
        let mut body = valid();
        body.retain(|(known, _)| *known != int(key));
        body.push((int(key), value));
        body.sort_by_key(|(known, _)| known.encode());
        malformed(GetAssertionResponse::decode(&success(&V::Map(body))));
    }
}

#[test]
fn authenticator_data_without_attachments_are_37_bytes() {
    let bytes = auth_data().encode();
    let mut expected = vec![0x11; 32];
    expected.extend([0x05, 1, 2, 3, 4]);
    assert_eq!(bytes, expected);
    assert_eq!(AuthenticatorData::decode(&bytes).unwrap(), auth_data());
}

#[test]
fn attested_data_and_extensions_are_written_as_the_standard_says() {
    let mut data = auth_data();
    data.flags = Flags::UP | Flags::BE | Flags::BS;
    data.attested = Some(attested());
    data.extensions.set(&CredentialProtectionPolicy::UserVerificationRequired);
    let bytes = data.encode();
    let mut expected = vec![0x11; 32];
    expected.extend([0xd9, 1, 2, 3, 4]);
    expected.extend([0x22; 16]);
    expected.extend([0, 20]);
    expected.extend([0x33; 20]);
    expected.extend([0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21, 0x58, 0x20]);
    expected.extend([0xaa; 32]);
    expected.extend([0x22, 0x58, 0x20]);
    expected.extend([0xbb; 32]);
    expected.extend(*b"\xa1\x6bcredProtect\x03");
    assert_eq!(bytes, expected);
    let read = AuthenticatorData::decode(&bytes).unwrap();
    assert_eq!(read, data);
    assert!(read.flags.contains(Flags::BE | Flags::BS) && !read.flags.contains(Flags::UV));
}

#[test]
fn authenticator_data_are_refused_at_every_truncation_and_with_anything_after_them() {
    let mut data = auth_data();
    data.attested = Some(attested());
    data.extensions.set(&CredentialProtectionPolicy::default());
    let bytes = data.encode();
    for length in 0..bytes.len() {
        assert!(AuthenticatorData::decode(&bytes[..length]).is_err(), "{length}");
    }
    assert!(AuthenticatorData::decode(&[&bytes[..], &[0]].concat()).is_err());
    let plain = [&auth_data().encode()[..], &[0xa0]].concat();
    assert_eq!(AuthenticatorData::decode(&plain), Err(Malformed::Length("the authenticator data")));
}

#[test]
fn a_credential_id_of_no_bytes_or_of_too_many_is_refused() {
    let mut header = auth_data().encode();
    header[32] |= 0x40;
    header.extend([0x22; 16]);
    for length in [0_usize, 1024, 2000] {
        let mut bytes = header.clone();
        bytes.extend(u16::try_from(length).unwrap().to_be_bytes());
        bytes.extend(vec![0; length]);
        bytes.extend(p256_key().encode());
        assert_eq!(AuthenticatorData::decode(&bytes), Err(Malformed::Length("the credential id")));
    }
}

#[test]
fn keys_of_the_known_shapes_survive_the_round_trip() {
    for key in [
        p256_key(),
        CosePublicKey::Ec2 { alg: algorithm::ES384, curve: 2, x: vec![1; 48], y: vec![2; 48] },
        CosePublicKey::Okp { alg: algorithm::EDDSA, curve: 6, x: vec![3; 32] },
        CosePublicKey::Rsa { alg: algorithm::RS256, n: vec![4; 256], e: vec![1, 0, 1] },
        CosePublicKey::Akp { alg: algorithm::ML_DSA_44, public: vec![5; 1312] },
    ] {
        assert_eq!(CosePublicKey::decode(&key.encode()).unwrap(), key);
    }
}

#[test]
fn the_plain_form_of_a_key_survives_the_round_trip() {
    for (alg, plain) in [
        (algorithm::ES256, [&[4][..], &[7; 64]].concat()),
        (algorithm::ESP256, [&[4][..], &[7; 64]].concat()),
        (algorithm::ES384, [&[4][..], &[7; 96]].concat()),
        (algorithm::ESP384, [&[4][..], &[7; 96]].concat()),
        (algorithm::EDDSA, vec![7; 32]),
        (algorithm::ED25519, vec![7; 32]),
        (algorithm::ML_DSA_44, vec![7; 1312]),
        (algorithm::ML_DSA_65, vec![7; 1952]),
        (algorithm::ML_DSA_87, vec![7; 2592]),
        (
            algorithm::RS256,
            rsa_public_key(&[&[0x30, 0x82, 1, 10], &[0x02, 0x82, 1, 1, 0], &[0xc7; 256]]),
        ),
        (
            algorithm::RS256,
            rsa_public_key(&[&[0x30, 0x81, 0x88], &[0x02, 0x81, 0x80], &[0x47; 128]]),
        ),
    ] {
        assert!(CosePublicKey::has_plain_form(alg));
        let key = CosePublicKey::from_plain(alg, &plain).unwrap();
        assert_eq!(key.algorithm(), Some(alg));
        assert_eq!(CosePublicKey::decode(&key.encode()).as_ref(), Ok(&key));
        assert_eq!(key.to_plain(), Some(plain));
    }
}

/// `RSAPublicKey` of these parts and the exponent 65537.
fn rsa_public_key(parts: &[&[u8]]) -> Vec<u8> {
    [parts.concat(), vec![2, 3, 1, 0, 1]].concat()
}

#[test]
fn an_rsa_key_that_is_not_exactly_one_structure_in_der_is_none() {
    let good = rsa_public_key(&[&[0x30, 0x82, 1, 10], &[0x02, 0x82, 1, 1, 0], &[0xc7; 256]]);
    let key = CosePublicKey::from_plain(algorithm::RS256, &good).unwrap();
    let (n, e) = (vec![0xc7; 256], vec![1, 0, 1]);
    assert_eq!(key, CosePublicKey::Rsa { alg: algorithm::RS256, n, e });
    for wrong in [
        good[..good.len() - 1].to_vec(),
        [&good[..], &[0]].concat(),
        // Another tag, outside and inside.
        rsa_public_key(&[&[0x31, 0x82, 1, 10], &[0x02, 0x82, 1, 1, 0], &[0xc7; 256]]),
        rsa_public_key(&[&[0x30, 0x82, 1, 10], &[0x03, 0x82, 1, 1, 0], &[0xc7; 256]]),
        // A negative modulus, and one with a needless zero.
        rsa_public_key(&[&[0x30, 0x82, 1, 9], &[0x02, 0x82, 1, 0], &[0xc7; 256]]),
        rsa_public_key(&[&[0x30, 0x82, 1, 10], &[0x02, 0x82, 1, 1, 0], &[0x47; 256]]),
        // Lengths in more bytes than they need, in too many, and without an end.
        rsa_public_key(&[&[0x30, 0x81, 0x0a], &[0x02, 0x81, 0x03], &[0x47; 3]]),
        rsa_public_key(&[&[0x30, 0x82, 0, 0x88], &[0x02, 0x81, 0x80], &[0x47; 128]]),
        rsa_public_key(&[&[0x30, 0x83, 0, 1, 10], &[0x02, 0x82, 1, 1, 0], &[0xc7; 256]]),
        rsa_public_key(&[&[0x30, 0x80], &[0x02, 0x81, 0x80], &[0x47; 128]]),
        // No numbers, and a third one.
        vec![0x30, 0],
        vec![0x30, 4, 2, 0, 2, 0],
        vec![0x30, 9, 2, 1, 5, 2, 1, 3, 2, 1, 7],
    ] {
        assert_eq!(CosePublicKey::from_plain(algorithm::RS256, &wrong), None, "{wrong:02x?}");
    }
}

#[test]
fn a_plain_form_that_does_not_fit_its_algorithm_is_no_key() {
    let point = |tag: u8, length: usize| [&[tag][..], &vec![7; length]].concat();
    for (alg, plain) in [
        (algorithm::ES256, point(4, 63)),
        (algorithm::ES256, point(4, 65)),
        (algorithm::ES256, point(2, 64)),
        (algorithm::ES256, Vec::new()),
        (algorithm::ES384, point(4, 64)),
        (algorithm::ES384, point(3, 96)),
        (algorithm::EDDSA, vec![7; 33]),
        (algorithm::ML_DSA_44, vec![7; 1952]),
        (algorithm::ML_DSA_65, vec![7; 1312]),
        (algorithm::RS256, vec![7; 256]),
        (0, vec![7; 32]),
    ] {
        assert_eq!(CosePublicKey::from_plain(alg, &plain), None, "{alg}: {}", plain.len());
    }
    for n in [vec![], vec![0, 0xc7], vec![0, 4], vec![4; 0x1_0000]] {
        let rsa = CosePublicKey::Rsa { alg: algorithm::RS256, n, e: vec![1, 0, 1] };
        assert_eq!(rsa.to_plain(), None);
    }
    assert!(!CosePublicKey::has_plain_form(algorithm::ES512));
    let mislabelled = CosePublicKey::Okp { alg: algorithm::ES256, curve: 6, x: vec![1; 32] };
    assert_eq!(mislabelled.to_plain(), None);
}

#[test]
fn an_ml_dsa_key_is_written_as_the_draft_says_and_refused_in_another_length() {
    let key = CosePublicKey::from_plain(algorithm::ML_DSA_44, &[5; 1312]).unwrap();
    let expected = map([(int(1), int(7)), (int(3), int(-48)), (int(-1), bytes(&[5; 1312]))]);
    assert_eq!(key.encode(), expected.encode());
    let short = map([(int(1), int(7)), (int(3), int(-48)), (int(-1), bytes(&[5; 1311]))]);
    assert_eq!(CosePublicKey::decode(&short.encode()), Err(Malformed::Length("the public key")));
}

#[test]
fn a_fido_u2f_statement_has_exactly_one_certificate() {
    let statement = AttestationStatement::FidoU2f(FidoU2fAttestation {
        certificate: vec![0x30, 0],
        sig: vec![1, 2],
    });
    let response = MakeCredentialResponse::new(statement, vec![0xee]);
    assert_eq!(response.attestation.format(), "fido-u2f");
    assert!(!response.attestation.is_self());
    assert_eq!(
        response.encode(),
        b"\x00\xa3\x01\x68fido-u2f\x02\x41\xee\x03\xa2\x63sig\x42\x01\x02\x63x5c\x81\x42\x30\x00"
    );
    assert_eq!(MakeCredentialResponse::decode(&response.encode()).unwrap(), response);
    for certificates in [array([]), array([bytes(&[1]), bytes(&[2])]), bytes(&[1])] {
        let body = map([
            (int(1), text("fido-u2f")),
            (int(2), bytes(&[0xee])),
            (int(3), map([(text("sig"), bytes(&[1])), (text("x5c"), certificates)])),
        ]);
        let response = MakeCredentialResponse::decode(&success(&body)).unwrap();
        assert!(matches!(response.attestation, AttestationStatement::Other(_)));
        assert_eq!(response.encode(), success(&body));
    }
}

#[test]
fn a_fido_u2f_statement_signs_a_message_of_its_own() {
    let id = CredentialId::new(&[3; 2]).unwrap();
    let (rp, client) = (RpIdHash::new([1; 32]), ClientDataHash::new([2; 32]));
    let message = FidoU2fAttestation::signed_message(&rp, &client, &id, &p256_key()).unwrap();
    let expected = [&[0][..], &[1; 32], &[2; 32], &[3; 2], &[4], &[0xaa; 32], &[0xbb; 32]].concat();
    assert_eq!(message, expected);
    let okp = CosePublicKey::from_plain(algorithm::EDDSA, &[1; 32]).unwrap();
    assert_eq!(FidoU2fAttestation::signed_message(&rp, &client, &id, &okp), None);
}

#[test]
fn keys_of_other_shapes_are_kept_as_they_came() {
    for key in [
        map([(int(1), int(7)), (int(3), int(-48)), (int(-1), int(5))]),
        map([(int(1), int(2)), (int(3), int(-7)), (int(4), array([int(2)])), (int(-1), int(1))]),
        map([
            (int(1), int(2)),
            (int(-1), int(1)),
            (int(-2), bytes(&[1; 32])),
            (int(-3), V::Bool(true)),
        ]),
    ] {
        let read = CosePublicKey::decode(&key.encode()).unwrap();
        assert!(matches!(read, CosePublicKey::Other(_)), "{read:?}");
        assert_eq!(read.encode(), key.encode());
        assert_eq!(read.p256_point(), None);
    }
}

#[test]
fn keys_that_are_no_keys_are_refused() {
    let p256 = |x: &[u8]| {
        map([
            (int(1), int(2)),
            (int(3), int(-7)),
            (int(-1), int(1)),
            (int(-2), bytes(x)),
            (int(-3), bytes(&[1; 32])),
        ])
    };
    for key in [
        array([]),
        map([]),
        map([(int(3), int(-7))]),
        map([(int(1), V::Bool(true))]),
        p256(&[1; 31]),
        p256(&[1; 33]),
    ] {
        assert!(CosePublicKey::decode(&key.encode()).is_err(), "{key:?}");
    }
}

#[test]
fn the_point_of_a_p256_key_is_uncompressed() {
    let point = p256_key().p256_point().unwrap();
    assert_eq!((point[0], &point[1..33], &point[33..]), (4, &[0xaa; 32][..], &[0xbb; 32][..]));
}
