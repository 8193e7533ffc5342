//! `appidExclude` (WebAuthn L3 §10.1.2): what U2F has made for the site is excluded, too.

use towline_ctap::{
    ClientDataHash, GetAssertionRequest, GetAssertionResponse, Request, RpId, Transport, Version,
};

use super::{Create, Creation, State};
use crate::{
    Error,
    lists::{self, Found, Look, Probe},
};

/// What a request with an AppID takes beside its list, at most.
const APPID_REQUEST: usize = 384;

/// What is signed for a touch alone is of no use to anybody.
const FOR_A_TOUCH: ClientDataHash = lists::NO_CLIENT_DATA;

impl Create {
    /// Looks for what U2F has made, once, where there may be such a thing. The creation comes back
    /// where there is nothing to look for.
    pub(super) fn look_for_u2f(&mut self, creation: Box<Creation>) -> Option<Box<Creation>> {
        let speaks = creation.info.versions.contains(&Version::U2fV2);
        let asked = speaks && creation.transport != Transport::Hybrid;
        let Some(appid) = self.appid.take().filter(|_| asked) else { return Some(creation) };
        let pieces = lists::split(&self.options.exclude, &creation.info, APPID_REQUEST);
        let probe = Probe::new(appid.clone(), &Look::Silent, &pieces);
        let Some(first) = probe.request() else { return Some(creation) };
        self.state = State::LookingForU2f(appid, probe, creation);
        self.ceremony.request(first);
        None
    }

    pub(super) fn looked_for_u2f(
        &mut self,
        appid: RpId,
        mut probe: Probe,
        creation: Box<Creation>,
        response: &[u8],
    ) -> Result<(), Error> {
        match probe.handle_response(response)? {
            Found::NotYet(next) => {
                self.state = State::LookingForU2f(appid, probe, creation);
                self.ceremony.request(next);
                Ok(())
            }
            Found::Credential(found) => {
                let mut request = GetAssertionRequest::new(appid, FOR_A_TOUCH);
                request.allow_list = Some(vec![found]);
                self.state = State::Excluding;
                self.ceremony.request(Request::from(request).encode());
                Ok(())
            }
            Found::Nothing => self.create(creation),
        }
    }
}

/// What comes of a creation whose key was touched, or not, after something excluded was found.
pub(super) fn excluded(response: &[u8]) -> Error {
    match GetAssertionResponse::decode(response) {
        Ok(_) => Error::AlreadyRegistered,
        Err(error) => Error::from_response(error),
    }
}
