//! What the script asks for, in JSON: options to hand to the browser, and answers to check.

use std::{sync::Arc, time::Instant};

use axum::{
    body::Body,
    extract::{Request, State},
    response::{IntoResponse as _, Response},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Outcome, form, is_local, sign_in::steps, with_cookie};
use crate::{
    ApiError, ErrorCode, pages,
    programs::{Json, body, http_status},
    site::{Site, lock, set_option},
    store::{keys, sign_ins::How},
    visit::{self, Visit},
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BeginSignIn {
    /// The steps that the person is on; without, any passkey of this site is welcome.
    #[serde(default)]
    step: Option<String>,
    /// Where the key is, as the person says; without, the browser asks.
    #[serde(default)]
    place: Option<Place>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FinishSignIn {
    ceremony: String,
    credential: Value,
    #[serde(default)]
    step: Option<String>,
    #[serde(default)]
    next: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BeginRegistration {
    name: String,
    place: Place,
    extended: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FinishRegistration {
    ceremony: String,
    credential: Value,
}

/// Where a key is to be.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Place {
    Device,
    /// Any phone, by a code.
    Phone,
    /// A phone that the browser lists by its name.
    Linked,
    Usb,
    /// A TPM.
    Platform,
}

impl Place {
    /// What browsers are told of it: `authenticatorAttachment` (WebAuthn L3 §5.4.5), for those that
    /// don't know the other, and the hint (§5.8.7).
    const fn wishes(self) -> (&'static str, &'static str) {
        match self {
            Self::Device | Self::Platform => ("platform", "client-device"),
            Self::Phone | Self::Linked => ("cross-platform", "hybrid"),
            Self::Usb => ("cross-platform", "security-key"),
        }
    }
}

/// An error for the script, in the person's language.
fn told(visit: &Visit, error: &ApiError, more: Value) -> Response {
    let text = pages::error::say(visit.texts(), error);
    let answer = json!({ "error": { "code": error.code, "text": text, "more": more } });
    (http_status(error.code), Json(answer)).into_response()
}

async fn read<T: serde::de::DeserializeOwned>(
    site: &Site,
    request: Request<Body>,
) -> Result<T, ApiError> {
    form::check_own(site, request.headers())?;
    body(site, request).await
}

pub(super) async fn begin_sign_in(
    State(site): State<Arc<Site>>,
    visit: Visit,
    request: Request<Body>,
) -> Response {
    let begun = async {
        let asked: BeginSignIn = read(&site, request).await?;
        let mut begun = match asked.step {
            None => site.begin_sign_in(None, How::Key).await,
            Some(id) => {
                let step = steps(&site, &id)?;
                let how = if step.password_passed { How::Both } else { How::Key };
                site.begin_sign_in_quietly(step.account, how).await
            }
        }?;
        if let Some(place) = asked.place {
            let (_, hint) = place.wishes();
            set_option(&mut begun.public_key, "", "hints", json!([hint]));
        }
        Ok(begun)
    };
    match begun.await {
        Ok(begun) => Json(begun).into_response(),
        Err(error) => told(&visit, &error, Value::Null),
    }
}

pub(super) async fn finish_sign_in(
    State(site): State<Arc<Site>>,
    visit: Visit,
    request: Request<Body>,
) -> Response {
    let before = visit::token_hash(&site, request.headers());
    let answer: FinishSignIn = match read(&site, request).await {
        Ok(answer) => answer,
        Err(error) => return told(&visit, &error, Value::Null),
    };
    match let_in(&site, &visit, &answer, before).await {
        Ok(response) => response,
        Err(error) => {
            let unknown =
                error.code == ErrorCode::UnknownKey && is_nobodys(&site, &answer.credential).await;
            let more = match answer.credential.get("id") {
                // The script tells the authenticator that this passkey is of no use any more. Never
                // for one that merely belongs to another account.
                Some(id) if unknown => json!({ "rpId": site.identity.rp_id, "credentialId": id }),
                _ => Value::Null,
            };
            told(&visit, &error, more)
        }
    }
}

async fn let_in(
    site: &Site,
    visit: &Visit,
    answer: &FinishSignIn,
    before: Option<[u8; 32]>,
) -> Outcome {
    let done = site.finish_sign_in(&answer.ceremony, &answer.credential, visit.caller()).await?;
    let account = done.account.id;
    let cookie = visit::sign_in(site, done.how, before, move |_| Ok(account)).await?;
    let steps = answer.step.as_ref().and_then(|id| lock(&site.steps).take(id, Instant::now()));
    let next = steps.and_then(|steps| steps.next).or_else(|| answer.next.clone());
    let next = next.filter(|path| is_local(path)).unwrap_or_else(|| "/account".into());
    Ok(with_cookie(Json(json!({ "next": next })).into_response(), cookie))
}

async fn is_nobodys(site: &Site, credential: &Value) -> bool {
    let Some(id) = credential.get("id").and_then(Value::as_str).map(str::to_owned) else {
        return false;
    };
    matches!(site.store.run(move |db| keys::find(db, &id)).await, Ok(None))
}

pub(super) async fn begin_registration(
    State(site): State<Arc<Site>>,
    visit: Visit,
    request: Request<Body>,
) -> Response {
    let begun = async {
        let asked: BeginRegistration = read(&site, request).await?;
        let account = &visit.person()?.account;
        let (attachment, hint) = asked.place.wishes();
        let adjust = |options: &mut Value| {
            set_option(options, "/user", "displayName", account.called().into());
            let selection = "/authenticatorSelection";
            set_option(options, selection, "authenticatorAttachment", attachment.into());
            set_option(options, "", "hints", json!([hint]));
            // A verifier that judges would ask each time; here the person says.
            let attestation = if asked.extended { "direct" } else { "none" };
            set_option(options, "", "attestation", attestation.into());
        };
        site.begin_registration(account.name.clone(), asked.name, asked.extended, adjust).await
    };
    match begun.await {
        Ok(begun) => Json(begun).into_response(),
        Err(error) => told(&visit, &error, Value::Null),
    }
}

pub(super) async fn finish_registration(
    State(site): State<Arc<Site>>,
    visit: Visit,
    request: Request<Body>,
) -> Response {
    let finished = async {
        let answer: FinishRegistration = read(&site, request).await?;
        let account = visit.person()?.account.name.clone();
        site.finish_registration(&answer.ceremony, &answer.credential, Some(&account)).await
    };
    match finished.await {
        Ok((_, key)) => {
            Json(json!({ "next": format!("/account/keys/{}/added", key.row) })).into_response()
        }
        Err(error) => told(&visit, &error, Value::Null),
    }
}
