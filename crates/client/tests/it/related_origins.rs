//! Passkeys of another site, which says that this one may use them (WebAuthn L3 §5.11).

use towline_client::{Caller, CompiledPublicSuffixes, Error, Origin};

fn caller(origin: &str) -> Caller {
    Origin::parse(origin).unwrap().into()
}

/// Whether this origin may use the passkeys of example.com, which says this.
fn may(origin: &str, document: &str) -> bool {
    let caller = caller(origin).related("example.com", document).unwrap();
    let rp_id = caller.rp_id(Some("example.com"), &CompiledPublicSuffixes);
    if let Err(error) = &rp_id {
        assert!(matches!(error, Error::RelatedOrigin { .. }), "{error:?}");
    }
    rp_id.is_ok()
}

fn listing(origins: &[&str]) -> String {
    serde_json::json!({ "origins": origins }).to_string()
}

#[test]
fn a_listed_origin_may_and_others_may_not() {
    let document = listing(&["https://example.net", "https://login.example.co.uk:8443"]);
    assert!(may("https://example.net", &document));
    assert!(may("https://login.example.co.uk:8443", &document));
    for origin in [
        "https://login.example.net",
        "https://example.net:8443",
        "https://example.co.uk",
        "https://login.example.co.uk",
        "http://localhost",
    ] {
        assert!(!may(origin, &document), "{origin}");
    }
    assert!(!may("https://example.net", &listing(&[])));
}

#[test]
fn entries_that_are_no_origins_are_passed_over() {
    let document = r#"{"origins": [7, null, "", "example.net", "https://192.0.2.1", "https://com",
        "https://example.net/login", "https://example.net"], "more": true}"#;
    assert!(may("https://example.net", document));
    assert!(!may("https://192.0.2.1.example.org", document));
}

#[test]
fn names_beyond_the_fifth_do_not_count() {
    let mut origins: Vec<String> = (1..=5).map(|n| format!("https://site{n}.example")).collect();
    origins.extend(["https://site6.example".into(), "https://login.site1.example".into()]);
    let origins: Vec<&str> = origins.iter().map(String::as_str).collect();
    let document = listing(&origins);
    assert!(may("https://site5.example", &document));
    assert!(!may("https://site6.example", &document));
    // Another origin of a name that was counted.
    assert!(may("https://login.site1.example", &document));
    // One name under several suffixes is one.
    let suffixes = ["com", "net", "org", "co.uk", "de", "dk", "no", "se"];
    let same: Vec<String> = suffixes.iter().map(|s| format!("https://example.{s}")).collect();
    let same: Vec<&str> = same.iter().map(String::as_str).collect();
    assert!(may("https://example.se", &listing(&same)));
}

#[test]
fn what_is_said_of_one_rp_id_holds_for_no_other() {
    let caller =
        caller("https://example.net").related("example.com", &listing(&["https://example.net"]));
    let caller = caller.unwrap();
    for (rp_id, name) in [("example.org", "SecurityError"), ("com", "SecurityError")] {
        let error = caller.rp_id(Some(rp_id), &CompiledPublicSuffixes).unwrap_err();
        assert_eq!(error.name(), name);
    }
    assert_eq!(caller.rp_id(None, &CompiledPublicSuffixes).unwrap().as_str(), "example.net");
}

#[test]
fn what_is_no_such_document_is_refused() {
    for document in ["", "[]", "{}", "7", r#"{"origins": {}}"#, r#"{"origins": "https://x.org"}"#] {
        let error = caller("https://example.net").related("example.com", document).unwrap_err();
        assert_eq!(error.name(), "TypeError", "{document}");
    }
}
