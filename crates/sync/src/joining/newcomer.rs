//! The new device.

use towline_crypto::{CryptoProvider, Error, zeroize::Zeroizing};

use super::{
    JoinedCircle, Joining, JoiningError, JoiningOutput, JoiningQuestion, JoiningStep,
    JoiningSummary, Side, deceives,
    message::{self, Message, Refusal, VERSION, WELCOME},
};
use crate::{
    Circle, CircleConfig, CircleError, Content, DeviceKeys, MemberKind, Moment, ObjectHash,
};

pub(super) struct Newcomer {
    crypto: CryptoProvider,
    config: CircleConfig,
    /// The circle has them once it is joined.
    keys: Option<DeviceKeys>,
    /// The circle that was offered.
    circle: Option<ObjectHash>,
    state: State,
}

enum State {
    Meeting,
    /// The person at the other device is being asked.
    Waiting,
    Asking,
    Introduced,
    Receiving {
        length: usize,
        store: Content,
        welcome: Zeroizing<Vec<u8>>,
    },
    Keeping,
}

/// What the sponsor's message makes the new device do.
enum Next {
    Ask { devices: u64, passkeys: u64, place: String },
    More(u64),
    Join { welcome: Zeroizing<Vec<u8>>, store: Content },
}

impl Newcomer {
    pub(super) const fn new(
        crypto: CryptoProvider,
        config: CircleConfig,
        keys: DeviceKeys,
    ) -> Self {
        Self { crypto, config, keys: Some(keys), circle: None, state: State::Meeting }
    }

    pub(super) const fn is_asking(&self) -> bool {
        matches!(self.state, State::Asking)
    }

    pub(super) const fn is_keeping(&self) -> bool {
        matches!(self.state, State::Keeping)
    }

    pub(super) const fn step(&self) -> JoiningStep {
        match self.state {
            State::Meeting | State::Waiting | State::Asking => JoiningStep::Agreeing,
            State::Introduced | State::Receiving { .. } | State::Keeping => JoiningStep::BeingAdded,
        }
    }

    pub(super) fn met(&mut self) {
        self.state = State::Waiting;
    }

    /// Agrees to be added by this sponsor to the circle that it offered.
    pub(super) fn agreed(&mut self, sponsor: &JoiningSummary) -> Result<Vec<u8>, Error> {
        let keys = self.keys.as_ref().ok_or(Error::KeyUnavailable)?;
        let introduction = keys.introduce(self.circle, sponsor.device, MemberKind::Device)?;
        self.state = State::Introduced;
        Ok(message::introduction(&introduction))
    }

    /// Nothing where the message does not belong there.
    fn told(&mut self, message: &Message<'_>) -> Option<Next> {
        match (&mut self.state, message) {
            (
                State::Waiting,
                Message::Offer { version: VERSION, circle, devices, passkeys, place },
            ) if !place.contains(deceives) => {
                self.circle = Some(*circle);
                self.state = State::Asking;
                let (devices, passkeys) = (*devices, *passkeys);
                Some(Next::Ask { devices, passkeys, place: (*place).to_owned() })
            }
            (State::Introduced, Message::Welcome { length, store }) => {
                let length = usize::try_from(*length)
                    .ok()
                    .filter(|length| (1..=WELCOME).contains(length))?;
                self.state = State::Receiving {
                    length,
                    store: Content::new(store.to_vec()),
                    welcome: Zeroizing::new(Vec::with_capacity(length)),
                };
                Some(Next::More(0))
            }
            (State::Receiving { length, store, welcome }, Message::Piece { from, bytes }) => {
                let room = length.saturating_sub(welcome.len());
                if usize::try_from(*from) != Ok(welcome.len())
                    || bytes.is_empty()
                    || bytes.len() > room
                {
                    return None;
                }
                welcome.extend_from_slice(bytes);
                if welcome.len() < *length {
                    return u64::try_from(welcome.len()).ok().map(Next::More);
                }
                let (welcome, store) = (std::mem::take(welcome), store.clone());
                self.state = State::Keeping;
                Some(Next::Join { welcome, store })
            }
            _ => None,
        }
    }

    /// What was handed over, if it is the circle that was offered and this device is in it.
    fn join(
        &mut self,
        welcome: &[u8],
        sponsor: &JoiningSummary,
        now: Moment,
    ) -> Result<Circle, CircleError> {
        let keys = self.keys.take().ok_or(CircleError::NoMember)?;
        let circle = Circle::join(self.crypto.clone(), self.config, keys, welcome, now)?;
        let offered = self.circle == Some(circle.id());
        let by_member = circle.devices().any(|member| member == sponsor.device);
        if offered && by_member { Ok(circle) } else { Err(CircleError::NoConsent) }
    }
}

impl Joining {
    pub(super) fn newcomer_told(&mut self, message: Message<'_>, now: Moment) {
        let (Side::Newcomer(newcomer), Some(sponsor)) = (&mut self.side, &self.other) else {
            return;
        };
        match newcomer.told(&message) {
            Some(Next::Ask { devices, passkeys, place }) => {
                let name = sponsor.name.clone();
                let question = JoiningQuestion::Join { name, devices, passkeys, place };
                self.outputs.push_back(JoiningOutput::Ask(question));
                self.wait(self.person, now);
            }
            Some(Next::More(from)) => {
                self.send(message::more(from));
                self.wait(self.peer, now);
            }
            Some(Next::Join { welcome, store }) => match newcomer.join(&welcome, sponsor, now) {
                Ok(circle) => {
                    let joined = Box::new(JoinedCircle { circle, store });
                    self.outputs.push_back(JoiningOutput::Keep(joined));
                    self.deadline = None;
                }
                Err(error) => self.refuse(JoiningError::NotJoined(error), Refusal::NotKept),
            },
            None => self.misbehaved(),
        }
    }
}
