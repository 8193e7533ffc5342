//! Random requests, answers, jobs, cancels and time: nothing panics, each request gets exactly one
//! response, no question stays open, and no flag is set that nobody answered for.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use crate::rig::*;
use proptest::{collection::vec, prelude::*};
use towline_authenticator::{
    Answer, Authenticator, ChannelId, Config, Counters, Job, MemoryStore, Output, Question,
    SoftwareKeys, Token,
};
use towline_ctap::{
    Flags, GetAssertionResponse, PublicKeyCredentialDescriptor, Request, RequestOptions,
    extension::CredentialProtectionPolicy,
};

#[derive(Debug, Clone)]
enum Step {
    Bytes(u8, Vec<u8>),
    /// A good request with these bytes exclusive-ored in, so that the shape survives for a while.
    Bent(u8, usize, Vec<(usize, u8)>),
    Create {
        channel: u8,
        rp: u8,
        user: u8,
        options: RequestOptions,
        protect: Option<u64>,
        exclude: bool,
    },
    SignIn {
        channel: u8,
        rp: u8,
        options: RequestOptions,
        list: bool,
    },
    Next(u8),
    Plain(u8, u8),
    Answer(Answer),
    Job,
    LoseJob,
    Cancel(u8),
    PowerUp,
    Pass(u64),
}

fn flag() -> impl Strategy<Value = Option<bool>> {
    proptest::option::weighted(0.3, any::<bool>())
}

fn options() -> impl Strategy<Value = RequestOptions> {
    (flag(), flag(), flag()).prop_map(|(rk, up, uv)| RequestOptions { rk, up, uv })
}

fn step() -> impl Strategy<Value = Step> {
    let answer = prop_oneof![
        3 => Just(Answer::Approve),
        3 => Just(Answer::Verified),
        1 => Just(Answer::NotVerified),
        1 => Just(Answer::Deny),
        3 => (0..3_usize).prop_map(Answer::Account),
    ];
    prop_oneof![
        1 => (0..2_u8, vec(any::<u8>(), 0..40)).prop_map(|(c, b)| Step::Bytes(c, b)),
        2 => (0..2_u8, 0..3_usize, vec((any::<usize>(), any::<u8>()), 0..3))
            .prop_map(|(c, r, b)| Step::Bent(c, r, b)),
        6 => (0..2_u8, 0..2_u8, 0..4_u8, options(), proptest::option::of(0..5_u64), any::<bool>())
            .prop_map(|(channel, rp, user, options, protect, exclude)| Step::Create {
                channel, rp, user, options, protect, exclude
            }),
        6 => (0..2_u8, 0..2_u8, options(), any::<bool>())
            .prop_map(|(channel, rp, options, list)| Step::SignIn { channel, rp, options, list }),
        3 => (0..2_u8).prop_map(Step::Next),
        2 => (0..2_u8, 0..0x0e_u8).prop_map(|(c, b)| Step::Plain(c, b)),
        12 => answer.prop_map(Step::Answer),
        12 => Just(Step::Job),
        1 => Just(Step::LoseJob),
        1 => (0..2_u8).prop_map(Step::Cancel),
        1 => Just(Step::PowerUp),
        2 => (0..70_000_u64).prop_map(Step::Pass),
    ]
}

/// An authenticator, and all that is known of it from outside.
struct Watch {
    authenticator: Authenticator,
    now: Instant,
    open: Option<(Token, Question)>,
    jobs: Vec<(Token, Job)>,
    /// Requests without a response.
    waiting: HashMap<ChannelId, usize>,
    /// What the person confirmed since the request that is under way began.
    approved: bool,
    verified: bool,
    /// What counts for getNextAssertion.
    last: (bool, bool),
    /// The counter last seen, by credential.
    counts: HashMap<Vec<u8>, u32>,
    next: bool,
    global: bool,
}

const RPS: [&str; 2] = ["example.org", "example.com"];

impl Watch {
    fn request(&mut self, channel: u8, bytes: &[u8]) {
        let channel = ChannelId(channel.into());
        *self.waiting.entry(channel).or_default() += 1;
        if !self.authenticator.is_busy() {
            self.approved = false;
            self.verified = false;
            self.next = bytes == [0x08];
        }
        self.authenticator.handle_request(channel, bytes, self.now);
        self.drain();
    }

    fn drain(&mut self) {
        while let Some(output) = self.authenticator.poll_output() {
            match output {
                Output::Ask { token, question } => {
                    assert!(!question.to_string().is_empty());
                    assert!(self.open.is_none(), "two questions at once");
                    self.open = Some((token, question));
                }
                Output::Withdraw { token } => {
                    assert_eq!(self.open.take().map(|(open, _)| open), Some(token));
                }
                Output::Work { token, job } => self.jobs.push((token, job)),
                Output::Response { channel, bytes } => {
                    let waiting = self.waiting.get_mut(&channel).unwrap();
                    *waiting = waiting.checked_sub(1).expect("a response too many");
                    if bytes != [0x06] {
                        assert!(self.open.is_none(), "a question is open after the response");
                        self.check(&bytes);
                    }
                }
                _ => {}
            }
        }
        let busy = self.authenticator.is_busy();
        assert_eq!(self.waiting.values().sum::<usize>(), usize::from(busy));
        if !busy {
            assert_eq!(self.authenticator.poll_timeout(), None);
        }
    }

    fn check(&mut self, bytes: &[u8]) {
        let Ok(response) = GetAssertionResponse::decode(bytes) else { return };
        let data = data(&response.auth_data);
        let shown = if self.next { self.last } else { (self.approved, self.verified) };
        let (approved, verified) = shown;
        assert!(!data.flags.contains(Flags::UP) || approved || verified);
        assert!(!data.flags.contains(Flags::UV) || verified);
        self.last = shown;
        let named = response.user.as_ref().is_some_and(|user| user.name.is_some());
        assert!(!named || data.flags.contains(Flags::UV), "a name for the unverified");
        let key = if self.global {
            Vec::new()
        } else {
            response.credential.unwrap().id.as_bytes().to_vec()
        };
        let before = self.counts.insert(key, data.sign_count).unwrap_or(0);
        assert!(data.sign_count > before, "a counter went back");
    }

    fn step(&mut self, step: Step, store: &MemoryStore) {
        match step {
            Step::Bytes(channel, bytes) => self.request(channel, &bytes),
            Step::Bent(channel, which, bends) => {
                let good = [
                    Request::from(creation(RPS[0], "alice")),
                    Request::from(assertion(RPS[0])),
                    Request::GetInfo,
                ];
                let mut bytes = good[which].encode();
                for (place, bend) in bends {
                    let place = place % bytes.len();
                    bytes[place] ^= bend;
                }
                self.request(channel, &bytes);
            }
            Step::Create { channel, rp, user, options, protect, exclude } => {
                let mut request = creation(RPS[usize::from(rp)], &format!("user {user}"));
                request.options = options;
                if let Some(level) = protect.and_then(CredentialProtectionPolicy::from_level) {
                    request.extensions.set(&level);
                }
                if exclude {
                    request.exclude_list = list(store);
                }
                self.request(channel, &Request::from(request).encode());
            }
            Step::SignIn { channel, rp, options, list: listed } => {
                let mut request = assertion(RPS[usize::from(rp)]);
                request.options = options;
                request.allow_list = listed.then(|| list(store));
                self.request(channel, &Request::from(request).encode());
            }
            Step::Next(channel) => self.request(channel, &[0x08]),
            Step::Plain(channel, command) => self.request(channel, &[command]),
            Step::Answer(answer) => {
                let Some((token, _)) = &self.open else { return };
                let given = self.authenticator.handle_answer(*token, answer.clone(), self.now);
                if given.is_ok() {
                    self.open = None;
                    self.approved |= answer == Answer::Approve;
                    self.verified |= answer == Answer::Verified;
                }
                self.drain();
            }
            Step::Job => {
                if let Some((token, job)) = self.jobs.pop() {
                    self.authenticator.handle_work(token, job.run(), self.now).unwrap();
                    self.drain();
                }
            }
            Step::LoseJob => {
                if let Some((token, _)) = self.jobs.pop() {
                    self.authenticator.handle_work_lost(token, self.now).unwrap();
                    self.drain();
                }
            }
            Step::Cancel(channel) => {
                self.authenticator.handle_cancel(ChannelId(channel.into()), self.now);
                self.drain();
            }
            Step::PowerUp => {
                self.authenticator.handle_power_up(self.now);
                self.drain();
            }
            Step::Pass(time) => {
                self.now += Duration::from_millis(time);
                self.authenticator.handle_timeout(self.now);
                self.drain();
            }
        }
    }
}

fn list(store: &MemoryStore) -> Vec<PublicKeyCredentialDescriptor> {
    let all = store.credentials().into_iter().take(8);
    all.map(|credential| PublicKeyCredentialDescriptor::new(credential.id)).collect()
}

fn run(config: Config, slow: bool, steps: Vec<Step>) {
    let provider = towline_crypto::rustcrypto::provider();
    let store = MemoryStore::with_limit(6);
    let global = config.credentials.counters == Counters::Global;
    let authenticator = if slow {
        let keys = RiggedKeys::slow(provider.clone());
        Authenticator::new(config, provider, RiggedStore::slow(store.clone()), keys)
    } else {
        let keys = SoftwareKeys::new(provider.clone());
        Authenticator::new(config, provider, store.clone(), keys)
    };
    let mut watch = Watch {
        authenticator: authenticator.unwrap(),
        now: Instant::now(),
        open: None,
        jobs: Vec::new(),
        waiting: HashMap::new(),
        approved: false,
        verified: false,
        last: (false, false),
        counts: HashMap::new(),
        next: false,
        global,
    };
    for step in steps {
        watch.step(step, &store);
    }
    // Whatever is under way ends by itself.
    for _ in 0..100 {
        let Some(due) = watch.authenticator.poll_timeout() else { break };
        watch.now = watch.now.max(due) + Duration::from_secs(61);
        watch.authenticator.handle_timeout(watch.now);
        watch.drain();
    }
    assert!(!watch.authenticator.is_busy());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn a_security_key_keeps_the_rules(steps in vec(step(), 1..60), slow: bool) {
        run(Config::security_key(), slow, steps);
    }

    #[test]
    fn a_phone_keeps_the_rules(
        steps in vec(step(), 1..60),
        slow: bool,
        unasked: bool,
        display: bool,
        not_required: bool,
    ) {
        let mut config = Config::phone().with_counters(Counters::PerCredential);
        config.verification.unasked = unasked;
        config.identity.has_display = display;
        config.verification.make_cred_uv_not_rqd = not_required;
        run(config, slow, steps);
    }

    #[test]
    fn any_bytes_get_one_response(requests in vec((0..0x10_u8, vec(any::<u8>(), 0..80)), 1..40)) {
        let steps = requests.into_iter().map(|(command, mut bytes)| {
            bytes.insert(0, command);
            Step::Bytes(0, bytes)
        });
        run(Config::phone().with_counters(Counters::Global), false, steps.collect());
    }
}
