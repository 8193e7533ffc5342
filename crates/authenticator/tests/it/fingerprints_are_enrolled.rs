//! authenticatorBioEnrollment, with a scripted sensor.

use crate::rig::{
    platform::{Platform, PlatformToken, uv_retries},
    *,
};
use std::{collections::VecDeque, time::Duration};
use towline_authenticator::{
    Answer, AnswerError, BioEnrollment, BuiltInVerification, Change, Config, ConfigError,
    CredentialStore, Event, FingerprintKind, MemoryStore, Question, Record, ResetTime,
    SoftwareKeys, Template, Work,
};
use towline_ctap::{
    BioEnrollmentRequest, BioEnrollmentResponse, FingerprintRequest, FingerprintSubcommand as Sub,
    Permissions, PinUvAuth, Request, SampleStatus, Status, TemplateId,
};
use zeroize::Zeroizing;

const PIN: &str = "correct horse";

/// A security key with a PIN and a sensor that nobody has put a finger on yet.
fn config() -> Config {
    let mut config = Config::security_key();
    config.reset.when = ResetTime::Always;
    let mut verification = BuiltInVerification::screen_lock();
    verification.configured = false;
    verification.bio_enrollment = Some(BioEnrollment::touch());
    config.verification.built_in = Some(verification);
    config
}

fn described(config: &mut Config) -> &mut BioEnrollment {
    config.verification.built_in.as_mut().unwrap().bio_enrollment.as_mut().unwrap()
}

fn rig() -> Rig {
    with(Rig::new(config()))
}

fn with(mut rig: Rig) -> Rig {
    rig.person(sensor([]));
    Platform::agree(&mut rig, 2).set_pin(&mut rig, PIN).unwrap();
    rig.forget_past();
    rig
}

fn template(bytes: &[u8]) -> Template {
    Template::new(Zeroizing::new(bytes.into()))
}

/// What a perfect finger makes of the question.
fn good(id: &TemplateId, samples_left: u8) -> Answer {
    match samples_left {
        1 => Answer::Enrolled(template(id.as_bytes())),
        _ => Answer::Sample(SampleStatus::Good),
    }
}

/// A sensor that does as the script says, and after that gets good samples; everybody else agrees
/// to everything.
fn sensor(
    script: impl IntoIterator<Item = Option<Answer>>,
) -> impl FnMut(&Question) -> Option<Answer> {
    let mut script: VecDeque<_> = script.into_iter().collect();
    move |question| match question {
        Question::EnrollFingerprint { template, samples_left } => {
            script.pop_front().unwrap_or_else(|| Some(good(template, *samples_left)))
        }
        other => agreeable(other),
    }
}

fn token(rig: &mut Rig) -> PlatformToken {
    Platform::agree(rig, 2).pin_token(rig, PIN, Permissions::BE, None).unwrap()
}

fn request(rig: &Rig, token: Option<&PlatformToken>, subcommand: Sub) -> Request {
    let mut request = FingerprintRequest::new(subcommand);
    request.auth = token.map(|token| token.auth(rig, &request.authenticated_message()));
    Request::from(BioEnrollmentRequest::from(request))
}

fn enroll(
    rig: &mut Rig,
    token: &PlatformToken,
    subcommand: Sub,
) -> Result<BioEnrollmentResponse, Status> {
    let request = request(rig, Some(token), subcommand);
    Ok(BioEnrollmentResponse::decode(&rig.call(&request)?).unwrap())
}

const BEGIN: Sub = Sub::EnrollBegin { timeout: None };

fn next(template: &TemplateId) -> Sub {
    Sub::EnrollCaptureNextSample { template: template.clone(), timeout: None }
}

/// Begins to enrol a finger: its name.
fn begin(rig: &mut Rig, token: &PlatformToken) -> TemplateId {
    enroll(rig, token, BEGIN).unwrap().template.unwrap()
}

/// Enrols a whole finger.
fn finger(rig: &mut Rig, token: &PlatformToken) -> TemplateId {
    let id = begin(rig, token);
    for left in (0..4).rev() {
        let progress = enroll(rig, token, next(&id)).unwrap();
        assert_eq!(progress.remaining_samples, Some(left));
    }
    id
}

fn flags(rig: &mut Rig) -> (Option<bool>, Option<bool>) {
    let options = rig.info().options;
    (options.bio_enroll, options.uv)
}

/// Every subcommand that needs a token.
fn guarded() -> [Sub; 5] {
    let id = TemplateId::new(&[1]);
    [
        BEGIN,
        next(&id),
        Sub::EnumerateEnrollments,
        Sub::SetFriendlyName { template: id.clone(), name: "thumb".into() },
        Sub::RemoveEnrollment(id),
    ]
}

#[test]
fn without_a_sensor_there_is_no_such_command() {
    for config in [Config::security_key(), Config::phone(), Config::platform()] {
        let mut rig = Rig::new(config);
        let refused = rig.call(&Request::from(BioEnrollmentRequest::GetModality));
        assert_eq!(refused, Err(Status::InvalidCommand));
        let options = rig.info().options;
        assert_eq!((options.bio_enroll, options.uv_bio_enroll), (None, None));
    }
}

#[test]
fn without_proof_nothing_is_told_or_changed() {
    let mut rig = rig();
    for subcommand in guarded() {
        let bare = request(&rig, None, subcommand.clone());
        assert_eq!(rig.call(&bare), Err(Status::PuatRequired), "{subcommand:?}");
        let mut other = FingerprintRequest::new(subcommand);
        other.auth = Some(PinUvAuth { protocol: 3, param: vec![0; 32] });
        let other = Request::from(BioEnrollmentRequest::from(other));
        assert_eq!(rig.call(&other), Err(Status::InvalidParameter));
    }
    assert!(rig.questions.is_empty());
}

#[test]
fn a_proof_of_something_else_is_refused() {
    let mut rig = rig();
    let platform = Platform::agree(&mut rig, 2);
    let all_but = Permissions::CM | Permissions::ACFG | Permissions::LBW;
    let other = platform.pin_token(&mut rig, PIN, all_but, None).unwrap();
    for subcommand in guarded() {
        assert_eq!(enroll(&mut rig, &other, subcommand), Err(Status::PinAuthInvalid));
    }
    let good = token(&mut rig);
    for subcommand in guarded() {
        let mut request = FingerprintRequest::new(subcommand);
        request.auth = Some(good.auth(&rig, b"something else"));
        let request = Request::from(BioEnrollmentRequest::from(request));
        assert_eq!(rig.call(&request), Err(Status::PinAuthInvalid));
    }
    assert!(rig.questions.is_empty());
}

#[test]
fn the_sensor_is_described_to_everybody() {
    let mut config = config();
    described(&mut config).kind = FingerprintKind::Swipe;
    let mut rig = Rig::new(config);
    let told = rig.call(&Request::from(BioEnrollmentRequest::GetModality)).unwrap();
    let modality = BioEnrollmentResponse::decode(&told).unwrap();
    let only = BioEnrollmentResponse { modality: Some(1), ..BioEnrollmentResponse::default() };
    assert_eq!(modality, only);
    let asked = request(&rig, None, Sub::GetFingerprintSensorInfo);
    let told = BioEnrollmentResponse::decode(&rig.call(&asked).unwrap()).unwrap();
    let info = BioEnrollmentResponse {
        modality: Some(1),
        fingerprint_kind: Some(2),
        max_capture_samples_required_for_enroll: Some(5),
        max_template_friendly_name: Some(32),
        ..BioEnrollmentResponse::default()
    };
    assert_eq!(told, info);
    assert_eq!(rig.info().uv_modality, Some(0x02));
}

#[test]
fn other_modalities_and_subcommands_are_refused() {
    let mut rig = rig();
    for (request, status) in [
        (&[0x09, 0xa2, 0x01, 0x02, 0x02, 0x07][..], Status::InvalidParameter),
        (&[0x09, 0xa1, 0x02, 0x07], Status::MissingParameter),
        (&[0x09, 0xa1, 0x06, 0xf4], Status::MissingParameter),
        (&[0x09, 0xa2, 0x01, 0x01, 0x02, 0x08], Status::InvalidSubcommand),
        (&[0x09, 0xa2, 0x01, 0x01, 0x02], Status::InvalidCbor),
        (&[0x09, 0xa2, 0x01, 0x01, 0x02, 0x40], Status::CborUnexpectedType),
    ] {
        rig.send(HOME, request);
        assert_eq!(rig.status(), status, "{request:?}");
    }
}

#[test]
fn a_finger_is_enrolled_and_then_verifies() {
    let mut rig = rig();
    assert_eq!(flags(&mut rig), (Some(false), Some(false)));
    let platform = Platform::agree(&mut rig, 2);
    let none = platform.uv_token(&mut rig, Permissions::BE, None);
    assert_eq!(none, Err(Status::NotAllowed), "nobody can be verified yet");
    let good = token(&mut rig);
    let begun = enroll(&mut rig, &good, BEGIN).unwrap();
    let id = begun.template.clone().unwrap();
    let progress = BioEnrollmentResponse {
        template: Some(id.clone()),
        last_enroll_sample_status: Some(SampleStatus::Good),
        remaining_samples: Some(4),
        ..BioEnrollmentResponse::default()
    };
    assert_eq!(begun, progress);
    for left in [3, 2, 1] {
        let progress = BioEnrollmentResponse {
            template: None,
            remaining_samples: Some(left),
            ..progress.clone()
        };
        assert_eq!(enroll(&mut rig, &good, next(&id)).unwrap(), progress);
        assert!(rig.authenticator.fingerprints().unwrap().is_empty());
    }
    let last = enroll(&mut rig, &good, next(&id)).unwrap();
    assert_eq!(last.remaining_samples, Some(0));
    assert!(matches!(&rig.events[..], [Event::FingerprintEnrolled(new)] if new.id == id));
    // And after a restart.
    let mut rig = Rig::over(config(), rig.store);
    assert_eq!(flags(&mut rig), (Some(true), Some(true)));
    let [known] = rig.authenticator.fingerprints().unwrap() else { panic!() };
    assert_eq!(known.template.expose(), id.as_bytes());
    let platform = Platform::agree(&mut rig, 2);
    platform.uv_token(&mut rig, Permissions::BE, None).unwrap();
    let mut request = creation("example.org", "alice");
    request.options.uv = Some(true);
    rig.create(&request).unwrap();
    assert!(matches!(rig.questions.last(), Some(Question::VerifyUser { .. })));
}

#[test]
fn a_sensor_may_need_fewer_samples() {
    let mut rig = rig();
    rig.person(sensor([Some(Answer::Enrolled(template(b"at once")))]));
    let good = token(&mut rig);
    let begun = enroll(&mut rig, &good, BEGIN).unwrap();
    assert_eq!(begun.remaining_samples, Some(0));
    assert_eq!(flags(&mut rig), (Some(true), Some(true)));
    let over = enroll(&mut rig, &good, next(&begun.template.unwrap()));
    assert_eq!(over, Err(Status::NotAllowed));
}

#[test]
fn a_bad_sample_is_told_and_does_not_count() {
    let mut rig = rig();
    let bad: Vec<_> =
        SampleStatus::ALL.iter().copied().filter(|status| *status != SampleStatus::Good).collect();
    rig.person(sensor(bad.clone().into_iter().map(|status| Some(Answer::Sample(status)))));
    let good = token(&mut rig);
    let begun = enroll(&mut rig, &good, BEGIN).unwrap();
    assert_eq!(begun.last_enroll_sample_status, Some(bad[0]));
    assert_eq!(begun.remaining_samples, Some(5));
    let id = begun.template.unwrap();
    for status in &bad[1..] {
        let progress = enroll(&mut rig, &good, next(&id)).unwrap();
        assert_eq!(progress.last_enroll_sample_status, Some(*status));
        assert_eq!(progress.remaining_samples, Some(5));
    }
    assert_eq!(enroll(&mut rig, &good, next(&id)).unwrap().remaining_samples, Some(4));
}

#[test]
fn nobody_at_the_sensor_is_told_in_the_time_that_the_platform_gives() {
    let mut rig = rig();
    rig.person(absent);
    let good = token(&mut rig);
    let begins = request(&rig, Some(&good), Sub::EnrollBegin { timeout: Some(1500) });
    rig.send(HOME, &begins.encode());
    rig.pass(Duration::from_millis(1499));
    assert!(rig.responses.is_empty());
    rig.pass(Duration::from_millis(1));
    let begun = BioEnrollmentResponse::decode(&rig.response()).unwrap();
    assert_eq!(begun.last_enroll_sample_status, Some(SampleStatus::NoUserActivity));
    assert_eq!(begun.remaining_samples, Some(5));
    assert_eq!(rig.withdrawn.len(), 1);
    // The enrolment goes on.
    rig.person(sensor([]));
    let id = begun.template.unwrap();
    assert_eq!(enroll(&mut rig, &good, next(&id)).unwrap().remaining_samples, Some(4));
}

#[test]
fn no_platform_can_wait_longer_than_the_authenticator() {
    let mut rig = rig();
    rig.person(absent);
    let good = token(&mut rig);
    let begins = request(&rig, Some(&good), Sub::EnrollBegin { timeout: Some(u64::MAX) });
    rig.send(HOME, &begins.encode());
    rig.pass(Duration::from_secs(30));
    let begun = BioEnrollmentResponse::decode(&rig.response()).unwrap();
    assert_eq!(begun.last_enroll_sample_status, Some(SampleStatus::NoUserActivity));
}

#[test]
fn who_declines_at_the_sensor_ends_the_enrolment() {
    let mut rig = rig();
    rig.person(sensor([Some(Answer::Sample(SampleStatus::Good)), Some(Answer::Deny)]));
    let good = token(&mut rig);
    let id = begin(&mut rig, &good);
    assert_eq!(enroll(&mut rig, &good, next(&id)), Err(Status::OperationDenied));
    assert_eq!(enroll(&mut rig, &good, next(&id)), Err(Status::NotAllowed));
    assert!(rig.authenticator.fingerprints().unwrap().is_empty());
}

#[test]
fn an_answer_that_does_not_fit_is_not_taken() {
    let mut config = config();
    described(&mut config).max_samples = 1;
    let mut rig = with(Rig::new(config));
    rig.person(absent);
    let good = token(&mut rig);
    let begins = request(&rig, Some(&good), BEGIN);
    rig.send(HOME, &begins.encode());
    let (asked, _) = rig.open[0];
    for wrong in [
        Answer::Approve,
        Answer::Verified,
        Answer::NotVerified,
        Answer::Account(0),
        // The last good sample comes with what is to be kept.
        Answer::Sample(SampleStatus::Good),
    ] {
        let refused = rig.authenticator.handle_answer(asked, wrong, rig.now);
        assert_eq!(refused, Err(AnswerError::DoesNotFit));
    }
    rig.answer(Answer::Enrolled(template(b"finger")));
    assert_eq!(rig.status(), Status::Ok);
    // Nor is a finger an answer to anything else.
    rig.send(HOME, &Request::Selection.encode());
    let (asked, _) = rig.open[0];
    for wrong in [Answer::Sample(SampleStatus::Good), Answer::Enrolled(template(b"finger"))] {
        let refused = rig.authenticator.handle_answer(asked, wrong, rig.now);
        assert_eq!(refused, Err(AnswerError::DoesNotFit));
    }
}

#[test]
fn without_an_enrolment_there_is_no_next_sample() {
    let mut rig = rig();
    let good = token(&mut rig);
    let id = TemplateId::new(&[1]);
    assert_eq!(enroll(&mut rig, &good, next(&id)), Err(Status::NotAllowed));
    assert!(rig.questions.is_empty());
}

#[test]
fn whatever_comes_between_ends_the_enrolment() {
    type Between = fn(&mut Rig, &PlatformToken);
    let between: [(&str, Between); 8] = [
        ("another command", |rig, _| drop(rig.info())),
        ("a list", |rig, good| drop(enroll(rig, good, Sub::EnumerateEnrollments))),
        ("a cancel", |rig, _| {
            let cancel = request(rig, None, Sub::CancelCurrentEnrollment);
            assert_eq!(rig.call(&cancel).unwrap(), [0x00]);
        }),
        ("the sensor's description", |rig, _| {
            rig.call(&request(rig, None, Sub::GetFingerprintSensorInfo)).unwrap();
        }),
        ("too long a pause", |rig, _| rig.pass(Duration::from_secs(30))),
        ("a proof that fails", |rig, good| {
            let wrong = PlatformToken { value: vec![0; 32], ..good.clone() };
            assert_eq!(enroll(rig, &wrong, BEGIN), Err(Status::PinAuthInvalid));
        }),
        ("a sample that is cancelled", |rig, good| {
            rig.person(absent);
            let id = TemplateId::new(&[0; 8]);
            let begins = request(rig, Some(good), BEGIN);
            rig.send(HOME, &begins.encode());
            rig.cancel(HOME);
            assert_eq!(rig.status(), Status::KeepaliveCancel);
            rig.person(sensor([]));
            assert_eq!(enroll(rig, good, next(&id)), Err(Status::NotAllowed));
        }),
        ("nonsense", |rig, _| {
            rig.send(HOME, &[0x09]);
            rig.response();
            rig.send(HOME, &[0x7e]);
            rig.response();
        }),
    ];
    for (what, between) in between {
        let mut rig = rig();
        let good = token(&mut rig);
        let id = begin(&mut rig, &good);
        between(&mut rig, &good);
        assert_eq!(enroll(&mut rig, &good, next(&id)), Err(Status::NotAllowed), "{what}");
        assert!(rig.authenticator.fingerprints().unwrap().is_empty());
    }
}

#[test]
fn an_enrolment_ends_with_its_token_and_stays_on_its_channel() {
    let mut rig = rig();
    let first = token(&mut rig);
    let id = begin(&mut rig, &first);
    let elsewhere = request(&rig, Some(&first), next(&id));
    rig.send(ELSEWHERE, &elsewhere.encode());
    assert_eq!(rig.status(), Status::NotAllowed);
    let id = begin(&mut rig, &first);
    rig.power_up();
    assert_eq!(enroll(&mut rig, &first, next(&id)), Err(Status::PinAuthInvalid));
    let first = token(&mut rig);
    begin(&mut rig, &first);
    rig.pass(Duration::from_secs(600));
    assert_eq!(enroll(&mut rig, &first, next(&id)), Err(Status::PinAuthInvalid));
}

#[test]
fn a_new_enrolment_takes_the_place_of_an_unfinished_one() {
    let mut rig = rig();
    let good = token(&mut rig);
    let old = begin(&mut rig, &good);
    let new = begin(&mut rig, &good);
    assert_ne!(old, new);
    assert_eq!(enroll(&mut rig, &good, next(&old)), Err(Status::InvalidOption));
    assert_eq!(enroll(&mut rig, &good, next(&new)), Err(Status::NotAllowed), "it ended it");
    finger(&mut rig, &good);
    assert_eq!(rig.authenticator.fingerprints().unwrap().len(), 1);
}

#[test]
fn there_is_room_for_so_many_fingers_and_no_more() {
    let mut rig = rig();
    let good = token(&mut rig);
    let ids: Vec<_> = (0..5).map(|_| finger(&mut rig, &good)).collect();
    rig.forget_past();
    assert_eq!(enroll(&mut rig, &good, BEGIN), Err(Status::FpDatabaseFull));
    assert!(rig.questions.is_empty());
    enroll(&mut rig, &good, Sub::RemoveEnrollment(ids[2].clone())).unwrap();
    let new = finger(&mut rig, &good);
    let all = rig.authenticator.fingerprints().unwrap().iter().map(|known| known.id.clone());
    assert!(all.eq([&ids[0], &ids[1], &ids[3], &ids[4], &new].into_iter().cloned()));
}

#[test]
fn fingers_are_listed_named_and_removed() {
    let mut rig = rig();
    let good = token(&mut rig);
    let unknown = TemplateId::new(b"unknown");
    let names = |template: &TemplateId, name: &str| Sub::SetFriendlyName {
        template: template.clone(),
        name: name.into(),
    };
    assert_eq!(enroll(&mut rig, &good, Sub::EnumerateEnrollments), Err(Status::InvalidOption));
    let id = finger(&mut rig, &good);
    let listed = |rig: &mut Rig, good: &PlatformToken| {
        let listed = enroll(rig, good, Sub::EnumerateEnrollments).unwrap();
        let infos = listed.template_infos.clone().unwrap();
        let only = BioEnrollmentResponse {
            template_infos: Some(infos.clone()),
            ..BioEnrollmentResponse::default()
        };
        assert_eq!(listed, only);
        infos
    };
    assert_eq!(listed(&mut rig, &good)[0].friendly_name, Some(String::new()));
    for wrong in [names(&unknown, "thumb"), Sub::RemoveEnrollment(unknown.clone())] {
        assert_eq!(enroll(&mut rig, &good, wrong), Err(Status::InvalidOption));
    }
    let too_long = names(&id, &"é".repeat(17));
    assert_eq!(enroll(&mut rig, &good, too_long), Err(Status::InvalidLength));
    assert_eq!(enroll(&mut rig, &good, names(&id, "thumb")), Ok(BioEnrollmentResponse::default()));
    enroll(&mut rig, &good, names(&id, &"é".repeat(16))).unwrap();
    let mut rig = Rig::over(config(), rig.store);
    let good = token(&mut rig);
    let infos = listed(&mut rig, &good);
    assert_eq!((infos.len(), &infos[0].id), (1, &id));
    assert_eq!(infos[0].friendly_name, Some("é".repeat(16)));
    enroll(&mut rig, &good, Sub::RemoveEnrollment(id.clone())).unwrap();
    assert!(matches!(&rig.events[..], [Event::FingerprintRemoved(old)] if old.id == id));
    assert_eq!(enroll(&mut rig, &good, Sub::RemoveEnrollment(id)), Err(Status::InvalidOption));
    assert_eq!(flags(&mut rig), (Some(false), Some(false)));
    let mut request = creation("example.org", "alice");
    request.options.uv = Some(true);
    assert_eq!(rig.create(&request).unwrap_err(), Status::InvalidOption);
}

#[test]
fn a_reset_deletes_every_finger() {
    let mut rig = rig();
    let good = token(&mut rig);
    finger(&mut rig, &good);
    rig.call(&Request::Reset).unwrap();
    assert!(rig.authenticator.fingerprints().unwrap_or_default().is_empty());
    assert_eq!(flags(&mut rig), (Some(false), Some(false)));
    let mut rig = Rig::over(config(), rig.store);
    assert_eq!(flags(&mut rig), (Some(false), Some(false)));
}

#[test]
fn a_store_that_fails_changes_no_finger() {
    let fuse = Fuse::default();
    let memory = MemoryStore::new();
    let store = RiggedStore::fragile(memory.clone(), &fuse);
    let provider = towline_crypto::rustcrypto::provider();
    let keys = SoftwareKeys::new(provider.clone());
    let mut rig = with(Rig::with(config(), provider, memory, store, keys));
    let good = token(&mut rig);
    let id = begin(&mut rig, &good);
    for _ in 0..3 {
        enroll(&mut rig, &good, next(&id)).unwrap();
    }
    fuse.blow_at(Some(0));
    assert_eq!(enroll(&mut rig, &good, next(&id)), Err(Status::Other));
    fuse.blow_at(None);
    assert_eq!(enroll(&mut rig, &good, next(&id)), Err(Status::NotAllowed));
    assert_eq!(flags(&mut rig), (Some(false), Some(false)));
    let id = finger(&mut rig, &good);
    for change in [
        Sub::SetFriendlyName { template: id.clone(), name: "thumb".into() },
        Sub::RemoveEnrollment(id),
    ] {
        let before = rig.authenticator.fingerprints().unwrap().to_vec();
        fuse.blow_at(Some(0));
        assert_eq!(enroll(&mut rig, &good, change.clone()), Err(Status::Other));
        fuse.blow_at(None);
        assert_eq!(rig.authenticator.fingerprints().unwrap(), before);
        assert_eq!(flags(&mut rig), (Some(true), Some(true)));
        enroll(&mut rig, &good, change).unwrap();
    }
}

#[test]
fn fingers_that_can_not_be_read_are_not_taken_for_none() {
    // Not CBOR, not a list, and a finger without a template.
    for damaged in [&[0xff][..], &[0xa0], &[0x81, 0xa1, 0x01, 0x41, 0x00]] {
        let mut rig = Rig::new(config());
        let value = Some(Zeroizing::new(damaged.to_vec()));
        let change = Change::Record { record: Record::Fingerprints, value };
        assert!(matches!(rig.store.commit(vec![change]), Work::Done(Ok(()))));
        assert_eq!(rig.call(&Request::GetInfo), Err(Status::Other));
        rig.call(&Request::Reset).unwrap();
        assert_eq!(flags(&mut rig), (Some(false), Some(false)));
    }
}

#[test]
fn what_is_kept_of_a_finger_is_a_secret() {
    let mut rig = rig();
    let secret = b"the whorls of a thumb";
    rig.person(sensor([Some(Answer::Enrolled(template(secret)))]));
    let good = token(&mut rig);
    enroll(&mut rig, &good, BEGIN).unwrap();
    let seen = format!("{:?} {:?}", rig.events, rig.authenticator.fingerprints().unwrap());
    assert!(seen.contains("Template(21 bytes)"));
    assert!(!seen.contains("119, 104, 111"), "nor its bytes");
    assert_ne!(template(b"a"), template(b"b"));
}

#[test]
fn verification_permits_to_enrol_where_that_is_configured_only() {
    let mut config = config();
    let mut rig = with(Rig::new(config.clone()));
    assert_eq!(rig.info().options.uv_bio_enroll, Some(true));
    let good = token(&mut rig);
    finger(&mut rig, &good);
    let platform = Platform::agree(&mut rig, 2);
    let by_finger = platform.uv_token(&mut rig, Permissions::BE, None).unwrap();
    enroll(&mut rig, &by_finger, Sub::EnumerateEnrollments).unwrap();
    described(&mut config).verification_permits = false;
    let mut rig = Rig::over(config, rig.store);
    assert_eq!(rig.info().options.uv_bio_enroll, None);
    let platform = Platform::agree(&mut rig, 2);
    let refused = platform.uv_token(&mut rig, Permissions::BE, None);
    assert_eq!(refused, Err(Status::UnauthorizedPermission));
    assert!(rig.questions.is_empty());
}

#[test]
fn without_a_sensor_the_permission_is_not_there() {
    let mut rig = Rig::new(Config::security_key());
    let platform = Platform::agree(&mut rig, 2);
    platform.set_pin(&mut rig, PIN).unwrap();
    let refused = platform.pin_token(&mut rig, PIN, Permissions::BE, None);
    assert_eq!(refused, Err(Status::UnauthorizedPermission));
}

#[test]
fn a_finger_can_lock_itself_out_and_the_pin_lets_it_in_again() {
    let mut rig = rig();
    let good = token(&mut rig);
    finger(&mut rig, &good);
    rig.person(clumsy);
    let platform = Platform::agree(&mut rig, 2);
    let mut refused = || platform.uv_token(&mut rig, Permissions::CM, None).unwrap_err();
    assert_eq!(refused(), Status::UvInvalid);
    assert_eq!(refused(), Status::UvBlocked);
    assert_eq!(uv_retries(&mut rig), 0);
    token(&mut rig);
    assert_eq!(uv_retries(&mut rig), 5);
}

#[test]
fn a_config_without_the_means_for_it_is_refused() {
    let needs = |change: fn(&mut Config)| {
        let mut config = config();
        assert_eq!(config.validate(), Ok(()));
        change(&mut config);
        match config.validate() {
            Err(ConfigError::Needs { feature: "verification.built_in.bio_enrollment", needs }) => {
                needs
            }
            other => panic!("{other:?}"),
        }
    };
    let first = "a PIN, or verification that is set up and permits it";
    assert_eq!(needs(|config| config.pin = None), first);
    assert_eq!(
        needs(|config| {
            config.pin = None;
            described(config).verification_permits = false;
            config.verification.built_in.as_mut().unwrap().configured = true;
        }),
        first
    );
    type Spoil = fn(&mut BioEnrollment);
    let ranges: [(&str, Spoil); 4] = [
        ("verification.built_in.bio_enrollment.max_samples", |sensor| sensor.max_samples = 0),
        ("verification.built_in.bio_enrollment.max_fingerprints", |sensor| {
            sensor.max_fingerprints = 0
        }),
        ("verification.built_in.bio_enrollment.max_fingerprints", |sensor| {
            sensor.max_fingerprints = 11
        }),
        ("verification.built_in.bio_enrollment.max_friendly_name", |sensor| {
            sensor.max_friendly_name = 0
        }),
    ];
    for (name, spoil) in ranges {
        let mut config = config();
        spoil(described(&mut config));
        let Err(ConfigError::OutOfRange { member, .. }) = config.validate() else {
            panic!("{name}")
        };
        assert_eq!(member, name);
    }
}
