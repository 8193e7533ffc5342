//! Options as sites send them, odd ones too: what a browser takes is taken, and means what it means
//! there; what a browser refuses is refused with the same exception. `cases.json` was given to
//! Chromium 156.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use towline_client::{Caller, Create, Error, Get, Origin};
use towline_ctap::{
    GetAssertionRequest, GetInfo, MakeCredentialRequest, Transport,
    extension::{CredentialProtectionPolicy, PrfCreateInput, PrfGetInput},
};

use crate::scripted::*;

/// Options whose members are JSON texts, so that they can hold what `serde_json` can't.
fn text(options: &Value, members: &[(&str, &str)]) -> String {
    let mut members: Vec<(String, String)> =
        members.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
    for (name, value) in options.as_object().unwrap() {
        if members.iter().all(|(other, _)| other != name) {
            members.push((name.clone(), value.to_string()));
        }
    }
    let members: Vec<String> =
        members.iter().map(|(name, text)| format!("{name:?}: {text}")).collect();
    format!("{{{}}}", members.join(", "))
}

/// An authenticator that tells all that options can ask for.
fn info() -> GetInfo {
    let mut info = phone();
    info.extensions = Some(vec!["credProtect".into(), "prf".into()]);
    info.attestation_formats = Some(vec!["packed".into()]);
    info
}

fn creating(member: &str, value: &str) -> Result<MakeCredentialRequest, Error> {
    creating_all(&[(member, value)])
}

fn creating_all(members: &[(&str, &str)]) -> Result<MakeCredentialRequest, Error> {
    let options = text(&creation(), members);
    let mut create = Create::new(&client(), &caller(), &options, Instant::now())?;
    create.handle_info(&info().to_cbor(), &Transport::Usb);
    Ok(make_credential(create.poll_output()))
}

fn getting(member: &str, value: &str) -> Result<GetAssertionRequest, Error> {
    let options = text(&request(), &[(member, value)]);
    let mut get = Get::new(&client(), &caller(), &options, Instant::now())?;
    get.handle_info(&info().to_cbor(), &Transport::Usb);
    Ok(get_assertion(get.poll_output()))
}

#[test]
fn what_chromium_takes_is_taken_and_what_it_refuses_is_refused() {
    let cases: Value = serde_json::from_str(include_str!("site_options/cases.json")).unwrap();
    let caller: Caller = Origin::parse("http://localhost").unwrap().into();
    for case in cases["cases"].as_array().unwrap() {
        let mut options = cases["base"].clone();
        for (name, value) in case["merge"].as_object().into_iter().flatten() {
            options[name] = value.clone();
        }
        let raw = case["raw"].as_object().into_iter().flatten();
        let raw: Vec<_> = raw.map(|(name, text)| (name.as_str(), text.as_str().unwrap())).collect();
        let options = text(&options, &raw);
        let result = Create::new(&client(), &caller, &options, Instant::now());
        let expected = case["expect"] == "ok";
        assert_eq!(result.is_ok(), expected, "{}: {:?}", case["name"], result.err());
    }
}

#[test]
fn an_algorithm_is_a_long_whatever_it_is_written_as() {
    for (alg, means) in [
        ("-7", -7),
        ("\"-7\"", -7),
        ("\"-257\"", -257),
        ("\" -8 \"", -8),
        ("-7.0", -7),
        ("-7.9", -7),
        ("-0.7e1", -7),
        ("4294967289", -7),
        ("1e300", 0),
        ("1E400", 0),
        ("-0", 0),
        ("null", 0),
        ("true", 1),
        ("[-7]", -7),
        ("{}", 0),
        ("\"ES256\"", 0),
        ("\"\"", 0),
    ] {
        let parameters = format!(r#"[{{"type": "public-key", "alg": {alg}}}]"#);
        let asked = creating("pubKeyCredParams", &parameters).unwrap();
        assert_eq!(asked.pub_key_cred_params, [means], "{alg}");
    }
    let mixed = r#"[{"type": "public-key", "alg": null}, {"type": "x", "alg": -8}, {"type": null, "alg": -8},
        {"type": ["public-key"], "alg": "-7", "junk": {}}, {"alg": -257, "type": "public-key"}]"#;
    assert_eq!(creating("pubKeyCredParams", mixed).unwrap().pub_key_cred_params, [0, -7, -257]);
}

#[test]
fn a_timeout_is_a_hint_and_never_an_error() {
    let now = Instant::now();
    let minutes = |n: u64| Duration::from_secs(60 * n);
    for (timeout, given) in [
        ("null", minutes(5)),
        ("\"60000\"", minutes(5)),
        ("\"400000\"", Duration::from_secs(400)),
        ("400000.9", Duration::from_secs(400)),
        ("4e5", Duration::from_secs(400)),
        ("[400000]", Duration::from_secs(400)),
        ("-1", minutes(5)),
        ("4294967296", minutes(10)),
        ("1e300", minutes(10)),
        ("1E400", minutes(10)),
        ("-1E400", minutes(5)),
        ("-0", minutes(5)),
        ("true", minutes(5)),
        ("\"a minute\"", minutes(5)),
        ("\"\"", minutes(5)),
        ("{}", minutes(5)),
    ] {
        let options = text(&creation(), &[("timeout", timeout)]);
        let create = Create::new(&client(), &caller(), &options, now).unwrap();
        assert_eq!(create.poll_timeout(), Some(now + given), "{timeout}");
        let options = text(&request(), &[("timeout", timeout)]);
        let get = Get::new(&client(), &caller(), &options, now).unwrap();
        assert_eq!(get.poll_timeout(), Some(now + given), "{timeout}");
    }
}

#[test]
fn names_are_text_whatever_they_are_written_as_and_null_is_none() {
    for (json, name) in [
        ("null", None),
        ("\"\"", None),
        ("\"null\"", Some("null")),
        ("12", Some("12")),
        ("12.50", Some("12.5")),
        ("1e21", Some("1e+21")),
        ("true", Some("true")),
        ("[\"a\", null, 1]", Some("a,,1")),
        ("{}", Some("[object Object]")),
        (r#""\ud83d""#, Some("\u{fffd}")),
        (r#""a\ude00b""#, Some("a\u{fffd}b")),
        (r#""\ud83d\ude00""#, Some("\u{1f600}")),
    ] {
        let rp = format!(r#"{{"id": "example.org", "name": {json}}}"#);
        assert_eq!(creating("rp", &rp).unwrap().rp.name.as_deref(), name, "{json}");
        let user = format!(r#"{{"id": "MQ", "name": {json}, "displayName": {json}}}"#);
        let asked = creating("user", &user).unwrap().user;
        assert_eq!((asked.name.as_deref(), asked.display_name.as_deref()), (name, name), "{json}");
    }
}

#[test]
fn ids_are_text_too_and_bits_that_are_too_many_are_dropped() {
    for (json, id) in [
        ("\"1234567890\"", &[0xd7, 0x6d, 0xf8, 0xe7, 0xae, 0xfc, 0xf7][..]),
        ("1234567890", &[0xd7, 0x6d, 0xf8, 0xe7, 0xae, 0xfc, 0xf7]),
        ("\"MR\"", &[0x31]),
        ("\"MTJ\"", &[0x31, 0x32]),
    ] {
        let user = format!(r#"{{"id": {json}, "name": "n", "displayName": "d"}}"#);
        assert_eq!(creating("user", &user).unwrap().user.id.as_bytes(), id, "{json}");
    }
    for challenge in ["\"AAB\"", "1234", "[\"AAAA\"]"] {
        creating("challenge", challenge).unwrap();
        getting("challenge", challenge).unwrap();
    }
    // Base64url has no padding in WebAuthn, and browsers take none.
    for padded in ["\"AA==\"", "\"AAA=\""] {
        assert_eq!(creating("challenge", padded).unwrap_err().name(), "EncodingError");
        assert_eq!(getting("challenge", padded).unwrap_err().name(), "EncodingError");
    }
    let list = r#"[{"type": "public-key", "id": "MR"}, {"type": "public-key", "id": 1234}]"#;
    let ids = [descriptor(&[0x31]), descriptor(&[0xd7, 0x6d, 0xf8])];
    assert_eq!(creating("excludeCredentials", list).unwrap().exclude_list, ids);
    assert_eq!(getting("allowCredentials", list).unwrap().allow_list.unwrap(), ids);
}

#[test]
fn entries_of_a_list_that_can_not_be_used_are_passed_over() {
    let list = r#"[{"type": "password", "id": "AQ"}, {"type": null, "id": "AQ"}, {"type": 7, "id": "AQ"},
        {"type": "public-key", "id": "", "transports": []}, {"type": "public-key", "id": "Ag", "extra": [1],
        "transports": [null, "usb", 5, true, {}, [], "telepathy", ""]},
        {"type": "public-key", "id": "Aw", "transports": null}]"#;
    let ids = [descriptor(&[2]), descriptor(&[3])];
    assert_eq!(creating("excludeCredentials", list).unwrap().exclude_list, ids);
    assert_eq!(getting("allowCredentials", list).unwrap().allow_list.unwrap(), ids);
}

#[test]
fn an_empty_php_array_is_an_empty_dictionary() {
    for empty in ["[]", "{}", "null", "[1, \"x\", null]"] {
        for member in ["extensions", "authenticatorSelection"] {
            let asked = creating(member, empty).unwrap();
            assert!(asked.extensions.is_empty() && asked.options.rk.is_none(), "{empty}");
        }
        assert!(getting("extensions", empty).unwrap().extensions.is_empty(), "{empty}");
    }
    for empty in ["[]", "null"] {
        assert!(creating("excludeCredentials", empty).unwrap().exclude_list.is_empty());
        assert_eq!(getting("allowCredentials", empty).unwrap().allow_list, None);
    }
}

#[test]
fn whether_something_is_wanted_has_a_truth_value_whatever_it_is() {
    for (json, wanted) in [
        ("true", true),
        ("\"true\"", true),
        ("\"false\"", true),
        ("1", true),
        ("-1E400", true),
        ("[]", true),
        ("{}", true),
        ("false", false),
        ("null", false),
        ("0", false),
        ("-0.0", false),
        ("\"\"", false),
    ] {
        let asked =
            creating("authenticatorSelection", &format!(r#"{{"requireResidentKey": {json}}}"#));
        assert_eq!(asked.unwrap().options.rk, wanted.then_some(true), "{json}");

        let options = text(&creation(), &[("extensions", &format!(r#"{{"credProps": {json}}}"#))]);
        let mut create = Create::new(&client(), &caller(), &options, Instant::now()).unwrap();
        create.handle_info(&info().to_cbor(), &Transport::Usb);
        sent(create.poll_output());
        create.handle_response(&created(&new_credential()));
        let outputs = finished(create.poll_output()).unwrap()["clientExtensionResults"].clone();
        assert_eq!(outputs.get("credProps").is_some(), wanted, "{json}");

        let enforcing = format!(
            r#"{{"credentialProtectionPolicy": "userVerificationRequired", "enforceCredentialProtectionPolicy": {json}}}"#
        );
        let options = text(&creation(), &[("extensions", &enforcing)]);
        let mut create = Create::new(&client(), &caller(), &options, Instant::now()).unwrap();
        create.handle_info(&simple_key().to_cbor(), &Transport::Usb);
        let refused =
            matches!(create.poll_output(), Some(towline_client::CeremonyOutput::Finished(_)));
        assert_eq!(refused, wanted, "{json}");
    }
}

#[test]
fn a_word_that_is_not_known_is_none() {
    for word in ["\"sometimes\"", "\"\"", "\"Required\"", "null", "7", "true", "[]", "{}"] {
        for member in ["residentKey", "userVerification", "authenticatorAttachment"] {
            let asked = creating("authenticatorSelection", &format!("{{{member:?}: {word}}}"));
            let options = asked.unwrap().options;
            assert_eq!((options.rk, options.uv), (None, Some(true)), "{member} {word}");
        }
        let legacy = format!(r#"{{"residentKey": {word}, "requireResidentKey": "yes"}}"#);
        let asked = creating("authenticatorSelection", &legacy).unwrap();
        assert_eq!(asked.options.rk, Some(true), "{word}");
        let asked = creating("attestation", word).unwrap();
        assert_eq!(asked.attestation_formats_preference, ["none"], "{word}");
        assert_eq!(getting("userVerification", word).unwrap().options.uv, Some(true), "{word}");
    }
    // A list of one word is that word.
    let asked = creating("authenticatorSelection", r#"{"residentKey": ["required"]}"#).unwrap();
    assert_eq!(asked.options.rk, Some(true));
}

#[test]
fn hints_are_never_errors() {
    for hints in ["null", "[]", "{}", "\"hybrid\"", "7", "[null, 7, \"hybrid\", [], {}]", "true"] {
        creating("hints", hints).unwrap();
        getting("hints", hints).unwrap();
    }
    for (formats, asked_for) in [
        ("null", &["packed"][..]),
        ("[]", &["packed"]),
        ("[null, 7, {}, true]", &["packed"]),
        ("[null, \"tpm\", 7, \"unheard-of\"]", &["tpm", "unheard-of"]),
    ] {
        let asked = creating_all(&[("attestation", "\"direct\""), ("attestationFormats", formats)]);
        assert_eq!(asked.unwrap().attestation_formats_preference, asked_for, "{formats}");
    }
}

#[test]
fn inputs_of_extensions_are_converted_as_well() {
    let extensions = r#"{"prf": {"eval": {"first": 1234, "second": null}}, "zap": null, "credProps": [],
        "largeBlob": null, "payment": {}, "appid": null, "credentialProtectionPolicy": null, "uvm": "true"}"#;
    let asked = creating("extensions", extensions).unwrap();
    let PrfCreateInput { eval } = asked.extensions.get().unwrap().unwrap();
    assert!(eval.is_some_and(|eval| eval.second.is_none()));
    assert_eq!(asked.extensions.get::<CredentialProtectionPolicy>(), Ok(None));

    for nothing in ["{}", "[]", r#"{"eval": null, "evalByCredential": null}"#] {
        let asked = creating("extensions", &format!(r#"{{"prf": {nothing}}}"#)).unwrap();
        assert_eq!(asked.extensions.get(), Ok(Some(PrfCreateInput { eval: None })), "{nothing}");
    }
    for nothing in ["{}", "[]", r#"{"evalByCredential": []}"#, r#"{"evalByCredential": {}}"#] {
        let asked = getting("extensions", &format!(r#"{{"prf": {nothing}}}"#)).unwrap();
        assert_eq!(asked.extensions.get(), Ok(Some(PrfGetInput::default())), "{nothing}");
    }
    assert!(creating("extensions", r#"{"prf": null}"#).unwrap().extensions.is_empty());
}

#[test]
fn the_last_of_two_members_of_one_name_counts() {
    let all = creation().to_string();
    let options = format!(
        r#"{{"timeout": {{}}, "challenge": "?", "rp": 7, {}, "rp": {{"name": "x", "id": "example.com", "id": "example.org"}}}}"#,
        &all[1..all.len() - 1]
    );
    let create = Create::new(&client(), &caller(), &options, Instant::now()).unwrap();
    assert_eq!(create.rp_id().as_str(), "example.org");
}

#[test]
fn an_rp_id_that_is_null_is_absent_and_any_other_is_text() {
    let asked = creating("rp", r#"{"id": null, "name": "n"}"#).unwrap();
    assert_eq!(asked.rp.id.as_str(), "login.example.org");
    assert_eq!(
        creating("rp", r#"{"id": ["example.org"], "name": "n"}"#).unwrap().rp.id.as_str(),
        "example.org"
    );
    for id in ["7", "true", "{}", "[]", "\"\""] {
        let error = creating("rp", &format!(r#"{{"id": {id}, "name": "n"}}"#)).unwrap_err();
        assert_eq!(error.name(), "SecurityError", "{id}");
        assert_eq!(getting("rpId", id).unwrap_err().name(), "SecurityError", "{id}");
    }
    assert_eq!(getting("rpId", "null").unwrap().rp_id.as_str(), "login.example.org");
}

#[test]
fn what_browsers_refuse_stays_refused() {
    for (member, value, name) in [
        ("challenge", "null", "TypeError"),
        ("challenge", "\"+/8A\"", "EncodingError"),
        ("challenge", "\"A\"", "EncodingError"),
        ("challenge", "\"AA AA\"", "EncodingError"),
        ("challenge", "[1, 2]", "EncodingError"),
        ("challenge", "{}", "EncodingError"),
        ("challenge", "1.5", "EncodingError"),
        ("rp", "null", "TypeError"),
        ("rp", "[]", "TypeError"),
        ("rp", "\"Example\"", "TypeError"),
        ("user", "null", "TypeError"),
        ("user", "7", "TypeError"),
        ("user", r#"{"id": null, "name": "n", "displayName": "d"}"#, "TypeError"),
        ("user", r#"{"id": "MQ", "displayName": "d"}"#, "TypeError"),
        ("user", r#"{"id": "", "name": "n", "displayName": "d"}"#, "TypeError"),
        ("user", r#"{"id": "M=Q", "name": "n", "displayName": "d"}"#, "EncodingError"),
        ("pubKeyCredParams", "null", "TypeError"),
        ("pubKeyCredParams", "{}", "TypeError"),
        ("pubKeyCredParams", "\"ES256\"", "TypeError"),
        ("pubKeyCredParams", "[-7]", "TypeError"),
        ("pubKeyCredParams", "[null]", "TypeError"),
        ("pubKeyCredParams", r#"[{"alg": -7}]"#, "TypeError"),
        ("pubKeyCredParams", r#"[{"type": "public-key"}]"#, "TypeError"),
        ("pubKeyCredParams", r#"[{"type": "password", "alg": -7}]"#, "NotSupportedError"),
        ("excludeCredentials", "{}", "TypeError"),
        ("excludeCredentials", "\"AQ\"", "TypeError"),
        ("excludeCredentials", "[\"AQ\"]", "TypeError"),
        ("excludeCredentials", "[null]", "TypeError"),
        ("excludeCredentials", r#"[{"id": "AQ"}]"#, "TypeError"),
        ("excludeCredentials", r#"[{"type": "public-key"}]"#, "TypeError"),
        ("excludeCredentials", r#"[{"type": "x", "id": "+/"}]"#, "EncodingError"),
        (
            "excludeCredentials",
            r#"[{"type": "public-key", "id": "AQ", "transports": "usb"}]"#,
            "TypeError",
        ),
        ("attestationFormats", "\"packed\"", "TypeError"),
        ("attestationFormats", "{}", "TypeError"),
        ("authenticatorSelection", "\"platform\"", "TypeError"),
        ("authenticatorSelection", "true", "TypeError"),
        ("extensions", "true", "TypeError"),
        ("extensions", "\"credProps\"", "TypeError"),
        ("extensions", r#"{"prf": true}"#, "TypeError"),
        ("extensions", r#"{"prf": {"eval": "AA"}}"#, "TypeError"),
        ("extensions", r#"{"prf": {"eval": []}}"#, "TypeError"),
        ("extensions", r#"{"prf": {"evalByCredential": "AA"}}"#, "TypeError"),
        ("extensions", r#"{"prf": {"evalByCredential": []}}"#, "NotSupportedError"),
        ("extensions", r#"{"credentialProtectionPolicy": 3}"#, "TypeError"),
    ] {
        let error = creating(member, value).unwrap_err();
        assert_eq!(error.name(), name, "{member}: {value}: {error}");
    }
    for (member, value, name) in [
        ("challenge", "\"=\"", "EncodingError"),
        ("allowCredentials", "{\"0\": {}}", "TypeError"),
        ("allowCredentials", "[7]", "TypeError"),
        ("allowCredentials", r#"[{"type": "public-key", "id": "?"}]"#, "EncodingError"),
        ("allowCredentials", r#"[{"type": "password", "id": "AQ"}]"#, "NotAllowedError"),
        ("extensions", "7", "TypeError"),
        ("extensions", r#"{"prf": {"evalByCredential": [1]}}"#, "TypeError"),
    ] {
        let error = getting(member, value).unwrap_err();
        assert_eq!(error.name(), name, "{member}: {value}: {error}");
    }
    for text in ["", "null", "[]", "7", "\"{}\"", "{", "{}", "{\"publicKey\": null}", "\u{feff}{}"]
    {
        for error in [
            Create::new(&client(), &caller(), text, Instant::now()).unwrap_err(),
            Get::new(&client(), &caller(), text, Instant::now()).unwrap_err(),
        ] {
            assert_eq!(error.name(), "TypeError", "{text}: {error}");
        }
    }
}

#[test]
fn a_list_with_an_id_that_is_null_is_taken_without_it() {
    let list = r#"[{"type": "public-key", "id": null}, {"id": "AQ", "type": "public-key"}]"#;
    assert_eq!(creating("excludeCredentials", list).unwrap().exclude_list, [descriptor(&[1])]);
    assert_eq!(getting("allowCredentials", list).unwrap().allow_list.unwrap(), [descriptor(&[1])]);
}

#[test]
fn options_beside_a_member_public_key_that_is_null_count() {
    assert!(start_create(&with(creation(), "publicKey", Value::Null)).is_ok());
    assert!(start_get(&with(request(), "publicKey", Value::Null)).is_ok());
}

#[test]
fn of_two_faults_the_one_is_told_that_a_browser_finds_first() {
    let user = |id: &str| format!(r#"{{"id": "{id}", "name": "n", "displayName": "d"}}"#);
    let (undecodable, empty) = (user("?"), user(""));
    for (first, second, name) in [
        // All of it is converted,
        (("challenge", "\"?\""), ("pubKeyCredParams", "7"), "TypeError"),
        (("challenge", "\"?\""), ("excludeCredentials", "7"), "TypeError"),
        (("challenge", "\"?\""), ("extensions", r#"{"prf": {"eval": {}}}"#), "TypeError"),
        (("user", &undecodable), ("rp", "{}"), "TypeError"),
        (("user", r#"{"id": "?", "name": "n"}"#), ("timeout", "1"), "TypeError"),
        (("challenge", "\"?\""), ("attestationFormats", "7"), "TypeError"),
        // then decoded,
        (("challenge", "\"?\""), ("user", &empty), "EncodingError"),
        (("challenge", "\"?\""), ("rp", r#"{"id": "org", "name": "n"}"#), "EncodingError"),
        (
            ("pubKeyCredParams", r#"[{"type": "x", "alg": 1}]"#),
            ("excludeCredentials", r#"[{"type": "x", "id": "?"}]"#),
            "EncodingError",
        ),
        // and only then looked at.
        (("user", &empty), ("rp", r#"{"id": "org", "name": "n"}"#), "TypeError"),
    ] {
        let error = creating_all(&[first, second]).unwrap_err();
        assert_eq!(error.name(), name, "{first:?} {second:?}");
    }
    for (challenge, list, name) in [
        ("\"?\"", "7", "TypeError"),
        ("\"?\"", r#"[{"type": "x", "id": "AQ"}]"#, "EncodingError"),
        ("\"AQ\"", r#"[{"type": "x", "id": "AQ"}, {"type": "x", "id": "?"}]"#, "EncodingError"),
    ] {
        let options = text(&request(), &[("challenge", challenge), ("allowCredentials", list)]);
        let error = Get::new(&client(), &caller(), &options, Instant::now()).unwrap_err();
        assert_eq!(error.name(), name, "{challenge} {list}");
    }
}

#[test]
fn odd_options_in_a_member_public_key_are_converted_as_well() {
    let options = json!({"publicKey": with(creation(), "timeout", json!("60000")), "more": 7});
    assert!(start_create(&options).is_ok());
    // What stands beside it is an enumeration.
    assert_eq!(
        start_create(&with(options, "mediation", json!(7))).unwrap_err().name(),
        "TypeError"
    );
    let options = json!({"publicKey": with(request(), "extensions", json!([])), "signal": null});
    assert!(start_get(&options).is_ok());
}
