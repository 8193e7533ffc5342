//! `towline keys export`: passkeys to another manager.

use std::{path::Path, sync::Arc};

use serde_json::json;
use towline::{
    authenticator::{Change, Credential, CredentialStore as _, Cursor, Custody, Record},
    crypto::CryptoProvider,
};
use towline_device::unix_time;
use towline_exchange::{Candidate, Export, ExportReport, Exporter};
use towline_store::{Store, write_new_file};
use towline_tpm::KeyState;

use super::{
    PAGE, done,
    kept::{self, Kept},
    owner,
    sealed::Seal,
};
use crate::{
    args,
    event::{self, Event, Moved, Question, Way},
    exit::{Exit, Failure},
    report::Report,
};

/// Who exports, by the name that is shown to whoever imports.
const NAME: &str = "towline";

const NOT_STORED: &str = "this store has been a security key's: the second factors that sites keep for it are in no store, and stay \
                          with it";

pub(super) async fn run(
    args: &args::Keys,
    export: &args::Export,
    provider: &CryptoProvider,
    report: &Arc<Report>,
) -> Result<Exit, Failure> {
    let file = &export.file;
    if kept::is_there(file) {
        let message = format!("{} is there already; choose another name", file.display());
        return Err(Failure::usage("file", message));
    }
    let mut store = kept::open_for(&args.store, false, provider)?;
    let only = &export.moving.only;
    let mut candidates = Vec::new();
    for credential in oldest_first(&mut store)? {
        if only.is_empty() || only.contains(&credential.rp_id) {
            candidates.push(candidate(&store, credential)?);
        }
    }
    let large_blobs = done(store.record(Record::LargeBlobs))?;
    let exporter = Exporter {
        rp_id: NAME.to_owned(),
        display_name: NAME.to_owned(),
        account_id: account_id(&mut store, export.moving.dry_run, provider)?,
        at: unix_time(),
        provider: provider.clone(),
    };
    let made =
        Export::new(candidates, large_blobs.as_ref().map(|array| array.as_slice()), &exporter);
    if done(store.record(Record::WrappingSecret))?.is_some() {
        report.event(&Event::Keys { keys: event::Keys::Software, message: NOT_STORED });
    }
    let (written, left_out): (Vec<_>, Vec<_>) =
        made.reports().iter().partition(|report| report.outcome.is_ok());
    for moved in left_out.iter().chain(&written) {
        report.event(&Event::Moved(told(moved)));
    }
    if written.is_empty() {
        let message = "there is no passkey here that could be exported; nothing was written";
        return Err(Failure::usage("no_passkeys", message));
    }
    let seal = (!export.moving.dry_run).then(|| Seal::of(&export.sealed)).transpose()?;
    if let Some(seal) = &seal {
        let message = question(written.len(), left_out.len(), file, seal);
        let kept = Kept::File(store);
        let owner = &export.moving.owner;
        owner::agrees(Question::Export, message, owner, &args.store, &kept, report).await?;
        let bytes = seal.seal(made.document())?;
        write_new_file(file, &bytes, provider).map_err(|error| {
            let message = format!("{} can't be written: {error}", file.display());
            Failure::environment("file", message)
        })?;
    }
    report.event(&Event::info(
        "exported",
        json!({
            "file": file.display().to_string(),
            "passkeys": written.len(),
            "left_out": left_out.len(),
            "sealed_for": seal.as_ref().map(Seal::word),
            "dry_run": export.moving.dry_run,
        }),
    ));
    Ok(Exit::Ok)
}

fn question(written: usize, left_out: usize, file: &Path, seal: &Seal) -> String {
    let file = file.display();
    let stay = if left_out > 0 { format!(" ({left_out} stay)") } else { String::new() };
    let warning = match seal {
        Seal::Plain => ", NOT SEALED: whoever reads it can sign in with all of them",
        _ => "",
    };
    format!("Export {}{stay} with their private keys to {file}{warning}?", passkeys(written))
}

/// So many passkeys.
pub(super) fn passkeys(number: usize) -> String {
    if number == 1 { "1 passkey".to_owned() } else { format!("{number} passkeys") }
}

/// All of the store, discoverable or not, so that the newest comes last at its new place, too.
fn oldest_first(store: &mut Store) -> Result<Vec<Credential>, Failure> {
    let (mut all, mut after): (Vec<Credential>, Option<Cursor>) = (Vec::new(), None);
    loop {
        let page = done(store.all(after, PAGE))?;
        all.extend(page.credentials);
        match page.end {
            Some(end) => after = Some(end),
            None => break,
        }
    }
    all.reverse();
    Ok(all)
}

fn candidate(store: &Store, credential: Credential) -> Result<Candidate, Failure> {
    let counter = store
        .counter(&credential.id)
        .map_err(|error| Failure::environment("store", error.to_string()))?;
    // Whichever TPM it is in.
    let custody = match KeyState::of(&credential.key, None) {
        KeyState::Software => Custody::Handle,
        KeyState::Here | KeyState::AnotherTpm => Custody::Wrapped,
    };
    Ok(Candidate { credential, counter, custody })
}

/// By which id documents name the person's account here: made once. A store that can't be written
/// has another one in each export.
fn account_id(
    store: &mut Store,
    dry_run: bool,
    provider: &CryptoProvider,
) -> Result<[u8; 16], Failure> {
    let record = Record::ExchangeAccount;
    let there = |store: &mut Store| {
        let id = done(store.record(record))?;
        Ok::<Option<[u8; 16]>, Failure>(id.and_then(|id| id.as_slice().try_into().ok()))
    };
    if let Some(id) = there(store)? {
        return Ok(id);
    }
    let random: Result<[u8; 16], _> = provider.random.bytes();
    let new = random.map_err(|error| Failure::new(Exit::Failed, "failed", error.to_string()))?;
    if dry_run {
        return Ok(new);
    }
    let _unwritable =
        done(store.commit(vec![Change::NewRecord { record, value: new.to_vec().into() }]));
    Ok(there(store)?.unwrap_or(new))
}

fn told(report: &ExportReport) -> Moved {
    let ExportReport { site, account, outcome } = report;
    let (outcome, reason, notes, message) = match outcome {
        Ok(notes) => {
            let words = notes.iter().map(|note| note.as_str()).collect();
            let clauses: Vec<_> = notes.iter().map(ToString::to_string).collect();
            ("exported", None, words, clauses.join("; "))
        }
        Err(why) => ("left-out", Some(why.as_str()), Vec::new(), why.to_string()),
    };
    Moved {
        way: Way::Out,
        outcome,
        reason,
        notes,
        rp_id: Some(site.clone()),
        account: account.clone(),
        title: None,
        kind: None,
        member: None,
        message,
    }
}
