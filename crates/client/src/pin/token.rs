//! The way to a pinUvAuthToken (CTAP 2.3 §6.5.5.7): by built-in verification, by the PIN, by a PIN
//! that has to be set or changed first.

use towline_crypto::CryptoProvider;
use towline_ctap::{
    ClientPinRequest, ClientPinResponse, KeyAgreementKey, Permissions, Request, ResponseError,
    RpId, Status,
};

use super::{
    MAX_LENGTH, MIN_LENGTH, Pin, PinAnswer, PinChange, PinError, PinProblem, PinQuestion,
    PinReason, PinRules, PinUvAuthToken,
    change::answer,
    protocol::{Protocol, SharedSecret},
};
use crate::{Error, error::Misbehaviour};

/// More tries at built-in verification than these nobody wants, whatever the authenticator prefers.
const MAX_UV_TRIES: u64 = 10;

/// What comes next on the way.
#[derive(Debug)]
pub(crate) enum Step {
    /// Send this request, and come back with its response.
    Request(Vec<u8>),
    /// Tell the person that they were not recognised, and how often that may still happen; then
    /// send this.
    Again { request: Vec<u8>, tries_left: Option<u64> },
    /// Ask the person.
    Ask(PinQuestion),
    /// The person is verified.
    Done(PinUvAuthToken),
    /// The person can't be asked here.
    Without,
}

/// One way to a token.
#[derive(Debug)]
pub(crate) struct TokenFlow {
    provider: CryptoProvider,
    protocol: Protocol,
    permissions: Permissions,
    rp_id: RpId,
    /// Tokens have permissions; before CTAP 2.1 they had none.
    permits: bool,
    rules: PinRules,
    /// Whether a PIN is set that buys tokens.
    pin_set: bool,
    must_change: bool,
    uv_tries: u64,
    reason: PinReason,
    problem: Option<PinProblem>,
    tries_left: Option<u64>,
    state: State,
}

#[derive(Debug)]
enum State {
    /// Nothing was asked for, or all is over.
    Idle,
    /// The key for a token by built-in verification.
    UvAgreement,
    /// The token itself.
    UvToken(SharedSecret),
    /// How often it may still fail.
    UvRetries,
    /// How many wrong PINs are left.
    PinRetries,
    /// The person types the PIN.
    AskPresent,
    /// The person types a new one, which takes the place of this one if there is one.
    AskNew(Option<Pin>),
    /// The authenticator takes the new one in the place of this one.
    Changing(PinChange, Option<Pin>),
    /// The key for a token by this PIN.
    Agreement(Pin),
    /// The token itself.
    Token(SharedSecret, Pin),
}

/// What an authenticator is like that gives tokens.
#[derive(Debug)]
pub(crate) struct Tokens {
    pub(crate) protocol: Protocol,
    pub(crate) permits: bool,
    pub(crate) rules: PinRules,
    pub(crate) pin_set: bool,
    pub(crate) must_change: bool,
    /// How often to try built-in verification; 0 to do without.
    pub(crate) uv_tries: u64,
}

impl TokenFlow {
    pub(crate) fn new(
        tokens: Tokens,
        permissions: Permissions,
        rp_id: RpId,
        provider: &CryptoProvider,
    ) -> Self {
        let Tokens { protocol, permits, rules, pin_set, must_change, uv_tries } = tokens;
        Self {
            provider: provider.clone(),
            protocol,
            permissions,
            rp_id,
            permits,
            rules,
            pin_set,
            must_change,
            uv_tries: uv_tries.min(MAX_UV_TRIES),
            reason: PinReason::Verification,
            problem: None,
            tries_left: None,
            state: State::Idle,
        }
    }

    /// The first step. Nothing is sent before a PIN that has to be set was typed.
    pub(crate) fn start(&mut self) -> Step {
        if self.uv_tries > 0 {
            self.agree(State::UvAgreement)
        } else if self.pin_set {
            self.pin_retries()
        } else {
            self.ask_new(None)
        }
    }

    /// The built-in verification that was asked for otherwise did not succeed: the PIN instead.
    pub(crate) fn start_after_failure(&mut self, reason: PinReason) -> Step {
        self.reason = reason;
        self.pin_retries()
    }

    /// The response to the last request.
    ///
    /// # Errors
    /// [`Error::Refused`], also where nothing but a new start or a reset helps;
    /// [`Error::Misbehaved`].
    pub(crate) fn handle_response(&mut self, response: &[u8]) -> Result<Step, Error> {
        match std::mem::replace(&mut self.state, State::Idle) {
            State::UvAgreement => {
                let shared = self.shared(response)?;
                let request = ClientPinRequest::GetPinUvAuthTokenUsingUvWithPermissions {
                    protocol: shared.protocol(),
                    key_agreement: shared.key,
                    permissions: self.permissions,
                    rp_id: Some(self.rp_id.clone()),
                };
                self.state = State::UvToken(shared);
                Ok(request_step(request))
            }
            State::UvToken(shared) => match answer(response) {
                Ok(response) => done(&shared, &response),
                Err(PinError::Refused(status)) => self.not_verified(status),
                Err(error) => Err(error.into()),
            },
            State::UvRetries => {
                let tries_left = match ClientPinResponse::decode(response) {
                    Ok(response) => response.uv_retries,
                    Err(ResponseError::Status(Status::UvBlocked)) => Some(0),
                    Err(error) => uncounted(error)?,
                };
                if tries_left == Some(0) {
                    return self.pin_instead(PinReason::BuiltInBlocked, Status::UvBlocked);
                }
                self.state = State::UvAgreement;
                let request = self.key_agreement();
                Ok(Step::Again { request, tries_left })
            }
            State::PinRetries => self.counted(response),
            State::Changing(change, present) => self.changed(change, present, response),
            State::Agreement(pin) => self.agreed(pin, response),
            State::Token(shared, pin) => match answer(response) {
                Ok(response) => done(&shared, &response),
                Err(PinError::Problem(PinProblem::Wrong)) => Ok(self.wrong()),
                // CTAP 2.3 §6.5.5.7.2: it has to be changed first, which getInfo did not say.
                Err(PinError::Problem(_)) if self.permits => Ok(self.ask_new(Some(pin))),
                Err(error) => Err(error.into()),
            },
            state @ (State::Idle | State::AskPresent | State::AskNew(_)) => {
                self.state = state;
                Err(Misbehaviour::Pin.into())
            }
        }
    }

    /// The person's answer to the last question.
    ///
    /// # Errors
    /// [`Error::Cancelled`], and what goes wrong in here.
    pub(crate) fn handle_answer(&mut self, given: PinAnswer) -> Result<Step, Error> {
        let pin = match given {
            PinAnswer::Pin(pin) => pin,
            PinAnswer::Cancel => return Err(Error::Cancelled),
            PinAnswer::Unavailable => return Ok(Step::Without),
        };
        match std::mem::replace(&mut self.state, State::Idle) {
            State::AskPresent => {
                // What can't be a PIN costs no try.
                let any = PinRules { min_length: MIN_LENGTH, max_length: MAX_LENGTH, ..self.rules };
                if let Err(problem) = any.check(&pin) {
                    self.problem = Some(problem);
                    return Ok(self.ask_present());
                }
                self.problem = None;
                Ok(if self.must_change {
                    self.ask_new(Some(pin))
                } else {
                    self.agree(State::Agreement(pin))
                })
            }
            State::AskNew(present) => {
                if let Err(problem) = self.rules.check(&pin) {
                    self.problem = Some(problem);
                    return Ok(self.ask_new(present));
                }
                self.problem = None;
                let change = PinChange::with(self.protocol, present.clone(), pin, &self.provider);
                let request = change.request();
                self.state = State::Changing(change, present);
                Ok(Step::Request(request))
            }
            state => {
                self.state = state;
                Err(Error::Cancelled)
            }
        }
    }

    /// Built-in verification failed in this way.
    fn not_verified(&mut self, status: Status) -> Result<Step, Error> {
        match status {
            Status::UvInvalid => {
                self.uv_tries = self.uv_tries.saturating_sub(1);
                if self.uv_tries == 0 {
                    return self.pin_instead(PinReason::NotRecognised, status);
                }
                self.state = State::UvRetries;
                Ok(request_step(ClientPinRequest::GetUvRetries))
            }
            Status::UvBlocked => self.pin_instead(PinReason::BuiltInBlocked, status),
            // It is not set up any more, or must not give what is wanted.
            Status::NotAllowed | Status::PuatRequired | Status::UnauthorizedPermission => {
                self.pin_instead(PinReason::Verification, status)
            }
            status => Err(Error::Refused(status)),
        }
    }

    fn pin_instead(&mut self, reason: PinReason, status: Status) -> Result<Step, Error> {
        if !self.pin_set {
            return Err(Error::Refused(status));
        }
        self.reason = reason;
        Ok(self.pin_retries())
    }

    fn pin_retries(&mut self) -> Step {
        self.state = State::PinRetries;
        request_step(ClientPinRequest::GetPinRetries)
    }

    /// The authenticator has counted the wrong PINs.
    fn counted(&mut self, response: &[u8]) -> Result<Step, Error> {
        self.tries_left = match ClientPinResponse::decode(response) {
            Ok(response) if response.pin_retries == Some(0) => {
                return Err(Error::Refused(Status::PinBlocked));
            }
            Ok(response) if response.power_cycle_state == Some(true) => {
                return Err(Error::Refused(Status::PinAuthBlocked));
            }
            Ok(response) => response.pin_retries,
            Err(error) => uncounted(error)?,
        };
        Ok(self.ask_present())
    }

    fn wrong(&mut self) -> Step {
        self.problem = Some(PinProblem::Wrong);
        self.pin_retries()
    }

    fn ask_present(&mut self) -> Step {
        self.state = State::AskPresent;
        let (tries_left, reason, problem) = (self.tries_left, self.reason, self.problem);
        Step::Ask(PinQuestion::Present { tries_left, reason, problem })
    }

    fn ask_new(&mut self, present: Option<Pin>) -> Step {
        let (rules, change, problem) = (self.rules, present.is_some(), self.problem);
        self.state = State::AskNew(present);
        Step::Ask(PinQuestion::New { rules, change, problem })
    }

    fn changed(
        &mut self,
        mut change: PinChange,
        present: Option<Pin>,
        response: &[u8],
    ) -> Result<Step, Error> {
        match change.handle_response(response) {
            Ok(Some(request)) => {
                self.state = State::Changing(change, present);
                Ok(Step::Request(request))
            }
            Ok(None) => {
                (self.pin_set, self.must_change) = (true, false);
                Ok(self.agree(State::Agreement(change.into_pin())))
            }
            Err(PinError::Problem(PinProblem::Wrong)) if present.is_some() => {
                // The new one is asked for again, too, once the present one is right.
                self.must_change = true;
                Ok(self.wrong())
            }
            Err(PinError::Problem(problem)) => {
                self.problem = Some(problem);
                Ok(self.ask_new(present))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// The key has come for a token by this PIN.
    fn agreed(&mut self, pin: Pin, response: &[u8]) -> Result<Step, Error> {
        let shared = self.shared(response)?;
        let pin_hash_enc = shared.pin_hash(&pin)?;
        let (protocol, key_agreement) = (shared.protocol(), shared.key);
        let request = if self.permits {
            ClientPinRequest::GetPinUvAuthTokenUsingPinWithPermissions {
                protocol,
                key_agreement,
                pin_hash_enc,
                permissions: self.permissions,
                rp_id: Some(self.rp_id.clone()),
            }
        } else {
            ClientPinRequest::GetPinToken { protocol, key_agreement, pin_hash_enc }
        };
        self.state = State::Token(shared, pin);
        Ok(request_step(request))
    }

    /// Asks for the authenticator's key. It is asked for anew each time: a wrong PIN makes another.
    fn agree(&mut self, next: State) -> Step {
        self.state = next;
        Step::Request(self.key_agreement())
    }

    fn key_agreement(&self) -> Vec<u8> {
        let protocol = self.protocol.number();
        Request::from(ClientPinRequest::GetKeyAgreement { protocol }).encode()
    }

    fn shared(&self, response: &[u8]) -> Result<SharedSecret, Error> {
        let theirs: KeyAgreementKey = answer(response)?.key_agreement.ok_or(Misbehaviour::Pin)?;
        Ok(SharedSecret::agree(self.protocol, &theirs, &self.provider)?)
    }
}

/// How many tries are left where the authenticator does not tell.
fn uncounted(error: ResponseError) -> Result<Option<u64>, Error> {
    match error {
        ResponseError::Status(
            status @ (Status::PinBlocked | Status::PinAuthBlocked | Status::KeepaliveCancel),
        ) => Err(Error::Refused(status)),
        // It does not count for others to see.
        ResponseError::Status(_) => Ok(None),
        _ => Err(Misbehaviour::Pin.into()),
    }
}

fn request_step(request: ClientPinRequest) -> Step {
    Step::Request(Request::from(request).encode())
}

fn done(shared: &SharedSecret, response: &ClientPinResponse) -> Result<Step, Error> {
    let token = response.pin_uv_auth_token.as_deref().ok_or(Misbehaviour::Pin)?;
    Ok(Step::Done(shared.token(token)?))
}

impl From<PinError> for Error {
    fn from(error: PinError) -> Self {
        match error {
            PinError::Problem(PinProblem::Wrong) => Self::Refused(Status::PinInvalid),
            PinError::Problem(_) => Self::Refused(Status::PinPolicyViolation),
            PinError::Refused(status) => Self::Refused(status),
            PinError::Unsupported | PinError::Misbehaved => Misbehaviour::Pin.into(),
            PinError::Crypto => Self::Cryptography,
        }
    }
}
