//! `swtpm`, a TPM in software, as a process with a directory of its own.

use std::{
    fs,
    path::PathBuf,
    process::{Child, Command as Process, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};

use towline_tpm::{TpmPlace, Worker};

use crate::vectors::provider;

/// A TPM in software, with its own state.
pub(crate) struct Swtpm {
    directory: PathBuf,
    process: Option<Child>,
}

static NUMBER: AtomicU32 = AtomicU32::new(0);

impl Swtpm {
    /// A new TPM. Where there is none to be had, the tests that need one say so and do nothing;
    /// the stage `tpm` of `.ci/run` sets `TOWLINE_SWTPM`, which makes that a failure.
    pub(crate) fn new() -> Option<Self> {
        let there = Process::new("swtpm").arg("--version").output().is_ok();
        if !there {
            assert!(std::env::var_os("TOWLINE_SWTPM").is_none(), "swtpm is not here");
            println!("NOT RUN: swtpm is not here");
            return None;
        }
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let directory =
            std::env::temp_dir().join(format!("towline-swtpm-{}-{number}", std::process::id()));
        let _ = fs::remove_dir_all(&directory);
        fs::create_dir_all(&directory).unwrap();
        let mut swtpm = Self { directory, process: None };
        swtpm.start();
        Some(swtpm)
    }

    /// Its power comes.
    pub(crate) fn start(&mut self) {
        let path = |name: &str| self.directory.join(name).display().to_string();
        let _ = fs::remove_file(self.socket());
        let process = Process::new("swtpm")
            .args(["socket", "--tpm2", "--flags", "not-need-init,startup-clear"])
            .args(["--tpmstate", &format!("dir={}", self.directory.display())])
            .args(["--server", &format!("type=unixio,path={}", path("socket"))])
            .args(["--ctrl", &format!("type=unixio,path={}", path("control"))])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("swtpm starts");
        self.process = Some(process);
        let until = Instant::now() + Duration::from_secs(20);
        while !self.socket().exists() {
            assert!(Instant::now() < until, "swtpm has no socket");
            std::thread::yield_now();
        }
    }

    /// Its power goes, in the middle of whatever it does.
    pub(crate) fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            let _ = process.kill();
            let _ = process.wait();
        }
    }

    /// Its power goes and comes again.
    pub(crate) fn restart(&mut self) {
        self.kill();
        self.start();
    }

    fn socket(&self) -> PathBuf {
        self.directory.join("socket")
    }

    pub(crate) fn place(&self) -> TpmPlace {
        TpmPlace::Unix(self.socket())
    }

    pub(crate) fn worker(&self) -> Worker {
        Worker::at(provider(), self.place())
    }
}

impl Drop for Swtpm {
    fn drop(&mut self) {
        self.kill();
        let _ = fs::remove_dir_all(&self.directory);
    }
}
