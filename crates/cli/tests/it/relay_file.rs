//! `towline relay --config`: what a file says, what wins over it, and what is wrong in it.

use crate::program::{Directory, Program, run};

fn written(directory: &Directory, text: &str) -> String {
    let path = directory.path("relay.toml");
    std::fs::write(&path, text).unwrap();
    path
}

#[tokio::test]
async fn what_no_flag_says_is_taken_from_the_file() {
    let directory = Directory::new();
    let text = "listen = \"localhost:0\"\nadmin = \"127.0.0.1:0\"\nnode = 3\n\
                trusted-proxy = [\"10.0.0.0/8\", \"::1\"]\nmost-tunnels = 1\n";
    let path = written(&directory, text);
    let mut relay = Program::start(["relay", "--config", &path]);
    assert_eq!(relay.event("listening").await["role"], "relay_admin");
    relay.event("listening").await;
    drop(relay);
    // Flags win: this one can't be had.
    let ended = run(["relay", "--config", &path, "--listen", "nowhere.invalid:0"]).await;
    ended.assert_failed(5, "listen");
    let ended = run(["relay", "--config", &path, "--tls-cert", "x.pem"]).await;
    ended.assert_failed(2, "configuration");
}

#[tokio::test]
async fn an_error_names_the_file_the_line_and_the_member() {
    let directory = Directory::new();
    for (text, line, named) in [
        ("node = 3\nlisten = 7\n", "line 2", "listen"),
        ("\n\nnode = 256\n", "line 3", "node"),
        ("node = 1\nlisten-on = \"x\"\n", "line 2", "listen-on"),
        ("trusted-proxy = [\n  \"10.0.0.0/8\",\n  \"10.0.0\",\n]\n", "line", "trusted-proxy"),
        ("proxy-protocol = [\"::/129\"]\n", "line 1", "proxy-protocol"),
        ("node = 1\nnode = 2\n", "line 2", "node"),
        ("node = \n", "line 1", "node"),
        ("[limits]\n", "line 1", "limits"),
    ] {
        let path = written(&directory, text);
        let ended = run(["relay", "--config", &path]).await;
        ended.assert_failed(2, "configuration");
        let message = ended.failed()["message"].as_str().unwrap().to_owned();
        for part in [path.as_str(), line, named] {
            assert!(message.contains(part), "{part} in {message}");
        }
    }
    let ended = run(["relay", "--config", &directory.path("missing.toml")]).await;
    ended.assert_failed(2, "configuration");
}

#[tokio::test]
async fn a_secret_stands_in_the_environment_and_in_no_message() {
    let directory = Directory::new();
    let bus = "bus = \"nats://127.0.0.1:1\"\nbus-user = \"node\"\n";
    let path = written(&directory, &format!("{bus}bus-password = \"hunter2\"\n"));
    let ended = run(["relay", "--config", &path]).await;
    ended.assert_failed(2, "configuration");
    let message = ended.failed()["message"].as_str().unwrap().to_owned();
    assert!(message.contains("line 3") && message.contains("$NAME"), "{message}");
    assert!(!format!("{ended:?}").contains("hunter2"), "{ended:?}");

    let path = written(&directory, &format!("{bus}bus-password = \"$TOWLINE_TEST_SECRET\"\n"));
    let ended = run(["relay", "--config", &path]).await;
    ended.assert_failed(2, "configuration");
    let message = ended.failed()["message"].as_str().unwrap().to_owned();
    assert!(message.contains("TOWLINE_TEST_SECRET"), "{message}");
    // An empty one would be a user without a password.
    let bare = ["relay", "--bus", "nats://127.0.0.1:1", "--bus-user", "node"];
    for (name, args) in [
        ("TOWLINE_TEST_SECRET", &["relay", "--config", &path][..]),
        ("TOWLINE_BUS_PASSWORD", &bare),
    ] {
        let mut program = Program::start_with([(name, "")], args.iter().copied());
        program.close_stdin();
        let ended = program.ended().await;
        ended.assert_failed(2, "configuration");
        let message = ended.failed()["message"].as_str().unwrap().to_owned();
        assert!(message.contains(&format!("{name}, which is empty")), "{message}");
    }
    let ended = run(bare).await;
    ended.assert_failed(2, "configuration");
    let secret = [("TOWLINE_TEST_SECRET", "hunter2")];
    let mut relay = Program::start_with(secret, ["relay", "--config", &path]);
    relay.event("listening").await;
}

#[tokio::test]
async fn what_belongs_together_is_missed_wherever_it_was_said() {
    let directory = Directory::new();
    for (text, flags, why) in [
        ("tls-cert = \"x\"\n", &[][..], "tls-key"),
        ("tls-cert = \"x\"\ntls-key = \"x\"\n", &["--behind-proxy"], "behind-proxy"),
        ("revoked = \"x\"\n", &["--bus", "nats://127.0.0.1:1"], "revoked"),
        ("bus-user = \"x\"\n", &[], "bus-user"),
        ("bus = \"nats://127.0.0.1:1\"\n", &["--bus-cert", "x"], "bus-key"),
    ] {
        let path = written(&directory, text);
        let args = [&["relay", "--config", &path], flags].concat();
        let ended = run(args).await;
        ended.assert_failed(2, "configuration");
        let message = ended.failed()["message"].as_str().unwrap().to_owned();
        assert!(message.contains(why), "{why} in {message}");
    }
}
