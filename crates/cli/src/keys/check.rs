//! `towline keys check`: what of a store can be read, and what can't; and a store made of what can.

use towline::crypto::CryptoProvider;
use towline_store::Repaired;

use super::kept::{self, failure_at, nothing_readable};
use crate::{
    args,
    event::{Event, Outcome},
    exit::{Exit, Failure},
    report::Report,
};

pub(crate) fn run(
    args: &args::Keys,
    repair: bool,
    provider: &CryptoProvider,
    report: &Report,
) -> Result<Exit, Failure> {
    // A store that can be opened is looked at as a whole; of another it is told what can be read.
    let (path, source) = kept::named(&args.store)?;
    let checked = kept::open_by(&path, &source, false, provider)
        .and_then(|store| store.check().map(|checked| (checked.credentials, checked.damaged)));
    let (credentials, damaged, whole) = match checked {
        Ok((credentials, damaged)) => (credentials, damaged, true),
        Err(error) if error.is_damage() => {
            report.event(&check(Outcome::Bad, error.to_string()));
            let examined = Repaired::examine(&path, &source, provider);
            let examined = examined.map_err(|error| nothing_readable(&path, &error))?;
            (examined.credentials, examined.lost, false)
        }
        Err(error) => return Err(failure_at(&path, &error)),
    };
    if whole && damaged.is_empty() {
        let message = format!("all of it can be read; {}", passkeys(credentials));
        report.event(&check(Outcome::Good, message));
        return Ok(Exit::Ok);
    }
    for part in &damaged {
        report.event(&check(Outcome::Bad, format!("damaged: {part}")));
    }
    if !repair {
        let message = format!(
            "{} can be read. `towline keys check --repair` makes a store of all that can be, and keeps the \
             damaged file; a backup may have the rest",
            passkeys(credentials)
        );
        report.event(&check(Outcome::Note, message));
        return Ok(Exit::Environment);
    }
    repaired(&path, &source, provider, report)?;
    Ok(Exit::Ok)
}

/// Puts a store of what can be read in the place of the damaged one, and says so.
pub(super) fn repaired(
    path: &std::path::Path,
    source: &towline_store::KeySource,
    provider: &CryptoProvider,
    report: &Report,
) -> Result<(), Failure> {
    let repaired =
        Repaired::of(path, source, provider).map_err(|error| nothing_readable(path, &error))?;
    let kept = repaired.damaged.map_or_else(String::new, |file| file.display().to_string());
    let mut message = format!(
        "repaired: it holds {}; the damaged file is {kept}",
        passkeys(repaired.credentials)
    );
    if !repaired.lost.is_empty() {
        message.push_str(&format!("; lost: {}", repaired.lost.join(", ")));
    }
    report.event(&check(Outcome::Note, message));
    Ok(())
}

fn check(outcome: Outcome, message: String) -> Event {
    Event::Check { check: "store", outcome, message }
}

/// So many passkeys.
fn passkeys(number: u64) -> String {
    if number == 1 { "1 passkey".to_owned() } else { format!("{number} passkeys") }
}
