//! authenticatorCredentialManagement (CTAP 2.3 §6.8): the discoverable credentials are counted,
//! listed, deleted and renamed by whoever has a token for that.

use std::time::Duration;

use towline_ctap::{
    CredentialId, CredentialManagementRequest, CredentialManagementResponse,
    CredentialManagementSubcommand as Sub, Permissions, PinUvAuth, PublicKeyCredentialDescriptor,
    Response, RpId, RpIdHash, Status, User,
};

use crate::{
    Change, Credential, Cursor, Event, Page, Query, RelyingParties, credential,
    durable::Identity,
    flow::{Core, Flow, Next, await_commit, await_work},
    forget,
    get_info::wide,
    sequence::{Place, What},
    token::TokenSerial,
};

/// How long the next one of an enumeration can be had.
const BETWEEN: Duration = Duration::from_secs(30);

/// How many relying parties are looked at in one go, in search of one by its hash.
const SEARCHED: usize = 64;

/// What is said of the room in a store that knows no limit: more than anybody needs, and what every
/// client can hold.
const PLENTY: u64 = 0x7fff_ffff;

/// What the proof permits.
struct Scope {
    /// The only relying party that it is about, if there is one.
    rp_id: Option<RpId>,
    /// `None` for the persistent token.
    token: Option<TokenSerial>,
}

pub(crate) fn start(core: &mut Core, request: CredentialManagementRequest) -> Flow {
    let under_way = core.resume();
    let Some(auth) = request.auth.as_ref().filter(|_| !request.subcommand().is_continuation())
    else {
        return go_on(core, under_way, request.subcommand());
    };
    let scope = authorize(core, auth, &request)?;
    match request.subcommand().clone() {
        Sub::GetCredsMetadata => {
            scope.must_be_free()?;
            get_creds_metadata(core)
        }
        Sub::EnumerateRpsBegin => {
            scope.must_be_free()?;
            relying_party(core, None, scope.token)
        }
        Sub::EnumerateCredentialsBegin(hash) => {
            if scope.rp_id.as_ref().is_some_and(|rp_id| rp_id.hash(&core.provider) != hash) {
                return Err(Status::PinAuthInvalid);
            }
            find_relying_party(core, hash, None, scope.token)
        }
        Sub::DeleteCredential(id) => {
            find(core, &id, scope, |core, credential| delete(core, &credential))
        }
        Sub::UpdateUserInformation { credential, user } => {
            find(core, &credential, scope, |core, credential| rename(core, &credential, user))
        }
        Sub::EnumerateRpsGetNextRp | Sub::EnumerateCredentialsGetNextCredential => {
            Err(Status::NotAllowed)
        }
    }
}

/// The persistent token is tried first where one only reads, then the one in use.
fn authorize(
    core: &mut Core,
    auth: &PinUvAuth,
    request: &CredentialManagementRequest,
) -> Result<Scope, Status> {
    let protocol = core.config.tokens.protocol(auth.protocol)?;
    let message = request.authenticated_message();
    let reads = matches!(
        request.subcommand(),
        Sub::GetCredsMetadata | Sub::EnumerateRpsBegin | Sub::EnumerateCredentialsBegin(_)
    );
    if let Some(identity) =
        core.state.identity.as_ref().filter(|identity| reads && identity.granted)
        && protocol.verify(&core.provider, identity.token.secret(), &[&message], &auth.param)
    {
        return Ok(Scope { rp_id: None, token: None });
    }
    let proof = core.verify_token(auth, &[&message])?.permits(Permissions::CM)?;
    Ok(Scope { rp_id: proof.rp_id().cloned(), token: Some(proof.serial()) })
}

impl Scope {
    /// What is about all relying parties needs a token that is not bound to one.
    const fn must_be_free(&self) -> Result<(), Status> {
        match self.rp_id {
            None => Ok(()),
            Some(_) => Err(Status::PinAuthInvalid),
        }
    }
}

fn respond(response: &CredentialManagementResponse) -> Flow {
    Ok(Next::Respond(response.encode()))
}

fn get_creds_metadata(core: &mut Core) -> Flow {
    let work = core.store.capacity();
    await_work(core, work, |_, capacity| {
        let capacity = capacity.map_err(|error| error.status())?;
        respond(&CredentialManagementResponse {
            existing_resident_credentials_count: Some(wide(capacity.discoverable)),
            max_possible_remaining_resident_credentials_count: Some(
                capacity.remaining.map_or(PLENTY, wide),
            ),
            ..CredentialManagementResponse::default()
        })
    })
}

/// The next one of an enumeration.
fn go_on(core: &mut Core, under_way: Option<(What, Option<TokenSerial>)>, next: &Sub) -> Flow {
    let Some((What::Enumeration { place, left }, token)) = under_way else {
        return Err(Status::NotAllowed);
    };
    match (place, next) {
        (Place::RelyingParties { after }, Sub::EnumerateRpsGetNextRp) => {
            relying_party(core, Some((after, left)), token)
        }
        (Place::Credentials { rp_id, after }, Sub::EnumerateCredentialsGetNextCredential) => {
            credential(core, rp_id, Some((after, left)), token)
        }
        _ => Err(Status::NotAllowed),
    }
}

/// Remembers where an enumeration stands, if there is more of it.
fn remember(core: &mut Core, left: usize, token: Option<TokenSerial>, place: Place) {
    if left > 0 {
        core.remember(BETWEEN, token, What::Enumeration { place, left });
    }
}

/// One relying party: the first, or the one after another of which so many were left.
fn relying_party(
    core: &mut Core,
    after: Option<(RpId, usize)>,
    token: Option<TokenSerial>,
) -> Flow {
    let work = core.store.relying_parties(after.as_ref().map(|(rp_id, _)| rp_id), 1);
    await_work(core, work, move |core, page| {
        let RelyingParties { total, parties } = page.map_err(|error| error.status())?;
        let gone = if after.is_some() { Status::NotAllowed } else { Status::NoCredentials };
        let rp = parties.into_iter().next().ok_or(gone)?;
        let left = after.as_ref().map_or(total, |(_, left)| *left).saturating_sub(1);
        remember(core, left, token, Place::RelyingParties { after: rp.id.clone() });
        respond(&CredentialManagementResponse {
            rp_id_hash: Some(rp.id.hash(&core.provider)),
            rp: Some(rp),
            total_rps: after.is_none().then_some(wide(total)),
            ..CredentialManagementResponse::default()
        })
    })
}

/// The relying party of a hash, then its first credential.
fn find_relying_party(
    core: &mut Core,
    hash: RpIdHash,
    after: Option<RpId>,
    token: Option<TokenSerial>,
) -> Flow {
    let work = core.store.relying_parties(after.as_ref(), SEARCHED);
    await_work(core, work, move |core, page| {
        let mut parties = page.map_err(|error| error.status())?.parties;
        let last = parties.last().map(|rp| rp.id.clone()).ok_or(Status::NoCredentials)?;
        match parties.iter().position(|rp| rp.id.hash(&core.provider) == hash) {
            Some(place) => credential(core, parties.swap_remove(place).id, None, token),
            None => find_relying_party(core, hash, Some(last), token),
        }
    })
}

/// One credential: the newest, or the one after a place where so many were left.
fn credential(
    core: &mut Core,
    rp_id: RpId,
    after: Option<(Option<Cursor>, usize)>,
    token: Option<TokenSerial>,
) -> Flow {
    let begins = after.is_none();
    let (after, left) = after.unzip();
    let query = Query { rp_id, verified: true, after: after.flatten(), limit: 1 };
    let work = core.store.discoverable(&query);
    await_work(core, work, move |core, page| {
        let Page { total, credentials, end } = page.map_err(|error| error.status())?;
        let gone = if begins { Status::NoCredentials } else { Status::NotAllowed };
        let credential = credentials.into_iter().next().ok_or(gone)?;
        let left = left.unwrap_or(total).saturating_sub(1);
        let work = core.keys.public_key(&credential.key);
        await_work(core, work, move |core, key| {
            let key = key.map_err(|error| error.status())?;
            remember(core, left, token, Place::Credentials { rp_id: query.rp_id, after: end });
            let kept = credential.extensions.unwrap_or_default();
            let payment = core.config.extensions.third_party_payment;
            respond(&CredentialManagementResponse {
                user: Some(credential.user),
                credential: Some(PublicKeyCredentialDescriptor::new(credential.id)),
                public_key: Some(key),
                total_credentials: begins.then_some(wide(total)),
                cred_protect: Some(credential.protection),
                large_blob_key: kept.large_blob_key,
                third_party_payment: payment.then_some(kept.third_party_payment),
                ..CredentialManagementResponse::default()
            })
        })
    })
}

/// The discoverable credential of an id, if the token is good for its relying party.
fn find(
    core: &mut Core,
    id: &CredentialId,
    scope: Scope,
    then: impl FnOnce(&mut Core, Credential) -> Flow + Send + 'static,
) -> Flow {
    let work = core.store.lookup(id);
    await_work(core, work, move |core, found| {
        let found = found.map_err(|error| error.status())?;
        let found = found.filter(|credential| credential.discoverable);
        if scope.rp_id.is_some() && found.as_ref().map(|found| &found.rp_id) != scope.rp_id.as_ref()
        {
            return Err(Status::PinAuthInvalid);
        }
        then(core, found.ok_or(Status::NoCredentials)?)
    })
}

fn delete(core: &mut Core, credential: &Credential) -> Flow {
    let (key, rp_id, user) =
        (credential.key.clone(), credential.rp_id.clone(), credential.user.clone());
    let remove = Change::Remove(credential.id.clone());
    let held = core.holds(&key);
    forget::know_list(core, held, |core| {
        let changes = [Some(remove), core.list_with([&key])].into_iter().flatten().collect();
        change(core, changes, move |core| {
            core.forget_all(&[key]);
            core.events.push(Event::Removed { rp_id, user });
        })
    })
}

fn rename(core: &mut Core, credential: &Credential, mut user: User) -> Flow {
    if user.id != credential.user.id {
        return Err(Status::InvalidParameter);
    }
    for name in [&mut user.name, &mut user.display_name] {
        *name = name.take().filter(|name| !name.is_empty());
        credential::shorten(name);
    }
    let rp_id = credential.rp_id.clone();
    let rename = Change::Rename { id: credential.id.clone(), user: user.clone(), at: core.time };
    change(core, vec![rename], move |core| core.events.push(Event::Renamed { rp_id, user }))
}

/// Changes the discoverable credentials, which gives them a new state.
fn change(
    core: &mut Core,
    mut changes: Vec<Change>,
    then: impl FnOnce(&mut Core) + Send + 'static,
) -> Flow {
    let identity = core.with_new_store_state()?;
    changes.extend(identity.as_ref().map(Identity::change));
    let work = core.store.commit(changes);
    await_commit(core, work, move |core, changed| {
        changed.map_err(|error| error.status())?;
        core.state.identity = identity.or(core.state.identity.take());
        then(core);
        Ok(Next::Respond(Response::status_only(Status::Ok)))
    })
}
