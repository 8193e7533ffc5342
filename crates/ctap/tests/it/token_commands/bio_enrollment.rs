//! authenticatorBioEnrollment.

use super::*;

fn template() -> TemplateId {
    TemplateId::new(&[1, 2])
}

fn params() -> V {
    map([(int(1), bytes(&[1, 2])), (int(2), text("thumb")), (int(3), int(9000))])
}

fn all(subcommand: i64) -> Vec<(i64, V)> {
    vec![(1, int(1)), (2, int(subcommand)), (3, params()), (4, int(2)), (5, bytes(&[5; 32]))]
}

fn subcommands() -> Vec<Finger> {
    vec![
        Finger::EnrollBegin { timeout: Some(9000) },
        Finger::EnrollCaptureNextSample { template: template(), timeout: Some(9000) },
        Finger::CancelCurrentEnrollment,
        Finger::EnumerateEnrollments,
        Finger::SetFriendlyName { template: template(), name: "thumb".into() },
        Finger::RemoveEnrollment(template()),
        Finger::GetFingerprintSensorInfo,
    ]
}

const WITH_PROOF: [u8; 5] = [1, 2, 4, 5, 6];

#[test]
fn every_subcommand_survives_the_round_trip_and_no_truncation() {
    for (number, subcommand) in (1_u8..).zip(subcommands()) {
        assert_eq!(subcommand.to_u8(), number);
        let mut request = FingerprintRequest::new(subcommand.clone());
        request.auth = WITH_PROOF.contains(&number).then(auth);
        truncations_are_refused(&BioEnrollmentRequest::from(request).into());
        let Request::BioEnrollment(read) = read(BIO_ENROLLMENT, &all(number.into())) else {
            panic!()
        };
        let BioEnrollmentRequest::Fingerprint(read) = *read else { panic!() };
        assert_eq!(read.subcommand(), &subcommand);
        assert_eq!(read.authenticated_message(), [vec![1, number], params().encode()].concat());
    }
    truncations_are_refused(&BioEnrollmentRequest::GetModality.into());
    truncations_are_refused(
        &BioEnrollmentRequest::from(FingerprintRequest::new(Finger::CancelCurrentEnrollment))
            .into(),
    );
}

#[test]
fn get_modality_stands_alone() {
    let request = [(6, V::Bool(true))];
    assert_eq!(read(BIO_ENROLLMENT, &request), BioEnrollmentRequest::GetModality.into());
    assert_eq!(status(BIO_ENROLLMENT, &[(6, V::Bool(false))]), Status::MissingParameter);
    assert_eq!(status(BIO_ENROLLMENT, &[(6, int(1))]), Status::CborUnexpectedType);
    assert_eq!(status(BIO_ENROLLMENT, &[]), Status::MissingParameter);
}

#[test]
fn the_modality_is_fingerprints() {
    assert_eq!(status(BIO_ENROLLMENT, &without(&all(7), 1)), Status::MissingParameter);
    assert_eq!(status(BIO_ENROLLMENT, &with(&all(7), 1, int(2))), Status::InvalidParameter);
}

#[test]
fn the_proof_is_missed_before_the_parameters() {
    for subcommand in WITH_PROOF {
        let bare = [(1, int(1)), (2, int(subcommand.into()))];
        assert_eq!(status(BIO_ENROLLMENT, &bare), Status::PuatRequired);
        let unprotocolled = without(&all(subcommand.into()), 4);
        assert_eq!(status(BIO_ENROLLMENT, &unprotocolled), Status::MissingParameter);
    }
    for (subcommand, missing) in [(2, 1), (5, 1), (5, 2), (6, 1)] {
        let V::Map(mut members) = params() else { unreachable!() };
        members.retain(|(key, _)| *key != int(missing));
        let request = with(&all(subcommand), 3, V::Map(members));
        assert_eq!(status(BIO_ENROLLMENT, &request), Status::MissingParameter);
    }
}

#[test]
fn what_else_is_wrong_is_named() {
    for subcommand in [0, 8, 0x101] {
        let request = [(1, int(1)), (2, int(subcommand))];
        assert_eq!(status(BIO_ENROLLMENT, &request), Status::InvalidSubcommand);
    }
    wrong_types_are_refused(BIO_ENROLLMENT, &all(1));
    for (key, value) in [(1, text("x")), (2, bytes(b"x")), (3, int(-1))] {
        let request = with(&all(5), 3, map([(int(key), value)]));
        assert_eq!(status(BIO_ENROLLMENT, &request), Status::CborUnexpectedType);
    }
}

#[test]
fn responses_survive_the_round_trip() {
    let response = BioEnrollmentResponse {
        modality: Some(1),
        fingerprint_kind: Some(2),
        max_capture_samples_required_for_enroll: Some(5),
        template: Some(template()),
        last_enroll_sample_status: Some(SampleStatus::TooSkewed),
        remaining_samples: Some(3),
        template_infos: Some(vec![
            TemplateInfo { id: template(), friendly_name: Some("thumb".into()) },
            TemplateInfo { id: TemplateId::new(&[]), friendly_name: None },
        ]),
        max_template_friendly_name: Some(64),
    };
    let bytes = response.encode();
    assert_eq!(BioEnrollmentResponse::decode(&bytes).as_ref(), Ok(&response));
    for length in 2..bytes.len() {
        assert!(BioEnrollmentResponse::decode(&bytes[..length]).is_err());
    }
}

#[test]
fn every_sample_status_is_one_of_fifteen() {
    for code in 0..=u8::MAX {
        let status = SampleStatus::from_u64(code.into());
        assert_eq!(status.is_some(), code <= 0x0e);
        assert!(status.is_none_or(|status| status.to_u8() == code));
    }
    for (key, value) in [(5, int(15)), (7, array([map([])])), (7, map([])), (4, text("x"))] {
        let response = message(0, &[(key, value)]);
        assert!(BioEnrollmentResponse::decode(&response).is_err());
    }
}
