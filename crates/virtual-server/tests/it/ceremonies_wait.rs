//! Ceremonies that wait: for a person, for an authenticator, for time to pass.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use towline_virtual_server::{
    CeremonyError, Mediation, PageOrigin, Service, ServiceError, ServiceLimits, Session,
    SwitchChange, VirtualAuthenticatorOptions,
};

use crate::support::{CHALLENGE, ORIGIN, Running, creation};

/// A service whose clock is moved by hand, in seconds.
fn by_hand() -> (Service, Arc<AtomicU64>) {
    let (start, seconds) = (Instant::now(), Arc::new(AtomicU64::new(0)));
    let watch = seconds.clone();
    let now = move || start + Duration::from_secs(watch.load(Ordering::SeqCst));
    (Service::by_watch(ServiceLimits::default(), now), seconds)
}

fn options(json: Value) -> VirtualAuthenticatorOptions {
    serde_json::from_value(json).unwrap()
}

fn site() -> PageOrigin {
    PageOrigin::of(ORIGIN).unwrap()
}

fn sign_in(session: &Session, mediation: Mediation) -> towline_virtual_server::CeremonyId {
    let options = json!({"challenge": CHALLENGE, "timeout": 60_000}).to_string();
    session.begin_get(&site(), &options, mediation).unwrap()
}

fn register(session: &Session) {
    let options = creation().to_string();
    let begun = session.begin_create(&site(), &options, Mediation::Optional).unwrap();
    session.poll(&begun).unwrap().unwrap().unwrap();
}

#[test]
fn a_question_stays_open_until_somebody_consents() {
    let service = Service::default();
    let session = service.default_session();
    let id = session.add_authenticator(options(json!({"isUserConsenting": false}))).unwrap();
    let options = creation().to_string();
    let begun = session.begin_create(&site(), &options, Mediation::Optional).unwrap();
    assert_eq!(session.poll(&begun), Ok(None));
    assert_eq!(session.questions(&id).unwrap().open.len(), 1);
    let change = SwitchChange { is_user_consenting: Some(true), ..SwitchChange::default() };
    session.set_switches(&id, change).unwrap();
    assert!(session.poll(&begun).unwrap().unwrap().is_ok());
    assert!(session.poll(&begun).is_err(), "it was collected");
}

#[test]
fn somebody_else_may_answer_for_the_person() {
    let service = Service::default();
    let session = service.default_session();
    let id = session.add_authenticator(options(json!({"isUserConsenting": false}))).unwrap();
    let options = creation().to_string();
    for (answer, name) in [
        ("agrees", None),
        ("refuses", Some("NotAllowedError")),
        ("calls-it-off", Some("NotAllowedError")),
    ] {
        let begun = session.begin_create(&site(), &options, Mediation::Optional).unwrap();
        assert_eq!(session.poll(&begun), Ok(None), "{answer}");
        session.answer(&id, answer).unwrap();
        let outcome = session.poll(&begun).unwrap().unwrap();
        assert_eq!(outcome.err().map(|error| error.name()), name, "{answer}");
        session.remove_credentials(&id).unwrap();
    }
    assert_eq!(session.answer(&id, "agrees"), Ok(0));
    assert!(session.answer(&id, "sleeps").is_err());
}

#[test]
fn time_runs_out_by_the_clock_of_the_service() {
    let (service, seconds) = by_hand();
    for authenticators in [vec![], vec![json!({"isUserConsenting": false})]] {
        let session = service.new_session().unwrap();
        for it in authenticators {
            session.add_authenticator(options(it)).unwrap();
        }
        let begun = sign_in(&session, Mediation::Optional);
        seconds.fetch_add(59, Ordering::SeqCst);
        assert_eq!(session.poll(&begun), Ok(None));
        seconds.fetch_add(1, Ordering::SeqCst);
        let outcome = session.poll(&begun).unwrap().unwrap();
        assert_eq!(outcome, Err(CeremonyError::TimedOut(Duration::from_secs(60))));
    }
}

#[test]
fn a_clock_that_is_held_moves_by_hand_only() {
    let (service, seconds) = by_hand();
    let session = service.default_session();
    session.hold_clock(true).unwrap();
    let begun = sign_in(&session, Mediation::Optional);
    seconds.fetch_add(3600, Ordering::SeqCst);
    assert_eq!(session.poll(&begun), Ok(None));
    assert_eq!(session.advance_clock(Duration::from_secs(60)), Ok(Duration::from_secs(60)));
    assert!(session.poll(&begun).unwrap().unwrap().is_err());
    session.hold_clock(false).unwrap();
    seconds.fetch_add(5, Ordering::SeqCst);
    assert_eq!(session.clock(), Ok((Duration::from_secs(65), false)));
}

#[test]
fn a_ceremony_waits_for_an_authenticator_that_comes_later() {
    let service = Service::default();
    let session = service.default_session();
    let begun =
        session.begin_create(&site(), &creation().to_string(), Mediation::Optional).unwrap();
    assert_eq!(session.poll(&begun), Ok(None));
    session.add_authenticator(VirtualAuthenticatorOptions::default()).unwrap();
    assert!(session.poll(&begun).unwrap().unwrap().is_ok());
}

#[test]
fn whoever_answers_first_wins_and_the_others_are_not_asked_any_more() {
    let service = Service::default();
    let session = service.default_session();
    let absent = json!({"preset": "security-key", "isUserConsenting": false});
    let absent = session.add_authenticator(options(absent)).unwrap();
    let there = session.add_authenticator(options(json!({"preset": "platform"}))).unwrap();
    register(&session);
    assert_eq!(session.credentials(&there).unwrap().len(), 1);
    assert_eq!(session.credentials(&absent).unwrap().len(), 0);
    assert!(session.questions(&absent).unwrap().open.is_empty());
    // One that can't do it is no end: the other one may.
    let kind = json!({"authenticatorAttachment": "cross-platform", "residentKey": "required"});
    let mut asked = creation();
    asked["authenticatorSelection"] = kind;
    let change = SwitchChange { is_user_consenting: Some(true), ..SwitchChange::default() };
    session.set_switches(&absent, change).unwrap();
    let begun = session.begin_create(&site(), &asked.to_string(), Mediation::Optional).unwrap();
    assert!(session.poll(&begun).unwrap().unwrap().is_ok());
    assert_eq!(session.credentials(&absent).unwrap().len(), 1);
}

#[test]
fn conditional_mediation_waits_for_a_passkey_and_no_time_runs_out() {
    let (service, seconds) = by_hand();
    let session = service.default_session();
    session.add_authenticator(VirtualAuthenticatorOptions::default()).unwrap();
    let waiting = sign_in(&session, Mediation::Conditional);
    seconds.fetch_add(7200, Ordering::SeqCst);
    assert_eq!(session.poll(&waiting), Ok(None));
    register(&session);
    assert!(session.poll(&waiting).unwrap().unwrap().is_ok());
    let aborted = sign_in(&session, Mediation::Conditional);
    session.abort(&aborted).unwrap();
    // It was answered by then: there is a passkey now.
    assert!(session.poll(&aborted).unwrap().unwrap().is_ok());
}

#[test]
fn immediate_mediation_ends_at_once_where_there_is_nothing_to_use() {
    let service = Service::default();
    let session = service.default_session();
    session.add_authenticator(VirtualAuthenticatorOptions::default()).unwrap();
    let begun = sign_in(&session, Mediation::Immediate);
    let outcome = session.poll(&begun).unwrap().unwrap();
    assert_eq!(outcome.unwrap_err().name(), "NotAllowedError");
    let options = json!({"challenge": CHALLENGE}).to_string();
    let silent = session.begin_get(&site(), &options, Mediation::Silent).unwrap_err();
    let ServiceError::Ceremony(error) = silent else { panic!("{silent}") };
    assert_eq!(error.name(), "NotAllowedError");
    register(&session);
    let begun = sign_in(&session, Mediation::Immediate);
    assert!(session.poll(&begun).unwrap().unwrap().is_ok());
}

#[test]
fn the_person_and_the_site_can_call_it_off() {
    let service = Service::default();
    let session = service.default_session();
    let begun = sign_in(&session, Mediation::Optional);
    session.cancel(&begun).unwrap();
    assert_eq!(session.poll(&begun).unwrap().unwrap(), Err(CeremonyError::Cancelled));
    let begun = sign_in(&session, Mediation::Optional);
    session.abort(&begun).unwrap();
    assert_eq!(session.poll(&begun).unwrap().unwrap(), Err(CeremonyError::Aborted));
    assert!(session.abort(&begun).is_err());
}

#[test]
fn what_a_page_may_not_do_ends_before_it_begins() {
    let service = Service::default();
    let session = service.default_session();
    let mut foreign = creation();
    foreign["rp"]["id"] = json!("example.com");
    let refused = session.begin_create(&site(), &foreign.to_string(), Mediation::Optional);
    assert!(refused.unwrap_err().to_string().contains("example.com"));
    assert!(PageOrigin::of("http://example.org").is_err());
}

#[tokio::test]
async fn a_request_waits_for_the_end_and_another_collects_it() {
    let it = Running::start().await;
    let path = it.authenticator(json!({"isUserConsenting": false})).await;
    let body = json!({"origin": ORIGIN, "options": creation(), "wait": 0});
    let pending = it.post("/v1/default/create", body).await;
    assert_eq!(pending.status, 202);
    let id = pending.json()["ceremonyId"].as_str().unwrap().to_owned();
    let collect = format!("/v1/default/ceremonies/{id}");
    let (collected, _) = tokio::join!(it.get(&collect), async {
        it.post(&format!("{path}/person/answer"), json!({"answer": "agrees"})).await.ok()
    });
    assert!(collected.ok()["response"]["id"].is_string());
    assert_eq!(it.get(&collect).await.refusal().0, "unknown-ceremony");
}

#[tokio::test]
async fn an_exception_of_a_browser_is_told_by_its_name() {
    let it = Running::start().await;
    let path = it.authenticator(json!({})).await;
    it.call("PUT", &format!("{path}/person"), json!({"rules": "refuses"})).await.ok();
    let refused = it.register().await;
    assert_eq!(refused.status, 422);
    assert_eq!(refused.json()["error"]["name"], "NotAllowedError");
    it.call("PUT", &format!("{path}/person"), json!({"rules": ""})).await.ok();
    it.register().await.ok();
    let mut excluded = creation();
    let kept = it.get(&format!("{path}/credentials")).await.ok();
    let id = kept["credentials"][0]["credentialId"].clone();
    excluded["excludeCredentials"] = json!([{"type": "public-key", "id": id}]);
    let body = json!({"origin": ORIGIN, "options": excluded});
    let refused = it.post("/v1/default/create", body).await;
    assert_eq!(refused.json()["error"]["name"], "InvalidStateError");
}
