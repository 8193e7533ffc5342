//! `towline phone`: answers codes, one after the other, with passkeys that it keeps while it runs.

use std::sync::Arc;

use tokio::sync::Mutex;
use towline::{
    Phone, PhoneTransport,
    authenticator::{Authenticator, Config, MemoryStore, SoftwareKeys},
    hybrid::domain::TunnelDomain,
};

use crate::{
    args,
    console::Console,
    event::Event,
    exit::{Exit, Failure},
    network,
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
        advertiser: network::radio(&args.radio, report).await?,
        connector: network::connector(&args.network, provider.clone()).await?,
    };
    let keys = SoftwareKeys::new(provider.clone());
    let authenticator =
        Authenticator::new(Config::phone(), provider.clone(), MemoryStore::new(), keys)
            .map_err(|error| Failure::new(Exit::Failed, "failed", error.to_string()))?;
    let console = Arc::new(Mutex::new(Console::new()));
    let seen = Arc::new(Seen::default());
    let terminal =
        Terminal::new(args.answer, Arc::clone(&console), TypedAhead::Answers, Arc::clone(report));
    let person = TerminalPerson::new(terminal, Arc::clone(&seen));
    let mut phone = Phone::new(authenticator, provider, transport, person);

    let mut last = Exit::Ok;
    let mut next = args.code;
    // What was given as an argument has to be right; a line can be followed by another.
    if let Some(code) = &next {
        read::passkey_code(code)?;
    }
    loop {
        let code = match next.take() {
            Some(code) => code,
            None => {
                report.event(&Event::Ready {});
                let mut console = console.lock().await;
                tokio::select! {
                    line = console.line() => match line {
                        Some(line) => line,
                        None => return Ok(last),
                    },
                    () = stop.wished() => return Ok(Exit::Ok),
                }
            }
        };
        let outcome = serve(&mut phone, &code, &seen, &mut stop, report).await;
        last = outcome.as_ref().err().map_or(Exit::Ok, |failure| failure.exit);
        report.event(&Event::served(outcome.as_ref().err()));
        if last == Exit::Interrupted {
            return Ok(last);
        }
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

/// Answers one code.
async fn serve(
    phone: &mut Phone<TerminalPerson>,
    code: &str,
    seen: &Seen,
    stop: &mut Stop,
    report: &Report,
) -> Result<(), Failure> {
    let (code, source) = read::passkey_code(code)?;
    report.start_over();
    report.event(&Event::code_read(source));
    let mut stopped = false;
    let result = phone
        .answer_code_until(&code, source, async {
            stop.wished().await;
            stopped = true;
        })
        .await;
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
            "this phone already holds a passkey for the account",
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
