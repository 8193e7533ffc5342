//! The machine: requests, answers, finished work and the time go in; questions, work, states
//! and responses come out.

use std::{collections::VecDeque, time::Instant};

use towline_crypto::CryptoProvider;
use towline_ctap::{Response, Status, Transport, algorithm};

use crate::{
    Answer, AnswerError, AttestationFormat, BackupState, ChannelId, Config, ConfigError,
    CredentialStore, Fingerprint, JobDone, KeyStore, Output, PinVerifier, SoftwarePin, Token,
    UnixTime, check_claims,
    clock::Clock,
    durable::{Retries, State},
    flow::Core,
    get_info,
    job::Fate,
    pin_protocol::KeyAgreement,
    running::{Dialect, Owner, Running, Waiting},
    store_access::Stored,
    token::PinUvAuthToken,
    u2f,
    u2f_touch::Touch,
    unneeded::Unneeded,
};

/// One authenticator: one set of credentials, one person, any number of channels, one request at a
/// time.
///
/// Feed it with `handle_*`; after each call drain it with [`poll_output`](Self::poll_output) until
/// that gives `None`, and call [`handle_timeout`](Self::handle_timeout) at the instant that
/// [`poll_timeout`](Self::poll_timeout) names. It does no I/O, has no clock and never blocks. Time
/// must not run backwards.
pub struct Authenticator {
    pub(crate) core: Core,
    pub(crate) outputs: VecDeque<Output>,
    pub(crate) running: Option<Running>,
    /// Jobs that change nothing, and whose ceremony is over.
    pub(crate) abandoned: Vec<Token>,
    /// The write whose ceremony is over. Nothing else begins before it has reported.
    pub(crate) late: Option<Token>,
}

impl Authenticator {
    /// An authenticator with this policy, over this store and these keys.
    ///
    /// # Errors
    /// [`ConfigError`] when the policy contradicts itself, or asks for what the key store does not
    /// have.
    pub fn new(
        config: Config,
        provider: CryptoProvider,
        store: impl CredentialStore + 'static,
        keys: impl KeyStore + 'static,
    ) -> Result<Self, ConfigError> {
        config.validate()?;
        let available = keys.algorithms();
        let algorithms: Vec<i64> = config
            .credentials
            .algorithms
            .iter()
            .copied()
            .filter(|alg| available.contains(alg))
            .collect();
        if algorithms.is_empty() {
            return Err(ConfigError::NoAlgorithm);
        }
        if u2f::is_on(&config) && !algorithms.contains(&algorithm::ES256) {
            return Err(ConfigError::Needs { feature: "Version::U2fV2", needs: "ES256" });
        }
        let makes = keys.attestation_formats();
        for format in &config.attestation.formats {
            match format {
                AttestationFormat::OfKeyStore(own) if !makes.contains(own) => {
                    return Err(ConfigError::NoAttestation(own));
                }
                _ => {}
            }
        }
        let core = Core {
            backed_up: config.credentials.backup == BackupState::BackedUp,
            config,
            provider,
            store: Stored::new(store),
            keys: Box::new(keys),
            keys_unlocked: false,
            pin_verifier: Box::new(SoftwarePin),
            unneeded: Unneeded::default(),
            algorithms,
            now: Clock::default(),
            time: None,
            powered_up: None,
            channel: ChannelId::default(),
            transport: None,
            retries: Retries::default(),
            state: State::default(),
            key_agreement: KeyAgreement::default(),
            token: PinUvAuthToken::default(),
            pin_mismatches: 0,
            sequence: None,
            u2f: false,
            touch: Touch::default(),
            withdrawn: Vec::new(),
            events: Vec::new(),
        };
        check_claims(&get_info::info(&core), core.config.verifies_without_token())?;
        Ok(Self {
            core,
            outputs: VecDeque::new(),
            running: None,
            abandoned: Vec::new(),
            late: None,
        })
    }

    /// The same with another way to keep and compare PINs than [`SoftwarePin`]: before the first
    /// request.
    #[must_use]
    pub fn with_pin_verifier(mut self, verifier: impl PinVerifier + 'static) -> Self {
        self.core.pin_verifier = Box::new(verifier);
        self
    }

    /// Takes a request: the command byte, then its parameters. Exactly one [`Output::Response`] to
    /// this channel follows, now or later. While another request is under way, that is
    /// `CTAP1_ERR_CHANNEL_BUSY`.
    pub fn handle_request(&mut self, channel: ChannelId, request: &[u8], now: Instant) {
        self.request(channel, None, request, now);
    }

    /// As [`Self::handle_request`], and tells over which transport the request came: what is
    /// possible over some only, by [`ResetPolicy::transports`](crate::ResetPolicy::transports), is
    /// refused where that is not known.
    pub fn handle_request_over(
        &mut self,
        transport: Transport,
        channel: ChannelId,
        request: &[u8],
        now: Instant,
    ) {
        self.request(channel, Some(transport), request, now);
    }

    fn request(
        &mut self,
        channel: ChannelId,
        transport: Option<Transport>,
        request: &[u8],
        now: Instant,
    ) {
        if self.running.is_some() {
            self.core.now = Clock::at(now);
            self.respond(channel, Response::status_only(Status::ChannelBusy));
            return;
        }
        self.turn_to(channel, transport, now);
        self.take(channel, Dialect::Ctap, request);
    }

    /// A request of CTAP2 comes, and nothing is under way.
    pub(crate) fn turn_to(
        &mut self,
        channel: ChannelId,
        transport: Option<Transport>,
        now: Instant,
    ) {
        self.core.now = Clock::at(now);
        self.core.channel = channel;
        self.core.transport = transport;
        self.core.u2f = false;
        self.core.withdrawn.extend(self.core.touch.forget());
        self.settle_touch();
    }

    /// Tells the time of day, which passkeys carry as a claim: when they were made, changed and
    /// used. Without it they carry none. Nothing else depends on it.
    pub const fn handle_unix_time(&mut self, time: UnixTime) {
        self.core.time = Some(time);
    }

    /// Takes a request of CTAP1/U2F: an APDU, as CTAPHID_MSG carries it. Exactly one
    /// [`Output::Response`] follows: data, and a status word. Without
    /// [`Version::U2fV2`](towline_ctap::Version::U2fV2) in the config that is 0x6D00.
    ///
    /// A request never waits for the person. If it needs a touch, the response is 0x6985 at once,
    /// and the client asks again and again; the question is open meanwhile, and withdrawn when the
    /// client has given up. A touch is good for what it was asked for, once, within 10 s; a no is
    /// not asked about again for as long.
    pub fn handle_u2f(&mut self, channel: ChannelId, apdu: &[u8], now: Instant) {
        self.core.now = Clock::at(now);
        if self.running.is_some() {
            return self.respond(channel, u2f::failure(Status::ChannelBusy));
        }
        self.core.channel = channel;
        self.core.transport = None;
        self.core.u2f = true;
        self.take(channel, Dialect::U2f, apdu);
    }

    /// Takes the person's answer to [`Output::Ask`].
    ///
    /// # Errors
    /// [`AnswerError::UnknownToken`] when the question is not open (any more), which a race with a
    /// withdrawal makes ordinary; [`AnswerError::DoesNotFit`] when it can't be answered so, and
    /// stays open.
    pub fn handle_answer(
        &mut self,
        token: Token,
        answer: Answer,
        now: Instant,
    ) -> Result<(), AnswerError> {
        self.core.now = Clock::at(now);
        if self.core.touch.is_asked(token) {
            let taken = self.core.touch.answer(&answer, self.core.now);
            return if taken { Ok(()) } else { Err(AnswerError::DoesNotFit) };
        }
        let fits = match &self.running {
            Some(Running { waiting: Waiting::Answer { token: open, then }, .. })
                if *open == token =>
            {
                then.accepts(&answer)
            }
            _ => return Err(AnswerError::UnknownToken),
        };
        if !fits {
            return Err(AnswerError::DoesNotFit);
        }
        if let Some(Running { channel, waiting: Waiting::Answer { then, .. }, .. }) =
            self.running.take()
        {
            let flow = then.answer(&mut self.core, answer);
            self.go_on(channel, flow);
        }
        Ok(())
    }

    /// Takes the result of the job of [`Output::Work`]. The result of a job that nobody waits for
    /// any more is cleared up.
    ///
    /// Every job has to come back, here or to [`Self::handle_work_lost`], its request answered or
    /// not: after a request that was cancelled, or has taken too long, while something was being
    /// written, the next one waits for that, since a write that lands late would undo what came
    /// after it. It waits for [`Timing::work_timeout`](crate::Timing::work_timeout) at most, and
    /// then fails. For the same reason jobs of an authenticator that is dropped have to end before
    /// another one uses the same store.
    ///
    /// # Errors
    /// [`UnknownJob`] when there was no such job, it was handed back before, or this is the result
    /// of another one.
    pub fn handle_work(
        &mut self,
        token: Token,
        done: JobDone,
        now: Instant,
    ) -> Result<(), UnknownJob> {
        self.core.now = Clock::at(now);
        if done.token() != token {
            return Err(UnknownJob);
        }
        match self.take_job(token)? {
            Owner::Waits(channel, _) => {
                let flow = done.resume(&mut self.core, Fate::Awaited);
                self.go_on(channel, flow);
                self.settle_touch();
            }
            Owner::Late => {
                // Nobody goes on with a sequence that it begins; the one of another client stays.
                let sequence = self.core.sequence.take();
                let flow = done.resume(&mut self.core, Fate::Abandoned);
                self.core.sequence = sequence;
                self.late_one_is_done(flow);
            }
            // The ceremony is over; what the result says of it does not matter any more.
            Owner::Nobody => {
                drop(done.resume(&mut self.core, Fate::Abandoned));
                self.forget_keys();
            }
        }
        Ok(())
    }

    /// The job of [`Output::Work`] was lost: it panicked, or was never run. Its request fails with
    /// `CTAP1_ERR_OTHER`.
    ///
    /// # Errors
    /// [`UnknownJob`] when there was no such job, or it was handed back before.
    pub fn handle_work_lost(&mut self, token: Token, now: Instant) -> Result<(), UnknownJob> {
        self.core.now = Clock::at(now);
        match self.take_job(token)? {
            Owner::Waits(channel, effect) => {
                if effect.writes {
                    self.core.doubt();
                }
                self.go_on(channel, Err(Status::Other));
            }
            Owner::Late => {
                self.core.doubt();
                self.late_one_is_done(Err(Status::Other));
            }
            Owner::Nobody => {}
        }
        Ok(())
    }

    /// The client cancels its request, or its channel is gone: the response is
    /// `CTAP2_ERR_KEEPALIVE_CANCEL`. Without a request of this channel nothing happens. It is too
    /// late, too, when the store is just saving the result: then the response tells how that went.
    pub fn handle_cancel(&mut self, channel: ChannelId, now: Instant) {
        self.core.now = Clock::at(now);
        match &self.running {
            Some(running) if running.channel == channel => {}
            _ => return,
        }
        self.abort(false);
    }

    /// The authenticator was plugged in, or the embedder lets that be so: the window for a reset
    /// opens, the PIN can be tried again after three failures in a row, and whatever was remembered
    /// or under way ends, PIN/UV tokens included. It is never assumed: without it the window is
    /// closed.
    pub fn handle_power_up(&mut self, now: Instant) {
        self.core.now = Clock::at(now);
        self.abort(true);
        self.core.forget_sequences(None);
        self.core.forget_agreements();
        self.core.pin_mismatches = 0;
        self.core.powered_up = Some(now);
        self.core.lock_keys();
        self.core.withdrawn.extend(self.core.touch.forget());
        self.settle_touch();
    }

    /// Lets the time pass.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.core.now = Clock::at(now);
        self.core.withdrawn.extend(self.core.touch.expire(self.core.now));
        self.settle_touch();
        let Some(running) = &self.running else { return self.core.lock_keys_without_token() };
        if self.core.now.reached(running.deadline) {
            self.expire();
        }
    }

    /// The next thing to do, if there is one.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When to call [`Self::handle_timeout`], if nothing happens before.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let running = self.running.as_ref();
        let deadline = running.and_then(|running| running.deadline);
        // A request that is under way may still need what the PIN opened.
        let locks_at = self.core.locks_at().filter(|_| running.is_none());
        [deadline, self.core.touch.deadline(), locks_at].into_iter().flatten().min()
    }

    /// The policy that it was made with.
    #[must_use]
    pub const fn config(&self) -> &Config {
        &self.core.config
    }

    /// The fingerprints that are enrolled: what a sensor compares with while
    /// [`Question::VerifyUser`](crate::Question::VerifyUser) is open. `None` where that is not
    /// known, as before the first request has read them from the store; while a question is open it
    /// is.
    #[must_use]
    pub fn fingerprints(&self) -> Option<&[Fingerprint]> {
        let core = &self.core;
        core.state.is_known(&core.config).then_some(&*core.state.fingerprints)
    }

    /// Whether credentials that may be backed up are so from now on (the BS flag). Without
    /// credentials that may be, it has no effect.
    pub const fn set_backed_up(&mut self, backed_up: bool) {
        self.core.backed_up = backed_up;
    }

    /// Whether a request is under way.
    #[must_use]
    pub const fn is_busy(&self) -> bool {
        self.running.is_some()
    }
}

impl std::fmt::Debug for Authenticator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Authenticator")
            .field("aaguid", &self.core.config.identity.aaguid)
            .field("busy", &self.is_busy())
            .finish_non_exhaustive()
    }
}

/// There was no such job, or it was handed back before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no job with this token is under way")]
pub struct UnknownJob;
