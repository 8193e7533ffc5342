//! A write may land at any time once it has begun, whatever became of the request that wanted it:
//! nothing else begins before it has. Cancelled, timed out, without power or lost at each moment,
//! what is in memory is what is stored.

use std::time::Duration;

use crate::rig::{
    commands::{fragment, with_pin},
    platform::{Platform, pin_retries, uv_retries},
    *,
};
use towline_authenticator::{
    Answer, Config, CredentialStore, MemoryStore, Question, Record, Template, Work,
};
use towline_ctap::{
    BioEnrollmentRequest, ClientPinRequest, ConfigRequest, ConfigSubcommand, CredentialId,
    FingerprintRequest, FingerprintSubcommand, GetInfo, LargeBlobsRequest, LargeBlobsResponse,
    Permissions, Request, Status,
    hid::KeepaliveStatus,
    u2f::{StatusWord, U2fRequest, split_response},
};
use zeroize::Zeroizing;

const PIN: &str = "2468-blue";

fn slow_over(config: Config, store: MemoryStore) -> (Rig, RiggedKeys) {
    let provider = towline_crypto::rustcrypto::provider();
    let keys = RiggedKeys::slow(provider.clone());
    let slow = RiggedStore::slow(store.clone());
    (Rig::with(config, provider, store, slow, keys.clone()), keys)
}

fn slow(config: Config) -> (Rig, RiggedKeys) {
    slow_over(config, MemoryStore::new())
}

/// A person whose first finger is enough for the sensor.
fn with_finger(question: &Question) -> Option<Answer> {
    match question {
        Question::EnrollFingerprint { template, .. } => {
            Some(Answer::Enrolled(Template::new(Zeroizing::new(template.as_bytes().into()))))
        }
        other => agreeable(other),
    }
}

fn pin_token(rig: &mut Rig, pin: &str) -> Request {
    let platform = Platform::agree(rig, 2);
    let (key_agreement, pin_hash_enc) = (platform.key, platform.pin_hash(pin));
    ClientPinRequest::GetPinToken { protocol: 2, key_agreement, pin_hash_enc }.into()
}

/// What a restart shows, and what the authenticator that goes on running says.
#[derive(Debug, PartialEq)]
struct Seen {
    info: GetInfo,
    pin: Option<u64>,
    array: Option<Vec<u8>>,
    fingers: usize,
    /// Whether what it was told when it was made can still be used.
    usable: Vec<bool>,
}

fn see(rig: &mut Rig, made: &[CredentialId]) -> Seen {
    rig.works = true;
    rig.person(agreeable);
    let mut info = rig.info();
    (info.enc_identifier, info.enc_cred_store_state) = (None, None);
    let array = rig.call(&LargeBlobsRequest::Get { count: 64, offset: 0 }.into());
    let usable = made.iter().map(|id| {
        let mut request = assertion("example.org");
        request.allow_list = Some(listing(id));
        request.options.up = Some(false);
        rig.sign_in(&request).is_ok()
    });
    Seen {
        usable: usable.collect(),
        pin: info.options.client_pin.map(|_| pin_retries(rig).0),
        array: array.ok().and_then(|array| LargeBlobsResponse::decode(&array).unwrap().config),
        fingers: rig.authenticator.fingerprints().unwrap().len(),
        info,
    }
}

#[derive(Debug, Clone, Copy)]
enum End {
    Cancelled,
    TimedOut,
    PowerGone,
    /// The job panicked before it wrote.
    Lost,
    /// The job panicked after it had written.
    LostLate,
}
const ENDS: [End; 5] = [End::Cancelled, End::TimedOut, End::PowerGone, End::Lost, End::LostLate];

struct Scenario {
    name: &'static str,
    config: Config,
    person: fn(&Question) -> Option<Answer>,
    prepare: fn(&mut Rig) -> Request,
}

fn scenarios() -> Vec<Scenario> {
    let scenario = |name, config, prepare| Scenario { name, config, person: agreeable, prepare };
    let mut all = vec![
        scenario("the identity", Config::security_key(), |_| Request::GetInfo),
        scenario("a first wrapped credential", Config::security_key(), |_| {
            creation("example.org", "alice").into()
        }),
        scenario("a passkey", Config::security_key(), |rig| {
            rig.info();
            let mut request = creation("example.org", "alice");
            request.options.rk = Some(true);
            request.into()
        }),
        scenario("a passkey in the place of another", Config::phone(), |rig| {
            rig.passkey("example.org", "alice");
            let mut request = creation("example.org", "alice");
            request.options.rk = Some(true);
            request.into()
        }),
        scenario("a counter", Config::security_key(), |rig| {
            rig.passkey("example.org", "alice");
            assertion("example.org").into()
        }),
        scenario("a reset", Config::security_key(), |rig| {
            rig.passkey("example.org", "alice");
            Platform::agree(rig, 2).set_pin(rig, PIN).unwrap();
            rig.power_up();
            Request::Reset
        }),
        scenario("a new PIN", Config::security_key(), |rig| {
            Platform::agree(rig, 2).set_pin_request(PIN)
        }),
        scenario("a right PIN", Config::security_key(), |rig| {
            Platform::agree(rig, 2).set_pin(rig, PIN).unwrap();
            pin_token(rig, "wrong");
            pin_token(rig, PIN)
        }),
        scenario("a wrong PIN", Config::security_key(), |rig| {
            Platform::agree(rig, 2).set_pin(rig, PIN).unwrap();
            pin_token(rig, "wrong")
        }),
        scenario("a setting", Config::security_key(), |_| {
            ConfigRequest::new(ConfigSubcommand::ToggleAlwaysUv).into()
        }),
        scenario("the large-blob array", Config::security_key(), |rig| {
            let mut array = vec![0x81, 0xa0];
            let hash = rig.provider.sha256.hash(&[&array]);
            array.extend_from_slice(&hash[..16]);
            fragment(rig, None, &array, 0, Some(array.len() as u64))
        }),
        scenario("a finger", Config::fingerprint_key(), |rig| {
            let platform = Platform::agree(rig, 2);
            platform.set_pin(rig, PIN).unwrap();
            let token = Platform::agree(rig, 2).pin_token(rig, PIN, Permissions::BE, None).unwrap();
            let begin = FingerprintSubcommand::EnrollBegin { timeout: None };
            let mut request = FingerprintRequest::new(begin);
            request.auth = Some(token.auth(rig, &request.authenticated_message()));
            BioEnrollmentRequest::from(request).into()
        }),
        scenario("attempts at verification", Config::platform(), |rig| {
            rig.info();
            creation("example.org", "alice").into()
        }),
    ];
    for scenario in &mut all {
        match scenario.name {
            "a finger" => scenario.person = with_finger,
            "attempts at verification" => scenario.person = clumsy,
            _ => {}
        }
    }
    all
}

/// Ends a scenario at its `wait`-th job; `None` if it is over before that.
fn end_at(scenario: &Scenario, wait: usize, end: End) -> Option<()> {
    let name = format!("{}, {wait}, {end:?}", scenario.name);
    let (mut rig, _) = slow(scenario.config.clone());
    let request = (scenario.prepare)(&mut rig);
    let made: Vec<_> = rig.store.credentials().into_iter().map(|made| made.id).collect();
    rig.works = false;
    rig.person(scenario.person).forget_past();
    rig.send(HOME, &request.encode());
    for _ in 0..wait {
        if rig.responses.is_empty() {
            rig.work();
        }
    }
    if !rig.responses.is_empty() {
        return None;
    }
    match end {
        End::Cancelled => rig.cancel(HOME),
        End::TimedOut => rig.pass(Duration::from_secs(30)),
        End::PowerGone => rig.power_up(),
        End::Lost | End::LostLate => {
            let (token, job) = rig.jobs.pop_front().unwrap();
            if matches!(end, End::LostLate) {
                drop(job.run());
            }
            rig.authenticator.handle_work_lost(token, rig.now).unwrap();
            rig.pump();
        }
    }
    // Somebody else comes at once, and late jobs end in the order that hurts most: the newest
    // first. A write that begins while another is under way makes the store panic.
    rig.send(ELSEWHERE, &Request::GetInfo.encode());
    while let Some((token, job)) = rig.jobs.pop_back() {
        rig.authenticator.handle_work(token, job.run(), rig.now).unwrap();
        rig.pump();
    }
    assert_eq!(rig.responses.len(), 2, "{name}");
    assert!(!rig.authenticator.is_busy(), "{name}");
    rig.responses.clear();
    let mut restarted = Rig::over(scenario.config.clone(), rig.store.clone());
    assert_eq!(see(&mut rig, &made), see(&mut restarted, &made), "{name}");
    if scenario.config.verification.built_in.is_some()
        && !scenario.config.tokens.pin_uv_auth_protocols.is_empty()
    {
        // What is stored is never more than what is left.
        assert!(uv_retries(&mut restarted) <= uv_retries(&mut rig), "{name}");
    }
    Some(())
}

#[test]
fn what_is_in_memory_is_what_is_stored_whenever_a_request_ends() {
    for scenario in scenarios() {
        for end in ENDS {
            let waits = (0..).take_while(|wait| end_at(&scenario, *wait, end).is_some()).count();
            assert!(waits > 0, "{}", scenario.name);
        }
    }
}

#[test]
fn a_late_secret_does_not_take_the_place_of_the_one_that_credentials_are_wrapped_with() {
    for end in [End::Cancelled, End::TimedOut, End::PowerGone] {
        let (mut rig, _) = slow(Config::security_key());
        rig.info();
        rig.works = false;
        let request = Request::from(creation("example.org", "alice")).encode();
        rig.send(HOME, &request);
        rig.work(); // there is none yet
        assert!(!has_secret(&rig));
        match end {
            End::TimedOut => rig.pass(Duration::from_secs(30)),
            End::PowerGone => rig.power_up(),
            _ => rig.cancel(HOME),
        }
        rig.responses.clear();
        // The next one waits for the secret of the first, and uses it.
        rig.send(HOME, &request);
        assert!(rig.authenticator.is_busy());
        assert_eq!(rig.jobs.len(), 1);
        rig.works = true;
        rig.work();
        let response = rig.response();
        let (id, _) = made(&towline_ctap::MakeCredentialResponse::decode(&response).unwrap());
        let mut sign_in = assertion("example.org");
        sign_in.allow_list = Some(listing(&id));
        rig.sign_in(&sign_in).unwrap();
        Rig::over(Config::security_key(), rig.store.clone()).sign_in(&sign_in).unwrap();
    }
}

fn has_secret(rig: &Rig) -> bool {
    matches!(rig.store.clone().record(Record::WrappingSecret), Work::Done(Ok(Some(_))))
}

#[test]
fn two_authenticators_that_make_the_secret_at_once_wrap_with_the_same_one() {
    let store = MemoryStore::new();
    let (mut one, _) = slow_over(Config::security_key(), store.clone());
    let (mut other, _) = slow_over(Config::security_key(), store.clone());
    let request = Request::from(creation("example.org", "alice")).encode();
    let mut ids = Vec::new();
    for rig in [&mut one, &mut other] {
        rig.info();
        rig.works = false;
        rig.send(HOME, &request);
        rig.work(); // there is none yet
    }
    // Both have seen that there is none, and both write one.
    for rig in [&mut other, &mut one] {
        rig.works = true;
        rig.work();
        let response = rig.response();
        ids.push(made(&towline_ctap::MakeCredentialResponse::decode(&response).unwrap()).0);
    }
    let mut restarted = Rig::over(Config::security_key(), store);
    for id in ids {
        let mut sign_in = assertion("example.org");
        sign_in.allow_list = Some(listing(&id));
        restarted.sign_in(&sign_in).unwrap();
    }
}

#[test]
fn no_passkey_outlives_a_reset() {
    let (mut rig, keys) = slow(storing());
    rig.info();
    rig.power_up();
    rig.works = false;
    let mut request = creation("example.org", "alice");
    request.options.rk = Some(true);
    rig.send(HOME, &Request::from(request).encode());
    while !rig.jobs.is_empty() && rig.store.is_empty() && keys.alive() == 0 {
        rig.work();
    }
    // The counter, then the attestation: now it is being saved.
    rig.work();
    rig.work();
    rig.pass(Duration::from_secs(9));
    rig.authenticator.handle_power_up(rig.now);
    rig.pump();
    assert_eq!(rig.status(), Status::KeepaliveCancel);
    rig.send(HOME, &Request::Reset.encode());
    assert!(rig.questions.len() == 1, "the reset has not begun");
    while let Some((token, job)) = rig.jobs.pop_back() {
        rig.authenticator.handle_work(token, job.run(), rig.now).unwrap();
        rig.pump();
    }
    assert_eq!(rig.status(), Status::Ok);
    assert_eq!((rig.store.len(), keys.alive()), (0, 0));
}

#[test]
fn used_tries_for_the_pin_do_not_come_back() {
    let store = with_pin(Config::security_key()).store;
    let (mut rig, _) = slow_over(Config::security_key(), store.clone());
    let right = pin_token(&mut rig, PIN);
    let wrong = pin_token(&mut rig, "wrong");
    rig.works = false;
    rig.send(HOME, &right.encode());
    rig.work();
    // Now all tries are given back, and that takes its time.
    rig.pass(Duration::from_secs(30));
    assert_eq!(rig.status(), Status::Other);
    rig.send(HOME, &wrong.encode());
    while let Some((token, job)) = rig.jobs.pop_back() {
        rig.authenticator.handle_work(token, job.run(), rig.now).unwrap();
        rig.pump();
    }
    assert_eq!(rig.status(), Status::PinInvalid);
    rig.works = true;
    assert_eq!(pin_retries(&mut rig).0, 7);
    assert_eq!(pin_retries(&mut Rig::over(Config::security_key(), store)).0, 7);
}

/// A key that saves a setting, whose request has timed out, and another request that waits for
/// that.
fn waiting() -> Rig {
    let (mut rig, _) = slow(Config::security_key());
    rig.info();
    rig.works = false;
    let toggle = Request::from(ConfigRequest::new(ConfigSubcommand::ToggleAlwaysUv));
    rig.send(HOME, &toggle.encode());
    rig.pass(Duration::from_secs(30));
    assert_eq!(rig.status(), Status::Other);
    rig.forget_past();
    rig.send(HOME, &Request::Selection.encode());
    assert!(rig.responses.is_empty() && rig.authenticator.is_busy());
    rig
}

#[test]
fn the_next_request_waits_for_a_write_and_says_so() {
    let mut rig = waiting();
    rig.pass(Duration::from_secs(1));
    assert_eq!(rig.keepalives, [(HOME, KeepaliveStatus::Processing)]);
    rig.send(ELSEWHERE, &Request::GetInfo.encode());
    assert_eq!(rig.responses.pop_front(), Some((ELSEWHERE, vec![0x06])));
    assert!(rig.questions.is_empty());
    rig.work();
    assert_eq!(rig.status(), Status::Ok);
    assert_eq!(rig.questions.len(), 1);
    rig.works = true;
    assert_eq!(rig.info().options.always_uv, Some(true), "what has landed is known");
}

#[test]
fn who_waits_for_a_write_can_be_cancelled() {
    let mut rig = waiting();
    rig.cancel(HOME);
    assert_eq!(rig.status(), Status::KeepaliveCancel);
    let mut rig = waiting();
    rig.power_up();
    assert_eq!(rig.status(), Status::KeepaliveCancel);
    rig.work();
    assert!(rig.responses.is_empty() && rig.questions.is_empty());
}

#[test]
fn nobody_waits_for_ever_for_a_write_that_never_reports() {
    let mut rig = waiting();
    for _ in 0..3 {
        rig.pass(Duration::from_secs(30));
        assert_eq!(rig.status(), Status::Other);
        assert_eq!(rig.authenticator.poll_timeout(), None);
        rig.send(HOME, &Request::Selection.encode());
    }
    let (token, job) = rig.jobs.pop_front().unwrap();
    drop(job);
    rig.authenticator.handle_work_lost(token, rig.now).unwrap();
    rig.pump();
    assert_eq!(rig.status(), Status::Ok);
    rig.works = true;
    assert_eq!(rig.info().options.always_uv, Some(false), "nothing has landed");
}

#[test]
fn u2f_waits_as_well() {
    let mut rig = waiting();
    rig.cancel(HOME);
    rig.responses.clear();
    rig.keepalives.clear();
    let now = rig.now;
    rig.authenticator.handle_u2f(HOME, &U2fRequest::Version.encode(), now);
    rig.pump();
    rig.pass(Duration::from_secs(30));
    let word = |rig: &mut Rig| split_response(&rig.response()).unwrap().1;
    assert_eq!(word(&mut rig), StatusWord::OTHER);
    let now = rig.now;
    rig.authenticator.handle_u2f(HOME, &U2fRequest::Version.encode(), now);
    rig.pump();
    rig.work();
    // alwaysUv does not exclude the version.
    assert_eq!(word(&mut rig), StatusWord::NO_ERROR);
    assert!(rig.keepalives.is_empty(), "clients of U2F expect none");
}
