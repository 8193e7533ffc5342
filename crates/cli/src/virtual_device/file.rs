//! The passkey file of a virtual authenticator.
//!
//! It is JSON, not sealed, for its owner only, and written whole or not at all. A checksum covers
//! all of it, so that damage is told and never taken for passkeys, or for none.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use clap::ValueEnum as _;
use serde::{Deserialize, Serialize};
use towline_virtual::{Snapshot, crypto};
use zeroize::Zeroizing;

use crate::{args::VirtualKind, exit::Failure, hex::hex};

/// The version of the form.
const VERSION: u32 = 1;

/// The most that is read of a file, in bytes: tens of thousands of passkeys.
const LONGEST: u64 = 64 << 20;

/// What says to people what the file is.
const ABOUT: &str = "passkeys of `towline virtual`, for tests; not sealed";

pub(super) struct PasskeyFile {
    path: PathBuf,
}

/// What is kept of a virtual authenticator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct State {
    pub(super) kind: VirtualKind,
    /// What its clock has come to, in milliseconds.
    pub(super) elapsed_ms: u64,
    pub(super) kept: Snapshot,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    about: String,
    version: u32,
    kind: String,
    elapsed_ms: u64,
    state: String,
    /// Of all that stands above, in hexadecimal digits.
    sha256: String,
}

/// What every version of the form has.
#[derive(Deserialize)]
struct Version {
    version: u32,
}

impl Content {
    fn checksum(&self) -> String {
        let Self { about, version, kind, elapsed_ms, state, sha256: _ } = self;
        let numbers = format!("{version}\n{elapsed_ms}");
        let parts = [about.as_str(), "\n", &numbers, "\n", kind, "\n", state];
        let parts = parts.map(str::as_bytes);
        let hash = crypto::rustcrypto::provider().sha256.hash(&parts);
        hex(&hash)
    }
}

impl PasskeyFile {
    pub(super) fn new(path: &Path) -> Self {
        Self { path: path.to_owned() }
    }

    /// One process at a time, until dropped. Others wait.
    pub(super) fn lock(&self) -> Result<File, Failure> {
        let file = self.lock_file()?;
        file.lock().map_err(|error| self.unavailable(&error))?;
        Ok(file)
    }

    /// The same for long, where nobody has it.
    pub(super) fn lock_for_long(&self) -> Result<File, Failure> {
        let file = self.lock_file()?;
        file.try_lock().map_err(|error| match error {
            TryLockError::Error(error) => self.unavailable(&error),
            TryLockError::WouldBlock => {
                let path = self.path.display();
                let message = format!("another process has {path}; end it, or name another file");
                Failure::environment("passkeys", message)
            }
        })?;
        Ok(file)
    }

    fn lock_file(&self) -> Result<File, Failure> {
        let path = self.beside(".lock");
        let file = private(OpenOptions::new().create(true).truncate(false)).open(path);
        file.map_err(|error| self.unavailable(&error))
    }

    /// What is in it; `None` where there is no file.
    pub(super) fn read(&self) -> Result<Option<State>, Failure> {
        let text = match fs::metadata(&self.path) {
            Ok(metadata) if metadata.len() > LONGEST => return Err(self.damaged()),
            Ok(metadata) => {
                self.check_permissions(&metadata)?;
                Zeroizing::new(fs::read(&self.path).map_err(|error| self.unavailable(&error))?)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(self.unavailable(&error)),
        };
        let damaged = |_| self.damaged();
        let Version { version } = serde_json::from_slice(&text).map_err(damaged)?;
        if version > VERSION {
            let path = self.path.display();
            let message = format!("{path} was written by a newer version of this program");
            return Err(Failure::environment("passkeys", message));
        }
        let content: Content = serde_json::from_slice(&text).map_err(damaged)?;
        if content.version != VERSION || content.checksum() != content.sha256 {
            return Err(self.damaged());
        }
        let kind = VirtualKind::from_str(&content.kind, false).map_err(|_| self.damaged())?;
        let state = URL_SAFE_NO_PAD.decode(content.state.as_bytes());
        let state = Zeroizing::new(state.map_err(|_| self.damaged())?);
        let kept = Snapshot::from_bytes(&state).map_err(|_| self.damaged())?;
        Ok(Some(State { kind, elapsed_ms: content.elapsed_ms, kept }))
    }

    /// The new state takes the place of the old in one step.
    pub(super) fn write(&self, state: &State) -> Result<(), Failure> {
        let kind = state.kind.to_possible_value();
        let mut content = Content {
            about: ABOUT.into(),
            version: VERSION,
            kind: kind.map_or_else(String::new, |kind| kind.get_name().to_owned()),
            elapsed_ms: state.elapsed_ms,
            state: URL_SAFE_NO_PAD.encode(state.kept.to_bytes().as_slice()),
            sha256: String::new(),
        };
        content.sha256 = content.checksum();
        let written = || -> io::Result<()> {
            let text = Zeroizing::new(serde_json::to_vec_pretty(&content)?);
            let temporary = self.beside(".new");
            // What a run that was killed left behind may have been given to others since.
            match fs::remove_file(&temporary) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            let mut file = private(OpenOptions::new().create_new(true)).open(&temporary)?;
            file.write_all(&text)?;
            file.write_all(b"\n")?;
            file.sync_all()?;
            fs::rename(&temporary, &self.path)
        };
        written().map_err(|error| self.unavailable(&error))
    }

    /// There is no file, where one is needed.
    pub(super) fn missing(&self) -> Failure {
        let path = self.path.display();
        let message = format!("there is no passkey file {path}; `towline virtual create` makes it");
        Failure::environment("passkeys", message)
    }

    /// It is of another kind of authenticator.
    pub(super) fn of_other_kind(&self, kind: VirtualKind) -> Failure {
        let kind = kind.to_possible_value();
        let kind = kind.as_ref().map_or("", |kind| kind.get_name());
        let path = self.path.display();
        let message = format!("the passkeys in {path} are those of a {kind}; leave --kind out");
        Failure::usage("passkeys", message)
    }

    fn damaged(&self) -> Failure {
        let path = self.path.display();
        let message = format!(
            "{path} is no passkey file, or is damaged, and is left as it is; put back a copy, or \
             name another file"
        );
        Failure::environment("passkeys", message)
    }

    fn unavailable(&self, error: &io::Error) -> Failure {
        Failure::environment("passkeys", format!("{}: {error}", self.path.display()))
    }

    fn beside(&self, suffix: &str) -> PathBuf {
        let mut name = self.path.as_os_str().to_owned();
        name.push(suffix);
        name.into()
    }

    #[cfg(unix)]
    fn check_permissions(&self, metadata: &fs::Metadata) -> Result<(), Failure> {
        use std::os::unix::fs::PermissionsExt as _;
        if metadata.permissions().mode() & 0o077 == 0 {
            return Ok(());
        }
        let path = self.path.display();
        let message =
            format!("{path} can be read by others; make it yours with `chmod 600 {path}`");
        Err(Failure::environment("passkeys", message))
    }

    #[cfg(not(unix))]
    #[allow(clippy::unused_self, clippy::unnecessary_wraps, reason = "as on Unix")]
    fn check_permissions(&self, _metadata: &fs::Metadata) -> Result<(), Failure> {
        Ok(())
    }
}

/// For writing, by its owner only.
fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options.write(true)
}
