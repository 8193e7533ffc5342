//! One advert at a time, until a phone has authenticated over one.

use std::{sync::Arc, time::Instant};

use towline_crypto::EcdhKey;
use zeroize::Zeroizing;

use super::{Initiator, InitiatorProgress, State, misbehaved};
use crate::{
    eid::{Advert, PreparedEidKey, QrAdvert},
    error::{Error, PeerFault, Step},
    ids::TunnelId,
    noise::{self, Initiated, InitiatorKey},
    secrets::{Psk, QrSecret},
};

/// What belongs to the code; wiped once a phone has authenticated.
pub(super) struct Code {
    pub(super) qr_key: Arc<dyn EcdhKey>,
    pub(super) secret: QrSecret,
    pub(super) uri: Zeroizing<String>,
    pub(super) eid_key: PreparedEidKey,
    pub(super) tunnel_id: TunnelId,
    pub(super) until: Instant,
    pub(super) banned: Vec<Advert>,
    pub(super) last_failure: Option<Error>,
}

/// The one advert that is being tried.
pub(super) struct Attempt {
    pub(super) payload: Advert,
    pub(super) advert: QrAdvert,
}

impl Initiator {
    /// Message 1 of the handshake over this advert.
    pub(super) fn initiate(
        &self,
        code: &Code,
        attempt: &Attempt,
    ) -> Result<(Initiated, [u8; noise::MESSAGE_LEN]), Error> {
        let psk = Psk::qr(&self.provider, &code.secret, &attempt.advert.eid)?;
        noise::initiate(&self.provider, &psk, InitiatorKey::Qr(&code.qr_key))
            .map_err(handshake_failed)
    }

    /// Something failed: the attempt, while no phone has authenticated; everything, afterwards.
    pub(super) fn fail(&mut self, error: Error, now: Instant) {
        match std::mem::replace(&mut self.state, State::Finished) {
            State::Connecting(code, attempt) | State::Handshaking(code, attempt, _) => {
                self.state = State::Showing(code);
                self.retry(attempt, error, now);
            }
            _ => self.finish(Err(error)),
        }
    }

    /// Bans the advert and goes back to showing, while there are time and attempts left.
    pub(super) fn retry(&mut self, attempt: Attempt, error: Error, now: Instant) {
        self.close();
        let State::Showing(code) = &mut self.state else { return };
        code.banned.push(attempt.payload);
        if now >= code.until || code.banned.len() >= self.config.max_attempts {
            return self.finish(Err(error));
        }
        tracing::debug!(%error, "advert banned");
        code.last_failure = Some(error.clone());
        self.deadline = code.until;
        self.progress(InitiatorProgress::AttemptFailed(error));
        self.progress(InitiatorProgress::WaitingForScan);
    }
}

pub(super) fn handshake_failed(error: noise::Error) -> Error {
    match error {
        noise::Error::Crypto(error) => Error::Crypto(error),
        error => misbehaved(Step::Message2, PeerFault::Handshake(error)),
    }
}
