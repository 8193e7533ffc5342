//! `towline key`: a security key behind sockets of this machine or on a pretended USB, with
//! passkeys that it keeps while it runs, or in a file.

mod settings;

use std::{convert::Infallible, io, sync::Arc, time::Duration};

use tokio::{sync::Mutex, time::sleep};
use towline::{
    authenticator::{self, Answer, Authenticator, BackupState, Config, Purpose, Question},
    crypto::CryptoProvider,
};
use towline_ctaphid_socket::{Door, DoorError, Endpoint};
use towline_ctaphid_tokio::{Ask, Person, SecurityKey};

use crate::{
    args::{self, AnswerMode, KeyKind, PresenceMode},
    console::Console,
    custody::Custody,
    desktop::Desktop,
    event::{self, Event, Place, Role},
    exit::{Exit, Failure},
    keys::kept::{Kept, Otherwise},
    person::{Terminal, passkey},
    report::Report,
    screen_lock::ScreenLock,
    stop::Stop,
    sync::Background,
    usb::Usb,
};

pub(crate) async fn run(args: &args::Key, report: &Arc<Report>) -> Result<Exit, Failure> {
    let mut stop = Stop::new()?;
    let simulated = args.presence == PresenceMode::Auto;
    let provider = towline::fastest::provider();
    let mut config = settings::config(args, &provider)?;
    let key = SecurityKey::new();
    let mut door = Door::new(key.reports());
    let mut endpoints = Vec::new();
    for endpoint in args.endpoints() {
        endpoints.push(door.listen(&endpoint).await.map_err(door_failure)?);
    }
    let desktop = match args.presence {
        PresenceMode::Notify => Some(Desktop::find().await?),
        PresenceMode::Ask | PresenceMode::Auto => None,
    };
    if args.uhid {
        Usb::look()?;
    }
    report.event(&presence(args.presence));
    if args.kind == KeyKind::FingerprintKey {
        report.event(&SIMULATED_SENSOR);
    }
    // What is plugged in like a key is expected to keep what it has like one.
    let otherwise = if args.uhid { Otherwise::Default } else { Otherwise::Memory };
    let (store, kept) = Kept::open_or_create(&args.store, otherwise, &provider)?;
    let forgets = matches!(store, Kept::Memory);
    report.event(&kept);
    if store.backup()? == BackupState::Synced {
        config = config.with_backup(BackupState::Synced);
    }
    let _synced = Background::of(args.sync, &store, &provider, report)?;
    let custody = Custody::open(&args.custody, &store, &provider, report)?;
    custody.attest(&mut config, settings::attested(args.attestation))?;
    for endpoint in &endpoints {
        report.event(&listening(endpoint, simulated));
    }
    let mut usb = None;
    if args.uhid {
        let (plugged_in, where_it_is) = Usb::plug_in(simulated).await?;
        report.event(&where_it_is);
        usb = Some(plugged_in);
    }
    let reports = key.reports();
    let unplugged = async {
        match usb {
            Some(usb) => usb.serve(reports).await,
            None => std::future::pending().await,
        }
    };
    let screen = desktop.clone();
    let ended = tokio::select! {
        ended = serve(key, (config, provider), custody, (args.presence, desktop), report) => {
            ended.map(|never| match never {})
        }
        ended = unplugged => ended.map(|never| match never {}),
        () = stop.wished() => Ok(()),
    };
    if let Some(screen) = screen {
        screen.clear().await;
    }
    ended?;
    report.event(&Event::Stopped { role: Role::Key, simulated, forgets });
    Ok(Exit::Ok)
}

async fn serve(
    key: SecurityKey,
    (config, provider): (Config, CryptoProvider),
    custody: Custody,
    presence: (PresenceMode, Option<Desktop>),
    report: &Arc<Report>,
) -> Result<Infallible, Failure> {
    let authenticator = Authenticator::new(config, provider, custody.store, custody.keys)
        .map_err(|error| Failure::new(Exit::Failed, "failed", error.to_string()))?
        .with_pin_verifier(custody.pin);
    let hand = match presence {
        (_, Some(desktop)) => Hand::Desktop(desktop, Arc::clone(report)),
        (PresenceMode::Auto, _) => {
            let watcher = Holder::new(Hand::Nobody(Arc::clone(report)));
            return Ok(key.run_simulated(authenticator, watcher).await);
        }
        (PresenceMode::Ask | PresenceMode::Notify, _) => {
            let console = Arc::new(Console::new(report));
            let report = Arc::clone(report);
            // Of a key this is the finger on a sensor that there is not.
            let lock = ScreenLock::Simulated;
            Hand::Terminal(Terminal::new(AnswerMode::Ask, console, lock, report))
        }
    };
    Ok(key.run(authenticator, Holder::new(hand)).await)
}

/// Whoever has the key in hand. A clone is the same person.
#[derive(Clone)]
struct Holder {
    hand: Arc<Hand>,
    /// One question after the other: there is one screen.
    turn: Arc<Mutex<()>>,
}

/// How they are reached.
enum Hand {
    Terminal(Terminal),
    Desktop(Desktop, Arc<Report>),
    /// Presence is simulated: what happens is told, but nobody is asked.
    Nobody(Arc<Report>),
}

impl Person for Holder {
    fn ask(&mut self, ask: Ask) {
        let holder = self.clone();
        ask.answer_with(async move |question| {
            let _turn = holder.turn.lock().await;
            holder.hand.answer(&question).await
        });
    }

    fn notice(&mut self, event: &authenticator::Event) {
        let (report, simulated) = self.hand.report();
        if let Some((_, event)) = passkey(event, simulated) {
            report.event(&event);
        }
    }

    fn wink(&mut self) {
        let (report, simulated) = self.hand.report();
        report.event(&Event::Wink { simulated });
    }
}

impl Holder {
    fn new(hand: Hand) -> Self {
        Self { hand: Arc::new(hand), turn: Arc::default() }
    }
}

impl Hand {
    fn report(&self) -> (&Arc<Report>, bool) {
        match self {
            Self::Terminal(terminal) => (terminal.report(), false),
            Self::Desktop(_, report) => (report, false),
            Self::Nobody(report) => (report, true),
        }
    }

    async fn answer(&self, question: &Question) -> Answer {
        if matches!(question, Question::VerifyUser { .. } | Question::EnrollFingerprint { .. }) {
            self.report().0.event(&SIMULATED_SENSOR);
        }
        let answer = self.ask(question).await;
        let long = matches!(
            question,
            Question::ConfirmPresence { purpose: Purpose::Reset { long_touch: true } }
        );
        if long && answer == Answer::Approve {
            // Whoever lets go of a key takes the touch back, and so does who stops the program.
            let mut open = Open(Some(Arc::clone(self.report().0)));
            self.report().0.event(&Event::Held { seconds: LONG_TOUCH.as_secs() });
            sleep(LONG_TOUCH).await;
            open.0 = None;
        }
        answer
    }

    async fn ask(&self, question: &Question) -> Answer {
        match self {
            Self::Terminal(terminal) => terminal.answer(question).await,
            Self::Desktop(desktop, report) => {
                let answer = desktop.answer(question).await;
                if answer.is_none() {
                    let message =
                        "nobody can answer: notifications can't be shown any more, which is a no";
                    report.event(&Event::InputEnded { message });
                }
                answer.unwrap_or(Answer::Deny)
            }
            Self::Nobody(_) => Answer::Deny,
        }
    }
}

/// How long a long touch is (CTAP 2.3 section 6.6).
const LONG_TOUCH: Duration = Duration::from_secs(5);

/// Said at the start, and before each question that a finger would answer.
const SIMULATED_SENSOR: Event = Event::Verification {
    simulated: true,
    message: "the fingerprint sensor is SIMULATED: a yes counts as a finger that it knows, and sites take it for one",
};

/// A touch that has to last. Dropped before it has, it tells the person that it is withdrawn.
struct Open(Option<Arc<Report>>);

impl Drop for Open {
    fn drop(&mut self) {
        if let Some(report) = &self.0 {
            let message = "withdrawn: the question is no longer open";
            report.event(&Event::Withdrawn { token: "touch".into(), message });
        }
    }
}

fn presence(mode: PresenceMode) -> Event {
    match mode {
        PresenceMode::Ask => Event::Presence {
            presence: event::Presence::Ask,
            simulated: false,
            message: "every request is asked about here: answer yes or no",
        },
        PresenceMode::Notify => Event::Presence {
            presence: event::Presence::Notify,
            simulated: false,
            message: "every request is asked about by a notification on the desktop",
        },
        PresenceMode::Auto => Event::Presence {
            presence: event::Presence::Auto,
            simulated: true,
            message: "presence is SIMULATED: nobody is asked, and every program that reaches this key gets what it asks for",
        },
    }
}

fn listening(endpoint: &Endpoint, simulated: bool) -> Event {
    let url = endpoint.to_string();
    let place = url
        .split_once(':')
        .map(|(kind, address)| Place { kind: kind.into(), address: address.into() });
    Event::Listening { role: Role::Key, url, place, simulated }
}

fn door_failure(error: DoorError) -> Failure {
    let advice = match &error {
        DoorError::Listen { source, .. } if source.kind() == io::ErrorKind::AddrInUse => {
            "; something else is there, so name another place with --listen"
        }
        DoorError::Listen { source, .. } if source.kind() == io::ErrorKind::NotFound => {
            "; make the directory of the socket first, or name another place with --listen"
        }
        _ => "",
    };
    Failure::environment("listen", format!("{error}{advice}"))
}
