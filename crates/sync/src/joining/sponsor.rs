//! The device that adds another one to its circle.

use towline_crypto::zeroize::Zeroizing;

use super::{
    Joining, JoiningError, JoiningOutput, JoiningQuestion, JoiningStep, JoiningSummary,
    message::{self, Message, PIECE, STORE, WELCOME},
};
use crate::{Circle, CircleError, Content, Moment, ObjectHash};

pub(super) struct Sponsor {
    circle: ObjectHash,
    devices: u64,
    passkeys: u64,
    state: State,
}

enum State {
    Meeting,
    Asking,
    Offered,
    Admitting,
    HandingOver {
        welcome: Zeroizing<Vec<u8>>,
        /// How much of it was sent.
        sent: usize,
    },
}

impl Sponsor {
    pub(super) fn new(circle: &Circle) -> Result<Self, CircleError> {
        if !circle.is_member() {
            return Err(CircleError::NoMember);
        }
        let count = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        Ok(Self {
            circle: circle.id(),
            devices: count(circle.devices().count()),
            passkeys: count(circle.passkeys().count()),
            state: State::Meeting,
        })
    }

    pub(super) const fn is_asking(&self) -> bool {
        matches!(self.state, State::Asking)
    }

    pub(super) const fn is_admitting(&self) -> bool {
        matches!(self.state, State::Admitting)
    }

    pub(super) const fn step(&self) -> JoiningStep {
        match self.state {
            State::Meeting | State::Asking | State::Offered => JoiningStep::Agreeing,
            State::Admitting | State::HandingOver { .. } => JoiningStep::HandingOver,
        }
    }

    pub(super) fn ask(&mut self, newcomer: &JoiningSummary) -> JoiningQuestion {
        self.state = State::Asking;
        JoiningQuestion::Add {
            name: newcomer.name.clone(),
            device: newcomer.device,
            passkeys: self.passkeys,
        }
    }

    pub(super) fn agreed(&mut self) -> Vec<u8> {
        self.state = State::Offered;
        message::offer(self.circle, self.devices, self.passkeys)
    }

    /// The message that begins the welcome; nothing where nobody is being added.
    pub(super) fn admitted(
        &mut self,
        welcome: Zeroizing<Vec<u8>>,
        store: &Content,
    ) -> Option<Result<Vec<u8>, JoiningError>> {
        if !self.is_admitting() {
            return None;
        }
        let length = u64::try_from(welcome.len()).ok()?;
        if welcome.len() > WELCOME || store.expose().len() > STORE {
            return Some(Err(JoiningError::TooLarge));
        }
        self.state = State::HandingOver { welcome, sent: 0 };
        Some(Ok(message::welcome(length, store)))
    }
}

/// What the new device's message makes the sponsor do.
enum Next {
    Admit,
    Send(Vec<u8>),
    Finish,
}

impl Sponsor {
    /// Nothing where the message does not belong there.
    fn told(&mut self, message: &Message<'_>) -> Option<Next> {
        match (&mut self.state, message) {
            (State::Offered, Message::Introduction(_)) => {
                self.state = State::Admitting;
                Some(Next::Admit)
            }
            (State::HandingOver { welcome, sent }, Message::More { from }) => {
                if usize::try_from(*from) != Ok(*sent) {
                    return None;
                }
                let rest = welcome.get(*sent..).filter(|rest| !rest.is_empty())?;
                let (piece, _) = rest.split_at(rest.len().min(PIECE));
                *sent = sent.saturating_add(piece.len());
                Some(Next::Send(message::piece(*from, piece)))
            }
            (State::HandingOver { welcome, sent }, Message::Done) if *sent == welcome.len() => {
                Some(Next::Finish)
            }
            _ => None,
        }
    }
}

impl Joining {
    pub(super) fn sponsor_told(&mut self, message: Message<'_>, now: Moment) {
        let super::Side::Sponsor(sponsor) = &mut self.side else { return };
        let next = sponsor.told(&message);
        match (next, message, self.other.take()) {
            (Some(Next::Admit), Message::Introduction(newcomer), other) => {
                self.other = other;
                self.outputs.push_back(JoiningOutput::Admit(newcomer));
                // From here on it is this device that works.
                self.deadline = None;
            }
            (Some(Next::Send(piece)), _, other) => {
                self.other = other;
                self.send(piece);
                self.wait(self.peer, now);
            }
            (Some(Next::Finish), _, Some(other)) => self.finish(Ok(other)),
            _ => self.misbehaved(),
        }
    }
}
