//! The log, and those who follow it.

use serde_json::{Value, json};
use towline_virtual_server::{Service, ServiceLimits, Told, VirtualAuthenticatorOptions, What};

use crate::support::Running;

fn events(log: &Value) -> Vec<&str> {
    log["notices"].as_array().unwrap().iter().filter_map(|it| it["event"].as_str()).collect()
}

#[tokio::test]
async fn the_log_has_events_and_messages_member_by_member() {
    let it = Running::start().await;
    let path = it.authenticator(json!({"preset": "security-key"})).await;
    it.register().await.ok();
    let log = it.get("/v1/default/log").await.ok();
    let told = events(&log);
    assert_eq!(told[..2], ["authenticatorAdded", "ceremonyBegan"], "{told:?}");
    for event in ["request", "response", "credentialAdded", "ceremonyEnded"] {
        assert!(told.contains(&event), "{told:?}");
    }
    let notices = log["notices"].as_array().unwrap();
    let creation = |event: &str| {
        let found = notices.iter().find(|it| {
            it["event"] == event && it[event]["command"] == "authenticatorMakeCredential"
        });
        found.unwrap()[event].clone()
    };
    let request = creation("request");
    assert_eq!(request["members"]["rp"]["id"], "example.org");
    assert_eq!(request["members"]["user"]["name"], "alice");
    assert_eq!(request["members"]["pubKeyCredParams"][0]["alg"], -7);
    let response = creation("response");
    assert_eq!(response["status"], "CTAP2_OK");
    let data = &response["members"]["authData"];
    assert_eq!(data["flags"], json!(["UP", "AT"]));
    assert_eq!(data["credentialPublicKey"]["3"], -7);
    let last = notices.last().unwrap()["number"].as_u64().unwrap();

    // Only what came since.
    it.sign_in().await.ok();
    let log = it.get(&format!("/v1/default/log?after={last}")).await.ok();
    let told = events(&log);
    assert!(told.contains(&"credentialAsserted") && !told.contains(&"credentialAdded"));
    assert_eq!(log["notices"][0]["number"].as_u64(), Some(last + 1));
    it.call("DELETE", &format!("{path}/credentials"), Value::Null).await.ok();
    let last = last + u64::try_from(told.len()).unwrap();
    let log = it.get(&format!("/v1/default/log?after={last}")).await.ok();
    assert_eq!(events(&log), ["credentialDeleted"]);
}

#[tokio::test]
async fn a_request_for_the_log_waits_for_something_to_happen() {
    let it = Running::start().await;
    let (log, _) = tokio::join!(it.get("/v1/default/log?wait=30"), async {
        it.authenticator(json!({})).await
    });
    assert_eq!(events(&log.ok()), ["authenticatorAdded"]);
}

#[tokio::test]
async fn a_slow_reader_loses_the_oldest_and_is_told_so() {
    let mut limits = ServiceLimits::default();
    (limits.queue, limits.log) = (2, 3);
    let session = Service::new(limits).default_session();
    let reader = session.subscribe().unwrap();
    for _ in 0..5 {
        session.add_authenticator(VirtualAuthenticatorOptions::default()).unwrap();
    }
    assert_eq!(reader.next().await, Some(Told::Lost(3)));
    let Some(Told::Notice(notice)) = reader.next().await else { panic!("nothing came") };
    assert_eq!(notice.number, 4);
    assert!(matches!(notice.what, What::AuthenticatorAdded { .. }));
    assert!(reader.next().await.is_some());
    assert_eq!(session.log(0).len(), 3);
}

#[tokio::test]
async fn the_end_of_a_session_is_the_end_for_its_readers() {
    let service = Service::default();
    let session = service.new_session().unwrap();
    let reader = session.subscribe().unwrap();
    service.end_session(session.id()).unwrap();
    assert_eq!(reader.next().await, None);
    assert!(session.authenticators().is_err());
    assert!(service.session(session.id()).is_err());
}

#[tokio::test]
async fn sessions_know_nothing_of_each_other() {
    let it = Running::start().await;
    let made = it.post("/v1/sessions", Value::Null).await.ok();
    let id = made["sessionId"].as_str().unwrap();
    it.authenticator(json!({})).await;
    assert_eq!(it.get(&format!("/v1/{id}")).await.ok()["authenticators"], json!([]));
    assert_eq!(it.get("/v1/sessions").await.ok()["sessions"].as_array().unwrap().len(), 2);
    assert_eq!(it.call("DELETE", &format!("/v1/{id}"), Value::Null).await.status, 204);
    assert_eq!(it.get(&format!("/v1/{id}")).await.refusal().0, "unknown-session");
    // The default one begins anew.
    it.call("DELETE", "/v1/default", Value::Null).await.ok();
    assert_eq!(it.get("/v1/default").await.ok()["authenticators"], json!([]));
}
