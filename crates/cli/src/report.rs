//! What the program says: lines for a person, or one JSON object per line.

use std::{
    io::{IsTerminal as _, Write as _},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use serde::Serialize;

use crate::event::{Event, Weight};

/// How often a waiting line shows its time. It is written with wrapping off (`ESC [ ? 7 l`): only a line that fits can be
/// overwritten.
const TICK: Duration = Duration::from_millis(200);

/// Where all output goes. Results and JSON go to standard output, progress for a person to standard error.
pub(crate) struct Report {
    json: bool,
    started: Instant,
    /// From when a person is shown the time.
    shown_from: Mutex<Instant>,
    /// The line that is being waited on, where standard error is a terminal.
    waiting: Option<Mutex<Option<Waiting>>>,
}

struct Waiting {
    line: String,
    since: Instant,
}

#[derive(Serialize)]
struct Line<'a> {
    #[serde(flatten)]
    event: &'a Event,
    elapsed_ms: u64,
}

impl Report {
    pub(crate) fn new(json: bool) -> Arc<Self> {
        let live = !json && std::io::stderr().is_terminal();
        let started = Instant::now();
        Arc::new(Self {
            json,
            started,
            shown_from: Mutex::new(started),
            waiting: live.then(Mutex::default),
        })
    }

    /// Whether somebody looks on: a program that reads JSON, or a person at a terminal.
    pub(crate) const fn is_watched(&self) -> bool {
        self.json || self.waiting.is_some()
    }

    /// Keeps the time of a waiting line moving, until dropped. For a terminal only; otherwise it never wakes.
    pub(crate) async fn tick(self: Arc<Self>) {
        let Some(waiting) = &self.waiting else { return std::future::pending().await };
        loop {
            tokio::time::sleep(TICK).await;
            let waiting = waiting.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(waiting) = waiting.as_ref() {
                to_stderr(&format!(
                    "\r\x1b[2K\x1b[?7l{} … {:.1} s\x1b[?7h",
                    waiting.line,
                    waiting.since.elapsed().as_secs_f32()
                ));
            }
        }
    }

    /// Shows the time from now on: a new transaction begins. The time in JSON goes on.
    pub(crate) fn start_over(&self) {
        *self.shown_from.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    /// Says that something happened.
    pub(crate) fn event(&self, event: &Event) {
        if self.json {
            let elapsed_ms = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
            match serde_json::to_string(&Line { event, elapsed_ms }) {
                Ok(line) => to_stdout(&format!("{line}\n")),
                Err(error) => to_stderr(&format!("an event can't be written as JSON: {error}\n")),
            }
            return;
        }
        let Some((weight, text)) = event.human() else { return };
        match weight {
            Weight::Step => self.step(&text),
            Weight::Note => self.end_line(|| to_stderr(&format!("{text}\n"))),
            Weight::Question => self.end_line(|| to_stderr(&format!("{text} "))),
            Weight::Result => self.end_line(|| to_stdout(&format!("{text}\n"))),
        }
    }

    /// Shows a drawing to a person. It may hold escape sequences, so it must be the program's own.
    pub(crate) fn drawing(&self, drawing: &str) {
        if !self.json {
            self.end_line(|| to_stdout(drawing));
        }
    }

    fn step(&self, text: &str) {
        let since = *self.shown_from.lock().unwrap_or_else(PoisonError::into_inner);
        let line = format!("[{:>6.1} s] {text}", since.elapsed().as_secs_f32());
        match &self.waiting {
            None => to_stderr(&format!("{line}\n")),
            Some(waiting) => {
                let mut waiting = waiting.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some(before) = waiting.take() {
                    to_stderr(&format!("\r\x1b[2K{}\n", before.line));
                }
                to_stderr(&format!("\x1b[?7l{line}\x1b[?7h"));
                *waiting = Some(Waiting { line, since: Instant::now() });
            }
        }
    }

    /// Ends the waiting line, so that something else can be written below it.
    fn end_line(&self, write: impl FnOnce()) {
        match &self.waiting {
            None => write(),
            Some(waiting) => {
                let mut waiting = waiting.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some(before) = waiting.take() {
                    to_stderr(&format!("\r\x1b[2K{}\n", before.line));
                }
                write();
            }
        }
    }
}

impl Drop for Report {
    fn drop(&mut self) {
        self.end_line(|| {});
    }
}

/// A reader that went away is no reason to stop: the other end of a transaction may still need this one.
fn to_stdout(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

fn to_stderr(text: &str) {
    let mut out = std::io::stderr().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}
