//! A security key with a fingerprint sensor, and somebody who agrees to everything.

use crate::rig::{platform::*, *};
use towline_authenticator::{Answer, Config, Question};
use towline_ctap::{
    BioEnrollmentRequest, BioEnrollmentResponse, FingerprintRequest, FingerprintSubcommand as Sub,
    Flags, Permissions, Request, RequestOptions, SampleStatus, Status, TemplateId,
};

const PIN: &str = "correct horse";

fn key() -> Rig {
    let mut rig = Rig::new(Config::fingerprint_key());
    rig.person(|question| Some(question.simulated_agreement()));
    rig
}

fn enrol(rig: &mut Rig, token: &PlatformToken, sub: Sub) -> BioEnrollmentResponse {
    let mut request = FingerprintRequest::new(sub);
    request.auth = Some(token.auth(rig, &request.authenticated_message()));
    let request = Request::from(BioEnrollmentRequest::Fingerprint(request));
    BioEnrollmentResponse::decode(&rig.call(&request).unwrap()).unwrap()
}

fn verified(rig: &mut Rig) -> Result<(), Status> {
    let mut request = creation("example.org", "alice");
    request.options = RequestOptions { uv: Some(true), ..RequestOptions::default() };
    rig.create(&request)
        .map(|response| assert!(data(&response.auth_data).flags.contains(Flags::UV)))
}

#[test]
fn a_fingerprint_key_is_a_security_key_with_a_sensor_that_knows_nobody() {
    let (mut info, plain) = (key().info(), Rig::new(Config::security_key()).info());
    assert_eq!((info.options.bio_enroll, info.options.uv), (Some(false), Some(false)));
    assert_eq!(info.uv_modality, Some(0x02), "fingerprint, internal");
    assert_eq!(info.versions, plain.versions);
    assert_eq!(info.extensions.take(), plain.extensions);
    assert_eq!(verified(&mut key()), Err(Status::InvalidOption));
}

#[test]
fn somebody_who_agrees_enrols_a_finger_and_is_verified_by_it() {
    let mut rig = key();
    Platform::agree(&mut rig, 2).set_pin(&mut rig, PIN).unwrap();
    let token = Platform::agree(&mut rig, 2).pin_token(&mut rig, PIN, Permissions::BE, None);
    let token = token.unwrap();
    let begin = Sub::EnrollBegin { timeout: None };
    let mut answer = enrol(&mut rig, &token, begin);
    let template = answer.template.clone().unwrap();
    while answer.remaining_samples != Some(0) {
        assert_eq!(answer.last_enroll_sample_status, Some(SampleStatus::Good));
        let template = template.clone();
        let next = Sub::EnrollCaptureNextSample { template, timeout: None };
        answer = enrol(&mut rig, &token, next);
    }
    assert_eq!(rig.info().options.bio_enroll, Some(true));
    assert_eq!(verified(&mut rig), Ok(()));
}

#[test]
fn the_last_sample_enrols_and_no_other_does() {
    let template = TemplateId::new(&[7; 8]);
    let asked = |samples_left| {
        let template = template.clone();
        Question::EnrollFingerprint { template, samples_left }.simulated_agreement()
    };
    assert_eq!(asked(2), Answer::Sample(SampleStatus::Good));
    assert!(matches!(asked(1), Answer::Enrolled(_)));
}
