//! Registration: a new credential (WebAuthn L3 §5.1.3; CTAP 2.3 §6.1).

use std::{collections::VecDeque, time::Instant};

use towline_crypto::CryptoProvider;
use towline_ctap::{
    AuthenticatorData, GetInfo, MakeCredentialRequest, MakeCredentialResponse, Permissions,
    PublicKeyCredentialDescriptor, Request, RequestOptions, Rp, RpId, Transport, User, Version,
    attestation_object, extension::CredentialProtectionPolicy,
};

use crate::{
    Attachment, Caller, ChannelError, Client, Error, Output, PinAnswer, Token, attestation,
    ceremony::{Ceremony, Expected},
    client_data::ClientData,
    error::Misbehaviour,
    lists::{self, Found, Look, Probe},
    names,
    options::{Conveyance, CreationOptions, Requirement},
    pin::{PinUvAuthToken, TokenFlow},
    prf::{self, PrfOutputs},
    response::{CredProps, Outputs, Registration},
    verification::{Means, Plan, Progress, Verifying, Wish, look},
};

/// One registration, from the site's options to the response for it.
///
/// Tell it about the authenticator with [`Create::handle_info`], then carry requests and responses,
/// and drain [`Create::poll_output`] after every input. It does no I/O and needs no clock.
#[derive(Debug)]
pub struct Create {
    ceremony: Ceremony,
    options: CreationOptions,
    rp_id: RpId,
    client_data: ClientData,
    expected: Expected,
    provider: CryptoProvider,
    state: State,
}

#[derive(Debug)]
enum State {
    /// Nothing is known of the authenticator yet.
    Waiting,
    /// The person is being verified.
    Verifying(Verifying, Box<Creation>),
    /// The exclude list is too long for one request: first it is searched.
    Probing(Probe, Box<Creation>),
    /// The authenticator makes the credential.
    Creating(Box<Creation>),
    Over,
}

/// What will be asked for, and of whom.
#[derive(Debug)]
struct Creation {
    request: MakeCredentialRequest,
    info: GetInfo,
    transport: Transport,
    discoverable: Option<bool>,
    authenticator: Authenticator,
    /// The way to verify where the authenticator turns out to insist, or to fail at it.
    fallback: Option<Box<TokenFlow>>,
    /// How the exclude list is searched where it is too long for one request.
    look: Look,
}

/// What the response tells the site about the authenticator.
#[derive(Debug)]
struct Authenticator {
    transports: Vec<Transport>,
    attachment: Attachment,
}

impl Create {
    /// Reads and checks what the site asks for; the time for the person starts now.
    ///
    /// `options_json` is a PublicKeyCredentialCreationOptionsJSON, alone or in a member
    /// `publicKey`.
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
        let options = CreationOptions::parse(options_json, provider)?;
        let rp_id = caller.origin.rp_id(options.rp_id.as_deref(), &*client.suffixes)?;
        let timeout = client.timeouts.pick(options.timeout);
        Ok(Self {
            ceremony: Ceremony::new(timeout, now).ok_or(Error::Length("timeout"))?,
            client_data: ClientData::new("webauthn.create", &options.challenge, caller, provider),
            expected: Expected {
                rp_id_hash: rp_id.hash(provider),
                user_verified: options.user_verification == Requirement::Required,
            },
            options,
            rp_id,
            provider: provider.clone(),
            state: State::Waiting,
        })
    }

    /// The RP ID that the credential will be for.
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
        let info = GetInfo::from_cbor(info).map_err(Misbehaviour::Malformed);
        if let Err(error) = info.map_err(Error::from).and_then(|info| self.start(&info, transport))
        {
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
            State::Verifying(mut verifying, creation) => verifying
                .handle_response(response, &mut self.ceremony)
                .and_then(|progress| self.verified(verifying, creation, progress)),
            State::Probing(probe, creation) => self.probed(probe, creation, response),
            State::Creating(creation) => self.created(creation, response),
            State::Waiting | State::Over => Ok(()),
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
        let State::Verifying(mut verifying, creation) = state else { return };
        let progress = verifying.handle_answer(answer, &mut self.ceremony);
        let result = progress.and_then(|progress| self.verified(verifying, creation, progress));
        if let Err(error) = result {
            self.stop(error);
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

    /// When to call [`Create::handle_timeout`]; `None` when it is over.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.ceremony.poll_timeout()
    }

    fn stop(&mut self, error: Error) {
        self.state = State::Over;
        self.ceremony.stop(error);
    }

    fn start(&mut self, info: &GetInfo, transport: &Transport) -> Result<(), Error> {
        let attachment = Attachment::of(transport);
        if self.options.attachment.is_some_and(|wanted| wanted != attachment) {
            return Err(Error::WrongAttachment);
        }
        let (request, wish) = self.request(info, transport)?;
        let permissions = match self.options.exclude.is_empty() {
            true => Permissions::MC,
            // A long list is searched with the same token.
            false => Permissions::MC | Permissions::GA,
        };
        let (provider, rp_id) = (&self.provider, &self.rp_id);
        let means = Means { info, transport, provider, rp_id, permissions };
        let plan = match means.plan(wish) {
            None if self.expected.user_verified => return Err(Error::UserVerificationUnavailable),
            plan => plan.unwrap_or(Plan::Without),
        };
        let mut creation = Box::new(Creation {
            discoverable: known_discoverability(&request, info),
            authenticator: Authenticator {
                transports: info.transports.clone().unwrap_or_else(|| vec![transport.clone()]),
                attachment,
            },
            request,
            fallback: means.fallback(),
            look: Look::Silent,
            info: info.clone(),
            transport: transport.clone(),
        });
        match plan {
            Plan::Token(flow) => {
                creation.fallback = None;
                let verifying = Verifying::start(flow, &mut self.ceremony);
                self.state = State::Verifying(verifying, creation);
            }
            Plan::BuiltIn => {
                creation.request.options.uv = Some(true);
                self.search(creation, None);
            }
            Plan::Without => self.search(creation, None),
        }
        Ok(())
    }

    /// The person was verified, or was not, or is asked further.
    fn verified(
        &mut self,
        verifying: Verifying,
        mut creation: Box<Creation>,
        progress: Progress,
    ) -> Result<(), Error> {
        match progress {
            Progress::Waits => self.state = State::Verifying(verifying, creation),
            Progress::Verified(token) => {
                creation.request.pin_uv_auth_protocol = Some(token.protocol());
                creation.request.pin_uv_auth_param = Some(token.proof(&self.client_data.hash));
                self.search(creation, Some(&token));
            }
            Progress::Without if self.expected.user_verified => {
                return Err(Error::UserVerificationUnavailable);
            }
            Progress::Without => self.search(creation, None),
        }
        Ok(())
    }

    /// Searches a list that is too long for one request; then, or else at once, the credential is
    /// asked for.
    fn search(&mut self, mut creation: Box<Creation>, token: Option<&PinUvAuthToken>) {
        creation.look = look(token);
        let Creation { request, info, transport, .. } = &mut *creation;
        request.exclude_list = Vec::new();
        let base = Request::from(request.clone()).encode().len();
        let pieces = lists::split(&self.options.exclude, info, base);
        if *transport == Transport::Hybrid {
            // A session is one operation, and phones take messages of any size.
            request.exclude_list = pieces.into_iter().flatten().collect();
            return self.create(creation);
        }
        self.search_pieces(creation, pieces);
    }

    fn search_pieces(
        &mut self,
        mut creation: Box<Creation>,
        mut pieces: VecDeque<Vec<PublicKeyCredentialDescriptor>>,
    ) {
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
            }
            None => self.create(creation),
        }
    }

    fn probed(
        &mut self,
        mut probe: Probe,
        mut creation: Box<Creation>,
        response: &[u8],
    ) -> Result<(), Error> {
        match probe.handle_response(response) {
            Ok(Found::NotYet(next)) => {
                self.state = State::Probing(probe, creation);
                self.ceremony.request(next);
            }
            // With the one that was found in the list, the authenticator asks for presence before
            // it refuses.
            Ok(Found::Credential(found)) => {
                creation.request.exclude_list = vec![found];
                self.create(creation);
            }
            Ok(Found::Nothing) => self.create(creation),
            Err(error) => return self.insisted(creation, error),
        }
        Ok(())
    }

    fn create(&mut self, creation: Box<Creation>) {
        self.ceremony.request(Request::from(creation.request.clone()).encode());
        self.state = State::Creating(creation);
    }

    fn created(&mut self, creation: Box<Creation>, response: &[u8]) -> Result<(), Error> {
        match self.finish(response, creation.discoverable, &creation.authenticator) {
            Err(error) => match lists::halves(&creation.request.exclude_list, &error) {
                // Its getInfo did not say that the list is too long for it.
                Some(halves) if creation.transport != Transport::Hybrid => {
                    self.search_pieces(creation, halves.into());
                    Ok(())
                }
                _ => self.insisted(creation, error),
            },
            result => {
                self.ceremony.finish(result);
                Ok(())
            }
        }
    }

    /// An authenticator that wants to have verified, or could not do it by itself, gets the PIN.
    fn insisted(&mut self, mut creation: Box<Creation>, error: Error) -> Result<(), Error> {
        match creation.fallback.take() {
            Some(flow) if Verifying::goes_on_with_the_pin(&error) => {
                let tried = creation.request.options.uv.take().is_some();
                let verifying = Verifying::instead(flow, tried, &error, &mut self.ceremony);
                self.state = State::Verifying(verifying, creation);
                Ok(())
            }
            _ => Err(error),
        }
    }

    /// The request, without its exclude list, and how much verification goes with it.
    fn request(
        &self,
        info: &GetInfo,
        transport: &Transport,
    ) -> Result<(MakeCredentialRequest, Wish), Error> {
        let options = &self.options;
        let can_store = info.options.rk == Some(true);
        let discoverable = match options.resident_key {
            Requirement::Required if !can_store => return Err(Error::DiscoverableUnsupported),
            Requirement::Required => true,
            Requirement::Preferred => can_store,
            Requirement::Discouraged => false,
        };
        // An authenticator that can verify wants to, unless it says that it does without (CTAP 2.3
        // §6.1.2).
        let insists = discoverable || info.options.make_cred_uv_not_rqd != Some(true);
        let always = info.options.always_uv == Some(true);
        // A person who makes a passkey can make a PIN for it. Phones have a lock of their own.
        let required = Wish::Required { new_pin: *transport != Transport::Hybrid };
        let wish = match options.user_verification {
            Requirement::Required => required,
            _ if always => required,
            Requirement::Discouraged if !insists => Wish::No,
            Requirement::Preferred | Requirement::Discouraged => Wish::IfPossible,
        };

        let shorten =
            |name: Option<&str>| name.map(|name| names::shorten(name, transport).to_owned());
        let rp_name = Some(options.rp_name.as_str()).filter(|name| !name.is_empty());
        let rp = Rp { id: self.rp_id.clone(), name: shorten(rp_name) };
        let user = User {
            id: options.user.id.clone(),
            name: shorten(options.user.name.as_deref()),
            display_name: shorten(options.user.display_name.as_deref()),
        };
        let algorithms = options.algorithms.clone();
        let mut request = MakeCredentialRequest::new(self.client_data.hash, rp, user, algorithms);
        request.options = RequestOptions { rk: discoverable.then_some(true), up: None, uv: None };
        if let Some(protection) = options.protection {
            if info.supports_extension("credProtect") {
                request.extensions.set(&protection.policy);
            } else if protection.enforce
                && protection.policy != CredentialProtectionPolicy::UserVerificationOptional
            {
                return Err(Error::ProtectionUnsupported);
            }
        }
        prf::ask(options.prf.as_ref(), info, &mut request.extensions);
        request.attestation_formats_preference = attestation::preference(options, info);
        Ok((request, wish))
    }

    fn finish(
        &self,
        response: &[u8],
        discoverable: Option<bool>,
        authenticator: &Authenticator,
    ) -> Result<String, Error> {
        let response = MakeCredentialResponse::decode(response).map_err(Error::from_response)?;
        let data =
            AuthenticatorData::decode(&response.auth_data).map_err(Misbehaviour::Malformed)?;
        self.expected.check(&data)?;
        self.check_protection(&data)?;
        let attested = data.attested.as_ref().ok_or(Misbehaviour::NoCredential)?;
        let algorithm = attested.public_key.algorithm();
        let algorithm = algorithm
            .filter(|alg| self.options.algorithms.contains(alg))
            .ok_or(Misbehaviour::UnexpectedAlgorithm)?;
        let MakeCredentialResponse { attestation, auth_data, unsigned_extension_outputs, .. } =
            response;
        let prf = self.options.prf.as_ref();
        let prf = prf.map(|_| PrfOutputs::of_creation(&unsigned_extension_outputs)).transpose()?;
        let statement = match self.options.conveyance {
            Conveyance::Direct => attestation,
            Conveyance::None => attestation::without(attestation, attested),
        };
        let registration = Registration {
            credential_id: &attested.credential_id,
            client_data_json: &self.client_data.json,
            authenticator_data: &auth_data,
            attestation_object: &attestation_object(&statement, &auth_data),
            public_key: &attested.public_key,
            algorithm,
            transports: &authenticator.transports,
            attachment: authenticator.attachment,
            outputs: &Outputs {
                cred_props: self.options.cred_props.then_some(CredProps { rk: discoverable }),
                prf,
            },
        };
        Ok(registration.to_json())
    }

    fn check_protection(&self, data: &AuthenticatorData) -> Result<(), Error> {
        let Some(wanted) = self.options.protection.filter(|protection| protection.enforce) else {
            return Ok(());
        };
        let in_force = data
            .extensions
            .get::<CredentialProtectionPolicy>()
            .map_err(Misbehaviour::Malformed)?
            .unwrap_or_default();
        if in_force < wanted.policy { Err(Misbehaviour::NotProtected.into()) } else { Ok(()) }
    }
}

/// Whether the credential will be discoverable, as far as the request tells. CTAP 2.0 lets an
/// authenticator make any credential discoverable.
fn known_discoverability(request: &MakeCredentialRequest, info: &GetInfo) -> Option<bool> {
    let strict = info.versions.iter().any(|version| {
        matches!(version, Version::Fido2_1Pre | Version::Fido2_1 | Version::Fido2_3)
    });
    if request.options.rk == Some(true) { Some(true) } else { strict.then_some(false) }
}
