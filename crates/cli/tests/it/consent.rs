//! A yes answers the question that it was meant for, and no other.

use crate::{
    program::Program,
    world::{World, find, text},
};

/// Connects with a code, and gives the token of the question that the request leads to.
async fn asked(phone: &mut Program) -> String {
    let connect = phone.event("question").await;
    assert_eq!(connect["question"], "connect");
    phone.say(&format!("{} yes", text(&connect["token"]))).await;
    text(&phone.event("question").await["token"])
}

#[tokio::test]
async fn a_yes_to_a_question_that_was_withdrawn_is_no_yes_to_the_next() {
    let world = World::new().await;
    let (known, own) =
        (world.directory.path("computer.links"), world.directory.path("phone.links"));
    let mut phone = world.phone(&["--links", &own]);
    phone.step("listening").await;
    let args = ["register", "--account", "alice", "--links", &known];
    let computer = world.scan(&args, &mut phone).await;
    for _ in ["connect", "remember", "register"] {
        phone.event("question").await;
        phone.say("yes").await;
    }
    assert_eq!(computer.ended().await.code, 0);
    phone.event("served").await;

    // A linked computer asks, and goes away before anybody has answered.
    let mut gone = world.computer(&["sign-in", "--links", &known]);
    let question = phone.event("question").await;
    gone.step("screen_lock").await;
    gone.interrupt().await;
    let withdrawn = phone.event("withdrawn").await;
    assert_eq!(withdrawn["token"], question["token"]);
    let served = phone.event("served").await;
    assert_eq!((&served["reason"], &served["exit_code"]), (&"cancelled".into(), &3.into()));
    assert!(text(&served["message"]).contains("while you were asked"), "{served}");
    gone.ended().await.assert_failed(130, "interrupted");

    // The answer to it comes now: it is late, and is not kept for what is asked next.
    phone.say("yes").await;
    phone.event("ignored").await;
    phone.say(&format!("{} yes", text(&question["token"]))).await;
    phone.event("ignored").await;
    let bob = world.computer(&["register", "--account", "bob", "--links", &known]);
    let question = phone.event("question").await;
    phone.say(&format!("{} no", text(&question["token"]))).await;
    bob.ended().await.assert_failed(3, "refused");
    assert_eq!(phone.event("served").await["reason"], "refused");
}

#[tokio::test]
async fn answers_that_were_written_ahead_for_one_code_are_forgotten_with_it() {
    let world = World::new().await;
    let picture = world.directory.path("code.png");
    let mut computer = world.computer(&["register", "--account", "alice", "--qr-image", &picture]);
    computer.event("qr_code").await;
    let mut phone = world.phone(&[]);
    // All at once, and two answers too many.
    phone.say(&format!("{picture}\nyes\nyes\nyes\nyes")).await;
    assert_eq!(computer.ended().await.code, 0);
    let ignored = phone.event("ignored").await;
    assert!(text(&ignored["message"]).ends_with(": 2"), "{ignored}");
    assert_eq!(phone.event("served").await["ok"], true);

    let computer = world.scan(&["sign-in"], &mut phone).await;
    let question = asked(&mut phone).await;
    phone.say(&format!("{question} no")).await;
    computer.ended().await.assert_failed(3, "refused");
    assert_eq!(phone.event("served").await["reason"], "refused");
}

#[tokio::test]
async fn a_line_that_answers_nothing_is_said_to_and_the_question_stays() {
    let world = World::new().await;
    let mut phone = world.phone(&[]);
    let computer = world.scan(&["register", "--account", "alice"], &mut phone).await;
    let question = phone.event("question").await;
    for (line, why) in
        [("", "an empty line is neither yes nor no"), ("maybe", "that is neither yes nor no")]
    {
        phone.say(line).await;
        assert_eq!(phone.event("ignored").await["message"], why);
        assert_eq!(phone.event("question").await["token"], question["token"]);
    }
    phone.say("no").await;
    assert_eq!(phone.event("served").await["reason"], "declined");
    drop(computer);
}

#[tokio::test]
async fn the_first_question_names_the_source_and_the_age_of_the_code() {
    let world = World::new().await;
    let mut phone = world.phone(&[]);
    let _computer = world.scan(&["register", "--account", "alice"], &mut phone).await;
    let question = phone.event("question").await;
    assert_eq!(question["code"]["source"], "picture");
    let age = question["code"]["age_s"].as_i64().unwrap();
    assert!((0..60).contains(&age), "{question}");
    let message = text(&question["message"]);
    assert!(message.contains("in the picture") && message.contains(" ago"), "{message}");
}

#[tokio::test]
async fn a_code_that_was_used_needs_a_new_one() {
    let world = World::new().await;
    let mut phone = world.phone(&["--answer", "yes"]);
    let mut computer = world.computer(&["register", "--account", "alice"]);
    let uri = text(&computer.event("qr_code").await["uri"]);
    phone.say(&uri).await;
    assert_eq!(computer.ended().await.code, 0);
    assert_eq!(phone.event("served").await["ok"], true);
    phone.say(&uri).await;
    let served = phone.event("served").await;
    assert_eq!((&served["reason"], &served["exit_code"]), (&"code_used".into(), &2.into()));
    assert!(text(&served["message"]).contains("show a new one"), "{served}");
}

#[tokio::test]
async fn a_typed_yes_is_called_a_simulated_screen_lock_wherever_it_counts() {
    let world = World::new().await;
    let mut phone = world.phone(&[]);
    let store = phone.event("store").await;
    assert_eq!(store["durable"], false, "its passkeys are gone at the end, which is said: {store}");
    let lock = phone.event("screen_lock").await;
    assert_eq!(
        (&lock["screen_lock"], &lock["simulated"]),
        (&"simulated".into(), &true.into()),
        "{lock}"
    );
    assert!(text(&lock["message"]).contains("SIMULATED"), "{lock}");
    let computer = world.scan(&["register", "--account", "alice"], &mut phone).await;
    let connect = phone.event("question").await;
    assert!(connect["screen_lock"].is_null(), "{connect}");
    phone.say("yes").await;
    let question = phone.event("question").await;
    assert_eq!(question["screen_lock"], "simulated");
    phone.say("yes").await;
    assert_eq!(computer.ended().await.code, 0);
}

#[tokio::test]
async fn the_screen_lock_of_a_store_with_a_passphrase_is_that_passphrase() {
    let world = World::new().await;
    let (store, words) = (world.directory.path("store"), world.directory.path("words"));
    std::fs::write(&words, "q1 correct horse\n").unwrap();
    let mut phone = world.phone(&["--store", &store, "--passphrase-file", &words]);
    let lock = phone.event("screen_lock").await;
    assert_eq!(
        (&lock["screen_lock"], &lock["simulated"]),
        (&"passphrase".into(), &false.into()),
        "{lock}"
    );
    let computer = world.scan(&["register", "--account", "alice"], &mut phone).await;
    phone.event("question").await;
    phone.say("yes").await;
    // A yes is no passphrase; the attempts are counted.
    for answer in ["yes", "wrong", "q1 correct horse"] {
        let question = phone.event("question").await;
        assert_eq!(question["expects"], "passphrase", "{question}");
        phone.say(&format!("{} {answer}", text(&question["token"]))).await;
    }
    let ended = computer.ended().await;
    assert_eq!(ended.code, 0, "{ended:?}");
    assert_eq!(phone.event("served").await["ok"], true);

    let computer = world.scan(&["sign-in"], &mut phone).await;
    phone.event("question").await;
    phone.say("yes").await;
    phone.event("question").await;
    // An empty line is a no.
    phone.say("").await;
    computer.ended().await.assert_failed(3, "refused");
    assert_eq!(phone.event("served").await["reason"], "refused");

    // Three wrong ones are not a no.
    let computer = world.scan(&["sign-in"], &mut phone).await;
    phone.event("question").await;
    phone.say("yes").await;
    for _ in 0..3 {
        let question = phone.event("question").await;
        phone.say(&format!("{} wrong", text(&question["token"]))).await;
    }
    computer.ended().await.assert_failed(3, "refused");
    assert_eq!(phone.event("served").await["reason"], "not_verified");
}

#[tokio::test]
async fn a_screen_lock_that_can_not_be_is_refused() {
    let world = World::new().await;
    let passphrase = ["--screen-lock", "passphrase"];
    world.phone(&passphrase).ended().await.assert_failed(2, "screen_lock");
    let (store, words) = (world.directory.path("store"), world.directory.path("words"));
    std::fs::write(&words, "correct horse\n").unwrap();
    let args = ["--store", &store, "--passphrase-file", &words, "--answer", "yes"];
    let args: Vec<_> = args.into_iter().chain(passphrase).collect();
    world.phone(&args).ended().await.assert_failed(2, "screen_lock");
}

#[tokio::test]
async fn the_picture_of_a_code_goes_when_the_code_is_over() {
    let world = World::new().await;
    let picture = world.directory.path("code.png");
    let mut computer = world.computer(&["sign-in", "--qr-image", &picture]);
    computer.event("qr_code").await;
    let mode = std::os::unix::fs::PermissionsExt::mode(
        &std::fs::metadata(&picture).unwrap().permissions(),
    );
    assert_eq!(mode & 0o777, 0o600);
    computer.interrupt().await;
    computer.ended().await.assert_failed(130, "interrupted");
    assert!(!std::path::Path::new(&picture).exists());
}

#[tokio::test]
async fn sigterm_ends_the_phone_in_order_and_is_called_so() {
    let world = World::new().await;
    let mut phone = world.phone(&[]);
    let computer = world.scan(&["register", "--account", "alice"], &mut phone).await;
    asked(&mut phone).await;
    phone.terminate().await;
    let ended = phone.ended().await;
    assert_eq!(ended.code, 130, "{ended:?}");
    let message = text(&find(&ended, "served")["message"]);
    assert!(message.contains("SIGTERM") && !message.contains("Ctrl-C"), "{message}");
    computer.ended().await.assert_failed(3, "refused");
}
