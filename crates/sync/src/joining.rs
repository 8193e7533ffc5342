//! A device joins a circle over a tunnel to one that belongs to it: who asks whom, and what is said
//! when.
//!
//! ```text
//!     new device                              device in the circle
//!     hello  ───────────────────────────────▶ "Add it to your circle?"
//!            ◀─────────────────────────────── hello, and once that is answered: offer
//!     "Join this circle?"
//!     introduction ─────────────────────────▶ adds it, durably
//!            ◀─────────────────────────────── welcome, and then piece by piece
//!     more   ───────────────────────────────▶
//!     keeps it, durably
//!     done   ───────────────────────────────▶
//! ```
//!
//! Whoever is interrupted starts again with another tunnel. The new device takes the same keys, so
//! that it is the one that was added already.

mod interface;
mod message;
mod newcomer;
mod sponsor;
#[cfg(test)]
#[allow(clippy::arithmetic_side_effects)]
mod tests;

use std::{
    collections::VecDeque,
    fmt,
    time::{Duration, Instant},
};

use towline_crypto::{CryptoProvider, zeroize::Zeroizing};

pub use interface::{
    JoinedCircle, JoiningConfig, JoiningError, JoiningOutput, JoiningQuestion, JoiningSide,
    JoiningStep, JoiningSummary,
};
use message::{Message, Part, Refusal, VERSION};
use newcomer::Newcomer;
use sponsor::Sponsor;

use crate::{Circle, CircleConfig, CircleError, Content, DeviceId, DeviceKeys, Moment};

/// One side of a device that joins, from the open tunnel to the last message.
///
/// It is fed by `handle_*`, and asked by [`Self::poll_output`] until that says nothing, and by
/// [`Self::poll_timeout`]. The tunnel has to carry whole messages in order, sealed, between two
/// devices that are near each other; nothing here makes up for one that does not.
pub struct Joining {
    own: JoiningSummary,
    person: Duration,
    peer: Duration,
    side: Side,
    /// Who the other one is, once it has said so.
    other: Option<JoiningSummary>,
    deadline: Option<Instant>,
    outputs: VecDeque<JoiningOutput>,
}

enum Side {
    Newcomer(Box<Newcomer>),
    Sponsor(Box<Sponsor>),
    Over,
}

impl fmt::Debug for Joining {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.side {
            Side::Newcomer(_) => "Joining(newcomer)",
            Side::Sponsor(_) => "Joining(sponsor)",
            Side::Over => "Joining(over)",
        })
    }
}

impl Joining {
    /// The side of the new device, which begins with [`Self::handle_opened`]. The keys have to be
    /// durable before: an interrupted joining is taken up again with the same ones.
    #[must_use]
    pub fn newcomer(
        crypto: CryptoProvider,
        config: JoiningConfig,
        circle_config: CircleConfig,
        keys: DeviceKeys,
    ) -> Self {
        let id = keys.id();
        let side = Side::Newcomer(Box::new(Newcomer::new(crypto, circle_config, keys)));
        Self::new(config, side, id)
    }

    /// The side of the device that adds it to its circle. It begins with [`Self::handle_opened`].
    ///
    /// # Errors
    /// [`CircleError::NoMember`] where this device can't add anybody.
    pub fn sponsor(config: JoiningConfig, circle: &Circle) -> Result<Self, CircleError> {
        let side = Side::Sponsor(Box::new(Sponsor::new(circle, &config.place)?));
        Ok(Self::new(config, side, circle.device()))
    }

    fn new(config: JoiningConfig, side: Side, device: DeviceId) -> Self {
        let JoiningConfig { name, person, peer, .. } = config;
        let own = JoiningSummary { device, name: shown(&name) };
        Self { own, person, peer, side, other: None, deadline: None, outputs: VecDeque::new() }
    }

    /// Whether this is the side of the new device. One that is over has no side.
    #[must_use]
    pub const fn is_newcomer(&self) -> bool {
        matches!(self.side, Side::Newcomer(_))
    }

    /// The tunnel is open: this device says who it is.
    pub fn handle_opened(&mut self, now: Moment) {
        if !self.is_finished() && self.deadline.is_none() && self.other.is_none() {
            self.send(message::hello(&self.own.name, self.own.device, self.part()));
            self.wait(self.peer, now);
        }
    }

    /// Whether [`JoiningOutput::Finished`] was given out or waits to be polled.
    #[must_use]
    pub const fn is_finished(&self) -> bool {
        matches!(self.side, Side::Over)
    }

    /// The next thing to do; nothing until something is handled.
    pub fn poll_output(&mut self) -> Option<JoiningOutput> {
        self.outputs.pop_front()
    }

    /// When [`Self::handle_timeout`] has something to do, if nothing comes before.
    #[must_use]
    pub const fn poll_timeout(&self) -> Option<Instant> {
        self.deadline
    }

    /// Takes the passing of time.
    pub fn handle_timeout(&mut self, now: Moment) {
        if self.deadline.is_none_or(|deadline| now.instant < deadline) {
            return;
        }
        let step = self.step();
        if self.is_asking() {
            let error = JoiningError::NobodyAnswered(JoiningSide::Here, step);
            self.refuse(error, Refusal::NobodyAnswered);
        } else {
            self.refuse(JoiningError::Silent(step), Refusal::Cancelled);
        }
    }

    /// Takes a message of the other device.
    pub fn handle_message(&mut self, message: Vec<u8>, now: Moment) {
        let message = Zeroizing::new(message);
        if self.is_finished() || self.is_keeping() {
            return;
        }
        match Message::read(&message) {
            Ok(Message::Refused(why)) => self.refused(why),
            Ok(Message::Hello { versions, name, device, part }) if self.other.is_none() => {
                if part == self.part() {
                    let both_new = part == Part::Newcomer;
                    return self.finish(Err(JoiningError::SamePart { both_new }));
                }
                if !versions.contains(&VERSION) {
                    return self.refuse(JoiningError::NoCommonVersion, Refusal::Version);
                }
                self.other = Some(JoiningSummary { device, name: shown(name) });
                self.met(now);
            }
            Ok(message) if self.other.is_some() => match self.side {
                Side::Newcomer(_) => self.newcomer_told(message, now),
                Side::Sponsor(_) => self.sponsor_told(message, now),
                Side::Over => {}
            },
            _ => self.misbehaved(),
        }
    }

    /// The person answers [`JoiningOutput::Ask`]. What comes too late is passed over.
    pub fn handle_answer(&mut self, yes: bool, now: Moment) {
        if !self.is_asking() {
            return;
        }
        if yes {
            self.agreed(now);
        } else {
            // Answered, so that there is nothing to take off the screen.
            self.send(message::refused(Refusal::Declined));
            self.end(Err(JoiningError::Declined(JoiningSide::Here, self.step())));
        }
    }

    /// The newcomer of [`JoiningOutput::Admit`] was added and that is durable. `store` says where
    /// the store is, and what opens it, at most 16 KiB.
    pub fn handle_admitted(&mut self, welcome: Zeroizing<Vec<u8>>, store: &Content, now: Moment) {
        if let Side::Sponsor(sponsor) = &mut self.side
            && let Some(admitted) = sponsor.admitted(welcome, store)
        {
            match admitted {
                Ok(message) => {
                    self.send(message);
                    self.wait(self.peer, now);
                }
                Err(error) => self.refuse(error, Refusal::NotAdmitted),
            }
        }
    }

    /// The newcomer of [`JoiningOutput::Admit`] could not be added: the circle's reason, or none
    /// where the record could not be kept.
    pub fn handle_not_admitted(&mut self, why: Option<CircleError>) {
        if let Side::Sponsor(sponsor) = &self.side
            && sponsor.is_admitting()
        {
            let refusal = if why == Some(CircleError::WasRemoved) {
                Refusal::WasRemoved
            } else {
                Refusal::NotAdmitted
            };
            self.refuse(why.map_or(JoiningError::NotRecorded, JoiningError::NotAdmitted), refusal);
        }
    }

    /// What was joined is durable: see [`JoiningOutput::Keep`].
    pub fn handle_kept(&mut self) {
        if self.is_keeping()
            && let Some(other) = self.other.take()
        {
            self.send(message::done());
            self.finish(Ok(other));
        }
    }

    /// What was joined could not be kept: see [`JoiningOutput::Keep`].
    pub fn handle_not_kept(&mut self) {
        if self.is_keeping() {
            self.refuse(JoiningError::NotKept(JoiningSide::Here), Refusal::NotKept);
        }
    }

    /// The tunnel ended. A new device that has everything does not need it any more.
    pub fn handle_closed(&mut self) {
        if !self.is_finished() && !self.is_keeping() {
            self.finish(Err(JoiningError::Closed(self.step())));
        }
    }

    /// The person does not want to go on.
    pub fn handle_cancel(&mut self) {
        if !self.is_finished() {
            let error = JoiningError::Cancelled(JoiningSide::Here, self.step());
            self.refuse(error, Refusal::Cancelled);
        }
    }

    /// The other one has said who it is.
    fn met(&mut self, now: Moment) {
        match (&mut self.side, &self.other) {
            (Side::Newcomer(newcomer), _) => {
                newcomer.met();
                // Its person is asked now.
                self.wait(self.person.saturating_add(self.peer), now);
            }
            (Side::Sponsor(sponsor), Some(other)) => {
                let question = sponsor.ask(other);
                self.outputs.push_back(JoiningOutput::Ask(question));
                self.wait(self.person, now);
            }
            _ => {}
        }
    }

    fn agreed(&mut self, now: Moment) {
        let (message, patience) = match (&mut self.side, &self.other) {
            // The record has to become durable there.
            (Side::Newcomer(newcomer), Some(sponsor)) => (newcomer.agreed(sponsor), self.peer),
            (Side::Sponsor(sponsor), _) => {
                (Ok(sponsor.agreed()), self.person.saturating_add(self.peer))
            }
            _ => return,
        };
        match message {
            Ok(message) => {
                self.send(message);
                self.wait(patience, now);
            }
            Err(error) => self.refuse(error.into(), Refusal::Cancelled),
        }
    }

    fn refused(&mut self, why: Refusal) {
        let (there, step) = (JoiningSide::There, self.step());
        self.finish(Err(match why {
            Refusal::Declined => JoiningError::Declined(there, step),
            Refusal::Cancelled => JoiningError::Cancelled(there, step),
            Refusal::NobodyAnswered => JoiningError::NobodyAnswered(there, step),
            Refusal::Version => JoiningError::NoCommonVersion,
            Refusal::NotAdmitted => JoiningError::CanNotAdmit,
            Refusal::WasRemoved => JoiningError::WasRemoved,
            Refusal::Misbehaved => JoiningError::Misbehaved(JoiningSide::Here, step),
            Refusal::NotKept => JoiningError::NotKept(there),
        }));
    }

    fn misbehaved(&mut self) {
        let error = JoiningError::Misbehaved(JoiningSide::There, self.step());
        self.refuse(error, Refusal::Misbehaved);
    }

    const fn part(&self) -> Part {
        if self.is_newcomer() { Part::Newcomer } else { Part::Sponsor }
    }

    const fn is_asking(&self) -> bool {
        match &self.side {
            Side::Newcomer(newcomer) => newcomer.is_asking(),
            Side::Sponsor(sponsor) => sponsor.is_asking(),
            Side::Over => false,
        }
    }

    const fn is_keeping(&self) -> bool {
        matches!(&self.side, Side::Newcomer(newcomer) if newcomer.is_keeping())
    }

    const fn step(&self) -> JoiningStep {
        match &self.side {
            Side::Newcomer(newcomer) => newcomer.step(),
            Side::Sponsor(sponsor) => sponsor.step(),
            Side::Over => JoiningStep::Agreeing,
        }
    }

    fn send(&mut self, message: Vec<u8>) {
        self.outputs.push_back(JoiningOutput::Send(message));
    }

    fn wait(&mut self, patience: Duration, now: Moment) {
        self.deadline = now.instant.checked_add(patience);
    }

    /// Tells the other one, too.
    fn refuse(&mut self, error: JoiningError, why: Refusal) {
        self.send(message::refused(why));
        self.finish(Err(error));
    }

    fn finish(&mut self, result: Result<JoiningSummary, JoiningError>) {
        if self.is_asking() {
            self.outputs.push_back(JoiningOutput::Withdraw);
        }
        self.end(result);
    }

    fn end(&mut self, result: Result<JoiningSummary, JoiningError>) {
        self.side = Side::Over;
        self.deadline = None;
        self.outputs.push_back(JoiningOutput::Finished(result));
    }
}

/// How much of a name is shown, in characters.
const SHOWN: usize = 64;

/// What moves the cursor, hides, or turns the direction of writing.
fn deceives(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{feff}')
        || matches!(letter, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
        || matches!(letter, '\u{2060}'..='\u{206f}' | '\u{e0000}'..='\u{e0fff}')
}

/// A stranger's text, without what could deceive.
fn shown(name: &str) -> String {
    let stays = |letter: &char| !deceives(*letter) && *letter != '"';
    let name: String = name.chars().filter(stays).take(SHOWN).collect();
    let name = name.trim();
    if name.is_empty() { "a device without a name".to_owned() } else { name.to_owned() }
}
