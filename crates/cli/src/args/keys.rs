//! The command line of `towline keys`, and where passkeys are kept.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// Where passkeys are kept.
#[derive(Debug, Clone, Args)]
pub(crate) struct Store {
    /// Keep passkeys in this file, sealed. It is made if it is not there
    #[arg(long, value_name = "FILE", env = "TOWLINE_STORE")]
    pub(crate) store: Option<PathBuf>,

    /// Open the store by the passphrase on the first line of this file; without it, by the key file FILE.key beside the store
    #[arg(long, value_name = "FILE", env = "TOWLINE_PASSPHRASE_FILE")]
    pub(crate) passphrase_file: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  towline keys --store my.passkeys list
  towline keys --store my.passkeys remove 4be19c      the passkey whose id begins so
  towline keys --store my.passkeys check
  towline keys --store my.passkeys reset --yes        everything, and for ever")]
pub(crate) struct Keys {
    #[command(flatten)]
    pub(crate) store: Store,

    #[command(subcommand)]
    pub(crate) command: KeysCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum KeysCommand {
    /// List the passkeys by site
    ///
    /// Credentials that are found by their ids alone, such as those of second factors, are not listed.
    List,
    /// Remove a passkey; what it signed in to has to be told separately
    Remove {
        /// The beginning of its id, as the list says; it has to be that of one passkey only
        #[arg(value_name = "ID")]
        id: String,
    },
    /// Look at every record, and keep damaged ones aside
    Check,
    /// Delete all passkeys, the PIN and all settings
    Reset {
        /// Do it: nothing brings them back
        #[arg(long, required = true)]
        yes: bool,
    },
}
