//! `towline key --keys tpm`: the private keys are in a real TPM, which is software.

use serde_json::{Value, json};
use towline_ctap::{GetAssertionResponse, MakeCredentialResponse, Request, Status};
use towline_testkit::{hid::Client, swtpm::Swtpm};
use towline_tpm::{
    Authorization, Encryption, Enrollment, EnrollmentAnswer, Handle, Object, PATIENCE, TpmCommand,
    TpmPlace, Worker, template,
};
use towline_virtual::attestation::TpmAuthority;

use crate::{
    keys::{get_assertion, key, make_credential, making, status},
    program::{Directory, Program, run},
    world::text,
};

fn place(swtpm: &Swtpm) -> String {
    format!("unix:{}", swtpm.socket().display())
}

/// Backup eligibility and state.
const BACKUP: u8 = 0b0001_1000;

async fn flags(client: &mut Client, request: &[u8]) -> u8 {
    let response = client.request(request).await;
    assert_eq!(response[0], Status::Ok.to_u8());
    let auth_data = if request[0] == 1 {
        MakeCredentialResponse::decode(&response).unwrap().auth_data
    } else {
        GetAssertionResponse::decode(&response).unwrap().auth_data
    };
    auth_data[32]
}

async fn listed(path: &str) -> Vec<String> {
    let listed = run(["keys", "--store", path, "list"]).await;
    listed.events.iter().map(|event| text(&event["keys"])).collect()
}

#[tokio::test]
async fn passkeys_in_the_tpm_outlive_the_program_and_the_power() {
    let Some(mut swtpm) = Swtpm::new() else { return };
    let directory = Directory::new();
    let (path, tpm) = (directory.path("my.passkeys"), place(&swtpm));
    let args = ["--store", &path, "--keys", "tpm", "--tpm", &tpm];
    let (killed, mut client) = key(&args).await;
    assert_eq!(flags(&mut client, &make_credential(1)).await & BACKUP, 0, "it can't be backed up");
    drop((killed, client));
    swtpm.restart();
    let (killed, mut client) = key(&args).await;
    assert_eq!(flags(&mut client, &get_assertion()).await & BACKUP, 0);
    drop((killed, client));
    assert_eq!(listed(&path).await, ["tpm"]);

    // Without the TPM it is not believed to be there.
    let (killed, mut client) = key(&["--store", &path]).await;
    assert_ne!(status(&mut client, &get_assertion()).await, Status::Ok.to_u8());
    drop((killed, client));
    let backup = directory.path("backup");
    let made = run(["keys", "--store", &path, "backup", &backup]).await;
    let said = made.events.iter().any(|event| {
        event["event"] == "keys" && text(&event["message"]).contains("can't be brought back")
    });
    assert!(said, "{made:?}");
}

#[tokio::test]
async fn another_tpm_is_told_and_taken_only_when_asked_to() {
    let (Some(swtpm), Some(other)) = (Swtpm::new(), Swtpm::new()) else { return };
    let directory = Directory::new();
    let path = directory.path("my.passkeys");
    let args = |tpm: &Swtpm, more: &[&str]| {
        let tpm = place(tpm);
        let args = ["--store", &path, "--keys", "tpm", "--tpm", &tpm];
        args.iter().chain(more).map(|arg| (*arg).to_owned()).collect::<Vec<_>>()
    };
    let refs = |args: &[String]| args.iter().map(String::as_str).collect::<Vec<_>>().join("\n");
    let first = refs(&args(&swtpm, &[]));
    let (killed, mut client) = key(&first.split('\n').collect::<Vec<_>>()).await;
    assert_eq!(status(&mut client, &make_credential(1)).await, Status::Ok.to_u8());
    drop((killed, client));

    let start = ["key", "--listen", "udp:127.0.0.1:0", "--presence", "auto"].map(str::to_owned);
    let refused = run(start.iter().cloned().chain(args(&other, &[]))).await;
    refused.assert_failed(5, "another_tpm");
    assert!(text(&refused.failed()["message"]).contains("--new-tpm"), "{refused:?}");
    assert_eq!(listed(&path).await, ["tpm"], "nothing was changed");

    let second = refs(&args(&other, &["--new-tpm"]));
    let (killed, mut client) = key(&second.split('\n').collect::<Vec<_>>()).await;
    assert_ne!(status(&mut client, &get_assertion()).await, Status::Ok.to_u8());
    assert_eq!(status(&mut client, &make_credential(2)).await, Status::Ok.to_u8());
    drop((killed, client));
    assert_eq!(listed(&path).await, ["tpm", "another_tpm"], "the newest first");
}

#[tokio::test]
async fn what_is_wrong_with_a_tpm_is_said() {
    let directory = Directory::new();
    let nobody = format!("unix:{}", directory.path("nobody"));
    let start = ["key", "--listen", "udp:127.0.0.1:0", "--keys", "tpm", "--tpm", &nobody];
    let refused = run(start).await;
    refused.assert_failed(5, "no_tpm");
    assert!(text(&refused.failed()["message"]).contains("firmware settings"), "{refused:?}");
    run(["key", "--keys", "tpm", "--tpm", "nowhere"]).await.assert_usage();

    let Some(swtpm) = Swtpm::new() else { return };
    let looked = Program::start(["doctor", "--tpm", &place(&swtpm)]).ended().await;
    let of_tpm = |outcome: &str| {
        let mut found = looked.events.iter().filter(|event| event["check"] == "tpm");
        found.find(|event| event["outcome"] == outcome).map(|event| text(&event["message"]))
    };
    let good = of_tpm("good").unwrap();
    assert!(good.contains("revision 1.64") || good.contains("ES256"), "{good}");
    assert!(of_tpm("note").unwrap().contains("not locked out"), "{looked:?}");
}

#[tokio::test]
async fn a_store_that_the_tpm_opens_opens_nowhere_else() {
    let (Some(mut swtpm), Some(other)) = (Swtpm::new(), Swtpm::new()) else { return };
    let directory = Directory::new();
    let path = directory.path("my.passkeys");
    let sealed_by = |tpm: &Swtpm| format!("--tpm-key={}", place(tpm));
    let (here, elsewhere) = (sealed_by(&swtpm), sealed_by(&other));
    let (killed, mut client) = key(&["--store", &path, &here]).await;
    assert_eq!(status(&mut client, &make_credential(1)).await, Status::Ok.to_u8());
    drop((killed, client));
    swtpm.restart();
    assert_eq!(run(["keys", "--store", &path, &here, "list"]).await.events.len(), 1);
    let refused = run(["keys", "--store", &path, &elsewhere, "list"]).await;
    refused.assert_failed(5, "store");
    assert!(text(&refused.failed()["message"]).contains("another TPM"), "{refused:?}");
    run(["keys", "--store", &path, "list"]).await.assert_failed(2, "store");

    let backup = directory.path("backup");
    let refused = run(["keys", "--store", &path, &here, "backup", &backup, &here]).await;
    refused.assert_failed(2, "no_tpm_key");
    assert_eq!(run(["keys", "--store", &path, &here, "backup", &backup]).await.code, 0);
}

/// The format of the statement that a client gets who names these.
async fn statement(client: &mut Client, user: u8, formats: &[&str]) -> String {
    let mut request = making(user);
    request.attestation_formats_preference = formats.iter().map(|it| (*it).to_owned()).collect();
    let response = client.request(&Request::from(request).encode()).await;
    assert_eq!(response[0], Status::Ok.to_u8());
    let made = MakeCredentialResponse::decode(&response).unwrap();
    let format = if made.attestation.is_self() { "self" } else { made.attestation.format() };
    format.to_owned()
}

#[tokio::test]
async fn an_enrolled_tpm_attests_to_who_asks_for_it() {
    let Some(swtpm) = Swtpm::new() else { return };
    let directory = Directory::new();
    let (path, tpm) = (directory.path("my.passkeys"), place(&swtpm));
    let (request, answer) = (directory.path("tpm.json"), directory.path("answer.json"));
    let enroll = |way: [&str; 2]| {
        let all = ["tpm", "--store", &path, "--tpm", &tpm, "enroll", way[0], way[1]];
        let all = all.map(str::to_owned);
        async move { run(all).await }
    };
    let args = ["--store", &path, "--keys", "tpm", "--tpm", &tpm];
    let wanted = [&args[..], &["--attestation", "tpm"]].concat();

    let early = enroll(["--answer", &request]).await;
    early.assert_failed(2, "enrollment");
    assert_eq!(enroll(["--request", &request]).await.code, 0);
    // Nobody has certified it yet.
    let start = ["key", "--listen", "udp:127.0.0.1:0", "--presence", "auto"];
    run(start.iter().chain(&wanted)).await.assert_failed(2, "attestation");
    let (killed, mut client) = key(&args).await;
    assert_eq!(statement(&mut client, 1, &["tpm", "packed"]).await, "self");
    drop((killed, client));

    let root = directory.path("root.pem");
    let ca = ["virtual", "tpm-ca", "--request", &request, "--answer", &answer, "--root", &root];
    assert_eq!(run(ca).await.code, 0);
    let root = std::fs::read_to_string(&root).unwrap();
    assert!(root.starts_with("-----BEGIN CERTIFICATE-----\n"), "{root}");
    std::fs::write(&request, "{}").unwrap();
    run(ca).await.assert_failed(2, "enrollment");
    let enrolled = enroll(["--answer", &answer]).await;
    assert_eq!(enrolled.code, 0, "{enrolled:?}");
    let said = enrolled.events.iter().find(|event| event["about"] == "tpm_attestation");
    assert_eq!(said.unwrap()["certificates"], 2);

    let (killed, mut client) = key(&args).await;
    assert_eq!(statement(&mut client, 2, &["tpm", "packed"]).await, "tpm");
    assert_eq!(statement(&mut client, 3, &[]).await, "self", "it was not asked for");
    assert_eq!(statement(&mut client, 4, &["none"]).await, "none");
    drop((killed, client));
    let (killed, mut client) = key(&wanted).await;
    assert_eq!(statement(&mut client, 5, &[]).await, "tpm");
    drop((killed, client));

    let forget = ["tpm", "--store", &path, "--tpm", &tpm, "forget"];
    assert_eq!(run(forget).await.code, 0);
    let (_killed, mut client) = key(&args).await;
    assert_eq!(statement(&mut client, 6, &["tpm"]).await, "self");
}

/// As makers do of whose chips no key by RSA is certified: where it is by the TCG's profile.
fn certify_on_a_curve(swtpm: &Swtpm) {
    const INDEX: u32 = 0x01c0_000a;
    let provider = towline::crypto::rustcrypto::provider();
    let made = Worker::at(provider, TpmPlace::Unix(swtpm.socket())).run(PATIENCE, |tpm| {
        let create = TpmCommand::create_primary(Handle::ENDORSEMENT, &template::endorsement_ecc());
        tpm.execute(create, &[Authorization::Empty], Encryption::default())
    });
    let Object::Ecc { x, y, .. } = made.unwrap().public.object else { panic!("it is on a curve") };
    swtpm.put(INDEX, &[&[0x30; 600][..], &x, &y].concat());
}

#[tokio::test]
async fn a_chip_that_is_certified_on_a_curve_alone_enrols() {
    let Some(swtpm) = Swtpm::new() else { return };
    certify_on_a_curve(&swtpm);
    let directory = Directory::new();
    let (path, tpm) = (directory.path("my.passkeys"), place(&swtpm));
    let (request, answer) = (directory.path("tpm.json"), directory.path("answer.json"));
    // Store and TPM can be named after what is to be done as well.
    let at = ["--store", &path, "--tpm", &tpm];
    let enroll = |way: [&str; 2]| {
        let all = ["tpm", "enroll"].into_iter().chain(way).chain(at);
        let all: Vec<_> = all.map(str::to_owned).collect();
        async move { run(all).await }
    };
    assert_eq!(enroll(["--request", &request]).await.code, 0);
    let asked = Enrollment::from_json(&std::fs::read_to_string(&request).unwrap()).unwrap();
    assert!(matches!(asked.endorsement.object, Object::Ecc { .. }));
    assert_eq!(asked.certificate.map(|it| it.len()), Some(664));
    let ca = ["virtual", "tpm-ca", "--request", &request, "--answer", &answer];
    assert_eq!(run(ca).await.code, 0);
    let enrolled = enroll(["--answer", &answer]).await;
    assert_eq!(enrolled.code, 0, "{enrolled:?}");
    let (_killed, mut client) = key(&[&at[..], &["--keys", "tpm"]].concat()).await;
    assert_eq!(statement(&mut client, 1, &["tpm"]).await, "tpm");
}

#[tokio::test]
async fn an_authority_is_asked_over_http_and_the_platform_attests() {
    let (Some(swtpm), Some(other)) = (Swtpm::new(), Swtpm::new()) else { return };
    let directory = Directory::new();
    let (path, tpm) = (directory.path("my.passkeys"), place(&swtpm));
    let mut ca = Program::start(["virtual", "tpm-ca", "--seed", "7"]);
    let url = text(&ca.event("listening").await["url"]);
    let enroll = ["tpm", "--store", &path, "--tpm", &tpm, "enroll", "--ca"];
    let enrolled = run(enroll.iter().copied().chain([url.as_str()])).await;
    assert_eq!(enrolled.code, 0, "{enrolled:?}");

    let options = json!({
        "challenge": "AAECAwQFBgcICQoLDA0ODw",
        "rp": { "id": "example.org", "name": "Example" },
        "user": { "id": "MQ", "name": "alice", "displayName": "Alice" },
        "pubKeyCredParams": [{ "type": "public-key", "alg": -7 }],
        "attestation": "direct",
    });
    let registered = |attestation: &str, tpm: &str, answer: &str| {
        let mut options = options.clone();
        options["attestation"] = attestation.into();
        options["user"]["id"] = if attestation == "none" { "Mg" } else { "MQ" }.into();
        let with = ["--with", "platform", "--store", &path, "--tpm", tpm, "--answer", answer];
        let origin = ["computer", "create", "--origin", "https://example.org"];
        let mut computer = Program::start(origin.iter().copied().chain(with));
        async move {
            computer.say(&options.to_string()).await;
            computer.close_stdin();
            computer.ended().await
        }
    };
    let format = |ended: &crate::program::Ended| {
        let response = ended.events.iter().find(|event| event["event"] == "response");
        let object =
            text(&response.expect("a response")["response"]["response"]["attestationObject"]);
        use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
        let object = URL_SAFE_NO_PAD.decode(object).unwrap();
        let after = object.windows(4).position(|it| it == b"\x63fmt").unwrap() + 5;
        let length = usize::from(object[after - 1] & 0x1f);
        String::from_utf8(object[after..after + length].to_vec()).unwrap()
    };
    assert_eq!(format(&registered("direct", &tpm, "yes").await), "tpm");
    assert_eq!(format(&registered("none", &tpm, "yes").await), "none");
    // What was enrolled in another TPM is of no use, and the store says why.
    registered("direct", &place(&other), "yes").await.assert_failed(5, "another_tpm");

    // An authority that refuses, one that is not there, and one that answers nonsense.
    let refuses = format!("{url}root");
    let refused = run(enroll.iter().copied().chain([refuses.as_str()])).await;
    refused.assert_failed(5, "enrollment_refused");
    drop(ca);
    let gone = run(enroll.iter().copied().chain([url.as_str()])).await;
    gone.assert_failed(5, "authority");
    let unsafe_url = run(enroll.iter().copied().chain(["http://ca.example/"])).await;
    unsafe_url.assert_usage();
    // None of that has cost the certificate that was there.
    assert_eq!(format(&registered("direct", &tpm, "yes").await), "tpm");
}

#[tokio::test]
async fn an_answer_for_another_request_is_refused() {
    let Some(swtpm) = Swtpm::new() else { return };
    let directory = Directory::new();
    let (path, tpm) = (directory.path("my.passkeys"), place(&swtpm));
    let (request, answer) = (directory.path("tpm.json"), directory.path("answer.json"));
    let enroll = ["tpm", "--store", &path, "--tpm", &tpm, "enroll"];
    let ask = enroll.iter().copied().chain(["--request", &request]);
    let take = enroll.iter().copied().chain(["--answer", &answer]);
    assert_eq!(run(ask.clone()).await.code, 0);
    let first = Enrollment::from_json(&std::fs::read_to_string(&request).unwrap()).unwrap();
    let authority = TpmAuthority::new(1).unwrap();
    let answered = |enrollment: &Enrollment| authority.answer(enrollment).unwrap();
    assert_eq!(run(ask).await.code, 0);
    std::fs::write(&answer, answered(&first).to_json()).unwrap();
    run(take.clone()).await.assert_failed(5, "tpm");

    let second = Enrollment::from_json(&std::fs::read_to_string(&request).unwrap()).unwrap();
    assert_ne!(first.key, second.key);
    let mut changed: EnrollmentAnswer = answered(&second);
    let last = changed.sealed.len() - 1;
    changed.sealed[last] ^= 1;
    std::fs::write(&answer, changed.to_json()).unwrap();
    run(take.clone()).await.assert_failed(5, "enrollment");
    std::fs::write(&answer, "nonsense").unwrap();
    run(take.clone()).await.assert_failed(5, "tpm");
    std::fs::write(&answer, answered(&second).to_json()).unwrap();
    assert_eq!(run(take).await.code, 0);
}

#[tokio::test]
async fn an_older_copy_of_a_counted_store_is_noticed() {
    let Some(swtpm) = Swtpm::new() else { return };
    let directory = Directory::new();
    let (path, tpm) = (directory.path("my.passkeys"), place(&swtpm));
    let args = ["--store", &path, "--keys", "tpm", "--tpm", &tpm];
    let counted = [&args[..], &["--tpm-counter"]].concat();
    run(["key", "--tpm-counter", "--store", &path]).await.assert_failed(2, "settings");

    let (killed, mut client) = key(&counted).await;
    assert_eq!(status(&mut client, &make_credential(1)).await, Status::Ok.to_u8());
    drop((killed, client));
    // All that is beside the store is copied with it.
    let files = |to: &str| -> Vec<_> {
        let names = ["", ".key", ".seen"].map(|end| format!("my.passkeys{end}"));
        let there =
            names.iter().filter(|name| std::path::Path::new(&directory.path(name)).exists());
        there.map(|name| (directory.path(name), directory.path(&format!("{to}{name}")))).collect()
    };
    for (file, copy) in files("old-") {
        std::fs::copy(file, copy).unwrap();
    }
    // Once it is counted it stays so, without being asked for.
    let (killed, mut client) = key(&args).await;
    assert_eq!(status(&mut client, &make_credential(2)).await, Status::Ok.to_u8());
    drop((killed, client));
    let looked = |found: Value| found["check"] == "store";
    let doctor = ["doctor", "--tpm", &tpm, "--store", &path];
    let ended = Program::start(doctor).ended().await;
    let fine = ended.events.into_iter().find(|it| looked(it.clone())).unwrap();
    assert_eq!(fine["outcome"], "good", "{fine}");

    for (file, copy) in files("old-") {
        std::fs::copy(copy, file).unwrap();
    }
    let start = ["key", "--listen", "udp:127.0.0.1:0", "--presence", "auto"];
    let refused = run(start.iter().chain(&args)).await;
    refused.assert_failed(5, "older_store");
    assert!(text(&refused.failed()["message"]).contains("--older-store"), "{refused:?}");
    let ended = Program::start(doctor).ended().await;
    let bad = ended.events.into_iter().find(|it| looked(it.clone())).unwrap();
    assert_eq!(bad["outcome"], "bad", "{bad}");

    let (killed, client) = key(&[&args[..], &["--older-store"]].concat()).await;
    drop((killed, client));
    let (_killed, mut client) = key(&args).await;
    assert_eq!(status(&mut client, &get_assertion()).await, Status::Ok.to_u8());
}
