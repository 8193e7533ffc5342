//! Where links are kept, and `towline links`, which lists and forgets what this computer or phone
//! is linked with.

mod choice;
mod file;

use std::{path::Path, sync::Arc};

use towline::{
    crypto::CryptoProvider,
    hybrid::link::{ComputerLinks, LinkStoreError, LinkedComputer, LinkedPhone, PhoneLinks},
};

pub(crate) use self::choice::Choice;
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
    let provider = towline::fastest::provider();
    let file: Box<dyn Links> = match &args.links {
        Some(path) if !path.exists() => {
            let message = format!(
                "{} is not there: give the file that `towline computer` or `towline phone` was given",
                path.display()
            );
            return Err(Failure::environment("links", message));
        }
        Some(path) => Box::new(LinkFile::new(path, provider)),
        None => {
            let store = kept::open(&args.store, &provider).map_err(|mut failure| {
                if args.store.store.is_none() {
                    failure.message.push_str("; name a file of links with --links");
                }
                failure
            })?;
            Box::new(store.links())
        }
    };
    let known = Known::read(&*file).map_err(|error| links_failure(&error))?;
    match args.command.as_ref().unwrap_or(&LinksCommand::List) {
        LinksCommand::List => known.list(report),
        LinksCommand::Forget { name } => {
            let index = choice::find(&known.names(), name)?.ok_or_else(|| {
                let message =
                    format!("no linked device is called {name:?}, nor is that a number of the list; `towline links list` shows them");
                Failure::usage("no_such_link", message)
            })?;
            let forgotten = known.forget(&*file, index).map_err(|error| links_failure(&error))?;
            report.event(&Event::Forgotten { name: forgotten });
        }
    }
    Ok(Exit::Ok)
}

/// The devices in the order of the list: phones, then computers.
struct Known {
    phones: Vec<LinkedPhone>,
    computers: Vec<LinkedComputer>,
}

impl Known {
    fn read(file: &dyn Links) -> Result<Self, LinkStoreError> {
        Ok(Self { phones: file.all()?, computers: file.computers()? })
    }

    /// Computers do not say what they are called.
    fn names(&self) -> Vec<String> {
        let phones = self.phones.iter().map(LinkedPhone::display_name);
        phones.chain(self.computers.iter().map(|_| String::new())).collect()
    }

    fn list(&self, report: &Report) {
        let phones = self.phones.iter().map(|phone| {
            let name = phone.display_name();
            (Device::Phone, Some(name), phone.since)
        });
        let computers =
            self.computers.iter().map(|computer| (Device::Computer, None, Some(computer.since)));
        for (number, (device, name, since)) in (1..).zip(phones.chain(computers)) {
            let name = name.unwrap_or_else(|| number.to_string());
            report.event(&Event::Link { number, device, name, since });
        }
        if self.phones.is_empty() && self.computers.is_empty() {
            report.event(&Event::NoLinks {});
        }
    }

    /// Removes a link, and says what its device was called.
    fn forget(&self, file: &dyn Links, index: usize) -> Result<String, LinkStoreError> {
        let computer =
            index.checked_sub(self.phones.len()).and_then(|index| self.computers.get(index));
        match (self.phones.get(index), computer) {
            (Some(phone), _) => {
                file.remove(&phone.information.identity, &phone.information.link_id)?;
                Ok(phone.display_name())
            }
            (None, Some(computer)) => {
                file.forget(&computer.link_id)?;
                Ok(index.saturating_add(1).to_string())
            }
            (None, None) => Ok(String::new()),
        }
    }
}

pub(crate) fn links_failure(error: &LinkStoreError) -> Failure {
    Failure::environment("links", error.to_string())
}
