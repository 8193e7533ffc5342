//! The device that adds another one to its circle.

use towline_crypto::{CryptoProvider, zeroize::Zeroizing};

use super::{
    Joining, JoiningError, JoiningOutput, JoiningQuestion, JoiningStep, JoiningSummary, Side,
    deceives,
    message::{self, Message, PIECE, STORE, WELCOME},
};
use crate::{Circle, CircleError, Content, MemberKind, Moment, ObjectHash};

pub(super) struct Sponsor {
    crypto: CryptoProvider,
    circle: ObjectHash,
    devices: u64,
    passkeys: u64,
    place: String,
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
    pub(super) fn new(circle: &Circle, place: &str) -> Result<Self, CircleError> {
        if !circle.is_member() {
            return Err(CircleError::NoMember);
        }
        let count = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        Ok(Self {
            crypto: circle.crypto().clone(),
            circle: circle.id(),
            devices: count(circle.devices().count()),
            passkeys: count(circle.passkeys().count()),
            // What could deceive there can't be told in a sentence.
            place: if place.contains(deceives) { String::new() } else { place.to_owned() },
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
        message::offer(self.circle, self.devices, self.passkeys, &self.place)
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
    fn told(&mut self, message: &Message<'_>, newcomer: &JoiningSummary) -> Option<Next> {
        match (&mut self.state, message) {
            // The one that the person agreed to, and one that is seen among the devices.
            (State::Offered, Message::Introduction(introduction))
                if introduction.id(&self.crypto) == newcomer.device
                    && introduction.kind == MemberKind::Device =>
            {
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
        let (Side::Sponsor(sponsor), Some(newcomer)) = (&mut self.side, &self.other) else {
            return;
        };
        match (sponsor.told(&message, newcomer), message) {
            (Some(Next::Admit), Message::Introduction(newcomer)) => {
                self.outputs.push_back(JoiningOutput::Admit(newcomer));
                // From here on it is this device that works.
                self.deadline = None;
            }
            (Some(Next::Send(piece)), _) => {
                self.send(piece);
                self.wait(self.peer, now);
            }
            (Some(Next::Finish), _) => {
                let newcomer = newcomer.clone();
                self.finish(Ok(newcomer));
            }
            _ => self.misbehaved(),
        }
    }
}
