//! An authenticator, the person in front of it, the clock, and all that is known of it from
//! outside.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use towline_authenticator::{
    Answer, Authenticator, ChannelId, Config, Credential, CredentialStore, LargeBlobs, MemoryStore,
    Output, Purpose, Question, Record, SoftwareKeys, Template, Work,
};
use towline_crypto::CryptoProvider;
use towline_ctap::{
    ClientPinRequest, CredentialId, KeyAgreementKey, Permissions, Request, RpId, SampleStatus,
    Status, TemplateId,
};

use zeroize::Zeroizing;

use crate::kinds;

/// The PIN that is set at the start.
pub const PIN: &str = "2468-blue";

/// How many credentials the store has room for.
pub const ROOM: usize = 6;

/// The relying parties that requests are about.
pub const RPS: [&str; 3] = ["example.org", "example.com", "a.example.org"];

/// What the person does when they are asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, arbitrary::Arbitrary)]
pub enum Mood {
    /// Yes to everything, the account of this number.
    Agrees(u8),
    /// No to everything.
    Refuses,
    /// No at the first question, yes at the second, and so on.
    Wavers,
    /// Verification fails once.
    Slips,
    /// Verification fails again and again.
    Fails,
    /// Nobody is there.
    Absent,
    /// The client gives up.
    Cancels,
    /// The power fails.
    Unplugged,
    /// Another client gets in between, and then all goes on.
    Interrupted,
}

impl From<u8> for Mood {
    fn from(byte: u8) -> Self {
        match byte {
            0 => Self::Refuses,
            1 => Self::Wavers,
            2 => Self::Slips,
            3 => Self::Fails,
            4 => Self::Absent,
            5 => Self::Cancels,
            6 => Self::Unplugged,
            7 => Self::Interrupted,
            index => Self::Agrees(index),
        }
    }
}

/// What the person has shown.
#[derive(Debug, Clone, Copy, Default)]
pub struct Shown {
    pub present: bool,
    pub verified: bool,
}

/// What is known of the token in use.
#[derive(Debug, Clone)]
pub struct Token {
    pub shown: Shown,
    pub rp_id: Option<RpId>,
    pub given: Instant,
}

/// What must not change unless a request succeeds.
#[derive(PartialEq, Eq)]
pub struct Durable {
    pub credentials: Vec<Credential>,
    pub pin: Option<Vec<u8>>,
    pub large_blobs: Option<Vec<u8>>,
    pub settings: Option<Vec<u8>>,
    pub fingerprints: Option<Vec<u8>>,
}

/// The retry counters, as they are stored.
#[derive(Clone, Copy)]
pub struct Retries {
    pub pin: Option<u8>,
    pub verification: Option<u8>,
}

/// An authenticator under watch.
pub struct Watch {
    pub(crate) authenticator: Authenticator,
    pub(crate) provider: CryptoProvider,
    pub(crate) store: MemoryStore,
    pub(crate) now: Instant,
    /// What the person has shown since the request at hand began.
    pub(crate) shown: Shown,
    /// Whether the person has seen, since then, that there is no passkey for the site.
    pub(crate) told_nothing: bool,
    /// What the assertions of a sequence show.
    pub(crate) sequence: Shown,
    pub(crate) sequence_rp: Option<RpId>,
    pub(crate) listed_rp: Option<RpId>,
    /// How much of a large-blob array was written.
    pub(crate) written: usize,
    /// The finger that is being enrolled.
    pub(crate) enrolling: Option<TemplateId>,
    /// Whom credentials were made for. Those that are not stored are known from here only.
    pub(crate) made: HashMap<CredentialId, RpId>,
    /// Whether an id that was not made here can't be used.
    pub(crate) seals: bool,
    pub(crate) token: Option<Token>,
    /// The counter last seen, by credential; under no id, the global one.
    pub(crate) counts: HashMap<Option<CredentialId>, u32>,
}

impl Watch {
    /// A new authenticator of this kind, just plugged in.
    pub fn new(kind: u8) -> Self {
        let mut provider = towline_crypto_test::fake::provider(u64::from(kind));
        if kinds::seals(kind) {
            provider.aead = towline_crypto::rustcrypto::provider().aead;
        }
        let store = MemoryStore::with_limit(ROOM);
        let keys = SoftwareKeys::new(provider.clone());
        let config = kinds::config(kind);
        let authenticator =
            Authenticator::new(config, provider.clone(), store.clone(), keys).expect("consistent");
        let mut watch = Self {
            authenticator,
            provider,
            store,
            now: Instant::now(),
            shown: Shown::default(),
            told_nothing: false,
            sequence: Shown::default(),
            sequence_rp: None,
            listed_rp: None,
            written: 0,
            enrolling: None,
            made: HashMap::new(),
            seals: kinds::seals(kind),
            token: None,
            counts: HashMap::new(),
        };
        watch.power_up();
        watch
    }

    /// The same with something to lose: a PIN if there is such a thing, three credentials, and a
    /// token for all there is.
    pub fn prepared(kind: u8) -> Self {
        let mut watch = Self::new(kind);
        if watch.config().pin.is_some() {
            watch.expect(&ClientPinRequest::SetPin {
                protocol: watch.protocol(),
                key_agreement: PEER,
                param: watch.param(),
                new_pin_enc: watch.sealed(&padded(PIN)),
            });
        }
        for place in 0..3_u8 {
            watch.take_token(Permissions::MC, Some(RPS[usize::from(place / 2)]));
            let request = crate::requests::make_credential::plain(&watch, place);
            watch.expect_bytes(&request.encode());
        }
        watch.take_token(watch.every_permission(), Some(RPS[0]));
        watch
    }

    pub fn config(&self) -> &Config {
        self.authenticator.config()
    }

    /// The number of the protocol that is preferred; without any, a number nevertheless.
    pub fn protocol(&self) -> u64 {
        self.config()
            .tokens
            .pin_uv_auth_protocols
            .first()
            .map_or(2, |protocol| protocol.identifier())
    }

    /// A MAC that the fake provider accepts.
    pub fn param(&self) -> Vec<u8> {
        vec![0x5a; if self.protocol() == 1 { 16 } else { 32 }]
    }

    /// "Encrypted", as the fake provider does it.
    pub fn sealed(&self, message: &[u8]) -> Vec<u8> {
        let iv = if self.protocol() == 1 { 0 } else { 16 };
        [&vec![0x11; iv], message].concat()
    }

    /// What is sent to prove that one knows a PIN.
    pub fn pin_hash(&self, pin: &str) -> Vec<u8> {
        self.sealed(&self.provider.sha256.hash(&[pin.as_bytes()])[..16])
    }

    /// All that a token can be good for at once.
    fn every_permission(&self) -> Permissions {
        let config = self.config();
        let mut all = Permissions::MC | Permissions::GA;
        if config.tokens.credential_management {
            all = all | Permissions::CM;
        }
        if matches!(config.extensions.large_blobs, LargeBlobs::Command(_)) {
            all = all | Permissions::LBW;
        }
        if config.min_pin_length_rp_ids().is_some() {
            all = all | Permissions::ACFG;
        }
        if config.bio_enrollment().is_some() {
            all = all | Permissions::BE;
        }
        all
    }

    /// Gets a token, in the way that this authenticator has; one that has none gives none.
    pub fn take_token(&mut self, permissions: Permissions, rp: Option<&str>) {
        let rp_id = rp.map(|rp| RpId::new(rp).expect("an RP ID"));
        let (protocol, key_agreement) = (self.protocol(), PEER);
        let request = if self.config().pin.is_some() {
            let pin_hash_enc = self.pin_hash(PIN);
            ClientPinRequest::GetPinUvAuthTokenUsingPinWithPermissions {
                protocol,
                key_agreement,
                pin_hash_enc,
                permissions,
                rp_id,
            }
        } else if self.config().tokens.pin_uv_auth_protocols.is_empty() {
            return;
        } else {
            ClientPinRequest::GetPinUvAuthTokenUsingUvWithPermissions {
                protocol,
                key_agreement,
                permissions,
                rp_id,
            }
        };
        self.request(0, &Request::from(request).encode(), Mood::Agrees(0));
    }

    fn expect(&mut self, request: &ClientPinRequest) {
        self.expect_bytes(&Request::from(request.clone()).encode());
    }

    fn expect_bytes(&mut self, request: &[u8]) {
        assert_eq!(self.request(0, request, Mood::Agrees(0)), Status::Ok, "preparation");
    }

    /// Sends a request and does what comes of it, until there is the one response; then judges
    /// that.
    pub fn request(&mut self, channel: u8, request: &[u8], mood: Mood) -> Status {
        let channel = ChannelId(channel.into());
        self.shown = Shown::default();
        self.told_nothing = false;
        let (durable, retries) = (self.durable(), self.retries());
        self.authenticator.handle_request(channel, request, self.now);
        let response = self.response(channel, mood);
        let status = self.judge(request, &response, &durable, retries);
        if mood == Mood::Unplugged {
            self.power_up();
        }
        status
    }

    /// Does what is asked for, until the response is there.
    fn response(&mut self, channel: ChannelId, mood: Mood) -> Vec<u8> {
        let (mut response, mut open, mut asked) = (None, None, 0_usize);
        loop {
            let Some(output) = self.authenticator.poll_output() else {
                if let Some(response) = response {
                    assert_eq!(open, None, "a question is open after the response");
                    assert!(!self.authenticator.is_busy());
                    assert_eq!(self.authenticator.poll_timeout(), None);
                    return response;
                }
                // Waiting for nobody: the time passes.
                let due = self.authenticator.poll_timeout().expect("who waits has a deadline");
                self.now = self.now.max(due);
                self.authenticator.handle_timeout(self.now);
                continue;
            };
            match output {
                Output::Ask { token, question } => {
                    assert!(!question.to_string().is_empty());
                    assert_eq!(open.replace(token), None, "two questions at once");
                    if let Question::EnrollFingerprint { template, .. } = &question {
                        self.enrolling = Some(template.clone());
                    }
                    if mood == Mood::Interrupted {
                        self.interrupt();
                    }
                    if let Some(answer) = answer(mood, &question, asked) {
                        let given = self.authenticator.handle_answer(token, answer, self.now);
                        if given.is_ok() {
                            self.note(&question, mood, asked);
                            open = None;
                        }
                    } else if mood == Mood::Cancels {
                        self.authenticator.handle_cancel(channel, self.now);
                    } else if mood == Mood::Unplugged {
                        self.authenticator.handle_power_up(self.now);
                    }
                    asked += 1;
                    assert!(asked < 50, "it never stops asking");
                }
                Output::Withdraw { token } => assert_eq!(open.take(), Some(token)),
                Output::Work { token, job } => {
                    self.authenticator.handle_work(token, job.run(), self.now).expect("awaited");
                }
                Output::Response { channel: to, bytes } => {
                    assert_eq!(to, channel);
                    assert_eq!(response.replace(bytes), None, "two responses");
                }
                _ => {}
            }
        }
    }

    /// Another client, which must be told to wait.
    fn interrupt(&mut self) {
        let other = ChannelId(99);
        self.authenticator.handle_request(other, &[0x04], self.now);
        self.authenticator.handle_cancel(other, self.now);
        while let Some(output) = self.authenticator.poll_output() {
            if let Output::Response { channel, bytes } = output {
                assert_eq!((channel, bytes), (other, vec![Status::ChannelBusy.to_u8()]));
            }
        }
    }

    /// Keeps in mind what an answer showed.
    fn note(&mut self, question: &Question, mood: Mood, asked: usize) {
        match (question, answer(mood, question, asked)) {
            (Question::VerifyUser { .. }, Some(Answer::Verified)) => self.shown.verified = true,
            (Question::NothingToUse { .. }, Some(Answer::Approve)) => self.told_nothing = true,
            (Question::ConfirmPresence { purpose }, Some(Answer::Approve)) => {
                let counts = matches!(purpose, Purpose::Create { .. } | Purpose::Use { .. });
                self.shown.present |= counts;
            }
            _ => {}
        }
    }

    /// The power comes (again): no token is valid any more.
    pub fn power_up(&mut self) {
        self.authenticator.handle_power_up(self.now);
        assert!(self.authenticator.poll_output().is_none(), "nothing was under way");
        self.token = None;
    }

    pub fn pass(&mut self, time: Duration) {
        self.now += time;
        self.authenticator.handle_timeout(self.now);
        assert!(self.authenticator.poll_output().is_none(), "nothing was under way");
    }

    /// After everything, the authenticator is of use: it says what it is, and somebody can make a
    /// credential or be told why not.
    pub fn finish(mut self) {
        self.pass(Duration::from_secs(60));
        self.power_up();
        assert_eq!(self.request(0, &[0x04], Mood::Agrees(0)), Status::Ok);
        self.take_token(Permissions::MC, Some(RPS[2]));
        let request = crate::requests::make_credential::plain(&self, 9);
        self.request(0, &request.encode(), Mood::Agrees(0));
        assert!(self.store.len() <= ROOM);
    }

    pub(crate) fn record(&self, record: Record) -> Option<Vec<u8>> {
        match self.store.clone().record(record) {
            Work::Done(Ok(value)) => value.map(|value| value.to_vec()),
            _ => None,
        }
    }

    pub(crate) fn durable(&self) -> Durable {
        Durable {
            credentials: self.store.credentials(),
            pin: self.record(Record::Pin),
            large_blobs: self.record(Record::LargeBlobs),
            settings: self.record(Record::Settings),
            fingerprints: self.record(Record::Fingerprints),
        }
    }

    pub(crate) fn retries(&self) -> Retries {
        let first = |record| self.record(record).and_then(|value| value.first().copied());
        Retries { pin: first(Record::PinRetries), verification: first(Record::UvRetries) }
    }
}

/// Any key does for the fake key agreement.
pub const PEER: KeyAgreementKey = KeyAgreementKey { x: [0x21; 32], y: [0x22; 32] };

/// A PIN as it is sent, before encryption.
pub fn padded(pin: &str) -> Vec<u8> {
    let mut padded = pin.as_bytes().to_vec();
    padded.resize(64, 0);
    padded
}

/// What the person says to the question of this number, from 0.
fn answer(mood: Mood, question: &Question, asked: usize) -> Option<Answer> {
    let account = match mood {
        Mood::Absent | Mood::Cancels | Mood::Unplugged => return None,
        Mood::Refuses => return Some(Answer::Deny),
        Mood::Wavers if asked.is_multiple_of(2) => return Some(Answer::Deny),
        Mood::Agrees(account) => usize::from(account),
        _ => 0,
    };
    Some(match question {
        Question::VerifyUser { .. } => match mood {
            Mood::Fails => Answer::NotVerified,
            Mood::Slips if asked == 0 => Answer::NotVerified,
            _ => Answer::Verified,
        },
        Question::EnrollFingerprint { samples_left, .. } => match mood {
            Mood::Fails | Mood::Slips => Answer::Sample(SampleStatus::TooFast),
            _ if *samples_left > 1 && account % 4 > 0 => Answer::Sample(SampleStatus::Good),
            _ => Answer::Enrolled(Template::new(Zeroizing::new([9; 40].into()))),
        },
        Question::ChooseAccount { accounts, .. } => Answer::Account(account % accounts.len()),
        _ => Answer::Approve,
    })
}
