//! The command line of `towline computer`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::{AnswerMode, Network, Radio, ScreenLock, Store};

#[derive(Debug, Subcommand)]
pub(crate) enum Computer {
    /// Register a passkey with an account
    ///
    /// Shows a QR code, waits for a phone nearby, and registers the passkey that it makes; or has
    /// this device, or a security key, make it (--with).
    Register(Register),
    /// Sign in with a passkey
    ///
    /// Shows a QR code, waits for a phone nearby, and signs in with a passkey on it; or with one of
    /// this device, or of a security key (--with).
    SignIn(SignIn),
    /// Register with a site of any kind: its options in, the response for it out
    ///
    /// Reads what the site's server gives a page for `navigator.credentials.create()`
    /// (PublicKeyCredentialCreationOptionsJSON, alone or in a member `publicKey`) from standard
    /// input, has a phone make the passkey (or what --with says), and writes what the page would
    /// send back (RegistrationResponseJSON) to standard output, in one line and alone. The code and
    /// all else are on standard error.
    #[command(after_long_help = CREATE)]
    Create(Ceremony),
    /// Sign in to a site of any kind: its options in, the response for it out
    ///
    /// Reads PublicKeyCredentialRequestOptionsJSON, alone or in a member `publicKey`, from standard
    /// input, and writes AuthenticationResponseJSON to standard output, in one line and alone. The
    /// code and all else are on standard error.
    #[command(after_long_help = GET)]
    Get(Ceremony),
}

const CREATE: &str = "\
Examples:
  towline computer create --origin https://example.org < options.json > response.json
  curl -s https://example.org/begin | towline computer create --origin https://example.org \\
      | curl -s --json @- https://example.org/finish

With --json there is one event per line, and the response is in the last, `response`.";

const GET: &str = "\
Examples:
  towline computer get --origin https://example.org < options.json > response.json
  towline computer get --origin https://example.org --links computer.links < options.json
  towline computer get --origin https://example.org --with key < options.json

With --json there is one event per line, and the response is in the last, `response`.";

/// What a page of any site asks for.
#[derive(Debug, Args)]
pub(crate) struct Ceremony {
    /// The page's origin, by the rules of browsers: https, or http on localhost
    #[arg(long, value_name = "URL")]
    pub(crate) origin: String,

    #[command(flatten)]
    pub(crate) reach: Reach,
}

/// What both things that a computer does have in common.
#[derive(Debug, Clone, Args)]
pub(crate) struct Session {
    /// The relying party, as `towline rp` prints it: http://localhost:PORT
    #[arg(long, value_name = "URL", env = "TOWLINE_RP")]
    pub(crate) rp: String,

    #[command(flatten)]
    pub(crate) reach: Reach,
}

/// Where a passkey is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum With {
    /// On a phone nearby: it scans a code, or is linked and rung
    Phone,
    /// On this computer: in a file (--store, or the usual place), behind a screen lock
    ThisDevice,
    /// On a security key that is plugged in, or that --key-at names
    Key,
    /// On this computer, with its private key in the TPM, which it never leaves
    Platform,
}

impl With {
    /// As it is written.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Phone => "phone",
            Self::ThisDevice => "this-device",
            Self::Key => "key",
            Self::Platform => "platform",
        }
    }
}

/// How a computer comes to a passkey.
#[derive(Debug, Clone, Args)]
pub(crate) struct Reach {
    /// Where the passkey is, or is to be. What can't be had on this machine is said before anything
    /// is asked, with what to do
    #[arg(long, value_enum, value_name = "WHERE", default_value_t = With::Phone)]
    pub(crate) with: With,

    /// With a security key: use this one, a device node such as /dev/hidraw3, or the socket of one
    /// that is a program (udp:127.0.0.1:8111, tcp:.. or unix:.., as `towline key` prints it).
    /// Without it the only one that is plugged in is used
    #[arg(long, value_name = "WHICH")]
    pub(crate) key_at: Option<String>,

    /// The PIN is on the first line of this file. It is tried once; without this it is typed at the
    /// terminal, unseen
    #[arg(long, value_name = "FILE")]
    pub(crate) pin_file: Option<PathBuf>,

    /// With this device or the platform: what the person says to the screen lock and to each
    /// question
    #[arg(long, value_enum, default_value_t = AnswerMode::Ask)]
    pub(crate) answer: AnswerMode,

    /// With this device or the platform: what shows that the person is its owner, the store's
    /// passphrase, typed unseen, or a typed yes, which is SIMULATED. Without this it is the
    /// passphrase, where the store is opened by one
    #[arg(long, value_enum, value_name = "LOCK")]
    pub(crate) screen_lock: Option<ScreenLock>,

    /// With the platform: where the TPM is, a device, or tcp:ADDR or unix:PATH of one in software.
    /// Without it /dev/tpmrm0
    #[arg(long, value_name = "PLACE")]
    pub(crate) tpm: Option<towline_tpm::TpmPlace>,

    /// With the platform: from now on the TPM counts the changes of the store, so that an older
    /// copy in its place is noticed
    #[arg(long)]
    pub(crate) tpm_counter: bool,

    /// With the platform: go on with this copy of the store, although the TPM has counted later
    /// changes, or lost count
    #[arg(long)]
    pub(crate) older_store: bool,

    /// With the platform: go on with this TPM, although the store knows another one
    #[arg(long)]
    pub(crate) new_tpm: bool,

    /// Also write the QR code to this PNG file
    #[arg(long, value_name = "FILE")]
    pub(crate) qr_image: Option<PathBuf>,

    /// Give up on a phone after this many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 120, value_parser = clap::value_parser!(u64).range(1..=600))]
    pub(crate) timeout: u64,

    /// Keep links to phones in this file: a phone may let this computer remember it, and is asked
    /// without a code from then on. `store` keeps them in the store, sealed
    #[arg(long, value_name = "FILE")]
    pub(crate) links: Option<PathBuf>,

    /// Of the linked phones, ask the one of this name, or with this number in the list; without it
    /// the only one is asked
    #[arg(long, value_name = "NAME", requires = "links", conflicts_with = "new_phone")]
    pub(crate) phone: Option<String>,

    /// Show a code even though a phone is linked
    #[arg(long, requires = "links")]
    pub(crate) new_phone: bool,

    #[command(flatten)]
    pub(crate) store: Store,

    #[command(flatten)]
    pub(crate) network: Network,

    #[command(flatten)]
    pub(crate) radio: Radio,
}

#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  towline computer register --rp http://localhost:8080 --account alice --name \"Alice's phone\"
  towline computer register --rp http://localhost:8080 --account alice --name laptop --with this-device --passphrase
  towline computer register --rp http://localhost:8080 --account alice --name \"blue key\" --with key")]
pub(crate) struct Register {
    /// The account; it is made if there is none of that name
    #[arg(long, value_name = "NAME")]
    pub(crate) account: String,

    /// What to call the key in the site's list, 1 to 64 characters
    #[arg(long, value_name = "KEYNAME", default_value = "phone")]
    pub(crate) name: String,

    #[command(flatten)]
    pub(crate) session: Session,
}

#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  towline computer sign-in --rp http://localhost:8080                    with any passkey for the site
  towline computer sign-in --rp http://localhost:8080 --account alice    with one of alice's
  towline computer sign-in --rp http://localhost:8080 --with this-device --passphrase
  towline computer sign-in --rp http://localhost:8080 --with key --key-at udp:127.0.0.1:8111")]
pub(crate) struct SignIn {
    /// The account; without one, the passkey says who signs in
    #[arg(long, value_name = "NAME")]
    pub(crate) account: Option<String>,

    #[command(flatten)]
    pub(crate) session: Session,
}
