//! Sign-in: an assertion (WebAuthn L3 §5.1.4; CTAP 2.3 §6.2, §6.3).

mod answer;
mod looking;
mod search;

use std::{collections::VecDeque, time::Instant};

use towline_crypto::CryptoProvider;
use towline_ctap::{
    GetAssertionRequest, GetAssertionResponse, GetInfo, Permissions, PublicKeyCredentialDescriptor,
    RpId, Transport,
    extension::{ExtensionValue as _, GetCredBlob, PrfGetInput},
};

use self::looking::Looking;
use crate::{
    Attachment, Caller, CeremonyOutput, CeremonyToken, ChannelError, Client, Error, Mediation,
    PinAnswer, PublicKeyCredentialHint, appid,
    ceremony::{Ceremony, Expected},
    client_data::ClientData,
    error::Misbehaviour,
    large_blob::{self, BlobFlow, BlobWay, BlobWish, Room},
    lists::{Look, Probe},
    options::{RequestOptions, Requirement},
    pin::{PinUvAuthToken, Protocol, TokenFlow},
    prf::{
        self,
        hmac_secret::{self, Agreement},
    },
    verification::{Means, Plan, Progress, Verifying, Wish},
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
    /// By which protocol salts go to an authenticator that makes `prf` from `hmac-secret`.
    hmac_secret: Option<Protocol>,
    agreed: Option<Agreement>,
    blob_way: Option<BlobWay>,
    room: Room,
    /// What else the person's verification is good for.
    token: Option<PinUvAuthToken>,
    /// What U2F knows the site by.
    appid: Option<RpId>,
    by_appid: bool,
    state: State,
}

#[derive(Debug)]
enum State {
    /// Nothing is known of the authenticator yet.
    Waiting,
    /// Nobody may be asked before there is something to sign in with.
    Looking(Box<Looking>),
    /// The person is being verified.
    Verifying(Verifying, Box<Assertions>),
    /// The allow list is too long for one request: first it is searched. If nothing is found, these
    /// pieces are asked for aloud.
    Probing(Probe, Box<Assertions>, VecDeque<Vec<PublicKeyCredentialDescriptor>>),
    /// The authenticator signs, with one of the credentials of the request if it has a list; or
    /// else it is asked for these.
    Asserting(Box<Assertions>, VecDeque<Vec<PublicKeyCredentialDescriptor>>),
    /// Both sides agree on a secret, so that salts can be sent.
    Agreeing(Protocol, Box<Assertions>, VecDeque<Vec<PublicKeyCredentialDescriptor>>),
    /// There are several accounts, and not all of their assertions have come.
    Collecting {
        assertions: Vec<Assertion>,
        count: usize,
    },
    /// The person chooses.
    Choosing {
        assertions: Vec<Assertion>,
        token: CeremonyToken,
    },
    /// There is an assertion; the blob of its credential is read or written.
    Blob(Box<(Assertion, BlobFlow)>),
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
        let rp_id = caller.rp_id(options.rp_id.as_deref(), &*client.suffixes)?;
        let appid = options.appid.as_deref();
        let appid =
            appid.map(|appid| appid::check(appid, caller, &*client.suffixes)).transpose()?;
        let timeout = client.timeouts.pick(options.timeout);
        let ceremony = match options.mediation {
            Mediation::Conditional => Some(Ceremony::beside_a_form()),
            _ => Ceremony::new(timeout, now),
        };
        Ok(Self {
            ceremony: ceremony.ok_or(Error::Length("timeout"))?,
            client_data: ClientData::new("webauthn.get", &options.challenge, caller, provider),
            expected: Expected {
                rp_id_hash: rp_id.hash(provider),
                user_present: true,
                user_verified: options.user_verification == Requirement::Required,
            },
            options,
            rp_id,
            attachment: Attachment::CrossPlatform,
            one_operation: false,
            provider: provider.clone(),
            hmac_secret: None,
            agreed: None,
            blob_way: None,
            room: Room::default(),
            token: None,
            appid,
            by_appid: false,
            state: State::Waiting,
        })
    }

    /// The RP ID that the assertion will be for.
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

    /// Why nothing comes of a conditional sign-in with this authenticator. The site is not told:
    /// begin anew with another authenticator, or wait for [`Self::handle_abort`].
    #[must_use]
    pub const fn untold(&self) -> Option<&Error> {
        self.ceremony.untold()
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
        self.attachment = Attachment::of(transport);
        // A session over the hybrid transport is one operation.
        self.one_operation = *transport == Transport::Hybrid;
        if let Err(error) = self.look(info, transport) {
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
            State::Looking(looking) => self.looked(*looking, response),
            State::Verifying(mut verifying, asked) => verifying
                .handle_response(response, &mut self.ceremony)
                .and_then(|progress| self.verified(verifying, asked, progress)),
            State::Probing(probe, asked, aloud) => self.probed(probe, asked, aloud, response),
            State::Asserting(asked, rest) => self.asserted(asked, rest, response),
            State::Agreeing(protocol, asked, rest) => self.agreed(protocol, asked, rest, response),
            State::Blob(blob) => self.blob(*blob, response),
            State::Collecting { assertions, count } => self.collected(assertions, count, response),
            State::Waiting | State::Choosing { .. } | State::Over => Ok(()),
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
    pub fn handle_choice(&mut self, token: CeremonyToken, choice: Option<usize>) {
        match &self.state {
            State::Choosing { token: asked, assertions } if *asked == token => {
                let chosen = choice.filter(|place| *place < assertions.len());
                let state = std::mem::replace(&mut self.state, State::Over);
                match (state, chosen) {
                    (State::Choosing { mut assertions, .. }, Some(place)) => {
                        self.conclude(assertions.swap_remove(place));
                    }
                    _ => self.ceremony.finish(Err(Error::Cancelled)),
                }
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
        self.state = State::Over;
        self.ceremony.abort();
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

    /// When to call [`Get::handle_timeout`]; `None` when it is over.
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

    pub(super) fn start(&mut self, info: GetInfo, transport: &Transport) -> Result<(), Error> {
        let prf = self.options.prf.as_ref().filter(|prf| **prf != PrfGetInput::default());
        let hmac_secret = prf.and_then(|_| hmac_secret::protocol(&info, transport));
        let one_message = *transport == Transport::Hybrid;
        let blob_way = BlobWay::of(&info).filter(|way| !(one_message && *way == BlobWay::Array));
        let writes = matches!(self.options.blob, Some(BlobWish::Write(_)))
            && blob_way == Some(BlobWay::Array);
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
            // What `hmac-secret` gives to people who are verified is what sites get, and a blob is
            // written by them alone.
            Requirement::Discouraged if hmac_secret.is_some() || writes => Wish::IfPossible,
            Requirement::Discouraged => Wish::No,
        };
        let permissions = match writes {
            true => Permissions::GA | Permissions::LBW,
            false => Permissions::GA,
        };
        (self.hmac_secret, self.blob_way, self.room) = (hmac_secret, blob_way, Room::of(&info));
        let (provider, rp_id) = (&self.provider, &self.rp_id);
        let means =
            Means { info: &info, transport, provider, rp_id, permissions, needs_token: writes };
        let plan = means.plan(wish).ok_or(Error::CannotSignInVerified)?;
        let fallback = means.fallback();
        let mut request = GetAssertionRequest::new(self.rp_id.clone(), self.client_data.hash);
        prf::ask(self.options.prf.as_ref(), &info, &mut request.extensions);
        if self.options.get_cred_blob && info.supports_extension(GetCredBlob::ID) {
            request.extensions.set(&GetCredBlob(true));
        }
        if let Some(wish) = &self.options.blob {
            large_blob::ask(wish, blob_way, &mut request.extensions);
        }
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
                let result = self.search(asked, Some(&token));
                self.token = Some(token);
                result
            }
            Progress::Without if self.expected.user_verified => Err(Error::CannotSignInVerified),
            Progress::Without => self.search(asked, None),
        }
    }
}
