//! authenticatorGetAssertion (CTAP 2.3 §6.2.2). The step numbers are those of that section.

use std::sync::Arc;

use towline_ctap::{
    AuthenticatorData, ClientDataHash, CredentialId, GetAssertionRequest, GetAssertionResponse,
    Permissions, PublicKeyCredentialDescriptor, RpId, RpIdHash, Status, User,
    extension::CredentialProtectionPolicy,
};

use crate::{
    Event, Page, Purpose, Query,
    extensions::Asserting,
    flow::{Core, Flow, Next, await_commit, await_work, await_write},
    get_next_assertion::Rest,
    large_blob,
    located::{self, Located},
    options::{self, Auth},
    person::{self, Refusal, proof::Gestures},
    token::TokenSerial,
    user_verification::{self, UvError},
};

/// A sign-in under way.
struct SignIn {
    rp_id: RpId,
    client_data_hash: ClientDataHash,
    /// Whether presence is asked for; a silent look-up otherwise.
    up: bool,
    /// Whether built-in verification is to be performed.
    uv: bool,
    found: Found,
    /// The token that showed that the person is verified.
    token: Option<TokenSerial>,
    extensions: Arc<Asserting>,
    gestures: Gestures,
    /// Whether the person chose on this authenticator, if it is to be told.
    user_selected: Option<bool>,
}

/// What step 7 locates.
enum Found {
    /// Those of the allow list that apply.
    Listed(Vec<Located>),
    /// The discoverable ones: the newest, or all that a choice needs.
    Discoverable(Page),
}

pub(crate) fn start(core: &mut Core, mut request: GetAssertionRequest) -> Flow {
    // Steps 1 and 2.
    let param = request.pin_uv_auth_param.take();
    let auth = options::read_auth(core, param, request.pin_uv_auth_protocol)?;
    if matches!(auth, Auth::SelectsDevice) {
        return options::select_device(request.rp_id);
    }
    // Step 3: `Gestures` starts with nothing shown.
    // Step 4.
    let mut uv = options::wants_verification(core, request.options, &auth)?;
    if request.options.rk.is_some() {
        return Err(Status::UnsupportedOption);
    }
    // Where a look-up is not to be silent, it is a sign-in like any other.
    let up = request.options.up.unwrap_or(true) || !core.may_be_silent();
    request.options.up = Some(up);
    // Step 5: silent look-ups are exempt.
    if up {
        uv = options::always_verify(core, uv, &auth)?;
    }
    // Step 6, as far as it is about a token.
    let (rp_id, hash) = (&request.rp_id, request.client_data_hash);
    let shown = options::check_proof(core, &auth, Permissions::GA, rp_id, hash.as_bytes())?;
    let mut gestures = Gestures::default();
    if let Some(shown) = shown {
        gestures.verify(shown.verified);
    }
    // Step 7, of which this part comes before any question.
    let listed = request.allow_list.as_deref().unwrap_or_default();
    if listed.len() > core.config.limits.max_credential_count_in_list {
        return Err(Status::LimitExceeded);
    }
    // Step 10, as far as it can fail.
    let extensions = Arc::new(Asserting::read(core, &request)?);
    let sign_in = SignIn {
        rp_id: request.rp_id,
        client_data_hash: request.client_data_hash,
        up,
        uv,
        found: Found::Listed(Vec::new()),
        token: shown.map(|shown| shown.token),
        extensions,
        gestures,
        user_selected: None,
    };
    match request.allow_list {
        // A list without any entry, or with unknown types only, allows nothing.
        Some(list) if list.is_empty() => verify_user(core, sign_in),
        Some(list) => locate_listed(core, sign_in, list),
        None => locate_discoverable(core, sign_in),
    }
}

/// Step 7 with an allow list. It is done before step 6, so that the question can name the account;
/// what was found shows only later. Whether the person is verified is known already: where
/// verification is to be performed, nothing goes on without it.
fn locate_listed(
    core: &mut Core,
    mut sign_in: SignIn,
    list: Vec<PublicKeyCredentialDescriptor>,
) -> Flow {
    let ids: Vec<CredentialId> = list.into_iter().map(|listed| listed.id).collect();
    located::find(core, &sign_in.rp_id.clone(), ids, |core, mut found| {
        if !sign_in.will_be_verified() {
            found.retain(|credential| {
                credential.protection != CredentialProtectionPolicy::UserVerificationRequired
            });
        }
        sign_in.found = Found::Listed(found);
        choose(core, sign_in)
    })
}

/// Step 7 without an allow list: all discoverable credentials, newest first.
fn locate_discoverable(core: &mut Core, mut sign_in: SignIn) -> Flow {
    let verified = sign_in.will_be_verified();
    let limit = if sign_in.chooses_here(core) { usize::MAX } else { 1 };
    let query = Query { rp_id: sign_in.rp_id, verified, after: None, limit };
    let work = core.store.discoverable(&query);
    sign_in.rp_id = query.rp_id;
    await_work(core, work, |core, page| {
        sign_in.found = Found::Discoverable(page.map_err(|error| error.status())?);
        choose(core, sign_in)
    })
}

/// Which account, where the person chooses on this authenticator (steps 11 and 12). They choose
/// before they confirm, so that the question that follows names what they confirm: of a list, any
/// credential may be taken.
fn choose(core: &mut Core, mut sign_in: SignIn) -> Flow {
    let accounts = if sign_in.chooses_here(core) { sign_in.found.accounts() } else { Vec::new() };
    if accounts.len() < 2 {
        return verify_user(core, sign_in);
    }
    let uv = sign_in.uv;
    let (places, users): (Vec<usize>, Vec<User>) = accounts.into_iter().unzip();
    let ask = move || {
        person::ask_account(sign_in.rp_id.clone(), users, move |core, answer| {
            let index = answer.map_err(|refusal| refused(core, uv, refusal))?;
            let place = places.get(index).ok_or(Status::OperationDenied)?;
            sign_in.user_selected = matches!(sign_in.found, Found::Discoverable(_)).then_some(true);
            sign_in.found.keep(*place);
            verify_user(core, sign_in)
        })
    };
    if_open(core, uv, ask)
}

/// Step 6: built-in user verification. Where a display can tell the person that there is nothing to sign in
/// with, they need not unlock it to learn that.
fn verify_user(core: &mut Core, mut sign_in: SignIn) -> Flow {
    if sign_in.found.is_empty() && sign_in.up && core.config.identity.has_display {
        return tell_nothing_to_use(core, sign_in);
    }
    if !sign_in.uv {
        return check_found(core, sign_in);
    }
    let purpose = sign_in.purpose();
    user_verification::perform(core, purpose, |core, answer| {
        let verified = answer.map_err(|error| error.status(core))?;
        sign_in.gestures.verify(verified);
        // Step 8: whatever the option `up` says, somebody was there.
        sign_in.gestures.confirm_by_verification(verified);
        check_found(core, sign_in)
    })
}

/// The end of step 7: whether there is anything.
fn check_found(core: &mut Core, sign_in: SignIn) -> Flow {
    if !sign_in.found.is_empty() {
        return ask_presence(core, sign_in);
    }
    let asks = core.config.presence.confirm_no_credentials || !core.may_be_silent();
    if asks && sign_in.up && !sign_in.gestures.is_present() {
        return tell_nothing_to_use(core, sign_in);
    }
    Err(Status::NoCredentials)
}

/// Says that there is nothing once the person has seen that. Until then, and without them, the
/// client can't tell it from a sign-in with something: neither a lock nor a refusal looks
/// different.
fn tell_nothing_to_use(core: &mut Core, sign_in: SignIn) -> Flow {
    let SignIn { rp_id, uv, .. } = sign_in;
    if_open(core, uv, move || {
        person::tell_nothing_to_use(rp_id, move |core, answer| {
            Err(match answer {
                Ok(_) => Status::NoCredentials,
                Err(refusal) => refused(core, uv, refusal),
            })
        })
    })
}

/// Asks what comes before the person is verified, or in its place: not where a lock would end it.
fn if_open(core: &mut Core, uv: bool, ask: impl FnOnce() -> Flow + Send + 'static) -> Flow {
    if !uv {
        return ask();
    }
    user_verification::when_open(core, |core, open| match open {
        Ok(()) => ask(),
        Err(error) => Err(error.status(core)),
    })
}

/// The status of such a question that got no yes: that of the verification or the touch that would
/// have followed.
fn refused(core: &Core, uv: bool, refusal: Refusal) -> Status {
    match refusal {
        Refusal::TimedOut if uv => UvError::TimedOut.status(core),
        _ if uv => UvError::Declined.status(core),
        _ => Status::OperationDenied,
    }
}

/// Step 9: the person's presence, if it is asked for and was not shown yet.
fn ask_presence(core: &mut Core, mut sign_in: SignIn) -> Flow {
    if !sign_in.up || sign_in.gestures.is_present() {
        return select_credential(core, sign_in);
    }
    let with_token = sign_in.token.is_some();
    if let Some(present) = core.token_presence().filter(|_| with_token) {
        sign_in.gestures.confirm(present);
        core.token.use_up();
        return select_credential(core, sign_in);
    }
    person::ask_presence(sign_in.purpose(), |core, answer| {
        sign_in.gestures.confirm(answer.map_err(|_| Status::OperationDenied)?);
        core.token.use_up();
        select_credential(core, sign_in)
    })
}

/// Steps 11 and 12: which one.
fn select_credential(core: &mut Core, sign_in: SignIn) -> Flow {
    let chooses_here = sign_in.chooses_here(core);
    let SignIn {
        rp_id, client_data_hash, gestures, found, token, extensions, user_selected, ..
    } = sign_in;
    let rp_id_hash = rp_id.hash(&core.provider);
    let mut assertion = Assertion {
        rp_id_hash,
        client_data_hash,
        gestures,
        extensions,
        number_of_credentials: None,
        user_selected,
        names: !chooses_here,
    };
    let page = match found {
        Found::Listed(credentials) => {
            let credential = credentials.into_iter().next().ok_or(Status::NoCredentials)?;
            return count_and_sign(core, assertion, credential, None);
        }
        Found::Discoverable(page) => page,
    };
    if page.total <= 1 {
        let credential = page.credentials.into_iter().next().ok_or(Status::NoCredentials)?;
        return count_and_sign(core, assertion, credential.into(), None);
    }
    let rest = Rest {
        rp_id,
        assertion: assertion.clone(),
        left: page.total.saturating_sub(1),
        after: page.end,
        token,
    };
    assertion.number_of_credentials = Some(page.total);
    let credential = page.credentials.into_iter().next().ok_or(Status::NoCredentials)?;
    count_and_sign(core, assertion, credential.into(), Some(rest))
}

/// What an assertion needs besides the credential.
#[derive(Clone)]
pub(crate) struct Assertion {
    rp_id_hash: RpIdHash,
    client_data_hash: ClientDataHash,
    gestures: Gestures,
    extensions: Arc<Asserting>,
    number_of_credentials: Option<usize>,
    user_selected: Option<bool>,
    /// Whether the client is told names, if the person is verified: it has to let them choose.
    names: bool,
}

impl Assertion {
    pub(crate) const fn is_verified(&self) -> bool {
        self.gestures.is_verified()
    }
}

/// Step 13: counts and signs. `rest` is what can be had by getNextAssertion after this one.
pub(crate) fn count_and_sign(
    core: &mut Core,
    assertion: Assertion,
    credential: Located,
    rest: Option<Rest>,
) -> Flow {
    let Some(counter) = credential.counter(core.config.credentials.counters) else {
        return sign(core, assertion, credential, 0, rest);
    };
    let write = core.store.count(counter);
    await_write(core, write, |core, count| {
        let count = count.map_err(|error| error.status())?;
        sign(core, assertion, credential, count, rest)
    })
}

fn sign(
    core: &mut Core,
    assertion: Assertion,
    credential: Located,
    count: u32,
    rest: Option<Rest>,
) -> Flow {
    let backup = options::backup_flags(core, credential.backup_eligible);
    let kept = credential.extensions.as_deref();
    let asserted = assertion.extensions.finish(core, &credential.id, kept, &assertion.gestures)?;
    let auth_data = AuthenticatorData {
        rp_id_hash: assertion.rp_id_hash,
        flags: assertion.gestures.flags() | backup,
        sign_count: count,
        attested: None,
        extensions: asserted.signed,
    }
    .encode();
    let client_data_hash = assertion.client_data_hash;
    let work = core.keys.sign(&credential.key, &[&auth_data, client_data_hash.as_bytes()]);
    await_work(core, work, move |core, signature| {
        let signature = signature.map_err(|error| error.status())?;
        let descriptor = PublicKeyCredentialDescriptor::new(credential.id);
        let mut response = GetAssertionResponse::new(descriptor, auth_data, signature);
        response.number_of_credentials =
            assertion.number_of_credentials.and_then(|number| u64::try_from(number).ok());
        response.unsigned_extension_outputs = asserted.unsigned;
        response.large_blob_key = asserted.large_blob_key;
        response.user_selected = assertion.user_selected;
        let mut user = credential.user;
        if credential.discoverable {
            let named = assertion.is_verified() && assertion.names;
            response.user = if named { user.take() } else { user.as_ref().map(without_names) };
        }
        let used = assertion.gestures.is_present().then_some((credential.rp_id, user));
        let Some(write) = asserted.write else { return Ok(respond(core, response, used, rest)) };
        // Only now, so that a signature that fails leaves the blob as it was.
        let write = core.store.commit(vec![write]);
        await_commit(core, write, move |core, saved| {
            response.unsigned_extension_outputs.set(&large_blob::written(saved)?);
            Ok(respond(core, response, used, rest))
        })
    })
}

/// Ends it. `used` says whose credential it was, where that is to be told, and the account unless
/// the response has it: from there it moves on without a copy.
fn respond(
    core: &mut Core,
    response: GetAssertionResponse,
    used: Option<(RpId, Option<User>)>,
    rest: Option<Rest>,
) -> Next {
    let bytes = response.encode();
    if let (Some(time), Some(credential)) = (core.time, &response.credential) {
        core.store.used(&credential.id, time);
    }
    if let Some((rp_id, user)) = used {
        core.events.push(Event::Used { rp_id, user: user.or(response.user) });
    }
    // The time for the next one runs from this answer, and there is a next one only if this one was
    // given.
    if let Some(rest) = rest {
        rest.remember(core);
    }
    Next::Respond(bytes)
}

/// Names tell who the person is, so they are for the verified only (§6.2.2 step 12), and only for
/// clients that have to let the person choose. With a display of our own the person has chosen
/// already, and browsers that get a name would ask again.
fn without_names(user: &User) -> User {
    User { id: user.id.clone(), name: None, display_name: None }
}

impl Found {
    const fn is_empty(&self) -> bool {
        match self {
            Self::Listed(credentials) => credentials.is_empty(),
            Self::Discoverable(page) => page.credentials.is_empty(),
        }
    }

    /// The accounts, each with the place of its first credential. Where one is not known there is
    /// nothing to choose by.
    fn accounts(&self) -> Vec<(usize, User)> {
        let listed = match self {
            Self::Listed(listed) => listed,
            // Of these there is one for each account.
            Self::Discoverable(page) => {
                let users = page.credentials.iter().map(|credential| credential.user.clone());
                return users.enumerate().collect();
            }
        };
        let users: Option<Vec<&User>> = listed.iter().map(|one| one.user.as_ref()).collect();
        let mut accounts: Vec<(usize, User)> = Vec::new();
        for (place, user) in users.unwrap_or_default().into_iter().enumerate() {
            if !accounts.iter().any(|(_, known)| known.id == user.id) {
                accounts.push((place, user.clone()));
            }
        }
        accounts
    }

    /// The person has chosen this one.
    fn keep(&mut self, place: usize) {
        match self {
            Self::Listed(credentials) => {
                *credentials = credentials.drain(..).skip(place).take(1).collect()
            }
            Self::Discoverable(page) => {
                page.credentials = page.credentials.drain(..).skip(place).take(1).collect();
                page.total = page.credentials.len();
            }
        }
    }
}

impl SignIn {
    /// Whether the person is verified when it comes to choosing: where built-in verification is to
    /// be performed, nothing goes on without it.
    const fn will_be_verified(&self) -> bool {
        self.uv || self.gestures.is_verified()
    }

    /// Whether the person would choose among several accounts on this authenticator (step 12): not
    /// if nobody is to notice, whatever a token has shown before.
    const fn chooses_here(&self, core: &Core) -> bool {
        core.config.identity.has_display && (self.up || self.uv)
    }

    fn purpose(&self) -> Purpose {
        // With several, one is taken that the person can't influence (then it is the first), or
        // their client lets them choose.
        let user = match &self.found {
            Found::Listed(credentials) => credentials.first().and_then(|one| one.user.clone()),
            Found::Discoverable(page) if page.total == 1 => {
                page.credentials.first().map(|one| one.user.clone())
            }
            Found::Discoverable(_) => None,
        };
        Purpose::Use { rp_id: self.rp_id.clone(), user }
    }
}
