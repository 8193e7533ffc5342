//! `towline computer`: shows a code, waits for a phone, and takes its passkey to the relying party.

mod shelf;

use std::{
    path::PathBuf,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use serde_json::Value;
use tokio::sync::watch;
use towline::{
    Computer, Screen, Step as Shown,
    hybrid::{InitiatorConfig, InitiatorProgress},
};
use towline_rp::{Begun, RpClient};

use self::shelf::Shelf;
use crate::{
    args,
    event::{Event, Step},
    exit::{Exit, Failure},
    keys::kept::{Kept, Otherwise},
    links::{self, Choice, links_failure},
    network,
    qr::draw::Drawing,
    report::Report,
    stop::Stop,
};

pub(crate) async fn register(args: args::Register, report: &Arc<Report>) -> Result<Exit, Failure> {
    let rp = RpClient::new(&args.session.rp)?;
    let begun = rp.begin_registration(&args.account, &args.name).await?;
    let credential = ceremony(Kind::Register, &args.session, &rp, &begun, report).await?;
    let registered = rp.finish_registration(&begun.ceremony, credential).await?;
    report.event(&Event::Registered { account: registered.account, key: registered.key });
    Ok(Exit::Ok)
}

pub(crate) async fn sign_in(args: args::SignIn, report: &Arc<Report>) -> Result<Exit, Failure> {
    let rp = RpClient::new(&args.session.rp)?;
    let begun = rp.begin_sign_in(args.account.as_deref()).await?;
    let credential = ceremony(Kind::SignIn, &args.session, &rp, &begun, report).await?;
    let signed_in = rp.finish_sign_in(&begun.ceremony, credential).await?;
    report.event(&Event::SignedIn {
        account: signed_in.account,
        key: signed_in.key,
        user_verified: signed_in.user_verified,
    });
    Ok(Exit::Ok)
}

#[derive(Clone, Copy)]
enum Kind {
    Register,
    SignIn,
}

/// Everything between the site's options and the response for it.
async fn ceremony(
    kind: Kind,
    args: &args::Session,
    rp: &RpClient,
    begun: &Begun,
    report: &Arc<Report>,
) -> Result<Value, Failure> {
    let mut stop = Stop::new()?;
    let provider = towline::crypto::rustcrypto::provider();
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
    };
    // Where the person went, not what the site says about itself.
    let origin = rp.origin();
    let options = begun.public_key.to_string();
    let mut work = pin!(async {
        match kind {
            Kind::Register => computer.create(&screen, &origin, &options).await,
            Kind::SignIn => computer.get(&screen, &origin, &options).await,
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
    // Bound to a variable of its own, so that the lock of the channel is not held across the return.
    let over = screen.over.borrow().clone();
    match over {
        Some(why) => Err(why),
        None => serde_json::from_str(&outcome?).map_err(|error| {
            Failure::new(Exit::Failed, "failed", format!("the response is not JSON: {error}"))
        }),
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
            // What has scrolled by can't be taken off a terminal. The code is good for one phone only.
            _ => return,
        };
        let message = match shown {
            Shown::Listening(radio) => format!("Waiting for a scan, by {radio}."),
            Shown::Ringing(name) => format!("Waiting for {name}."),
            _ => shown.to_string(),
        };
        self.report.event(&Event::Step { step, message });
    }

    async fn choose_phone(&self, names: &[String]) -> Option<usize> {
        if let Some(message) = self.choice.why_a_code(names) {
            self.report.event(&Event::Step { step: Step::SeveralPhones, message });
        }
        self.choice.of(names)
    }

    async fn cancelled(&self) {
        // Can't fail: `self` holds the sender.
        let _ = self.over.subscribe().wait_for(Option::is_some).await;
    }
}
