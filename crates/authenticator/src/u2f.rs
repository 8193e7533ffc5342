//! CTAP1/U2F: register, authenticate, version (CTAP 2.3 §10; U2F raw message formats). Its
//! credentials are not stored, but wrapped in their key handles; either protocol can use what the
//! other one made, if that is not discoverable.

use towline_ctap::{
    CredentialId, RpIdHash, Status, Version, algorithm,
    extension::CredentialProtectionPolicy,
    u2f::{
        Control, StatusWord, U2fAuthentication, U2fRegistration, U2fRequest, VERSION,
        encode_response,
    },
};

use crate::{
    Config, Counter, Counters, KeyHandle, NewKey, Purpose,
    flow::{Core, Flow, Next, await_work, await_write},
    located,
    new_key::{self, await_with_key},
    options,
    person::proof::Gestures,
    state, u2f_certificate,
    u2f_touch::Reason,
    wrapped::Content,
    wrapping,
};

/// Whether U2F is spoken at all.
pub(crate) fn is_on(config: &Config) -> bool {
    config.identity.versions.contains(&Version::U2fV2)
}

/// Whether U2F is spoken now: it can't verify anybody, so that `alwaysUv` excludes it.
pub(crate) fn is_allowed(core: &Core) -> bool {
    is_on(&core.config) && !core.always_uv()
}

/// Reads an APDU and starts its ceremony.
pub(crate) fn dispatch(core: &mut Core, apdu: &[u8]) -> Flow {
    core.forget_sequences(None);
    if !is_on(&core.config) {
        return refuse(StatusWord::INS_NOT_SUPPORTED);
    }
    let request = match U2fRequest::decode(apdu) {
        Ok(request) => request,
        Err(word) => return refuse(word),
    };
    state::load(core, |core| match request {
        U2fRequest::Version => respond(VERSION),
        _ if !is_allowed(core) => refuse(StatusWord::COMMAND_NOT_ALLOWED),
        U2fRequest::Register { challenge, application } => register(core, challenge, application),
        U2fRequest::Authenticate { control, challenge, application, key_handle } => {
            authenticate(core, control, challenge, application, key_handle)
        }
    })
}

/// The status word for a ceremony that failed inside.
pub(crate) fn failure(status: Status) -> Vec<u8> {
    tracing::debug!(status = status.name(), "the request was one of U2F");
    encode_response(&[], StatusWord::OTHER)
}

fn register(core: &mut Core, challenge: [u8; 32], application: RpIdHash) -> Flow {
    let reason = Reason { application, key_handle: None };
    let tells_model = core.config.attestation.batch.is_some();
    let Some(_touched) = core.touch.take(&reason, core.now) else {
        let purpose = Purpose::RegisterU2f { application, tells_model };
        return ask(core, reason, purpose);
    };
    wrapping::load_or_create(core, move |core| {
        new_key::generate(core, algorithm::ES256, move |core, key| {
            attest(core, challenge, application, key)
        })
    })
}

/// What a registration consists of, but for its signature.
struct Registration {
    key: KeyHandle,
    public_key: [u8; 65],
    key_handle: CredentialId,
    message: Vec<u8>,
}

/// Signs with the batch key, or else with the new key, which then has a certificate of its own.
fn attest(core: &mut Core, challenge: [u8; 32], application: RpIdHash, key: NewKey) -> Flow {
    let content = Content {
        key: key.handle.clone(),
        protection: CredentialProtectionPolicy::default(),
        backup_eligible: options::may_be_backed_up(core, &key.handle, false),
        third_party_payment: false,
        cred_blob: None,
    };
    // A key store whose handles do not fit an id can't serve U2F.
    let sealed =
        core.state.wrapping.seal(&core.provider, &application, &content)?.ok_or(Status::Other)?;
    let public_key = u2f_certificate::uncompressed(&key.public_key).ok_or(Status::Other)?;
    let message = U2fRegistration::signed_message(
        &application,
        &challenge,
        sealed.id.as_bytes(),
        &public_key,
    );
    let key_handle = sealed.id;
    let registration = Registration { key: key.handle.clone(), public_key, key_handle, message };
    let batch = core.config.attestation.batch.as_ref();
    if let Some((batch, leaf)) = batch.and_then(|batch| Some((batch, batch.certificates.first()?)))
    {
        let (signer, certificate) = (batch.key.clone(), leaf.clone());
        return finish(core, registration, signer, certificate);
    }
    let serial = core.provider.random.bytes().map_err(|_| Status::Other)?;
    let told = u2f_certificate::to_be_signed(&key.public_key, serial).ok_or(Status::Other)?;
    let work = core.keys.sign(&key.handle, &[&told]);
    await_with_key(core, key.handle.clone(), work, move |core, signature| {
        let signature = signature.map_err(|error| error.status())?;
        let certificate = u2f_certificate::signed(&told, &signature);
        finish(core, registration, key.handle, certificate)
    })
}

fn finish(
    core: &mut Core,
    registration: Registration,
    signer: KeyHandle,
    certificate: Vec<u8>,
) -> Flow {
    let Registration { key, public_key, key_handle, message } = registration;
    let work = core.keys.sign(&signer, &[&message]);
    await_with_key(core, key, work, move |_, signature| {
        let signature = signature.map_err(|error| error.status())?;
        let key_handle = key_handle.as_bytes().into();
        let answer = U2fRegistration { public_key, key_handle, certificate, signature };
        respond(&answer.encode().ok_or(Status::Other)?)
    })
}

fn authenticate(
    core: &mut Core,
    control: Control,
    challenge: [u8; 32],
    application: RpIdHash,
    key_handle: Box<[u8]>,
) -> Flow {
    locate(core, application, &key_handle.clone(), move |core, located| {
        let usable = located.filter(|located| {
            located.key.algorithm() == algorithm::ES256
                && located.protection != CredentialProtectionPolicy::UserVerificationRequired
        });
        let Some(located) = usable else { return refuse(StatusWord::WRONG_DATA) };
        let mut gestures = Gestures::default();
        match control {
            // What it means is: yes, with a touch.
            Control::CheckOnly => return refuse(StatusWord::CONDITIONS_NOT_SATISFIED),
            Control::DontEnforceUserPresence => {}
            Control::EnforceUserPresence => {
                let reason = Reason { application, key_handle: Some(key_handle) };
                match core.touch.take(&reason, core.now) {
                    Some(present) => gestures.confirm(present),
                    None => return ask(core, reason, Purpose::UseU2f { application }),
                }
            }
        }
        let Located { key, counter, stored, .. } = located;
        if let (Some(time), Some(id)) = (core.time, &stored) {
            core.store.used(id, time);
        }
        let Some(counter) = counter else {
            return sign(core, &key, challenge, application, &gestures, 0);
        };
        let write = core.store.count(counter);
        await_write(core, write, move |core, count| {
            let count = count.map_err(|error| error.status())?;
            sign(core, &key, challenge, application, &gestures, count)
        })
    })
}

/// What a key handle names.
struct Located {
    key: KeyHandle,
    protection: CredentialProtectionPolicy,
    /// What counts its signatures, if anything does.
    counter: Option<Counter>,
    /// Its id, if it is kept in the store.
    stored: Option<CredentialId>,
}

/// Finds what a key handle names for this application, in itself or in the store.
fn locate(
    core: &mut Core,
    application: RpIdHash,
    key_handle: &[u8],
    then: impl FnOnce(&mut Core, Option<Located>) -> Flow + Send + 'static,
) -> Flow {
    let Ok(id) = CredentialId::new(key_handle) else { return then(core, None) };
    wrapping::load(core, move |core| {
        let counters = core.config.credentials.counters;
        if let Some(opened) = core.state.wrapping.open(&application, id.as_bytes()) {
            let Content { key, protection, .. } = opened.content;
            // There is nowhere to keep one for each.
            let counter = (counters != Counters::Zero).then_some(Counter::Global);
            return then(core, Some(Located { key, protection, counter, stored: None }));
        }
        let work = core.store.lookup(&id);
        await_work(core, work, move |core, found| {
            let found = found.map_err(|error| error.status())?;
            let ours = found.filter(|credential| {
                !credential.discoverable && credential.rp_id.hash(&core.provider) == application
            });
            let located = ours.map(located::Located::from).map(|located| Located {
                counter: located.counter(counters),
                key: located.key,
                protection: located.protection,
                stored: Some(located.id),
            });
            then(core, located)
        })
    })
}

fn sign(
    core: &mut Core,
    key: &KeyHandle,
    challenge: [u8; 32],
    application: RpIdHash,
    gestures: &Gestures,
    counter: u32,
) -> Flow {
    let user_present = gestures.is_present();
    let message =
        U2fAuthentication::signed_message(&application, user_present, counter, &challenge);
    let work = core.keys.sign(key, &[&message]);
    await_work(core, work, move |_, signature| {
        let signature = signature.map_err(|error| error.status())?;
        respond(&U2fAuthentication { user_present, counter, signature }.encode())
    })
}

/// Refuses for now; the question is asked beside.
fn ask(core: &mut Core, reason: Reason, purpose: Purpose) -> Flow {
    core.withdrawn.extend(core.touch.want(reason, purpose, core.now));
    refuse(StatusWord::CONDITIONS_NOT_SATISFIED)
}

fn respond(data: &[u8]) -> Flow {
    Ok(Next::Respond(encode_response(data, StatusWord::NO_ERROR)))
}

fn refuse(word: StatusWord) -> Flow {
    Ok(Next::Respond(encode_response(&[], word)))
}
