//! Everything the program can say, as JSON (the names are stable and listed in `docs/cli.md`) and as a line for a person.

use serde::Serialize;
use towline_rp::KeyEntry;

/// How a line is shown to a person.
pub(crate) enum Weight {
    /// A step of something under way, with the time.
    Step,
    /// An aside.
    Note,
    /// Something to answer on the same line.
    Question,
    /// What the person asked for.
    Result,
}

#[derive(Debug, Clone, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(crate) enum Event {
    /// A server takes requests.
    Listening { role: Role, url: String, simulated: bool },
    /// A server was told to stop, and did.
    Stopped { role: Role },
    /// Which radio is used. A simulated one is no proof of nearness.
    Radio { description: String, simulated: bool },
    /// The code to scan.
    QrCode { uri: String, image: Option<String> },
    /// A step of a transaction.
    Step { step: Step, message: String },
    /// The person must answer: with `yes` or `no` as a line on standard input, unless `answered` says who does.
    Question { question: Question, message: String, rp_id: Option<String>, answered: Option<bool> },
    /// The relying party accepted a new key.
    Registered { account: String, key: KeyEntry },
    /// The relying party accepted a sign-in.
    SignedIn { account: String, key: KeyEntry, user_verified: bool },
    /// The phone answered a request; `status` is the CTAP status.
    Answered { operation: Operation, rp_id: Option<String>, ok: bool, status: String },
    /// The phone is done with a code.
    Served { ok: bool, exit_code: u8, reason: Option<&'static str>, message: Option<String> },
    /// One thing that `doctor` looked at.
    Check { check: &'static str, outcome: Outcome, message: String },
    /// One key of a QR code's map; `key` is null for what follows from the whole.
    QrField { key: Option<String>, name: &'static str, value: String, meaning: String },
    /// An exit code of the program.
    ExitCodes { text: &'static str },
    /// The command failed. Nothing follows.
    Failed { exit_code: u8, reason: &'static str, message: String },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Role {
    Relay,
    Rp,
    Air,
    Phone,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Step {
    /// Computer: the code is on show.
    WaitingForScan,
    /// Phone: a code was read.
    CodeRead,
    /// Phone: the tunnel is open and the advert is on the air.
    Advertising,
    /// Computer: the phone's advert was heard.
    Near,
    /// The tunnel is being opened.
    Connecting,
    /// Both ends prove that they saw the code and heard the advert.
    Handshake,
    /// The connection is secure.
    Connected,
    /// The phone has the request and asks its person.
    ScreenLock,
    /// The phone answered.
    Done,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Question {
    /// Connect to the computer that shows this code?
    Connect,
    /// Make a passkey?
    Register,
    /// Sign in?
    SignIn,
    /// Which account?
    Choose,
    /// Anything else that the authenticator asks.
    Other,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Operation {
    Register,
    SignIn,
    Other,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Outcome {
    Good,
    Bad,
    /// Known, and neither good nor bad for what was asked.
    Note,
    NotChecked,
}

impl Event {
    /// The line for a person, if there is one.
    pub(crate) fn human(&self) -> Option<(Weight, String)> {
        let mark = |simulated: &bool| if *simulated { " (SIMULATED)" } else { "" };
        Some(match self {
            Self::Listening { role, url, simulated } => {
                let what = match role {
                    Role::Relay => "relay",
                    Role::Rp => "relying party",
                    Role::Air => "Bluetooth",
                    Role::Phone => "phone",
                };
                (Weight::Result, format!("{what}{} at {url}; stop it with Ctrl-C", mark(simulated)))
            }
            Self::Stopped { .. } => (Weight::Note, "stopped".into()),
            Self::Radio { description, simulated } => {
                (Weight::Note, format!("Bluetooth{}: {description}", mark(simulated)))
            }
            Self::QrCode { image: Some(image), .. } => {
                (Weight::Note, format!("scan this code with your phone; it is also in {image}"))
            }
            Self::QrCode { image: None, .. } => {
                (Weight::Note, "scan this code with your phone".into())
            }
            Self::Step { message, .. } => (Weight::Step, message.clone()),
            Self::Question { message, answered: None, .. } => {
                (Weight::Question, format!("{message} [yes/no]"))
            }
            Self::Question { message, answered: Some(yes), .. } => {
                (Weight::Note, format!("{message} {}", if *yes { "yes" } else { "no" }))
            }
            Self::Registered { account, key } => (
                Weight::Result,
                format!("registered: {account} can now sign in with {:?}", key.name),
            ),
            Self::SignedIn { account, key, .. } => {
                (Weight::Result, format!("signed in as {account} with {:?}", key.name))
            }
            Self::Answered { ok: true, .. } => (Weight::Step, "answered".into()),
            Self::Answered { ok: false, status, .. } => {
                (Weight::Step, format!("answered no: {status}"))
            }
            Self::Served { ok: true, .. } => (Weight::Result, "done".into()),
            Self::Served { ok: false, message, .. } => {
                (Weight::Result, format!("not done: {}", message.as_deref().unwrap_or("it failed")))
            }
            Self::Check { check, outcome, message } => {
                let outcome = match outcome {
                    Outcome::Good => "good",
                    Outcome::Bad => "BAD",
                    Outcome::Note => "note",
                    Outcome::NotChecked => "not checked",
                };
                (Weight::Result, format!("{check:<10} {outcome:<12} {message}"))
            }
            Self::QrField { key, name, value, meaning } => {
                let key = key.as_deref().unwrap_or("");
                (Weight::Result, format!("{key:>5}  {name:<16} {value}\n{:24}{meaning}", ""))
            }
            Self::ExitCodes { text } => (Weight::Result, (*text).into()),
            Self::Failed { message, .. } => (Weight::Note, format!("towline: {message}")),
        })
    }
}
