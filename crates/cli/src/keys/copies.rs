//! `towline keys backup`, `restore` and `change-key`: copies of a store elsewhere, and what opens
//! it.

use std::{fs, path::Path};

use serde_json::json;
use towline::crypto::CryptoProvider;
use towline_store::{Backup, Conflicts, Error, KeySource, Restored, Store};

use super::{
    check,
    kept::{self, Otherwise, failure_at},
};
use crate::{
    args::{self, Opened},
    event::Event,
    exit::{Exit, Failure},
    report::Report,
};

pub(crate) fn backup(
    store: &Store,
    to: &Path,
    opened: &Opened,
    report: &Report,
) -> Result<Exit, Failure> {
    let source = of_its_own(opened, to, true)?;
    let made = store.backup_file(to, &source).map_err(|error| failure_at(to, &error))?;
    report.event(&Event::info(
        "backup",
        json!({
            "file": to.display().to_string(),
            "passkeys": made.credentials,
            "records": made.records,
            "links": made.links,
            "left_out": made.left_out,
            "opened_by": opened_by(&source),
        }),
    ));
    // They are damaged, and an older backup may have them.
    Ok(if made.left_out.is_empty() { Exit::Ok } else { Exit::Environment })
}

/// How a backup is restored.
#[derive(Debug, Clone, Copy)]
pub(crate) struct How {
    pub(crate) replace: bool,
    pub(crate) costly: bool,
}

/// The backup is read to its end before anything is changed, or a store that is not there is made.
pub(crate) fn restore(
    args: &args::Keys,
    from: &Path,
    opened: &Opened,
    how: How,
    provider: &CryptoProvider,
    report: &Report,
) -> Result<Exit, Failure> {
    let source = of_its_own(opened, from, false)?;
    let file = fs::File::open(from).map_err(|error| {
        Failure::usage("store", format!("{} can't be read: {error}", from.display()))
    })?;
    let open = if how.costly { Backup::open_costly } else { Backup::open };
    let mut backup = open(file, &source, provider).map_err(|error| match error {
        Error::Costly { .. } => Failure::usage("costly", format!("{error} (--costly)")),
        error => failure_at(from, &error),
    })?;
    repair_first(&args.store, provider, report)?;
    let path = kept::place(&args.store, Otherwise::Default)?.unwrap_or_default();
    let there = path.exists();
    let (kept, event) = kept::Kept::open_or_create(&args.store, Otherwise::Default, provider)?;
    let kept::Kept::File(store) = kept else {
        return Err(Failure::usage(
            "no_store",
            "a backup is restored to a file; name it with --store",
        ));
    };
    report.event(&event);
    let conflicts = if how.replace { Conflicts::Replace } else { Conflicts::Keep };
    let restored = store.restore(&mut backup, conflicts).map_err(|error| {
        // An empty store that was made for this is no use to anybody.
        if !there {
            let _ = fs::remove_file(&path);
        }
        match error {
            Error::BackupDamaged(_) | Error::NewerBackup(_) => failure_at(from, &error),
            error => failure_at(&path, &error),
        }
    })?;
    let Restored { added, same, kept, replaced, .. } = restored;
    report.event(&Event::info(
        "restored",
        json!({
            "added": added,
            "same": same,
            "kept": kept,
            "replaced": replaced,
        }),
    ));
    Ok(Exit::Ok)
}

pub(crate) fn change_key(
    store: &Store,
    args: &args::Store,
    reseal: bool,
    opened: &Opened,
    report: &Report,
) -> Result<Exit, Failure> {
    let path = kept::place(args, Otherwise::Default)?.unwrap_or_default();
    let source = kept::source(opened, &path, true)?;
    let before = kept::key_file(&args.opened(), &path);
    if matches!(&source, KeySource::KeyFile(key) if before.as_ref() == Some(key)) {
        let message = "this key file opens the store already; name another with --key-file";
        return Err(Failure::usage("same_key", message));
    }
    let change = if reseal { Store::reseal } else { Store::change_key };
    change(store, &source).map_err(|error| failure_at(&path, &error))?;
    let old_copies = if reseal {
        "a copy of the file from before is still opened by what opened it then; nothing made from now on is"
    } else {
        "whoever has a copy of the file from before, and what opened it then, can open both it and what is made from now on; \
         --reseal ends that"
    };
    let opened_by = opened_by(&source);
    report.event(&Event::info(
        "key_changed",
        json!({ "opened_by": opened_by, "resealed": reseal, "old_copies": old_copies }),
    ));
    Ok(Exit::Ok)
}

/// A backup is for the day on which the store is damaged.
fn repair_first(
    args: &args::Store,
    provider: &CryptoProvider,
    report: &Report,
) -> Result<(), Failure> {
    let there = kept::place(args, Otherwise::Default)?.is_some_and(|path| path.exists());
    if !there {
        return Ok(());
    }
    let (path, source) = kept::named(args)?;
    match kept::open_by(&path, &source, true, provider) {
        Err(error) if error.is_damage() => check::repaired(&path, &source, provider, report),
        // Other reasons are told when it is opened to be used.
        _ => Ok(()),
    }
}

/// What a person has to keep.
fn opened_by(source: &KeySource) -> String {
    match source {
        KeySource::KeyFile(key) => format!("the key file {}", key.display()),
        other => format!("{other:?}"),
    }
}

/// A backup is for the day on which the keyring, or the TPM, is gone.
fn of_its_own(opened: &Opened, path: &Path, new: bool) -> Result<KeySource, Failure> {
    if opened.keyring {
        let message = "a backup has to open without this system's keyring; lock it with a passphrase or a key file";
        return Err(Failure::usage("no_keyring", message));
    }
    if opened.tpm_key.is_some() {
        let message = "a backup has to open without this machine's TPM; lock it with a passphrase or a key file";
        return Err(Failure::usage("no_tpm_key", message));
    }
    kept::source(opened, path, new)
}
