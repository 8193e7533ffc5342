//! Random sequences of all commands, from a platform that does its part of the protocols, with
//! people of every mood, stores that fail, power cuts and time: whatever comes before, every answer
//! keeps the rules, and the authenticator stays of use.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use crate::rig::{platform::*, *};
use proptest::{collection::vec, prelude::*};
use towline_authenticator::{
    Answer, BioEnrollment, BuiltInVerification, Config, Credential, CredentialStore, LargeBlobs,
    PinComplexity, Purpose, Question, Record, ResetTime, Template, Work,
};
use towline_crypto::rustcrypto;
use towline_ctap::{
    BioEnrollmentRequest, BioEnrollmentResponse, ClientPinRequest, ClientPinResponse,
    ConfigRequest, CredentialId, CredentialManagementRequest, CredentialManagementResponse,
    CredentialManagementSubcommand as Sub, FingerprintRequest, FingerprintSubcommand as Finger,
    Flags, GetAssertionResponse, GetInfo, LargeBlobsRequest, MakeCredentialResponse, Permissions,
    Request, SampleStatus, Status, TemplateId, Version,
    extension::{LargeBlob, LargeBlobInput, LargeBlobSupport},
};

use zeroize::Zeroizing;

use steps::{List, Management, Mood, Step, often, step};

mod steps;

const PINS: [&str; 2] = ["2468-blue", "1357-red"];
const RPS: [&str; 2] = ["example.org", "example.com"];

/// What the person has shown.
#[derive(Debug, Clone, Copy, Default)]
struct Shown {
    present: bool,
    verified: bool,
}

/// A token, for whom it is, and what the person has shown for it.
struct Held {
    token: PlatformToken,
    rp: Option<usize>,
    shown: Shown,
}

/// What must not change unless a request succeeds.
#[derive(Debug, PartialEq)]
struct Durable {
    credentials: Vec<Credential>,
    records: Vec<Option<Vec<u8>>>,
}

struct Run {
    rig: Rig,
    fuse: Fuse,
    mood: Mood,
    /// Shown since the request at hand began.
    shown: Arc<Mutex<Shown>>,
    pin: Option<usize>,
    held: Option<Held>,
    /// The sign-in that getNextAssertion goes on with.
    signing_in: Option<(usize, Shown)>,
    /// The operation that is to fail during the next request.
    fault: Option<usize>,
    count: u32,
}

/// A security key with all that there is, and large blobs in one of the two ways.
fn config(by_extension: bool) -> Config {
    let mut config = Config::security_key();
    if by_extension {
        config.extensions.large_blobs = LargeBlobs::Extension(64);
    }
    config.reset.when = ResetTime::Always;
    config.reset.long_touch_configurable = true;
    let mut lock = BuiltInVerification::screen_lock();
    lock.bio_enrollment = Some(BioEnrollment::touch());
    lock.configures = true;
    config.verification.built_in = Some(lock);
    if let Some(pin) = &mut config.pin {
        pin.complexity = PinComplexity::Configurable;
    }
    config
}

impl Run {
    fn new(by_extension: bool) -> Self {
        let (fuse, store) = (Fuse::default(), towline_authenticator::MemoryStore::with_limit(4));
        let provider = rustcrypto::provider();
        let keys = RiggedKeys::fragile(provider.clone(), &fuse);
        let fragile = RiggedStore::fragile(store.clone(), &fuse);
        let mut run = Self {
            rig: Rig::with(config(by_extension), provider, store, fragile, keys),
            fuse,
            mood: Mood::Agrees,
            shown: Arc::default(),
            pin: None,
            held: None,
            signing_in: None,
            fault: None,
            count: 0,
        };
        run.be(Mood::Agrees);
        run
    }

    /// The person's mood, and what they show in it.
    fn be(&mut self, mood: Mood) {
        self.mood = mood;
        let shown = self.shown.clone();
        self.rig.person(move |question| {
            let answer = match mood {
                Mood::Agrees => agreeable(question),
                Mood::Refuses => refusing(question),
                Mood::Fails => clumsy(question),
                Mood::Absent => absent(question),
            };
            let answer = match (question, mood) {
                (Question::EnrollFingerprint { samples_left: 1, template }, Mood::Agrees) => {
                    let template = Zeroizing::new(template.as_bytes().into());
                    Some(Answer::Enrolled(Template::new(template)))
                }
                (Question::EnrollFingerprint { .. }, Mood::Agrees) => {
                    Some(Answer::Sample(SampleStatus::Good))
                }
                (Question::EnrollFingerprint { .. }, Mood::Fails) => {
                    Some(Answer::Sample(SampleStatus::TooHigh))
                }
                _ => answer,
            };
            let mut now = shown.lock().unwrap();
            match (question, &answer) {
                (Question::VerifyUser { .. }, Some(Answer::Verified)) => now.verified = true,
                (Question::ConfirmPresence { purpose }, Some(Answer::Approve)) => {
                    now.present |= matches!(purpose, Purpose::Create { .. } | Purpose::Use { .. });
                }
                _ => {}
            }
            answer
        });
    }

    /// Sends a request; what holds for all of them is checked here.
    fn call(&mut self, request: &Request, knows_pin: bool) -> Result<Vec<u8>, Status> {
        *self.shown.lock().unwrap() = Shown::default();
        let (durable, before) = (self.durable(), self.pin_retries());
        self.fuse.blow_at(self.fault.take());
        let answer = self.rig.call(request);
        self.fuse.blow_at(None);
        if let Err(status) = answer {
            assert_eq!(self.durable(), durable, "{request:?}: {status:?}, and yet a change");
        }
        let after = self.pin_retries();
        assert!(
            after <= before || knows_pin,
            "{request:?} brought tries back: {before:?} {after:?}"
        );
        assert!(!self.rig.authenticator.is_busy());
        self.rig.forget_past();
        answer
    }

    fn record(&self, record: Record) -> Option<Vec<u8>> {
        match self.rig.store.clone().record(record) {
            Work::Done(Ok(value)) => value.map(|value| value.to_vec()),
            _ => panic!("the memory answers at once"),
        }
    }

    fn pin_retries(&self) -> Option<Vec<u8>> {
        self.record(Record::PinRetries)
    }

    fn durable(&self) -> Durable {
        let kept = [Record::Pin, Record::Settings, Record::LargeBlobs, Record::Fingerprints];
        Durable {
            credentials: self.rig.store.credentials(),
            records: kept.map(|record| self.record(record)).into(),
        }
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::SetPin(new) => {
                let platform = Platform::agree(&mut self.rig, 2);
                let new_pin_enc = platform.padded(PINS[new]);
                let request = ClientPinRequest::SetPin {
                    protocol: 2,
                    key_agreement: platform.key,
                    param: platform.mac(&new_pin_enc),
                    new_pin_enc,
                };
                let may = self.pin.is_none();
                if self.call(&request.into(), may).is_ok() {
                    (self.pin, self.held) = (Some(new), None);
                }
            }
            Step::ChangePin(right, new) => {
                let old = self.pin_to_try(right);
                let platform = Platform::agree(&mut self.rig, 2);
                let (new_pin_enc, pin_hash_enc) =
                    (platform.padded(PINS[new]), platform.pin_hash(PINS[old]));
                let request = ClientPinRequest::ChangePin {
                    protocol: 2,
                    key_agreement: platform.key,
                    param: platform.mac(&[new_pin_enc.clone(), pin_hash_enc.clone()].concat()),
                    new_pin_enc,
                    pin_hash_enc,
                };
                if self.call(&request.into(), self.pin == Some(old)).is_ok() {
                    assert_eq!(self.pin, Some(old), "changed without the PIN");
                    (self.pin, self.held) = (Some(new), None);
                }
            }
            Step::Token { pin, permissions, rp } => self.take_token(pin, permissions, rp),
            Step::Create { rp, user, discoverable, proof, uv } => {
                let mut request = creation(RPS[rp], &format!("user {user}"));
                request.options.rk = Some(discoverable);
                request.extensions.set(&LargeBlobSupport::Preferred);
                request.options.uv = uv.then_some(true);
                if let Some(held) = self.held.as_ref().filter(|_| proof) {
                    held.token.authorize(&self.rig, &mut request);
                }
                let shown_before = self.held.as_ref().filter(|_| proof).map(|held| held.shown);
                let Ok(response) = self.call(&request.into(), false) else { return };
                let response = MakeCredentialResponse::decode(&response).unwrap();
                let (id, _) = made(&response);
                self.check(&response.auth_data, rp, &id, shown_before);
                self.spend(&response.auth_data);
            }
            Step::SignIn { rp, list, up, proof, uv, more } => {
                self.sign_in(rp, list, up, proof, uv);
                (0..more).for_each(|_| self.next_account());
            }
            Step::Manage(management, more) => {
                self.manage(management, more);
            }
            Step::WriteBlobs { length, part } => self.write_blobs(length, part),
            Step::ReadBlobs(count) => {
                let request = LargeBlobsRequest::Get { count, offset: 0 };
                let _ = self.call(&request.into(), false);
            }
            Step::Settings(subcommand) => {
                let mut request = ConfigRequest::new(subcommand);
                request.auth = self.auth(&request.authenticated_message());
                let _ = self.call(&request.into(), false);
            }
            Step::Enroll(more) => self.enroll(more),
            Step::RemoveFinger(place) => {
                let known =
                    self.rig.authenticator.fingerprints().unwrap_or_default().get(place).cloned();
                let id = known.map_or_else(|| TemplateId::new(b"nobody's"), |known| known.id);
                if self.finger(Finger::RemoveEnrollment(id.clone())).is_ok() {
                    let mut left = self.rig.authenticator.fingerprints().unwrap_or_default().iter();
                    assert!(left.all(|known| known.id != id));
                }
            }
            Step::Plain(request) => {
                let reset = request == Request::Reset;
                let answer = self.call(&request, false);
                if reset && answer.is_ok() {
                    assert!(self.rig.store.is_empty() && self.pin_retries().is_none());
                    (self.pin, self.held) = (None, None);
                }
            }
            Step::Mood(mood) => self.be(mood),
            Step::Fault(operation) => self.fault = Some(operation),
            Step::PowerUp => {
                self.rig.power_up();
                self.held = None;
            }
            Step::Pass(seconds) => self.rig.pass(Duration::from_secs(seconds)),
        }
    }

    fn pin_to_try(&self, right: bool) -> usize {
        match (self.pin, right) {
            (Some(pin), true) => pin,
            (Some(pin), false) => 1 - pin,
            (None, _) => 0,
        }
    }

    fn sign_in(&mut self, rp: usize, list: List, up: bool, proof: bool, uv: bool) {
        let mut request = assertion(RPS[rp]);
        request.options.up = Some(up);
        request.options.uv = uv.then_some(true);
        let all = self.rig.store.credentials();
        match list {
            List::None => {}
            List::All => {
                let all = all.iter().flat_map(|credential| listing(&credential.id));
                request.allow_list = Some(all.collect());
            }
            List::OneToWrite(length) => {
                let one = all.iter().find(|credential| credential.rp_id.as_str() == RPS[rp]);
                request.allow_list = one.map(|credential| listing(&credential.id));
                let blob = LargeBlob { compressed: vec![7; length], original_size: 1000 };
                request.extensions.set(&LargeBlobInput::Write(blob));
            }
        }
        if let Some(held) = self.held.as_ref().filter(|_| proof) {
            held.token.authorize_sign_in(&self.rig, &mut request);
        }
        let by_token = self.held.as_ref().filter(|_| proof).map(|held| held.shown);
        self.signing_in = None;
        let Ok(response) = self.call(&request.into(), false) else { return };
        let response = GetAssertionResponse::decode(&response).unwrap();
        self.signing_in = Some((rp, self.all_shown(by_token)));
        self.check(&response.auth_data, rp, &response.credential.unwrap().id, by_token);
        self.spend(&response.auth_data);
    }

    fn next_account(&mut self) {
        let Ok(response) = self.call(&Request::GetNextAssertion, false) else { return };
        let (rp, shown) = self.signing_in.expect("without a sign-in there is no next one");
        let response = GetAssertionResponse::decode(&response).unwrap();
        self.check(&response.auth_data, rp, &response.credential.unwrap().id, Some(shown));
    }

    fn take_token(&mut self, pin: Option<bool>, permissions: u64, rp: Option<usize>) {
        let pin = pin.map(|right| self.pin_to_try(right));
        let platform = Platform::agree(&mut self.rig, 2);
        let (protocol, key_agreement) = (2, platform.key);
        let permissions = Permissions::from_bits(permissions);
        let rp_id = rp.map(|rp| rp_id(RPS[rp]));
        let request = match pin {
            Some(pin) => ClientPinRequest::GetPinUvAuthTokenUsingPinWithPermissions {
                protocol,
                key_agreement,
                pin_hash_enc: platform.pin_hash(PINS[pin]),
                permissions,
                rp_id,
            },
            None => ClientPinRequest::GetPinUvAuthTokenUsingUvWithPermissions {
                protocol,
                key_agreement,
                permissions,
                rp_id,
            },
        };
        let right = pin.is_some() && pin == self.pin;
        let Ok(response) = self.call(&request.into(), right) else { return };
        assert!(
            right || pin.is_none() && self.shown.lock().unwrap().verified,
            "a token for nobody"
        );
        let encrypted = ClientPinResponse::decode(&response).unwrap().pin_uv_auth_token.unwrap();
        let token = PlatformToken { protocol, value: platform.decrypt(&encrypted) };
        let shown = match permissions {
            Permissions::PCMR => Shown::default(),
            _ => Shown { present: pin.is_none(), verified: true },
        };
        self.held = Some(Held { token, rp, shown });
    }

    fn auth(&self, message: &[u8]) -> Option<towline_ctap::PinUvAuth> {
        self.held.as_ref().map(|held| held.token.auth(&self.rig, message))
    }

    fn all_shown(&self, by_token: Option<Shown>) -> Shown {
        let (now, by_token) = (*self.shown.lock().unwrap(), by_token.unwrap_or_default());
        Shown {
            present: now.present || now.verified || by_token.present,
            verified: now.verified || by_token.verified,
        }
    }

    /// Authenticator data that tell no more than what was shown, of a credential of this relying
    /// party.
    fn check(&mut self, auth_data: &[u8], rp: usize, id: &CredentialId, by_token: Option<Shown>) {
        let shown = self.all_shown(by_token);
        let data = data(auth_data);
        assert!(!data.flags.contains(Flags::UP) || shown.present, "presence that nobody showed");
        assert!(!data.flags.contains(Flags::UV) || shown.verified, "nobody was verified");
        assert_eq!(data.rp_id_hash, rp_id(RPS[rp]).hash(&self.rig.provider));
        let stored = self.rig.store.credential(id);
        assert!(stored.is_none_or(|stored| stored.rp_id.as_str() == RPS[rp]), "of somebody else");
        assert!(data.sign_count > self.count, "the counter went back");
        self.count = data.sign_count;
        if let Some(held) = &self.held {
            let bound = by_token.is_none() || held.rp.is_none_or(|bound| bound == rp);
            assert!(bound || self.signing_in.is_some(), "a token of another relying party");
        }
    }

    /// What was shown for a token counts once. The assertions that follow a sign-in take nothing.
    fn spend(&mut self, auth_data: &[u8]) {
        let present = data(auth_data).flags.contains(Flags::UP);
        if let Some(held) = &mut self.held
            && present
            && !self.shown.lock().unwrap().verified
        {
            held.shown = Shown::default();
        }
    }

    fn manage(&mut self, management: Management, more: usize) {
        let all = self.rig.store.credentials();
        let nobody = CredentialId::new(&[9; 32]).unwrap();
        let named = |place: usize| all.get(place).map_or(nobody.clone(), |it| it.id.clone());
        let (subcommand, next) = match management {
            Management::Count => (Sub::GetCredsMetadata, None),
            Management::Parties => (Sub::EnumerateRpsBegin, Some(Sub::EnumerateRpsGetNextRp)),
            Management::List(rp) => (
                Sub::EnumerateCredentialsBegin(rp_id(RPS[rp]).hash(&self.rig.provider)),
                Some(Sub::EnumerateCredentialsGetNextCredential),
            ),
            Management::Delete(place) => (Sub::DeleteCredential(named(place)), None),
            Management::Rename(place) => {
                let known = all.get(place).map(|it| it.user.clone());
                let mut user = known.unwrap_or_else(|| user("nobody"));
                user.name = Some("renamed".into());
                (Sub::UpdateUserInformation { credential: named(place), user }, None)
            }
        };
        let mut request = CredentialManagementRequest::new(subcommand);
        request.auth = self.auth(&request.authenticated_message());
        let mut answer = self.call(&request.into(), false);
        assert!(answer.is_err() || self.held.is_some(), "managed by whoever holds no token");
        for _ in 0..more {
            let Ok(response) = &answer else { return };
            let response = CredentialManagementResponse::decode(response).unwrap();
            if let (Management::List(rp), Some(credential)) = (management, response.credential) {
                let stored = self.rig.store.credential(&credential.id).unwrap();
                assert_eq!(stored.rp_id.as_str(), RPS[rp], "of somebody else");
            }
            let Some(next) = &next else { return };
            let request = CredentialManagementRequest::new(next.clone());
            answer = self.call(&request.into(), false);
        }
    }

    fn finger(&mut self, subcommand: Finger) -> Result<BioEnrollmentResponse, Status> {
        let mut request = FingerprintRequest::new(subcommand);
        request.auth = self.auth(&request.authenticated_message());
        let response = self.call(&BioEnrollmentRequest::from(request).into(), false)?;
        assert!(self.held.is_some(), "somebody without a token changed the fingerprints");
        Ok(BioEnrollmentResponse::decode(&response).unwrap())
    }

    /// Enrols a finger, which is there when the sensor has all samples, and not before.
    fn enroll(&mut self, more: usize) {
        let before = self.rig.authenticator.fingerprints().unwrap_or_default().len();
        let Ok(begun) = self.finger(Finger::EnrollBegin { timeout: None }) else { return };
        let template = begun.template.unwrap();
        for _ in 0..more {
            let template = template.clone();
            let next = Finger::EnrollCaptureNextSample { template, timeout: None };
            let Ok(progress) = self.finger(next) else { return };
            let whole = progress.remaining_samples == Some(0);
            let now = self.rig.authenticator.fingerprints().unwrap_or_default().len();
            assert_eq!(now, before + usize::from(whole));
            if whole {
                return;
            }
        }
    }

    /// Writes an array in parts; what is read back is the whole of it or what was there before.
    fn write_blobs(&mut self, length: usize, part: usize) {
        let content = vec![0x80; length.max(1)];
        let hash = self.rig.provider.sha256.hash(&[&content]);
        let array = [&content, &hash[..16]].concat();
        for (place, fragment) in array.chunks(part).enumerate() {
            let offset = u32::try_from(place * part).unwrap();
            let message =
                LargeBlobsRequest::authenticated_message(&self.rig.provider, offset, fragment);
            let request = LargeBlobsRequest::Set {
                fragment: fragment.to_vec(),
                offset,
                length: (place == 0).then(|| u64::try_from(array.len()).unwrap()),
                auth: self.auth(&message),
            };
            let before = self.record(Record::LargeBlobs);
            let done = self.call(&request.into(), false).is_ok();
            let last = place * part + fragment.len() == array.len();
            let now = self.record(Record::LargeBlobs);
            if done && last {
                assert_eq!(now.as_ref(), Some(&array));
            } else {
                assert_eq!(now, before, "half an array is stored");
            }
            if !done {
                return;
            }
        }
    }

    /// After everything, somebody who agrees and has the device reset can use it.
    fn finish(mut self) {
        self.be(Mood::Agrees);
        self.fault = None;
        self.step(Step::PowerUp);
        self.rig.info();
        self.step(Step::Plain(Request::Reset));
        assert!(self.rig.store.is_empty());
        self.step(Step::Create { rp: 0, user: 0, discoverable: true, proof: false, uv: true });
        assert_eq!(self.rig.store.len(), 1);
    }
}

/// What getInfo says must go together (CTAP 2.3 §6.4), in every state.
fn assert_consistent(info: &GetInfo) {
    let on = |option: Option<bool>| option == Some(true);
    let options = &info.options;
    assert_eq!(GetInfo::decode(&info.encode()).map(|info| info.encode()), Ok(info.encode()));
    assert!(info.versions.iter().all(|version| version.as_str() != "FIDO_2_2"));
    assert!(!on(options.always_uv) || !on(options.make_cred_uv_not_rqd));
    assert!(options.client_pin.is_none() || on(options.pin_uv_auth_token));
    assert!(options.uv.is_none() || on(options.pin_uv_auth_token));
    assert!(!on(options.no_mc_ga_permissions_with_client_pin) || options.client_pin.is_some());
    assert!(!on(options.per_cred_mgmt_ro) || on(options.cred_mgmt));
    let minimum = on(options.set_min_pin_length);
    let commands = info.authenticator_config_commands.clone().unwrap_or_default();
    assert_eq!(minimum, info.supports_extension("minPinLength"));
    assert_eq!(minimum, info.max_rp_ids_for_set_min_pin_length.is_some());
    assert_eq!(minimum, commands.contains(&3));
    assert_eq!(options.ep.is_some(), commands.contains(&1));
    assert_eq!(on(options.authnr_cfg), !commands.is_empty());
    assert_eq!(on(options.large_blobs), info.max_serialized_large_blob_array.is_some());
    let u2f = info.versions.contains(&Version::U2fV2);
    assert!(!u2f || !on(options.always_uv) || on(options.uv), "U2F verifies nobody");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn all_commands_keep_the_rules(
        pin in often(),
        by_extension: bool,
        steps in vec(step(), 1..70),
    ) {
        let mut run = Run::new(by_extension);
        if pin {
            run.step(Step::SetPin(0));
        }
        for step in steps {
            run.step(step);
            // Asked elsewhere, since a request ends sequences.
            let asked = &mut Rig::over(run.rig.authenticator.config().clone(), run.rig.store.clone());
            assert_consistent(&asked.info());
        }
        run.finish();
    }
}
