//! `towline rp`: what lasts, who is let in, and the sites beside it.

use towline_rp::{ClientError, ErrorCode, RpClient};

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
