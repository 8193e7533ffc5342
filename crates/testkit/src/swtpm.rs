//! `swtpm`, a TPM in software, as a process with a directory of its own.

use std::{
    env, fs,
    path::PathBuf,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use crate::Directory;

/// A TPM in software, with its own state. It goes with this value.
#[derive(Debug)]
pub struct Swtpm {
    directory: Directory,
    process: Option<Child>,
}

impl Swtpm {
    /// A new TPM. Where `swtpm` is not installed, the tests that need it say so and do nothing; the
    /// stage `tpm` of `.ci/run` sets `TOWLINE_SWTPM`, which makes that a failure.
    #[must_use]
    pub fn new() -> Option<Self> {
        if Command::new("swtpm").arg("--version").output().is_err() {
            assert!(env::var_os("TOWLINE_SWTPM").is_none(), "swtpm is not installed");
            println!("NOT RUN: swtpm is not installed");
            return None;
        }
        let mut swtpm = Self { directory: Directory::new("swtpm"), process: None };
        swtpm.start();
        Some(swtpm)
    }

    /// Its power comes.
    pub fn start(&mut self) {
        let unix = |name| format!("type=unixio,path={}", self.directory.file(name).display());
        let _ = fs::remove_file(self.socket());
        let process = Command::new("swtpm")
            .args(["socket", "--tpm2", "--flags", "not-need-init,startup-clear"])
            .args(["--tpmstate", &format!("dir={}", self.directory.path().display())])
            .args(["--server", &unix("socket"), "--ctrl", &unix("control")])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        self.process = Some(process.unwrap());
        let until = Instant::now() + Duration::from_secs(60);
        while !self.socket().exists() {
            assert!(Instant::now() < until, "swtpm has no socket");
            thread::yield_now();
        }
    }

    /// Its power goes, in the middle of whatever it does.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            let _ = process.kill();
            let _ = process.wait();
        }
    }

    /// Its power goes and comes again.
    pub fn restart(&mut self) {
        self.kill();
        self.start();
    }

    /// The socket that takes commands.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.directory.file("socket")
    }
}

impl Drop for Swtpm {
    fn drop(&mut self) {
        self.kill();
    }
}
