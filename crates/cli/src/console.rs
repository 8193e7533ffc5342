//! The person at the terminal: lines of standard input, as codes and as answers.
//!
//! An answer belongs to a question by its token, and never by its place in the input. A line that
//! is typed at a terminal answers the question that was on the screen when it came. A script may
//! write answers ahead, for the questions of a code that it wrote as well; they are forgotten as
//! soon as one of these questions is withdrawn.

mod tty;

use std::{
    collections::VecDeque,
    fmt,
    io::IsTerminal as _,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use tokio::sync::Notify;
use zeroize::Zeroizing;

pub(crate) use self::tty::forget_typed;
use crate::{event::Event, report::Report};

/// Lines that are kept until somebody wants them; more are forgotten. The input is always read, so
/// that it is known when each came.
const KEPT: usize = 4096;

/// A line of the input, without its end. It may be a passphrase, or the text of a code.
pub(crate) type Line = Zeroizing<String>;

/// Names one question. No two have the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Token(u64);

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "q{}", self.0)
    }
}

/// What a question wants to hear.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// Words that everybody may see.
    Words,
    /// A secret: it is typed unseen, and an empty line is an answer too.
    Secret,
}

/// Standard input, line by line.
pub(crate) struct Console {
    shared: Arc<Shared>,
}

struct Shared {
    report: Arc<Report>,
    /// Whether a person types.
    terminal: bool,
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Default)]
struct State {
    asked: u64,
    open: Option<Open>,
    /// For the question that is open.
    answers: VecDeque<Line>,
    /// What came while nothing was asked.
    ahead: VecDeque<Line>,
    /// Whether what was written ahead may answer what is asked.
    foreseen: bool,
    ended: bool,
}

/// The question on the screen.
#[derive(Clone, Copy)]
struct Open {
    token: Token,
    since: Instant,
    wanted: Wanted,
}

impl Console {
    /// Starts to read. There can be only one.
    pub(crate) fn new(report: &Arc<Report>) -> Self {
        let shared = Arc::new(Shared {
            report: Arc::clone(report),
            terminal: std::io::stdin().is_terminal(),
            state: Mutex::default(),
            changed: Notify::new(),
        });
        if shared.terminal {
            report.is_typed_at();
        }
        let reader = Arc::clone(&shared);
        // Reading can't be interrupted, so that a thread of its own does it, which the end of the
        // process ends.
        std::thread::spawn(move || {
            for line in std::io::stdin().lines() {
                let Ok(line) = line.map(Zeroizing::new) else { break };
                reader.typed(line, Instant::now());
            }
            reader.lock().ended = true;
            reader.changed.notify_waiters();
        });
        Self { shared }
    }

    /// Whether a person types, and no script.
    pub(crate) fn is_terminal(&self) -> bool {
        self.shared.terminal
    }

    /// Shows a question by `show`, which is told its token. What was typed before is no answer to
    /// it.
    pub(crate) fn ask(&self, wanted: Wanted, show: impl FnOnce(Token)) -> Asked<'_> {
        // A line that comes meanwhile waits for the lock, and has the time at which it came.
        let mut state = self.shared.lock();
        if self.shared.terminal {
            forget_typed();
        }
        let unseen = (self.shared.terminal && wanted == Wanted::Secret).then(tty::Unseen::new);
        let token = state.open(Instant::now(), wanted);
        show(token);
        drop(state);
        Asked { shared: &self.shared, token, answered: false, _unseen: unseen.flatten() }
    }

    /// The next line that answers nothing; `None` at the end of the input. Cancel-safe.
    pub(crate) async fn line(&self) -> Option<Line> {
        self.shared
            .until(|state| match state.ahead.pop_front() {
                Some(line) => Some(Some(line)),
                None => state.ended.then_some(None),
            })
            .await
    }

    /// Hands a line back: it was no answer, but something else.
    pub(crate) fn put_back(&self, line: Line) {
        self.shared.lock().ahead.push_front(line);
        self.shared.changed.notify_waiters();
    }

    /// A code of this input is answered: its questions are known to whoever wrote it, who may have
    /// written the answers too.
    pub(crate) fn foresee(&self) {
        self.shared.lock().foreseen = !self.shared.terminal;
    }

    /// The code is done with. Answers that were written for its questions answer no others.
    pub(crate) fn forget_answers(&self) {
        let mut state = self.shared.lock();
        state.foreseen = false;
        let forgotten = state.forget_answers();
        drop(state);
        self.shared.tell_forgotten(forgotten);
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn typed(&self, line: Line, at: Instant) {
        if self.terminal {
            self.report.line_typed();
        }
        let kept = self.lock().typed(line, at, self.terminal);
        match kept {
            Ok(()) => self.changed.notify_waiters(),
            Err(message) => self.report.event(&Event::Ignored { message }),
        }
    }

    async fn until<T>(&self, mut ready: impl FnMut(&mut State) -> Option<T>) -> T {
        loop {
            // Made before looking, so that it misses nothing.
            let changed = self.changed.notified();
            let found = ready(&mut self.lock());
            match found {
                Some(found) => return found,
                None => changed.await,
            }
        }
    }

    fn tell_forgotten(&self, forgotten: usize) {
        if forgotten > 0 {
            let message =
                format!("answers that were written ahead and not used are forgotten: {forgotten}");
            self.report.event(&Event::Ignored { message });
        }
    }
}

impl State {
    fn open(&mut self, now: Instant, wanted: Wanted) -> Token {
        self.asked = self.asked.saturating_add(1);
        let token = Token(self.asked);
        self.answers.clear();
        self.open = Some(Open { token, since: now, wanted });
        token
    }

    /// A line that came at that time. Or why it is of no use.
    fn typed(&mut self, line: Line, at: Instant, terminal: bool) -> Result<(), String> {
        let open = self.open.filter(|open| at >= open.since);
        // At a terminal the screen says what an answer is for.
        if !terminal && let Some((token, answer)) = named(&line) {
            return match open {
                Some(open) if open.token.to_string() == token => {
                    self.answers.push_back(Zeroizing::new(answer.to_owned()));
                    Ok(())
                }
                _ => Err(format!("question {token} is not open; the answer to it was not used")),
            };
        }
        match open {
            Some(_) => self.answers.push_back(line),
            None if terminal && yes_or_no(line.trim()).is_some() => {
                return Err("nothing is asked now; that was not used".into());
            }
            None if self.ahead.len() >= KEPT => {
                return Err("too much was written ahead; a line was forgotten".into());
            }
            None => self.ahead.push_back(line),
        }
        Ok(())
    }

    /// What was said to this question; `Some(None)` when nothing can be said any more.
    fn answer(&mut self, token: Token) -> Option<Option<Line>> {
        let open = self.open.filter(|open| open.token == token)?;
        if let Some(line) = self.answers.pop_front() {
            return Some(Some(line));
        }
        while self.foreseen
            && let Some(line) = self.ahead.pop_front()
        {
            if open.wanted == Wanted::Secret || !line.trim().is_empty() {
                return Some(Some(line));
            }
        }
        self.ended.then_some(None)
    }

    /// Whoever wrote ahead did not foresee what happened: how many answers are forgotten.
    fn forget_answers(&mut self) -> usize {
        let is_answer = |line: &Line| {
            let line = line.trim();
            line.is_empty() || yes_or_no(line).is_some() || line.parse::<usize>().is_ok()
        };
        let answers = self.ahead.iter().take_while(|line| is_answer(line)).count();
        self.ahead.drain(..answers).filter(|line| !line.trim().is_empty()).count()
    }
}

/// The token of a question and what is said to it, where a line names one.
fn named(line: &str) -> Option<(&str, &str)> {
    let (token, answer) = line.split_once(' ')?;
    let number = token.strip_prefix('q')?;
    let digits = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    digits.then_some((token, answer))
}

/// A question on the screen. Dropped before it is answered, it is withdrawn, and the person is
/// told.
pub(crate) struct Asked<'a> {
    shared: &'a Shared,
    token: Token,
    answered: bool,
    _unseen: Option<tty::Unseen>,
}

impl Asked<'_> {
    /// The next line that was typed since the question is shown, and is meant for it; `None` at the
    /// end of the input. Cancel-safe.
    pub(crate) async fn line(&self) -> Option<Line> {
        self.shared.until(|state| state.answer(self.token)).await
    }

    /// It was answered, or nobody can answer it.
    pub(crate) fn answered(mut self) {
        self.answered = true;
    }
}

impl Drop for Asked<'_> {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.open.take_if(|open| open.token == self.token);
        state.answers.clear();
        if self.answered {
            return;
        }
        let forgotten =
            if std::mem::take(&mut state.foreseen) { state.forget_answers() } else { 0 };
        drop(state);
        self.shared.report.event(&Event::Withdrawn {
            token: self.token.to_string(),
            message: "withdrawn: the question is no longer open",
        });
        self.shared.tell_forgotten(forgotten);
    }
}

/// What a line means as an answer; `None` for what is neither yes nor no.
pub(crate) fn yes_or_no(line: &str) -> Option<bool> {
    match line.to_ascii_lowercase().as_str() {
        "y" | "yes" => Some(true),
        "n" | "no" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const TERMINAL: bool = true;
    const PIPE: bool = false;

    fn line(text: &str) -> Line {
        Zeroizing::new(text.to_owned())
    }

    fn said(state: &mut State, token: Token) -> Option<String> {
        state.answer(token).map(|line| line.map_or("the end".into(), |line| line.to_string()))
    }

    #[test]
    fn what_was_typed_before_a_question_is_not_its_answer() {
        let (mut state, shown) = (State::default(), Instant::now());
        let earlier = shown.checked_sub(Duration::from_secs(1)).unwrap();
        assert!(state.typed(line("yes"), earlier, TERMINAL).is_err());
        assert!(state.typed(line("1"), earlier, TERMINAL).is_ok());
        let token = state.open(shown, Wanted::Words);
        // Typed before, and read by us only now.
        assert!(state.typed(line("yes"), earlier, TERMINAL).is_err());
        assert_eq!(said(&mut state, token), None);
        state.typed(line("no"), shown, TERMINAL).unwrap();
        assert_eq!(said(&mut state, token).as_deref(), Some("no"));
    }

    #[test]
    fn a_yes_to_a_question_that_was_withdrawn_is_no_yes_to_the_next() {
        let (mut state, now) = (State::default(), Instant::now());
        let first = state.open(now, Wanted::Words);
        state.typed(line("yes"), now, TERMINAL).unwrap();
        let second = state.open(now, Wanted::Words);
        assert_ne!(first, second);
        assert_eq!((said(&mut state, first), said(&mut state, second)), (None, None));
    }

    #[test]
    fn a_script_may_write_the_answers_to_the_questions_of_its_code_ahead() {
        let (mut state, now) = (State { foreseen: true, ..State::default() }, Instant::now());
        for answer in ["yes", "", "2"] {
            state.typed(line(answer), now, PIPE).unwrap();
        }
        let later = now.checked_add(Duration::from_secs(1)).unwrap();
        let first = state.open(later, Wanted::Words);
        assert_eq!(said(&mut state, first).as_deref(), Some("yes"));
        let second = state.open(later, Wanted::Words);
        assert_eq!(said(&mut state, second).as_deref(), Some("2"));
        assert_eq!(said(&mut state, second), None);
        state.ended = true;
        assert_eq!(said(&mut state, second).as_deref(), Some("the end"));
    }

    #[test]
    fn nobody_foresees_what_linked_computers_ask() {
        let (mut state, now) = (State::default(), Instant::now());
        state.typed(line("yes"), now, PIPE).unwrap();
        let token = state.open(now.checked_add(Duration::from_secs(1)).unwrap(), Wanted::Words);
        assert_eq!(said(&mut state, token), None);
    }

    #[test]
    fn answers_that_were_not_used_are_forgotten_and_codes_are_not() {
        let mut state = State::default();
        for text in ["yes", "", "1", "FIDO:/123", "no"] {
            state.typed(line(text), Instant::now(), PIPE).unwrap();
        }
        assert_eq!(state.forget_answers(), 2);
        assert_eq!(state.ahead.front().map(|line| line.as_str()), Some("FIDO:/123"));
    }

    #[test]
    fn an_answer_that_names_its_question_answers_no_other() {
        let (mut state, now) = (State::default(), Instant::now());
        assert!(state.typed(line("q1 yes"), now, PIPE).is_err());
        let token = state.open(now, Wanted::Words);
        assert!(state.typed(line("q7 yes"), now, PIPE).is_err());
        assert_eq!(said(&mut state, token), None);
        state.typed(line("q1 yes"), now, PIPE).unwrap();
        assert_eq!(said(&mut state, token).as_deref(), Some("yes"));
    }

    #[test]
    fn only_clear_answers_count() {
        for (line, answer) in
            [("yes", Some(true)), ("Y", Some(true)), ("NO", Some(false)), ("n", Some(false))]
        {
            assert_eq!(yes_or_no(line), answer, "{line}");
        }
        for line in ["", "ye", "yes please", "1", "FIDO:/123"] {
            assert_eq!(yes_or_no(line), None, "{line}");
        }
    }
}
