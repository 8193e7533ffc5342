//! Sign-in: an assertion (WebAuthn L3 §5.1.4; CTAP 2.3 §6.2, §6.3).

use std::{collections::VecDeque, time::Instant};

use towline_crypto::CryptoProvider;
use towline_ctap::{
    AuthenticatorData, GetAssertionRequest, GetAssertionResponse, GetInfo, Permissions,
    PublicKeyCredentialDescriptor, Request, RpId, Transport,
};

use crate::{
    Account, Attachment, Caller, ChannelError, Client, Error, Output, PinAnswer, Token,
    ceremony::{Ceremony, Expected},
    client_data::ClientData,
    error::Misbehaviour,
    lists::{self, Found, Look, Probe},
    options::{RequestOptions, Requirement},
    pin::{PinUvAuthToken, TokenFlow},
    prf::{self, PrfOutputs},
    response::{Authentication, Outputs},
    verification::{Means, Plan, Progress, Verifying, Wish, look},
};

/// More accounts than this for one site are no person's.
const MAX_ACCOUNTS: u64 = 256;

/// One sign-in, from the site's options to the response for it.
///
/// Tell it about the authenticator with [`Get::handle_info`], then carry requests and responses,
/// and drain [`Get::poll_output`] after every input. It does no I/O and needs no clock.
#[derive(Debug)]
pub struct Get {
    ceremony: Ceremony,
    options: RequestOptions,
    rp_id: RpId,
    client_data: ClientData,
    expected: Expected,
    attachment: Attachment,
    one_operation: bool,
    provider: CryptoProvider,
    state: State,
}

#[derive(Debug)]
enum State {
    /// Nothing is known of the authenticator yet.
    Waiting,
    /// The person is being verified.
    Verifying(Verifying, Box<Assertions>),
    /// The allow list is too long for one request: first it is searched. If nothing is found, these
    /// pieces are asked for aloud.
    Probing(Probe, Box<Assertions>, VecDeque<Vec<PublicKeyCredentialDescriptor>>),
    /// The authenticator signs, with one of the credentials of the request if it has a list; or
    /// else it is asked for these.
    Asserting(Box<Assertions>, VecDeque<Vec<PublicKeyCredentialDescriptor>>),
    /// There are several accounts, and not all of their assertions have come.
    Collecting {
        assertions: Vec<Assertion>,
        count: usize,
    },
    /// The person chooses.
    Choosing {
        assertions: Vec<Assertion>,
        token: Token,
    },
    Over,
}

/// What is asked for, and of whom.
#[derive(Debug)]
struct Assertions {
    request: GetAssertionRequest,
    info: GetInfo,
    /// The way to verify where the authenticator turns out to insist, or to fail at it.
    fallback: Option<Box<TokenFlow>>,
    /// How the allow list is searched where it is too long for one request.
    look: Look,
}

/// A checked assertion.
#[derive(Debug)]
struct Assertion {
    credential: PublicKeyCredentialDescriptor,
    response: GetAssertionResponse,
}

impl Get {
    /// Reads and checks what the site asks for; the time for the person starts now.
    ///
    /// `options_json` is a PublicKeyCredentialRequestOptionsJSON, alone or in a member `publicKey`.
    ///
    /// # Errors
    /// [`Error`] where the options are not as they must be, or the caller may not use the RP ID.
    pub fn new(
        client: &Client,
        caller: &Caller,
        options_json: &str,
        now: Instant,
    ) -> Result<Self, Error> {
        let provider = &client.provider;
        let options = RequestOptions::parse(options_json, provider)?;
        let rp_id = caller.origin.rp_id(options.rp_id.as_deref(), &*client.suffixes)?;
        let timeout = client.timeouts.pick(options.timeout);
        Ok(Self {
            ceremony: Ceremony::new(timeout, now).ok_or(Error::Length("timeout"))?,
            client_data: ClientData::new("webauthn.get", &options.challenge, caller, provider),
            expected: Expected {
                rp_id_hash: rp_id.hash(provider),
                user_verified: options.user_verification == Requirement::Required,
            },
            options,
            rp_id,
            attachment: Attachment::CrossPlatform,
            one_operation: false,
            provider: provider.clone(),
            state: State::Waiting,
        })
    }

    /// The RP ID that the assertion will be for.
    #[must_use]
    pub const fn rp_id(&self) -> &RpId {
        &self.rp_id
    }

    /// The authenticator is there: its getInfo as a CBOR map without status byte, and how it is
    /// reached.
    ///
    /// Only the first call counts.
    pub fn handle_info(&mut self, info: &[u8], transport: &Transport) {
        if !matches!(self.state, State::Waiting) || self.ceremony.is_over() {
            return;
        }
        self.attachment = Attachment::of(transport);
        // A session over the hybrid transport is one operation.
        self.one_operation = *transport == Transport::Hybrid;
        let info = GetInfo::from_cbor(info).map_err(Misbehaviour::Malformed);
        if let Err(error) = info.map_err(Error::from).and_then(|info| self.start(info, transport)) {
            self.stop(error);
        }
    }

    /// The response to the request of the last [`Output::Request`]. One that nobody asked for is
    /// ignored.
    pub fn handle_response(&mut self, response: &[u8]) {
        if !self.ceremony.answered() {
            return;
        }
        let result = match std::mem::replace(&mut self.state, State::Over) {
            State::Verifying(mut verifying, asked) => verifying
                .handle_response(response, &mut self.ceremony)
                .and_then(|progress| self.verified(verifying, asked, progress)),
            State::Probing(probe, asked, aloud) => self.probed(probe, asked, aloud, response),
            State::Asserting(asked, rest) => self.asserted(asked, rest, response),
            State::Collecting { assertions, count } => self.collected(assertions, count, response),
            State::Waiting | State::Choosing { .. } | State::Over => Ok(()),
        };
        if let Err(error) = result {
            self.stop(error);
        }
    }

    /// The person answers an [`Output::AskPin`]. An answer to a question that is not open is
    /// ignored.
    pub fn handle_pin(&mut self, token: Token, answer: PinAnswer) {
        if !matches!(&self.state, State::Verifying(verifying, _) if verifying.asks(token)) {
            return;
        }
        let state = std::mem::replace(&mut self.state, State::Over);
        let State::Verifying(mut verifying, asked) = state else { return };
        let progress = verifying.handle_answer(answer, &mut self.ceremony);
        let result = progress.and_then(|progress| self.verified(verifying, asked, progress));
        if let Err(error) = result {
            self.stop(error);
        }
    }

    /// The person chose the account at this place of the list, or `None`: to call it off.
    ///
    /// An answer to a question that is not open is ignored; a place beyond the list calls it off.
    pub fn handle_choice(&mut self, token: Token, choice: Option<usize>) {
        match &self.state {
            State::Choosing { token: asked, assertions } if *asked == token => {
                let chosen = choice.and_then(|place| assertions.get(place));
                let result = chosen.ok_or(Error::Cancelled);
                let result = result.and_then(|assertion| self.to_json(assertion));
                self.state = State::Over;
                self.ceremony.finish(result);
            }
            _ => {}
        }
    }

    /// The way to the authenticator broke.
    pub fn handle_channel_error(&mut self, error: ChannelError) {
        self.state = State::Over;
        self.ceremony.channel_failed(error);
    }

    /// The person calls it off.
    pub fn handle_cancel(&mut self) {
        self.stop(Error::Cancelled);
    }

    /// The site calls it off, by its AbortSignal.
    pub fn handle_abort(&mut self) {
        self.stop(Error::Aborted);
    }

    /// The time is `now`.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.ceremony.handle_timeout(now);
        if self.ceremony.is_over() {
            self.state = State::Over;
        }
    }

    /// What to do next; `None` for "wait".
    pub fn poll_output(&mut self) -> Option<Output> {
        self.ceremony.poll_output()
    }

    /// When to call [`Get::handle_timeout`]; `None` when it is over.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.ceremony.poll_timeout()
    }

    fn stop(&mut self, error: Error) {
        self.state = State::Over;
        self.ceremony.stop(error);
    }

    fn start(&mut self, info: GetInfo, transport: &Transport) -> Result<(), Error> {
        let wish = match self.options.user_verification {
            // A credential is there already: what protects it, too, or it is of no use to the site.
            Requirement::Required => Wish::Required { new_pin: false },
            Requirement::Preferred => Wish::IfPossible,
            // An authenticator that always verifies wants its PIN; what is built in it uses without
            // being asked.
            Requirement::Discouraged
                if info.options.always_uv == Some(true) && info.options.uv != Some(true) =>
            {
                Wish::IfPossible
            }
            Requirement::Discouraged => Wish::No,
        };
        let (provider, rp_id, permissions) = (&self.provider, &self.rp_id, Permissions::GA);
        let means = Means { info: &info, transport, provider, rp_id, permissions };
        let plan = means.plan(wish).ok_or(Error::CannotSignInVerified)?;
        let fallback = means.fallback();
        let mut request = GetAssertionRequest::new(self.rp_id.clone(), self.client_data.hash);
        prf::ask(self.options.prf.as_ref(), &info, &mut request.extensions);
        let mut asked = Box::new(Assertions { request, info, fallback, look: Look::Silent });
        match plan {
            Plan::Token(flow) => {
                asked.fallback = None;
                let verifying = Verifying::start(flow, &mut self.ceremony);
                self.state = State::Verifying(verifying, asked);
                return Ok(());
            }
            Plan::BuiltIn => asked.request.options.uv = Some(true),
            Plan::Without => {}
        }
        self.search(asked, None)
    }

    /// The person was verified, or was not, or is asked further.
    fn verified(
        &mut self,
        verifying: Verifying,
        mut asked: Box<Assertions>,
        progress: Progress,
    ) -> Result<(), Error> {
        match progress {
            Progress::Waits => {
                self.state = State::Verifying(verifying, asked);
                Ok(())
            }
            Progress::Verified(token) => {
                asked.request.pin_uv_auth_protocol = Some(token.protocol());
                asked.request.pin_uv_auth_param = Some(token.proof(&self.client_data.hash));
                self.search(asked, Some(&token))
            }
            Progress::Without if self.expected.user_verified => Err(Error::CannotSignInVerified),
            Progress::Without => self.search(asked, None),
        }
    }

    /// Searches a list that is too long for one request; then, or else at once, the assertion is
    /// asked for.
    fn search(
        &mut self,
        mut asked: Box<Assertions>,
        token: Option<&PinUvAuthToken>,
    ) -> Result<(), Error> {
        asked.look = look(token);
        let Assertions { request, info, .. } = &mut *asked;
        request.allow_list = None;
        let Some(list) = &self.options.allow else {
            self.assert(asked, VecDeque::new());
            return Ok(());
        };
        let base = Request::from(request.clone()).encode().len();
        let pieces = lists::split(list, info, base);
        if pieces.is_empty() {
            return Err(Error::NoCredentials);
        }
        if self.one_operation {
            request.allow_list = Some(pieces.into_iter().flatten().collect());
            self.assert(asked, VecDeque::new());
            return Ok(());
        }
        self.search_pieces(asked, pieces)
    }

    fn search_pieces(
        &mut self,
        asked: Box<Assertions>,
        mut pieces: VecDeque<Vec<PublicKeyCredentialDescriptor>>,
    ) -> Result<(), Error> {
        if pieces.len() == 1 {
            return self.assert_next(asked, pieces);
        }
        let Assertions { request, info, look, .. } = &*asked;
        let probe = Probe::new(self.rp_id.clone(), look, &pieces);
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

    fn assert(
        &mut self,
        asked: Box<Assertions>,
        rest: VecDeque<Vec<PublicKeyCredentialDescriptor>>,
    ) {
        self.ceremony.request(Request::from(asked.request.clone()).encode());
        self.state = State::Asserting(asked, rest);
    }

    /// Asks for the next of these pieces aloud.
    fn assert_next(
        &mut self,
        mut asked: Box<Assertions>,
        mut pieces: VecDeque<Vec<PublicKeyCredentialDescriptor>>,
    ) -> Result<(), Error> {
        asked.request.allow_list = Some(pieces.pop_front().ok_or(Error::NoCredentials)?);
        self.assert(asked, pieces);
        Ok(())
    }

    fn probed(
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
                self.assert(asked, VecDeque::new());
                Ok(())
            }
            Ok(Found::Nothing) => self.assert_next(asked, aloud),
            Err(error) => self.insisted(asked, error),
        }
    }

    /// An authenticator that wants to have verified, or could not do it by itself, gets the PIN.
    fn insisted(&mut self, mut asked: Box<Assertions>, error: Error) -> Result<(), Error> {
        match asked.fallback.take() {
            Some(flow) if Verifying::goes_on_with_the_pin(&error) => {
                let tried = asked.request.options.uv.take().is_some();
                let verifying = Verifying::instead(flow, tried, &error, &mut self.ceremony);
                self.state = State::Verifying(verifying, asked);
                Ok(())
            }
            _ => Err(error),
        }
    }

    fn asserted(
        &mut self,
        asked: Box<Assertions>,
        rest: VecDeque<Vec<PublicKeyCredentialDescriptor>>,
        response: &[u8],
    ) -> Result<(), Error> {
        let allowed = asked.request.allow_list.as_deref();
        let assertion = match self.check(response, allowed) {
            Err(error) if lists::holds_none(&error) && !rest.is_empty() => {
                return self.assert_next(asked, rest);
            }
            Err(error) => {
                // Its getInfo did not say that the list is too long for it.
                let halves = lists::halves(allowed.unwrap_or_default(), &error);
                let Some(halves) = halves.filter(|_| !self.one_operation) else {
                    return self.insisted(asked, error);
                };
                return self.search_pieces(asked, halves.into_iter().chain(rest).collect());
            }
            Ok(assertion) => assertion,
        };
        let chosen = assertion.response.user_selected == Some(true);
        let count = match assertion.response.number_of_credentials {
            // With a list there is one answer; and an authenticator that lets the person choose has
            // done so.
            Some(count) if allowed.is_none() && !self.one_operation && !chosen => count,
            _ => 1,
        };
        if count > MAX_ACCOUNTS {
            return Err(Misbehaviour::TooManyCredentials.into());
        }
        if count > 1 {
            let count = usize::try_from(count).unwrap_or(usize::MAX);
            self.state = State::Collecting { assertions: vec![assertion], count };
            self.ceremony.request(Request::GetNextAssertion.encode());
        } else {
            let result = self.to_json(&assertion);
            self.ceremony.finish(result);
        }
        Ok(())
    }

    fn collected(
        &mut self,
        mut assertions: Vec<Assertion>,
        count: usize,
        response: &[u8],
    ) -> Result<(), Error> {
        assertions.push(self.check(response, None)?);
        if assertions.len() < count {
            self.state = State::Collecting { assertions, count };
            self.ceremony.request(Request::GetNextAssertion.encode());
            return Ok(());
        }
        let users = assertions.iter().filter_map(|assertion| assertion.response.user.clone());
        let accounts = users.map(|user| Account { user }).collect();
        let token = Token::unique();
        self.state = State::Choosing { assertions, token };
        self.ceremony.output(Output::Choose { token, accounts });
        Ok(())
    }

    /// Reads and checks one assertion.
    fn check(
        &self,
        response: &[u8],
        allowed: Option<&[PublicKeyCredentialDescriptor]>,
    ) -> Result<Assertion, Error> {
        let mut response = GetAssertionResponse::decode(response).map_err(Error::from_response)?;
        let data =
            AuthenticatorData::decode(&response.auth_data).map_err(Misbehaviour::Malformed)?;
        self.expected.check(&data)?;
        let credential = response.credential.take();
        let credential = match allowed {
            Some(list) => lists::used_credential(credential, list)?,
            None if response.user.is_none() => return Err(Misbehaviour::NoUserHandle.into()),
            None => credential.ok_or(Misbehaviour::NoCredential)?,
        };
        Ok(Assertion { credential, response })
    }

    fn to_json(&self, assertion: &Assertion) -> Result<String, Error> {
        let Assertion { credential, response } = assertion;
        let outputs = &response.unsigned_extension_outputs;
        let prf =
            self.options.prf.as_ref().map(|_| PrfOutputs::of_assertion(outputs)).transpose()?;
        let authentication = Authentication {
            credential_id: &credential.id,
            client_data_json: &self.client_data.json,
            authenticator_data: &response.auth_data,
            signature: &response.signature,
            user_handle: response.user.as_ref().map(|user| &user.id),
            attachment: self.attachment,
            outputs: &Outputs { cred_props: None, prf },
        };
        Ok(authentication.to_json())
    }
}
