//! What is known of a creation on its way.

use towline_ctap::{
    Aaguid, MakeCredentialRequest, MakeCredentialResponse, Status, User,
    extension::CredentialProtectionPolicy,
};

use crate::{
    Event, KeyHandle, NonDiscoverable, Purpose,
    attestation::Attestation,
    extensions::Creating,
    flow::{Core, Next},
    located::Located,
    options,
    person::proof::{Gestures, Present},
    wrapped::{Content, Wrapped},
};

/// A creation under way. It goes from step to step in a box, since it is too large to be copied
/// again and again.
pub(super) struct Creation {
    pub(super) request: Box<MakeCredentialRequest>,
    pub(super) algorithm: i64,
    pub(super) discoverable: bool,
    /// Whether built-in verification is to be performed.
    pub(super) uv: bool,
    pub(super) extensions: Creating,
    pub(super) attestation: Attestation,
    pub(super) aaguid: Aaguid,
    /// Those of the exclude list that are here.
    pub(super) listed: Vec<Located>,
    /// The keys of those that the new credential takes the place of.
    pub(super) replaced: Vec<KeyHandle>,
    /// Whether the credential is its id, and so is not stored.
    pub(super) wrapped: bool,
    /// Whether a token showed that the person is verified.
    pub(super) with_token: bool,
    pub(super) gestures: Gestures,
}

impl Creation {
    /// The presence that was shown when the token was given out.
    pub(super) fn token_presence(&self, core: &mut Core) -> Option<Present> {
        core.token_presence().filter(|_| self.with_token)
    }

    /// The first credential of the exclude list that is here. One of `credProtect` level 3 shows
    /// itself to the verified only.
    fn excluded(&self) -> Option<&Located> {
        self.listed.iter().find(|listed| {
            self.gestures.is_verified()
                || listed.protection != CredentialProtectionPolicy::UserVerificationRequired
        })
    }

    pub(super) fn is_excluded(&self) -> bool {
        self.excluded().is_some()
    }

    /// Whose credential it is that excludes a new one.
    pub(super) fn holder(&self) -> Option<&User> {
        self.excluded().and_then(|listed| listed.user.as_ref())
    }

    /// Whether the credential is to be its id.
    pub(super) fn wraps(&self, core: &Core) -> bool {
        !self.discoverable && core.config.credentials.non_discoverable == NonDiscoverable::Wrapped
    }

    /// The id with everything in it; `None` for a credential that is to be stored, or has to be
    /// because it does not fit.
    pub(super) fn wrap(&self, core: &Core, key: &KeyHandle) -> Result<Option<Wrapped>, Status> {
        if !self.wraps(core) {
            return Ok(None);
        }
        let kept = self.extensions.kept();
        let content = Content {
            key: key.clone(),
            protection: self.extensions.protection.unwrap_or_default(),
            backup_eligible: options::may_be_backed_up(core, key, false),
            third_party_payment: kept.third_party_payment,
            cred_blob: kept.cred_blob.clone(),
        };
        core.state.wrapping.seal(&core.provider, &self.request.rp.id.hash(&core.provider), &content)
    }

    /// It is made.
    pub(super) fn finish(
        self: Box<Self>,
        core: &mut Core,
        response: &MakeCredentialResponse,
    ) -> Next {
        let (rp, user) = (self.request.rp, self.request.user);
        core.events.push(Event::Created { rp, user, replaced: !self.replaced.is_empty() });
        Next::Respond(response.encode())
    }

    pub(super) fn purpose(&self) -> Purpose {
        let (rp, user) = (self.request.rp.clone(), self.request.user.clone());
        if self.is_excluded() {
            Purpose::AlreadyRegistered { rp, user, holder: self.holder().cloned() }
        } else {
            Purpose::Create { rp, user, replaces: !self.replaced.is_empty() }
        }
    }
}
