//! How the person is verified: by what is built into the authenticator, by its PIN, or not at all
//! (CTAP 2.3 §6.1.1, §6.2.1).

use towline_crypto::CryptoProvider;
use towline_ctap::{GetInfo, Permissions, RpId, Status, Transport};

use crate::{
    CeremonyOutput, CeremonyToken, Error, PinAnswer, PinReason, PinRules,
    ceremony::Ceremony,
    lists::{Look, NO_CLIENT_DATA},
    pin::{PinUvAuthToken, Protocol, Step, TokenFlow, Tokens},
};

/// How much verification is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wish {
    /// Without it there is no result. A new credential is worth a new PIN.
    Required {
        /// Whether a PIN may be set for it.
        new_pin: bool,
    },
    /// If the authenticator is set up for it.
    IfPossible,
    /// The site does not want it.
    No,
}

/// The way in which the person is verified.
#[derive(Debug)]
pub(crate) enum Plan {
    /// The request goes as it is.
    Without,
    /// The request says `uv: true`.
    BuiltIn,
    /// The request comes with proof of a token.
    Token(Box<TokenFlow>),
}

/// An authenticator's ways to verify.
#[derive(Debug)]
pub(crate) struct Means<'a> {
    pub(crate) info: &'a GetInfo,
    pub(crate) transport: &'a Transport,
    pub(crate) provider: &'a CryptoProvider,
    pub(crate) rp_id: &'a RpId,
    pub(crate) permissions: Permissions,
    /// A token is needed for more than the request.
    pub(crate) needs_token: bool,
}

impl Means<'_> {
    /// How to do what is wished for; `None` where it is required and there is no way.
    pub(crate) fn plan(&self, wish: Wish) -> Option<Plan> {
        if wish == Wish::No {
            return Some(Plan::Without);
        }
        let token = |uv_tries| self.flow(uv_tries).map(|flow| Plan::Token(Box::new(flow)));
        if self.info.options.uv == Some(true) {
            // In a token, verification is good for a search of long lists as well, and its tries
            // are told. It costs two more requests: too many for phones, where a session is one
            // operation, and for nothing in the same process.
            let direct = matches!(self.transport, Transport::Hybrid | Transport::Internal);
            let direct = direct && !self.needs_token;
            let tries = self.info.preferred_platform_uv_attempts.unwrap_or(1).max(1);
            let token = token(tries).filter(|_| self.gives_tokens() && !direct);
            return Some(token.unwrap_or(Plan::BuiltIn));
        }
        match (self.pin(), wish) {
            (Some(true), _) | (Some(false), Wish::Required { new_pin: true }) => token(0),
            (_, Wish::Required { .. }) => None,
            _ => Some(Plan::Without),
        }
    }

    /// The way to a token by the PIN, if one is set: for when built-in verification fails.
    pub(crate) fn fallback(&self) -> Option<Box<TokenFlow>> {
        self.flow(0).filter(|_| self.pin() == Some(true)).map(Box::new)
    }

    fn gives_tokens(&self) -> bool {
        self.info.options.pin_uv_auth_token == Some(true)
    }

    /// Whether a PIN that could be used is set; `None` where none can be.
    fn pin(&self) -> Option<bool> {
        let options = &self.info.options;
        // That is about ceremonies; the PIN is good for all else.
        let ceremony = self.permissions.intersects(Permissions::MC | Permissions::GA);
        let usable = !ceremony || options.no_mc_ga_permissions_with_client_pin != Some(true);
        options.client_pin.filter(|_| usable && Protocol::choose(self.info).is_some())
    }

    fn flow(&self, uv_tries: u64) -> Option<TokenFlow> {
        let tokens = Tokens {
            protocol: Protocol::choose(self.info)?,
            permits: self.gives_tokens(),
            rules: PinRules::of(self.info),
            pin_set: self.pin() == Some(true),
            must_change: self.info.force_pin_change == Some(true),
            uv_tries,
        };
        Some(TokenFlow::new(tokens, self.permissions, self.rp_id.clone(), self.provider))
    }
}

/// The person is being verified.
#[derive(Debug)]
pub(crate) struct Verifying {
    flow: Box<TokenFlow>,
    /// The question that is open.
    question: Option<CeremonyToken>,
}

/// How far verification has come.
#[derive(Debug)]
pub(crate) enum Progress {
    /// It waits for a response or an answer.
    Waits,
    /// This is the proof.
    Verified(PinUvAuthToken),
    /// The person can't be asked here.
    Without,
}

impl Verifying {
    /// Makes the first step, which never is the last.
    pub(crate) fn start<T>(mut flow: Box<TokenFlow>, ceremony: &mut Ceremony<T>) -> Self {
        let step = flow.start();
        Self::first(flow, step, ceremony)
    }

    /// Whether an authenticator that refuses in this way may take the PIN: it wants to have
    /// verified, or could not do it by itself. The latter it should say with the same status, and
    /// some say what went wrong.
    pub(crate) const fn goes_on_with_the_pin(error: &Error) -> bool {
        use Status::{PuatRequired, UvBlocked, UvInvalid};
        matches!(error, Error::Refused(PuatRequired | UvBlocked | UvInvalid))
    }

    /// The same by PIN, where the authenticator refused in this way; `tried` says that it was to
    /// verify the person by itself.
    pub(crate) fn instead<T>(
        mut flow: Box<TokenFlow>,
        tried: bool,
        error: &Error,
        ceremony: &mut Ceremony<T>,
    ) -> Self {
        let step = match error {
            Error::Refused(Status::UvBlocked) => {
                flow.start_after_failure(PinReason::BuiltInBlocked)
            }
            _ if tried => flow.start_after_failure(PinReason::NotRecognised),
            _ => flow.start(),
        };
        Self::first(flow, step, ceremony)
    }

    fn first<T>(flow: Box<TokenFlow>, step: Step, ceremony: &mut Ceremony<T>) -> Self {
        let mut verifying = Self { flow, question: None };
        verifying.make(step, ceremony);
        verifying
    }

    /// The response to the last request.
    ///
    /// # Errors
    /// [`Error`], which ends the ceremony.
    pub(crate) fn handle_response<T>(
        &mut self,
        response: &[u8],
        ceremony: &mut Ceremony<T>,
    ) -> Result<Progress, Error> {
        let step = self.flow.handle_response(response)?;
        Ok(self.make(step, ceremony))
    }

    /// Whether this question is open.
    pub(crate) fn asks(&self, token: CeremonyToken) -> bool {
        self.question == Some(token)
    }

    /// The answer to the open question.
    ///
    /// # Errors
    /// [`Error`], which ends the ceremony.
    pub(crate) fn handle_answer<T>(
        &mut self,
        answer: PinAnswer,
        ceremony: &mut Ceremony<T>,
    ) -> Result<Progress, Error> {
        self.question = None;
        let step = self.flow.handle_answer(answer)?;
        Ok(self.make(step, ceremony))
    }

    fn make<T>(&mut self, step: Step, ceremony: &mut Ceremony<T>) -> Progress {
        match step {
            Step::Request(request) => ceremony.request(request),
            Step::Again { request, tries_left } => {
                ceremony.output(CeremonyOutput::NotRecognised { tries_left });
                ceremony.request(request);
            }
            Step::Ask(question) => {
                let token = CeremonyToken::unique();
                self.question = Some(token);
                ceremony.output(CeremonyOutput::AskPin { token, question });
            }
            Step::Done(token) => return Progress::Verified(token),
            Step::Without => return Progress::Without,
        }
        Progress::Waits
    }
}

/// How a list is searched with this proof.
pub(crate) fn look(token: Option<&PinUvAuthToken>) -> Look {
    token.map_or(Look::Silent, |token| Look::Token {
        protocol: token.protocol(),
        param: token.proof(&NO_CLIENT_DATA),
    })
}
