//! The command line of `towline keys`, and where passkeys are kept.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{Export, Import};

/// Where passkeys are kept, and links for the word `store`.
#[derive(Debug, Clone, Args)]
pub(crate) struct Store {
    /// Keep passkeys, and links with `--links store`, in this file, sealed. It is made if it is not
    /// there. `default` is the usual place for it, ~/.local/share/towline/passkeys on Linux;
    /// `memory` forgets them when the program ends
    #[arg(long, global = true, value_name = "FILE", env = "TOWLINE_STORE")]
    pub(crate) store: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) opened: Opened,
}

/// What opens a store or a backup; without any of these it is the key file FILE.key beside it.
#[derive(Debug, Clone, Args)]
#[group(multiple = false)]
pub(crate) struct Opened {
    /// Open it by a passphrase, which is asked for
    #[arg(long)]
    pub(crate) passphrase: bool,

    /// Open it by the passphrase on the first line of this file (for a store,
    /// TOWLINE_PASSPHRASE_FILE says the same)
    #[arg(long, value_name = "FILE")]
    pub(crate) passphrase_file: Option<PathBuf>,

    /// Open it by this key file; without any of these it is FILE.key beside the store
    #[arg(long, value_name = "FILE")]
    pub(crate) key_file: Option<PathBuf>,

    /// Open it by a key in this system's keyring
    #[arg(long)]
    pub(crate) keyring: bool,

    /// Open it by a key that this machine's TPM has sealed, and that nothing else opens; PLACE is
    /// as for --tpm
    #[arg(
        long,
        value_name = "PLACE",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = towline_tpm::DEVICE
    )]
    pub(crate) tpm_key: Option<towline_tpm::TpmPlace>,
}

impl Store {
    /// What opens it, as arguments and environment say.
    pub(crate) fn opened(&self) -> Opened {
        let mut opened = self.opened.clone();
        let other = opened.key_file.is_some() || opened.keyring || opened.tpm_key.is_some();
        if !opened.passphrase && !other {
            let by_environment = || std::env::var_os("TOWLINE_PASSPHRASE_FILE").map(PathBuf::from);
            opened.passphrase_file = opened.passphrase_file.or_else(by_environment);
        }
        opened
    }
}

#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  towline keys --store my.passkeys list
  towline keys --store my.passkeys remove 4be19c      the passkey whose id begins so
  towline keys list                                   in the usual place
  towline keys rename 4be19c --account alice@example.org
  towline keys set-pin                                asks for it
  towline keys backup passkeys.backup --passphrase
  towline keys --store new.passkeys restore passkeys.backup --passphrase
  towline keys export passkeys.cxf.age                asks for a passphrase; for another manager
  towline keys import passkeys.cxf.age --dry-run
  towline keys change-key --reseal --keyring          from now on it is opened by the system's keyring
  towline keys --store my.passkeys check              and check --repair, if it is damaged
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
    /// Credentials that are found by their ids alone, such as those of second factors, are not
    /// listed.
    List,
    /// Show all about a passkey that is not secret
    Show {
        /// The beginning of its id, as the list says; it has to be that of one passkey only
        #[arg(value_name = "ID")]
        id: String,
    },
    /// Give the account of a passkey another name, for yourself; the site is not told
    #[command(group(clap::ArgGroup::new("name").required(true).multiple(true).args(["account", "display_name"])))]
    Rename {
        /// The beginning of its id, as the list says; it has to be that of one passkey only
        #[arg(value_name = "ID")]
        id: String,
        /// The account's name
        #[arg(long, value_name = "NAME")]
        account: Option<String>,
        /// What the account's owner is called
        #[arg(long, value_name = "NAME")]
        display_name: Option<String>,
    },
    /// Remove a passkey; what it signed in to has to be told separately
    Remove {
        /// The beginning of its id, as the list says; it has to be that of one passkey only
        #[arg(value_name = "ID")]
        id: String,
    },
    /// Set the PIN, or another one; without files both are asked for
    SetPin {
        /// The present PIN is on the first line of this file
        #[arg(long, value_name = "FILE")]
        pin_file: Option<PathBuf>,
        /// The new PIN is on the first line of this file
        #[arg(long, value_name = "FILE")]
        new_pin_file: Option<PathBuf>,
    },
    /// Print what the key tells clients about itself (authenticatorGetInfo)
    ExportInfo,
    /// Look at everything in the store, and name what is damaged; nothing is changed
    Check {
        /// Make a store of all that can still be read; the damaged file is kept beside it, as
        /// FILE.damaged-0
        #[arg(long)]
        repair: bool,
    },
    /// Write everything to a new sealed file; without more it is opened by the new key file TO.key
    Backup {
        /// The file, which must not be there yet
        #[arg(value_name = "TO")]
        to: PathBuf,
        #[command(flatten)]
        opened: Opened,
    },
    /// Bring back what is in a backup; the store is made if it is not there
    ///
    /// The backup is read to its end before anything is changed. What is in the store already
    /// stays, unless --replace says otherwise; signature counters don't go back, and PIN attempts
    /// and the links of a phone don't come back, even then. A store that is damaged is repaired
    /// first, as `check --repair` does it.
    Restore {
        /// The backup's file
        #[arg(value_name = "FROM")]
        from: PathBuf,
        #[command(flatten)]
        opened: Opened,
        /// Where the two differ, take what the backup says
        #[arg(long)]
        replace: bool,
        /// Also one whose passphrase takes more memory and time than this program's own backups do,
        /// up to 1 GiB and minutes
        #[arg(long)]
        costly: bool,
    },
    /// Take passkeys to another manager, or another machine: written to a new file, sealed by age
    ///
    /// The Credential Exchange Format of the FIDO Alliance, which other managers read. What stays,
    /// and what others may not keep, is listed first. Stays: what was made for this device alone,
    /// what counts its signatures, and whose key is in a TPM; and what is in no store, such as the
    /// second factors that sites keep for a security key.
    Export(Export),
    /// Bring passkeys from another manager, or another machine
    ///
    /// What would become of each is listed first; then all that can be imported goes in at once, or
    /// nothing does. Nothing that is in the store is replaced. The store is made if it is not
    /// there. The file stays, and still has the private keys in it.
    Import(Import),
    /// Let something else open the store from now on; without more the key file FILE.key
    ///
    /// Whoever has a copy of the file from before, and what opened it then, can open that copy,
    /// and, without --reseal, also what is put into the store from now on.
    ChangeKey {
        /// Seal everything anew, so that an old copy of the file opens nothing that is made from
        /// now on
        #[arg(long)]
        reseal: bool,
        #[command(flatten)]
        opened: Opened,
    },
    /// Delete all passkeys, the PIN, all settings and links
    Reset {
        /// Do it: nothing brings them back
        #[arg(long, required = true)]
        yes: bool,
    },
}
