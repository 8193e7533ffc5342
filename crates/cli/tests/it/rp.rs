//! `towline rp`: what lasts, who is let in, and the sites beside it.

use towline_rp::{ClientError, ErrorCode, RpClient};
use towline_virtual::{
    Builder,
    attestation::{Flaw, Format, TestAttestation},
};

use crate::program::{Directory, Program, run};

/// Where it listens, and what it tells a program.
async fn started(args: &[&str]) -> (Program, RpClient) {
    let mut rp = Program::start(["rp"].iter().chain(args));
    let url = rp.event("listening").await["url"].as_str().unwrap().to_owned();
    (rp, RpClient::new(&url).unwrap())
}

#[tokio::test]
async fn programs_are_let_in_where_nothing_lasts_or_where_the_person_says_so() {
    let directory = Directory::new();
    let file = directory.path("rp.db");
    let (_rp, client) = started(&[]).await;
    assert!(client.status().await.unwrap().accounts.is_empty());

    let (rp, client) = started(&["--data", &file]).await;
    let refused = client.status().await.unwrap_err();
    assert!(matches!(refused, ClientError::Refused(error) if error.code == ErrorCode::Forbidden));
    rp.interrupt().await;
    assert_eq!(rp.ended().await.code, 0);

    let (_rp, client) = started(&["--data", &file, "--programs"]).await;
    client.begin_registration("alice", "phone").await.unwrap();
}

#[tokio::test]
async fn a_file_of_something_else_is_left_alone() {
    let directory = Directory::new();
    let file = directory.path("notes.txt");
    std::fs::write(&file, "not a database, and nothing that may be overwritten").unwrap();
    run(["rp", "--data", &file]).await.assert_failed(5, "data");
    assert!(std::fs::read_to_string(&file).unwrap().starts_with("not a database"));
    run(["rp", "--programs"]).await.assert_usage();
}

#[tokio::test]
async fn two_sites_say_where_they_are() {
    let mut rp = Program::start(["rp", "--sites"]);
    let mut roles = Vec::new();
    for _ in 0..3 {
        let event = rp.event("listening").await;
        assert!(event["url"].as_str().unwrap().starts_with("http://localhost:"));
        roles.push(event["role"].as_str().unwrap().to_owned());
    }
    assert_eq!(roles, ["rp", "site", "site"]);
}

/// A new key whose device says this of its maker.
async fn registered(
    client: &RpClient,
    says: TestAttestation,
) -> Result<(String, bool), ClientError> {
    let begun = client.begin_registration("alice", "phone").await?;
    let device = Builder::platform().attestation(says).build().unwrap();
    let made = device.create(&client.origin(), &begun.public_key.to_string()).unwrap();
    let made = serde_json::from_str(&made).unwrap();
    let key = client.finish_registration(&begun.ceremony, made).await?.key;
    Ok((key.attestation, key.attestation_trusted))
}

#[tokio::test]
async fn makers_are_trusted_by_roots_and_nobody_is_without() {
    let directory = Directory::new();
    let good = || TestAttestation::new(Format::Packed);
    let bad = || good().flawed(Flaw::WrongKey).unwrap();
    let file = directory.path("root.pem");
    std::fs::write(&file, good().root_pem().unwrap()).unwrap();
    let folder = directory.path("roots");
    std::fs::create_dir(&folder).unwrap();
    let other = TestAttestation::new(Format::Tpm).seed(7).root_pem().unwrap();
    std::fs::write(format!("{folder}/other.pem"), other).unwrap();
    std::fs::copy(&file, format!("{folder}/root.pem")).unwrap();

    for place in [&file, &folder] {
        let (_rp, client) = started(&["--roots", place]).await;
        assert_eq!(registered(&client, good()).await.unwrap(), ("packed".into(), true));
        let own = TestAttestation::new(Format::PackedSelf);
        assert_eq!(registered(&client, own).await.unwrap(), ("packed".into(), false));
        let stranger = good().flawed(Flaw::UntrustedRoot).unwrap();
        for wrong in [bad(), stranger, good().flawed(Flaw::Expired).unwrap()] {
            let refused = registered(&client, wrong).await.unwrap_err();
            let ClientError::Refused(error) = refused else { panic!("{refused:?}") };
            assert_eq!(error.code, ErrorCode::NotVouchedFor, "{error:?}");
        }
    }
    // Where no roots are named nobody looks, and nothing is claimed.
    let (_rp, client) = started(&[]).await;
    assert!(!registered(&client, bad()).await.unwrap().1);
}

#[tokio::test]
async fn roots_that_are_none_are_said_before_it_starts() {
    let directory = Directory::new();
    let (empty, folder) = (directory.path("empty.pem"), directory.path("folder"));
    std::fs::write(&empty, "no certificate\n").unwrap();
    std::fs::create_dir(&folder).unwrap();
    for place in [&empty, &folder, &directory.path("nothing.pem")] {
        let ended = run(["rp", "--roots", place]).await;
        ended.assert_failed(2, "roots");
        let message = ended.failed()["message"].as_str().unwrap().to_owned();
        assert!(message.contains(place.as_str()), "{message}");
    }
}
