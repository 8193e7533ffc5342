//! The command line of `towline keys export` and `import`.

use std::path::PathBuf;

use age::x25519;
use clap::Args;
use towline_ctap::RpId;

use super::{AnswerMode, ScreenLock};

/// What both directions have in common.
#[derive(Debug, Clone, Args)]
pub(crate) struct Moving {
    /// Only passkeys for this site, by its RP ID such as example.org; may be repeated
    #[arg(long, value_name = "RP_ID", value_parser = rp_id)]
    pub(crate) only: Vec<RpId>,

    /// Say what would be done, and do nothing
    #[arg(long)]
    pub(crate) dry_run: bool,

    #[command(flatten)]
    pub(crate) owner: Owner,
}

/// What whoever changes or moves passkeys says, and how they show that these are theirs.
#[derive(Debug, Clone, Args)]
pub(crate) struct Owner {
    /// What the person says to the question before anything is done
    #[arg(long, value_enum, default_value_t = AnswerMode::Ask)]
    pub(crate) answer: AnswerMode,

    /// What shows that the person is the owner of the store: its passphrase, typed unseen, or a
    /// typed yes, which is SIMULATED. Without this it is the passphrase, where the store is opened
    /// by one
    #[arg(long, value_enum, value_name = "LOCK")]
    pub(crate) screen_lock: Option<ScreenLock>,
}

fn rp_id(text: &str) -> Result<RpId, String> {
    RpId::new(text).map_err(|error| error.to_string())
}

#[derive(Debug, Clone, Args)]
#[command(after_long_help = "\
Examples:
  towline keys export passkeys.cxf.age                            asks for a passphrase, twice
  towline keys export passkeys.cxf.age --recipient age1...        for whoever has the identity
  towline keys export passkeys.cxf.age --only example.org --dry-run
  towline keys export passkeys.cxf --plain                        NOT SEALED: for managers that read nothing else

docs/moving.md says what is lost elsewhere, and why.")]
pub(crate) struct Export {
    /// The file, which must not be there yet
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,

    #[command(flatten)]
    pub(crate) sealed: Sealed,

    #[command(flatten)]
    pub(crate) moving: Moving,
}

/// For whom an export is sealed; without any of these for a passphrase, which is asked for.
#[derive(Debug, Clone, Args)]
#[group(multiple = false)]
pub(crate) struct Sealed {
    /// Seal it for the passphrase on the first line of this file
    #[arg(long, value_name = "FILE")]
    pub(crate) passphrase_file: Option<PathBuf>,

    /// Seal it for this recipient of age (age1...); may be repeated
    #[arg(long, value_name = "RECIPIENT", value_parser = recipient)]
    pub(crate) recipient: Vec<x25519::Recipient>,

    /// Do NOT seal it: whoever reads the file can sign in with every passkey in it
    #[arg(long)]
    pub(crate) plain: bool,
}

fn recipient(text: &str) -> Result<x25519::Recipient, String> {
    let no = |why: &str| {
        format!("it is no recipient of age ({why}): age1..., as `age-keygen` prints it")
    };
    text.parse().map_err(no)
}

#[derive(Debug, Clone, Args)]
#[command(after_long_help = "\
Examples:
  towline keys import passkeys.cxf.age --dry-run                  says what would be imported
  towline keys import passkeys.cxf.age --identity key.txt
  towline keys import bitwarden_export.json                       Bitwarden's own JSON, not encrypted
  towline keys import passwords.kdbx                              KeePassXC's database (feature `keepassxc`)

What the file is, is seen from what is in it. docs/moving.md says how others write such files.")]
pub(crate) struct Import {
    /// The file: an export of passkeys (Credential Exchange Format), sealed by age or not;
    /// Bitwarden's own JSON; or a database of KeePassXC
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,

    /// It is opened by the passphrase on the first line of this file; without this one is asked
    /// for, where it is needed
    #[arg(long, value_name = "FILE")]
    pub(crate) passphrase_file: Option<PathBuf>,

    /// It is opened by an identity in this file, as `age-keygen` makes it; may be repeated
    #[arg(long, value_name = "FILE")]
    pub(crate) identity: Vec<PathBuf>,

    /// Bring back passkeys, too, that were deleted since on this device or another one of its
    /// circle (`towline sync`)
    #[arg(long)]
    pub(crate) also_deleted: bool,

    /// Read a file of up to so many MiB; opening it takes several times as much memory
    #[arg(long, value_name = "MIB", default_value_t = 16,
          value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) up_to: u16,

    #[command(flatten)]
    pub(crate) moving: Moving,
}
