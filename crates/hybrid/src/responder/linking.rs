//! Rings of linked computers, and what lets a computer become one.

use std::time::Instant;

use towline_crypto::{CryptoProvider, P256PublicKey};
use zeroize::Zeroizing;

use super::{
    Call, CodeSource, ConnectQuestion, Consent, PhoneEvent, QuestionToken, Remember, Responder,
    ResponderAnswer, ResponderConfig, ResponderQuestion, State,
};
use crate::{
    deadline,
    error::{Error, Misuse},
    ids::LinkId,
    link::Ring,
    machine::Effect,
    message::{self, Message},
    qr::QrPayload,
    session::Session,
};

/// What is needed to let a computer remember this phone after the handshake.
pub(super) struct Late {
    qr_key: P256PublicKey,
    /// The open question, once it is asked.
    pub(super) asked: Option<QuestionToken>,
}

impl Responder {
    /// Answers a linked computer that rings: joins it, advertises, and serves.
    ///
    /// The question comes first only where [`ResponderConfig::ask_when_rung`] is set.
    #[must_use]
    pub fn answer_ring(
        config: ResponderConfig,
        provider: &CryptoProvider,
        ring: Ring,
        now: Instant,
    ) -> Self {
        let question = ConnectQuestion {
            hint: ring.hint(),
            source: CodeSource::Ring,
            made_at: None,
            may_remember: false,
            asked_at: None,
        };
        let asks = config.ask_when_rung;
        let mut phone = Self::asking(config, provider, Call::Ring(ring), question, now);
        if !asks {
            phone.outputs.clear();
            match std::mem::replace(&mut phone.state, State::Finished) {
                State::Asking(call, _) => {
                    phone.open(Consent { call: *call, remember: Remember::No }, now);
                }
                other => phone.state = other,
            }
        }
        phone
    }

    /// What the person says to [`ResponderQuestion::Remember`]. A yes is a second update, of the
    /// same size as the first.
    pub(super) fn remember(
        &mut self,
        token: QuestionToken,
        answer: ResponderAnswer,
    ) -> Result<(), Misuse> {
        let asked = self.late.as_ref().is_some_and(|late| late.asked == Some(token));
        let remember = match answer {
            _ if !asked => return Err(Misuse::UnknownToken),
            ResponderAnswer::Remember => true,
            ResponderAnswer::Decline => false,
            _ => return Err(Misuse::WrongAnswer),
        };
        let late = self.late.take();
        let mut state = std::mem::replace(&mut self.state, State::Finished);
        let sent = match (&mut state, late) {
            (
                State::Serving(session) | State::Answering(session, _) | State::Lingering(session),
                Some(late),
            ) if remember => self.send_update(session, Some(&late.qr_key)),
            _ => Ok(()),
        };
        self.state = state;
        match sent {
            Err(error) => self.finish(Err(error)),
            Ok(()) if matches!(self.state, State::Lingering(_)) => self.finish(Ok(self.summary)),
            Ok(()) => {}
        }
        Ok(())
    }

    /// The update is always sent and always of the same size, so that the relay can't see what the
    /// person allowed.
    pub(super) fn first_update(
        &mut self,
        session: &mut Session,
        payload: &QrPayload,
        remember: Remember,
    ) -> Result<(), Error> {
        let possible = payload.linking == Some(true) && self.config.link_offer.is_some();
        let qr_key = payload.public_key;
        if possible && remember == Remember::Later {
            self.late = Some(Late { qr_key, asked: None });
        }
        let offered_to = (possible && remember == Remember::Yes).then_some(&qr_key);
        self.send_update(session, offered_to)
    }

    /// With linking information for the computer whose key this is, or with padding alone.
    fn send_update(
        &mut self,
        session: &mut Session,
        offered_to: Option<&P256PublicKey>,
    ) -> Result<(), Error> {
        let offer = self.config.link_offer.as_ref().zip(offered_to);
        let offer = offer.filter(|(offer, _)| offer.contact_id.is_usable());
        let made = offer
            .map(|(offer, key)| offer.make(&self.provider, key, session.hash()))
            .transpose()?;
        let (link, update) = write_update(made).map_err(|_| Misuse::TooLong)?;
        let update = session.seal(Message::Update(update).encode()).map_err(|_| Misuse::TooLong)?;
        if let Some(link_id) = link {
            self.summary.linked = true;
            self.tell(PhoneEvent::Linked { link_id });
        }
        self.outputs.push_back(Effect::Send(update));
        Ok(())
    }

    /// Asks what the person put off, once.
    pub(super) fn ask_late(&mut self) {
        if let Some(late) = &mut self.late
            && late.asked.is_none()
        {
            let token = QuestionToken::unique();
            late.asked = Some(token);
            self.tell(PhoneEvent::Ask { token, question: ResponderQuestion::Remember });
        }
    }

    /// The computer is done. A question that is still open keeps the connection for a while.
    pub(super) fn done(&mut self, now: Instant) {
        match std::mem::replace(&mut self.state, State::Finished) {
            State::Serving(session)
                if self.late.as_ref().is_some_and(|late| late.asked.is_some()) =>
            {
                let linger = deadline::after(now, self.config.linger);
                self.deadline = self.session_end.map_or(linger, |end| end.min(linger));
                self.state = State::Lingering(session);
            }
            other => {
                self.state = other;
                self.finish(Ok(self.summary));
            }
        }
    }
}

/// An offer that does not fit is not made: the person came to sign in.
fn write_update(
    made: Option<(LinkId, Zeroizing<Vec<u8>>)>,
) -> Result<(Option<LinkId>, Vec<u8>), message::Error> {
    if let Some((link_id, linking)) = made {
        match message::write_update(Some(&linking)) {
            Err(message::Error::TooLong) => {
                tracing::warn!("the linking information is too long and is not sent");
            }
            update => return Ok((Some(link_id), update?)),
        }
    }
    Ok((None, message::write_update(None)?))
}
