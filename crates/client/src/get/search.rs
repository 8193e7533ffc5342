//! The allow list, which may be too long for one request: it is searched first.

use std::{borrow::Cow, collections::VecDeque};

use towline_ctap::{
    PublicKeyCredentialDescriptor,
    extension::{PrfGetInput, PrfSalts},
};

use super::{Assertions, Get, State};
use crate::{
    Error,
    lists::{self, Found, Look, Probe},
    pin::{PinUvAuthToken, Protocol},
    prf::hmac_secret::Agreement,
    verification::{Verifying, look},
};

impl Get {
    /// Searches a list that is too long for one request; then, or else at once, the assertion is
    /// asked for.
    pub(super) fn search(
        &mut self,
        mut asked: Box<Assertions>,
        token: Option<&PinUvAuthToken>,
    ) -> Result<(), Error> {
        asked.look = look(token);
        let Assertions { request, info, .. } = &mut *asked;
        request.allow_list = None;
        let Some(list) = &self.options.allow else {
            return self.assert(asked, VecDeque::new());
        };
        let pieces = lists::split(list, info, request.encode().len());
        if pieces.is_empty() {
            return Err(Error::NoCredentials);
        }
        if self.one_operation {
            request.allow_list = Some(pieces.into_iter().flatten().collect());
            return self.assert(asked, VecDeque::new());
        }
        self.search_pieces(asked, pieces)
    }

    pub(super) fn search_pieces(
        &mut self,
        asked: Box<Assertions>,
        mut pieces: VecDeque<Vec<PublicKeyCredentialDescriptor>>,
    ) -> Result<(), Error> {
        if pieces.len() == 1 && !self.must_know_which(&pieces) {
            return self.assert_next(asked, pieces);
        }
        let Assertions { request, info, look, .. } = &*asked;
        let probe = Probe::new(request.rp_id.clone(), look, &pieces);
        // A silent search does not see what is kept for people who are verified. And where nothing
        // is found, the last piece is asked for aloud in any case, so that the authenticator
        // decides how it refuses.
        let silent = *look == Look::Silent;
        if !(silent && lists::sees_more_than_silence(request.options.uv, info)) {
            pieces = pieces.pop_back().into_iter().collect();
        }
        let Some(first) = probe.request() else { return self.assert_next(asked, pieces) };
        self.state = State::Probing(probe, asked, pieces);
        self.ceremony.request(first);
        Ok(())
    }

    pub(super) fn assert(
        &mut self,
        asked: Box<Assertions>,
        rest: VecDeque<Vec<PublicKeyCredentialDescriptor>>,
    ) -> Result<(), Error> {
        let mut request = Cow::Borrowed(&asked.request);
        if let Some(protocol) = self.hmac_secret
            && let Some(salts) = self.salts(request.allow_list.as_deref())
        {
            let Some(agreed) = &self.agreed else {
                self.state = State::Agreeing(protocol, asked, rest);
                self.ceremony.request(Agreement::request(protocol));
                return Ok(());
            };
            request.to_mut().extensions.set(&agreed.input(&salts)?);
        }
        self.ceremony.request(request.encode());
        self.state = State::Asserting(asked, rest);
        Ok(())
    }

    /// The authenticator's key has come.
    pub(super) fn agreed(
        &mut self,
        protocol: Protocol,
        asked: Box<Assertions>,
        rest: VecDeque<Vec<PublicKeyCredentialDescriptor>>,
        response: &[u8],
    ) -> Result<(), Error> {
        self.agreed = Some(Agreement::new(protocol, response, &self.provider)?);
        self.assert(asked, rest)
    }

    /// The salts for whichever of these is used; only those of one credential can be sent.
    fn salts(&self, list: Option<&[PublicKeyCredentialDescriptor]>) -> Option<PrfSalts> {
        let prf = self.options.prf.as_ref()?;
        match list {
            Some([only]) => prf.salts_for(&only.id).copied(),
            _ => prf.eval,
        }
    }

    /// Whether it has to be found first which credential will be used, for each has its own salts.
    fn must_know_which(&self, pieces: &VecDeque<Vec<PublicKeyCredentialDescriptor>>) -> bool {
        let own = |prf: &PrfGetInput| !prf.eval_by_credential.is_empty();
        self.hmac_secret.is_some()
            && self.options.prf.as_ref().is_some_and(own)
            && pieces.iter().flatten().count() > 1
    }

    /// Asks for the next of these pieces aloud.
    pub(super) fn assert_next(
        &mut self,
        mut asked: Box<Assertions>,
        mut pieces: VecDeque<Vec<PublicKeyCredentialDescriptor>>,
    ) -> Result<(), Error> {
        asked.request.allow_list = Some(pieces.pop_front().ok_or(Error::NoCredentials)?);
        self.assert(asked, pieces)
    }

    pub(super) fn probed(
        &mut self,
        mut probe: Probe,
        mut asked: Box<Assertions>,
        aloud: VecDeque<Vec<PublicKeyCredentialDescriptor>>,
        response: &[u8],
    ) -> Result<(), Error> {
        match probe.handle_response(response) {
            Ok(Found::NotYet(next)) => {
                self.state = State::Probing(probe, asked, aloud);
                self.ceremony.request(next);
                Ok(())
            }
            Ok(Found::Credential(found)) => {
                asked.request.allow_list = Some(vec![found]);
                self.assert(asked, VecDeque::new())
            }
            Ok(Found::Nothing) => self.assert_next(asked, aloud),
            Err(error) => self.insisted(asked, error),
        }
    }

    /// An authenticator that wants to have verified, or could not do it by itself, gets the PIN.
    pub(super) fn insisted(
        &mut self,
        mut asked: Box<Assertions>,
        error: Error,
    ) -> Result<(), Error> {
        match asked.fallback.take() {
            Some(flow) if Verifying::goes_on_with_the_pin(&error) => {
                let tried = asked.request.options.uv.take().is_some();
                // A wrong PIN makes another key.
                self.agreed = None;
                let verifying = Verifying::instead(flow, tried, &error, &mut self.ceremony);
                self.state = State::Verifying(verifying, asked);
                Ok(())
            }
            _ => Err(error),
        }
    }
}
