//! authenticatorMakeCredential (CTAP 2.3 §6.1.2). The step numbers are those of that section, one
//! function each where the ceremony may have to wait.

mod creation;

use towline_crypto::Secret;
use towline_ctap::{
    Aaguid, AttestationStatement, AttestedCredentialData, AuthenticatorData, CredentialId,
    MakeCredentialRequest, MakeCredentialResponse, Permissions, Status,
};

use self::creation::Creation;
use crate::{
    AttestationFormat, Change, Counter, Counters, Credential, Event, NewKey, Purpose,
    attestation::{self, Attestation, Tells},
    credential,
    durable::Identity,
    enterprise,
    extensions::Creating,
    flow::{Core, Flow, await_commit, await_work},
    forget, located,
    new_key::{self, await_with_key, await_write_with_key, keep_or_forget},
    options::{self, Auth},
    person::{self, Refusal, proof::Gestures},
    user_verification,
    wrapped::Wrapped,
    wrapping,
};

/// The length of a new credential id, in bytes: random, so that ids tell nothing and never meet.
const CREDENTIAL_ID: usize = 32;
const HMAC_SECRET: usize = 32;
const STORE_STATE: usize = 16;

pub(crate) fn start(core: &mut Core, mut request: Box<MakeCredentialRequest>) -> Flow {
    // Steps 1 and 2.
    let param = request.pin_uv_auth_param.take();
    let auth = options::read_auth(core, param, request.pin_uv_auth_protocol)?;
    if matches!(auth, Auth::SelectsDevice) {
        return options::select_device(request.rp.id);
    }
    // Step 3: the relying party's order decides.
    let algorithm =
        request.first_supported(&core.algorithms).ok_or(Status::UnsupportedAlgorithm)?;
    // Step 4: `Gestures` starts with nothing shown.
    // Step 5.
    let config = &core.config;
    let mut uv = options::wants_verification(core, request.options, &auth)?;
    if request.options.rk.is_some() && !config.credentials.discoverable {
        return Err(Status::UnsupportedOption);
    }
    let discoverable = request.options.rk == Some(true) || config.credentials.only_discoverable;
    if request.options.up == Some(false) {
        return Err(Status::InvalidOption);
    }
    // Step 6.
    uv = options::always_verify(core, uv, &auth)?;
    // Steps 7 and 8.
    let required = discoverable || !core.make_cred_uv_not_rqd();
    if required && core.is_protected() && !uv && !auth.is_proof() {
        return Err(options::ask_for_set_pin(core));
    }
    // Step 9.
    let enterprise = enterprise::is_granted(core, &request)?;
    // Step 11, as far as it is about a token.
    let (rp_id, hash) = (&request.rp.id, request.client_data_hash);
    let shown = options::check_proof(core, &auth, Permissions::MC, rp_id, hash.as_bytes())?;
    let mut gestures = Gestures::default();
    if let Some(shown) = shown {
        gestures.verify(shown.verified);
    }
    // Step 12, of which this part comes before any question.
    if request.exclude_list.len() > core.config.limits.max_credential_count_in_list {
        return Err(Status::LimitExceeded);
    }
    // Step 15, as far as it can fail: nobody is bothered for a request that can't succeed.
    let inputs = &request.extensions;
    let extensions = Creating::read(core, inputs, &request.rp.id, discoverable)?;
    let attestation = attestation::choose(&core.config, &request, algorithm, enterprise);
    let user = &mut request.user;
    for name in [&mut request.rp.name, &mut user.name, &mut user.display_name] {
        credential::shorten(name);
    }
    let creation = Box::new(Creation {
        request,
        algorithm,
        discoverable,
        uv,
        extensions,
        attestation,
        aaguid: match attestation {
            Attestation::Ordinary(format) if format.is_fido_u2f() => Aaguid::ZERO,
            _ => core.config.identity.aaguid,
        },
        listed: Vec::new(),
        replaced: Vec::new(),
        wrapped: false,
        with_token: shown.is_some(),
        gestures,
    });
    look_up(core, creation)
}

/// Finds what the questions and steps 12 and 17 need. Nothing is decided yet, so nothing shows
/// outside.
fn look_up(core: &mut Core, mut creation: Box<Creation>) -> Flow {
    let list = std::mem::take(&mut creation.request.exclude_list);
    let ids: Vec<CredentialId> = list.into_iter().map(|listed| listed.id).collect();
    if ids.is_empty() {
        return look_up_account(core, creation);
    }
    located::find(core, &creation.request.rp.id.clone(), ids, |core, listed| {
        creation.listed = listed;
        look_up_account(core, creation)
    })
}

fn look_up_account(core: &mut Core, mut creation: Box<Creation>) -> Flow {
    if !creation.discoverable {
        return verify_user(core, creation);
    }
    let work = core.store.account_keys(&creation.request.rp.id, &creation.request.user.id);
    await_work(core, work, |core, replaced| {
        let replaced = replaced.map_err(|error| error.status())?;
        creation.replaced = replaced;
        if core.config.credentials.one_per_algorithm {
            let algorithm = creation.algorithm;
            creation.replaced.retain(|key| key.algorithm() == algorithm);
        }
        let any_held = core.holds_any(&creation.replaced);
        forget::know_list(core, any_held, |core| verify_user(core, creation))
    })
}

/// Step 11: built-in user verification.
fn verify_user(core: &mut Core, creation: Box<Creation>) -> Flow {
    if !creation.uv {
        return check_exclude_list(core, creation);
    }
    user_verification::perform(
        core,
        creation,
        |it| it.purpose(),
        |core, mut creation, answer| {
            let verified = answer.map_err(|error| error.status(core))?;
            creation.gestures.verify(verified);
            creation.gestures.confirm_by_verification(verified);
            check_exclude_list(core, creation)
        },
    )
}

/// Step 12: whether the exclude list forbids it.
fn check_exclude_list(core: &mut Core, creation: Box<Creation>) -> Flow {
    if !creation.is_excluded() {
        return ask_presence(core, creation);
    }
    if creation.gestures.is_present() || creation.token_presence(core).is_some() {
        return excluded(core, creation);
    }
    // The site learns of the credential only after a question, but then whatever the answer was.
    let purpose = creation.purpose();
    person::ask_presence(purpose, |core, _| excluded(core, creation))
}

fn excluded(core: &mut Core, creation: Box<Creation>) -> Flow {
    let user = creation.holder().cloned();
    core.events.push(Event::AlreadyRegistered { rp: creation.request.rp, user });
    Err(Status::CredentialExcluded)
}

/// Step 14: the person's presence, unless it was shown already.
fn ask_presence(core: &mut Core, mut creation: Box<Creation>) -> Flow {
    // Step 13.
    if creation.gestures.is_present() {
        return ask_to_attest(core, creation);
    }
    if let Some(present) = creation.token_presence(core) {
        creation.gestures.confirm(present);
        core.token.use_up();
        return ask_to_attest(core, creation);
    }
    person::ask_presence(creation.purpose(), |core, answer| {
        creation.gestures.confirm(answer.map_err(|_| Status::OperationDenied)?);
        core.token.use_up();
        ask_to_attest(core, creation)
    })
}

/// An attestation that tells which model, or which device, this is needs the person's consent;
/// without it there is one that tells nothing if that is the ordinary one, and otherwise none, and
/// no AAGUID.
fn ask_to_attest(core: &mut Core, mut creation: Box<Creation>) -> Flow {
    let rp = || creation.request.rp.clone();
    let purpose = match creation.attestation.tells() {
        Tells::Nothing => return prepare(core, creation),
        Tells::Model => Purpose::Attest { rp: rp() },
        Tells::Device => Purpose::Identify { rp: rp() },
    };
    person::ask_presence(purpose, |core, answer| match answer {
        Ok(_) => prepare(core, creation),
        Err(Refusal::TimedOut) => Err(Status::OperationDenied),
        Err(Refusal::Denied | Refusal::NotVerified) => {
            let (config, request) = (&core.config, &creation.request);
            creation.attestation = attestation::choose(config, request, creation.algorithm, false);
            if creation.attestation.tells() != Tells::Nothing {
                creation.attestation = Attestation::Ordinary(AttestationFormat::None);
                creation.aaguid = Aaguid::ZERO;
            }
            prepare(core, creation)
        }
    })
}

/// What a credential is wrapped with has to be there before its key is.
fn prepare(core: &mut Core, creation: Box<Creation>) -> Flow {
    if !creation.wraps(core) {
        return make_key(core, creation);
    }
    wrapping::load_or_create(core, |core| make_key(core, creation))
}

/// Step 16: a new key pair.
fn make_key(core: &mut Core, creation: Box<Creation>) -> Flow {
    new_key::generate(core, creation.algorithm, |core, key| count(core, creation, key))
}

/// Steps 17 and 18, as far as they have to wait: the id and the count of the first signature.
fn count(core: &mut Core, mut creation: Box<Creation>, key: NewKey) -> Flow {
    let drawn = match creation.wrap(core, &key.handle)? {
        Some(Wrapped { id, hmac_secret }) => {
            creation.wrapped = true;
            Drawn { id, hmac_secret, store_state: None }
        }
        None => Drawn::new(core, creation.discoverable)?,
    };
    let synced = options::is_synced(core, &key.handle, !creation.wrapped);
    match core.config.credentials.counters {
        Counters::Global if !synced => {
            let write = core.store.count(Counter::Global);
            let handle = key.handle.clone();
            await_write_with_key(core, handle, write, |core, count| {
                let count = count.map_err(|error| error.status())?;
                attest(core, creation, key, drawn, count)
            })
        }
        _ => attest(core, creation, key, drawn, 0),
    }
}

/// What is random of a credential that is stored. All at once: with a fast provider, asking for
/// random bytes costs more than the bytes.
struct Drawn {
    id: CredentialId,
    hmac_secret: Secret<32>,
    /// The state of the store with it, where somebody may read that.
    store_state: Option<[u8; STORE_STATE]>,
}

impl Drawn {
    fn new(core: &Core, discoverable: bool) -> Result<Self, Status> {
        const SHORT: usize = CREDENTIAL_ID + HMAC_SECRET;
        let random = &core.provider.random;
        if !discoverable || core.state.identity.is_none() {
            let drawn = random.secret::<SHORT>().map_err(|_| Status::Other)?;
            return Self::of(drawn.expose());
        }
        let drawn = random.secret::<{ SHORT + STORE_STATE }>().map_err(|_| Status::Other)?;
        Self::of(drawn.expose())
    }

    fn of(drawn: &[u8]) -> Result<Self, Status> {
        let (id, rest) = drawn.split_first_chunk::<CREDENTIAL_ID>().ok_or(Status::Other)?;
        let (secret, rest) = rest.split_first_chunk::<HMAC_SECRET>().ok_or(Status::Other)?;
        Ok(Self {
            id: CredentialId::new(id).map_err(|_| Status::Other)?,
            hmac_secret: Secret::from_slice(secret).map_err(|_| Status::Other)?,
            store_state: rest.first_chunk().copied(),
        })
    }
}

/// Steps 17 to 19: what will be stored, its authenticator data, and the statement about them.
fn attest(core: &mut Core, creation: Box<Creation>, key: NewKey, drawn: Drawn, count: u32) -> Flow {
    let Drawn { id, hmac_secret, store_state } = drawn;
    let request = &creation.request;
    let created = creation.extensions.finish(core, &creation.gestures, hmac_secret)?;
    let stored = !creation.wrapped;
    let backup_eligible = options::may_be_backed_up(core, &key.handle, stored);
    let never_counts = options::is_synced(core, &key.handle, stored);
    let data = AuthenticatorData {
        rp_id_hash: request.rp.id.hash(&core.provider),
        flags: creation.gestures.flags() | options::backup_flags(core, backup_eligible, false),
        sign_count: count,
        attested: Some(AttestedCredentialData {
            aaguid: creation.aaguid,
            credential_id: id.clone(),
            public_key: key.public_key,
        }),
        extensions: created.signed,
    };
    let (rp, user) = (request.rp.clone(), request.user.clone());
    let mut credential = Credential::new(id, rp.id, user, key.handle);
    credential.rp_name = rp.name;
    credential.discoverable = creation.discoverable;
    credential.protection = creation.extensions.protection.unwrap_or_default();
    credential.backup_eligible = backup_eligible;
    credential.never_counts = never_counts;
    credential.extensions = created.kept;
    credential.made = core.time;
    let (unsigned, large_blob_key) = (created.unsigned, created.large_blob_key);
    let enterprise = creation.attestation == Attestation::Enterprise;
    let respond = move |statement, auth_data| {
        let mut response = MakeCredentialResponse::new(statement, auth_data);
        response.unsigned_extension_outputs = unsigned;
        response.large_blob_key = large_blob_key;
        response.ep_att = enterprise.then_some(true);
        response
    };
    let hash = &request.client_data_hash;
    let auth_data = data.encode();
    let work =
        attestation::make(core, creation.attestation, &credential.key, &data, &auth_data, hash);
    let Some(work) = work else {
        let response = respond(AttestationStatement::None, auth_data);
        return save(core, creation, credential, store_state, response);
    };
    let handle = credential.key.clone();
    await_with_key(core, handle, work, move |core, statement| {
        let statement = statement.map_err(|error| error.status())?;
        let response = respond(statement, auth_data);
        save(core, creation, credential, store_state, response)
    })
}

/// Stores the credential, in the place of the one for the same account: from here on there is no
/// way back. One that is its id needs nothing more.
fn save(
    core: &mut Core,
    creation: Box<Creation>,
    credential: Credential,
    store_state: Option<[u8; STORE_STATE]>,
    response: MakeCredentialResponse,
) -> Flow {
    if creation.wrapped {
        return Ok(creation.finish(core, &response));
    }
    let handle = credential.key.clone();
    let identity = core.state.identity.as_ref().zip(store_state);
    let identity = identity.map(|(known, store_state)| Identity { store_state, ..known.clone() });
    let replaces = core.config.credentials.replaces();
    let mut changes = Vec::with_capacity(3);
    changes.push(Change::Save { credential: Box::new(credential), replaces });
    changes.extend(core.list_with(&creation.replaced));
    changes.extend(identity.as_ref().map(Identity::change));
    let work = core.store.commit(changes);
    await_commit(core, work, move |core, saved| {
        keep_or_forget(core, &handle, |core| {
            saved.map_err(|error| error.status())?;
            core.state.identity = identity.or(core.state.identity.take());
            core.forget_all(&creation.replaced);
            Ok(creation.finish(core, &response))
        })
    })
}
