//! What every request works on, and the two ceremonies, for programs and for pages alike.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use tokio::sync::broadcast;
use towline_crypto::CryptoProvider;
use towline_webauthn_rp::check_user_handle;

use crate::{
    ApiError, Begun, ErrorCode, Identity, RpConfig, RpLimits, Showcase, SignInEntry, SiteEvent,
    UserEntity, VerifyError, WallClock,
    api::{already_registered, unknown_account, unknown_ceremony},
    attempts::Attempts,
    judge::{FinishRegistration, FinishSignIn, Judge},
    learned,
    name::check_name,
    oidc::OpenIdProvider,
    pending::Pending,
    store::{
        Store,
        accounts::{self, StoredAccount},
        keys::{self, Caller, Learned, StoredKey},
        sign_ins::{self, How, StoredSignIn},
    },
};

/// How many [`SiteEvent`]s wait for somebody who is slow to read them; then the oldest are lost.
const EVENTS: usize = 64;

/// How long somebody may take for the pages of signing in.
const STEPS_LIFETIME: Duration = Duration::from_secs(15 * 60);

/// What every connection works on.
pub(crate) struct Site {
    pub(crate) identity: Identity,
    pub(crate) limits: RpLimits,
    pub(crate) port: u16,
    pub(crate) provider: CryptoProvider,
    pub(crate) store: Store,
    pub(crate) events: broadcast::Sender<SiteEvent>,
    /// The origins, each after a space, that forms may lead to in the end.
    pub(crate) forms_lead_to: String,
    /// Who may show the pages in frames.
    pub(crate) showcase: Option<Showcase>,
    /// Whether programs may add, rename and remove keys without signing in.
    pub(crate) programs: bool,
    /// Whether attestation is judged.
    pub(crate) judges: bool,
    /// Makes up keys of accounts that there are not.
    decoys: Vec<u8>,
    judge: Box<dyn Judge>,
    clock: WallClock,
    registrations: Mutex<Pending<Registration>>,
    sign_ins: Mutex<Pending<SignIn>>,
    /// People on their way through the pages of signing in.
    pub(crate) steps: Mutex<Pending<Steps>>,
    /// Passwords that were tried.
    pub(crate) attempts: Mutex<Attempts>,
    /// What lets other sites sign in through this one.
    pub(crate) oidc: OpenIdProvider,
    /// Whether everything is gone when the site stops.
    pub(crate) forgets: bool,
}

/// How far somebody came on the pages of signing in.
pub(crate) struct Steps {
    /// What they typed; there need not be such an account.
    pub(crate) account: String,
    /// The page to go to in the end.
    pub(crate) next: Option<String>,
    /// Whether the password was right, and a key is asked for.
    pub(crate) password_passed: bool,
}

struct Registration {
    user: UserEntity,
    key_name: String,
    attestation_asked: bool,
    finish: FinishRegistration,
}

struct SignIn {
    account: Option<String>,
    how: How,
    finish: FinishSignIn,
}

/// A sign-in that was accepted.
pub(crate) struct SignedIn {
    pub(crate) account: StoredAccount,
    pub(crate) key: crate::KeyEntry,
    pub(crate) user_verified: bool,
    pub(crate) how: How,
}

impl Site {
    pub(crate) fn new(
        config: RpConfig,
        identity: Identity,
        port: u16,
        judge: Box<dyn Judge>,
        store: Store,
        oidc: OpenIdProvider,
        decoys: Vec<u8>,
    ) -> Self {
        let origins = oidc.sites.iter().map(|site| format!(" {}", site.url));
        let pending = config.limits.challenges;
        Self {
            port,
            judge,
            store,
            programs: config.programs.unwrap_or(config.data.is_none()),
            judges: config.judges_attestation,
            forms_lead_to: origins.collect(),
            showcase: config.showcase,
            oidc,
            decoys,
            provider: config.provider,
            clock: config.clock,
            registrations: Mutex::new(Pending::new(config.challenge_lifetime, pending)),
            sign_ins: Mutex::new(Pending::new(config.challenge_lifetime, pending)),
            steps: Mutex::new(Pending::new(STEPS_LIFETIME, pending.saturating_mul(4))),
            attempts: Mutex::default(),
            forgets: config.data.is_none(),
            limits: config.limits,
            identity,
            events: broadcast::Sender::new(EVENTS),
        }
    }

    /// Seconds of Unix time.
    pub(crate) fn now(&self) -> i64 {
        self.clock.unix()
    }

    pub(crate) fn random<const N: usize>(&self) -> Result<[u8; N], ApiError> {
        let failed = |error| ApiError::new(ErrorCode::Internal, format!("Sorry: {error}."));
        self.provider.random.bytes().map_err(failed)
    }

    /// Nobody has to listen.
    pub(crate) fn tell(&self, event: SiteEvent) {
        let _ = self.events.send(event);
    }

    /// Begins to register a key for an account that may be new. `adjust` changes the options.
    pub(crate) async fn begin_registration(
        &self,
        account: String,
        key_name: String,
        attestation_asked: bool,
        adjust: impl FnOnce(&mut Value),
    ) -> Result<Begun, ApiError> {
        check_name("name of the account", &account)?;
        check_name("name of the key", &key_name)?;
        let (limits, name) = (self.limits.clone(), account.clone());
        let found = self.store.run(move |db| {
            let account = accounts::by_name(db, &name)?;
            keys::check_room(db, &limits, account.as_ref().map(|account| account.id))?;
            let Some(account) = account else { return Ok(None) };
            let records = keys::of_account(db, account.id)?.into_iter().map(|key| key.record);
            Ok(Some((account.handle, records.collect::<Vec<_>>())))
        });
        let (handle, existing) = match found.await? {
            Some(found) => found,
            None => (self.random()?, Vec::new()),
        };
        let user = UserEntity { handle, name: account };
        let mut challenge = self.judge.begin_registration(&user, &existing).map_err(refused)?;
        adjust(&mut challenge.options);
        let begun = begun(challenge.options)?;
        let waiting = Registration { user, key_name, attestation_asked, finish: challenge.state };
        lock(&self.registrations).insert(begun.ceremony.clone(), waiting, Instant::now());
        Ok(begun)
    }

    /// Finishes a registration; where somebody is signed in, it has to be one of their account.
    pub(crate) async fn finish_registration(
        &self,
        ceremony: &str,
        credential: &Value,
        signed_in: Option<&str>,
    ) -> Result<(String, StoredKey), ApiError> {
        let waiting = lock(&self.registrations)
            .take(ceremony, Instant::now())
            .ok_or_else(unknown_ceremony)?;
        if signed_in.is_some_and(|account| account != waiting.user.name) {
            return Err(unknown_ceremony());
        }
        let account = waiting.user.name.clone();
        let outcome = self.check_registration(waiting, credential).await;
        self.tell(match &outcome {
            Ok(_) => SiteEvent::Registered { account: account.clone() },
            Err(error) => {
                SiteEvent::RegistrationRefused { account: account.clone(), why: error.code }
            }
        });
        outcome.map(|key| (account, key))
    }

    async fn check_registration(
        &self,
        waiting: Registration,
        credential: &Value,
    ) -> Result<StoredKey, ApiError> {
        let check = (waiting.finish)(credential).map_err(refused)?;
        let learned = Learned {
            attestation_asked: waiting.attestation_asked,
            ..learned::from_registration(credential)
        };
        let (limits, now) = (self.limits.clone(), self.now());
        let (user, name) = (waiting.user, waiting.key_name);
        self.store.run(move |db| keys::add(db, &limits, &user, &name, &check, &learned, now)).await
    }

    /// Begins to sign in to an account, or to whichever a discoverable credential names.
    pub(crate) async fn begin_sign_in(
        &self,
        account: Option<String>,
        how: How,
    ) -> Result<Begun, ApiError> {
        let allow = match account.clone() {
            Some(name) => Some(self.allowed(name).await?),
            None => None,
        };
        self.challenge(account, how, allow.as_deref(), |_| {})
    }

    /// The records of an account's keys.
    async fn allowed(&self, name: String) -> Result<Vec<Vec<u8>>, ApiError> {
        let held = self.store.run(move |db| {
            let account = accounts::by_name(db, &name)?.ok_or_else(|| unknown_account(&name))?;
            let keys = keys::of_account(db, account.id)?;
            if keys.is_empty() {
                return Err(ApiError::new(
                    ErrorCode::NoKeys,
                    format!("The account {name:?} has no keys to sign in with."),
                ));
            }
            Ok(keys.into_iter().map(|key| key.record).collect())
        });
        held.await
    }

    /// The same as [`Self::begin_sign_in`], with an answer that does not tell whether there is such
    /// an account: for one that isn't, or has no keys, a key is made up, always the same.
    pub(crate) async fn begin_sign_in_quietly(
        &self,
        account: String,
        how: How,
    ) -> Result<Begun, ApiError> {
        match self.allowed(account.clone()).await {
            Ok(allow) => self.challenge(Some(account), how, Some(&allow), |_| {}),
            Err(error) if matches!(error.code, ErrorCode::UnknownAccount | ErrorCode::NoKeys) => {
                let decoy = self.decoy(&account);
                self.challenge(Some(account), how, None, |options| {
                    set_option(options, "", "allowCredentials", json!([decoy]));
                })
            }
            Err(error) => Err(error),
        }
    }

    fn decoy(&self, account: &str) -> Value {
        let id = self.provider.hmac.key(&self.decoys).sign(&[account.as_bytes()]);
        json!({
            "type": "public-key",
            "id": URL_SAFE_NO_PAD.encode(id),
            "transports": ["internal", "hybrid"],
        })
    }

    fn challenge(
        &self,
        account: Option<String>,
        how: How,
        allow: Option<&[Vec<u8>]>,
        adjust: impl FnOnce(&mut Value),
    ) -> Result<Begun, ApiError> {
        let mut challenge = self.judge.begin_sign_in(allow).map_err(refused)?;
        adjust(&mut challenge.options);
        let begun = begun(challenge.options)?;
        let waiting = SignIn { account, how, finish: challenge.state };
        lock(&self.sign_ins).insert(begun.ceremony.clone(), waiting, Instant::now());
        Ok(begun)
    }

    /// Finishes a sign-in, and logs it either way.
    pub(crate) async fn finish_sign_in(
        &self,
        ceremony: &str,
        credential: &Value,
        from: Caller,
    ) -> Result<SignedIn, ApiError> {
        let waiting =
            lock(&self.sign_ins).take(ceremony, Instant::now()).ok_or_else(unknown_ceremony)?;
        let mut line = StoredSignIn {
            entry: SignInEntry {
                at: u64::try_from(self.now()).unwrap_or_default(),
                account: waiting.account.clone(),
                key: None,
                refused: None,
            },
            how: waiting.how,
            from,
        };
        let outcome = self.check_sign_in(waiting, credential, &mut line).await;
        line.entry.refused = outcome.as_ref().err().map(|error| error.code);
        let event = match &outcome {
            Ok(done) => SiteEvent::SignedIn {
                account: done.account.name.clone(),
                user_verified: done.user_verified,
            },
            Err(error) => {
                SiteEvent::SignInRefused { account: line.entry.account.clone(), why: error.code }
            }
        };
        self.log(line).await?;
        self.tell(event);
        outcome
    }

    /// Adds a line to the log of sign-ins.
    pub(crate) async fn log(&self, line: StoredSignIn) -> Result<(), ApiError> {
        let limits = self.limits.clone();
        self.store.run(move |db| sign_ins::log(db, &limits, &line)).await
    }

    async fn check_sign_in(
        &self,
        waiting: SignIn,
        credential: &Value,
        line: &mut StoredSignIn,
    ) -> Result<SignedIn, ApiError> {
        let id = credential.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
        let unknown_key = || {
            ApiError::new(
                ErrorCode::UnknownKey,
                "No account has this key; it may have been removed.",
            )
        };
        let found = self.store.run(move |db| keys::find(db, &id)).await?;
        let (account, key) = found.ok_or_else(unknown_key)?;
        // WebAuthn L3 §7.2 step 6: identified before, the key must be that account's; otherwise the
        // handle must say whose.
        if waiting.account.as_ref().is_some_and(|named| *named != account.name) {
            return Err(unknown_key());
        }
        line.entry.account = Some(account.name.clone());
        line.entry.key = Some(key.entry.name.clone());
        check_user_handle(credential, &account.handle, waiting.account.is_some())
            .map_err(refused)?;
        let check = (waiting.finish)(&key.record, credential).map_err(refused)?;
        let user_verified = check.user_verified;
        let (from, now) = (line.from.clone(), self.now());
        let key = self.store.run(move |db| keys::used(db, &key, &check, &from, now)).await?;
        Ok(SignedIn { account, key, user_verified, how: waiting.how })
    }
}

/// Sets a member of options, in the object at a place (RFC 6901).
pub(crate) fn set_option(options: &mut Value, place: &str, name: &str, value: Value) {
    if let Some(Value::Object(members)) = options.pointer_mut(place) {
        members.insert(name.into(), value);
    }
}

/// Nothing in a locked section can panic half way, so a poisoned lock still guards sound data.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The challenge names the ceremony: it is unguessable and used once, which is all that a name
/// needs to be.
fn begun(public_key: Value) -> Result<Begun, ApiError> {
    match public_key.get("challenge").and_then(Value::as_str) {
        Some(challenge) if !challenge.is_empty() => {
            Ok(Begun { ceremony: challenge.to_owned(), public_key })
        }
        _ => Err(ApiError::new(
            ErrorCode::Internal,
            "The verifier made options without a challenge.",
        )),
    }
}

fn refused(error: VerifyError) -> ApiError {
    match error {
        VerifyError::Unavailable(_) => {
            ApiError::new(ErrorCode::Internal, format!("Sorry: {error}."))
        }
        VerifyError::AlreadyRegistered => already_registered(),
        VerifyError::Attestation(_)
        | VerifyError::UntrustedAttestation(_)
        | VerifyError::UnsupportedAttestation(_) => {
            ApiError::new(ErrorCode::NotVouchedFor, format!("Not accepted: {error}."))
        }
        _ => ApiError::new(ErrorCode::NotVerified, format!("Not accepted: {error}.")),
    }
}
