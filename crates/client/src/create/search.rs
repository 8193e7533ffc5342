//! The exclude list, which may be too long for one request: it is searched first.

use std::{borrow::Cow, collections::VecDeque};

use towline_ctap::{PublicKeyCredentialDescriptor, Transport, extension::HmacSecretMcInput};

use super::{Create, Creation, State};
use crate::{
    Error,
    lists::{self, Found, Look, Probe},
    pin::{PinUvAuthToken, Protocol},
    prf::hmac_secret::{self, Agreement},
    verification::{Verifying, look},
};

impl Create {
    /// Searches a list that is too long for one request; then, or else at once, the credential is
    /// asked for.
    pub(super) fn search(
        &mut self,
        mut creation: Box<Creation>,
        token: Option<&PinUvAuthToken>,
    ) -> Result<(), Error> {
        creation.look = look(token);
        let Creation { request, info, transport, .. } = &mut *creation;
        request.exclude_list = Vec::new();
        let pieces = match self.options.exclude.is_empty() {
            true => VecDeque::new(),
            false => lists::split(&self.options.exclude, info, request.encode().len()),
        };
        if *transport == Transport::Hybrid {
            // A session is one operation, and phones take messages of any size.
            request.exclude_list = pieces.into_iter().flatten().collect();
            return self.create(creation);
        }
        self.search_pieces(creation, pieces)
    }

    pub(super) fn search_pieces(
        &mut self,
        mut creation: Box<Creation>,
        mut pieces: VecDeque<Vec<PublicKeyCredentialDescriptor>>,
    ) -> Result<(), Error> {
        let Creation { request, info, look, .. } = &mut *creation;
        // The last piece goes along in any case, for the authenticator itself to look through.
        request.exclude_list = pieces.back().cloned().unwrap_or_default();
        if pieces.len() <= 1 {
            return self.create(creation);
        }
        let mut probe = Probe::new(self.rp_id.clone(), look, &pieces);
        if *look == Look::Silent && lists::sees_more_than_silence(request.options.uv, info) {
            // The creation sees what a silent search does not: so must the search, or an excluded
            // passkey is replaced.
            pieces.pop_back();
            probe = probe.and_then(Probe::new(self.rp_id.clone(), &Look::BuiltIn, &pieces));
        }
        match probe.request() {
            Some(first) => {
                self.state = State::Probing(probe, creation);
                self.ceremony.request(first);
                Ok(())
            }
            None => self.create(creation),
        }
    }

    pub(super) fn probed(
        &mut self,
        mut probe: Probe,
        mut creation: Box<Creation>,
        response: &[u8],
    ) -> Result<(), Error> {
        match probe.handle_response(response) {
            Ok(Found::NotYet(next)) => {
                self.state = State::Probing(probe, creation);
                self.ceremony.request(next);
                Ok(())
            }
            // With the one that was found in the list, the authenticator asks for presence before
            // it refuses.
            Ok(Found::Credential(found)) => {
                creation.request.exclude_list = vec![found];
                self.create(creation)
            }
            Ok(Found::Nothing) => self.create(creation),
            Err(error) => self.insisted(creation, error),
        }
    }

    pub(super) fn create(&mut self, creation: Box<Creation>) -> Result<(), Error> {
        let Some(creation) = self.look_for_u2f(creation) else { return Ok(()) };
        let mut request = Cow::Borrowed(&creation.request);
        if let Some(protocol) =
            self.hmac_secret.filter(|_| hmac_secret::at_creation(&creation.info))
            && let Some(salts) = self.options.prf.and_then(|prf| prf.eval)
        {
            let Some(agreed) = &self.agreed else {
                self.state = State::Agreeing(protocol, creation);
                self.ceremony.request(Agreement::request(protocol));
                return Ok(());
            };
            request.to_mut().extensions.set(&HmacSecretMcInput(agreed.input(&salts)?));
        }
        self.ceremony.request(request.encode());
        self.state = State::Creating(creation);
        Ok(())
    }

    /// The authenticator's key has come.
    pub(super) fn agreed(
        &mut self,
        protocol: Protocol,
        creation: Box<Creation>,
        response: &[u8],
    ) -> Result<(), Error> {
        self.agreed = Some(Agreement::new(protocol, response, &self.provider)?);
        self.create(creation)
    }

    /// An authenticator that wants to have verified, or could not do it by itself, gets the PIN.
    pub(super) fn insisted(
        &mut self,
        mut creation: Box<Creation>,
        error: Error,
    ) -> Result<(), Error> {
        match creation.fallback.take() {
            Some(flow) if Verifying::goes_on_with_the_pin(&error) => {
                let tried = creation.request.options.uv.take().is_some();
                // A wrong PIN makes another key.
                self.agreed = None;
                let verifying = Verifying::instead(flow, tried, &error, &mut self.ceremony);
                self.state = State::Verifying(verifying, creation);
                Ok(())
            }
            _ => Err(error),
        }
    }
}
