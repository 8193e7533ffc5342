//! soft-webauthn, in Python: in a process of its own, which tells what its thread has taken.

use std::{
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

/// The script, and the Python that has its packages: README.md says how to make it.
const SCRIPT: &str = "rounds.py";
const PYTHON: &str = "target/venv/bin/python";

/// The process. It ends with its standard input.
struct Python {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Python {
    /// `None` where Python, or a package, is not there.
    fn start() -> Option<Self> {
        let python = if Path::new(PYTHON).exists() { PYTHON } else { "python3" };
        let mut command = Command::new(python);
        let pipes = command.arg(SCRIPT).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = pipes.spawn().ok()?;
        let (input, output) = (child.stdin.take(), BufReader::new(child.stdout.take()?));
        let mut this = Self { child, input, output };
        this.repeat(1).map(|_| this)
    }

    /// So many rounds; the seconds that they took.
    fn repeat(&mut self, times: u32) -> Option<f64> {
        writeln!(self.input.as_mut()?, "{times}").ok()?;
        let mut answer = String::new();
        self.output.read_line(&mut answer).ok()?;
        answer.trim().parse().ok().map(|nanoseconds: f64| nanoseconds * 1e-9)
    }
}

impl Drop for Python {
    fn drop(&mut self) {
        self.input = None;
        drop(self.child.wait());
    }
}

/// A registration and a sign-in.
pub fn round() -> Option<impl FnMut(u32) -> f64> {
    let mut python = Python::start()?;
    Some(move |times| python.repeat(times).expect("soft-webauthn is there"))
}
