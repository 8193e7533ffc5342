//! Sequences of commands: what one command leaves for the next (CTAP 2.3 §6.3, §6.7, §6.8, §6.10).
//! At most one is under way. It goes on in time only, on the channel that began it, and while the
//! token lives that it was begun with.

use std::time::{Duration, Instant};

use towline_ctap::{Command, RpId, TemplateId};

use crate::{
    ChannelId, Cursor,
    flow::{Core, Flow},
    token::TokenSerial,
};

/// A sequence under way. Any command but its own continuation ends it.
pub(crate) struct Sequence {
    channel: ChannelId,
    /// Until when it can go on.
    deadline: Option<Instant>,
    /// The token that it was begun with, if there was one.
    token: Option<TokenSerial>,
    what: What,
}

/// Which sequence it is, and where it stands.
pub(crate) enum What {
    /// authenticatorGetNextAssertion: gives the next one.
    Assertions(Box<dyn FnOnce(&mut Core) -> Flow + Send>),
    /// An enumeration of authenticatorCredentialManagement, and how many are left.
    Enumeration { place: Place, left: usize },
    /// A write of authenticatorLargeBlobs: what has come, out of so many bytes.
    LargeBlobWrite { length: usize, written: Vec<u8> },
    /// An enrolment of authenticatorBioEnrollment.
    Enrollment { template: TemplateId, samples_left: u8 },
}

/// Where an enumeration stands.
pub(crate) enum Place {
    RelyingParties { after: RpId },
    Credentials { rp_id: RpId, after: Option<Cursor> },
}

impl What {
    /// The command that goes on with it.
    const fn command(&self) -> Command {
        match self {
            Self::Assertions(_) => Command::GetNextAssertion,
            Self::Enumeration { .. } => Command::CredentialManagement,
            Self::LargeBlobWrite { .. } => Command::LargeBlobs,
            Self::Enrollment { .. } => Command::BioEnrollment,
        }
    }

    /// Whether it stays for its channel when another one sends that command. A command with
    /// subcommands can begin another sequence, which takes the place of this one.
    const fn stays_for_its_channel(&self) -> bool {
        matches!(self, Self::Assertions(_))
    }
}

impl Core {
    /// Any command but its own continuation ends a sequence.
    pub(crate) fn forget_sequences(&mut self, but_of: Option<Command>) {
        self.sequence.take_if(|sequence| Some(sequence.what.command()) != but_of);
    }

    /// Remembers what the next command of a sequence needs, for so long.
    pub(crate) fn remember(&mut self, within: Duration, token: Option<TokenSerial>, what: What) {
        let (channel, deadline) = (self.channel, self.now.after(within));
        self.sequence = Some(Sequence { channel, deadline, token, what });
    }

    /// Takes the sequence under way, with its token; `None` if this channel can't go on with it.
    pub(crate) fn resume(&mut self) -> Option<(What, Option<TokenSerial>)> {
        let (channel, now) = (self.channel, self.now);
        let sequence = self.sequence.take_if(|sequence| {
            sequence.channel == channel || !sequence.what.stays_for_its_channel()
        })?;
        let Sequence { token, what, .. } = sequence;
        let in_time = sequence.channel == channel && !now.reached(sequence.deadline);
        let alive = in_time && token.is_none_or(|serial| self.token.lives(serial, now));
        alive.then_some((what, token))
    }
}
