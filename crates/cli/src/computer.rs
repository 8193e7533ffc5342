//! `towline computer`: shows a code, waits for a phone, and takes its passkey to the relying party.

mod shelf;

use std::{
    io::{self, IsTerminal as _},
    path::PathBuf,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use serde_json::Value;
use tokio::sync::{oneshot, watch};
use towline::{
    Computer, ComputerError, ComputerStep as Shown, Screen,
    client::{BoxFuture, Pin, PinAnswer, PinQuestion},
    hybrid::{InitiatorConfig, InitiatorProgress},
};
use towline_rp::{Begun, RpClient};
use zeroize::Zeroizing;

use self::shelf::Shelf;
use crate::{
    args,
    console::forget_typed,
    event::{Event, Step},
    exit::{Exit, Failure},
    keys::kept::{Kept, Otherwise},
    links::{self, Choice, links_failure},
    network,
    options::{self, Verb},
    qr::draw::Drawing,
    report::Report,
    stop::Stop,
};

pub(crate) async fn register(args: args::Register, report: &Arc<Report>) -> Result<Exit, Failure> {
    let rp = RpClient::new(&args.session.rp)?;
    let begun = rp.begin_registration(&args.account, &args.name).await?;
    let credential = for_rp(Verb::Create, &args.session, &rp, &begun, report).await?;
    let registered = rp.finish_registration(&begun.ceremony, credential).await?;
    report.event(&Event::Registered { account: registered.account, key: registered.key });
    Ok(Exit::Ok)
}

pub(crate) async fn sign_in(args: args::SignIn, report: &Arc<Report>) -> Result<Exit, Failure> {
    let rp = RpClient::new(&args.session.rp)?;
    let begun = rp.begin_sign_in(args.account.as_deref()).await?;
    let credential = for_rp(Verb::Get, &args.session, &rp, &begun, report).await?;
    let signed_in = rp.finish_sign_in(&begun.ceremony, credential).await?;
    report.event(&Event::SignedIn {
        account: signed_in.account,
        key: signed_in.key,
        user_verified: signed_in.user_verified,
    });
    Ok(Exit::Ok)
}

/// Takes what any site asks for to a phone, and gives the response that its page would send.
pub(crate) async fn any_site(
    verb: Verb,
    args: &args::Ceremony,
    report: &Arc<Report>,
) -> Result<Exit, Failure> {
    report.leaves_stdout_free();
    let mut stop = Stop::new()?;
    let options = options::read(report, &mut stop).await?;
    options::check(verb, &args.origin, &options)?;
    let response = ceremony(verb, &args.reach, &args.origin, &options, &mut stop, report).await;
    options::respond(&response?, report)
}

/// The same for the small relying party.
async fn for_rp(
    verb: Verb,
    args: &args::Session,
    rp: &RpClient,
    begun: &Begun,
    report: &Arc<Report>,
) -> Result<Value, Failure> {
    let mut stop = Stop::new()?;
    let options = begun.public_key.to_string();
    // Where the person went, not what the site says about itself.
    let response = ceremony(verb, &args.reach, &rp.origin(), &options, &mut stop, report).await;
    let response = response.map_err(|failure| Failure { exception: None, ..failure })?;
    serde_json::from_str(&response).map_err(|error| {
        Failure::new(Exit::Failed, "failed", format!("the response is not JSON: {error}"))
    })
}

/// Everything between the site's options and the response for it.
async fn ceremony(
    verb: Verb,
    args: &args::Reach,
    origin: &str,
    options: &str,
    stop: &mut Stop,
    report: &Arc<Report>,
) -> Result<String, Failure> {
    let provider = towline::fastest::provider();
    let radio = network::radio(&args.radio, network::Use::Scan, report).await?;
    let connector = network::connector(&args.network, provider.clone()).await?;
    let mut config = InitiatorConfig::default();
    config.scan_timeout = Duration::from_secs(args.timeout);
    let mut computer = Computer::new(provider.clone(), radio, connector).with_config(config);
    let mut choice = Choice::None;
    if let Some(path) = &args.links {
        let store = || Ok(Kept::open_or_create(&args.store, Otherwise::Default, &provider)?.0);
        let links = links::place(path, store, &provider)?;
        // A file that can't be used is said now, and not when a phone has been scanned.
        let known = links.all().map_err(|error| links_failure(&error))?;
        choice = Choice::new(&known, args.phone.as_deref(), args.new_phone)?;
        computer = computer.with_links(links);
    }
    let screen = Terminal {
        report: Arc::clone(report),
        image: args.qr_image.clone(),
        choice,
        ringing: AtomicBool::new(false),
        over: watch::Sender::new(None),
        code: Shelf::default(),
        typist: io::stdin().is_terminal().then_some(type_pin),
    };
    let mut work = pin!(async {
        match verb {
            Verb::Create => computer.create(&screen, origin, options).await,
            Verb::Get => computer.get(&screen, origin, options).await,
        }
    });
    let outcome = tokio::select! {
        outcome = &mut work => outcome,
        never = screen.code.waits_long(report) => match never {},
        () = stop.wished() => {
            screen.over.send_replace(Some(stop.failure()));
            tokio::select! {
                outcome = &mut work => outcome,
                // Who insists does not wait for the other end to be told.
                () = stop.wished() => return Err(stop.failure()),
            }
        }
    };
    // Bound to a variable of its own, so that the lock of the channel is not held across the
    // return.
    let over = screen.over.borrow().clone();
    match over {
        Some(why) => Err(why),
        None => outcome.map_err(|error| {
            let exception = match &error {
                ComputerError::Client(error) => error.name(),
                // As of a way to an authenticator that broke.
                _ => "NotAllowedError",
            };
            Failure::from(error).thrown(exception)
        }),
    }
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

/// The terminal as the computer's screen.
struct Terminal {
    report: Arc<Report>,
    image: Option<PathBuf>,
    /// Which linked phone to ask.
    choice: Choice,
    /// Whether it is asked now.
    ringing: AtomicBool,
    /// Why to stop, as soon as there is a reason.
    over: watch::Sender<Option<Failure>>,
    code: Shelf,
    /// How a PIN is typed, a new one twice; not at all without a terminal.
    typist: Option<fn(bool) -> io::Result<Pin>>,
}

impl Terminal {
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

    fn pin<'a>(&'a self, question: &'a PinQuestion) -> BoxFuture<'a, PinAnswer> {
        Box::pin(async move {
            self.report
                .event(&Event::Step { step: Step::ScreenLock, message: question.to_string() });
            // What is typed stands on a line of its own, which no clock overwrites.
            self.report.drawing("");
            let Some(typist) = self.typist else {
                let message = "a PIN is typed at a terminal, and there is none here";
                self.over.send_replace(Some(Failure::environment("no_terminal", message)));
                return PinAnswer::Cancel;
            };
            let twice = matches!(question, PinQuestion::New { .. });
            let (told, typed) = oneshot::channel();
            // A thread that nobody waits for at the end: the terminal may be silent for ever.
            std::thread::spawn(move || told.send(typist(twice)));
            match typed.await {
                Ok(Ok(pin)) => PinAnswer::Pin(pin),
                Ok(Err(error)) => {
                    let message = format!("the PIN can't be read: {error}");
                    self.over.send_replace(Some(Failure::environment("input", message)));
                    PinAnswer::Cancel
                }
                Err(_) => PinAnswer::Cancel,
            }
        })
    }

    fn cancelled(&self) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            // Can't fail: `self` holds the sender.
            let _ = self.over.subscribe().wait_for(Option::is_some).await;
        })
    }
}

#[cfg(test)]
mod tests {
    use towline::client::PinReason;

    use super::*;

    fn terminal(typist: Option<fn(bool) -> io::Result<Pin>>) -> Terminal {
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
            typist,
        }
    }

    #[tokio::test]
    async fn a_pin_is_typed_at_a_terminal_or_the_ceremony_ends_with_a_reason() {
        let reason = PinReason::Verification;
        let question = PinQuestion::Present { tries_left: Some(8), reason, problem: None };
        let asked = async |typist| {
            let terminal = terminal(typist);
            let answer = terminal.pin(&question).await;
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
}
