//! Options that are odder still, one member each: whether a browser takes them, and if not, with
//! which exception it refuses.

use std::time::Instant;

use serde_json::Value;
use towline_client::{CeremonyOutput, Create, Get};
use towline_ctap::Transport;

use crate::scripted::*;

/// What comes of these options with this member in place of their own.
fn put(options: &Value, member: &str, value: &str) -> String {
    let mut members = vec![format!("{member:?}: {value}")];
    let own = options.as_object().unwrap().iter().filter(|(name, _)| *name != member);
    members.extend(own.map(|(name, value)| format!("{name:?}: {value}")));
    format!("{{{}}}", members.join(", "))
}

fn outcome(output: Option<CeremonyOutput>) -> &'static str {
    match output {
        Some(CeremonyOutput::Request(_)) => "",
        Some(CeremonyOutput::Finished(Err(error))) => error.name(),
        output => panic!("{output:?}"),
    }
}

fn creating(member: &str, value: &str) -> &'static str {
    match Create::new(&client(), &caller(), &put(&creation(), member, value), Instant::now()) {
        Ok(mut create) => {
            create.handle_info(&phone().to_cbor(), &Transport::Usb);
            outcome(create.poll_output())
        }
        Err(error) => error.name(),
    }
}

fn getting(member: &str, value: &str) -> &'static str {
    match Get::new(&client(), &caller(), &put(&request(), member, value), Instant::now()) {
        Ok(mut get) => {
            get.handle_info(&phone().to_cbor(), &Transport::Usb);
            outcome(get.poll_output())
        }
        Err(error) => error.name(),
    }
}

#[test]
fn odd_creation_options_fare_as_in_a_browser() {
    for (member, value, refused) in [
        ("challenge", r#""""#, ""),
        ("challenge", r#""AA\n""#, "EncodingError"),
        ("challenge", r#"" AAAA""#, "EncodingError"),
        ("challenge", r#""AAAAA""#, "EncodingError"),
        ("challenge", r#""AA==""#, "EncodingError"),
        ("challenge", r#""AAA=""#, "EncodingError"),
        ("challenge", r#""é""#, "EncodingError"),
        ("challenge", r#"["AAAA", "BBBB"]"#, "EncodingError"),
        ("challenge", "true", ""),
        ("challenge", "false", "EncodingError"),
        ("challenge", "-1", ""),
        ("challenge", "1e21", "EncodingError"),
        ("challenge", "[]", ""),
        ("challenge", r#"{"type": "Buffer", "data": [1,2]}"#, "EncodingError"),
        ("user", r#"{"id": [1,2,3], "name": "a", "displayName": "b"}"#, "EncodingError"),
        ("user", r#"{"id": {"0": 1}, "name": "a", "displayName": "b"}"#, "EncodingError"),
        ("user", r#"{"id": 1234, "name": "a", "displayName": "b"}"#, ""),
        ("user", r#"{"id": 12345, "name": "a", "displayName": "b"}"#, "EncodingError"),
        ("user", r#"{"id": true, "name": "a", "displayName": "b"}"#, ""),
        ("user", r#"{"id": "MQ", "name": "a"}"#, "TypeError"),
        ("user", r#"{"name": "a", "displayName": "b"}"#, "TypeError"),
        ("user", r#"["MQ", "a", "b"]"#, "TypeError"),
        ("user", r#"{"id": "MQ", "name": [], "displayName": {}}"#, ""),
        ("user", r#"{"id": "MQ", "name": "a\u0000b", "displayName": "\u202eevil"}"#, ""),
        ("user", r#"{"id": "MQ", "name": "a", "displayName": "b", "icon": 7}"#, ""),
        ("rp", r#"{"name": "r", "id": ""}"#, "SecurityError"),
        ("rp", r#"{"name": "r", "id": "EXAMPLE.org"}"#, "SecurityError"),
        ("rp", r#"{"name": "r", "id": "example.org."}"#, "SecurityError"),
        ("rp", r#"{"name": "r", "id": "https://example.org"}"#, "SecurityError"),
        ("rp", r#"{"name": "r", "id": "example.org:443"}"#, "SecurityError"),
        ("rp", r#"{"name": "r", "id": "org"}"#, "SecurityError"),
        ("rp", r#"{"name": "r", "id": " example.org"}"#, "SecurityError"),
        ("rp", r#"{"id": "example.org"}"#, "TypeError"),
        ("rp", r#"{"name": "r"}"#, ""),
        ("rp", r#"{"name": "r", "id": "example.org", "icon": "https://x"}"#, ""),
        ("rp", r#"{"name": 7, "id": "example.org"}"#, ""),
        ("pubKeyCredParams", "[[]]", "TypeError"),
        ("pubKeyCredParams", r#"[{"type": "public-key", "alg": []}]"#, ""),
        ("pubKeyCredParams", r#"[{"type": "Public-Key", "alg": -7}]"#, "NotSupportedError"),
        ("pubKeyCredParams", r#"[{"type": "public-key", "alg": "-7"},null]"#, "TypeError"),
        ("pubKeyCredParams", "true", "TypeError"),
        ("timeout", "[]", ""),
        ("timeout", r#""1 minute""#, ""),
        ("timeout", "99999999999999999999999", ""),
        ("timeout", "[1,2]", ""),
        ("excludeCredentials", "true", "TypeError"),
        ("excludeCredentials", "0", "TypeError"),
        ("excludeCredentials", r#""""#, "TypeError"),
        ("excludeCredentials", "[[]]", "TypeError"),
        ("excludeCredentials", r#"[{"type": "public-key", "id": []}]"#, ""),
        ("excludeCredentials", r#"[{"type": "public-key", "id": {}}]"#, "EncodingError"),
        ("excludeCredentials", r#"[{"type": "public-key", "id": "A+=="}]"#, "EncodingError"),
        ("authenticatorSelection", "7", "TypeError"),
        ("authenticatorSelection", r#""""#, "TypeError"),
        ("authenticatorSelection", r#"{"authenticatorAttachment": "PLATFORM"}"#, ""),
        ("authenticatorSelection", r#"{"authenticatorAttachment": ""}"#, ""),
        ("authenticatorSelection", r#"{"residentKey": true}"#, ""),
        ("attestation", "{}", ""),
        ("attestation", r#""Direct""#, ""),
        ("hints", r#""client-device""#, ""),
        ("hints", r#"["client-device", "moon", 7, null]"#, ""),
        ("extensions", r#"{"credentialProtectionPolicy": ""}"#, "TypeError"),
        ("extensions", r#"{"credentialProtectionPolicy": ["userVerificationRequired"]}"#, ""),
        ("extensions", r#"{"enforceCredentialProtectionPolicy": "x"}"#, ""),
        ("extensions", r#"{"prf": {"eval": {"first": "+"}}}"#, "EncodingError"),
        ("extensions", r#"{"prf": {"eval": {"second": "AA"}}}"#, "TypeError"),
        ("extensions", r#"{"prf": {"eval": {"first": "", "second": ""}}}"#, ""),
        ("extensions", r#"{"prf": {"evalByCredential": {}}}"#, "NotSupportedError"),
        ("extensions", r#"{"prf": {"evalByCredential": 7}}"#, "TypeError"),
        ("extensions", r#"{"prf": "x"}"#, "TypeError"),
        ("extensions", r#"{"prf": false}"#, "TypeError"),
        ("extensions", r#"{"largeBlob": {"support": "required"}}"#, "NotAllowedError"),
        ("extensions", r#"{"largeBlob": {"support": "if you like"}}"#, ""),
        ("extensions", r#"{"largeBlob": {"read": false}}"#, "NotSupportedError"),
        ("extensions", r#"{"largeBlob": {"write": "AA"}}"#, "NotSupportedError"),
        ("extensions", r#"{"appid": "https://login.example.org"}"#, "NotSupportedError"),
        ("extensions", r#"{"appidExclude": "https://login.example.com"}"#, "SecurityError"),
        ("extensions", r#"{"appidExclude": "https://example.org/appid"}"#, ""),
        ("extensions", "0", "TypeError"),
        ("extensions", "false", "TypeError"),
        ("__proto__", r#"{"timeout": 1}"#, ""),
        ("attestationFormats", r#""x""#, "TypeError"),
        ("user", r#"{"id": "?", "name": "a"}"#, "TypeError"),
        ("excludeCredentials", r#"[{"type": "public-key", "id": "?"},{"id": "AA"}]"#, "TypeError"),
    ] {
        assert_eq!(creating(member, value), refused, "{member}: {value}");
    }
}

#[test]
fn odd_request_options_fare_as_in_a_browser() {
    for (member, value, refused) in [
        ("allowCredentials", "null", ""),
        ("allowCredentials", r#"[{"type": "public-key", "id": null}]"#, "NotAllowedError"),
        ("allowCredentials", r#"[{"type": "public-key", "id": ""}]"#, "NotAllowedError"),
        ("allowCredentials", r#"[{"type": "public-key", "id": 1234}]"#, ""),
        ("allowCredentials", r#"[{"type": "public-key", "id": []}]"#, "NotAllowedError"),
        ("allowCredentials", r#"[{"type": "public-key", "id": {}}]"#, "EncodingError"),
        ("allowCredentials", r#"[{"id": "AA"}]"#, "TypeError"),
        ("allowCredentials", "\"AA\"", "TypeError"),
        ("userVerification", "7", ""),
        ("rpId", "\"\"", "SecurityError"),
        ("rpId", "[\"example.org\"]", ""),
        ("extensions", r#"{"largeBlob": {"read": 7}, "uvm": null, "appid": null}"#, ""),
        ("extensions", r#"{"largeBlob": {"read": false}, "appid": ""}"#, ""),
        ("extensions", r#"{"appid": 7}"#, "SecurityError"),
        ("extensions", r#"{"appid": "https://login.example.org/app.json"}"#, ""),
        ("extensions", r#"{"appid": "https://www.example.org"}"#, ""),
        ("extensions", r#"{"appid": "https://example.com"}"#, "SecurityError"),
        ("extensions", r#"{"appid": "https://org"}"#, "SecurityError"),
        ("extensions", r#"{"appid": "http://login.example.org"}"#, "SecurityError"),
        ("extensions", r#"{"appid": "https://192.0.2.1"}"#, "SecurityError"),
        ("extensions", r#"{"appidExclude": "https://login.example.org"}"#, "NotSupportedError"),
        ("extensions", r#"{"largeBlob": {"support": "preferred"}}"#, "NotSupportedError"),
        ("extensions", r#"{"largeBlob": {"write": "AA"}}"#, "NotSupportedError"),
        ("extensions", r#"{"largeBlob": {"write": "?"}}"#, "EncodingError"),
        ("extensions", r#"{"largeBlob": 7}"#, "TypeError"),
        ("extensions", r#"{"prf": {"evalByCredential": {"AA": null}}}"#, "TypeError"),
        ("extensions", r#"{"prf": {"evalByCredential": {"AA": {"first": "?"}}}}"#, "EncodingError"),
    ] {
        assert_eq!(getting(member, value), refused, "{member}: {value}");
    }
}

#[test]
fn options_may_be_large() {
    let list = |entry: &str, count| format!("[{}]", vec![entry; count].join(", "));
    for (member, value) in [
        (
            "user",
            format!(r#"{{"id": "MQ", "name": "{}", "displayName": ""}}"#, "x".repeat(100_000)),
        ),
        ("pubKeyCredParams", list(r#"{"type": "public-key", "alg": -7}"#, 500)),
        ("excludeCredentials", list(r#"{"type": "public-key", "id": "AAAA"}"#, 2000)),
        ("junk", format!("{}{}", "[".repeat(120), "]".repeat(120))),
    ] {
        assert_eq!(creating(member, &value), "", "{member}");
    }
    // An id that no credential has.
    let id = "A".repeat(1366);
    let list = format!(r#"[{{"type": "public-key", "id": "{id}"}}]"#);
    assert_eq!(creating("excludeCredentials", &list), "");
    assert_eq!(getting("allowCredentials", &list), "NotAllowedError");
}
