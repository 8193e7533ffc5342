//! authenticatorGetAssertion (CTAP 2.3 §6.2.2). The step numbers are those of that section.

mod found;

use std::sync::Arc;

use towline_ctap::{
    ClientDataHash, CredentialId, GetAssertionRequest, Permissions, PublicKeyCredentialDescriptor,
    RpId, Status, User, extension::CredentialProtectionPolicy,
};

use self::found::Found;
use crate::{
    Purpose, Query,
    assertion::{Assertion, count_and_sign},
    extensions::Asserting,
    flow::{Core, Flow, await_work},
    get_next_assertion::Rest,
    located,
    options::{self, Auth},
    person::{self, Refusal, proof::Gestures},
    token::TokenSerial,
    user_verification::{self, UvError},
};

/// A sign-in under way. It goes from step to step in a box, since it is too large to be copied
/// again and again.
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
    /// What extensions are asked for; `None` for nothing.
    extensions: Option<Arc<Asserting>>,
    gestures: Gestures,
    /// Whether the person chose on this authenticator, if it is to be told.
    user_selected: Option<bool>,
}

pub(crate) fn start(core: &mut Core, mut request: Box<GetAssertionRequest>) -> Flow {
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
    let extensions = match request.extensions.is_empty() {
        true => None,
        false => Some(Arc::new(Asserting::read(core, &request)?)),
    };
    let list = request.allow_list.take();
    let sign_in = Box::new(SignIn {
        rp_id: request.rp_id,
        client_data_hash: request.client_data_hash,
        up,
        uv,
        found: Found::Listed(Vec::new()),
        token: shown.map(|shown| shown.token),
        extensions,
        gestures,
        user_selected: None,
    });
    match list {
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
    mut sign_in: Box<SignIn>,
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
fn locate_discoverable(core: &mut Core, mut sign_in: Box<SignIn>) -> Flow {
    let verified = sign_in.will_be_verified();
    let limit = if sign_in.chooses_here(core) { usize::MAX } else { 1 };
    let query = Query { rp_id: sign_in.rp_id.clone(), verified, after: None, limit };
    let work = core.store.discoverable(&query);
    await_work(core, work, |core, page| {
        sign_in.found = Found::Discoverable(page.map_err(|error| error.status())?);
        choose(core, sign_in)
    })
}

/// Which account, where the person chooses on this authenticator (steps 11 and 12). They choose
/// before they confirm, so that the question that follows names what they confirm: of a list, any
/// credential may be taken.
fn choose(core: &mut Core, mut sign_in: Box<SignIn>) -> Flow {
    // One credential is no choice: no account is copied to learn that.
    if sign_in.found.len() < 2 || !sign_in.chooses_here(core) {
        return verify_user(core, sign_in);
    }
    let accounts = sign_in.found.accounts();
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

/// Step 6: built-in user verification. Where a display can tell the person that there is nothing to
/// sign in with, they need not unlock it to learn that.
fn verify_user(core: &mut Core, sign_in: Box<SignIn>) -> Flow {
    if sign_in.found.is_empty() && sign_in.up && core.config.identity.has_display {
        return tell_nothing_to_use(core, *sign_in);
    }
    if !sign_in.uv {
        return check_found(core, sign_in);
    }
    user_verification::perform(
        core,
        sign_in,
        |it| it.purpose(),
        |core, mut sign_in, answer| {
            let verified = answer.map_err(|error| error.status(core))?;
            sign_in.gestures.verify(verified);
            // Step 8: whatever the option `up` says, somebody was there.
            sign_in.gestures.confirm_by_verification(verified);
            check_found(core, sign_in)
        },
    )
}

/// The end of step 7: whether there is anything.
fn check_found(core: &mut Core, sign_in: Box<SignIn>) -> Flow {
    if !sign_in.found.is_empty() {
        return ask_presence(core, sign_in);
    }
    let asks = core.config.presence.confirm_no_credentials || !core.may_be_silent();
    if asks && sign_in.up && !sign_in.gestures.is_present() {
        return tell_nothing_to_use(core, *sign_in);
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
fn ask_presence(core: &mut Core, mut sign_in: Box<SignIn>) -> Flow {
    if !sign_in.up || sign_in.gestures.is_present() {
        return select_credential(core, *sign_in);
    }
    let with_token = sign_in.token.is_some();
    if let Some(present) = core.token_presence().filter(|_| with_token) {
        sign_in.gestures.confirm(present);
        core.token.use_up();
        return select_credential(core, *sign_in);
    }
    person::ask_presence(sign_in.purpose(), |core, answer| {
        sign_in.gestures.confirm(answer.map_err(|_| Status::OperationDenied)?);
        core.token.use_up();
        select_credential(core, *sign_in)
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
        let user = self.found.account();
        Purpose::Use { rp_id: self.rp_id.clone(), user }
    }
}
