//! Requests to the door of WebDriver, one a line: method, path and body. Each gets one answer of
//! the right form, and what is there can still be listed.
#![no_main]

use libfuzzer_sys::fuzz_target;
use towline_virtual_server::{Service, VirtualAuthenticatorOptions, webdriver::RemoteEnd};

/// The errors that there are (WebDriver §6.6).
const ERRORS: [&str; 7] = [
    "invalid argument",
    "invalid session id",
    "session not created",
    "unknown command",
    "unknown error",
    "unknown method",
    "unsupported operation",
];

fuzz_target!(|text: &str| {
    let service = Service::default();
    let session = service.default_session();
    let authenticator = session.add_authenticator(VirtualAuthenticatorOptions::default());
    let authenticator = authenticator.expect("an authenticator");
    let remote_end = RemoteEnd::new(&service);
    let base = format!("/session/default/webauthn/authenticator/{authenticator}");
    for line in text.lines().take(16) {
        let line = line.replace("{a}", &base);
        let mut parts = line.splitn(3, ' ');
        let method = parts.next().unwrap_or_default();
        let path = parts.next().unwrap_or_default();
        let body = parts.next().unwrap_or_default();
        let answer = remote_end.answer(method, path, body.as_bytes());
        let members = answer.body.as_object().expect("an object");
        assert!(members.len() == 1 && members.contains_key("value"));
        let value = &answer.body["value"];
        if answer.status == 200 {
            assert!(value.get("stacktrace").is_none());
        } else {
            let error = value["error"].as_str().expect("an error");
            assert!(ERRORS.contains(&error));
            assert!(value["message"].is_string() && value["stacktrace"].is_string());
        }
    }
    let listed = remote_end.answer("GET", &format!("{base}/credentials"), b"");
    let gone = session.options(&authenticator).is_err();
    assert!(gone || listed.body["value"].is_array());
});
