//! One authenticator of a session: the virtual authenticator, and what is set of it from outside.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use towline_authenticator::BackupState;
use towline_ctap::{Command, GetAssertionResponse};
use towline_virtual::{Call, Fault, Injected, Passkey, Transaction, VirtualAuthenticator, Witness};

use crate::{
    AuthenticatorId, Base64Url, Exchange, FaultRule, FaultState, ServiceError, StoredCredential,
    SwitchChange, Switches, VirtualAuthenticatorOptions, What, attendant::Attendant,
    options::Built,
};

pub(crate) struct Authenticator {
    pub(crate) id: AuthenticatorId,
    pub(crate) options: VirtualAuthenticatorOptions,
    pub(crate) device: VirtualAuthenticator,
    /// The backup flags of passkeys of which nothing is said.
    pub(crate) default_backup: BackupState,
    pub(crate) attendant: Attendant,
    /// A request that somebody sent as bytes.
    pub(crate) raw: Option<Raw>,
    faults: Vec<(FaultRule, Injected)>,
    /// Whether the switches were put in among the faults.
    overrides: bool,
    seen: Seen,
    /// The passkeys as they were told last.
    known: Vec<Passkey>,
    /// The questions that were told to be open.
    told_open: usize,
}

/// A request that somebody sent as bytes, and its response once that is there.
pub(crate) struct Raw {
    pub(crate) transaction: Transaction,
    pub(crate) response: Option<Vec<u8>>,
}

/// The requests and responses that were not told yet.
type Seen = Arc<Mutex<Vec<Exchange>>>;

struct Watcher(Seen);

impl Witness for Watcher {
    fn request(&mut self, request: &[u8]) {
        lock(&self.0).push(Exchange::request(request));
    }

    fn response(&mut self, request: &[u8], response: &[u8]) {
        lock(&self.0).push(Exchange::response(request, response));
    }
}

impl Authenticator {
    pub(crate) fn new(
        id: AuthenticatorId,
        options: VirtualAuthenticatorOptions,
        built: Built,
    ) -> Self {
        let Built { device, switches } = built;
        let seen = Seen::default();
        device.set_witness(Some(Box::new(Watcher(seen.clone()))));
        let default_backup =
            match (options.default_backup_state, options.default_backup_eligibility) {
                (Some(true), _) => BackupState::BackedUp,
                (_, Some(true)) => BackupState::Eligible,
                _ => BackupState::DeviceBound,
            };
        let attendant = Attendant::new(device.person().clone(), switches, None);
        Self {
            id,
            options,
            device,
            default_backup,
            attendant,
            raw: None,
            faults: Vec::new(),
            overrides: false,
            seen,
            known: Vec::new(),
            told_open: 0,
        }
    }

    pub(crate) fn change(&mut self, change: SwitchChange) -> Switches {
        let switches = self.attendant.change(change);
        self.put_in_overrides();
        switches
    }

    /// This goes wrong from now on, and what the switches say.
    pub(crate) fn set_faults(&mut self, faults: Vec<(Fault, FaultRule)>) {
        let here = self.device.faults();
        here.clear();
        let inject = |(fault, rule): (Fault, FaultRule)| {
            let injected = rule.inject(fault, here);
            (rule, injected)
        };
        self.faults = faults.into_iter().map(inject).collect();
        self.overrides = false;
        self.put_in_overrides();
    }

    pub(crate) fn faults(&self) -> Vec<FaultState> {
        let state = |(rule, injected): &(FaultRule, Injected)| FaultState {
            rule: rule.clone(),
            count: injected.count(),
        };
        self.faults.iter().map(state).collect()
    }

    /// Puts in what the switches say is wrong with sign-ins. They are asked each time, so that this
    /// is done once.
    fn put_in_overrides(&mut self) {
        let switches = self.attendant.switches();
        let any = switches.is_bogus_signature || switches.is_bad_uv || switches.is_bad_up;
        if !any || self.overrides {
            return;
        }
        self.overrides = true;
        let faults = self.device.faults();
        let when = |on: fn(Switches) -> bool, flag: Option<u8>| {
            let switches = self.attendant.shared_switches().clone();
            move |call: &Call<'_>| {
                let has = flag.is_none_or(|flag| has_flag(call, flag));
                on(*lock(&switches)) && call.signs_in() && has
            }
        };
        faults.inject(Fault::ZeroSignature).when(when(|it| it.is_bogus_signature, None));
        faults.inject(Fault::FlipUv).when(when(|it| it.is_bad_uv, Some(0x04)));
        faults.inject(Fault::FlipUp).when(when(|it| it.is_bad_up, Some(0x01)));
    }

    /// Goes on with what was sent as bytes; whether there is a response now that was not before.
    pub(crate) fn goes_on(&mut self) -> bool {
        let Some(raw) = self.raw.as_mut().filter(|raw| raw.response.is_none()) else {
            return false;
        };
        raw.response = raw.transaction.poll();
        raw.response.is_some()
    }

    /// What has happened since this was called last.
    pub(crate) fn news(&mut self) -> Vec<What> {
        let seen = std::mem::take(&mut *lock(&self.seen));
        let mut news = Vec::new();
        let mut used = Vec::new();
        let id = || self.id.clone();
        for exchange in seen {
            if exchange.is_response() {
                used.extend(signer(&exchange));
                news.push(What::Response { authenticator_id: id(), response: exchange });
            } else {
                news.push(What::Request { authenticator_id: id(), request: exchange });
            }
        }
        self.compare(&used, &mut news);
        let open = self.attendant.open();
        for asked in open.iter().skip(self.told_open) {
            let question = asked.to_string();
            news.push(What::QuestionOpened { authenticator_id: self.id.clone(), question });
        }
        self.told_open = open.len();
        news
    }

    fn compare(&mut self, used: &[Vec<u8>], news: &mut Vec<What>) {
        let now = self.device.passkeys();
        let id = || self.id.clone();
        let stored = |passkey: &Passkey| StoredCredential::of(passkey).map(Box::new);
        for gone in self.known.iter().filter(|it| !now.iter().any(|other| other.id() == it.id())) {
            let credential_id = Base64Url(gone.id().as_bytes().to_vec());
            news.push(What::CredentialDeleted { authenticator_id: id(), credential_id });
        }
        for passkey in &now {
            let before = self.known.iter().find(|it| it.id() == passkey.id());
            let Some(before) = before else {
                let added = stored(passkey);
                news.extend(added.map(|credential| What::CredentialAdded {
                    authenticator_id: id(),
                    credential,
                }));
                continue;
            };
            let signed = used.iter().any(|id| id.as_slice() == passkey.id().as_bytes());
            if signed {
                news.extend(stored(passkey).map(|credential| What::CredentialAsserted {
                    authenticator_id: id(),
                    credential,
                }));
            } else if before != passkey {
                news.extend(stored(passkey).map(|credential| What::CredentialUpdated {
                    authenticator_id: id(),
                    credential,
                }));
            }
        }
        self.known = now;
    }

    /// Adds a passkey.
    pub(crate) fn add(&self, credential: &StoredCredential) -> Result<(), ServiceError> {
        let passkey = credential.to_passkey(self.default_backup)?;
        self.device.add(passkey).map_err(|error| crate::session::refused_passkey(&error))
    }
}

/// Whether a result of a sign-in has this flag.
fn has_flag(call: &Call<'_>, flag: u8) -> bool {
    let data = serde_json::from_slice::<serde_json::Value>(call.bytes()).ok().and_then(|json| {
        Base64Url::parse(json.get("response")?.get("authenticatorData")?.as_str()?)
    });
    data.and_then(|data| data.0.get(32).copied()).is_some_and(|flags| flags & flag != 0)
}

/// The credential that has signed, where this is the response to a sign-in.
fn signer(response: &Exchange) -> Option<Vec<u8>> {
    let signs = [Command::GetAssertion, Command::GetNextAssertion];
    if !signs.iter().any(|command| command.to_u8() == response.command()) {
        return None;
    }
    let answer = GetAssertionResponse::decode(response.bytes()).ok()?;
    Some(answer.credential?.id.as_bytes().to_vec())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
