//! The command line of `towline phone`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use towline_ctap::Aaguid;

use super::{Custody, Network, Radio, Store, aaguid};

/// Who answers the phone's questions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum AnswerMode {
    /// Say yes to everything; the screen lock counts as opened
    Yes,
    /// Say no to everything
    No,
    /// Ask on the terminal
    Ask,
}

/// What opens the phone's screen lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ScreenLock {
    /// The passphrase of the store, typed unseen
    Passphrase,
    /// A typed yes. SIMULATED: sites take it for a person who was verified
    Simulated,
}

#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  towline phone code.png --relay ws://127.0.0.1:4433 --air udp:127.0.0.1:4434
  towline phone FIDO:/0678... --answer yes
  towline phone                                     then paste codes, one per line")]
pub(crate) struct Phone {
    /// The text of a QR code (FIDO:/...), a picture that shows one, or `screen` to look for it on
    /// this machine's screen
    #[arg(value_name = "CODE|IMAGE")]
    pub(crate) code: Option<String>,

    /// The number of the tunnel domain to name to the computer: 0 or 1 (assigned), or 256 to 65535
    /// (derived)
    #[arg(long, value_name = "N")]
    pub(crate) domain: Option<u16>,

    /// What the person says: to connecting, to the screen lock, to each operation
    #[arg(long, value_enum, default_value_t = AnswerMode::Ask)]
    pub(crate) answer: AnswerMode,

    /// What shows that the person is who holds the phone: the store's passphrase, typed unseen, or
    /// a typed yes, which is SIMULATED. Without this it is the passphrase, where the store is
    /// opened by one
    #[arg(long, value_enum, value_name = "LOCK")]
    pub(crate) screen_lock: Option<ScreenLock>,

    /// Which provider of passkeys this phone is (AAGUID): sites show its name and its icon. Without
    /// this it is the one that --attestation-certificates names, or none
    #[arg(long, value_name = "UUID", value_parser = aaguid)]
    pub(crate) aaguid: Option<Aaguid>,

    /// The private key that vouches for this phone where a site asks who made it: on P-256, PEM.
    /// You are asked each time, and the passkey is made even if you refuse
    #[arg(long, value_name = "FILE", requires = "attestation_certificates")]
    pub(crate) attestation_key: Option<PathBuf>,

    /// The certificates of that key, its own first: PEM
    #[arg(long, value_name = "FILE", requires = "attestation_key")]
    pub(crate) attestation_certificates: Option<PathBuf>,

    /// Keep links to computers in this file: offer computers to remember this phone, and wait for
    /// those that do. `store` keeps them beside the passkeys
    #[arg(long, value_name = "FILE")]
    pub(crate) links: Option<PathBuf>,

    /// What computers call this phone
    #[arg(long, value_name = "NAME", default_value = "towline phone", requires = "links")]
    pub(crate) called: String,

    /// Take part in the circle of the store while this runs: `towline sync`
    #[arg(long)]
    pub(crate) sync: bool,

    #[command(flatten)]
    pub(crate) store: Store,

    #[command(flatten)]
    pub(crate) custody: Custody,

    #[command(flatten)]
    pub(crate) network: Network,

    #[command(flatten)]
    pub(crate) radio: Radio,
}
