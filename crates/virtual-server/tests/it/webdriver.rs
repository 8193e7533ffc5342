//! The door of WebDriver: each command, each member, each kind of wrong value, and the order of the
//! checks (WebAuthn L3 §11, WebDriver §6 and §8). The cases are in `webdriver/cases.json`.

use serde_json::{Map, Value, json};
use towline_virtual_server::{
    Service,
    webdriver::{RemoteEnd, WebDriverResponse},
};

const CASES: &str = include_str!("webdriver/cases.json");

/// How many commands of virtual authenticators are sent at least.
const AT_LEAST: usize = 229;

/// Errors with their statuses (WebDriver §6.6).
const STATUSES: [(&str, u16); 6] = [
    ("invalid argument", 400),
    ("invalid session id", 404),
    ("session not created", 500),
    ("unknown command", 404),
    ("unknown method", 405),
    ("unsupported operation", 500),
];

/// A session with one authenticator, which has one credential where it can.
struct Scene {
    remote_end: RemoteEnd,
    session: String,
    authenticator: String,
}

/// The credential that is there, `here` in base64url.
const HERE: &str = "aGVyZQ";

struct Cases(Value);

impl Cases {
    fn read() -> Self {
        Self(serde_json::from_str(CASES).unwrap())
    }

    fn of(&self, group: &str, name: &str) -> &Value {
        let found = &self.0[group][name];
        assert!(!found.is_null(), "{group} {name}");
        found
    }

    /// The value with each name of a key in it replaced by the key.
    fn with_keys(&self, value: &mut Value) {
        if let Some(object) = value.as_object_mut()
            && let Some(Value::String(text)) = object.get_mut("privateKey")
            && let Some(name) = text.strip_prefix('(').and_then(|it| it.strip_suffix(')'))
        {
            *text = self.of("keys", name).as_str().unwrap().to_owned();
        }
    }

    fn scene(&self, on: &str) -> Scene {
        let remote_end = RemoteEnd::new(&Service::default());
        let send = |path: &str, body: &Value| {
            let answer = remote_end.answer("POST", path, body.to_string().as_bytes());
            assert_eq!(answer.status, 200, "{}", answer.body);
            answer.body["value"].clone()
        };
        let session = send("/session", &json!({ "capabilities": {} }));
        let session = session["sessionId"].as_str().unwrap().to_owned();
        let path = format!("/session/{session}/webauthn/authenticator");
        let options = self.of("authenticators", on);
        let authenticator = send(&path, options).as_str().unwrap().to_owned();
        if options["hasResidentKey"] == true {
            let mut credential = self.of("commands", "Add Credential")["body"].clone();
            credential["credentialId"] = json!(HERE);
            self.with_keys(&mut credential);
            send(&format!("{path}/{authenticator}/credential"), &credential);
        }
        Scene { remote_end, session, authenticator }
    }

    fn send(&self, case: &Value) -> WebDriverResponse {
        let scene = self.scene(case["on"].as_str().unwrap_or("resident"));
        let command = match case["command"].as_str() {
            Some(name) => self.of("commands", name).clone(),
            None => case.clone(),
        };
        let (method, path) = command["do"].as_str().unwrap().split_once(' ').unwrap();
        let method = case["method"].as_str().unwrap_or(method);
        let path = path
            .replace("{session}", case["session"].as_str().unwrap_or(&scene.session))
            .replace(
                "{authenticator}",
                case["authenticator"].as_str().unwrap_or(&scene.authenticator),
            )
            .replace("{credential}", case["credential"].as_str().unwrap_or(HERE));
        let mut body = case.get("body").unwrap_or(&command["body"]).clone();
        if let Some(members) = body.as_object_mut() {
            let changed = case["set"].as_object().cloned().unwrap_or_default();
            members.extend(changed);
            for name in case["without"].as_array().into_iter().flatten() {
                members.remove(name.as_str().unwrap());
            }
        }
        self.with_keys(&mut body);
        let body = case["raw"].as_str().map_or_else(|| body.to_string(), str::to_owned);
        scene.remote_end.answer(method, &path, body.as_bytes())
    }
}

/// Whether the answer is what the case says.
fn is_right(case: &Value, answer: &WebDriverResponse) -> bool {
    let members: Vec<&String> = answer.body.as_object().unwrap().keys().collect();
    let value = &answer.body["value"];
    let has_right_value = match case["error"].as_str() {
        None => answer.status == 200 && case.get("value").is_none_or(|it| it == value),
        Some(error) => {
            let status = STATUSES.iter().find(|(of, _)| *of == error).unwrap().1;
            let message = value["message"].as_str().unwrap_or_default();
            answer.status == status
                && value["error"] == error
                && !message.is_empty()
                && message.contains(case["names"].as_str().unwrap_or_default())
                && value["stacktrace"].is_string()
        }
    };
    members == ["value"] && has_right_value
}

#[test]
fn every_case_has_the_answer_of_the_specification() {
    let cases = Cases::read();
    let all = cases.0["cases"].as_array().unwrap();
    let mut failures = Vec::new();
    for case in all {
        let answer = cases.send(case);
        if !is_right(case, &answer) {
            failures.push(format!("{case}\n  {} {}", answer.status, answer.body));
        }
    }
    assert!(failures.is_empty(), "{} of {}:\n{}", failures.len(), all.len(), failures.join("\n"));
    let of_authenticators = all.iter().filter(|case| {
        let command = case["command"].as_str().unwrap_or_default();
        let of = cases.0["commands"][command]["do"].as_str().unwrap_or_default();
        of.contains("/webauthn/")
    });
    assert!(of_authenticators.count() >= AT_LEAST);
}

/// As `every_case_..`, in `times` more or less fresh scenes: for changes that can be read back.
fn changed(command: &str, set: Value) -> Map<String, Value> {
    let cases = Cases::read();
    let scene = cases.scene("resident");
    let request = cases.of("commands", command);
    let (method, path) = request["do"].as_str().unwrap().split_once(' ').unwrap();
    let base = format!("/session/{}/webauthn/authenticator/{}", scene.session, scene.authenticator);
    let path = path
        .replace("/session/{session}/webauthn/authenticator/{authenticator}", &base)
        .replace("{credential}", HERE);
    let mut body = request["body"].clone();
    body.as_object_mut().unwrap().extend(set.as_object().unwrap().clone());
    cases.with_keys(&mut body);
    let answer = scene.remote_end.answer(method, &path, body.to_string().as_bytes());
    assert_eq!(answer.body, json!({ "value": null }));
    let listed = scene.remote_end.answer("GET", &format!("{base}/credentials"), b"");
    let credentials = listed.body["value"].as_array().unwrap().clone();
    credentials.last().unwrap().as_object().unwrap().clone()
}

#[test]
fn a_credential_is_given_back_as_it_was_added() {
    let given = changed("Add Credential", json!({ "userName": "alice", "signCount": 7 }));
    let key = Cases::read().of("keys", "p256").clone();
    let expected = json!({
        "credentialId": "bmV3",
        "isResidentCredential": true,
        "rpId": "example.com",
        "userHandle": "AQ",
        "userName": "alice",
        "userDisplayName": "",
        "signCount": 7,
        "backupEligibility": false,
        "backupState": false,
    });
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(given.get(name), Some(value), "{name}");
    }
    // The package has no public key in it: it follows from the private one.
    let package = given["privateKey"].as_str().unwrap();
    assert!(package.len() < key.as_str().unwrap().len());
    assert!(!given.contains_key("largeBlob") && !given.contains_key("prfSecret"));
}

#[test]
fn padding_is_taken_and_never_written() {
    let given =
        changed("Add Credential", json!({ "credentialId": "AAEC_w==", "userHandle": "AQ==" }));
    assert_eq!((&given["credentialId"], &given["userHandle"]), (&json!("AAEC_w"), &json!("AQ")));
    assert!(!given["privateKey"].as_str().unwrap().contains('='));
}

#[test]
fn a_counter_is_set_taken_away_and_put_back() {
    for count in [json!(0), json!(41), json!(u32::MAX), json!(null)] {
        let given = changed("Set Credential Properties", json!({ "signCount": count }));
        assert_eq!(given["signCount"], count);
        let given = changed("Add Credential", json!({ "signCount": count }));
        assert_eq!(given["signCount"], count);
    }
}

#[test]
fn what_is_not_named_stays_as_it_is() {
    let given = changed("Set Credential Properties", json!({ "backupEligibility": true }));
    assert_eq!((&given["backupEligibility"], &given["backupState"]), (&json!(true), &json!(false)));
    assert_eq!(given["signCount"], 1);
    let given = changed(
        "Set Credential Properties",
        json!({ "backupEligibility": true, "backupState": true }),
    );
    assert_eq!((&given["backupEligibility"], &given["backupState"]), (&json!(true), &json!(true)));
}

#[test]
fn nothing_is_backed_up_that_may_not_be() {
    let given =
        changed("Add Credential", json!({ "backupEligibility": false, "backupState": true }));
    assert_eq!(given["backupState"], false);
}

#[test]
fn the_secrets_of_prf_go_out_and_in_again() {
    let secret = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc";
    let given = changed("Add Credential", json!({ "prfSecret": secret, "credProtect": 2 }));
    assert_eq!((&given["prfSecret"], &given["credProtect"]), (&json!(secret), &json!(2)));
    let given = changed("Add Credential", Value::Object(given));
    assert_eq!((&given["prfSecret"], &given["credProtect"]), (&json!(secret), &json!(2)));
}

#[test]
fn a_new_session_says_what_it_can() {
    let remote_end = RemoteEnd::new(&Service::default());
    let asked = json!({ "capabilities": { "alwaysMatch": { "timeouts": { "script": null } } } });
    let created = remote_end.answer("POST", "/session", asked.to_string().as_bytes());
    let capabilities = &created.body["value"]["capabilities"];
    for name in [
        "webauthn:virtualAuthenticators",
        "webauthn:extension:prf",
        "webauthn:extension:largeBlob",
        "webauthn:extension:credBlob",
    ] {
        assert_eq!(capabilities[name], true, "{name}");
    }
    // Clients of Selenium refuse virtual authenticators of a browser that is called Firefox.
    assert_eq!(capabilities["browserName"], "towline");
    assert_eq!(
        capabilities["timeouts"],
        json!({ "script": null, "pageLoad": 300_000, "implicit": 0 })
    );
}

#[test]
fn a_deleted_session_is_none() {
    let cases = Cases::read();
    let scene = cases.scene("resident");
    let path = format!("/session/{}", scene.session);
    assert_eq!(scene.remote_end.answer("DELETE", &path, b"").status, 200);
    let again = scene.remote_end.answer("DELETE", &path, b"");
    assert_eq!((again.status, &again.body["value"]["error"]), (404, &json!("invalid session id")));
}

#[test]
fn timeouts_are_those_of_their_session() {
    let remote_end = RemoteEnd::new(&Service::default());
    let session = || {
        let created = remote_end.answer("POST", "/session", br#"{"capabilities": {}}"#);
        let id = created.body["value"]["sessionId"].as_str().unwrap().to_owned();
        format!("/session/{id}/timeouts")
    };
    let (one, other) = (session(), session());
    assert_eq!(remote_end.answer("POST", &one, br#"{"implicit": 7}"#).status, 200);
    let timeout =
        |path: &str| remote_end.answer("GET", path, b"").body["value"]["implicit"].clone();
    assert_eq!((timeout(&one), timeout(&other)), (json!(7), json!(0)));
}

#[test]
fn a_service_that_is_full_creates_no_session() {
    let mut limits = towline_virtual_server::ServiceLimits::default();
    limits.sessions = 1;
    let remote_end = RemoteEnd::new(&Service::new(limits));
    let create = || remote_end.answer("POST", "/session", br#"{"capabilities": {}}"#);
    let is_ready = || remote_end.answer("GET", "/status", b"").body["value"]["ready"].clone();
    assert_eq!(is_ready(), true);
    assert_eq!(create().status, 200);
    assert_eq!(is_ready(), false);
    let refused = create();
    assert_eq!(refused.body["value"]["error"], "session not created");
    assert_eq!(refused.status, 500);
}
