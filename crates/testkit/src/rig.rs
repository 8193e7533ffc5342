//! An authenticator with a scripted person and a clock moved by hand.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use towline_authenticator::{
    Answer, Authenticator, ChannelId, Config, CredentialStore, Event, Job, KeyStore, MemoryStore,
    NonDiscoverable, Output, Question, SoftwareKeys, Token,
};
use towline_crypto::CryptoProvider;
use towline_ctap::{
    AuthenticatorData, ClientDataHash, CosePublicKey, CredentialId, GetAssertionRequest,
    GetAssertionResponse, GetInfo, MakeCredentialRequest, MakeCredentialResponse,
    PublicKeyCredentialDescriptor, Request, Rp, RpId, Status, Transport, User, UserHandle,
    algorithm, hid::KeepaliveStatus,
};

pub mod commands;
mod keys;
pub mod platform;
mod store;

pub use self::{
    keys::RiggedKeys,
    store::{Fuse, RiggedStore, done, fragile_provider},
};

/// The channel on which [`Rig::call`] sends.
pub const HOME: ChannelId = ChannelId(1);
/// Another client's channel.
pub const ELSEWHERE: ChannelId = ChannelId(2);

/// What the person says to a question; nothing leaves it open.
pub type Answers = Box<dyn FnMut(&Question) -> Option<Answer> + Send>;

/// An authenticator, whoever is in front of it, and all that came out of it.
pub struct Rig {
    /// The authenticator itself.
    pub authenticator: Authenticator,
    /// The cryptography that it was made with.
    pub provider: CryptoProvider,
    /// What is at the bottom of its store.
    pub store: MemoryStore,
    /// The time by the clock that is moved by hand.
    pub now: Instant,
    /// How requests come.
    pub transport: Option<Transport>,
    /// Who answers the questions; [`agreeable`] at first.
    pub person: Answers,
    /// Whether jobs are run as soon as they come.
    pub works: bool,
    /// All questions that were asked, answered or not.
    pub questions: Vec<Question>,
    /// The questions that nobody answered yet.
    pub open: Vec<(Token, Question)>,
    /// The questions that were taken back.
    pub withdrawn: Vec<Token>,
    /// The jobs that wait to be run, where [`Rig::works`] is false.
    pub jobs: VecDeque<(Token, Job)>,
    /// What the requests waited for, in order.
    pub keepalives: Vec<(ChannelId, KeepaliveStatus)>,
    /// The responses that were not looked at yet.
    pub responses: VecDeque<(ChannelId, Vec<u8>)>,
    /// What the person was told, in order.
    pub events: Vec<Event>,
}

/// Agrees to everything, verifies at once, takes the newest account.
pub fn agreeable(question: &Question) -> Option<Answer> {
    Some(match question {
        Question::VerifyUser { .. } => Answer::Verified,
        Question::ChooseAccount { .. } => Answer::Account(0),
        _ => Answer::Approve,
    })
}

/// Says no to everything.
pub fn refusing(_: &Question) -> Option<Answer> {
    Some(Answer::Deny)
}

/// Nobody is there.
pub fn absent(_: &Question) -> Option<Answer> {
    None
}

/// Fails to be verified, and agrees to everything else.
pub fn clumsy(question: &Question) -> Option<Answer> {
    match question {
        Question::VerifyUser { .. } => Some(Answer::NotVerified),
        other => agreeable(other),
    }
}

impl Rig {
    /// Over an empty store in memory.
    pub fn new(config: Config) -> Self {
        Self::over(config, MemoryStore::new())
    }

    /// Over this store, with keys in software.
    pub fn over(config: Config, store: MemoryStore) -> Self {
        let provider = towline_crypto::rustcrypto::provider();
        let keys = SoftwareKeys::new(provider.clone());
        Self::with(config, provider, store.clone(), store, keys)
    }

    /// Of parts that are all chosen. `memory` is what a test looks into: what `store` keeps its
    /// credentials in.
    pub fn with(
        config: Config,
        provider: CryptoProvider,
        memory: MemoryStore,
        store: impl CredentialStore + 'static,
        keys: impl KeyStore + 'static,
    ) -> Self {
        let authenticator = Authenticator::new(config, provider.clone(), store, keys).unwrap();
        Self {
            authenticator,
            provider,
            store: memory,
            now: Instant::now(),
            transport: Some(Transport::Internal),
            person: Box::new(agreeable),
            works: true,
            questions: Vec::new(),
            open: Vec::new(),
            withdrawn: Vec::new(),
            jobs: VecDeque::new(),
            keepalives: Vec::new(),
            responses: VecDeque::new(),
            events: Vec::new(),
        }
    }

    /// Has this person answer from now on.
    pub fn person(
        &mut self,
        person: impl FnMut(&Question) -> Option<Answer> + Send + 'static,
    ) -> &mut Self {
        self.person = Box::new(person);
        self
    }

    /// Sends a request and does what comes of it, as far as the person and the jobs go.
    pub fn send(&mut self, channel: ChannelId, request: &[u8]) {
        match self.transport.clone() {
            Some(over) => self.authenticator.handle_request_over(over, channel, request, self.now),
            None => self.authenticator.handle_request(channel, request, self.now),
        }
        self.pump();
    }

    /// Does whatever the authenticator wants done, as far as the person and the jobs go.
    pub fn pump(&mut self) {
        while let Some(output) = self.authenticator.poll_output() {
            match output {
                Output::Ask { token, question } => {
                    self.questions.push(question.clone());
                    match (self.person)(&question) {
                        Some(answer) => {
                            self.authenticator.handle_answer(token, answer, self.now).unwrap();
                        }
                        None => self.open.push((token, question)),
                    }
                }
                Output::Withdraw { token } => {
                    let before = self.open.len();
                    self.open.retain(|(open, _)| *open != token);
                    assert_eq!(self.open.len() + 1, before, "withdrew what was not open");
                    self.withdrawn.push(token);
                }
                Output::Work { token, job } if self.works => {
                    self.authenticator.handle_work(token, job.run(), self.now).unwrap();
                }
                Output::Work { token, job } => self.jobs.push_back((token, job)),
                Output::Status { channel, status } => self.keepalives.push((channel, status)),
                Output::Response { channel, bytes } => {
                    assert!(
                        self.open.is_empty() || bytes == [0x06] || bytes == [0x69, 0x85],
                        "a question is open after the response"
                    );
                    self.responses.push_back((channel, bytes));
                }
                Output::Event(event) => self.events.push(event),
                other => panic!("unknown output {other:?}"),
            }
        }
    }

    /// Answers the one open question.
    pub fn answer(&mut self, answer: Answer) {
        let (token, _) = self.open.pop().expect("no question is open");
        self.authenticator.handle_answer(token, answer, self.now).unwrap();
        self.pump();
    }

    /// Runs the oldest job.
    pub fn work(&mut self) {
        let (token, job) = self.jobs.pop_front().expect("no job is waiting");
        self.authenticator.handle_work(token, job.run(), self.now).unwrap();
        self.pump();
    }

    /// Cancels what this channel asked for.
    pub fn cancel(&mut self, channel: ChannelId) {
        self.authenticator.handle_cancel(channel, self.now);
        self.pump();
    }

    /// Plugs it in again.
    pub fn power_up(&mut self) {
        self.authenticator.handle_power_up(self.now);
        self.pump();
    }

    /// Lets so much time pass, in the steps that the authenticator asks for.
    pub fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(due) = self.authenticator.poll_timeout().filter(|due| *due <= end) {
            self.now = self.now.max(due);
            self.authenticator.handle_timeout(self.now);
            self.pump();
        }
        self.now = end;
    }

    /// The one response there is.
    pub fn response(&mut self) -> Vec<u8> {
        assert_eq!(self.responses.len(), 1, "there must be exactly one response");
        self.responses.pop_front().unwrap().1
    }

    /// The status of the one response there is.
    pub fn status(&mut self) -> Status {
        Status::from_u8(self.response()[0])
    }

    /// Sends a request, and if nobody answers its question, waits.
    pub fn call(&mut self, request: &Request) -> Result<Vec<u8>, Status> {
        self.send(HOME, &request.encode());
        if self.responses.is_empty() {
            self.pass(Duration::from_secs(600));
        }
        let response = self.response();
        match Status::from_u8(response[0]) {
            Status::Ok => Ok(response),
            refused => {
                assert_eq!(response.len(), 1, "a refusal has no body");
                Err(refused)
            }
        }
    }

    /// authenticatorMakeCredential.
    pub fn create(
        &mut self,
        request: &MakeCredentialRequest,
    ) -> Result<MakeCredentialResponse, Status> {
        let response = self.call(&Request::from(request.clone()))?;
        Ok(MakeCredentialResponse::decode(&response).unwrap())
    }

    /// authenticatorGetAssertion.
    pub fn sign_in(
        &mut self,
        request: &GetAssertionRequest,
    ) -> Result<GetAssertionResponse, Status> {
        let response = self.call(&Request::from(request.clone()))?;
        Ok(GetAssertionResponse::decode(&response).unwrap())
    }

    /// authenticatorGetNextAssertion.
    #[expect(clippy::should_implement_trait, reason = "the command is called so")]
    pub fn next(&mut self) -> Result<GetAssertionResponse, Status> {
        let response = self.call(&Request::GetNextAssertion)?;
        Ok(GetAssertionResponse::decode(&response).unwrap())
    }

    /// authenticatorGetInfo.
    pub fn info(&mut self) -> GetInfo {
        GetInfo::decode(&self.call(&Request::GetInfo).unwrap()).unwrap()
    }

    /// A discoverable credential for a user of this name; its id and public key.
    pub fn passkey(&mut self, rp: &str, user: &str) -> (CredentialId, CosePublicKey) {
        let mut request = creation(rp, user);
        request.options.rk = Some(true);
        made(&self.create(&request).unwrap())
    }

    /// Checks the signature of an assertion.
    pub fn verify(&self, response: &GetAssertionResponse, key: &CosePublicKey) {
        let mut message = response.auth_data.clone();
        message.extend_from_slice(CLIENT_DATA_HASH.as_bytes());
        let es256 = self.provider.signature(algorithm::ES256).unwrap();
        es256.verify(&key.p256_point().unwrap(), &message, &response.signature).unwrap();
    }

    /// Forgets what was asked, told, kept alive and withdrawn so far.
    pub fn forget_past(&mut self) {
        self.questions.clear();
        self.events.clear();
        self.keepalives.clear();
        self.withdrawn.clear();
    }
}

/// A security key that stores every credential.
pub fn storing() -> Config {
    let mut config = Config::security_key();
    config.credentials.non_discoverable = NonDiscoverable::Stored;
    config
}

/// The hash of the client data in every request of a rig.
pub const CLIENT_DATA_HASH: ClientDataHash = ClientDataHash::new([0xcd; 32]);

/// An RP ID that is one.
pub fn rp_id(id: &str) -> RpId {
    RpId::new(id).unwrap()
}

/// An account whose handle is its name.
pub fn user(name: &str) -> User {
    User {
        id: UserHandle::new(name.as_bytes()).unwrap(),
        name: Some(name.into()),
        display_name: Some(name.to_uppercase()),
    }
}

/// The same account as clients are told it, if they need not know who it is.
pub fn nameless(name: &str) -> User {
    User { id: user(name).id, name: None, display_name: None }
}

/// A registration of ES256 at this site for this account, with nothing that is optional.
pub fn creation(rp: &str, name: &str) -> MakeCredentialRequest {
    let rp = Rp { id: rp_id(rp), name: Some(format!("The {rp}")) };
    MakeCredentialRequest::new(CLIENT_DATA_HASH, rp, user(name), vec![algorithm::ES256])
}

/// A sign-in at this site, with nothing that is optional.
pub fn assertion(rp: &str) -> GetAssertionRequest {
    GetAssertionRequest::new(rp_id(rp), CLIENT_DATA_HASH)
}

/// A list of this one credential.
pub fn listing(id: &CredentialId) -> Vec<PublicKeyCredentialDescriptor> {
    vec![PublicKeyCredentialDescriptor::new(id.clone())]
}

/// The id and the public key of what was made.
pub fn made(response: &MakeCredentialResponse) -> (CredentialId, CosePublicKey) {
    let data = AuthenticatorData::decode(&response.auth_data).unwrap();
    let attested = data.attested.unwrap();
    (attested.credential_id, attested.public_key)
}

/// Authenticator data, read.
pub fn data(auth_data: &[u8]) -> AuthenticatorData {
    AuthenticatorData::decode(auth_data).unwrap()
}
