//! Answers that are lost, late, short, long or errors; and what the machine makes of them.

use std::time::Duration;

use super::{
    engines::hex,
    server::{Fault, Server},
    *,
};

fn dav(server: &Server, circle: ObjectHash) -> RemoteStore {
    open(server, "/dav", circle, Duration::from_secs(20))
}

fn open(server: &Server, folder: &str, circle: ObjectHash, patience: Duration) -> RemoteStore {
    let config = RemoteConfig { patience, ..RemoteConfig::default() };
    let address = format!("{}{folder}", server.origin());
    RemoteStore::open_with(&address, [], circle, config).unwrap()
}

fn s3(server: &Server, circle: ObjectHash) -> RemoteStore {
    let variables = [
        ("AWS_ACCESS_KEY_ID", "id"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
        ("AWS_REGION", "eu-central-1"),
        ("AWS_ENDPOINT_URL", &server.origin()),
        ("AWS_ALLOW_HTTP", "true"),
    ];
    let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let config = RemoteConfig::default();
    RemoteStore::open_with("s3://bucket/folder", variables, circle, config).unwrap()
}

fn circles(server: &Server, folder: &str) -> Vec<ObjectHash> {
    let address = format!("{}/{folder}", server.origin());
    RemoteStore::circles(&address, RemoteConfig::default()).unwrap()
}

#[test]
fn without_faults_both_kinds_do_what_a_store_does() {
    let server = Server::start();
    four_verbs(&dav(&server, CIRCLE));
    two_devices_share(|circle| dav(&server, circle));
    let found = circles(&server, "dav");
    assert!(found.len() == 2 && found.contains(&CIRCLE), "{found:?}");
    assert_eq!(circles(&server, "other"), []);
    let server = Server::start();
    four_verbs(&s3(&server, CIRCLE));
    two_devices_share(|circle| s3(&server, circle));
}

#[test]
fn what_may_be_tried_again_is() {
    for fault in [
        Fault::Status(503),
        Fault::Status(500),
        Fault::Status(429),
        Fault::Closed,
        Fault::AnswerLost,
    ] {
        for open in [dav, s3] {
            let server = Server::start();
            let store = open(&server, CIRCLE);
            for _ in 0..2 {
                server.faults(&[fault, fault]);
                store.put(NAME, b"bytes").unwrap_or_else(|error| panic!("{fault:?}: {error:?}"));
                server.faults(&[fault]);
                assert_eq!(store.get(NAME).unwrap().as_deref(), Some(&b"bytes"[..]), "{fault:?}");
                server.faults(&[fault]);
                assert_eq!(store.list().unwrap(), [NAME.to_string()], "{fault:?}");
                server.faults(&[fault]);
                store.delete(NAME).unwrap_or_else(|error| panic!("{fault:?}: {error:?}"));
                assert_eq!(store.list().unwrap(), [""; 0]);
            }
        }
    }
}

#[test]
fn what_is_refused_is_not_asked_again_and_told() {
    for open in [dav, s3] {
        let server = Server::start();
        let store = open(&server, CIRCLE);
        for status in [401, 403] {
            server.faults(&[Fault::Status(status)]);
            let refused = store.put(NAME, b"bytes").unwrap_err();
            let read_only = matches!(refused, RemoteError::ReadOnly { .. });
            let told = read_only || matches!(refused, RemoteError::Refused { .. });
            assert!(told && read_only == (status == 403), "{status}: {refused:?}");
            assert_eq!(server.requests().len(), 1);
            server.faults(&[Fault::Status(status)]);
            assert!(matches!(store.list(), Err(RemoteError::Refused { .. })));
            server.requests();
        }
        // Redirects are not followed: the password would go along.
        server.faults(&[Fault::Status(302)]);
        assert!(matches!(store.get(NAME), Err(RemoteError::Unavailable(_))));
        assert_eq!(server.requests().len(), 1);
    }
    let server = Server::start();
    server.faults(&[Fault::Status(404)]);
    let absent = s3(&server, CIRCLE).put(NAME, b"bytes").unwrap_err();
    assert!(matches!(absent, RemoteError::Absent(_)), "{absent:?}");
}

#[test]
fn a_store_that_does_not_come_back_is_told_of() {
    let server = Server::start();
    let store = dav(&server, CIRCLE);
    server.faults(&[Fault::Status(500); 5]);
    let failing = store.put(NAME, b"bytes").unwrap_err();
    assert!(matches!(failing, RemoteError::Unavailable(_)), "{failing:?}");
    assert_eq!(server.requests().len(), 5, "once, and four times more");
    let nobody =
        RemoteStore::open_with("http://127.0.0.1:9/x", [], CIRCLE, RemoteConfig::default());
    assert!(matches!(nobody.unwrap().list(), Err(RemoteError::Unavailable(_))));
}

/// Each of these is final, has its sentence, and is asked once.
#[test]
fn what_a_store_will_not_do_is_told_for_what_it_is() {
    let server = Server::start();
    let too_large = "<Error><Code>EntityTooLarge</Code></Error>";
    for open in [dav, s3] {
        let store = open(&server, CIRCLE);
        for (fault, sentence) in [
            (Fault::Status(413), "of this size"),
            (Fault::Status(414), "of this name"),
            (Fault::Answer(400, too_large), "of this size"),
            (Fault::Answer(400, "<Error><Code>ExpiredToken</Code></Error>"), "get new ones"),
            (Fault::Answer(400, "<Error><Code>Other</Code></Error>"), "can't be reached"),
            (Fault::Status(405), "read and not changed"),
            (Fault::Status(507), "make room"),
        ] {
            server.requests();
            server.faults(&[fault]);
            let error = store.put(NAME, b"bytes").unwrap_err();
            assert!(error.to_string().contains(sentence), "{fault:?}: {error}");
            assert_eq!(store.never_takes(&error), sentence.starts_with("of this"), "{fault:?}");
            assert_eq!(server.requests().len(), 1, "{fault:?}");
        }
    }
    server.faults(&[Fault::Status(405)]);
    let other = dav(&server, CIRCLE).list().unwrap_err();
    assert!(matches!(other, RemoteError::NoWebDav(_)), "{other:?}");
}

/// What goes wrong with S3 most often, whatever is asked of it.
#[test]
fn a_wrong_clock_an_old_token_and_a_wrong_region_are_told_as_such() {
    let server = Server::start();
    let store = s3(&server, CIRCLE);
    for (status, answer, sentence) in [
        (403, "<Error><Code>RequestTimeTooSkewed</Code></Error>", "set this one's clock"),
        (400, "<Error><Code>ExpiredToken</Code></Error>", "have expired"),
        (403, "<Error><Code>ExpiredToken</Code></Error>", "AWS_SESSION_TOKEN"),
        (400, "<Error><Code>AuthorizationHeaderMalformed</Code></Error>", "set AWS_REGION"),
        (301, "<Error><Code>PermanentRedirect</Code></Error>", "set AWS_REGION"),
        (403, "<Error><Code>SignatureDoesNotMatch</Code></Error>", "AWS_SECRET_ACCESS_KEY"),
        (301, "<Error><Code>Other</Code></Error>", "can't be reached"),
    ] {
        server.requests();
        server.faults(&[Fault::Answer(status, answer); 4]);
        let told = [
            store.put(NAME, b"bytes").unwrap_err(),
            store.get(NAME).unwrap_err(),
            store.list().unwrap_err(),
            store.delete(NAME).unwrap_err(),
        ];
        for error in &told {
            let read_only = matches!(error, RemoteError::ReadOnly { .. });
            let told = error.to_string();
            assert!(told.contains(sentence) || read_only, "{status} {answer}: {told}");
            assert!(!read_only || answer.contains("Signature"), "{answer}");
            assert!(!store.never_takes(error));
        }
        assert_eq!(server.requests().len(), 4, "{answer}: none is asked twice");
    }
}

#[test]
fn what_is_late_is_asked_again_and_ends() {
    let server = Server::start();
    let store = open(&server, "/dav", CIRCLE, Duration::from_millis(300));
    server.faults(&[Fault::Slow(Duration::from_secs(5))]);
    store.put(NAME, b"bytes").unwrap();
    assert_eq!(store.get(NAME).unwrap().as_deref(), Some(&b"bytes"[..]));
    let config = RemoteConfig { longest: Duration::from_millis(500), ..RemoteConfig::default() };
    let address = format!("{}/dav", server.origin());
    let store = RemoteStore::open_with(&address, [], CIRCLE, config).unwrap();
    server.faults(&[Fault::Slow(Duration::from_secs(5))]);
    let late = store.get(NAME).unwrap_err();
    assert!(matches!(late, RemoteError::Late(_)), "{late:?}");
}

#[test]
fn lengths_that_are_wrong_do_no_harm() {
    for open in [dav, s3] {
        let server = Server::start();
        let store = open(&server, CIRCLE);
        store.put(NAME, b"some bytes").unwrap();
        server.faults(&[Fault::Short]);
        // The rest is asked for again, or it is said that it can't be had; never a part of it.
        if let Ok(got) = store.get(NAME) {
            assert_eq!(got.as_deref(), Some(&b"some bytes"[..]));
        }
        server.faults(&[Fault::Short]);
        assert_eq!(store.list().unwrap(), [NAME.to_string()], "it is asked for again");
        server.faults(&[Fault::Short; 5]);
        assert!(store.list().is_err(), "a part of a listing is none");
        server.faults(&[Fault::Long(9 << 20)]);
        assert!(store.list().is_err());
        server.faults(&[Fault::Long(NAME.limit() + 1)]);
        assert_eq!(store.get(NAME).unwrap(), None);
    }
}

/// Where a store can't write only what is absent, it is written in any case.
#[test]
fn what_a_store_can_not_do_is_done_otherwise() {
    let server = Server::start();
    let store = s3(&server, CIRCLE);
    server.faults(&[Fault::Status(501)]);
    store.put(NAME, b"bytes").unwrap();
    assert_eq!(server.requests().len(), 2);
    assert_eq!(store.get(NAME).unwrap().as_deref(), Some(&b"bytes"[..]));
}

/// The listing comes page by page, and one of them fails at first.
#[test]
fn a_listing_of_many_pages_is_whole_or_none() {
    let server = Server::start();
    let store = s3(&server, CIRCLE);
    let names: Vec<_> = (1..=9).map(|byte| StoreName::Epoch(ObjectHash([byte; 16]))).collect();
    for name in &names {
        store.put(*name, b"bytes").unwrap();
    }
    server.requests();
    server.faults(&[Fault::None, Fault::None, Fault::Status(503)]);
    let listed = store.list().unwrap();
    assert_eq!(listed, names.iter().map(ToString::to_string).collect::<Vec<_>>());
    assert_eq!(server.requests().len(), 10);
    server.faults(&[Fault::None, Fault::None, Fault::Status(403)]);
    assert!(matches!(store.list(), Err(RemoteError::Refused { .. })));
}

/// Otherwise it would look as if the store had lost the rest.
#[test]
fn a_page_that_names_no_next_one_and_says_that_there_is_one_is_refused() {
    let server = Server::start();
    let store = s3(&server, CIRCLE);
    store.put(NAME, b"bytes").unwrap();
    for more in ["", "<NextContinuationToken></NextContinuationToken>"] {
        server.faults(&[Fault::Cut(more)]);
        let refused = store.list().unwrap_err();
        assert!(matches!(refused, RemoteError::Unavailable(_)), "{refused:?}");
    }
    server.faults(&[Fault::Cut("<NextContinuationToken>a</NextContinuationToken>")]);
    assert_eq!(store.list().unwrap(), [NAME.to_string()]);
}

/// A folder that was listed and is gone a moment later is no empty one.
#[test]
fn a_folder_that_is_not_there_is_empty_for_the_circle_alone() {
    let server = Server::start();
    let store = dav(&server, CIRCLE);
    store.put(NAME, b"bytes").unwrap();
    server.faults(&[Fault::Status(404)]);
    assert_eq!(store.list().unwrap(), [""; 0]);
    server.faults(&[Fault::None, Fault::Status(404)]);
    assert!(matches!(store.list(), Err(RemoteError::Absent(_))));
    server.faults(&[Fault::Status(404)]);
    assert_eq!(circles(&server, "dav"), []);
}

/// A new passkey costs two requests, a look with nothing new one listing.
#[test]
fn a_new_key_costs_two_requests() {
    let server = Server::start();
    let crypto = rustcrypto::provider();
    let mut first = begin(&crypto);
    let store = s3(&server, first.id());
    sync(&mut first, &store);
    server.requests();
    make(&mut first, 1);
    while let Some(output) = first.poll_output() {
        if let Some(SyncOutput::Save { token, .. }) =
            store.answer(&mut first, output, now()).unwrap()
        {
            first.handle_saved(token);
        }
    }
    let requests = server.requests();
    assert_eq!(requests.len(), 2, "{requests:?}");
    assert!(requests.iter().all(|request| request.starts_with("PUT /bucket/folder/")));
    assert!(!first.is_on_this_device_only());
    // It deletes what the new head has replaced.
    sync(&mut first, &store);
    // Of one name a page here.
    let names = store.list().unwrap().len();
    server.requests();
    sync(&mut first, &store);
    let requests = server.requests();
    assert_eq!(requests.len(), names);
    assert!(requests.iter().all(|request| request == "GET /bucket"), "{requests:?}");
}

/// Whatever fails on the way: nothing is lost, and the person hears it from the store, not as an
/// accusation.
#[test]
fn a_circle_gets_over_every_fault() {
    let all = [
        Fault::None,
        Fault::Status(403),
        Fault::AnswerLost,
        Fault::Status(500),
        Fault::Short,
        Fault::Closed,
        Fault::None,
    ];
    let server = Server::start();
    let crypto = rustcrypto::provider();
    let mut first = begin(&crypto);
    let store = dav(&server, first.id());
    let mut second = join(&crypto, &mut first);
    for record in 1..=6 {
        make(if record % 2 == 0 { &mut first } else { &mut second }, record);
        for (shift, device) in [&mut first, &mut second].into_iter().enumerate() {
            let mut faults = all;
            faults.rotate_left((usize::from(record) + shift) % all.len());
            server.faults(&faults);
            let (notices, _) = look(device, &store);
            assert!(notices.is_empty(), "{notices:?}");
        }
    }
    server.faults(&[]);
    for _ in 0..3 {
        sync(&mut first, &store);
        sync(&mut second, &store);
    }
    assert!((1..=6).all(|record| has(&first, record) && has(&second, record)));
    let path = format!("/dav/{}/m/{}", hex(first.id()), hex(first.id()));
    assert!(server.keeps(&path), "the first record is there");
}
