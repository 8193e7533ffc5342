//! Registration: a new credential (WebAuthn L3 §5.1.3; CTAP 2.3 §6.1).

mod answer;
mod request;
mod search;
mod u2f;

use std::time::Instant;

use towline_crypto::CryptoProvider;
use towline_ctap::{GetInfo, MakeCredentialRequest, Permissions, RpId, Transport};

use self::{request::known_discoverability, u2f::excluded};
use crate::{
    Attachment, Caller, CeremonyOutput, CeremonyToken, ChannelError, Client, Error, Mediation,
    PinAnswer, PublicKeyCredentialHint, appid,
    ceremony::{Ceremony, Expected},
    client_data::ClientData,
    error::Misbehaviour,
    lists::{Look, Probe},
    options::{CreationOptions, Requirement},
    pin::{Protocol, TokenFlow},
    prf::hmac_secret::{self, Agreement},
    verification::{Means, Plan, Progress, Verifying},
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
    /// By which protocol salts go to an authenticator that makes `prf` from `hmac-secret`.
    hmac_secret: Option<Protocol>,
    agreed: Option<Agreement>,
    /// What U2F knows the site by, as long as it was not looked for that.
    appid: Option<RpId>,
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
    /// What U2F has made for the site is searched for what is excluded.
    LookingForU2f(RpId, Probe, Box<Creation>),
    /// There is such a thing: somebody has to touch the key before the site learns that.
    Excluding,
    /// Both sides agree on a secret, so that salts can be sent.
    Agreeing(Protocol, Box<Creation>),
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
        let mut options = CreationOptions::parse(options_json, provider)?;
        if client.only_discoverable && options.resident_key == Requirement::Discouraged {
            options.resident_key = Requirement::Preferred;
        }
        let rp_id = caller.rp_id(options.rp_id.as_deref(), &*client.suffixes)?;
        let appid = options.appid_exclude.as_deref();
        let appid =
            appid.map(|appid| appid::check(appid, caller, &*client.suffixes)).transpose()?;
        let timeout = client.timeouts.pick(options.timeout);
        let conditional = options.mediation == Mediation::Conditional;
        if conditional && !client.conditional_create {
            return Err(Error::NotConditional);
        }
        Ok(Self {
            ceremony: Ceremony::new(timeout, now).ok_or(Error::Length("timeout"))?,
            client_data: ClientData::new("webauthn.create", &options.challenge, caller, provider),
            expected: Expected {
                rp_id_hash: rp_id.hash(provider),
                // Whoever is not asked need not be there (WebAuthn L3 §5.1.3).
                user_present: !conditional,
                user_verified: options.user_verification == Requirement::Required && !conditional,
            },
            options,
            rp_id,
            provider: provider.clone(),
            hmac_secret: None,
            agreed: None,
            appid,
            state: State::Waiting,
        })
    }

    /// The RP ID that the credential will be for.
    #[must_use]
    pub const fn rp_id(&self) -> &RpId {
        &self.rp_id
    }

    /// How the site wants the person to be involved.
    #[must_use]
    pub const fn mediation(&self) -> Mediation {
        self.options.mediation
    }

    /// Which kinds of authenticator the site thinks of, the most welcome first.
    #[must_use]
    pub fn hints(&self) -> &[PublicKeyCredentialHint] {
        &self.options.hints
    }

    /// The authenticator is there: its getInfo as a CBOR map without status byte, and how it is
    /// reached.
    ///
    /// Only the first call counts.
    pub fn handle_info(&mut self, info: &[u8], transport: &Transport) {
        match GetInfo::from_cbor(info) {
            Ok(info) => self.handle_known_info(info, transport),
            Err(_) if !self.is_waiting() => {}
            Err(error) => self.stop(Misbehaviour::Malformed(error).into()),
        }
    }

    /// The same from an authenticator in this process, whose getInfo nobody had to write and read.
    pub fn handle_known_info(&mut self, info: GetInfo, transport: &Transport) {
        if !self.is_waiting() {
            return;
        }
        if let Err(error) = self.start(info, transport) {
            self.stop(error);
        }
    }

    /// The response to the request of the last [`CeremonyOutput::Request`]. One that nobody asked
    /// for is ignored.
    pub fn handle_response(&mut self, response: &[u8]) {
        if !self.ceremony.answered() {
            return;
        }
        let result = match std::mem::replace(&mut self.state, State::Over) {
            State::Verifying(mut verifying, creation) => verifying
                .handle_response(response, &mut self.ceremony)
                .and_then(|progress| self.verified(verifying, creation, progress)),
            State::Probing(probe, creation) => self.probed(probe, creation, response),
            State::LookingForU2f(appid, probe, creation) => {
                self.looked_for_u2f(appid, probe, creation, response)
            }
            State::Excluding => Err(excluded(response)),
            State::Agreeing(protocol, creation) => self.agreed(protocol, creation, response),
            State::Creating(creation) => self.created(creation, response),
            State::Waiting | State::Over => Ok(()),
        };
        if let Err(error) = result {
            self.stop(error);
        }
    }

    /// The person answers a [`CeremonyOutput::AskPin`]. An answer to a question that is not open is
    /// ignored.
    pub fn handle_pin(&mut self, token: CeremonyToken, answer: PinAnswer) {
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
    pub fn poll_output(&mut self) -> Option<CeremonyOutput> {
        self.ceremony.poll_output()
    }

    /// When to call [`Create::handle_timeout`]; `None` when it is over.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.ceremony.poll_timeout()
    }

    /// Whether nothing is known of the authenticator yet.
    fn is_waiting(&self) -> bool {
        matches!(self.state, State::Waiting) && !self.ceremony.is_over()
    }

    fn stop(&mut self, error: Error) {
        self.state = State::Over;
        self.ceremony.stop(error);
    }

    fn start(&mut self, info: GetInfo, transport: &Transport) -> Result<(), Error> {
        let attachment = Attachment::of(transport);
        if self.options.mediation == Mediation::Conditional && *transport != Transport::Internal {
            return Err(Error::NotConditional);
        }
        if self.options.attachment.is_some_and(|wanted| wanted != attachment) {
            return Err(Error::WrongAttachment);
        }
        let prf = self.options.prf.as_ref();
        self.hmac_secret = prf.and_then(|_| hmac_secret::protocol(&info, transport));
        let (request, wish) = self.request(&info, transport)?;
        let permissions = match self.options.exclude.is_empty() {
            true => Permissions::MC,
            // A long list is searched with the same token.
            false => Permissions::MC | Permissions::GA,
        };
        let (provider, rp_id) = (&self.provider, &self.rp_id);
        let means =
            Means { info: &info, transport, provider, rp_id, permissions, needs_token: false };
        let plan = match means.plan(wish) {
            None if self.expected.user_verified => return Err(Error::UserVerificationUnavailable),
            plan => plan.unwrap_or(Plan::Without),
        };
        let fallback = means.fallback();
        let mut creation = Box::new(Creation {
            discoverable: known_discoverability(&request, &info),
            authenticator: Authenticator {
                transports: info.transports.clone().unwrap_or_else(|| vec![transport.clone()]),
                attachment,
            },
            request,
            fallback,
            look: Look::Silent,
            info,
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
                self.search(creation, None)?;
            }
            Plan::Without => self.search(creation, None)?,
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
                self.search(creation, Some(&token))?;
            }
            Progress::Without if self.expected.user_verified => {
                return Err(Error::UserVerificationUnavailable);
            }
            Progress::Without => self.search(creation, None)?,
        }
        Ok(())
    }
}
