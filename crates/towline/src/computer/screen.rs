//! What the person at the computer sees.

use std::{
    fmt,
    future::{pending, ready},
};

use towline_client::{Account, BoxFuture, PinAnswer, PinQuestion};
use towline_hybrid::{Error as HybridError, InitiatorProgress, tunnel::ConnectFailure};
use towline_hybrid_tokio::TransportError;

/// What the person at the computer sees, and what they can do about it. A closure over
/// [`ComputerStep`] is a screen.
pub trait Screen: Sync {
    /// The next step.
    fn show(&self, step: ComputerStep<'_>);

    /// The phone left it to the computer to choose one of at least two accounts; `None` calls it
    /// off. The newest, by default.
    fn choose<'a>(&'a self, accounts: &'a [Account]) -> BoxFuture<'a, Option<usize>> {
        let _ = accounts;
        Box::pin(ready(Some(0)))
    }

    /// These phones let the computer remember them; their names are the phones' words only. Which
    /// one is to be rung? `None` shows a code. The only one, by default, and a code where there are
    /// several.
    fn choose_phone<'a>(&'a self, names: &'a [String]) -> BoxFuture<'a, Option<usize>> {
        let only = (names.len() == 1).then_some(0);
        Box::pin(ready(only))
    }

    /// The authenticator verifies its person by a PIN, which is typed here: what is typed is not
    /// shown, and a new one is asked for twice. The question prints as a sentence.
    /// [`PinAnswer::Unavailable`], by default: there is no way to ask.
    fn pin<'a>(&'a self, question: &'a PinQuestion) -> BoxFuture<'a, PinAnswer> {
        let _ = question;
        Box::pin(ready(PinAnswer::Unavailable))
    }

    /// Ready when the person wants to stop; never, by default.
    fn cancelled(&self) -> BoxFuture<'_, ()> {
        Box::pin(pending())
    }
}

/// A screen can be an object.
const _: Option<&dyn Screen> = None;

impl<F: Fn(ComputerStep<'_>) + Sync> Screen for F {
    fn show(&self, step: ComputerStep<'_>) {
        self(step);
    }
}

/// A step on the way to the phone. It prints as a sentence.
#[non_exhaustive]
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum ComputerStep<'a> {
    /// Show this text as a QR code. It is a secret: whoever reads it and is near can act as the
    /// phone.
    ShowCode(&'a str),
    /// Take the code off the screen.
    HideCode,
    /// The radio listens for the phone. A simulated one says so.
    Listening(&'a str),
    /// This phone is being rung: it need not scan anything.
    Ringing(&'a str),
    /// The phone of this name was rung, and not reached; a code is shown instead.
    NotReached(&'a str, &'a TransportError),
    /// This phone lets the computer remember it.
    Remembered(&'a str),
    /// This phone does not know the computer any more. Its link was removed.
    Forgotten(&'a str),
    /// The authenticator did not recognise the person and tries once more; so often it may still
    /// fail, if it tells.
    NotRecognised(Option<u64>),
    /// Something else happened.
    Progress(&'a InitiatorProgress),
}

impl fmt::Display for ComputerStep<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ShowCode(_) => f.write_str("Scan the code with your phone."),
            Self::HideCode => f.write_str("The code is no longer needed."),
            Self::Listening(radio) => write!(f, "Listening for the phone by {radio}."),
            Self::Ringing(name) => write!(f, "Asking {name}."),
            Self::NotReached(name, error) => not_reached(f, name, error),
            Self::Remembered(name) => write!(f, "{name} can be asked without a code from now on."),
            Self::Forgotten(name) => {
                write!(f, "{name} does not know this computer any more; its link was removed.")
            }
            Self::NotRecognised(None) => f.write_str("You were not recognised; try again."),
            Self::NotRecognised(Some(tries)) => {
                write!(f, "You were not recognised; try again ({tries} tries left).")
            }
            Self::Progress(progress) => match progress {
                InitiatorProgress::Ringing => f.write_str("Waiting for the phone."),
                InitiatorProgress::PhoneComing => f.write_str("The phone is coming."),
                InitiatorProgress::WaitingForScan => f.write_str("Waiting for a phone."),
                InitiatorProgress::Near => f.write_str("A phone is near."),
                InitiatorProgress::Connecting => f.write_str("Connecting."),
                InitiatorProgress::Handshaking => f.write_str("Securing the connection."),
                InitiatorProgress::AttemptFailed(error) => {
                    write!(f, "That phone did not work: {error}.")
                }
                InitiatorProgress::Authenticated => f.write_str("Connected to the phone."),
                InitiatorProgress::WaitingForPhone => f.write_str("Continue on your phone."),
                InitiatorProgress::Closing => f.write_str("Closing the connection."),
                _ => f.write_str("Working."),
            },
        }
    }
}

impl fmt::Debug for ComputerStep<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ShowCode(_) => f.write_str("ShowCode"),
            Self::HideCode => f.write_str("HideCode"),
            Self::Listening(radio) => f.debug_tuple("Listening").field(radio).finish(),
            Self::Ringing(_) => f.write_str("Ringing"),
            Self::NotReached(_, error) => f.debug_tuple("NotReached").field(error).finish(),
            Self::Remembered(_) => f.write_str("Remembered"),
            Self::Forgotten(_) => f.write_str("Forgotten"),
            Self::NotRecognised(tries) => f.debug_tuple("NotRecognised").field(tries).finish(),
            Self::Progress(progress) => f.debug_tuple("Progress").field(progress).finish(),
        }
    }
}

/// What the tunnel service answered, in the words of whoever holds the phone.
fn not_reached(f: &mut fmt::Formatter<'_>, name: &str, error: &TransportError) -> fmt::Result {
    let status = match error {
        TransportError::Hybrid(HybridError::Tunnel(ConnectFailure::Status(status))) => *status,
        _ => 0,
    };
    match status {
        404 => write!(f, "{name} is not listening now; start it, or scan this code."),
        429 | 503 => write!(f, "{name} is busy now; scan this code, or try again."),
        _ => write!(f, "{name} was not reached: {error}. Scan this code."),
    }
}
