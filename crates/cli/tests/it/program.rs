//! Runs the program and reads what it says.

use std::{ffi::OsStr, process::Stdio, time::Duration};

use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
    time::timeout,
};

/// Longer than anything here takes, shorter than a test run's patience.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A running `towline --json`. Dropping it ends it.
pub(crate) struct Program {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Lines<BufReader<ChildStdout>>,
}

/// How a program ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: i32,
    /// The events that were not waited for.
    pub(crate) events: Vec<Value>,
    pub(crate) stderr: String,
}

impl Ended {
    /// The event that says why it failed.
    pub(crate) fn failed(&self) -> &Value {
        self.events
            .last()
            .filter(|event| event["event"] == "failed")
            .unwrap_or_else(|| panic!("{self:?}"))
    }

    pub(crate) fn assert_failed(&self, code: i32, reason: &str) {
        assert_eq!((self.code, self.failed()["reason"].as_str()), (code, Some(reason)), "{self:?}");
        assert_eq!(self.failed()["exit_code"], code);
    }

    /// The arguments themselves were refused.
    pub(crate) fn assert_usage(&self) {
        assert!(self.code == 2 && self.stderr.contains("--help"), "{self:?}");
    }
}

pub(crate) fn command<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_towline"));
    command.args(args).kill_on_drop(true);
    for name in [
        "TOWLINE_RELAY",
        "TOWLINE_AIR",
        "TOWLINE_CA",
        "TOWLINE_RP",
        "TOWLINE_STORE",
        "TOWLINE_PASSPHRASE_FILE",
        "TOWLINE_ADAPTER",
        "TOWLINE_TLS_NAME",
        "RUST_LOG",
    ] {
        command.env_remove(name);
    }
    // What lets in to stores of other machines, or says where they are.
    let lets_in = ["AWS_", "GOOGLE_", "AZURE_", "TOWLINE_WEBDAV_"];
    for (name, _) in std::env::vars_os() {
        if lets_in.iter().any(|prefix| name.to_string_lossy().starts_with(prefix)) {
            command.env_remove(name);
        }
    }
    // No bus is there, so that no test depends on the machine's own Bluetooth.
    command.env("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

impl Program {
    pub(crate) fn start<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> Self {
        Self::spawn(command(args))
    }

    /// With all that the libraries log on standard error.
    pub(crate) fn start_traced<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> Self {
        let mut command = command(args);
        command.env("RUST_LOG", "trace");
        Self::spawn(command)
    }

    /// With these variables in its environment.
    pub(crate) fn start_with<S: AsRef<OsStr>>(
        variables: impl IntoIterator<Item = (&'static str, S)>,
        args: impl IntoIterator<Item = S>,
    ) -> Self {
        let mut command = command(args);
        command.envs(variables);
        Self::spawn(command)
    }

    /// Starts what was made by [`command`], or leads to it. `--json` is added at the end.
    pub(crate) fn spawn(mut command: Command) -> Self {
        let mut child = command.arg("--json").spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { stdin: child.stdin.take(), child, lines }
    }

    /// The next event of that name; those before it are skipped.
    pub(crate) async fn event(&mut self, name: &str) -> Value {
        let mut skipped = Vec::new();
        loop {
            match timeout(PATIENCE, self.lines.next_line()).await {
                Ok(Ok(Some(line))) => {
                    let event: Value =
                        serde_json::from_str(&line).unwrap_or_else(|_| panic!("not JSON: {line}"));
                    assert!(event["elapsed_ms"].is_u64(), "{event}");
                    if event["event"] == name {
                        return event;
                    }
                    skipped.push(event);
                }
                other => panic!("no {name}: {other:?} after {skipped:?}"),
            }
        }
    }

    /// The step of that name.
    pub(crate) async fn step(&mut self, name: &str) -> Value {
        loop {
            let event = self.event("step").await;
            if event["step"] == name {
                return event;
            }
        }
    }

    pub(crate) async fn say(&mut self, line: &str) {
        self.stdin.as_mut().unwrap().write_all(format!("{line}\n").as_bytes()).await.unwrap();
    }

    pub(crate) fn close_stdin(&mut self) {
        self.stdin = None;
    }

    /// Ctrl-C.
    pub(crate) async fn interrupt(&self) {
        interrupt(&self.child).await;
    }

    /// What service managers send.
    pub(crate) async fn terminate(&self) {
        signal(&self.child, "-TERM").await;
    }

    /// Waits until it ends by itself.
    pub(crate) async fn ended(mut self) -> Ended {
        let ended = timeout(PATIENCE, self.child.wait()).await;
        if ended.is_err() {
            // So that what it said tells why it goes on.
            self.child.kill().await.unwrap();
        }
        let mut events = Vec::new();
        while let Some(line) = self.lines.next_line().await.unwrap() {
            events.push(serde_json::from_str(&line).unwrap_or_else(|_| panic!("not JSON: {line}")));
        }
        let mut stderr = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut stderr).await.unwrap();
        let Ok(status) = ended else {
            panic!("the program does not end; it said {events:?} {stderr}")
        };
        Ended { code: status.unwrap().code().expect("ended by a signal"), events, stderr }
    }
}

/// Killed, and gone: what it had open is free for the next.
impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.start_kill();
        while matches!(self.child.try_wait(), Ok(None)) {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

/// Ctrl-C.
pub(crate) async fn interrupt(child: &Child) {
    signal(child, "-INT").await;
}

async fn signal(child: &Child, name: &str) {
    let id = child.id().unwrap().to_string();
    assert!(Command::new("kill").args([name, &id]).status().await.unwrap().success());
}

/// Runs the program to its end, with JSON.
pub(crate) async fn run<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> Ended {
    let mut program = Program::start(args);
    program.close_stdin();
    program.ended().await
}

/// Runs the program to its end, for a person: exit code, standard output, standard error.
pub(crate) async fn run_plain<S: AsRef<OsStr>>(
    args: impl IntoIterator<Item = S>,
) -> (i32, String, String) {
    let output =
        timeout(PATIENCE, command(args).output()).await.expect("the program does not end").unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

/// A directory that is removed again, whose files are named as arguments are.
pub(crate) struct Directory(towline_testkit::Directory);

impl Directory {
    pub(crate) fn new() -> Self {
        Self(towline_testkit::Directory::new("cli"))
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.0.file(name).to_str().unwrap().to_owned()
    }
}
