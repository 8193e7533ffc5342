//! `towline keys`: what a store holds; and the store that `--store` names.

use std::{fs, path::Path};

use towline::{
    authenticator::{Change, Credential, CredentialStore, MemoryStore, Query, StoreError, Work},
    crypto::CryptoProvider,
};
use towline_store::{Error, KeySource, Store};
use zeroize::Zeroizing;

use crate::{
    args::{self, KeysCommand},
    event::{self, Action, Event, Outcome},
    exit::{Exit, Failure},
    report::Report,
};

/// How many are read at a time.
const PAGE: usize = 64;

/// The store that the arguments name, made if it is not there; one in memory if they name none. And what to say about it.
pub(crate) fn open_or_create(
    args: &args::Store,
    provider: &CryptoProvider,
) -> Result<(Box<dyn CredentialStore>, Event), Failure> {
    let Some(path) = &args.store else {
        let event = Event::Store {
            store: event::Store::Memory,
            durable: false,
            message: "the passkeys are in memory only: they are gone when the program ends".into(),
        };
        return Ok((Box::new(MemoryStore::new()), event));
    };
    let source = source(args, path)?;
    let store = match Store::open(path, &source, provider) {
        Err(Error::Missing(_)) => Store::create(path, &source, provider),
        opened => opened,
    };
    let store = store.map_err(|error| store_failure(&error))?;
    let message = match &source {
        KeySource::KeyFile(key) => format!(
            "the passkeys are in {}; whoever has {} can open it, and without it nobody can",
            path.display(),
            key.display()
        ),
        _ => format!("the passkeys are in {}, behind its passphrase", path.display()),
    };
    Ok((Box::new(store), Event::Store { store: event::Store::File, durable: true, message }))
}

pub(crate) fn run(args: &args::Keys, report: &Report) -> Result<Exit, Failure> {
    let provider = towline::crypto::rustcrypto::provider();
    let Some(path) = &args.store.store else {
        return Err(Failure::usage("no_store", "which store? name its file with --store"));
    };
    let store = Store::open(path, &source(&args.store, path)?, &provider);
    let mut store = store.map_err(|error| store_failure(&error))?;
    match &args.command {
        KeysCommand::List => {
            for credential in all(&mut store)? {
                report.event(&listed(&credential));
            }
        }
        KeysCommand::Remove { id } => {
            let credential = named(all(&mut store)?, id)?;
            done(store.commit(vec![Change::Remove(credential.id.clone())]))?;
            report.event(&happened(Action::Removed, Some(&credential)));
        }
        KeysCommand::Check => {
            let aside = store.check().map_err(|error| store_failure(&error))?;
            let count = done(store.capacity())?.discoverable;
            let (outcome, message) = if aside == 0 {
                (Outcome::Good, format!("all of it can be read; {count} passkeys"))
            } else {
                let message = format!(
                    "{aside} damaged passkeys were put aside, {count} are left; a backup may have them"
                );
                (Outcome::Bad, message)
            };
            report.event(&Event::Check { check: "store", outcome, message });
            return Ok(if aside == 0 { Exit::Ok } else { Exit::Failed });
        }
        KeysCommand::Reset { .. } => {
            done(store.clear())?;
            report.event(&happened(Action::Reset, None));
        }
    }
    Ok(Exit::Ok)
}

/// What opens the store.
fn source(args: &args::Store, path: &Path) -> Result<KeySource, Failure> {
    let Some(file) = &args.passphrase_file else {
        let mut key = path.as_os_str().to_owned();
        key.push(".key");
        return Ok(KeySource::KeyFile(key.into()));
    };
    let unusable = |why: String| {
        Failure::usage("passphrase", format!("{} holds no passphrase: {why}", file.display()))
    };
    let text = fs::read_to_string(file).map_err(|error| unusable(error.to_string()))?;
    let text = Zeroizing::new(text);
    match text.lines().next() {
        Some(line) if !line.is_empty() => Ok(KeySource::Passphrase(Zeroizing::new(line.into()))),
        _ => Err(unusable("its first line is empty".into())),
    }
}

/// The discoverable credentials, by site, newest first.
fn all(store: &mut Store) -> Result<Vec<Credential>, Failure> {
    let (mut credentials, mut site) = (Vec::new(), None);
    loop {
        let parties = done(store.relying_parties(site.as_ref(), PAGE))?.parties;
        let Some(last) = parties.last() else { return Ok(credentials) };
        site = Some(last.id.clone());
        for party in parties {
            let mut query = Query { rp_id: party.id, verified: true, after: None, limit: PAGE };
            loop {
                let page = done(store.discoverable(&query))?;
                credentials.extend(page.credentials);
                match page.end {
                    Some(end) => query.after = Some(end),
                    None => break,
                }
            }
        }
    }
}

/// The one whose id begins so.
fn named(all: Vec<Credential>, beginning: &str) -> Result<Credential, Failure> {
    let beginning = beginning.to_ascii_lowercase();
    let mut found = all.into_iter().filter(|credential| id(credential).starts_with(&beginning));
    match (found.next(), found.next()) {
        (Some(credential), None) => Ok(credential),
        (None, _) => {
            let message = format!(
                "no passkey has an id that begins with {beginning:?}; `towline keys list` shows them"
            );
            Err(Failure::usage("no_such_passkey", message))
        }
        _ => {
            let message = format!("several passkeys have an id that begins with {beginning:?}");
            Err(Failure::usage("not_one_passkey", message))
        }
    }
}

fn id(credential: &Credential) -> String {
    credential.id.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn account(credential: &Credential) -> Option<String> {
    credential.user.name.clone().or_else(|| credential.user.display_name.clone())
}

fn listed(credential: &Credential) -> Event {
    Event::StoredPasskey {
        id: id(credential),
        rp_id: credential.rp_id.as_str().to_owned(),
        account: account(credential),
    }
}

/// The person did it themselves, by the command.
fn happened(action: Action, credential: Option<&Credential>) -> Event {
    Event::Passkey {
        action,
        rp_id: credential.map(|credential| credential.rp_id.as_str().to_owned()),
        account: credential.and_then(account),
        simulated: false,
    }
}

fn done<T>(work: Work<T, StoreError>) -> Result<T, Failure> {
    let result = match work {
        Work::Done(result) => result,
        Work::Later(run) => run(),
    };
    result.map_err(|error| Failure::environment("store", error.to_string()))
}

fn store_failure(error: &Error) -> Failure {
    let message = error.to_string();
    match error {
        Error::Missing(_) | Error::WrongKey | Error::OtherKind(_) => {
            Failure::usage("store", message)
        }
        _ => Failure::environment("store", message),
    }
}
