//! What a site's server gives a page, from standard input; and what becomes of it there.

use std::{
    io::{self, IsTerminal as _, Read as _},
    time::Instant,
};

use serde_json::Value;
use tokio::sync::oneshot;
use towline::client::{Caller, Client, Create, Error, Get, Origin};

use crate::{
    event::Event,
    exit::{Exit, Failure},
    outcome::{End, Moment, at_the_computer},
    report::Report,
    stop::Stop,
};

/// The most that options may be, in bytes; lists of credentials are the most of it.
pub(crate) const LONGEST: usize = 1 << 20;

/// What of a credential container is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verb {
    /// `navigator.credentials.create()`.
    Create,
    /// `navigator.credentials.get()`.
    Get,
}

/// All of standard input: one JSON text.
pub(crate) async fn read(report: &Report, stop: &mut Stop) -> Result<String, Failure> {
    if io::stdin().is_terminal() {
        report.hint("paste the options as JSON, and end them with Ctrl-D on a line of its own");
    }
    let (told, all) = oneshot::channel();
    // A thread that nobody waits for at the end: the other end of a pipe may be silent for ever.
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let most = u64::try_from(LONGEST).unwrap_or(u64::MAX).saturating_add(1);
        told.send(io::stdin().lock().take(most).read_to_end(&mut bytes).map(|_| bytes))
    });
    let bytes = tokio::select! {
        all = all => all,
        () = stop.wished() => return Err(stop.failure()),
    };
    let bytes = match bytes {
        Ok(Ok(bytes)) => bytes,
        Ok(Err(error)) => {
            let message = format!("standard input can't be read: {error}");
            return Err(Failure::environment("input", message));
        }
        Err(_) => return Err(Failure::environment("input", "standard input can't be read")),
    };
    if bytes.len() > LONGEST {
        let message = format!("options are at most {} KiB long", LONGEST / 1024);
        return Err(Failure::usage("options", message));
    }
    let text = String::from_utf8(bytes)
        .map_err(|_| Failure::usage("options", "the options are not UTF-8, as JSON is"))?;
    if text.trim().is_empty() {
        let message = "there are no options on standard input; they are what the site's server \
            gives to navigator.credentials.create() or get(), as JSON: `< options.json`";
        return Err(Failure::usage("options", message));
    }
    Ok(text)
}

/// Says what is wrong with options before anything is begun with them.
pub(crate) fn check(verb: Verb, origin: &str, options: &str) -> Result<(), Failure> {
    let client = Client::new(towline::fastest::provider());
    let checked = || {
        let caller = Caller::from(Origin::parse(origin)?);
        match verb {
            Verb::Create => Create::new(&client, &caller, options, Instant::now()).map(drop),
            Verb::Get => Get::new(&client, &caller, options, Instant::now()).map(drop),
        }
    };
    checked().map_err(|error| failure(&error))
}

/// The response, for the site.
pub(crate) fn respond(json: &str, report: &Report) -> Result<Exit, Failure> {
    if !report.is_json() {
        report.script(&format!("{json}\n"));
        return Ok(Exit::Ok);
    }
    let response: Value = serde_json::from_str(json).map_err(|error| {
        Failure::new(Exit::Failed, "failed", format!("the response is not JSON: {error}"))
    })?;
    report.event(&Event::Response { response });
    Ok(Exit::Ok)
}

/// What a page would be told, in the form of this program. Options that can't be used are the
/// caller's.
pub(crate) fn failure(error: &Error) -> Failure {
    let row = match error {
        Error::Options(_) | Error::Encoding(_) | Error::Length(_) | Error::PrfUnlisted => None,
        Error::PrfCredential => None,
        Error::Origin { .. } => Some((Exit::Usage, "origin")),
        Error::VerificationLocked { .. } => Some((Exit::Failed, "locked")),
        error => at_the_computer(Moment::Answered, &End::from(error))
            .map(|failure| (failure.exit, failure.reason)),
    };
    let (exit, reason) = row.unwrap_or((Exit::Usage, "options"));
    let message = error.to_string();
    Failure::new(exit, reason, message.trim_end_matches('.')).thrown(error.name())
}
