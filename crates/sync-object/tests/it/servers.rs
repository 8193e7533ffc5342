//! Servers of other authors: Apache's WebDAV, and the S3 of moto.

use towline_testkit::ForeignServer;

use super::*;

const ANNA: (&str, &str) = ("anna", "s:x");

fn at_apache(
    server: &ForeignServer,
    folder: &str,
    (user, password): (&str, &str),
    circle: ObjectHash,
) -> RemoteStore {
    let variables = [("TOWLINE_WEBDAV_USER", user), ("TOWLINE_WEBDAV_PASSWORD", password)];
    let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let address = format!("{}{folder}", server.dav());
    RemoteStore::open_with(&address, variables, circle, RemoteConfig::default()).unwrap()
}

#[test]
#[ignore = "needs Apache: .ci/run stores"]
fn two_devices_share_through_apaches_webdav() {
    let server = ForeignServer::apache();
    four_verbs(&at_apache(&server, "", ANNA, CIRCLE));
    // Folders are made as they are needed.
    two_devices_share(|circle| at_apache(&server, "/some/folder", ANNA, circle));
    let wrong = at_apache(&server, "", ("anna", "wrong"), CIRCLE);
    for refused in [wrong.list().unwrap_err(), wrong.put(NAME, b"bytes").unwrap_err()] {
        assert!(matches!(refused, RemoteError::Refused { .. }), "{refused:?}");
        assert!(refused.to_string().contains("TOWLINE_WEBDAV_PASSWORD"), "{refused}");
    }
}

#[test]
#[ignore = "needs Apache: .ci/run stores"]
fn whoever_may_only_read_is_told_so() {
    let server = ForeignServer::apache();
    let store = at_apache(&server, "", ("ben", "s:x"), CIRCLE);
    assert_eq!(store.list().unwrap(), [""; 0]);
    at_apache(&server, "", ANNA, CIRCLE).put(NAME, b"bytes").unwrap();
    assert_eq!(store.get(NAME).unwrap().as_deref(), Some(&b"bytes"[..]));
    let other = StoreName::Membership(ObjectHash([2; 16]));
    for refused in [store.put(other, b"bytes").unwrap_err(), store.delete(NAME).unwrap_err()] {
        assert!(matches!(refused, RemoteError::ReadOnly { .. }), "{refused:?}");
    }
}

/// Apache's answer 413, and what the circle makes of it.
#[test]
#[ignore = "needs Apache: .ci/run stores"]
fn a_server_that_takes_small_objects_only_gets_small_ones() {
    let server = ForeignServer::apache();
    let crypto = rustcrypto::provider();
    let mut first = begin(&crypto);
    let at_first = at_apache(&server, "/small", ANNA, first.id());
    let large = at_first.put(NAME, &[0; 10_000]).unwrap_err();
    assert!(matches!(large, RemoteError::NotTaken(_)), "{large:?}");
    (1..=100).for_each(|record| make(&mut first, record));
    sync(&mut first, &at_first);
    assert!(!first.is_on_this_device_only());
    let mut second = join(&crypto, &mut first);
    sync(&mut first, &at_first);
    make(&mut first, 101);
    sync(&mut first, &at_first);
    sync(&mut second, &at_first);
    assert!((1..=101).all(|record| has(&second, record)));
}

/// Each makes the folders that it finds missing, at the same time.
#[test]
#[ignore = "needs Apache: .ci/run stores"]
fn many_devices_begin_at_once() {
    let server = ForeignServer::apache();
    std::thread::scope(|scope| {
        for device in 0..6_u8 {
            let store = at_apache(&server, "/new/folder", ANNA, CIRCLE);
            scope.spawn(move || {
                let name = StoreName::Segment(DeviceId([device; 16]), ObjectHash([device; 16]));
                store.put(name, &[device; 1000]).unwrap();
            });
        }
    });
    assert_eq!(at_apache(&server, "/new/folder", ANNA, CIRCLE).list().unwrap().len(), 6);
}

fn at_moto(server: &ForeignServer, address: &str, circle: ObjectHash) -> RemoteStore {
    let endpoint = server.origin();
    let variables = [
        ("AWS_ACCESS_KEY_ID", "id"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ENDPOINT_URL", &endpoint),
        ("AWS_ALLOW_HTTP", "true"),
    ];
    let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
    RemoteStore::open_with(address, variables, circle, RemoteConfig::default()).unwrap()
}

#[test]
#[ignore = "needs moto: .ci/run stores"]
fn two_devices_share_through_s3() {
    let server = ForeignServer::moto();
    four_verbs(&at_moto(&server, "s3://bucket", CIRCLE));
    two_devices_share(|circle| at_moto(&server, "s3://bucket/some/folder", circle));
    let absent = at_moto(&server, "s3://no-such-bucket", CIRCLE).list().unwrap_err();
    assert!(matches!(absent, RemoteError::Absent(_)), "{absent:?}");
}
