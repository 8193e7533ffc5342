//! `towline sync invite` and `join`: a device joins by a code and nearness.

use std::sync::Arc;

use towline::{
    authenticator::Answer,
    crypto::CryptoProvider,
    hybrid::{InitiatorConfig, ResponderConfig, qr::QrPayload},
};
use towline_sync::{Circle, Content, JoiningError, JoiningQuestion, JoiningSide};
use towline_sync_joining::{
    Joining, JoiningConfig, JoiningEvent, JoiningEvents, JoiningFailure, JoiningSession,
};
use towline_synced::SyncedStore;

use super::{
    circle::{Member, config, failure, new_member, now, refused},
    objects::{Patience, Root},
    status,
};
use crate::{
    args,
    console::Console,
    event::{Asking, Event, Question, Step},
    exit::{Exit, Failure},
    keys::kept::{self, Kept},
    network,
    person::Terminal,
    phone,
    qr::{draw::Drawing, picture::Picture, read},
    report::Report,
    screen_lock::ScreenLock,
    stop::Stop,
};

/// How often a wrong passphrase may be typed.
const TRIES: u8 = 3;

/// What the new device says of itself.
pub(super) struct Own<'a> {
    pub(super) name: &'a str,
    /// Where the circle's objects are, if not where the other device has them.
    pub(super) root: Option<Root>,
}

pub(super) async fn invite(
    args: &args::Store,
    meet: &args::Meet,
    provider: &CryptoProvider,
    report: &Arc<Report>,
) -> Result<Exit, Failure> {
    let store = kept::open(args, provider)?;
    let kept = Kept::File(store.clone());
    let mut member = Member::of(store, Patience::Glance, provider)?;
    // What others have done meanwhile is to be handed on, too.
    member.settle(report)?;
    let circle = member.synced.circle();
    let own = circle.device_name(circle.device()).unwrap_or_else(|| "towline".to_owned());
    let mut joining = JoiningConfig::new(own);
    joining.place = member.synced.address().to_owned();
    let machine = Joining::sponsor(joining, circle);
    let machine = machine.map_err(|error| refused(&error))?;
    let mut side = Side::Sponsor(Box::new(member));
    meet_and_join(machine, &mut side, meet, (args, &kept), provider, report).await?;
    side.end(report)
}

pub(super) async fn join(
    args: &args::Store,
    own: Own<'_>,
    meet: &args::Meet,
    provider: &CryptoProvider,
    report: &Arc<Report>,
) -> Result<Exit, Failure> {
    let store = new_member(args, provider, report)?;
    let kept = Kept::File(store.clone());
    // Those of an earlier try, unless the store was removed from another circle.
    let was_removed = store.circle().map_err(|error| failure(&error.into()))?.is_some();
    let keys = || {
        let keys = SyncedStore::keys_to_join(&store, provider, false);
        keys.map_err(|error| failure(&error))
    };
    if was_removed {
        SyncedStore::keys_to_join(&store, provider, true).map_err(|error| failure(&error))?;
    }
    let machine =
        Joining::newcomer(provider.clone(), JoiningConfig::new(own.name), config(), keys()?);
    let mut side = Side::Newcomer { own, member: None };
    let joined = meet_and_join(machine, &mut side, meet, (args, &kept), provider, report).await;
    if let Err(JoiningEnd::WasRemoved(_)) = &joined {
        // It comes back with new keys only: with these the next time.
        SyncedStore::keys_to_join(&store, provider, true).map_err(|error| failure(&error))?;
    }
    joined?;
    side.end(report)
}

/// Which of the two this device is, and what it has.
enum Side<'a> {
    Sponsor(Box<Member>),
    Newcomer { own: Own<'a>, member: Option<Box<Member>> },
}

impl Side<'_> {
    /// What there is to say at the end.
    fn end(self, report: &Report) -> Result<Exit, Failure> {
        let (Self::Sponsor(mut member) | Self::Newcomer { member: Some(mut member), .. }) = self
        else {
            return Err(Failure::new(Exit::Failed, "failed", "nothing was joined"));
        };
        member.settle(report)?;
        status::tell(&member.synced, report);
        Ok(Exit::Ok)
    }

    /// Where the new device will have the circle's objects: what its person named, or else what the
    /// other device has, to which this one has agreed. What can't be used is told before this
    /// device is added.
    fn agree(&mut self, question: &JoiningQuestion, yes: bool) -> Result<(), Failure> {
        let (Self::Newcomer { own, .. }, JoiningQuestion::Join { place, .. }) = (self, question)
        else {
            return Ok(());
        };
        if !yes || own.root.is_some() {
            return Ok(());
        }
        if place.is_empty() {
            let message = "the other device does not say where the circle is; name the folder or the address with --folder";
            return Err(Failure::usage("no_place", message));
        }
        own.root = Some(Root::named(place.as_ref())?);
        Ok(())
    }

    /// Keeps what was joined.
    fn keep(
        &mut self,
        circle: Circle,
        kept: &Kept,
        provider: &CryptoProvider,
    ) -> Result<(), Failure> {
        let (Self::Newcomer { own, member }, Kept::File(store)) = (self, kept) else {
            return Err(Failure::new(Exit::Failed, "failed", "this device has a circle"));
        };
        let root = own.root.take();
        let root = root.ok_or_else(|| Failure::new(Exit::Failed, "failed", "nobody agreed"))?;
        let keys = SyncedStore::keys_to_join(store, provider, false);
        let keys = keys.map_err(|error| failure(&error))?;
        let begun = Member::begin(store.clone(), provider, &keys, circle, own.name, root)?;
        *member = Some(Box::new(begun));
        Ok(())
    }
}

/// Why it did not come to its end.
enum JoiningEnd {
    Failed(Failure),
    /// This device was removed before.
    WasRemoved(Failure),
}

impl From<Failure> for JoiningEnd {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<JoiningEnd> for Failure {
    fn from(end: JoiningEnd) -> Self {
        match end {
            JoiningEnd::Failed(failure) | JoiningEnd::WasRemoved(failure) => failure,
        }
    }
}

impl From<JoiningFailure> for JoiningEnd {
    fn from(error: JoiningFailure) -> Self {
        let message = error.to_string();
        let joining = match error {
            JoiningFailure::Joining(error) => error,
            JoiningFailure::Transport(error) => return Self::Failed(error.into()),
            _ => return Self::Failed(Failure::new(Exit::Failed, "failed", message)),
        };
        let failed = |exit, reason| Self::Failed(Failure::new(exit, reason, message.clone()));
        match joining {
            JoiningError::WasRemoved => {
                Self::WasRemoved(Failure::new(Exit::Refused, "was_removed", message))
            }
            JoiningError::Declined(..) => failed(Exit::Refused, "declined"),
            JoiningError::Cancelled(JoiningSide::Here, _) => {
                failed(Exit::Interrupted, "interrupted")
            }
            JoiningError::Cancelled(..) => failed(Exit::Refused, "cancelled"),
            JoiningError::NobodyAnswered(..) | JoiningError::Silent(_) => {
                failed(Exit::TimedOut, "nobody_answered")
            }
            JoiningError::SamePart { .. } => failed(Exit::Usage, "same_part"),
            _ => failed(Exit::Failed, "not_joined"),
        }
    }
}

/// Two devices meet, both persons are asked, and the new one has everything.
async fn meet_and_join(
    machine: Joining,
    side: &mut Side<'_>,
    meet: &args::Meet,
    (args, kept): (&args::Store, &Kept),
    provider: &CryptoProvider,
    report: &Arc<Report>,
) -> Result<(), JoiningEnd> {
    let mut stop = Stop::new()?;
    let owner = &meet.owner;
    let lock = ScreenLock::new(owner.screen_lock, args, owner.answer, kept)?;
    report.event(&lock.told());
    let (session, mut events, mut picture) = begin(machine, meet, provider, report).await?;
    let console = Arc::new(Console::new(report));
    console.foresee();
    let terminal = Terminal::new(owner.answer, console, lock, Arc::clone(report));
    let mut next = None;
    let mut cancelled = false;
    // What this device could not do, of which the other one hears less.
    let mut real = None;
    loop {
        let event = match next.take() {
            Some(event) => Some(event),
            None => tokio::select! {
                event = events.next() => event,
                () = stop.wished(), if !cancelled => {
                    cancelled = true;
                    session.cancel();
                    continue;
                }
            },
        };
        match event {
            Some(JoiningEvent::Radio { .. } | JoiningEvent::Withdraw) => {}
            Some(JoiningEvent::Near) => {
                picture = None;
                step(report, Step::Near, "The other device is near.");
            }
            Some(JoiningEvent::Connected) => {
                step(report, Step::Connected, "The two devices talk.");
            }
            Some(JoiningEvent::Ask(question)) => tokio::select! {
                yes = agrees(&terminal, &question) => match side.agree(&question, yes) {
                    Ok(()) => session.answer(yes),
                    Err(failure) => {
                        real = Some(failure);
                        session.cancel();
                    }
                },
                // The question is off the screen.
                event = events.next() => next = event,
                () = stop.wished() => {
                    cancelled = true;
                    session.cancel();
                }
            },
            Some(JoiningEvent::Admit(newcomer)) => {
                let Side::Sponsor(member) = side else { continue };
                let circle = member.synced.circle_mut();
                if let Err(error) = circle.add(newcomer, now()) {
                    session.not_admitted(Some(error));
                    continue;
                }
                // Durable, and if possible in the store, before it is handed over.
                match member.turn_in_time(report) {
                    Ok(_) => {
                        let address = Content::new(member.synced.address().into());
                        session.admitted(member.synced.circle().welcome(), address);
                    }
                    Err(error) => {
                        session.not_admitted(None);
                        let failure = failure(&error);
                        report.event(&Event::Sync {
                            reason: failure.reason,
                            problem: true,
                            message: failure.message,
                        });
                    }
                }
            }
            Some(JoiningEvent::Keep(joined)) => match side.keep(joined.circle, kept, provider) {
                Ok(()) => session.kept(),
                Err(failure) => {
                    real = Some(failure);
                    session.not_kept();
                }
            },
            Some(JoiningEvent::Finished(Ok(other))) => {
                let message = format!("{:?} has everything now.", other.name);
                let message = match side {
                    Side::Sponsor(_) => message,
                    Side::Newcomer { .. } => "This device has everything now.".to_owned(),
                };
                step(report, Step::Linked, &message);
                drop(picture);
                return Ok(());
            }
            Some(JoiningEvent::Finished(Err(error))) => {
                return Err(real.map_or_else(|| error.into(), JoiningEnd::Failed));
            }
            None => {
                return Err(Failure::new(Exit::Failed, "failed", "it ended without a word").into());
            }
        }
    }
}

fn step(report: &Report, step: Step, message: &str) {
    report.event(&Event::Step { step, message: message.to_owned() });
}

/// Shows a code, or takes the one that the other device shows.
async fn begin(
    machine: Joining,
    meet: &args::Meet,
    provider: &CryptoProvider,
    report: &Arc<Report>,
) -> Result<(JoiningSession, JoiningEvents, Option<Picture>), JoiningEnd> {
    let connector = network::connector(&meet.network, provider.clone()).await?;
    if let Some(code) = &meet.code {
        let (text, source) = read::passkey_code(code)?;
        let code = QrPayload::from_uri(provider, &text);
        let code = code.map_err(|error| Failure::usage("not_a_code", error.to_string()))?;
        let domain = phone::domain(meet.domain, meet.network.relay.is_some())?;
        let radio = network::radio(&meet.radio, network::Use::Advertise, report).await?;
        let config = ResponderConfig::for_circle(domain);
        let (session, events) =
            JoiningSession::scan(machine, config, provider, (code, source), radio, connector)?;
        return Ok((session, events, None));
    }
    let radio = network::radio(&meet.radio, network::Use::Scan, report).await?;
    let config = InitiatorConfig::default();
    let (session, events) = JoiningSession::show(machine, config, provider, radio, connector)
        .map_err(|error| JoiningEnd::from(JoiningFailure::from(error)))?;
    let mut picture = None;
    if let Some(uri) = session.qr_uri() {
        let drawing = Drawing::new(&uri)?;
        picture = meet.qr_image.as_ref().map(|path| drawing.write_png(path)).transpose()?;
        report.drawing(&drawing.to_ansi());
        let image = meet.qr_image.as_ref().map(|path| path.display().to_string());
        report.event(&Event::QrCode { uri: uri.to_string(), image });
    }
    Ok((session, events, picture))
}

/// Asks the owner of this device.
async fn agrees(terminal: &Terminal, question: &JoiningQuestion) -> bool {
    let kind = match question {
        JoiningQuestion::Add { .. } => Question::AddDevice,
        JoiningQuestion::Join { .. } => Question::JoinCircle,
    };
    let asking = Asking { screen_lock: terminal.lock(), ..Asking::new(kind, question.to_string()) };
    for _ in 0..TRIES {
        match terminal.verify(asking.clone()).await {
            Answer::Verified => return true,
            Answer::NotVerified => {}
            _ => return false,
        }
    }
    false
}
