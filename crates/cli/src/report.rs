//! What the program says: lines for a person, or one JSON object per line.

use std::{
    io::{IsTerminal as _, Write as _},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use serde::Serialize;

use crate::{
    event::{Event, Weight},
    line::{columns, fit},
};

/// How often a waiting line shows its time. It is written with wrapping off (`ESC [ ? 7 l`): only a
/// line that fits can be overwritten.
const TICK: Duration = Duration::from_millis(200);

/// Where all output goes. Results and JSON go to standard output, progress for a person to standard
/// error.
pub(crate) struct Report {
    json: bool,
    /// Whether a waiting line can be overwritten: standard error is a terminal.
    live: bool,
    started: Instant,
    /// Whether a person types meanwhile. What waits is shown on the line above theirs then.
    typed: AtomicBool,
    /// Whether standard output is for one response alone.
    stdout_is_free: AtomicBool,
    /// From when a person is shown the time.
    shown_from: Mutex<Instant>,
    last_line: Mutex<LastLine>,
}

/// What the last line on the screen is.
enum LastLine {
    /// It has ended.
    Ended,
    /// A question, with room for the answer behind it. It stays where it is.
    Question,
    /// A step that is being waited on, with its time.
    Waiting { line: String, since: Instant },
}

#[derive(Serialize)]
struct Line<'a> {
    #[serde(flatten)]
    event: &'a Event,
    elapsed_ms: u64,
}

impl Report {
    pub(crate) fn new(json: bool) -> Arc<Self> {
        let started = Instant::now();
        Arc::new(Self {
            json,
            live: !json && std::io::stderr().is_terminal(),
            started,
            typed: AtomicBool::new(false),
            stdout_is_free: AtomicBool::new(false),
            shown_from: Mutex::new(started),
            last_line: Mutex::new(LastLine::Ended),
        })
    }

    /// Whether somebody looks on: a program that reads JSON, or a person at a terminal.
    pub(crate) const fn is_watched(&self) -> bool {
        self.json || self.live
    }

    /// Whether all that is said is JSON.
    pub(crate) const fn is_json(&self) -> bool {
        self.json
    }

    /// Says what a person at the terminal is to do; no program needs it.
    pub(crate) fn hint(&self, text: &str) {
        if !self.json {
            drop(self.new_line(|| to_stderr(&format!("{text}\n"))));
        }
    }

    /// Keeps the time of a waiting line moving, until dropped. For a terminal only; otherwise it
    /// never wakes.
    pub(crate) async fn tick(self: Arc<Self>) {
        if !self.live {
            return std::future::pending().await;
        }
        loop {
            tokio::time::sleep(TICK).await;
            if let LastLine::Waiting { line, since } = &*self.last_line() {
                self.rewrite(&waiting(line, since.elapsed(), columns()));
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
            Weight::Note => drop(self.new_line(|| to_stderr(&format!("{text}\n")))),
            Weight::Question => {
                // Half a line that was typed is forgotten, and is not to be seen before the
                // question either.
                let clean = if self.live && self.is_typed() { CLEAN } else { "" };
                *self.new_line(|| to_stderr(&format!("{clean}{text} "))) = LastLine::Question;
            }
            Weight::Result => drop(self.new_line(|| to_stdout(&format!("{text}\n")))),
        }
    }

    /// What another program reads, with and without `--json`. It may have read enough, as `head`
    /// does.
    pub(crate) fn script(&self, script: &str) {
        drop(self.new_line(|| to_stdout(script)));
    }

    /// Shows a drawing to a person. It may hold escape sequences, so it must be the program's own.
    pub(crate) fn drawing(&self, drawing: &str) {
        if !self.json {
            let free = self.stdout_is_free.load(Ordering::Relaxed);
            let to = if free { to_stderr } else { to_stdout };
            drop(self.new_line(|| to(drawing)));
        }
    }

    /// From now on drawings go to standard error, where they are no part of a response.
    pub(crate) fn leaves_stdout_free(&self) {
        self.stdout_is_free.store(true, Ordering::Relaxed);
    }

    /// A person is going to type at this terminal, at any time.
    pub(crate) fn is_typed_at(&self) {
        self.typed.store(true, Ordering::Relaxed);
    }

    /// The person has typed a line, and the terminal has shown its end: an answer stands behind its
    /// question.
    pub(crate) fn line_typed(&self) {
        let mut last = self.last_line();
        *last = LastLine::Ended;
    }

    fn step(&self, text: &str) {
        let since = *self.shown_from.lock().unwrap_or_else(PoisonError::into_inner);
        let line = format!("[{:>6.1} s] {text}", since.elapsed().as_secs_f32());
        if self.live {
            let end = if self.is_typed() { "\n" } else { "" };
            let shown = waiting(&line, Duration::ZERO, columns());
            let mut last = self.new_line(|| to_stderr(&format!("{shown}{end}")));
            *last = LastLine::Waiting { line, since: Instant::now() };
        } else {
            drop(self.new_line(|| to_stderr(&format!("{line}\n"))));
        }
    }

    /// Ends the last line, whatever it is, so that something else can be written below it: text
    /// never stands behind a question, and never takes its place.
    fn new_line(&self, write: impl FnOnce()) -> MutexGuard<'_, LastLine> {
        let mut last = self.last_line();
        match std::mem::replace(&mut *last, LastLine::Ended) {
            LastLine::Ended => {}
            LastLine::Question => to_stderr("\n"),
            LastLine::Waiting { line, .. } if self.is_typed() => {
                self.rewrite(&waiting(&line, Duration::ZERO, columns()));
            }
            LastLine::Waiting { line, .. } => to_stderr(&format!("{CLEAN}{line}\n")),
        }
        write();
        last
    }

    /// Writes over the line that waits.
    fn rewrite(&self, line: &str) {
        if self.is_typed() {
            // One line up, and back to where the person types.
            to_stderr(&format!("\x1b7\x1b[1A{line}\x1b8"));
        } else {
            to_stderr(line);
        }
    }

    fn is_typed(&self) -> bool {
        self.typed.load(Ordering::Relaxed)
    }

    fn last_line(&self) -> MutexGuard<'_, LastLine> {
        self.last_line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Report {
    fn drop(&mut self) {
        drop(self.new_line(|| {}));
    }
}

/// Back to the beginning of the line, which is emptied.
const CLEAN: &str = "\r\x1b[2K";

/// A step that is being waited on, and for how long, in one line of a terminal: it can be written
/// over.
fn waiting(line: &str, waited: Duration, columns: usize) -> String {
    let time = if waited.is_zero() {
        String::new()
    } else {
        format!(" … {:.1} s", waited.as_secs_f32())
    };
    // The mark in the time may take two columns, and the last column stays free for the cursor.
    let room = columns.saturating_sub(time.chars().count()).saturating_sub(2);
    format!("{CLEAN}\x1b[?7l{}{time}\x1b[?7h", fit(line, room))
}

/// A reader that went away is no reason to stop: the other end of a transaction may still need this
/// one.
fn to_stdout(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

fn to_stderr(text: &str) {
    let mut out = std::io::stderr().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_and_its_clock_fit_into_the_columns_that_there_are() {
        let step = "[   0.1 s] Waiting for a scan, by simulated radio (air at udp:127.0.0.1:4434).";
        for columns in [20, 60, 80, 100] {
            for waited in [0, 1, 12_345] {
                let text = waiting(step, Duration::from_secs(waited), columns);
                let shown = text.replace("\r\x1b[2K\x1b[?7l", "").replace("\x1b[?7h", "");
                assert!(shown.chars().count() < columns, "{columns}: {shown}");
                assert_eq!(shown.ends_with(" s"), waited > 0, "{shown}");
            }
        }
    }

    #[test]
    fn nothing_is_written_behind_an_open_question_or_in_its_place() {
        let report = Report::new(false);
        let question = || *report.last_line() = LastLine::Question;
        question();
        report.event(&Event::Ready {});
        assert!(matches!(*report.last_line(), LastLine::Ended));
        // The terminal has ended the line of an answer itself.
        question();
        report.line_typed();
        assert!(matches!(*report.last_line(), LastLine::Ended));
        // An open question is no waiting line, which the clock would write over.
        question();
        assert!(!matches!(*report.last_line(), LastLine::Waiting { .. }));
    }
}
