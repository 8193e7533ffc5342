//! CTAP1/U2F: nothing without a touch that was asked for, and credentials that CTAP2 can use, and
//! the other way round.

use std::time::Duration;

use crate::rig::{platform::Platform, *};
use towline_authenticator::{
    Answer, Authenticator, BatchAttestation, Config, ConfigError, Counters, KeyHandle, MemoryStore,
    NonDiscoverable, Purpose, Question, SoftwareKeys,
};
use towline_ctap::{
    ConfigRequest, ConfigSubcommand, CredentialId, Permissions, Request, RpIdHash, Status, Version,
    algorithm,
    extension::CredentialProtectionPolicy,
    u2f::{Control, StatusWord, U2fAuthentication, U2fRegistration, U2fRequest, split_response},
};
use zeroize::Zeroizing;

const CHALLENGE: [u8; 32] = [0xc0; 32];
const TOUCH: StatusWord = StatusWord::CONDITIONS_NOT_SATISFIED;

fn key() -> Rig {
    Rig::new(Config::security_key())
}

fn application(rp: &str) -> RpIdHash {
    rp_id(rp).hash(&towline_crypto::rustcrypto::provider())
}

fn say(rig: &mut Rig, request: &U2fRequest) -> Result<Vec<u8>, StatusWord> {
    raw(rig, &request.encode())
}

fn raw(rig: &mut Rig, apdu: &[u8]) -> Result<Vec<u8>, StatusWord> {
    let now = rig.now;
    rig.authenticator.handle_u2f(HOME, apdu, now);
    rig.pump();
    let response = rig.response();
    let (data, word) = split_response(&response).unwrap();
    assert!(word == StatusWord::NO_ERROR || data.is_empty());
    if word == StatusWord::NO_ERROR { Ok(data.to_vec()) } else { Err(word) }
}

fn registration(rp: &str) -> U2fRequest {
    U2fRequest::Register { challenge: CHALLENGE, application: application(rp) }
}

fn authentication(rp: &str, key_handle: &[u8], control: Control) -> U2fRequest {
    let (challenge, application) = (CHALLENGE, application(rp));
    U2fRequest::Authenticate { control, challenge, application, key_handle: key_handle.into() }
}

/// Registers as clients do: again after the touch.
fn register(rig: &mut Rig, rp: &str) -> U2fRegistration {
    assert_eq!(say(rig, &registration(rp)), Err(TOUCH));
    U2fRegistration::decode(&say(rig, &registration(rp)).unwrap()).unwrap()
}

fn sign_in(rig: &mut Rig, rp: &str, key_handle: &[u8]) -> U2fAuthentication {
    let request = authentication(rp, key_handle, Control::EnforceUserPresence);
    assert_eq!(say(rig, &request), Err(TOUCH));
    U2fAuthentication::decode(&say(rig, &request).unwrap()).unwrap()
}

fn check(rig: &Rig, rp: &str, public_key: &[u8], answer: &U2fAuthentication) {
    let message = U2fAuthentication::signed_message(
        &application(rp),
        answer.user_present,
        answer.counter,
        &CHALLENGE,
    );
    let es256 = rig.provider.signature(algorithm::ES256).unwrap();
    es256.verify(public_key, &message, &answer.signature).unwrap();
}

#[test]
fn without_u2f_in_the_config_no_instruction_is_there() {
    let mut config = Config::security_key();
    config.identity.versions.retain(|version| *version != Version::U2fV2);
    let mut rig = Rig::new(config);
    for request in [U2fRequest::Version, registration("example.org")] {
        assert_eq!(say(&mut rig, &request), Err(StatusWord::INS_NOT_SUPPORTED));
    }
    assert!(!rig.info().versions.contains(&Version::U2fV2));
    assert_eq!(rig.questions, []);
}

#[test]
fn u2f_needs_keys_on_p256() {
    let mut config = Config::security_key();
    config.credentials.algorithms.retain(|alg| *alg != algorithm::ES256);
    let needs = ConfigError::Needs { feature: "Version::U2fV2", needs: "ES256" };
    assert_eq!(config.validate(), Err(needs));
}

#[test]
fn u2f_is_not_claimed_where_it_would_break_another_promise() {
    let needs = |needs| Err(ConfigError::Needs { feature: "Version::U2fV2", needs });
    let mut config = Config::phone();
    config.identity.versions.push(Version::U2fV2);
    assert_eq!(
        config.validate(),
        needs("`verification.unasked` to be off"),
        "it can verify nobody"
    );
    for (algorithm, certificates) in
        [(algorithm::EDDSA, vec![vec![0x30, 0]]), (algorithm::ES256, Vec::new())]
    {
        let mut config = Config::security_key();
        let key = KeyHandle::new(algorithm, Zeroizing::new([7; 32].into()));
        config.attestation.batch = Some(BatchAttestation { key, certificates });
        let batch = "an `attestation.batch` with ES256 and a certificate, or none";
        assert_eq!(config.validate(), needs(batch));
        config.identity.versions.retain(|version| *version != Version::U2fV2);
        assert_eq!(config.validate(), Ok(()));
    }
}

#[test]
fn a_key_store_without_p256_can_not_serve_u2f() {
    let mut provider = towline_crypto::rustcrypto::provider();
    let all = provider.signatures.iter().copied();
    let others: Vec<_> = all.filter(|one| one.cose_algorithm() != algorithm::ES256).collect();
    provider.signatures = Vec::leak(others);
    let keys = SoftwareKeys::new(provider.clone());
    let made = Authenticator::new(Config::security_key(), provider, MemoryStore::new(), keys);
    let needs = ConfigError::Needs { feature: "Version::U2fV2", needs: "ES256" };
    assert_eq!(made.unwrap_err(), needs);
}

#[test]
fn u2f_alone_does_not_make_verification_need_a_token() {
    let mut config = Config::phone();
    config.identity.versions = vec![Version::U2fV2, Version::Fido2_0];
    config.verification.unasked = false;
    config.verification.built_in.as_mut().unwrap().without_token = false;
    assert_eq!(config.validate(), Ok(()));
}

#[test]
fn a_registration_that_is_cancelled_at_any_wait_leaves_no_key() {
    for waits in 0.. {
        let provider = towline_crypto::rustcrypto::provider();
        let (store, keys) = (MemoryStore::new(), RiggedKeys::slow(provider.clone()));
        let slow = RiggedStore::slow(store.clone());
        let mut rig = Rig::with(Config::security_key(), provider, store, slow, keys.clone());
        let apdu = registration("example.org").encode();
        assert_eq!(raw(&mut rig, &apdu), Err(TOUCH));
        rig.works = false;
        let now = rig.now;
        rig.authenticator.handle_u2f(HOME, &apdu, now);
        rig.pump();
        for _ in 0..waits {
            rig.work();
        }
        if !rig.responses.is_empty() {
            assert!(rig.response().ends_with(&[0x90, 0x00]));
            assert!(waits >= 5, "secret read and saved, key, certificate, answer: {waits}");
            assert_eq!(keys.alive(), 1);
            break;
        }
        rig.cancel(HOME);
        assert_eq!(rig.response(), [0x6f, 0x00]);
        rig.work();
        assert_eq!(keys.alive(), 0, "{waits}");
    }
}

#[test]
fn credentials_that_are_stored_are_used_too_but_for_passkeys() {
    for counters in [Counters::Global, Counters::PerCredential, Counters::Zero] {
        let mut config = Config::security_key();
        (config.credentials.non_discoverable, config.credentials.counters) =
            (NonDiscoverable::Stored, counters);
        let mut rig = Rig::new(config);
        let (id, public_key) = made_by_ctap2(&mut rig, None);
        assert_eq!(rig.store.len(), 1);
        let answer = sign_in(&mut rig, "example.org", id.as_bytes());
        check(&rig, "example.org", &public_key.p256_point().unwrap(), &answer);
        assert_eq!(answer.counter == 0, counters == Counters::Zero);
        let (passkey, _) = rig.passkey("example.org", "bob");
        for (rp, id) in [("example.com", &id), ("example.org", &passkey)] {
            let request = authentication(rp, id.as_bytes(), Control::CheckOnly);
            assert_eq!(say(&mut rig, &request), Err(StatusWord::WRONG_DATA));
        }
        let made = register(&mut rig, "example.org");
        let answer = sign_in(&mut rig, "example.org", &made.key_handle);
        assert_eq!(answer.counter == 0, counters == Counters::Zero);
        // The other protocol counts the same way: there is no counter of its own for what is not
        // stored.
        let mut request = assertion("example.org");
        request.allow_list = Some(listing(&CredentialId::new(&made.key_handle).unwrap()));
        let count = data(&rig.sign_in(&request).unwrap().auth_data).sign_count;
        assert_eq!(count > answer.counter, counters != Counters::Zero);
    }
}

#[test]
fn what_is_no_request_is_refused_with_the_word_for_it() {
    let mut rig = key();
    for (apdu, word) in [
        (&[][..], StatusWord::WRONG_LENGTH),
        (&[0x80, 3, 0, 0], StatusWord::CLA_NOT_SUPPORTED),
        (&[0, 4, 0, 0], StatusWord::INS_NOT_SUPPORTED),
        (&[0, 1, 0, 0, 1, 0], StatusWord::WRONG_LENGTH),
    ] {
        assert_eq!(raw(&mut rig, apdu), Err(word), "{apdu:?}");
    }
    assert_eq!(rig.questions, []);
}

#[test]
fn the_version_needs_nobody() {
    let mut rig = key();
    assert_eq!(say(&mut rig, &U2fRequest::Version).unwrap(), b"U2F_V2");
    assert!(rig.info().versions.contains(&Version::U2fV2));
    assert_eq!(rig.questions, []);
}

#[test]
fn without_a_touch_nothing_is_registered_and_the_question_is_asked_once() {
    let mut rig = key();
    rig.person(absent);
    for _ in 0..20 {
        assert_eq!(say(&mut rig, &registration("example.org")), Err(TOUCH));
        rig.pass(Duration::from_millis(500));
    }
    assert_eq!(rig.questions.len(), 1);
    let Question::ConfirmPresence { purpose } = &rig.questions[0] else { panic!() };
    let expected =
        Purpose::RegisterU2f { application: application("example.org"), tells_model: false };
    assert_eq!(*purpose, expected);
    assert!(rig.questions[0].to_string().contains("does not say its name"));
    rig.answer(Answer::Approve);
    assert!(say(&mut rig, &registration("example.org")).is_ok());
}

#[test]
fn the_question_goes_when_the_client_gives_up() {
    let mut rig = key();
    rig.person(absent);
    assert_eq!(say(&mut rig, &registration("example.org")), Err(TOUCH));
    rig.pass(Duration::from_secs(4));
    assert_eq!(rig.withdrawn, []);
    rig.pass(Duration::from_secs(2));
    assert_eq!(rig.withdrawn.len(), 1);
    assert_eq!(rig.open, []);
}

#[test]
fn any_other_request_takes_the_question_and_the_touch_away() {
    let mut rig = key();
    rig.person(absent);
    assert_eq!(say(&mut rig, &registration("example.org")), Err(TOUCH));
    rig.info();
    assert_eq!(rig.withdrawn.len(), 1);
    rig.person(agreeable);
    assert_eq!(say(&mut rig, &registration("example.org")), Err(TOUCH));
    rig.info();
    assert_eq!(say(&mut rig, &registration("example.org")), Err(TOUCH), "asked anew");
    rig.power_up();
    assert_eq!(say(&mut rig, &registration("example.org")), Err(TOUCH), "asked anew");
}

#[test]
fn a_no_is_not_asked_about_again_for_a_while() {
    let mut rig = key();
    rig.person(refusing);
    for _ in 0..18 {
        assert_eq!(say(&mut rig, &registration("example.org")), Err(TOUCH));
        rig.pass(Duration::from_millis(500));
    }
    assert_eq!(rig.questions.len(), 1);
    rig.pass(Duration::from_secs(2));
    assert_eq!(say(&mut rig, &registration("example.org")), Err(TOUCH));
    assert_eq!(rig.questions.len(), 2);
}

#[test]
fn a_touch_is_good_once_for_what_it_was_asked_for_and_not_for_long() {
    let mut rig = key();
    let made = register(&mut rig, "example.org");
    assert_eq!(say(&mut rig, &registration("example.org")), Err(TOUCH), "used up");
    assert_eq!(say(&mut rig, &registration("example.com")), Err(TOUCH), "of another site");
    let request = authentication("example.org", &made.key_handle, Control::EnforceUserPresence);
    assert_eq!(say(&mut rig, &request), Err(TOUCH), "for another purpose");
    rig.pass(Duration::from_secs(11));
    assert_eq!(say(&mut rig, &request), Err(TOUCH), "too late");
    assert!(say(&mut rig, &request).is_ok());
}

#[test]
fn only_a_yes_or_a_no_answers_the_question() {
    let mut rig = key();
    rig.person(absent);
    assert_eq!(say(&mut rig, &registration("example.org")), Err(TOUCH));
    let (token, _) = rig.open[0].clone();
    let now = rig.now;
    for answer in [Answer::Verified, Answer::NotVerified, Answer::Account(0)] {
        assert!(rig.authenticator.handle_answer(token, answer, now).is_err());
    }
    assert_eq!(say(&mut rig, &registration("example.org")), Err(TOUCH));
    rig.answer(Answer::Approve);
    assert!(rig.authenticator.handle_answer(token, Answer::Approve, now).is_err(), "not open");
}

#[test]
fn a_registration_has_a_certificate_that_tells_nothing() {
    let mut rig = key();
    let one = register(&mut rig, "example.org");
    let two = register(&mut rig, "example.org");
    assert_ne!(one.key_handle, two.key_handle);
    for made in [&one, &two] {
        let (rest, certificate) = x509_parser::parse_x509_certificate(&made.certificate).unwrap();
        assert!(rest.is_empty());
        assert_eq!(certificate.version().0, 2, "X.509 version 3");
        assert_eq!(certificate.subject().to_string(), "CN=U2F");
        assert_eq!(certificate.issuer(), certificate.subject());
        assert_eq!(certificate.public_key().subject_public_key.data[..], made.public_key);
        assert!(certificate.extensions().is_empty());
        let es256 = rig.provider.signature(algorithm::ES256).unwrap();
        let told = certificate.tbs_certificate.as_ref();
        es256.verify(&made.public_key, told, &certificate.signature_value.data).unwrap();
        let message = U2fRegistration::signed_message(
            &application("example.org"),
            &CHALLENGE,
            &made.key_handle,
            &made.public_key,
        );
        es256.verify(&made.public_key, &message, &made.signature).unwrap();
    }
    assert_eq!(rig.store.len(), 0, "nothing is stored");
}

#[test]
fn a_batch_key_vouches_where_there_is_one_and_the_question_says_so() {
    let mut config = Config::security_key();
    let provider = towline_crypto::rustcrypto::provider();
    let es256 = provider.signature(algorithm::ES256).unwrap();
    let batch = es256.generate(&*provider.random).unwrap();
    let material = Zeroizing::new(batch.private_bytes().unwrap().as_slice().into());
    config.attestation.batch = Some(BatchAttestation {
        key: KeyHandle::new(algorithm::ES256, material),
        certificates: vec![vec![0x30, 1, 7], vec![0x30, 1, 8]],
    });
    let mut rig = Rig::new(config);
    let made = register(&mut rig, "example.org");
    assert_eq!(made.certificate, [0x30, 1, 7]);
    let message = U2fRegistration::signed_message(
        &application("example.org"),
        &CHALLENGE,
        &made.key_handle,
        &made.public_key,
    );
    es256.verify(batch.public_key(), &message, &made.signature).unwrap();
    assert!(rig.questions[0].to_string().contains("model"));
}

#[test]
fn key_handles_of_others_are_wrong_data_and_nobody_is_asked() {
    let mut rig = key();
    let made = register(&mut rig, "example.org");
    let mut other = key();
    let foreign = register(&mut other, "example.org");
    rig.forget_past();
    let mut damaged = made.key_handle.clone();
    damaged[20] ^= 1;
    for (rp, handle) in [
        ("example.org", &foreign.key_handle[..]),
        ("example.com", &made.key_handle),
        ("example.org", &damaged),
        ("example.org", &made.key_handle[..40]),
        ("example.org", &[]),
    ] {
        for control in
            [Control::EnforceUserPresence, Control::CheckOnly, Control::DontEnforceUserPresence]
        {
            let request = authentication(rp, handle, control);
            assert_eq!(say(&mut rig, &request), Err(StatusWord::WRONG_DATA));
        }
    }
    assert_eq!(rig.questions, []);
}

#[test]
fn a_check_only_says_that_the_key_handle_is_known() {
    let mut rig = key();
    let made = register(&mut rig, "example.org");
    rig.forget_past();
    let request = authentication("example.org", &made.key_handle, Control::CheckOnly);
    assert_eq!(say(&mut rig, &request), Err(TOUCH));
    assert_eq!(say(&mut rig, &request), Err(TOUCH));
    assert_eq!(rig.questions, []);
}

#[test]
fn a_sign_in_is_signed_counted_and_says_whether_somebody_was_there() {
    let mut rig = key();
    let made = register(&mut rig, "example.org");
    let mut last = 0;
    for _ in 0..3 {
        let answer = sign_in(&mut rig, "example.org", &made.key_handle);
        check(&rig, "example.org", &made.public_key, &answer);
        assert!(answer.user_present);
        assert!(answer.counter > last);
        last = answer.counter;
    }
    rig.forget_past();
    let request = authentication("example.org", &made.key_handle, Control::DontEnforceUserPresence);
    let answer = U2fAuthentication::decode(&say(&mut rig, &request).unwrap()).unwrap();
    check(&rig, "example.org", &made.public_key, &answer);
    assert!(!answer.user_present && answer.counter > last);
    assert_eq!(rig.questions, []);
}

#[test]
fn ctap2_uses_what_u2f_made_and_the_other_way_round() {
    let mut rig = key();
    let made = register(&mut rig, "example.org");
    let id = CredentialId::new(&made.key_handle).unwrap();
    let mut request = assertion("example.org");
    request.allow_list = Some(listing(&id));
    let response = rig.sign_in(&request).unwrap();
    assert_eq!(response.credential.unwrap().id, id);

    let (id, public_key) = made_by_ctap2(&mut rig, None);
    let answer = sign_in(&mut rig, "example.org", id.as_bytes());
    check(&rig, "example.org", &public_key.p256_point().unwrap(), &answer);
}

fn made_by_ctap2(
    rig: &mut Rig,
    level: Option<CredentialProtectionPolicy>,
) -> (CredentialId, towline_ctap::CosePublicKey) {
    let mut request = creation("example.org", "alice");
    if let Some(level) = level {
        request.extensions.set(&level);
    }
    made(&rig.create(&request).unwrap())
}

#[test]
fn a_credential_that_needs_verification_is_not_there_for_u2f() {
    let mut rig = key();
    let (id, _) =
        made_by_ctap2(&mut rig, Some(CredentialProtectionPolicy::UserVerificationRequired));
    let request = authentication("example.org", id.as_bytes(), Control::EnforceUserPresence);
    assert_eq!(say(&mut rig, &request), Err(StatusWord::WRONG_DATA));
}

#[test]
fn after_a_reset_no_key_handle_is_known() {
    let mut rig = key();
    let made = register(&mut rig, "example.org");
    rig.power_up();
    rig.call(&Request::Reset).unwrap();
    let request = authentication("example.org", &made.key_handle, Control::CheckOnly);
    assert_eq!(say(&mut rig, &request), Err(StatusWord::WRONG_DATA));
}

#[test]
fn always_uv_switches_u2f_off() {
    let mut rig = key();
    let made = register(&mut rig, "example.org");
    Platform::agree(&mut rig, 2).set_pin(&mut rig, "correct horse").unwrap();
    let platform = Platform::agree(&mut rig, 2);
    let token = platform.pin_token(&mut rig, "correct horse", Permissions::ACFG, None).unwrap();
    let mut request = ConfigRequest::new(ConfigSubcommand::ToggleAlwaysUv);
    request.auth = Some(token.auth(&rig, &request.authenticated_message()));
    rig.call(&Request::from(request)).unwrap();
    assert!(!rig.info().versions.contains(&Version::U2fV2));
    for request in [
        registration("example.org"),
        authentication("example.org", &made.key_handle, Control::CheckOnly),
        authentication("example.org", &made.key_handle, Control::DontEnforceUserPresence),
    ] {
        assert_eq!(say(&mut rig, &request), Err(StatusWord::COMMAND_NOT_ALLOWED));
    }
}

#[test]
fn a_store_or_a_key_that_fails_is_an_error_and_nothing_else() {
    for blows in 0..8 {
        let fuse = Fuse::default();
        let store = MemoryStore::new();
        let provider = fragile_provider(&fuse);
        let keys = RiggedKeys::fragile(provider.clone(), &fuse);
        let fragile = RiggedStore::fragile(store.clone(), &fuse);
        let mut rig = Rig::with(Config::security_key(), provider, store, fragile, keys);
        fuse.blow_at(Some(blows));
        let _ = say(&mut rig, &registration("example.org"));
        let _ = say(&mut rig, &registration("example.org"));
        fuse.blow_at(None);
        let made = register_patiently(&mut rig);
        let answer = sign_in(&mut rig, "example.org", &made.key_handle);
        check(&rig, "example.org", &made.public_key, &answer);
        assert_eq!(rig.store.len(), 0);
    }
}

/// However the requests before ended.
fn register_patiently(rig: &mut Rig) -> U2fRegistration {
    let answer = (0..3).find_map(|_| say(rig, &registration("example.org")).ok());
    U2fRegistration::decode(&answer.unwrap()).unwrap()
}

#[test]
fn a_request_while_another_waits_is_refused_and_the_other_goes_on() {
    let mut rig = key();
    rig.person(absent);
    rig.send(ELSEWHERE, &Request::Selection.encode());
    let now = rig.now;
    rig.authenticator.handle_u2f(HOME, &U2fRequest::Version.encode(), now);
    let refused = rig.authenticator.poll_output();
    assert!(
        matches!(refused, Some(towline_authenticator::Output::Response { bytes, .. }) if bytes == [0x6f, 0x00])
    );
    rig.answer(Answer::Approve);
    assert_eq!(rig.status(), Status::Ok);
}
