//! Addresses and credentials, as people write them.

use super::*;

fn open(address: &str, variables: &[(&str, &str)]) -> Result<RemoteStore, RemoteError> {
    let variables = variables.iter().map(|(name, value)| ((*name).into(), (*value).into()));
    RemoteStore::open_with(address, variables, CIRCLE, RemoteConfig::default())
}

const AWS: &[(&str, &str)] =
    &[("AWS_ACCESS_KEY_ID", "id"), ("AWS_SECRET_ACCESS_KEY", "very-secret"), ("OTHER", "x")];
const AZURE: &[(&str, &str)] =
    &[("AZURE_STORAGE_ACCOUNT_NAME", "anna"), ("AZURE_STORAGE_ACCOUNT_KEY", "dmVyeS1zZWNyZXQ=")];
const DAV: &[(&str, &str)] =
    &[("TOWLINE_WEBDAV_USER", "anna"), ("TOWLINE_WEBDAV_PASSWORD", "very-secret")];

#[test]
fn each_kind_of_store_has_its_address() {
    for (address, variables) in [
        ("s3://bucket", AWS),
        ("s3://bucket/some/folder", AWS),
        ("gs://bucket/folder", &[("GOOGLE_BEARER_TOKEN", "very-secret")][..]),
        ("az://container/folder/", AZURE),
        ("https://host.example/remote.php/dav/files/anna/towline", DAV),
        ("http://localhost:8080/dav", DAV),
        ("http://[::1]:8080/dav", &[]),
    ] {
        let store = open(address, variables).unwrap_or_else(|error| panic!("{address}: {error:?}"));
        let shown = format!("{store:?}");
        assert!(shown.contains(&"07".repeat(16)) && !shown.contains("secret"), "{shown}");
    }
}

#[test]
fn what_is_no_address_is_refused_in_a_sentence() {
    for address in
        ["", "bucket", "ftp://host/x", "s3:///folder", "s3:bucket", "s3:/x", "file:///tmp/x"]
    {
        let refused = open(address, AWS).unwrap_err();
        assert!(matches!(refused, RemoteError::Address(_)), "{address}: {refused:?}");
        assert!(refused.to_string().contains("write s3://BUCKET/FOLDER"));
    }
    for address in [
        "htps://anna:secret@host/x",
        "webdav://anna:se@secret?secret@host/x",
        "//anna:secret@host",
        "htps://host/x?token=secret",
        "s3://anna:secret@",
        "s3://anna:se/secret+x@bucket/x",
        "s3:anna:secret@bucket/x",
        "htps://host/x#secret",
        "htps://host/x#se@secret",
    ] {
        let refused = open(address, AWS).unwrap_err();
        let shown = format!("{refused} {refused:?}");
        assert!(!shown.contains("secret") && !shown.contains("anna"), "{shown}");
    }
    let long = open(&"x".repeat(100_000), AWS).unwrap_err();
    assert!(long.to_string().len() < 400);
}

#[test]
fn passwords_come_from_the_environment_alone() {
    for address in
        ["s3://id:secret@bucket/x", "https://anna:secret@host.example/x", "az://c/x?sig=secret"]
    {
        let refused = open(address, AWS).unwrap_err();
        assert!(matches!(refused, RemoteError::SecretInAddress { .. }), "{address}: {refused:?}");
        assert!(!refused.to_string().contains("secret"), "{refused}");
    }
    for address in ["s3://bucket/x#secret", "https://host.example/x#secret"] {
        let refused = open(address, AWS).unwrap_err();
        assert!(matches!(refused, RemoteError::Fragment), "{address}: {refused:?}");
        assert!(!format!("{refused} {refused:?}").contains("secret"), "{refused}");
    }
    for (address, name) in [
        ("s3://bucket", "AWS_SECRET_ACCESS_KEY"),
        ("s3://bucket", "AWS_REGION"),
        ("gs://bucket", "GOOGLE_APPLICATION_CREDENTIALS"),
        ("az://container", "AZURE_STORAGE_ACCOUNT_KEY"),
    ] {
        let refused = open(address, &[("AWS_ACCESS_KEY_ID", "id")]).unwrap_err();
        assert!(matches!(refused, RemoteError::NoCredentials { .. }), "{address}: {refused:?}");
        assert!(refused.to_string().contains(name), "{refused}");
    }
}

#[test]
fn without_tls_a_password_stays_on_this_machine() {
    for address in ["http://host.example/dav", "http://192.0.2.7/dav", "http://localhost.x/dav"] {
        assert!(matches!(open(address, DAV), Err(RemoteError::Plain)), "{address}");
    }
}

#[test]
fn what_is_wrong_in_the_environment_is_told() {
    let refused = open(
        "az://container",
        &[("AZURE_STORAGE_ACCOUNT_NAME", "anna"), ("AZURE_STORAGE_ACCOUNT_KEY", "not base64!")],
    );
    let refused = refused.unwrap_err();
    assert!(matches!(refused, RemoteError::Configuration { .. }), "{refused:?}");
    assert!(refused.to_string().contains("AZURE_STORAGE_ACCOUNT_KEY"));
}
