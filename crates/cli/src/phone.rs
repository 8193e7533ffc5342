//! `towline phone`: answers codes, and computers that it is linked with, one after the other, with passkeys that it keeps
//! while it runs, or in a file.

use std::sync::Arc;

use tokio::sync::Mutex;
use towline::{
    Bell, BellEvent, Phone, PhoneTransport,
    authenticator::{Authenticator, Config, SoftwareKeys},
    hybrid::{domain::TunnelDomain, link::Ring, qr::Hint},
};

use crate::{
    args,
    console::Console,
    event::{Event, Step},
    exit::{Exit, Failure},
    keys::kept::{Kept, Otherwise},
    links, network,
    person::{Outcome, Seen, Terminal, TerminalPerson, TypedAhead},
    qr::read,
    report::Report,
    stop::Stop,
};

/// The tunnel domain that is named to the computer where `--relay` says for both ends where it is: any derived one will do.
const DOMAIN_OF_A_NAMED_RELAY: u16 = 256;

pub(crate) async fn run(args: args::Phone, report: &Arc<Report>) -> Result<Exit, Failure> {
    let mut stop = Stop::new()?;
    let provider = towline::crypto::rustcrypto::provider();
    let transport = PhoneTransport {
        domain: domain(&args)?,
        advertiser: network::radio(&args.radio, network::Use::Advertise, report).await?,
        connector: network::connector(&args.network, provider.clone()).await?,
    };
    let (store, kept) = Kept::open_or_create(&args.store, Otherwise::Memory, &provider)?;
    if matches!(store, Kept::File(_)) {
        report.event(&kept);
    }
    let place = |path| links::place(path, || Ok(store.clone()), &provider);
    let links = args.links.as_deref().map(place).transpose()?;
    let keys = SoftwareKeys::new(provider.clone());
    let authenticator =
        Authenticator::new(Config::phone(), provider.clone(), store.credentials(), keys)
            .map_err(|error| Failure::new(Exit::Failed, "failed", error.to_string()))?;
    let console = Arc::new(Mutex::new(Console::new()));
    let seen = Arc::new(Seen::default());
    let terminal =
        Terminal::new(args.answer, Arc::clone(&console), TypedAhead::Answers, Arc::clone(report));
    let person = TerminalPerson::new(terminal, Arc::clone(&seen));
    let mut phone = Phone::new(authenticator, provider, transport, person);
    let mut bell = None;
    if let Some(links) = links {
        phone = phone.with_links(links, args.called.clone());
        bell = Some(phone.listen().await?);
    }
    let mut typed = true;

    let mut last = Exit::Ok;
    let mut next = args.code;
    // What was given as an argument has to be right; a line can be followed by another.
    if let Some(code) = &next {
        read::passkey_code(code)?;
    }
    loop {
        let work = match next.take() {
            Some(code) => Work::Code(code),
            None => {
                if typed {
                    report.event(&Event::Ready {});
                }
                let mut console = console.lock().await;
                tokio::select! {
                    line = console.line(), if typed => match line {
                        Some(line) => Work::Code(line),
                        // A phone that linked computers can ask goes on without anybody who types.
                        None if bell.is_some() => {
                            typed = false;
                            continue;
                        }
                        None => return Ok(last),
                    },
                    ring = heard(&mut bell, report) => Work::Ring(ring?),
                    () = stop.wished() => return Ok(Exit::Ok),
                }
            }
        };
        let outcome = serve(&mut phone, work, &seen, &mut stop, report).await;
        last = outcome.as_ref().err().map_or(Exit::Ok, |failure| failure.exit);
        report.event(&Event::served(outcome.as_ref().err()));
        if last == Exit::Interrupted {
            return Ok(last);
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
            _ => continue,
        };
        report.event(&Event::Step { step, message });
    }
}

fn domain(args: &args::Phone) -> Result<TunnelDomain, Failure> {
    let number = match (args.domain, &args.network.relay) {
        (Some(number), _) => number,
        (None, Some(_)) => DOMAIN_OF_A_NAMED_RELAY,
        (None, None) => {
            let message = "name the relay that this phone uses: its address with --relay, or its tunnel domain with --domain";
            return Err(Failure::usage("no_relay", message));
        }
    };
    TunnelDomain::new(number).map_err(|error| Failure::usage("domain", error.to_string()))
}

/// Answers one code, or one computer that rings.
async fn serve(
    phone: &mut Phone<TerminalPerson>,
    work: Work,
    seen: &Seen,
    stop: &mut Stop,
    report: &Report,
) -> Result<(), Failure> {
    let mut stopped = false;
    let wished = async {
        stop.wished().await;
        stopped = true;
    };
    let result = match work {
        Work::Code(code) => {
            let (code, source) = read::passkey_code(&code)?;
            report.start_over();
            report.event(&Event::code_read(source));
            phone.answer_code_until(&code, source, wished).await
        }
        Work::Ring(ring) => {
            report.start_over();
            let message = match ring.hint() {
                Hint::MakeCredential => "A linked computer asks for a new passkey.",
                _ => "A linked computer asks to sign in.",
            };
            report.event(&Event::Step { step: Step::Rung, message: message.into() });
            phone.answer_ring_until(ring, wished).await
        }
    };
    if result.as_ref().is_ok_and(|summary| summary.linked) {
        let message = "This computer can ask without a code from now on.";
        report.event(&Event::Step { step: Step::Linked, message: message.into() });
    }
    // What the person did counts for more than how the computer took it.
    match (seen.take(), result) {
        _ if stopped => Err(Failure::interrupted()),
        (Outcome::Declined, _) => Err(Failure::new(
            Exit::Refused,
            "declined",
            "the connection to the computer was declined",
        )),
        (Outcome::Refused, _) => {
            Err(Failure::new(Exit::Refused, "refused", "the operation was declined"))
        }
        (Outcome::AlreadyRegistered, _) => Err(Failure::new(
            Exit::Failed,
            "already_registered",
            "this phone already holds a passkey for the site; sign in with it",
        )),
        (Outcome::NoCredentials, _) => Err(Failure::new(
            Exit::Failed,
            "no_credentials",
            "this phone holds no passkey for the site",
        )),
        (Outcome::Done, Ok(_)) => Ok(()),
        (Outcome::Nothing, Ok(summary)) => {
            let message = match summary.requests {
                0 => "the computer went away before it asked for anything",
                _ => "this phone has nothing that fits what the computer asked for",
            };
            Err(Failure::new(Exit::Failed, "nothing_done", message))
        }
        (_, Err(error)) => Err(error.into()),
    }
}
