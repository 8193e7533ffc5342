//! `towline key` as other keys than the usual one, and what its person is told of them.

use std::{path::Path, time::Duration};

use tokio::time::timeout;
use towline_ctap::{
    AttestationStatement, GetInfo, MakeCredentialResponse, PackedAttestation, Status,
};
use towline_testkit::hid::{Client, make_credential};

use crate::{
    key::{GET_INFO, UDP, key},
    program::{Directory, Program, run, run_plain},
    world::text,
};

const AUTO: [&str; 2] = ["--presence", "auto"];

async fn info(args: &[&str]) -> GetInfo {
    let (_key, mut client) = key(args).await;
    GetInfo::decode(&client.request(GET_INFO).await).unwrap()
}

/// What a site gets that registers with this key.
async fn registered(args: &[&str]) -> MakeCredentialResponse {
    let (_key, mut client) = key(&[&AUTO, args].concat()).await;
    MakeCredentialResponse::decode(&client.request(&make_credential()).await).unwrap()
}

/// A key and its certificate; with a serial number, it is for one device alone.
fn vouching(directory: &Directory, name: &str, serial: bool) -> [String; 4] {
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
    let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
    if serial {
        let number = [1, 3, 6, 1, 4, 1, 45724, 1, 1, 2];
        let value = vec![0x04, 2, 0, 1];
        params.custom_extensions.push(rcgen::CustomExtension::from_oid_content(&number, value));
    }
    let certificate = params.self_signed(&key).unwrap();
    let place = |ending: &str| directory.path(&format!("{name}.{ending}"));
    let (private, public) = (place("key"), place("pem"));
    std::fs::write(&private, key.serialize_pem()).unwrap();
    std::fs::write(&public, certificate.pem()).unwrap();
    ["--attestation-key".into(), private, "--attestation-certificates".into(), public]
}

fn with<'a>(args: &[&'a str], more: &'a [String]) -> Vec<&'a str> {
    args.iter().copied().chain(more.iter().map(String::as_str)).collect()
}

#[tokio::test]
async fn a_flag_makes_it_the_key_that_a_tool_wants() {
    let usual = info(&[]).await;
    assert_eq!(usual.options.make_cred_uv_not_rqd, Some(true));
    assert_eq!((usual.long_touch_for_reset, usual.pin_complexity_policy), (None, None));
    let strict = info(&["--verify-to-register"]).await.options.make_cred_uv_not_rqd;
    assert_ne!(strict, Some(true), "systemd-cryptenroll would enrol without the PIN");
    assert_eq!(info(&["--long-touch-reset"]).await.long_touch_for_reset, Some(false));
    for (policy, on) in [("configurable", false), ("enforced", true)] {
        let told = info(&["--pin-complexity", policy]).await.pin_complexity_policy;
        assert_eq!(told, Some(on), "{policy}");
    }
}

#[tokio::test]
async fn a_site_is_told_of_the_key_what_its_person_wants() {
    let AttestationStatement::Packed(own) = registered(&[]).await.attestation else { panic!() };
    assert_eq!(own.x5c, None);
    let none = registered(&["--attestation", "none"]).await.attestation;
    assert_eq!(none, AttestationStatement::None);
    let directory = Directory::new();
    let files = vouching(&directory, "batch", false);
    let basic = registered(&with(&["--attestation", "basic"], &files)).await.attestation;
    let AttestationStatement::Packed(PackedAttestation { x5c: Some(chain), .. }) = basic else {
        panic!("{basic:?}")
    };
    assert_eq!(chain.len(), 1, "pamu2fcfg 1.1.0 takes nothing without a certificate");
}

#[tokio::test]
async fn enterprise_attestation_is_offered_and_off() {
    assert_eq!(info(&[]).await.options.ep, None);
    let directory = Directory::new();
    let files = vouching(&directory, "device", true);
    let args = ["--enterprise-attestation", "--enterprise-rp", "example.org"];
    assert_eq!(info(&with(&args, &files)).await.options.ep, Some(false));
}

#[tokio::test]
async fn what_contradicts_itself_is_refused_with_a_sentence_before_anything_is_made() {
    let directory = Directory::new();
    let (files, other) = (vouching(&directory, "a", false), vouching(&directory, "b", true));
    let [_, key, option, _] = files.clone();
    let swapped = ["--attestation-key".into(), key, option, other[3].clone()];
    let no_key = ["--attestation-key", &files[3], "--attestation-certificates", &files[3]];
    let store = directory.path("passkeys");
    for (args, reason, says) in [
        (vec!["--attestation", "basic"], "attestation", "somebody has to vouch"),
        (vec!["--enterprise-attestation"], "attestation", "somebody has to vouch"),
        (with(&[], &files), "attestation", "add --attestation basic"),
        (with(&["--attestation", "basic"], &swapped), "attestation", "not for the key in"),
        ([&["--attestation", "basic"][..], &no_key].concat(), "attestation", "can't vouch"),
        (with(&["--enterprise-attestation"], &files), "settings", "serial number"),
        (
            with(
                &["--enterprise-attestation", "--enterprise-rp", "a.b", "--enterprise-rp", "a.b"],
                &other,
            ),
            "settings",
            "twice",
        ),
    ] {
        let args = [&["key", "--listen", UDP, "--store", &store][..], &args].concat();
        let ended = run(&args).await;
        ended.assert_failed(2, reason);
        let message = text(&ended.failed()["message"]);
        assert!(message.contains(says), "{args:?}: {message}");
        assert_eq!(ended.events.len(), 1, "{args:?}");
        assert!(!Path::new(&store).exists(), "{args:?}");
    }
    for args in [&["--timeout", "0"][..], &["--timeout", "601"], &["--enterprise-rp", "a.b"]] {
        assert_eq!(run_plain(["key"].iter().chain(args)).await.0, 2, "{args:?}");
    }
}

#[tokio::test]
async fn a_store_is_not_made_for_a_key_that_can_not_be_plugged_in() {
    if Path::new("/dev/uhid").exists() {
        return;
    }
    let directory = Directory::new();
    let store = directory.path("passkeys");
    run(["key", "--uhid", "--store", &store]).await.assert_failed(5, "uhid");
    assert_eq!(std::fs::read_dir(Path::new(&store).parent().unwrap()).unwrap().count(), 0);
}

#[tokio::test]
async fn a_question_stays_open_for_as_long_as_its_person_says() {
    let (mut key, mut client) = key(&["--timeout", "1"]).await;
    client.begin_until_asked(&make_credential()).await;
    key.event("question").await;
    let answer = timeout(Duration::from_secs(15), client.answer()).await.unwrap();
    // What nobody confirmed in time is denied (CTAP 2.3 section 6.1.2 step 14).
    assert_eq!(answer, [Status::OperationDenied.to_u8()]);
    key.event("withdrawn").await;
}

#[tokio::test]
async fn a_client_that_dies_takes_its_question_off_the_terminal() {
    let mut key = Program::start(["key", "--listen", "tcp:127.0.0.1:0"]);
    let url = text(&key.event("listening").await["url"]);
    let mut client = Client::connect(&url).await;
    client.begin_until_asked(&make_credential()).await;
    key.event("question").await;
    drop(client);
    timeout(Duration::from_secs(15), key.event("withdrawn")).await.expect("withdrawn at once");
    // A yes that is typed then is no answer to the next question.
    key.say("yes").await;
    let mut other = Client::connect(&url).await;
    other.begin(&make_credential()).await;
    key.event("question").await;
    key.say("no").await;
    assert_eq!(other.answer().await, [Status::OperationDenied.to_u8()]);
}

#[tokio::test]
async fn a_sensor_that_is_not_there_is_called_simulated() {
    let mut key = Program::start(["key", "--listen", UDP, "--kind", "fingerprint-key"]);
    let verification = key.event("verification").await;
    assert_eq!(verification["simulated"], true);
    assert!(text(&verification["message"]).contains("SIMULATED"), "{verification}");
    key.event("listening").await;
    key.interrupt().await;
    key.ended().await;
    let (_, help, _) = run_plain(["key", "--help"]).await;
    assert!(help.contains("SIMULATED fingerprint sensor"), "{help}");
}
