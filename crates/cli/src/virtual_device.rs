//! `towline virtual`: an authenticator for tests, with a person who follows a script, for programs
//! in any language.

mod fields;
mod file;
mod mcp;
mod moving;
mod pipe;
mod serve;
mod session;
mod tpm_ca;

use std::time::Duration;

use towline_virtual::{Fault, VirtualAuthenticator};

use crate::{
    args,
    event::Event,
    exit::{Exit, Failure},
    options::{self, Verb},
    report::Report,
    stop::Stop,
};

use self::session::Session;

pub(crate) use self::{
    pipe::pipe,
    serve::{mcp, serve},
    tpm_ca::tpm_ca,
};

/// One registration or one sign-in.
pub(crate) async fn once(
    verb: Verb,
    args: args::VirtualCeremony,
    report: &Report,
) -> Result<Exit, Failure> {
    let mut stop = Stop::new()?;
    let options = options::read(report, &mut stop).await?;
    let mut session = Session::new(args.device, verb == Verb::Create);
    let later = Duration::from_secs(args.later.into());
    let result = session.with(|device| {
        device.clock().advance(later);
        ceremony(device, verb, &args.origin, &options)
    })?;
    for fault in session.idle_faults() {
        report.hint(&format!("there was no occasion for {fault}"));
    }
    options::respond(&result?, report)
}

/// Lists what can go wrong.
pub(crate) fn faults(report: &Report) {
    for fault in Fault::ALL.iter().filter(|fault| args::usable(**fault).is_ok()) {
        report.event(&Event::Fault { name: fault.to_string(), does: fault.describe() });
    }
}

/// What a page of this origin gets.
fn ceremony(
    device: &VirtualAuthenticator,
    verb: Verb,
    origin: &str,
    options: &str,
) -> Result<String, Failure> {
    let result = match verb {
        Verb::Create => device.create(origin, options),
        Verb::Get => device.get(origin, options),
    };
    // What comes next comes later, so that it is known in which order.
    device.clock().advance(Duration::from_secs(1));
    if let Err(unmet) = device.person().verify() {
        let lines = unmet.to_string();
        let lines: Vec<&str> = lines.lines().map(str::trim).collect();
        return Err(Failure::usage("person", lines.join("; ")));
    }
    result.map_err(|error| options::failure(&error))
}
