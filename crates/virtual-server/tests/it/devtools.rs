//! The door of DevTools, against what Chromium itself has answered to the same messages, and what
//! Chromium lacks.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use towline_virtual_server::{Mediation, PageOrigin, Service, ServiceLimits, devtools::Connection};

const CHROMIUM: &str = include_str!("devtools/chromium.json");

/// A client on the socket of a session.
struct Client {
    connection: Connection,
    service: Service,
    last: i32,
}

impl Client {
    fn new() -> Self {
        // Chromium has no limit for authenticators.
        let mut limits = ServiceLimits::default();
        limits.authenticators = 1000;
        let service = Service::new(limits);
        let connection = Connection::new(&service, service.default_session());
        Self { connection, service, last: 0 }
    }

    /// The events that a message has caused, and the answer to it.
    fn send_text(&mut self, text: &str) -> (Vec<Value>, Value) {
        let messages = self.connection.handle_text(text);
        let mut messages: Vec<Value> =
            messages.iter().map(|it| serde_json::from_str(it).unwrap()).collect();
        let answer = messages.pop().unwrap();
        assert!(answer.get("method").is_none(), "{answer}");
        (messages, answer)
    }

    fn send(&mut self, message: Value) -> (Vec<Value>, Value) {
        let mut message = message;
        self.last += 1;
        message["id"] = json!(self.last);
        let (events, mut answer) = self.send_text(&message.to_string());
        let id = answer.as_object_mut().unwrap().remove("id");
        assert_eq!(id, Some(json!(self.last)));
        (events, answer)
    }

    /// The result of a command of the domain.
    fn call(&mut self, method: &str, params: Value) -> Value {
        let message = json!({ "method": format!("WebAuthn.{method}"), "params": params });
        let (_, answer) = self.send(message);
        assert!(answer.get("error").is_none(), "{method}: {answer}");
        answer["result"].clone()
    }

    fn events(&self) -> Vec<Value> {
        let messages = self.connection.poll_events();
        messages.iter().map(|it| serde_json::from_str(it).unwrap()).collect()
    }
}

/// The value with everything that stands in round brackets filled in.
fn filled(value: &Value, names: &BTreeMap<String, String>) -> Value {
    match value {
        Value::String(text) => {
            let name = text.strip_prefix('(').and_then(|it| it.strip_suffix(')'));
            json!(name.and_then(|name| names.get(name)).unwrap_or(text))
        }
        Value::Array(list) => list.iter().map(|it| filled(it, names)).collect(),
        Value::Object(members) => {
            let filled = members.iter().map(|(name, it)| (name.clone(), filled(it, names)));
            Value::Object(filled.collect())
        }
        other => other.clone(),
    }
}

/// Whether all that is expected is there; `(some)` and `(key)` are any text.
fn is_there(expected: &Value, found: &Value) -> bool {
    match (expected, found) {
        (Value::String(text), Value::String(_)) if text == "(some)" || text == "(key)" => true,
        (Value::Array(expected), Value::Array(found)) => {
            expected.len() == found.len()
                && expected.iter().zip(found).all(|(expected, found)| is_there(expected, found))
        }
        (Value::Object(expected), Value::Object(found)) => expected
            .iter()
            .all(|(name, expected)| found.get(name).is_some_and(|it| is_there(expected, it))),
        (expected, found) => expected == found,
    }
}

/// Names of accounts that are not told are none here, and empty in Chromium.
fn without_empty_names(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.retain(|name, it| !name.starts_with("user") || it != "");
            members.values_mut().for_each(without_empty_names);
        }
        Value::Array(list) => list.iter_mut().for_each(without_empty_names),
        _ => {}
    }
}

#[test]
fn it_answers_as_chromium_does() {
    let recorded: Value = serde_json::from_str(CHROMIUM).unwrap();
    let mut names: BTreeMap<String, String> =
        serde_json::from_value(recorded["keys"].clone()).unwrap();
    let mut client = Client::new();
    let mut failures = Vec::new();
    for message in recorded["messages"].as_array().unwrap() {
        let (events, answer) = match message["raw"].as_str() {
            Some(text) => client.send_text(text),
            None => {
                let mut request = json!({ "method": message["method"] });
                if let Some(params) = message.get("params") {
                    request["params"] = filled(params, &names);
                }
                client.send(request)
            }
        };
        if let Some(name) = message["keep"].as_str() {
            let id = answer["result"]["authenticatorId"].as_str();
            let id = id.unwrap_or_else(|| panic!("{name}: {answer}"));
            names.insert(name.to_owned(), id.to_owned());
        }
        let mut expected = filled(&message["answer"], &names);
        without_empty_names(&mut expected);
        let code = expected.get("code").cloned();
        let right = match &code {
            Some(code) => answer["error"]["code"] == *code,
            None => {
                is_there(&expected, &answer) && answer["error"]["data"] == expected["error"]["data"]
            }
        };
        let mut told = filled(message.get("events").unwrap_or(&json!([])), &names);
        without_empty_names(&mut told);
        if !right || !is_there(&told, &Value::Array(events.clone())) {
            failures.push(format!("{message}\n  {answer} {events:?}"));
        }
    }
    let all = recorded["messages"].as_array().unwrap().len();
    assert!(failures.is_empty(), "{} of {all}:\n{}", failures.len(), failures.join("\n"));
}

/// One that verifies, with resident keys and `prf`.
fn add_authenticator(client: &mut Client) -> Value {
    client.call("enable", json!({}));
    let options = json!({
        "protocol": "ctap2",
        "ctap2Version": "ctap2_1",
        "transport": "internal",
        "hasResidentKey": true,
        "hasUserVerification": true,
        "isUserVerified": true,
        "hasPrf": true,
    });
    client.call("addVirtualAuthenticator", json!({ "options": options }))["authenticatorId"].clone()
}

const CREATION: &str = r#"{"challenge": "AAECAwQFBgcICQoLDA0ODw", "rp": {"name": "Example"},
    "user": {"id": "MQ", "name": "alice", "displayName": "Alice"},
    "pubKeyCredParams": [{"type": "public-key", "alg": -7}],
    "authenticatorSelection": {"residentKey": "required"}, "extensions": {"prf": {}}}"#;

const SIGN_IN: &str = r#"{"challenge": "AAECAwQFBgcICQoLDA0ODw", "extensions": {"prf":
    {"eval": {"first": "AAECAw"}}}}"#;

/// What a page does in the session: the response.
fn page(client: &Client, options: &str) -> Value {
    let session = client.service.default_session();
    let site = PageOrigin::of("https://example.org").unwrap();
    let ceremony = match options.contains("pubKeyCredParams") {
        true => session.begin_create(&site, options, Mediation::Optional),
        false => session.begin_get(&site, options, Mediation::Optional),
    };
    let outcome = session.poll(&ceremony.unwrap()).unwrap().unwrap();
    serde_json::from_str(&outcome.unwrap()).unwrap()
}

#[test]
fn what_pages_do_is_told_by_events() {
    let mut client = Client::new();
    let id = add_authenticator(&mut client);
    page(&client, CREATION);
    let events = client.events();
    assert_eq!(events.len(), 1, "{events:?}");
    assert_eq!(events[0]["method"], "WebAuthn.credentialAdded");
    assert_eq!(events[0]["params"]["authenticatorId"], id);
    assert_eq!(events[0]["params"]["credential"]["userName"], "alice");
    page(&client, SIGN_IN);
    let events = client.events();
    assert_eq!(events.len(), 1, "{events:?}");
    assert_eq!(events[0]["method"], "WebAuthn.credentialAsserted");
    let listed = client.call("getCredentials", json!({ "authenticatorId": id }));
    assert_eq!(events[0]["params"]["credential"], listed["credentials"][0]);
}

/// In Chromium it gives other values afterwards.
#[test]
fn a_passkey_that_is_taken_out_and_put_back_gives_the_same_prf() {
    let mut client = Client::new();
    let id = add_authenticator(&mut client);
    page(&client, CREATION);
    let result = |answer: &Value| {
        answer["clientExtensionResults"]["prf"]["results"]["first"].as_str().unwrap().to_owned()
    };
    let before = result(&page(&client, SIGN_IN));
    let listed = client.call("getCredentials", json!({ "authenticatorId": id }));
    let credential = listed["credentials"][0].clone();
    assert!(credential["prfSecret"].is_string(), "{credential}");
    client.call("removeVirtualAuthenticator", json!({ "authenticatorId": id }));
    let id = add_authenticator(&mut client);
    client.call("addCredential", json!({ "authenticatorId": id, "credential": credential }));
    assert_eq!(result(&page(&client, SIGN_IN)), before);
}

#[test]
fn what_a_client_has_made_goes_with_it() {
    let mut client = Client::new();
    add_authenticator(&mut client);
    let session = client.service.default_session();
    assert_eq!(session.authenticators().unwrap().len(), 1);
    let stays = session.add_authenticator(<_>::default()).unwrap();
    drop(client);
    assert_eq!(session.authenticators().unwrap(), [stays]);
}

#[test]
fn sessions_are_targets_that_know_nothing_of_each_other() {
    let mut client = Client::new();
    let (_, created) =
        client.send(json!({ "method": "Target.createTarget", "params": { "url": "" } }));
    let target = created["result"]["targetId"].clone();
    let params = json!({ "targetId": target, "flatten": true });
    let (events, attached) =
        client.send(json!({ "method": "Target.attachToTarget", "params": params }));
    let session = attached["result"]["sessionId"].clone();
    assert_eq!(events[0]["params"]["sessionId"], session);
    assert_eq!(events[0]["params"]["targetInfo"]["targetId"], target);
    let enable = json!({ "method": "WebAuthn.enable", "sessionId": session });
    assert_eq!(client.send(enable).1, json!({ "result": {}, "sessionId": session }));
    // The connection's own session is not enabled by that.
    let (_, refused) = client.send(json!({
        "method": "WebAuthn.getCredentials", "params": { "authenticatorId": "x" },
    }));
    assert_eq!(refused["error"]["code"], -32000);
    let params = json!({ "sessionId": session });
    let (events, _) = client.send(json!({ "method": "Target.detachFromTarget", "params": params }));
    assert_eq!(events[0]["method"], "Target.detachedFromTarget");
    let (_, gone) = client.send(json!({ "method": "WebAuthn.enable", "sessionId": session }));
    let message = "Session with given id not found.";
    assert_eq!(gone, json!({ "error": { "code": -32001, "message": message } }));
    let (_, closed) =
        client.send(json!({ "method": "Target.closeTarget", "params": { "targetId": target } }));
    assert_eq!(closed["result"]["success"], true);
}

#[test]
fn a_client_attaches_to_so_many_sessions_and_no_more() {
    let mut client = Client::new();
    let attach = json!({ "method": "Target.attachToBrowserTarget" });
    let answers: Vec<Value> = (0..100).map(|_| client.send(attach.clone()).1).collect();
    let refused = answers.iter().find(|it| it.get("error").is_some()).unwrap();
    assert_eq!(refused["error"]["code"], -32000);
}

/// What the description of the protocol has, and what is done, are the same.
#[test]
fn every_method_of_the_description_is_there() {
    let description = include_str!("../../src/devtools/protocol.json");
    let description: Value = serde_json::from_str(description).unwrap();
    let mut client = Client::new();
    let mut count = 0;
    for domain in description["domains"].as_array().unwrap() {
        for command in domain["commands"].as_array().unwrap() {
            let name = |it: &Value| it.as_str().unwrap().to_owned();
            let method = format!("{}.{}", name(&domain["domain"]), name(&command["name"]));
            let (_, answer) = client.send(json!({ "method": method, "params": {} }));
            assert_ne!(answer["error"]["code"], -32601, "{method}");
            count += usize::from(domain["domain"] == "WebAuthn");
        }
    }
    assert_eq!(count, 13);
}
