//! A phone: by the code that it scans, or linked, and rung.

use std::{sync::Arc, time::Duration};

use towline::{Computer, ComputerError, hybrid::InitiatorConfig};

use super::screen::Terminal;
use crate::{
    args,
    exit::Failure,
    keys::kept::{Kept, Otherwise},
    links::{self, Choice, links_failure},
    network,
    options::Verb,
    report::Report,
    stop::Stop,
};

/// A computer with a radio, a way to the relay and its links; and which linked phone is meant.
pub(super) async fn open(
    args: &args::Reach,
    report: &Arc<Report>,
) -> Result<(Computer, Choice), Failure> {
    let provider = towline::fastest::provider();
    let radio = network::radio(&args.radio, network::Use::Scan, report).await?;
    let connector = network::connector(&args.network, provider.clone()).await?;
    let mut config = InitiatorConfig::default();
    config.scan_timeout = Duration::from_secs(args.timeout);
    let computer = Computer::new(provider.clone(), radio, connector).with_config(config);
    let Some(path) = &args.links else { return Ok((computer, Choice::None)) };
    let store = || Ok(Kept::open_or_create(&args.store, Otherwise::Default, &provider)?.0);
    let links = links::place(path, store, &provider)?;
    // A file that can't be used is said now, and not when a phone has been scanned.
    let known = links.all().map_err(|error| links_failure(&error))?;
    let choice = Choice::new(&known, args.phone.as_deref(), args.new_phone)?;
    Ok((computer.with_links(links), choice))
}

/// Everything between the origin with its options and the response for it.
pub(super) async fn ceremony(
    computer: &Computer,
    screen: &Terminal,
    verb: Verb,
    (origin, options): (&str, &str),
    stop: &mut Stop,
) -> Result<String, Failure> {
    let work = async {
        match verb {
            Verb::Create => computer.create(screen, origin, options).await,
            Verb::Get => computer.get(screen, origin, options).await,
        }
    };
    screen.attend(work, stop).await?.map_err(|error| {
        let exception = match &error {
            ComputerError::Client(error) => error.name(),
            // As of a way to an authenticator that broke.
            _ => "NotAllowedError",
        };
        Failure::from(error).thrown(exception)
    })
}
