//! Keys that speak U2F alone (CTAP 2.3 §7): a request of CTAP2 becomes messages of CTAP1, and their
//! answers a response of CTAP2.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use towline_crypto::CryptoProvider;
use towline_ctap::{
    Aaguid, AttestationStatement, AttestedCredentialData, AuthenticatorData, CosePublicKey,
    CredentialId, Extensions, FidoU2fAttestation, Flags, GetAssertionRequest, GetAssertionResponse,
    GetInfo, MakeCredentialRequest, MakeCredentialResponse, PublicKeyCredentialDescriptor, Request,
    RpIdHash, Status, Version, algorithm,
    u2f::{Control, StatusWord, U2fAuthentication, U2fRegistration, U2fRequest, split_response},
};

/// How long to wait before a key is asked once more whether it was touched.
const AGAIN: Duration = Duration::from_millis(200);

/// What a [`U2fBridge`] wants done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum U2fOutput {
    /// Send this APDU (with CTAPHID_MSG, over USB), and report its answer with
    /// [`U2fBridge::handle_answer`].
    Apdu(Vec<u8>),
    /// The response of CTAP2 to the request, status byte first.
    Response(Vec<u8>),
}

/// Stands between a ceremony, which speaks CTAP2, and a key that speaks U2F alone. It does no I/O.
///
/// Give the ceremony [`U2fBridge::info`] for the key's getInfo, hand each of its requests to
/// [`U2fBridge::handle_request`], and drain [`U2fBridge::poll_output`] after every input.
///
/// ```
/// use std::time::Instant;
/// use towline_client::{U2fBridge, U2fOutput};
/// use towline_ctap::{ClientDataHash, GetAssertionRequest, PublicKeyCredentialDescriptor, Request};
/// use towline_ctap::{CredentialId, RpId};
///
/// let mut bridge = U2fBridge::new(towline_crypto::rustcrypto::provider());
/// let rp_id = RpId::new("example.org").unwrap();
/// let mut request = GetAssertionRequest::new(rp_id, ClientDataHash::new([0; 32]));
/// let id = CredentialId::new(b"a key handle").unwrap();
/// request.allow_list = Some(vec![PublicKeyCredentialDescriptor::new(id)]);
/// bridge.handle_request(&Request::from(request).encode());
/// let Some(U2fOutput::Apdu(apdu)) = bridge.poll_output() else { panic!("it asks the key") };
/// assert_eq!(apdu[..3], [0x00, 0x02, 0x07]); // whether the key handle is its own
///
/// bridge.handle_answer(&[0x6a, 0x80], Instant::now()); // it is not
/// assert_eq!(bridge.poll_output(), Some(U2fOutput::Response(vec![0x2e])));
/// ```
#[derive(Debug)]
pub struct U2fBridge {
    provider: CryptoProvider,
    outputs: VecDeque<U2fOutput>,
    state: State,
    /// When the same is asked once more.
    again: Option<Instant>,
}

#[derive(Debug)]
enum State {
    Idle,
    /// Whether one of these is the key's own; then something is done.
    Checking {
        rest: VecDeque<PublicKeyCredentialDescriptor>,
        asked: CredentialId,
        purpose: Purpose,
    },
    /// The key registers, once it is touched.
    Registering {
        request: Box<MakeCredentialRequest>,
        excluded: bool,
    },
    /// The key signs, once it is touched.
    Signing {
        request: Box<GetAssertionRequest>,
        id: CredentialId,
    },
}

#[derive(Debug)]
enum Purpose {
    Register(Box<MakeCredentialRequest>),
    Sign(Box<GetAssertionRequest>),
}

impl Purpose {
    fn parts(&self, provider: &CryptoProvider) -> ([u8; 32], RpIdHash) {
        match self {
            Self::Register(it) => (*it.client_data_hash.as_bytes(), it.rp.id.hash(provider)),
            Self::Sign(it) => (*it.client_data_hash.as_bytes(), it.rp_id.hash(provider)),
        }
    }
}

impl U2fBridge {
    /// A bridge to one key.
    #[must_use]
    pub fn new(provider: CryptoProvider) -> Self {
        Self { provider, outputs: VecDeque::new(), state: State::Idle, again: None }
    }

    /// What the key would say of itself: the CBOR map of getInfo, without status byte.
    #[must_use]
    pub fn info() -> Vec<u8> {
        let mut info = GetInfo::new(Aaguid::ZERO, vec![Version::U2fV2]);
        info.options.rk = Some(false);
        info.to_cbor()
    }

    /// A request of CTAP2. One that is under way is given up.
    pub fn handle_request(&mut self, request: &[u8]) {
        self.give_up();
        match Request::decode(request, usize::MAX) {
            Ok(Request::MakeCredential(request)) => self.register(request),
            Ok(Request::GetAssertion(request)) => {
                let rest = request.allow_list.clone().unwrap_or_default().into();
                if request.options.uv == Some(true) || request.pin_uv_auth_param.is_some() {
                    return self.refuse(Status::UnsupportedOption);
                }
                self.check(rest, Purpose::Sign(request));
            }
            Ok(Request::GetInfo) => {
                let response = [&[Status::Ok.to_u8()], &Self::info()[..]].concat();
                self.outputs.push_back(U2fOutput::Response(response));
            }
            Ok(_) => self.refuse(Status::InvalidCommand),
            Err(error) => self.refuse(error.status()),
        }
    }

    /// The key's answer to the last APDU: data and status word. One that nobody waits for is
    /// ignored.
    pub fn handle_answer(&mut self, answer: &[u8], now: Instant) {
        let Some((data, word)) = split_response(answer) else {
            return self.refuse(Status::Other);
        };
        match std::mem::replace(&mut self.state, State::Idle) {
            State::Idle => {}
            State::Checking { rest, asked, purpose } => match word {
                StatusWord::CONDITIONS_NOT_SATISFIED | StatusWord::NO_ERROR => {
                    self.found(asked, purpose);
                }
                StatusWord::COMMAND_NOT_ALLOWED => self.refuse(Status::OperationDenied),
                // Of another key, each in its own words.
                _ => self.check(rest, purpose),
            },
            state if word == StatusWord::CONDITIONS_NOT_SATISFIED => {
                self.state = state;
                self.again = now.checked_add(AGAIN);
            }
            _ if word == StatusWord::COMMAND_NOT_ALLOWED => self.refuse(Status::OperationDenied),
            _ if word != StatusWord::NO_ERROR => self.refuse(Status::Other),
            State::Registering { excluded: true, .. } => self.refuse(Status::CredentialExcluded),
            State::Registering { request, .. } => {
                let response = self.registered(&request, data);
                self.respond(response);
            }
            State::Signing { request, id } => {
                let response = self.signed(&request, id, data);
                self.respond(response);
            }
        }
    }

    /// The ceremony gives up.
    pub fn handle_cancel(&mut self) {
        if !matches!(self.state, State::Idle) {
            self.refuse(Status::KeepaliveCancel);
        }
    }

    /// The time is `now`.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.again.is_some_and(|again| again <= now) {
            self.again = None;
            self.ask();
        }
    }

    /// What to do next; `None` for "wait".
    pub fn poll_output(&mut self) -> Option<U2fOutput> {
        self.outputs.pop_front()
    }

    /// When to call [`U2fBridge::handle_timeout`].
    #[must_use]
    pub const fn poll_timeout(&self) -> Option<Instant> {
        self.again
    }

    fn register(&mut self, request: Box<MakeCredentialRequest>) {
        let options = &request.options;
        let verified = options.uv == Some(true) || request.pin_uv_auth_param.is_some();
        if options.rk == Some(true) || verified {
            return self.refuse(Status::UnsupportedOption);
        }
        if !request.pub_key_cred_params.contains(&algorithm::ES256) {
            return self.refuse(Status::UnsupportedAlgorithm);
        }
        let rest = request.exclude_list.clone().into();
        self.check(rest, Purpose::Register(request));
    }

    /// Asks whether the first of these is the key's own; of none, nothing is.
    fn check(&mut self, mut rest: VecDeque<PublicKeyCredentialDescriptor>, purpose: Purpose) {
        // What is longer than a key handle is none.
        let asked = loop {
            match rest.pop_front() {
                Some(it) if it.id.as_bytes().len() <= usize::from(u8::MAX) => break Some(it.id),
                Some(_) => {}
                None => break None,
            }
        };
        match (asked, purpose) {
            (Some(asked), purpose) => {
                self.state = State::Checking { rest, asked, purpose };
                self.ask();
            }
            (None, Purpose::Sign(_)) => self.refuse(Status::NoCredentials),
            (None, Purpose::Register(request)) => {
                self.state = State::Registering { request, excluded: false };
                self.ask();
            }
        }
    }

    fn found(&mut self, id: CredentialId, purpose: Purpose) {
        self.state = match purpose {
            Purpose::Sign(request) => State::Signing { request, id },
            // Somebody has to touch it before the site learns that.
            Purpose::Register(request) => State::Registering { request, excluded: true },
        };
        self.ask();
    }

    /// Sends what the state waits for.
    fn ask(&mut self) {
        let request = match &self.state {
            State::Idle => return,
            State::Checking { asked, purpose, .. } => {
                let (challenge, application) = purpose.parts(&self.provider);
                let (control, key_handle) = (Control::CheckOnly, asked.as_bytes().into());
                U2fRequest::Authenticate { control, challenge, application, key_handle }
            }
            // A registration that only asks for a touch is of no use to anybody.
            State::Registering { excluded: true, .. } => {
                U2fRequest::Register { challenge: [0; 32], application: RpIdHash::new([0; 32]) }
            }
            State::Registering { request, .. } => U2fRequest::Register {
                challenge: *request.client_data_hash.as_bytes(),
                application: request.rp.id.hash(&self.provider),
            },
            State::Signing { request, id } => U2fRequest::Authenticate {
                control: match request.options.up {
                    Some(false) => Control::DontEnforceUserPresence,
                    _ => Control::EnforceUserPresence,
                },
                challenge: *request.client_data_hash.as_bytes(),
                application: request.rp_id.hash(&self.provider),
                key_handle: id.as_bytes().into(),
            },
        };
        self.outputs.push_back(U2fOutput::Apdu(request.encode()));
    }

    fn registered(&self, request: &MakeCredentialRequest, data: &[u8]) -> Option<Vec<u8>> {
        let registration = U2fRegistration::decode(data).ok()?;
        let data = AuthenticatorData {
            rp_id_hash: request.rp.id.hash(&self.provider),
            flags: Flags::UP,
            sign_count: 0,
            attested: Some(AttestedCredentialData {
                aaguid: Aaguid::ZERO,
                credential_id: CredentialId::new(&registration.key_handle).ok()?,
                public_key: CosePublicKey::from_plain(algorithm::ES256, &registration.public_key)?,
            }),
            extensions: Extensions::new(),
        };
        let (certificate, sig) = (registration.certificate, registration.signature);
        let statement = AttestationStatement::FidoU2f(FidoU2fAttestation { certificate, sig });
        Some(MakeCredentialResponse::new(statement, data.encode()).encode())
    }

    fn signed(
        &self,
        request: &GetAssertionRequest,
        id: CredentialId,
        data: &[u8],
    ) -> Option<Vec<u8>> {
        let answer = U2fAuthentication::decode(data).ok()?;
        let data = AuthenticatorData {
            rp_id_hash: request.rp_id.hash(&self.provider),
            flags: if answer.user_present { Flags::UP } else { Flags::empty() },
            sign_count: answer.counter,
            attested: None,
            extensions: Extensions::new(),
        };
        let credential = PublicKeyCredentialDescriptor::new(id);
        Some(GetAssertionResponse::new(credential, data.encode(), answer.signature).encode())
    }

    fn respond(&mut self, response: Option<Vec<u8>>) {
        match response {
            Some(response) => self.outputs.push_back(U2fOutput::Response(response)),
            None => self.refuse(Status::Other),
        }
    }

    fn refuse(&mut self, status: Status) {
        self.give_up();
        self.outputs.push_back(U2fOutput::Response(vec![status.to_u8()]));
    }

    fn give_up(&mut self) {
        self.outputs.clear();
        self.again = None;
        self.state = State::Idle;
    }
}
