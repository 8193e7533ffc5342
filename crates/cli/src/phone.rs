//! `towline phone`: answers codes, and computers that it is linked with, one after the other, with
//! passkeys that it keeps while it runs, or in a file.

mod holder;
mod provider;

use std::sync::Arc;

use towline::{
    Bell, BellEvent, Phone, PhoneTransport,
    authenticator::Authenticator,
    hybrid::{domain::TunnelDomain, link::Ring, qr::Hint},
};

use self::holder::{Holder, Record};
use crate::{
    args,
    console::{Console, yes_or_no},
    custody::{Attested, Custody},
    event::{Event, Step},
    exit::{Exit, Failure},
    keys::kept::{Kept, Otherwise},
    links, network,
    outcome::{End, Facts, Moment, at_the_phone},
    person::Terminal,
    qr::read,
    report::Report,
    screen_lock::ScreenLock,
    stop::Stop,
    sync::Background,
};

/// The tunnel domain that is named to the computer where `--relay` says for both ends where it is:
/// any derived one will do.
const DOMAIN_OF_A_NAMED_RELAY: u16 = 256;

pub(crate) async fn run(args: args::Phone, report: &Arc<Report>) -> Result<Exit, Failure> {
    let mut stop = Stop::new()?;
    let provider = towline::fastest::provider();
    let transport = PhoneTransport {
        domain: domain(args.domain, args.network.relay.is_some())?,
        advertiser: network::radio(&args.radio, network::Use::Advertise, report).await?,
        connector: network::connector(&args.network, provider.clone()).await?,
    };
    let mut config = provider::config(&args, &provider)?;
    let (store, kept) = Kept::open_or_create(&args.store, Otherwise::Memory, &provider)?;
    let lock = ScreenLock::new(args.screen_lock, &args.store, args.answer, &store)?;
    report.event(&kept);
    report.event(&lock.told());
    let place = |path| links::place(path, || Ok(store.clone()), &provider);
    let links = args.links.as_deref().map(place).transpose()?;
    let custody = Custody::open(&args.custody, &store, &provider, report)?;
    config = config.with_backup(store.backup()?);
    let _synced = Background::of(args.sync, &store, &provider, report)?;
    custody.attest(&mut config, Attested::IfNamed)?;
    let Custody { store, keys, pin, .. } = custody;
    let authenticator = Authenticator::new(config, provider.clone(), store, keys)
        .map_err(|error| Failure::new(Exit::Failed, "failed", error.to_string()))?
        .with_pin_verifier(pin);
    let console = Arc::new(Console::new(report));
    let record = Arc::new(Record::default());
    let terminal = Terminal::new(args.answer, Arc::clone(&console), lock, Arc::clone(report));
    let holder = Holder::new(terminal, Arc::clone(&record));
    let watching = holder.clone();
    let mut phone = Phone::new(authenticator, provider, transport, holder)
        .with_watcher(move |step| watching.watch(step));
    let mut bell = None;
    if let Some(links) = links {
        phone = phone.with_links(links, args.called.clone());
        bell = Some(phone.listen().await?);
    }
    let desk = Desk { console, record, report: Arc::clone(report) };
    let mut next = args.code;
    // What was given as an argument has to be right; a line can be followed by another.
    if let Some(code) = &next {
        read::passkey_code(code)?;
    }
    // Whether somebody can still type.
    let mut typed = true;
    let mut last = Exit::Ok;
    loop {
        let work = match next.take() {
            Some(code) => Work::Code(code),
            None if typed => {
                report.event(&Event::Ready {});
                tokio::select! {
                    said = desk.code() => match said {
                        Said::Code(code) => Work::Code(code),
                        Said::Quit => return Ok(last),
                        // A phone that linked computers can ask goes on without anybody who types.
                        Said::Nothing if bell.is_some() => {
                            typed = false;
                            continue;
                        }
                        Said::Nothing => return Ok(last),
                    },
                    ring = heard(&mut bell, report) => Work::Ring(ring?),
                    () = stop.wished() => return Ok(Exit::Ok),
                }
            }
            None => tokio::select! {
                ring = heard(&mut bell, report) => Work::Ring(ring?),
                () = stop.wished() => return Ok(Exit::Ok),
            },
        };
        let (failure, then) = desk.serve(&mut phone, work, &mut stop).await;
        last = failure.as_ref().map_or(Exit::Ok, |failure| failure.exit);
        report.event(&Event::served(failure.as_ref()));
        match then {
            Then::GoOn => {}
            Then::Code(code) => next = Some(code),
            Then::End => return Ok(last),
        }
    }
}

/// What the phone is asked to do.
enum Work {
    Code(String),
    Ring(Ring),
}

/// The next ring of a linked computer. Cancel-safe.
async fn heard(bell: &mut Option<Bell>, report: &Report) -> Result<Ring, Failure> {
    let Some(bell) = bell else { return std::future::pending().await };
    loop {
        let (step, message) = match bell.next().await? {
            BellEvent::Rung(ring) => return Ok(ring),
            BellEvent::Listening => (Step::Listening, "Linked computers can ask now.".to_owned()),
            BellEvent::Lost { failure, pause } => {
                let why = failure.map_or_else(String::new, |failure| format!(": {failure}"));
                let seconds = pause.as_secs_f32();
                let message =
                    format!("Linked computers can't ask{why}; the next try is in {seconds:.0} s.");
                (Step::NotListening, message)
            }
            BellEvent::GivenUp { computers } => {
                let message = format!(
                    "The relay lets {computers} linked computers ask no more; link them again."
                );
                (Step::NotListening, message)
            }
            _ => continue,
        };
        report.event(&Event::Step { step, message });
    }
}

/// The tunnel domain that is named to computers.
pub(crate) fn domain(number: Option<u16>, relay_is_named: bool) -> Result<TunnelDomain, Failure> {
    let number = match number {
        Some(number) => number,
        None if relay_is_named => DOMAIN_OF_A_NAMED_RELAY,
        None => {
            let message = "name the relay that this phone uses: its address with --relay, or its tunnel domain with --domain";
            return Err(Failure::usage("no_relay", message));
        }
    };
    TunnelDomain::new(number).map_err(|error| Failure::usage("domain", error.to_string()))
}

/// Where the phone's person sits.
struct Desk {
    console: Arc<Console>,
    record: Arc<Record>,
    report: Arc<Report>,
}

/// What was typed while nothing was asked.
enum Said {
    Code(String),
    Quit,
    /// And nothing will be.
    Nothing,
}

/// What comes after a session.
enum Then {
    GoOn,
    Code(String),
    End,
}

/// What can be typed while nothing is asked.
const HELP: &str = "a code is its text (FIDO:/ and digits), the path of a picture of it, or `screen`; a new one takes the place \
                    of one that has not led to a computer; Ctrl-C ends what is under way, and once more the phone; `quit` ends \
                    it, too";

impl Desk {
    /// The next code that is typed. Cancel-safe.
    async fn code(&self) -> Said {
        loop {
            let Some(line) = self.console.line().await else { return Said::Nothing };
            let line = line.trim();
            match line.to_ascii_lowercase().as_str() {
                "quit" | "exit" => return Said::Quit,
                "help" | "?" => self.ignored(HELP),
                "" if self.console.is_terminal() => {
                    self.ignored("that was empty: paste a code, or type `help`");
                }
                "" => {}
                word if yes_or_no(word).is_some() => {
                    self.ignored("nothing is asked now; that was not used");
                }
                _ => return Said::Code(line.to_owned()),
            }
        }
    }

    fn ignored(&self, message: &str) {
        self.report.event(&Event::Ignored { message: message.into() });
    }

    /// Waits until a person at a terminal wants something else than the session that is under way.
    async fn other(&self) -> (End, Then) {
        if !self.console.is_terminal() {
            // What a script wrote ahead is for later.
            return std::future::pending().await;
        }
        loop {
            match self.code().await {
                Said::Nothing => return std::future::pending().await,
                Said::Quit => return (End::Quit, Then::End),
                Said::Code(code) if !read::looks_like_a_code(&code) => {
                    self.ignored("that is no code, and nothing is asked now; type `help`");
                }
                Said::Code(code) if self.record.can_be_left() => {
                    return (End::Replaced, Then::Code(code));
                }
                Said::Code(_) => self.ignored(
                    "the phone is connected to a computer already: finish that first, then give the code again",
                ),
            }
        }
    }

    /// Answers one code, or one computer that rings: how it ended, and what comes next.
    async fn serve(
        &self,
        phone: &mut Phone<Holder>,
        work: Work,
        stop: &mut Stop,
    ) -> (Option<Failure>, Then) {
        // Who insists does not wait for the other end to be told.
        let insists = async {
            let Ok(mut again) = Stop::new() else { return std::future::pending().await };
            again.wished().await;
            again.wished().await;
            again.why()
        };
        tokio::select! {
            served = self.serve_in_order(phone, work, stop) => served,
            why = insists => (at_once(why), Then::End),
        }
    }

    async fn serve_in_order(
        &self,
        phone: &mut Phone<Holder>,
        work: Work,
        stop: &mut Stop,
    ) -> (Option<Failure>, Then) {
        let mut stopped = None;
        let wished = async {
            let terminal = self.console.is_terminal();
            stopped = Some(tokio::select! {
                () = stop.wished() => {
                    let why = stop.why();
                    // A service manager, or a script, means the program.
                    let then = if terminal && why == End::Interrupted { Then::GoOn } else { Then::End };
                    (why, then)
                }
                other = self.other() => other,
            });
        };
        self.report.start_over();
        let result = match work {
            Work::Code(code) => match read::passkey_code(&code) {
                Err(failure) => return (Some(failure), Then::GoOn),
                Ok((code, source)) => {
                    self.report.event(&Event::code_read(source));
                    self.console.foresee();
                    phone.answer_code_until(&code, source, wished).await
                }
            },
            Work::Ring(ring) => {
                let message = match ring.hint() {
                    Hint::MakeCredential => "A linked computer asks for a new passkey.",
                    _ => "A linked computer asks to sign in.",
                };
                self.report.event(&Event::Step { step: Step::Rung, message: message.into() });
                phone.answer_ring_until(ring, wished).await
            }
        };
        self.console.forget_answers();
        if result.as_ref().is_ok_and(|summary| summary.linked) {
            let message = "This computer can ask without a code from now on.";
            self.report.event(&Event::Step { step: Step::Linked, message: message.into() });
        }
        let (end, then) = stopped.map_or((None, Then::GoOn), |(end, then)| (Some(end), then));
        (self.record.take(result, end), then)
    }
}

/// It was not ended in order.
fn at_once(why: End) -> Option<Failure> {
    at_the_phone(Moment::default(), &why, &Facts::default())
}
