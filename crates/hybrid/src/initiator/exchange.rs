//! What the computer does with frames after the handshake.

use std::time::Instant;

use zeroize::Zeroizing;

use super::{ComputerEvent, Connection, Initiator, Linking, State, misbehaved};
use crate::{
    deadline,
    error::{Error, Misuse, PeerFault, Step},
    link::{LinkedPhone, LinkingInformation},
    machine::Effect,
    message::{self, Kind, Message, PostHandshake},
};

impl Initiator {
    /// The phone's first message.
    pub(super) fn post_handshake(
        &mut self,
        mut connection: Box<Connection>,
        frame: Vec<u8>,
        now: Instant,
    ) {
        let opened = connection.session.open(frame).map_err(PeerFault::Frame);
        let decoded =
            opened.and_then(|plain| PostHandshake::decode(&plain).map_err(PeerFault::from));
        match decoded {
            Ok(PostHandshake { get_info, features, linking }) => {
                let get_info = get_info.unwrap_or_default();
                if !self.circle || features.circle {
                    self.tell(ComputerEvent::Ready { get_info, features });
                }
                if let Some(linking) = linking.map(Zeroizing::new) {
                    self.link(&connection, &linking);
                }
                connection.features = features;
                self.deadline = deadline::after(now, self.config.idle_timeout);
                self.state = State::Ready(connection);
                if self.circle && !features.circle {
                    self.send_shutdown();
                    self.finish(Err(Error::NoCircle));
                }
            }
            Err(fault) => self.finish(Err(misbehaved(Step::PostHandshake, fault))),
        }
    }

    /// A frame after the first: `step` is [`Step::Request`], [`Step::Response`] with what was
    /// asked, or [`Step::Shutdown`].
    pub(super) fn message(
        &mut self,
        mut connection: Box<Connection>,
        frame: Vec<u8>,
        (step, asked): (Step, Option<Kind>),
        now: Instant,
    ) {
        let opened = connection.session.open(frame).map_err(PeerFault::Frame);
        let decoded = opened.and_then(|plain| Message::decode(plain).map_err(PeerFault::from));
        match (decoded, step) {
            (Ok(Message::Update(update)), _) => {
                match message::read_update(&Zeroizing::new(update)) {
                    Ok(Some(linking)) => self.link(&connection, &Zeroizing::new(linking)),
                    Ok(None) => {}
                    Err(error) => tracing::debug!(%error, "malformed update ignored"),
                }
                if step == Step::Shutdown && self.summary.linked {
                    return self.finish(Ok(self.summary));
                }
                self.state = match (step, asked) {
                    (_, Some(kind)) => State::Waiting(connection, kind),
                    (Step::Request, None) => State::Ready(connection),
                    _ => State::Lingering(connection),
                };
            }
            (Ok(Message::Ctap(response)), _) if asked == Some(Kind::Ctap) => {
                self.answered(connection, ComputerEvent::Response(response), now);
            }
            (Ok(Message::Json(response)), _) if asked == Some(Kind::Json) => {
                self.answered(connection, ComputerEvent::JsonResponse(response), now);
            }
            (Ok(Message::Circle(message)), Step::Request) if self.circle => {
                self.tell(ComputerEvent::CircleMessage(message));
                self.deadline = deadline::after(now, self.config.idle_timeout);
                self.state = State::Ready(connection);
            }
            (Ok(Message::Circle(_)), step) if step != Step::Shutdown => {
                self.finish(Err(misbehaved(step, PeerFault::Unsupported)));
            }
            (Ok(Message::Ctap(_) | Message::Json(_) | Message::Circle(_)), Step::Shutdown) => {
                self.state = State::Lingering(connection);
            }
            // Phones have no business to send this, but some do, and mean "closed".
            (Ok(Message::Shutdown), Step::Response) => self.finish(Err(Error::Closed { step })),
            (Ok(Message::Shutdown), _) => self.finish(Ok(self.summary)),
            (Ok(Message::Ctap(_) | Message::Json(_) | Message::Circle(_)), _) => {
                self.finish(Err(misbehaved(step, PeerFault::Unsolicited)));
            }
            (Err(_), Step::Shutdown) => self.finish(Ok(self.summary)),
            (Err(fault), _) => self.finish(Err(misbehaved(step, fault))),
        }
    }

    /// A message to send to a device that shares passkeys, at any time and however often.
    ///
    /// # Errors
    /// [`Misuse::NotNow`] without a connection for it, [`Misuse::TooLong`] for more than
    /// [`MAX_MESSAGE`](crate::MAX_MESSAGE) with the type byte. The connection stays as it is.
    pub fn handle_circle_message(&mut self, message: Vec<u8>, now: Instant) -> Result<(), Misuse> {
        let State::Ready(connection) = &mut self.state else { return Err(Misuse::NotNow) };
        if !self.circle {
            return Err(Misuse::NotNow);
        }
        let frame = connection.session.seal_circle(message)?;
        self.outputs.push_back(Effect::Send(frame));
        self.deadline = deadline::after(now, self.config.idle_timeout);
        Ok(())
    }

    fn answered(&mut self, connection: Box<Connection>, response: ComputerEvent, now: Instant) {
        self.summary.requests = self.summary.requests.saturating_add(1);
        self.tell(response);
        self.deadline = deadline::after(now, self.config.idle_timeout);
        self.state = State::Ready(connection);
    }

    /// Linking information that is not valid is dropped, and changes nothing.
    fn link(&mut self, connection: &Connection, linking: &[u8]) {
        let Some(Linking { qr_key, domain }) = &connection.linking else { return };
        if !self.config.linking || self.summary.linked {
            return;
        }
        let hash = connection.session.hash();
        match LinkingInformation::read(&self.provider, linking, &**qr_key, hash) {
            Ok(information) => {
                self.summary.linked = true;
                let phone = LinkedPhone { information, domain: *domain, since: None };
                self.tell(ComputerEvent::Linked(Box::new(phone)));
            }
            Err(error) => tracing::debug!(%error, "invalid linking information dropped"),
        }
    }
}
