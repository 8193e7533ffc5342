//! The phone at a terminal, as a person sees and uses it. The terminal is made by `script`
//! (util-linux).

use std::{process::Stdio, time::Duration};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    process::{Child, ChildStdin, ChildStdout},
    time::{sleep, timeout},
};

use crate::{
    program::{Program, command},
    world::{World, text},
};

const PATIENCE: Duration = Duration::from_secs(60);
/// How long something is awaited that must not come.
const MOMENT: Duration = Duration::from_millis(400);

/// The program at a terminal of its own.
struct Terminal {
    child: Child,
    keyboard: ChildStdin,
    screen: ChildStdout,
    /// Everything that was written on it.
    seen: String,
    /// How much of it was looked at.
    read: usize,
}

impl Terminal {
    fn start(args: &[&str]) -> Self {
        let quoted: Vec<_> = args.iter().map(|arg| format!("'{arg}'")).collect();
        // In the place of the shell, which would get Ctrl-C as well, and end of it.
        let line = format!("exec '{}' {}", env!("CARGO_BIN_EXE_towline"), quoted.join(" "));
        // The same environment as without a terminal.
        let plain = command(["--version"]);
        let mut script = tokio::process::Command::new("script");
        for (name, value) in plain.as_std().get_envs() {
            match value {
                Some(value) => script.env(name, value),
                None => script.env_remove(name),
            };
        }
        script.env("SHELL", "/bin/sh").args(["-qfec", &line, "/dev/null"]).kill_on_drop(true);
        script.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = script.spawn().expect("`script` of util-linux is needed");
        let (keyboard, screen) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        Self { child, keyboard, screen, seen: String::new(), read: 0 }
    }

    fn phone(world: &World, args: &[&str]) -> Self {
        let all: Vec<_> = ["phone"].iter().chain(args).copied().collect();
        Self::start(&world.both_ends(&all))
    }

    async fn more(&mut self) {
        let mut bytes = [0; 4096];
        let length = self.screen.read(&mut bytes).await.unwrap();
        assert!(length > 0, "the terminal ended: {}", self.seen);
        self.seen.push_str(&String::from_utf8_lossy(&bytes[..length]));
    }

    /// Waits until this is written, after what was waited for before.
    async fn until(&mut self, wanted: &str) {
        let found = timeout(PATIENCE, async {
            loop {
                if let Some(at) = self.seen[self.read..].find(wanted) {
                    self.read += at + wanted.len();
                    return;
                }
                self.more().await;
            }
        });
        assert!(found.await.is_ok(), "no {wanted:?} in {}", self.seen);
    }

    /// Nothing of this is written for a moment.
    async fn never(&mut self, unwanted: &str) {
        let _ = timeout(MOMENT, async {
            loop {
                self.more().await;
            }
        })
        .await;
        assert!(!self.seen[self.read..].contains(unwanted), "{unwanted:?} in {}", self.seen);
    }

    async fn types(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).await.unwrap();
        self.keyboard.flush().await.unwrap();
    }

    async fn code(&mut self) -> Option<i32> {
        timeout(PATIENCE, self.child.wait()).await.expect("it ends").unwrap().code()
    }
}

async fn shown(computer: &mut Program) -> String {
    text(&computer.event("qr_code").await["uri"])
}

#[tokio::test]
async fn what_is_typed_before_a_question_is_shown_answers_nothing() {
    let world = World::new().await;
    let mut computer = world.computer(&["register", "--account", "alice"]);
    let code = shown(&mut computer).await;
    let mut phone = Terminal::phone(&world, &[]);
    phone.until("paste a code").await;
    // All in one go, as an impatient person types it.
    phone.types(&format!("{code}\nyes\nyes\ny")).await;
    phone.until("Connect to the computer").await;
    phone.until("[yes/no]").await;
    phone.never("Connecting").await;
    // The letter without an end of line is forgotten, too.
    phone.types("\n").await;
    phone.until("an empty line is neither yes nor no").await;
    phone.until("[yes/no]").await;
    phone.types("yes\n").await;
    phone.until("localhost").await;
    phone.until("SIMULATED screen lock").await;
    phone.until("[yes/no]").await;
    phone.never("Answered").await;
    phone.types("yes\n").await;
    phone.until("passkey saved").await;
    assert_eq!(computer.ended().await.code, 0);
    phone.types("quit\n").await;
    assert_eq!(phone.code().await, Some(0));
}

#[tokio::test]
async fn what_happens_while_a_question_is_open_stands_on_lines_of_its_own() {
    let world = World::new().await;
    let mut computer = world.computer(&["register", "--account", "alice"]);
    let code = shown(&mut computer).await;
    let mut phone = Terminal::phone(&world, &[&code]);
    phone.until("[yes/no]").await;
    phone.types("yes\n").await;
    phone.until("SIMULATED screen lock").await;
    phone.until("[yes/no] ").await;
    computer.interrupt().await;
    // The question stays to be read, and what follows begins a line.
    phone.until("\r\nwithdrawn: the question is no longer open\r\n").await;
    phone.until("not done: the computer called it off while you were asked").await;
    phone.until("paste a code").await;
    // A late answer is no code.
    phone.types("yes\n").await;
    phone.until("nothing is asked now").await;
    phone.never("not done").await;
}

#[tokio::test]
async fn one_ctrl_c_ends_the_session_and_another_the_phone() {
    let world = World::new().await;
    let mut computer = world.computer(&["register", "--account", "alice"]);
    let code = shown(&mut computer).await;
    let mut phone = Terminal::phone(&world, &[&code]);
    phone.until("[yes/no]").await;
    phone.types("yes\n").await;
    phone.until("SIMULATED screen lock").await;
    phone.types("\x03").await;
    phone.until("the computer was told that you declined").await;
    computer.ended().await.assert_failed(3, "refused");
    phone.until("paste a code").await;
    phone.types("\x03").await;
    assert_eq!(phone.code().await, Some(0));
}

#[tokio::test]
async fn a_new_code_takes_the_place_of_one_that_leads_nowhere() {
    let world = World::new().await;
    let mut gone = world.computer(&["register", "--account", "alice"]);
    let old = shown(&mut gone).await;
    gone.interrupt().await;
    gone.ended().await.assert_failed(130, "interrupted");
    let mut phone = Terminal::phone(&world, &[&old]);
    phone.until("[yes/no]").await;
    phone.types("yes\n").await;
    phone.until("Showing").await;
    phone.types("help\n").await;
    phone.until("a code is its text").await;
    phone.types("no\n").await;
    phone.until("nothing is asked now").await;
    let mut computer = world.computer(&["register", "--account", "alice"]);
    let new = shown(&mut computer).await;
    phone.types(&format!("{new}\n")).await;
    phone.until("not done: another code took its place").await;
    phone.until("Connect to the computer").await;
    // Also while the first question is open.
    let mut other = world.computer(&["register", "--account", "bob"]);
    let newest = shown(&mut other).await;
    phone.types(&format!("{newest}\n")).await;
    phone.until("withdrawn").await;
    phone.until("not done: another code took its place").await;
    phone.until("[yes/no]").await;
    phone.types("no\n").await;
    phone.until("you declined the connection").await;
}

#[tokio::test]
async fn a_passphrase_is_typed_unseen() {
    let world = World::new().await;
    let (store, words) = (world.directory.path("store"), world.directory.path("words"));
    std::fs::write(&words, "correct horse\n").unwrap();
    let mut computer = world.computer(&["register", "--account", "alice"]);
    let code = shown(&mut computer).await;
    let args = ["--store", &store, "--passphrase-file", &words, &code];
    let mut phone = Terminal::phone(&world, &args);
    phone.until("the screen lock is the passphrase of the store").await;
    phone.until("[yes/no]").await;
    phone.types("yes\n").await;
    phone.until("an empty line is a no]").await;
    // The terminal has to have stopped echoing.
    sleep(MOMENT).await;
    phone.types("correct horse\n").await;
    phone.until("passkey saved").await;
    assert!(!phone.seen.contains("horse"), "{}", phone.seen);
    assert_eq!(computer.ended().await.code, 0);
    // What is typed is seen again.
    phone.until("paste a code").await;
    phone.types("help\n").await;
    phone.until("help").await;
}
