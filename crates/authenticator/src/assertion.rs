//! An assertion is counted, signed and given out: the first of a sign-in, and the next ones
//! (CTAP 2.3 §6.2.2 step 13, §6.3).

use std::sync::Arc;

use towline_ctap::{
    AuthenticatorData, ClientDataHash, GetAssertionResponse, PublicKeyCredentialDescriptor, RpId,
    RpIdHash, User,
};

use crate::{
    Event,
    extensions::{Asserted, Asserting},
    flow::{Core, Flow, Next, await_commit, await_work, await_write},
    get_next_assertion::Rest,
    large_blob_extension,
    located::Located,
    options,
    person::proof::Gestures,
};

/// What an assertion needs besides the credential.
#[derive(Clone)]
pub(crate) struct Assertion {
    pub(crate) rp_id_hash: RpIdHash,
    pub(crate) client_data_hash: ClientDataHash,
    pub(crate) gestures: Gestures,
    /// What extensions are asked for; `None` for nothing.
    pub(crate) extensions: Option<Arc<Asserting>>,
    pub(crate) number_of_credentials: Option<usize>,
    pub(crate) user_selected: Option<bool>,
    /// Whether the client is told names, if the person is verified: it has to let them choose.
    pub(crate) names: bool,
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
    let backup = options::backup_flags(core, credential.backup_eligible, credential.backed_up);
    let kept = credential.extensions.as_deref();
    let asserted = match &assertion.extensions {
        Some(asked) => asked.finish(core, &credential.id, kept, &assertion.gestures)?,
        None => Asserted::default(),
    };
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
            response.unsigned_extension_outputs.set(&large_blob_extension::written(saved)?);
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
