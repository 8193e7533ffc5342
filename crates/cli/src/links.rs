//! Where links are kept, and `towline links`, which lists and forgets what this computer or phone is linked with.

mod file;

use std::{path::Path, sync::Arc};

use towline::{
    crypto::CryptoProvider,
    hybrid::link::{ComputerLinks, LinkedPhone, PhoneLinks, StoreError},
};

use self::file::LinkFile;
use crate::{
    args::{self, LinksCommand},
    event::{Device, Event},
    exit::{Exit, Failure},
    keys::kept::{self, Kept},
    report::Report,
};

/// Both kinds of links, wherever they are kept.
pub(crate) trait Links: PhoneLinks + ComputerLinks {}

impl<T: PhoneLinks + ComputerLinks> Links for T {}

/// Where `--links` says: in a file of their own, or, for the word `store`, in the store, sealed.
pub(crate) fn place(
    links: &Path,
    store: impl FnOnce() -> Result<Kept, Failure>,
    provider: &CryptoProvider,
) -> Result<Arc<dyn Links>, Failure> {
    if links.as_os_str() != "store" {
        return Ok(Arc::new(LinkFile::new(links, provider.clone())));
    }
    match store()? {
        Kept::File(store) => Ok(Arc::new(store.links())),
        Kept::Memory => {
            Err(Failure::usage("no_store", "links can be kept in a store that --store names"))
        }
    }
}

pub(crate) fn run(args: &args::Links, report: &Report) -> Result<Exit, Failure> {
    let provider = towline::crypto::rustcrypto::provider();
    let file: Box<dyn Links> = match &args.links {
        Some(path) => Box::new(LinkFile::new(path, provider)),
        None => Box::new(kept::open(&args.store, &provider)?.links()),
    };
    let phones = file.all().map_err(|error| links_failure(&error))?;
    let computers = file.computers().map_err(|error| links_failure(&error))?;
    match &args.command {
        LinksCommand::List => {
            for phone in &phones {
                let name = phone.display_name();
                report.event(&Event::Link { device: Device::Phone, name, since: None });
            }
            for (number, computer) in (1_u32..).zip(&computers) {
                let (name, since) = (number.to_string(), Some(computer.since));
                report.event(&Event::Link { device: Device::Computer, name, since });
            }
        }
        LinksCommand::Forget { name } => {
            let named = |phone: &&LinkedPhone| phone.display_name() == *name;
            let mut forgotten = false;
            for phone in phones.iter().filter(named) {
                let known = &phone.information;
                forgotten |= file
                    .remove(&known.identity, &known.link_id)
                    .map_err(|error| links_failure(&error))?;
            }
            // Computers have no names; they are counted from 1, as the list does.
            let index = name.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
            if let Some(computer) = index.and_then(|index| computers.get(index)) {
                forgotten |=
                    file.forget(&computer.link_id).map_err(|error| links_failure(&error))?;
            }
            if !forgotten {
                let message =
                    format!("there is no link with {name:?}; `towline links list` shows them");
                return Err(Failure::usage("no_such_link", message));
            }
            report.event(&Event::Forgotten { name: name.clone() });
        }
    }
    Ok(Exit::Ok)
}

pub(crate) fn links_failure(error: &StoreError) -> Failure {
    Failure::environment("links", error.to_string())
}
