//! `towline keys`: looks after what a store holds.

mod check;
mod copies;
mod export;
mod import;
mod info;
mod keepassxc;
pub(crate) mod kept;
pub(crate) mod owner;
mod pin;
mod platform;
mod sealed;

use std::sync::Arc;

use towline::authenticator::{Change, Credential, CredentialStore, Query, StoreError, Work};
use towline_device::unix_time;
use towline_store::Store;
use towline_tpm::{KeyState, TpmBinding};

use self::platform::Platform;
use crate::{
    args::{self, KeysCommand},
    custody,
    event::{self, Action, Event},
    exit::{Exit, Failure},
    hex::hex,
    report::Report,
};

const NOT_IN_BACKUP: &str = "the passkeys that are in a TPM can't be brought back on another machine, nor after the TPM was cleared; \
                             give each of their sites a second passkey";

/// How many are read at a time.
const PAGE: usize = 64;

pub(crate) async fn run(args: &args::Keys, report: &Arc<Report>) -> Result<Exit, Failure> {
    let provider = towline::fastest::provider();
    match &args.command {
        KeysCommand::Restore { from, opened, replace, costly } => {
            let how = copies::How { replace: *replace, costly: *costly };
            return copies::restore(args, from, opened, how, &provider, report);
        }
        KeysCommand::Check { repair } => return check::run(args, *repair, &provider, report),
        KeysCommand::Export(export) => return export::run(args, export, &provider, report).await,
        KeysCommand::Import(import) => return import::run(args, import, &provider, report).await,
        _ => {}
    }
    let mut store = kept::open_for(&args.store, changes(&args.command), &provider)?;
    match &args.command {
        KeysCommand::Backup { to, opened } => {
            let exit = copies::backup(&store, to, opened, report)?;
            let in_tpm = |it: &Credential| KeyState::of(&it.key, None) != KeyState::Software;
            if all(&mut store)?.iter().any(in_tpm) {
                report.event(&Event::Keys { keys: event::Keys::Tpm, message: NOT_IN_BACKUP });
            }
            return Ok(exit);
        }
        KeysCommand::ChangeKey { reseal, opened } => {
            return copies::change_key(&store, &args.store, *reseal, opened, report);
        }
        KeysCommand::SetPin { pin_file, new_pin_file } => {
            let (present, new) = (pin_file.as_deref(), new_pin_file.as_deref());
            let key = Platform::over(store, &provider)?;
            return pin::set(key, present, new, &provider, report).await;
        }
        KeysCommand::ExportInfo => {
            let passkeys = done(store.capacity())?.discoverable;
            let info = Platform::over(store, &provider)?.get_info().await?;
            report.event(&info::authenticator(&info, passkeys));
        }
        KeysCommand::Show { id } => report.event(&info::passkey(&named(all(&mut store)?, id)?)),
        KeysCommand::Rename { id, account, display_name } => {
            let mut credential = named(all(&mut store)?, id)?;
            if let Some(account) = account {
                credential.user.name = Some(account.clone());
            }
            if let Some(display_name) = display_name {
                credential.user.display_name = Some(display_name.clone());
            }
            let (id, user) = (credential.id.clone(), credential.user.clone());
            done(store.commit(vec![Change::Rename { id, user, at: Some(unix_time()) }]))?;
            report.event(&happened(Action::Renamed, Some(&credential)));
        }
        KeysCommand::List => {
            let binding = custody::bound(&store)?;
            for credential in all(&mut store)? {
                report.event(&listed(&credential, binding.as_ref()));
            }
        }
        KeysCommand::Remove { id } => {
            let credential = named(all(&mut store)?, id)?;
            done(store.commit(vec![Change::Remove(credential.id.clone())]))?;
            report.event(&happened(Action::Removed, Some(&credential)));
        }
        KeysCommand::Reset { .. } => {
            done(store.clear())?;
            report.event(&happened(Action::Reset, None));
        }
        // They are dealt with above.
        KeysCommand::Restore { .. } | KeysCommand::Check { .. } => {}
        KeysCommand::Export(_) | KeysCommand::Import(_) => {}
    }
    Ok(Exit::Ok)
}

/// Whether a command changes the store. One that does not is good for a store that can't be
/// written, too.
const fn changes(command: &KeysCommand) -> bool {
    !matches!(command, KeysCommand::List | KeysCommand::Show { .. } | KeysCommand::Backup { .. })
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
    if beginning.is_empty() {
        // It would be the only one of a store, which a script with an unset variable did not mean.
        let message = "an empty id names no passkey; `towline keys list` shows them";
        return Err(Failure::usage("not_one_passkey", message));
    }
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
    hex(credential.id.as_bytes())
}

fn account(credential: &Credential) -> Option<String> {
    credential.user.name.clone().or_else(|| credential.user.display_name.clone())
}

fn listed(credential: &Credential, binding: Option<&TpmBinding>) -> Event {
    Event::StoredPasskey {
        id: id(credential),
        rp_id: credential.rp_id.as_str().to_owned(),
        account: account(credential),
        keys: KeyState::of(&credential.key, binding).into(),
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

pub(crate) fn done<T>(work: Work<T, StoreError>) -> Result<T, Failure> {
    let result = match work {
        Work::Done(result) => result,
        Work::Later(run) => run(),
    };
    result.map_err(|error| Failure::environment("store", error.to_string()))
}
