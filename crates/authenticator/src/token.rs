//! The PIN/UV token in use (CTAP 2.3 §6.5.2): what it permits, for whom, for how long, and what it
//! tells of the person.

use std::time::{Duration, Instant};

use towline_crypto::{CryptoProvider, Secret};
use towline_ctap::{Permissions, RpId, Status};

use crate::{
    PinUvAuthProtocol,
    clock::Clock,
    person::proof::{Present, Verified},
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

    /// beginUsingPinUvAuthToken(), with a new token of this protocol and value.
    pub(crate) fn begin_using(
        &mut self,
        protocol: PinUvAuthProtocol,
        value: Secret<32>,
        grant: Grant,
        now: Clock,
    ) {
        let Grant { permissions, rp_id, verified, present } = grant;
        self.serial = self.serial.wrapping_add(1);
        self.in_use = Some(InUse {
            protocol,
            value,
            permissions,
            rp_id,
            verified: Some(verified),
            present,
            first_use: now.after(FIRST_USE),
            presence_ends: now.after(PRESENCE),
            ends: now.after(LIFE),
        });
    }

    /// Ends what has come to its end by now.
    fn expire(&mut self, now: Clock) {
        let Some(token) = &mut self.in_use else { return };
        if now.reached(token.ends) || now.reached(token.first_use) {
            self.reset();
        } else if now.reached(token.presence_ends) {
            token.present = None;
        }
    }

    /// verify() with the token: that the request comes from whom the token was given to.
    pub(crate) fn verify(
        &mut self,
        provider: &CryptoProvider,
        protocol: PinUvAuthProtocol,
        parts: &[&[u8]],
        param: &[u8],
        now: Clock,
    ) -> Result<Proof<'_>, Status> {
        self.expire(now);
        let serial = TokenSerial(self.serial);
        let token = self.in_use.as_mut().ok_or(Status::PinAuthInvalid)?;
        let genuine =
            token.protocol == protocol && protocol.verify(provider, &token.value, parts, param);
        if !genuine {
            return Err(Status::PinAuthInvalid);
        }
        token.first_use = None;
        Ok(Proof { token, serial })
    }

    /// Whether a token is in use.
    pub(crate) fn is_in_use(&mut self, now: Clock) -> bool {
        self.expire(now);
        self.in_use.is_some()
    }

    /// Whether the token that something was begun with is still in use.
    pub(crate) fn lives(&mut self, serial: TokenSerial, now: Clock) -> bool {
        self.is_in_use(now) && TokenSerial(self.serial) == serial
    }

    /// When the token in use ends, unless it is used before.
    pub(crate) fn ends(&self) -> Option<Instant> {
        let token = self.in_use.as_ref()?;
        [token.first_use, token.ends].into_iter().flatten().min()
    }

    /// getUserPresentFlagValue().
    pub(crate) fn presence(&mut self, now: Clock) -> Option<Present> {
        self.expire(now);
        self.in_use.as_ref().and_then(|token| token.present)
    }

    /// The person was asked: the next request has to ask again (§6.1.2 step 14, §6.2.2 step 9).
    pub(crate) fn use_up(&mut self) {
        if let Some(token) = &mut self.in_use {
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

/// What a new token is good for.
pub(crate) struct Grant {
    pub(crate) permissions: Permissions,
    pub(crate) rp_id: Option<RpId>,
    pub(crate) verified: Verified,
    pub(crate) present: Option<Present>,
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
