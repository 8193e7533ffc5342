//! The PIN/UV token in use (CTAP 2.3 §6.5.2): what it permits, for whom, for how long, and what it
//! tells of the person.

use std::time::{Duration, Instant};

use towline_crypto::Secret;
use towline_ctap::{Permissions, PinUvAuth, RpId, Status};

use crate::{
    PinUvAuthProtocol,
    flow::Core,
    person::{Present, Verified},
};

/// How long a token may wait for its first use.
const FIRST_USE: Duration = Duration::from_secs(30);
/// How long the presence counts that was shown when the token was given out.
const PRESENCE: Duration = Duration::from_secs(30);
/// How long a token lives at most.
const LIFE: Duration = Duration::from_secs(600);

/// The token, if one is in use. Giving out another one ends it, whatever its protocol: so there is
/// never more than one.
#[derive(Default)]
pub(crate) struct PinUvAuthToken {
    in_use: Option<InUse>,
    /// How many were given out.
    serial: u64,
}

/// Names one token, for what was begun with it and must end with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TokenSerial(u64);

struct InUse {
    protocol: PinUvAuthProtocol,
    value: Secret<32>,
    permissions: Permissions,
    rp_id: Option<RpId>,
    verified: Option<Verified>,
    present: Option<Present>,
    /// Until when it must have been used; `None` from then on.
    first_use: Option<Instant>,
    presence_ends: Option<Instant>,
    ends: Option<Instant>,
}

impl PinUvAuthToken {
    /// resetPinUvAuthToken() for all protocols.
    pub(crate) fn reset(&mut self) {
        self.in_use = None;
    }
}

/// What a token in use proved.
pub(crate) struct Proof<'a> {
    token: &'a mut InUse,
    serial: TokenSerial,
}

impl Proof<'_> {
    /// The token must permit this.
    pub(crate) fn permits(self, permissions: Permissions) -> Result<Self, Status> {
        if self.token.permissions.contains(permissions) {
            Ok(self)
        } else {
            Err(Status::PinAuthInvalid)
        }
    }

    /// The token must be for this RP ID, or for none, and then is for this one from now on.
    pub(crate) fn bind(self, rp_id: &RpId) -> Result<Self, Status> {
        match &self.token.rp_id {
            Some(bound) if bound != rp_id => return Err(Status::PinAuthInvalid),
            Some(_) => {}
            None => self.token.rp_id = Some(rp_id.clone()),
        }
        Ok(self)
    }

    /// Whom the token is for.
    pub(crate) const fn rp_id(&self) -> Option<&RpId> {
        self.token.rp_id.as_ref()
    }

    /// That the person was verified, if the token still says so.
    pub(crate) fn verified(&self) -> Result<Verified, Status> {
        self.token.verified.ok_or(Status::PinAuthInvalid)
    }

    pub(crate) const fn serial(&self) -> TokenSerial {
        self.serial
    }
}

impl Core {
    /// The protocol of this number, if it is supported.
    pub(crate) fn protocol(&self, identifier: u64) -> Result<PinUvAuthProtocol, Status> {
        let mut known = self.config.tokens.pin_uv_auth_protocols.iter().copied();
        known.find(|protocol| protocol.identifier() == identifier).ok_or(Status::InvalidParameter)
    }

    /// beginUsingPinUvAuthToken(), with a new token of this protocol.
    pub(crate) fn begin_using_token(
        &mut self,
        protocol: PinUvAuthProtocol,
        permissions: Permissions,
        rp_id: Option<RpId>,
        verified: Verified,
        present: Option<Present>,
    ) -> Result<Secret<32>, Status> {
        let value = self.provider.random.secret().map_err(|_| Status::Other)?;
        self.token.serial = self.token.serial.wrapping_add(1);
        self.token.in_use = Some(InUse {
            protocol,
            value: value.clone(),
            permissions,
            rp_id,
            verified: Some(verified),
            present,
            first_use: self.after(FIRST_USE),
            presence_ends: self.after(PRESENCE),
            ends: self.after(LIFE),
        });
        Ok(value)
    }

    /// What the PIN opened in the key store is closed when no token is in use any more.
    pub(crate) fn lock_keys_without_token(&mut self) {
        self.expire_token();
        if self.token.in_use.is_none() {
            self.lock_keys();
        }
    }

    /// When what the PIN opened in the key store has to be closed.
    pub(crate) fn locks_at(&self) -> Option<Instant> {
        let token = self.token.in_use.as_ref().filter(|_| self.keys_unlocked)?;
        [token.first_use, token.ends].into_iter().flatten().min()
    }

    /// What the PIN opened in the key store is closed.
    pub(crate) fn lock_keys(&mut self) {
        if std::mem::take(&mut self.keys_unlocked) {
            self.keys.lock();
        }
    }

    /// Ends what has come to its end by now.
    pub(crate) fn expire_token(&mut self) {
        let Some(token) = &self.token.in_use else { return };
        let over = self.reached(token.ends) || self.reached(token.first_use);
        let absent = self.reached(token.presence_ends);
        if over {
            self.token.reset();
        } else if let Some(token) = self.token.in_use.as_mut().filter(|_| absent) {
            token.present = None;
        }
    }

    /// verify() with the token: that the request comes from whom the token was given to.
    pub(crate) fn verify_token(
        &mut self,
        auth: &PinUvAuth,
        parts: &[&[u8]],
    ) -> Result<Proof<'_>, Status> {
        let protocol = self.protocol(auth.protocol)?;
        self.expire_token();
        let serial = TokenSerial(self.token.serial);
        let token = self.token.in_use.as_mut().ok_or(Status::PinAuthInvalid)?;
        let genuine = token.protocol == protocol
            && protocol.verify(&self.provider, &token.value, parts, &auth.param);
        if !genuine {
            return Err(Status::PinAuthInvalid);
        }
        token.first_use = None;
        Ok(Proof { token, serial })
    }

    /// Whether the token that something was begun with is still in use.
    pub(crate) fn token_lives(&mut self, serial: TokenSerial) -> bool {
        self.expire_token();
        self.token.in_use.is_some() && TokenSerial(self.token.serial) == serial
    }

    /// getUserPresentFlagValue().
    pub(crate) fn token_presence(&mut self) -> Option<Present> {
        self.expire_token();
        self.token.in_use.as_ref().and_then(|token| token.present)
    }

    /// The person was asked: the next request has to ask again (§6.1.2 step 14, §6.2.2 step 9).
    pub(crate) fn use_up_token(&mut self) {
        if let Some(token) = &mut self.token.in_use {
            token.present = None;
            token.verified = None;
            token.permissions = if token.permissions.contains(Permissions::LBW) {
                Permissions::LBW
            } else {
                Permissions::empty()
            };
        }
    }
}
