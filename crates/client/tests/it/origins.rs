//! Who may ask, and for which RP ID.

use towline_client::{CompiledPublicSuffixes, Error, Origin, OriginProblem, PublicSuffixes};

fn problem(text: &str) -> OriginProblem {
    match Origin::parse(text) {
        Err(error @ Error::Origin { .. }) => {
            assert_eq!(error.name(), "SecurityError");
            match error {
                Error::Origin { reason, .. } => reason,
                _ => unreachable!(),
            }
        }
        other => panic!("{text}: {other:?}"),
    }
}

fn rp_id(origin: &str, asked_for: &str) -> Result<String, Error> {
    Origin::parse(origin)
        .unwrap()
        .rp_id(Some(asked_for), &CompiledPublicSuffixes)
        .map(|rp_id| rp_id.as_str().to_owned())
}

#[test]
fn origins_are_written_in_one_form() {
    for (text, form, domain) in [
        ("https://example.org", "https://example.org", "example.org"),
        ("https://example.org/", "https://example.org", "example.org"),
        ("HTTPS://Example.ORG:443", "https://example.org", "example.org"),
        ("https://example.org:8443", "https://example.org:8443", "example.org"),
        ("http://localhost:3000", "http://localhost:3000", "localhost"),
        ("http://app.localhost", "http://app.localhost", "app.localhost"),
        ("https://bücher.example", "https://xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("https://login.example.co.uk", "https://login.example.co.uk", "login.example.co.uk"),
    ] {
        let origin = Origin::parse(text).unwrap();
        assert_eq!((origin.as_str(), origin.domain()), (form, domain));
    }
}

#[test]
fn what_is_not_an_origin_is_refused() {
    for text in [
        "",
        "example.org",
        "https://",
        "https://example.org/login",
        "https://example.org?x",
        "https://example.org/#x",
        "https://jo@example.org",
        "https://jo:pw@example.org",
        "https://exa mple.org",
        "https://example.org.",
        "https://example.org:99999",
        "null",
    ] {
        assert_eq!(problem(text), OriginProblem::Syntax, "{text}");
    }
}

#[test]
fn insecure_origins_are_refused() {
    for text in [
        "http://example.org",
        "http://localhost.example.org",
        "http://notlocalhost",
        "ftp://example.org",
        "ws://localhost",
        "file:///",
    ] {
        assert_eq!(problem(text), OriginProblem::Insecure, "{text}");
    }
}

#[test]
fn ip_addresses_are_refused() {
    for text in [
        "https://192.0.2.1",
        "https://[2001:db8::1]",
        "http://127.0.0.1:8080",
        "http://[::1]",
        "https://0x7f000001",
        "https://3221225985",
    ] {
        assert_eq!(problem(text), OriginProblem::IpAddress, "{text}");
    }
}

#[test]
fn an_origin_may_use_its_domain_and_those_above_it_up_to_the_registrable_one() {
    for (origin, rp) in [
        ("https://example.org", "example.org"),
        ("https://login.example.org:8443", "login.example.org"),
        ("https://login.example.org", "example.org"),
        ("https://a.b.login.example.org", "login.example.org"),
        ("https://login.example.co.uk", "example.co.uk"),
        ("https://app.someone.github.io", "someone.github.io"),
        ("http://localhost:8080", "localhost"),
        ("https://intranet", "intranet"),
        ("https://github.io", "github.io"),
        ("https://login.bücher.example", "xn--bcher-kva.example"),
        ("https://login.食狮.公司.cn", "xn--85x722f.xn--55qx5d.cn"),
    ] {
        assert_eq!(rp_id(origin, rp).as_deref(), Ok(rp), "{origin}");
    }
}

#[test]
fn without_an_rp_id_it_is_the_domain() {
    let origin = Origin::parse("https://login.example.org:8443").unwrap();
    assert_eq!(origin.rp_id(None, &CompiledPublicSuffixes).unwrap().as_str(), "login.example.org");
}

#[test]
fn public_suffixes_are_refused() {
    for (origin, rp) in [
        ("https://example.org", "org"),
        ("https://example.co.uk", "co.uk"),
        ("https://example.co.uk", "uk"),
        ("https://someone.github.io", "github.io"),
        ("https://someone.github.io", "io"),
        ("http://app.localhost", "localhost"),
        ("https://login.食狮.公司.cn", "xn--55qx5d.cn"),
        ("https://site.anything.ck", "anything.ck"),
        // Not a suffix itself, but above one.
        ("https://x.s3.dualstack.us-east-1.amazonaws.com", "dualstack.us-east-1.amazonaws.com"),
        ("https://example.org", "com"),
    ] {
        let error = rp_id(origin, rp).unwrap_err();
        assert_eq!(error, Error::PublicSuffix(rp.into()), "{origin}");
        assert_eq!(error.name(), "SecurityError");
    }
}

#[test]
fn rp_ids_of_other_sites_are_refused_as_related_origins() {
    for (origin, rp) in [
        ("https://example.org", "example.com"),
        ("https://example.org", "login.example.org"),
        ("https://notexample.org", "example.org"),
        ("https://example.org.evil.net", "example.org"),
        ("https://one.github.io", "two.github.io"),
        ("https://one.co.uk", "two.co.uk"),
        ("http://localhost", "example.org"),
    ] {
        let error = rp_id(origin, rp).unwrap_err();
        assert!(matches!(error, Error::RelatedOrigin { .. }), "{origin} {rp}: {error:?}");
        assert_eq!(error.name(), "SecurityError");
        assert!(error.to_string().contains("does not list it in https://"), "{error}");
    }
}

#[test]
fn rp_ids_that_are_not_canonical_domain_names_are_refused() {
    let long = format!("{}.example.org", "a.".repeat(126));
    for rp in [
        "",
        ".",
        "Example.org",
        "example.org.",
        "bücher.example",
        "https://example.org",
        "example.org:443",
        "example.org/",
        "192.0.2.1",
        "127.1",
        "[::1]",
        "exa mple.org",
        "ex%61mple.org",
        long.as_str(),
    ] {
        let error = rp_id("https://login.example.org", rp).unwrap_err();
        assert!(
            matches!(error, Error::InvalidRpId(_) | Error::RelatedOrigin { .. }),
            "{rp}: {error:?}"
        );
        assert_eq!(error.name(), "SecurityError");
    }
}

#[test]
fn the_list_of_public_suffixes_can_be_replaced() {
    struct Own;

    impl PublicSuffixes for Own {
        fn public_suffix<'d>(&self, domain: &'d str) -> &'d str {
            if domain.ends_with("example.org") { "example.org" } else { domain }
        }
    }

    let origin = Origin::parse("https://login.example.org").unwrap();
    assert!(origin.rp_id(Some("example.org"), &Own).is_err());
    assert!(origin.rp_id(Some("org"), &Own).is_err());
    assert!(origin.rp_id(Some("login.example.org"), &Own).is_ok());
}

#[test]
fn the_compiled_list_knows_its_rules() {
    for (domain, suffix) in [
        ("login.example.org", "org"),
        ("example.co.uk", "co.uk"),
        ("co.uk", "co.uk"),
        ("a.b.github.io", "github.io"),
        ("www.ck", "ck"),
        ("a.b.ck", "b.ck"),
        ("localhost", "localhost"),
        ("host.no-such-tld", "no-such-tld"),
    ] {
        assert_eq!(CompiledPublicSuffixes.public_suffix(domain), suffix, "{domain}");
    }
}
