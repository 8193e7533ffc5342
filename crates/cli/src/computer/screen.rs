//! The terminal in front of a person at a computer: what is shown there, and what is typed.

use std::{
    io::{self, IsTerminal as _},
    path::PathBuf,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use tokio::sync::{oneshot, watch};
use towline::{
    ComputerStep as Shown, Screen,
    client::{Account, BoxFuture, Environment, Pin, PinAnswer, PinQuestion},
    hybrid::InitiatorProgress,
};
use zeroize::Zeroizing;

use super::shelf::Shelf;
use crate::{
    args,
    console::{forget_typed, yes_or_no},
    event::{self, Asking, Event, Expects, Step},
    exit::Failure,
    links::Choice,
    person::account_name,
    qr::draw::Drawing,
    report::Report,
    secret,
    stop::Stop,
};

/// The terminal as the computer's screen, and its keyboard.
pub(super) struct Terminal {
    report: Arc<Report>,
    image: Option<PathBuf>,
    /// Which linked phone to ask.
    choice: Choice,
    /// Whether it is asked now.
    ringing: AtomicBool,
    /// Why to stop, as soon as there is a reason.
    over: watch::Sender<Option<Failure>>,
    code: Shelf,
    /// The PIN that a file holds.
    pin: Option<Pin>,
    /// Who types; nobody without a terminal.
    typist: Option<Typist>,
}

/// How somebody types.
#[derive(Clone, Copy)]
struct Typist {
    /// A PIN, a new one twice.
    pin: fn(bool) -> io::Result<Pin>,
    /// The number of one of so many choices, from 0; `None` for no.
    number: fn(usize) -> io::Result<Option<usize>>,
}

impl Terminal {
    /// The screen of this process.
    pub(super) fn new(
        args: &args::Reach,
        choice: Choice,
        report: &Arc<Report>,
    ) -> Result<Self, Failure> {
        let pin = match &args.pin_file {
            Some(file) => Some(Pin::new(&secret::read(Some(file), "PIN")?)),
            None => None,
        };
        let typist = Typist { pin: type_pin, number: type_number };
        Ok(Self {
            report: Arc::clone(report),
            image: args.qr_image.clone(),
            choice,
            ringing: AtomicBool::new(false),
            over: watch::Sender::new(None),
            code: Shelf::default(),
            pin,
            typist: io::stdin().is_terminal().then_some(typist),
        })
    }

    /// Runs a ceremony until it is done, or somebody wants it to stop.
    pub(super) async fn attend<T>(
        &self,
        work: impl Future<Output = T>,
        stop: &mut Stop,
    ) -> Result<T, Failure> {
        let mut work = pin!(work);
        let outcome = tokio::select! {
            outcome = &mut work => outcome,
            never = self.code.waits_long(&self.report) => match never {},
            () = stop.wished() => {
                self.over.send_replace(Some(stop.failure()));
                tokio::select! {
                    outcome = &mut work => outcome,
                    // Who insists does not wait for the other end to be told.
                    () = stop.wished() => return Err(stop.failure()),
                }
            }
        };
        // Bound to a variable of its own, so that the lock of the channel is not held across the
        // return.
        let over = self.over.borrow().clone();
        over.map_or(Ok(outcome), Err)
    }

    fn step(&self, step: Step, message: impl Into<String>) {
        self.report.event(&Event::Step { step, message: message.into() });
    }

    async fn ask_pin(&self, question: &PinQuestion) -> PinAnswer {
        self.step(Step::ScreenLock, question.to_string());
        if let Some(pin) = &self.pin {
            return self.pin_of_file(pin, question);
        }
        // What is typed stands on a line of its own, which no clock overwrites.
        self.report.drawing("");
        let Some(Typist { pin: typist, .. }) = self.typist else {
            let message = "a PIN is typed at a terminal, and there is none here; --pin-file names a file with it";
            self.over.send_replace(Some(Failure::environment("no_terminal", message)));
            return PinAnswer::Cancel;
        };
        let twice = matches!(question, PinQuestion::New { .. });
        match typed(move || typist(twice)).await {
            Some(Ok(pin)) => PinAnswer::Pin(pin),
            Some(Err(error)) => {
                let message = format!("the PIN can't be read: {error}");
                self.over.send_replace(Some(Failure::environment("input", message)));
                PinAnswer::Cancel
            }
            None => PinAnswer::Cancel,
        }
    }

    /// It is tried once, and changes nothing.
    fn pin_of_file(&self, pin: &Pin, question: &PinQuestion) -> PinAnswer {
        let message = match question {
            PinQuestion::Present { problem: None, .. } => return PinAnswer::Pin(pin.clone()),
            PinQuestion::Present { .. } => {
                "the PIN in the file is not the authenticator's; correct it before its tries are used up"
            }
            _ => {
                "the authenticator wants a new PIN, which a person types twice; leave out --pin-file"
            }
        };
        self.over.send_replace(Some(Failure::usage("pin", message)));
        PinAnswer::Cancel
    }

    async fn ask_account(&self, accounts: &[Account]) -> Option<usize> {
        // Nobody to ask: the newest, which comes first.
        let Some(Typist { number, .. }) = self.typist else { return Some(0) };
        let choices = accounts.iter().map(|account| account_name(&account.user)).collect();
        let message = "Which account?";
        let asking = Asking {
            choices,
            expects: Expects::Number,
            ..Asking::new(event::Question::Choose, message)
        };
        self.report.event(&Event::Question(asking));
        let count = accounts.len();
        typed(move || number(count)).await.and_then(Result::ok).flatten()
    }
    /// Shows the code: drawn for a person, as text, and as a picture where one was asked for.
    fn draw(&self, uri: &str) -> Result<(), Failure> {
        let drawing = Drawing::new(uri)?;
        let picture = self.image.as_ref().map(|path| drawing.write_png(path)).transpose()?;
        self.code.shown(picture);
        self.report.drawing(&drawing.to_ansi());
        let image = self.image.as_ref().map(|path| path.display().to_string());
        self.report.event(&Event::QrCode { uri: uri.to_owned(), image });
        Ok(())
    }
}

impl Screen for Terminal {
    fn show(&self, shown: Shown<'_>) {
        match shown {
            Shown::Ringing(_) => self.ringing.store(true, Ordering::Relaxed),
            Shown::NotReached(..) | Shown::Forgotten(_) => {
                self.ringing.store(false, Ordering::Relaxed);
            }
            _ => {}
        }
        let step = match shown {
            Shown::ShowCode(uri) => {
                if let Err(failure) = self.draw(uri) {
                    self.over.send_replace(Some(failure));
                }
                return;
            }
            Shown::HideCode => {
                self.code.taken_away();
                return;
            }
            // There is no code to scan.
            Shown::Listening(_) if self.ringing.load(Ordering::Relaxed) => return,
            Shown::Listening(_) => Step::WaitingForScan,
            Shown::Ringing(_) => Step::Ringing,
            Shown::NotReached(..) => Step::NotReached,
            Shown::Remembered(_) => Step::Linked,
            Shown::Forgotten(_) => Step::Forgotten,
            Shown::NotRecognised(_) => Step::ScreenLock,
            Shown::Progress(progress) => match progress {
                InitiatorProgress::PhoneComing => Step::PhoneComing,
                InitiatorProgress::Near => Step::Near,
                InitiatorProgress::Connecting => Step::Connecting,
                InitiatorProgress::Handshaking => Step::Handshake,
                InitiatorProgress::Authenticated => Step::Connected,
                InitiatorProgress::WaitingForPhone => Step::ScreenLock,
                InitiatorProgress::AttemptFailed(_) => Step::AttemptFailed,
                InitiatorProgress::Closing => Step::Closing,
                // Said by `Listening`, together with the radio.
                _ => return,
            },
            // What has scrolled by can't be taken off a terminal. The code is good for one phone
            // only.
            _ => return,
        };
        let message = match shown {
            Shown::Listening(radio) => format!("Waiting for a scan, by {radio}."),
            Shown::Ringing(name) => format!("Waiting for {name}."),
            _ => shown.to_string(),
        };
        self.report.event(&Event::Step { step, message });
    }

    fn choose_phone<'a>(&'a self, names: &'a [String]) -> BoxFuture<'a, Option<usize>> {
        Box::pin(async move {
            if let Some(message) = self.choice.why_a_code(names) {
                self.report.event(&Event::Step { step: Step::SeveralPhones, message });
            }
            self.choice.of(names)
        })
    }

    fn choose<'a>(&'a self, accounts: &'a [Account]) -> BoxFuture<'a, Option<usize>> {
        Box::pin(self.ask_account(accounts))
    }

    fn pin<'a>(&'a self, question: &'a PinQuestion) -> BoxFuture<'a, PinAnswer> {
        Box::pin(self.ask_pin(question))
    }

    fn cancelled(&self) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            // Can't fail: `self` holds the sender.
            let _ = self.over.subscribe().wait_for(Option::is_some).await;
        })
    }
}

/// For authenticators that are reached without a code.
impl Environment for Terminal {
    fn sleep_until(&self, deadline: Instant) -> BoxFuture<'_, ()> {
        Box::pin(tokio::time::sleep_until(deadline.into()))
    }

    fn choose<'a>(&'a self, accounts: &'a [Account]) -> BoxFuture<'a, Option<usize>> {
        Box::pin(self.ask_account(accounts))
    }

    fn pin<'a>(&'a self, question: &'a PinQuestion) -> BoxFuture<'a, PinAnswer> {
        Box::pin(self.ask_pin(question))
    }

    fn not_recognised(&self, tries_left: Option<u64>) {
        self.step(Step::ScreenLock, Shown::NotRecognised(tries_left).to_string());
    }

    fn cancelled(&self) -> BoxFuture<'_, ()> {
        Screen::cancelled(self)
    }
}

/// What somebody types, by a thread that nobody waits for at the end: the terminal may be silent
/// for ever.
async fn typed<T: Send + 'static>(
    read: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Option<io::Result<T>> {
    let (told, typed) = oneshot::channel();
    std::thread::spawn(move || told.send(read()));
    typed.await.ok()
}

/// Reads a PIN that is not shown; a new one twice, until it is the same.
fn type_pin(twice: bool) -> io::Result<Pin> {
    let mut prompt = "PIN (not shown): ";
    loop {
        // What was typed before was not meant for this.
        forget_typed();
        let typed = Zeroizing::new(rpassword::prompt_password(prompt)?);
        let pin = Pin::new(&typed);
        if !twice {
            return Ok(pin);
        }
        let again = Zeroizing::new(rpassword::prompt_password("Once more: ")?);
        if Pin::new(&again) == pin {
            return Ok(pin);
        }
        prompt = "The two are not the same. PIN (not shown): ";
    }
}

/// Reads which of so many is meant, until it is one of them, or a no.
fn type_number(count: usize) -> io::Result<Option<usize>> {
    forget_typed();
    for line in io::stdin().lines() {
        let line = line?;
        let line = line.trim();
        if yes_or_no(line) == Some(false) {
            return Ok(None);
        }
        // People count from 1.
        match line.parse::<usize>().ok().and_then(|number| number.checked_sub(1)) {
            Some(index) if index < count => return Ok(Some(index)),
            _ => eprintln!("that is none of the numbers, and not \"no\""),
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use towline::client::{PinProblem, PinReason, PinRules};

    use super::*;
    use crate::exit::Exit;

    fn terminal(pin: Option<fn(bool) -> io::Result<Pin>>) -> Terminal {
        let typist = pin.map(|pin| Typist { pin, number: |_| Ok(None) });
        let image = None;
        let over = watch::Sender::new(None);
        let code = Shelf::default();
        Terminal {
            report: Report::new(true),
            image,
            choice: Choice::Only,
            ringing: AtomicBool::new(false),
            over,
            code,
            pin: None,
            typist,
        }
    }

    #[tokio::test]
    async fn a_pin_is_typed_at_a_terminal_or_the_ceremony_ends_with_a_reason() {
        let reason = PinReason::Verification;
        let question = PinQuestion::Present { tries_left: Some(8), reason, problem: None };
        let asked = async |typist| {
            let terminal = terminal(typist);
            let answer = terminal.ask_pin(&question).await;
            let over = terminal.over.borrow().clone();
            (answer, over.map(|failure| (failure.exit, failure.reason)))
        };
        let typed: fn(bool) -> io::Result<Pin> = |_| Ok(Pin::new("1234"));
        assert_eq!(asked(Some(typed)).await, (PinAnswer::Pin(Pin::new("1234")), None));
        let none = Some((Exit::Environment, "no_terminal"));
        assert_eq!(asked(None).await, (PinAnswer::Cancel, none));
        let broken: fn(bool) -> io::Result<Pin> = |_| Err(io::ErrorKind::BrokenPipe.into());
        let unread = Some((Exit::Environment, "input"));
        assert_eq!(asked(Some(broken)).await, (PinAnswer::Cancel, unread));
    }

    #[tokio::test]
    async fn the_pin_of_a_file_is_tried_once_and_never_set() {
        let ask = async |question: PinQuestion| {
            let terminal = Terminal { pin: Some(Pin::new("1234")), ..terminal(None) };
            let answer = terminal.ask_pin(&question).await;
            (answer, terminal.over.borrow().clone().map(|failure| failure.reason))
        };
        let reason = PinReason::Verification;
        let present = |problem| PinQuestion::Present { tries_left: Some(7), reason, problem };
        assert_eq!(ask(present(None)).await, (PinAnswer::Pin(Pin::new("1234")), None));
        let refused = (PinAnswer::Cancel, Some("pin"));
        assert_eq!(ask(present(Some(PinProblem::Wrong))).await, refused);
        let rules = PinRules { min_length: 4, max_length: 63, complexity: false };
        assert_eq!(ask(PinQuestion::New { rules, change: false, problem: None }).await, refused);
    }
}
