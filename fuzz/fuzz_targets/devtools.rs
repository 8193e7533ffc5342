//! Messages to the door of DevTools, one a line. Each gets one answer, after the events that it has
//! caused, and nothing that a client has made is left when it goes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use towline_virtual_server::{Service, devtools::Connection};

fuzz_target!(|text: &str| {
    let service = Service::default();
    let session = service.default_session();
    let mut connection = Connection::new(&service, session.clone());
    let mut made = String::new();
    for line in text.lines().take(16) {
        let line = line.replace("(made)", &made);
        let mut messages: Vec<Value> = connection
            .handle_text(&line)
            .iter()
            .map(|message| serde_json::from_str(message).expect("JSON"))
            .collect();
        let answer = messages.pop().expect("an answer");
        assert!(answer.get("method").is_none());
        assert!(answer.get("result").is_some() != answer.get("error").is_some());
        if let Some(error) = answer.get("error") {
            assert!(error["code"].as_i64().is_some_and(|code| (-32768..=-32000).contains(&code)));
            assert!(error["message"].is_string());
        }
        assert!(messages.iter().all(|event| event["method"].is_string()));
        if let Some(id) = answer["result"]["authenticatorId"].as_str() {
            made = id.to_owned();
        }
    }
    drop(connection);
    // It may have ended the session itself.
    assert!(session.authenticators().map_or(0, |left| left.len()) == 0);
});
