//! What the machine is told and what it says, as sentences where a person reads them.

use std::{fmt, time::Duration};

use crate::{Circle, CircleError, Content, DeviceId, Introduction};

/// How a device behaves while it joins, or while another one does.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JoiningConfig {
    /// What the person calls this device: the person at the other one reads it.
    pub name: String,
    /// At the device in the circle: where the circle's objects are, as the person at the new device
    /// reads it before it agrees, without what opens it. At most 16 KiB; empty is not told.
    pub place: String,
    /// How long the person may think, 2 minutes.
    pub person: Duration,
    /// How long the other device may take where no person is asked there, 30 seconds.
    pub peer: Duration,
}

impl JoiningConfig {
    /// The defaults for a device that is called so.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        let (name, place) = (name.into(), String::new());
        Self { name, place, person: Duration::from_secs(120), peer: Duration::from_secs(30) }
    }
}

/// What has to be done next.
pub enum JoiningOutput {
    /// Send this to the other device. It may have secrets in it: the tunnel seals it in place.
    Send(Vec<u8>),
    /// Ask the person, who has to prove to be the owner where that is possible; answered by
    /// [`crate::Joining::handle_answer`].
    Ask(JoiningQuestion),
    /// The question is moot: take it off the screen.
    Withdraw,
    /// Add this device by [`Circle::add`], which may have been done before, keep the record, and
    /// then answer with [`crate::Joining::handle_admitted`] and the [`Circle::welcome`]; where that
    /// fails, with [`crate::Joining::handle_not_admitted`].
    Admit(Introduction),
    /// Keep what was joined, in one commit, and then answer with
    /// [`crate::Joining::handle_kept`]; where that fails, with
    /// [`crate::Joining::handle_not_kept`].
    Keep(Box<JoinedCircle>),
    /// It is over, and nothing follows.
    Finished(Result<JoiningSummary, JoiningError>),
}

/// Of messages only the length: there are keys in them.
impl fmt::Debug for JoiningOutput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Send(message) => write!(f, "Send({} bytes)", message.len()),
            Self::Ask(question) => write!(f, "Ask({question:?})"),
            Self::Withdraw => f.write_str("Withdraw"),
            Self::Admit(_) => f.write_str("Admit"),
            Self::Keep(joined) => write!(f, "Keep({joined:?})"),
            Self::Finished(result) => write!(f, "Finished({result:?})"),
        }
    }
}

/// What a new device has of its circle from the start: all of it.
#[derive(Debug)]
pub struct JoinedCircle {
    /// This device's part in it. Its first output is the record to be kept.
    pub circle: Circle,
    /// Where the store is, in the words of the program that said so: an address, and what opens it.
    pub store: Content,
}

/// How it went, on either side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JoiningSummary {
    /// The other device.
    pub device: DeviceId,
    /// What its person calls it.
    pub name: String,
}

/// What the person is asked. Its `Display` form is a sentence that a simple dialog can show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JoiningQuestion {
    /// At the device that has the passkeys: add the other one?
    Add {
        /// What the other person calls it, without what could deceive on a screen.
        name: String,
        /// Its id. One that is a member already was interrupted when it joined.
        device: DeviceId,
        /// How many passkeys it gets.
        passkeys: u64,
    },
    /// At the new device: join the other one's circle?
    Join {
        /// What the other person calls that device.
        name: String,
        /// How many devices there are in the circle.
        devices: u64,
        /// How many passkeys this device gets.
        passkeys: u64,
        /// Where the circle's objects are, in that device's words; empty where it does not say so.
        place: String,
    },
}

impl fmt::Display for JoiningQuestion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Add { name, passkeys, .. } => write!(
                f,
                "Add \"{name}\" to your circle? It will hold {}, and those to come, and can add \
                 and remove devices. Say yes only if it is yours and in front of you.",
                all_of(*passkeys)
            ),
            Self::Join { name, devices, passkeys, place } => {
                write!(
                    f,
                    "Join the circle of \"{name}\", which has {devices} device{}? This device \
                     will hold {}, and they will hold those of this one.",
                    if *devices == 1 { "" } else { "s" },
                    all_of(*passkeys)
                )?;
                if place.is_empty() { Ok(()) } else { write!(f, " They meet at {place}") }
            }
        }
    }
}

fn all_of(passkeys: u64) -> String {
    match passkeys {
        0 => "all passkeys, of which there are none yet".to_owned(),
        1 => "the one passkey that there is".to_owned(),
        many => format!("all {many} passkeys"),
    }
}

/// How far two devices had come, and what of it stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JoiningStep {
    /// They found each other, or the persons were being asked: nothing was changed.
    Agreeing,
    /// At the new device: it said who it is, and has no answer. It may be added already.
    BeingAdded,
    /// At the device that adds: the new one was added, and has not said that it has everything.
    HandingOver,
}

impl fmt::Display for JoiningStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Agreeing => "nothing was changed; start again with a new code",
            Self::BeingAdded => {
                "this device may be added already, and has not everything yet; start again with a \
                 new code, and it goes on from there"
            }
            Self::HandingOver => {
                "the new device was added, and has not said that it has everything; if it does not \
                 say so to its person either, invite it again, or remove it with `towline sync \
                 remove`"
            }
        })
    }
}

/// Which device did it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JoiningSide {
    /// The one on which this is read.
    Here,
    /// The one at the far end of the tunnel.
    There,
}

impl fmt::Display for JoiningSide {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Here => "on this device",
            Self::There => "on the other device",
        })
    }
}

/// Why no device joined, or why it is not known whether it has everything. Prints as a sentence
/// that says what to do.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JoiningError {
    /// A person said no.
    #[error("the answer {0} was no, so that {1}")]
    Declined(JoiningSide, JoiningStep),
    /// A person stopped it, or the program.
    #[error("it was stopped {0}: {1}")]
    Cancelled(JoiningSide, JoiningStep),
    /// A person did not answer in time.
    #[error("nobody answered the question {0}: {1}")]
    NobodyAnswered(JoiningSide, JoiningStep),
    /// The connection ended.
    #[error("the connection to the other device ended: {0}")]
    Closed(JoiningStep),
    /// The other device says nothing any more.
    #[error("the other device does not answer any more: {0}")]
    Silent(JoiningStep),
    /// The other device speaks no version that this one does.
    #[error(
        "the two devices have versions of towline that are too far apart; update the older one"
    )]
    NoCommonVersion,
    /// Both are new, or both have a circle: nobody can join the other.
    #[error(
        "both devices are {}; one of the two has to run `towline sync {}`",
        if *both_new { "new" } else { "in a circle" },
        if *both_new { "invite" } else { "join" }
    )]
    SamePart {
        /// Whether both are new.
        both_new: bool,
    },
    /// What was sent does not belong there.
    #[error("{} sent something that does not belong there: {step}", sender(*.0), step = .1)]
    Misbehaved(JoiningSide, JoiningStep),
    /// This device can't add another one.
    #[error("the other device was not added: {0}")]
    NotAdmitted(CircleError),
    /// This device could not keep the record by which the other one would have been added.
    #[error(
        "the other device was not added, since this one could not keep the record of it; make \
         room, then start again with a new code"
    )]
    NotRecorded,
    /// What there is can't be handed over.
    #[error(
        "the other device was added and can't be given all there is, which is more than 64 MiB; \
         remove what you do not need, then invite it again"
    )]
    TooLarge,
    /// The other device can't add this one.
    #[error(
        "the other device can't add this one, possibly since it was removed from the circle \
         itself; see there, and join by another device"
    )]
    CanNotAdmit,
    /// This device was removed before, and removal is for ever.
    #[error("this device was removed from the circle; it comes back with new keys only")]
    WasRemoved,
    /// What the other device sent is not the circle that it offered, or not one with this device.
    #[error("what the other device sent is not the circle that it offered: {0}")]
    NotJoined(CircleError),
    /// The circle could not be kept on the new device.
    #[error("{}", not_kept(*.0))]
    NotKept(JoiningSide),
    /// The cryptography failed on this device.
    #[error("the cryptography of the circle failed")]
    Crypto(#[from] towline_crypto::Error),
}

const fn sender(side: JoiningSide) -> &'static str {
    match side {
        JoiningSide::Here => "this device",
        JoiningSide::There => "the other device",
    }
}

const fn not_kept(side: JoiningSide) -> &'static str {
    match side {
        JoiningSide::Here => {
            "the circle could not be kept on this device; make room, then start again with a new \
             code"
        }
        JoiningSide::There => {
            "the new device was added and could not keep the circle; make room there and invite it \
             again, or remove it with `towline sync remove`"
        }
    }
}
