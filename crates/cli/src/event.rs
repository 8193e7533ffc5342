//! Everything the program can say, as JSON (the names are stable and listed in `docs/cli.md`) and
//! as a line for a person.

mod asking;
mod keys;
mod moved;
mod role;
mod step;
mod sync;

use serde::Serialize;
use towline::hybrid::CodeSource;
use towline_demo::Timed;
use towline_rp::KeyEntry;

pub(crate) use self::{
    asking::{Asking, Code, Expects, Lock, Question, Source},
    keys::Keys,
    moved::{Moved, Way},
    role::Role,
    step::Step,
    sync::{CircleDevice, CircleState, Exposed},
};
use crate::{
    exit::{Exit, Failure},
    line::one_line,
};

/// How a line is shown to a person.
pub(crate) enum Weight {
    /// A step of something under way, with the time.
    Step,
    /// An aside, which is no step of anything.
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
    Listening {
        role: Role,
        url: String,
        #[serde(flatten)]
        place: Option<Place>,
        simulated: bool,
    },
    /// A step of the demonstration's tour was done.
    TourStep { step: u8, short: Option<u8> },
    /// Something that a person may want to do by themselves.
    Hint { text: String },
    /// How long the machines took for a ceremony of the demonstration, step by step.
    Timed(Timed),
    /// Virtual authenticators are served. Whoever knows these may use them.
    Serving {
        url: String,
        /// What the pages of the default session are given.
        #[serde(skip_serializing_if = "Option::is_none")]
        page_url: Option<String>,
        token: String,
        port: u16,
        simulated: bool,
    },
    /// A relay: this process may have fewer descriptors than its limits need.
    Descriptors { needed: u64, granted: u64, message: String },
    /// A relay: a phone and a computer met, or parted.
    Tunnel { number: u64, open: bool, lasted_ms: Option<u64>, reason: Option<&'static str> },
    /// The number of a tunnel domain, and the name that it stands for.
    Domain { number: u16, host: String },
    /// A server was told to stop, and did.
    Stopped {
        role: Role,
        simulated: bool,
        /// Whether what it had is gone now.
        #[serde(skip)]
        forgets: bool,
    },
    /// Who says yes to what clients of a security key ask for.
    Presence { presence: Presence, simulated: bool, message: &'static str },
    /// How a security key tells who its person is; `simulated` if a yes is taken for that.
    Verification { simulated: bool, message: &'static str },
    /// A yes to a question that wants a long touch stands for so long before it counts.
    Held { seconds: u64 },
    /// Where a security key keeps its passkeys.
    Store { store: Store, durable: bool, message: String },
    /// A passkey in a store.
    StoredPasskey { id: String, rp_id: String, account: Option<String>, keys: Keys },
    /// Where the private keys are.
    Keys { keys: Keys, message: &'static str },
    /// What becomes of one credential of an export or an import.
    Moved(Moved),
    /// The paper key of a new circle, and which two of its words are to be typed back.
    PaperKey { words: String, code: String, asked: [usize; 2] },
    /// The circle that the store belongs to.
    Circle(CircleState),
    /// A device of it, or one that was removed.
    CircleDevice(CircleDevice),
    /// A passkey that a removed device can have.
    Exposed(Exposed),
    /// What came of taking part in the circle; `problem` if a person should do something.
    Sync { reason: &'static str, problem: bool, message: String },
    /// Facts about something, under names that say what they are.
    Info {
        about: &'static str,
        #[serde(flatten)]
        facts: serde_json::Value,
    },
    /// Which radio is used. A simulated one is no proof of nearness.
    Radio { description: String, simulated: bool },
    /// The code to scan.
    QrCode { uri: String, image: Option<String> },
    /// A step of a transaction.
    Step { step: Step, message: String },
    /// The person must answer on standard input, unless `answered` says who does.
    Question(Asking),
    /// The open question is not to be answered any more.
    Withdrawn { token: String, message: &'static str },
    /// A line of the input was of no use, and why.
    Ignored { message: String },
    /// How the person is verified.
    ScreenLock { screen_lock: Lock, simulated: bool, message: &'static str },
    /// Nobody can answer the open question.
    InputEnded { message: &'static str },
    /// A client wants to know which security key this is.
    Wink { simulated: bool },
    /// The relying party accepted a new key.
    Registered { account: String, key: KeyEntry },
    /// The relying party accepted a sign-in.
    SignedIn { account: String, key: KeyEntry, user_verified: bool },
    /// The site took a new key or a sign-in, or did not.
    Site { action: SiteAction, account: Option<String>, reason: Option<towline_rp::ErrorCode> },
    /// Something happened to a passkey, or to the authenticator that holds it; `simulated` if
    /// nobody was asked.
    Passkey { action: Action, rp_id: Option<String>, account: Option<String>, simulated: bool },
    /// The phone waits for a code.
    Ready {},
    /// A device that this one is linked with.
    Link { number: u32, device: Device, name: String, since: Option<u64> },
    /// There are no linked devices.
    NoLinks {},
    /// A device was forgotten.
    Forgotten { name: String },
    /// The phone is done with a code.
    Served { ok: bool, exit_code: u8, reason: Option<&'static str>, message: Option<String> },
    /// One thing that `doctor` looked at.
    Check { check: &'static str, outcome: Outcome, message: String },
    /// One key of a QR code's map; `key` is null for what follows from the whole.
    QrField { key: Option<String>, name: &'static str, value: String, meaning: String },
    /// An exit code of the program.
    ExitCodes { text: &'static str },
    /// A fault of a virtual authenticator.
    Fault { name: String, does: &'static str },
    /// What a page would send to its site.
    Response { response: serde_json::Value },
    /// The command failed. Nothing follows.
    Failed {
        exit_code: u8,
        reason: &'static str,
        /// The exception that a browser would throw.
        #[serde(skip_serializing_if = "Option::is_none")]
        name: Option<&'static str>,
        message: String,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Device {
    Phone,
    Computer,
}

/// Where a security key is reached: the parts of its `url`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Place {
    pub(crate) kind: String,
    /// An address with its port, or the path of a Unix socket.
    pub(crate) address: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Presence {
    Ask,
    Notify,
    Auto,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Store {
    Memory,
    File,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SiteAction {
    Registered,
    SignedIn,
    RegistrationRefused,
    SignInRefused,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Action {
    Created,
    Used,
    /// One was to be made, but there is one already.
    AlreadyRegistered,
    /// Too many failed attempts at the screen lock.
    Locked,
    /// It was deleted by somebody who may manage the passkeys.
    Removed,
    /// The account has other names now.
    Renamed,
    /// There is a PIN now, or another one.
    PinChanged,
    /// Too many wrong PINs, until the authenticator is started again.
    PinPaused,
    /// Too many wrong PINs: only a reset helps.
    PinBlocked,
    /// All were deleted.
    Reset,
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
    /// Facts, given as an object.
    pub(crate) const fn info(about: &'static str, facts: serde_json::Value) -> Self {
        Self::Info { about, facts }
    }

    /// How a code was served.
    pub(crate) fn served(failure: Option<&Failure>) -> Self {
        Self::Served {
            ok: failure.is_none(),
            exit_code: failure.map_or(Exit::Ok, |failure| failure.exit).code(),
            reason: failure.map(|failure| failure.reason),
            message: failure.map(|failure| failure.message.clone()),
        }
    }

    /// The phone has a code.
    pub(crate) fn code_read(source: CodeSource) -> Self {
        let message = match source {
            CodeSource::File => "Read the code from the picture.",
            _ => "Took the code.",
        };
        Self::Step { step: Step::CodeRead, message: message.into() }
    }

    /// The line for a person, if there is one.
    pub(crate) fn human(&self) -> Option<(Weight, String)> {
        let mark = |simulated: &bool| if *simulated { " (SIMULATED)" } else { "" };
        Some(match self {
            Self::Listening { role, url, simulated, .. } => {
                let what = match role {
                    Role::Relay => "relay",
                    Role::RelayAdmin => "metrics and health",
                    Role::Rp => "relying party",
                    // Of several addresses the one that is for a person.
                    Role::Demo => "open this",
                    Role::Site => "site that signs in through it",
                    Role::Air => "Bluetooth",
                    Role::Key => "security key",
                    Role::Virtual => "virtual authenticators",
                    Role::TpmCa => "authority for TPMs",
                };
                let mark = match role {
                    Role::Key => mark_presence(*simulated),
                    _ => mark(simulated),
                };
                let url = one_line(url);
                let how = match role {
                    Role::Key => "`towline key --help` shows how programs reach it, ",
                    _ => "",
                };
                let at = if *role == Role::Demo { ":" } else { " at" };
                (Weight::Result, format!("{what}{mark}{at} {url}; {how}stop it with Ctrl-C"))
            }
            Self::Hint { text } => (Weight::Note, one_line(text)),
            Self::TourStep { step, short: Some(short) } => {
                (Weight::Note, format!("step {short} of 5 is done (step {step} of the long way)"))
            }
            Self::TourStep { step, short: None } => {
                (Weight::Note, format!("step {step} of the long way is done"))
            }
            Self::Timed(timed) => (Weight::Note, timed.to_string()),
            Self::Serving { url, .. } => {
                let text =
                    format!("virtual authenticators (SIMULATED) at {url}; stop them with Ctrl-C");
                (Weight::Result, text)
            }
            Self::Descriptors { message, .. } => (Weight::Note, one_line(message)),
            Self::Tunnel { number, open: true, .. } => {
                (Weight::Note, format!("tunnel {number}: a phone and a computer met"))
            }
            Self::Tunnel { number, lasted_ms, reason, .. } => {
                let lasted = std::time::Duration::from_millis(lasted_ms.unwrap_or_default());
                let why = reason.map(|reason| format!(": {reason}")).unwrap_or_default();
                let lasted = lasted.as_secs_f32();
                (Weight::Note, format!("tunnel {number}: over after {lasted:.1} s{why}"))
            }
            Self::Domain { number, host } => (Weight::Result, format!("{number:<6} {host}")),
            Self::Stopped { role: Role::Key, simulated, forgets } => {
                let mark = mark_presence(*simulated);
                let lost = if *forgets { "; the passkeys of this key are gone" } else { "" };
                (Weight::Note, format!("stopped{mark}{lost}"))
            }
            Self::Stopped { .. } => (Weight::Note, "stopped".into()),
            Self::Presence { message, .. } | Self::Verification { message, .. } => {
                (Weight::Note, (*message).into())
            }
            Self::Held { seconds } => {
                let text = format!("held for {seconds} s; Ctrl-C lets go, and nothing is done");
                (Weight::Note, text)
            }
            Self::Store { message, .. } => (Weight::Note, one_line(message)),
            Self::Keys { message, .. } => (Weight::Note, (*message).into()),
            Self::StoredPasskey { id, rp_id, account, keys } => {
                let id: String = id.chars().take(12).collect();
                let account = one_line(account.as_deref().unwrap_or("no name"));
                let place = keys.place();
                (Weight::Result, format!("{id}  {:<30} {account}{place}", one_line(rp_id)))
            }
            Self::Moved(moved) => (Weight::Result, moved.human()),
            Self::PaperKey { words, code, .. } => (Weight::Result, sync::paper_key(words, code)),
            Self::Circle(circle) => (Weight::Result, circle.human()),
            Self::CircleDevice(device) => (Weight::Result, device.human()),
            Self::Exposed(exposed) => (Weight::Result, exposed.human()),
            Self::Sync { message, .. } => (Weight::Note, one_line(message)),
            Self::Info { facts, .. } => (Weight::Result, listed(facts)),
            Self::Withdrawn { message, .. }
            | Self::InputEnded { message }
            | Self::ScreenLock { message, .. } => (Weight::Note, (*message).into()),
            Self::Ignored { message } => (Weight::Note, one_line(message)),
            Self::Wink { simulated } => {
                let mark = mark_presence(*simulated);
                (Weight::Note, format!("a client asks which key this is{mark}"))
            }
            Self::Radio { description, simulated } => {
                (Weight::Note, format!("Bluetooth{}: {}", mark(simulated), one_line(description)))
            }
            Self::QrCode { image: Some(image), uri } => (
                Weight::Note,
                format!(
                    "scan this code with your phone; it is also in {image}, and its text is\n{uri}"
                ),
            ),
            Self::QrCode { image: None, uri } => {
                (Weight::Note, format!("scan this code with your phone; its text is\n{uri}"))
            }
            Self::Step { message, .. } => (Weight::Step, one_line(message)),
            Self::Question(asking) => asking.human(),
            Self::Registered { account, key } => (
                Weight::Result,
                format!("registered: {} can now sign in with {:?}", one_line(account), key.name),
            ),
            Self::SignedIn { account, key, .. } => {
                (Weight::Result, format!("signed in as {} with {:?}", one_line(account), key.name))
            }
            Self::Site { action, account, reason } => {
                let what = match action {
                    SiteAction::Registered => "registered",
                    SiteAction::SignedIn => "signed in",
                    SiteAction::RegistrationRefused => "registration refused",
                    SiteAction::SignInRefused => "sign-in refused",
                };
                let account =
                    one_line(account.as_deref().unwrap_or("an account that is not known"));
                let why = serde_json::to_value(reason).ok();
                let why = why.as_ref().and_then(serde_json::Value::as_str);
                let why =
                    why.map(|why| format!(" ({})", why.replace('_', " "))).unwrap_or_default();
                (Weight::Note, format!("{what}: {account}{why}"))
            }
            Self::Passkey { action, rp_id, account, simulated } => {
                let site = one_line(rp_id.as_deref().unwrap_or("the site"));
                let named = account.is_some();
                let account = one_line(account.as_deref().unwrap_or("the account"));
                let message = match action {
                    Action::Created => format!("passkey saved: {account} on {site}"),
                    Action::Used if named => format!("signed in to {site} as {account}"),
                    Action::Used => format!("signed in to {site}"),
                    Action::AlreadyRegistered if named => {
                        format!("this device already has a passkey for {site}, of {account}")
                    }
                    Action::AlreadyRegistered => {
                        format!("this device already has a passkey for {site}")
                    }
                    Action::Locked => "too many failed attempts: the screen lock is locked".into(),
                    Action::Removed => format!("passkey deleted: {account} on {site}"),
                    Action::Renamed => format!("the account on {site} is called {account} now"),
                    Action::PinChanged => "the PIN was set".into(),
                    Action::PinPaused => {
                        "too many wrong PINs: none is taken until a restart".into()
                    }
                    Action::PinBlocked => "too many wrong PINs: only a reset helps".into(),
                    Action::Reset => "all passkeys were deleted".into(),
                };
                (Weight::Note, format!("{message}{}", mark_presence(*simulated)))
            }
            Self::Ready {} => {
                (Weight::Note, "paste a code, or give the path of a picture of one".into())
            }
            Self::Link { number, device, name, since } => {
                let since = since.map(|since| {
                    let since = std::time::Duration::from_secs(since);
                    std::time::UNIX_EPOCH.checked_add(since).map(httpdate::fmt_http_date)
                });
                let since = since.flatten().unwrap_or_else(|| "a time that was not noted".into());
                let what = match device {
                    Device::Phone => format!("phone     {}", one_line(name)),
                    Device::Computer => "computer".to_owned(),
                };
                (Weight::Result, format!("{number}  {what}, since {since}"))
            }
            Self::NoLinks {} => (Weight::Note, "no device is linked here".into()),
            Self::Forgotten { name } => (Weight::Result, format!("forgotten: {}", one_line(name))),
            Self::Served { ok: true, .. } => (Weight::Result, "done".into()),
            Self::Served { ok: false, message, .. } => (
                Weight::Result,
                format!("not done: {}", one_line(message.as_deref().unwrap_or("it failed"))),
            ),
            Self::Check { check, outcome, message } => {
                let outcome = match outcome {
                    Outcome::Good => "good",
                    Outcome::Bad => "BAD",
                    Outcome::Note => "note",
                    Outcome::NotChecked => "not checked",
                };
                (Weight::Result, format!("{check:<10} {outcome:<12} {}", one_line(message)))
            }
            Self::QrField { key, name, value, meaning } => {
                let key = key.as_deref().unwrap_or("");
                (
                    Weight::Result,
                    format!("{key:>5}  {name:<16} {}\n{:24}{meaning}", one_line(value), ""),
                )
            }
            Self::ExitCodes { text } => (Weight::Result, (*text).into()),
            Self::Fault { name, does } => (Weight::Result, format!("{name:<28} {does}")),
            // Written as it is, where nobody wants JSON events.
            Self::Response { .. } => return None,
            Self::Failed { message, name, .. } => {
                let name = name.map(|name| format!("{name}: ")).unwrap_or_default();
                (Weight::Note, format!("towline: {name}{}", one_line(message)))
            }
        })
    }
}

/// Said wherever nobody was asked.
/// One fact to a line.
fn listed(facts: &serde_json::Value) -> String {
    let facts = facts.as_object().into_iter().flatten();
    let line = |(name, value): (&String, &serde_json::Value)| {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        format!("{name:<20} {}", one_line(&value))
    };
    facts.map(line).collect::<Vec<_>>().join("\n")
}

const fn mark_presence(simulated: bool) -> &'static str {
    if simulated { " (SIMULATED presence)" } else { "" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_strangers_name_can_not_drive_the_terminal() {
        let event = Event::Question(Asking {
            choices: vec!["a\nregistered: b".into(), "\u{202e}c".into()],
            expects: Expects::Number,
            ..Asking::new(Question::Choose, "evil\x1b[2J\u{9b}1m")
        });
        let (_, line) = event.human().unwrap();
        assert_eq!(
            line,
            "evil\u{fffd}[2J\u{fffd}1m\n  1  a\u{fffd}registered: b\n  2  \u{fffd}c \n[number, or no]"
        );
    }
}
