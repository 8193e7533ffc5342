//! `towline key --keys tpm`: the private keys are in a real TPM, which is software.

use towline_ctap::{GetAssertionResponse, MakeCredentialResponse, Status};
use towline_testkit::{hid::Client, swtpm::Swtpm};

use crate::{
    keys::{get_assertion, key, make_credential, status},
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
