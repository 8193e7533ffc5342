//! Where passkeys are kept, and what opens that place.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use towline::{
    authenticator::{BackupState, CredentialStore, MemoryStore},
    crypto::CryptoProvider,
};
use towline_store::{Error, KeySource, Store};

use crate::{
    args::{self, Opened},
    custody,
    event::{self, Event},
    exit::Failure,
    secret,
};

/// Where passkeys are kept, and links for the word `store`.
#[derive(Clone)]
pub(crate) enum Kept {
    Memory,
    File(Store),
}

/// Where they are if `--store` does not say it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Otherwise {
    Memory,
    /// The person's own place for such files.
    Default,
}

impl Kept {
    /// The store that the arguments name, made if it is not there. And what to say about it.
    pub(crate) fn open_or_create(
        args: &args::Store,
        otherwise: Otherwise,
        provider: &CryptoProvider,
    ) -> Result<(Self, Event), Failure> {
        let Some(path) = place(args, otherwise)? else {
            let event = Event::Store {
                store: event::Store::Memory,
                durable: false,
                message: "the passkeys are in memory only: they are gone when the program ends"
                    .into(),
            };
            return Ok((Self::Memory, event));
        };
        let source = source(&args.opened(), &path, !is_there(&path))?;
        Self::at(&path, &source, provider)
    }

    /// The same in this file, opened by this.
    pub(super) fn at(
        path: &Path,
        source: &KeySource,
        provider: &CryptoProvider,
    ) -> Result<(Self, Event), Failure> {
        let store = if is_there(path) {
            Store::open(path, source, provider)
        } else {
            make_directory(path)?;
            Store::create(path, source, provider)
        };
        let store = store.map_err(|error| failure_at(path, &error))?;
        let path = path.display();
        let message = match source {
            KeySource::KeyFile(key) => format!(
                "the passkeys are in {path}; whoever has {} can open it, and without it nobody can",
                key.display()
            ),
            KeySource::Sealed(_) => format!(
                "the passkeys are in {path}, which this machine's TPM opens and nothing else: make a backup with \
                 `towline keys backup --passphrase`"
            ),
            KeySource::Keyring(_) => {
                format!("the passkeys are in {path}, behind this system's keyring")
            }
            _ => format!("the passkeys are in {path}, behind its passphrase"),
        };
        let event = Event::Store { store: event::Store::File, durable: true, message };
        Ok((Self::File(store), event))
    }

    /// Whether new passkeys may be elsewhere, too: backups and exports of a file have them, and so
    /// have the other devices of its circle. Keys in a TPM stay where they are whatever this says.
    pub(crate) fn backup(&self) -> Result<BackupState, Failure> {
        let Self::File(store) = self else { return Ok(BackupState::DeviceBound) };
        let circle = store.circle();
        let circle = circle.map_err(|error| Failure::environment("store", error.to_string()))?;
        Ok(circle.map_or(BackupState::Eligible, |_| BackupState::Synced))
    }

    pub(crate) fn credentials(self) -> Box<dyn CredentialStore> {
        match self {
            Self::Memory => Box::new(MemoryStore::new()),
            Self::File(store) => Box::new(store),
        }
    }
}

/// Whether there is something, which may be no store. A link that leads nowhere is told as what it
/// is.
pub(super) fn is_there(path: &Path) -> bool {
    path.exists() || path.is_symlink()
}

/// The store that is there.
pub(crate) fn open(args: &args::Store, provider: &CryptoProvider) -> Result<Store, Failure> {
    open_for(args, true, provider)
}

/// The same, to be changed or only to be read.
pub(crate) fn open_for(
    args: &args::Store,
    change: bool,
    provider: &CryptoProvider,
) -> Result<Store, Failure> {
    let (path, source) = named(args)?;
    open_by(&path, &source, change, provider).map_err(|error| failure_at(&path, &error))
}

/// Where the store is that is there, and what opens it.
pub(crate) fn named(args: &args::Store) -> Result<(PathBuf, KeySource), Failure> {
    let path = place(args, Otherwise::Default)?
        .ok_or_else(|| Failure::usage("no_store", "what is in memory is in no other program"))?;
    if !is_there(&path) {
        return Err(failure_at(&path, &Error::Missing(path.clone())));
    }
    let source = source(&args.opened(), &path, false)?;
    Ok((path, source))
}

/// One that is only read need not be one that can be written.
pub(crate) fn open_by(
    path: &Path,
    source: &KeySource,
    change: bool,
    provider: &CryptoProvider,
) -> Result<Store, Error> {
    match Store::open(path, source, provider) {
        Err(Error::ReadOnly(_)) if !change => Store::open_read_only(path, source, provider),
        opened => opened,
    }
}

/// The file; none for memory.
pub(crate) fn place(args: &args::Store, otherwise: Otherwise) -> Result<Option<PathBuf>, Failure> {
    match args.store.as_deref().map(|path| (path, path.to_str())) {
        Some((_, Some("memory"))) => Ok(None),
        None if otherwise == Otherwise::Memory => Ok(None),
        Some((_, Some("default"))) | None => default_place().map(Some),
        Some((path, _)) => Ok(Some(path.to_owned())),
    }
}

fn default_place() -> Result<PathBuf, Failure> {
    let data = env::var_os(if cfg!(windows) { "APPDATA" } else { "XDG_DATA_HOME" })
        .map(PathBuf::from)
        .filter(|path| path.is_absolute());
    let data = data.or_else(|| Some(env::home_dir()?.join(".local/share")));
    let nowhere =
        || Failure::usage("no_store", "this account has no home; name a file with --store");
    Ok(data.ok_or_else(nowhere)?.join("towline").join("passkeys"))
}

/// The directory of a store that is to be made, for its owner only if it is made too.
fn make_directory(path: &Path) -> Result<(), Failure> {
    let Some(directory) = path.parent().filter(|directory| !directory.as_os_str().is_empty())
    else {
        return Ok(());
    };
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory).map_err(|error| {
        Failure::environment("store", format!("{} can't be made: {error}", directory.display()))
    })
}

/// What opens a store or a backup at this path, or is to open it.
pub(crate) fn source(args: &Opened, path: &Path, new: bool) -> Result<KeySource, Failure> {
    if args.keyring {
        return keyring();
    }
    if let Some(place) = &args.tpm_key {
        return Ok(KeySource::Sealed(std::sync::Arc::new(custody::InTpm::at(place))));
    }
    if let Some(key) = key_file(args, path) {
        return Ok(KeySource::KeyFile(key));
    }
    let file = args.passphrase_file.as_deref();
    let read = if new { secret::read_new } else { secret::read };
    Ok(KeySource::Passphrase(read(file, "passphrase")?))
}

/// The key file that opens what is at this path, if it is one.
pub(crate) fn key_file(args: &Opened, path: &Path) -> Option<PathBuf> {
    let other = args.keyring || args.tpm_key.is_some();
    if other || args.passphrase || args.passphrase_file.is_some() {
        return None;
    }
    let beside = || {
        let mut key = path.as_os_str().to_owned();
        key.push(".key");
        key.into()
    };
    Some(args.key_file.clone().unwrap_or_else(beside))
}

#[cfg(feature = "desktop")]
fn keyring() -> Result<KeySource, Failure> {
    Ok(KeySource::Keyring(std::sync::Arc::new(towline_store::SystemKeyring)))
}

#[cfg(not(feature = "desktop"))]
fn keyring() -> Result<KeySource, Failure> {
    let message = "this program was built without the system's keyring (cargo's feature `desktop`)";
    Err(Failure::usage("no_keyring", message))
}

/// What went wrong with the store or the backup at this path: its name comes first where the
/// sentence has none.
pub(crate) fn failure_at(path: &Path, error: &Error) -> Failure {
    let said = |message: String| {
        let path = path.display().to_string();
        if message.contains(&path) { message } else { format!("{path}: {message}") }
    };
    let message = said(error.to_string());
    match error {
        Error::Damaged(_) | Error::DamagedPart(_) => Failure::environment(
            "store",
            format!(
                "{message}; `towline keys check` says what can be read, `towline keys check --repair` makes a store of that, and \
                 a backup can be restored"
            ),
        ),
        Error::WrongKey => Failure::usage(
            "store",
            format!("{message}; if it is the right one, the file is damaged: restore a backup"),
        ),
        Error::OtherKind(_) => Failure::usage(
            "store",
            format!("{message}; say so with --passphrase, --key-file, --keyring or --tpm-key"),
        ),
        Error::Missing(_)
        | Error::DanglingLink { .. }
        | Error::KeyFileOfOthers(_)
        | Error::Costly { .. }
        | Error::Exists(_)
        | Error::NoBackup
        | Error::NewerBackup(_)
        | Error::BackupDamaged(_) => Failure::usage("store", message),
        _ => Failure::environment("store", message),
    }
}

/// The same for a store of which a check, a repair or a restore has found that nothing can be read:
/// none of them is advised again.
pub(super) fn nothing_readable(path: &Path, error: &Error) -> Failure {
    if !error.is_damage() {
        return failure_at(path, error);
    }
    let path = path.display();
    let message = format!(
        "{error}; nothing of it can be read any more: move it away, and bring a backup to its place with \
         `towline keys --store {path} restore BACKUP`"
    );
    Failure::environment("store", message)
}
