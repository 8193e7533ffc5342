//! A signal, carried out at an authenticator by its management of credentials (CTAP 2.3 §6.8).

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use towline_crypto::CryptoProvider;
use towline_ctap::{
    CredentialId, CredentialManagementRequest, CredentialManagementResponse,
    CredentialManagementSubcommand as Subcommand, GetInfo, Permissions, PinUvAuth, Request,
    ResponseError, RpIdHash, Status, Transport, User,
};

use super::{Signal, Verdict};
use crate::{
    Caller, CeremonyOutput, CeremonyToken, ChannelError, Client, Error, PinAnswer, SignalKind,
    ceremony::Ceremony,
    error::Misbehaviour,
    pin::PinUvAuthToken,
    verification::{Means, Plan, Progress, Verifying, Wish},
};

/// No authenticator has room for more.
const MOST: u64 = 10_000;

/// Carries a [`Signal`] out at one authenticator: the site's passkeys are listed, and those that it
/// is about deleted, or their accounts given other names.
///
/// It is a machine as [`crate::Create`] is. An authenticator changes its passkeys for those alone
/// who prove that the person was verified, by a PIN or a fingerprint, so that the person may be
/// asked for a PIN. It ends with the ids of the passkeys that were changed or removed: for the
/// person, as the site learns nothing.
#[derive(Debug)]
pub struct SignalDelivery {
    ceremony: Ceremony<Vec<CredentialId>>,
    signal: Signal,
    rp_id_hash: RpIdHash,
    provider: CryptoProvider,
    changed: Vec<CredentialId>,
    state: State,
}

#[derive(Debug)]
enum State {
    /// Nothing is known of the authenticator yet.
    Waiting,
    /// The person is being verified.
    Verifying(Verifying),
    /// The passkeys of the site are listed.
    Listing(PinUvAuthToken, Listed),
    /// One after the other is changed; the first of them is under way.
    Changing(PinUvAuthToken, VecDeque<Subcommand>),
    Over,
}

/// What is listed so far.
#[derive(Debug, Default)]
struct Listed {
    /// How many there are, once that is known.
    total: Option<u64>,
    seen: u64,
    changes: VecDeque<Subcommand>,
}

impl SignalDelivery {
    /// Reads and checks what the site signals; the time for the person starts now.
    ///
    /// # Errors
    /// As [`Signal::new`].
    pub fn new(
        client: &Client,
        caller: &Caller,
        kind: SignalKind,
        options_json: &str,
        now: Instant,
    ) -> Result<Self, Error> {
        let signal = Signal::new(client, caller, kind, options_json)?;
        let timeout: Duration = client.timeouts.pick(None);
        Ok(Self {
            ceremony: Ceremony::new(timeout, now).ok_or(Error::Length("timeout"))?,
            rp_id_hash: signal.rp_id().hash(&client.provider),
            signal,
            provider: client.provider.clone(),
            changed: Vec::new(),
            state: State::Waiting,
        })
    }

    /// The authenticator is there: its getInfo as a CBOR map without status byte, and how it is
    /// reached. Only the first call counts.
    pub fn handle_info(&mut self, info: &[u8], transport: &Transport) {
        if !matches!(self.state, State::Waiting) || self.ceremony.is_over() {
            return;
        }
        let info = GetInfo::from_cbor(info).map_err(Misbehaviour::Malformed);
        let started = info.map_err(Error::from).and_then(|info| self.start(&info, transport));
        self.unless_failed(started);
    }

    /// The response to the request of the last [`CeremonyOutput::Request`]. One that nobody asked
    /// for is ignored.
    pub fn handle_response(&mut self, response: &[u8]) {
        if !self.ceremony.answered() {
            return;
        }
        let result = match std::mem::replace(&mut self.state, State::Over) {
            State::Verifying(mut verifying) => verifying
                .handle_response(response, &mut self.ceremony)
                .and_then(|progress| self.verified(verifying, progress)),
            State::Listing(token, listed) => self.listed(token, listed, response),
            State::Changing(token, changes) => self.changed(token, changes, response),
            State::Waiting | State::Over => Ok(()),
        };
        self.unless_failed(result);
    }

    /// The person answers a [`CeremonyOutput::AskPin`]. An answer to a question that is not open is
    /// ignored.
    pub fn handle_pin(&mut self, token: CeremonyToken, answer: PinAnswer) {
        if !matches!(&self.state, State::Verifying(verifying) if verifying.asks(token)) {
            return;
        }
        let state = std::mem::replace(&mut self.state, State::Over);
        let State::Verifying(mut verifying) = state else { return };
        let progress = verifying.handle_answer(answer, &mut self.ceremony);
        let result = progress.and_then(|progress| self.verified(verifying, progress));
        self.unless_failed(result);
    }

    /// The way to the authenticator broke. What was changed before stays so.
    pub fn handle_channel_error(&mut self, error: ChannelError) {
        self.state = State::Over;
        self.ceremony.channel_failed(error);
    }

    /// The person calls it off. What was changed before stays so.
    pub fn handle_cancel(&mut self) {
        self.unless_failed(Err(Error::Cancelled));
    }

    /// The time is `now`.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.ceremony.handle_timeout(now);
        if self.ceremony.is_over() {
            self.state = State::Over;
        }
    }

    /// What to do next; `None` for "wait". No choice is ever asked for.
    pub fn poll_output(&mut self) -> Option<CeremonyOutput<Vec<CredentialId>>> {
        self.ceremony.poll_output()
    }

    /// When to call [`SignalDelivery::handle_timeout`]; `None` when it is over.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.ceremony.poll_timeout()
    }

    pub(crate) fn abort(&mut self) {
        self.unless_failed(Err(Error::Aborted));
    }

    fn unless_failed(&mut self, result: Result<(), Error>) {
        if let Err(error) = result {
            self.state = State::Over;
            self.ceremony.stop(error);
        }
    }

    fn start(&mut self, info: &GetInfo, transport: &Transport) -> Result<(), Error> {
        if info.options.cred_mgmt != Some(true) {
            return Err(Error::ManagementUnsupported);
        }
        let means = Means {
            info,
            transport,
            provider: &self.provider,
            rp_id: self.signal.rp_id(),
            permissions: Permissions::CM,
            needs_token: true,
        };
        // A signal is not worth a new PIN.
        let Some(Plan::Token(flow)) = means.plan(Wish::Required { new_pin: false }) else {
            return Err(Error::ManagementUnverified);
        };
        self.state = State::Verifying(Verifying::start(flow, &mut self.ceremony));
        Ok(())
    }

    fn verified(&mut self, verifying: Verifying, progress: Progress) -> Result<(), Error> {
        match progress {
            Progress::Waits => self.state = State::Verifying(verifying),
            Progress::Without => return Err(Error::ManagementUnverified),
            Progress::Verified(token) => {
                self.send(&token, Subcommand::EnumerateCredentialsBegin(self.rp_id_hash));
                self.state = State::Listing(token, Listed::default());
            }
        }
        Ok(())
    }

    /// The next passkey of the site, or that there is none.
    fn listed(
        &mut self,
        token: PinUvAuthToken,
        mut listed: Listed,
        response: &[u8],
    ) -> Result<(), Error> {
        let response = match CredentialManagementResponse::decode(response) {
            Err(ResponseError::Status(Status::NoCredentials)) if listed.total.is_none() => {
                self.ceremony.finish(Ok(Vec::new()));
                return Ok(());
            }
            response => response.map_err(Error::from_response)?,
        };
        let total = match listed.total {
            Some(total) => total,
            None => response.total_credentials.ok_or(Misbehaviour::NoCredential)?,
        };
        if total > MOST {
            return Err(Misbehaviour::TooManyCredentials.into());
        }
        listed.total = Some(total);
        listed.seen = listed.seen.saturating_add(1);
        let credential = response.credential.ok_or(Misbehaviour::NoCredential)?.id;
        let user = response.user.ok_or(Misbehaviour::NoUserHandle)?;
        match self.signal.verdict(&credential, &user.id) {
            Verdict::Keep => {}
            Verdict::Remove => listed.changes.push_back(Subcommand::DeleteCredential(credential)),
            Verdict::Rename { name, display_name } => {
                let [name, display_name] =
                    [name, display_name].map(|it| Some(it).filter(|it| !it.is_empty()));
                let renamed = User { id: user.id.clone(), name, display_name };
                if renamed != user {
                    let user = renamed;
                    listed
                        .changes
                        .push_back(Subcommand::UpdateUserInformation { credential, user });
                }
            }
        }
        if listed.seen < total {
            self.send(&token, Subcommand::EnumerateCredentialsGetNextCredential);
            self.state = State::Listing(token, listed);
        } else {
            self.change(token, listed.changes);
        }
        Ok(())
    }

    /// Sends the first of these, or ends.
    fn change(&mut self, token: PinUvAuthToken, changes: VecDeque<Subcommand>) {
        match changes.front() {
            Some(next) => {
                self.send(&token, next.clone());
                self.state = State::Changing(token, changes);
            }
            None => self.ceremony.finish(Ok(std::mem::take(&mut self.changed))),
        }
    }

    /// The first of these was changed, or refused.
    fn changed(
        &mut self,
        token: PinUvAuthToken,
        mut changes: VecDeque<Subcommand>,
        response: &[u8],
    ) -> Result<(), Error> {
        match (CredentialManagementResponse::decode(response), changes.pop_front()) {
            // It has gone by itself meanwhile.
            (Err(ResponseError::Status(Status::NoCredentials)), _) => {}
            (Err(error), _) => return Err(Error::from_response(error)),
            (
                Ok(_),
                Some(
                    Subcommand::DeleteCredential(credential)
                    | Subcommand::UpdateUserInformation { credential, .. },
                ),
            ) => self.changed.push(credential),
            (Ok(_), _) => {}
        }
        self.change(token, changes);
        Ok(())
    }

    fn send(&mut self, token: &PinUvAuthToken, subcommand: Subcommand) {
        let mut request = CredentialManagementRequest::new(subcommand);
        if !request.subcommand().is_continuation() {
            let param = token.proof_of(&request.authenticated_message());
            request.auth = Some(PinUvAuth { protocol: token.protocol(), param });
        }
        self.ceremony.request(Request::from(request).encode());
    }
}
