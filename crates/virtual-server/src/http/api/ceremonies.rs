//! Registrations and sign-ins, for programs that have no browser.

use std::time::Duration;

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    BadMember, CeremonyId, Mediation, Outcome, PageOrigin, Service, ServiceError, Session, Signal,
    http::{
        HttpRefusal,
        extract::{Asked, At, Body},
    },
};

/// How long a request waits for the end of a ceremony if it does not say, and at most.
const USUAL: f64 = 10.0;
const LONGEST: f64 = 120.0;

pub(super) fn routes() -> OpenApiRouter<Service> {
    OpenApiRouter::new()
        .routes(routes!(create))
        .routes(routes!(get))
        .routes(routes!(collect, end))
        .routes(routes!(signal))
}

/// What a page asks for.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct CeremonyRequest {
    /// The origin of the page: https, or http on localhost.
    origin: String,
    /// The origin of the page at the top, if the page is in a frame.
    top_origin: Option<String>,
    /// What the site's server gives a page: PublicKeyCredentialCreationOptionsJSON or
    /// PublicKeyCredentialRequestOptionsJSON, alone or in a member `publicKey`.
    #[schema(value_type = Object)]
    options: Box<RawValue>,
    #[serde(default)]
    mediation: Mediation,
    /// How many seconds the request waits for the end, from 0 to 120; 10 if nothing is said.
    wait: Option<f64>,
}

/// How it went.
#[derive(Serialize, ToSchema)]
struct CeremonyResponse {
    /// What the page sends to the site's server: RegistrationResponseJSON or
    /// AuthenticationResponseJSON.
    #[schema(value_type = Object)]
    response: Box<RawValue>,
}

/// It is not over yet.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct CeremonyPending {
    /// The name by which its end can be collected.
    ceremony_id: CeremonyId,
}

/// How long to wait.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct Wait {
    /// How many seconds the request waits for the end, from 0 to 120; 10 if nothing is said.
    pub(super) wait: Option<f64>,
}

/// Who ends it.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct End {
    /// The site, by its AbortSignal; otherwise the person, by closing the dialog.
    #[serde(default)]
    abort: bool,
}

/// A ceremony that nobody will collect if the request ends first.
struct Abandoned<'s> {
    session: &'s Session,
    id: Option<CeremonyId>,
}

impl Drop for Abandoned<'_> {
    fn drop(&mut self) {
        if let Some(id) = &self.id {
            self.session.forget_ceremony(id);
        }
    }
}

pub(super) fn patience(wait: Option<f64>) -> Result<Duration, ServiceError> {
    let seconds = wait.unwrap_or(USUAL);
    let message = "it is no number of seconds from 0 to 120";
    if !(0.0..=LONGEST).contains(&seconds) {
        return Err(BadMember::new("wait", message).into());
    }
    Duration::try_from_secs_f64(seconds).map_err(|_| BadMember::new("wait", message).into())
}

/// Waits for the end; whoever goes away meanwhile has given it up.
async fn waited(
    session: &Session,
    id: CeremonyId,
    wait: Duration,
) -> Result<Response, HttpRefusal> {
    let mut abandoned = Abandoned { session, id: Some(id.clone()) };
    let outcome = tokio::time::timeout(wait, session.finished(&id)).await;
    abandoned.id = None;
    match outcome {
        Ok(outcome) => told(outcome?),
        Err(_) => {
            let pending = CeremonyPending { ceremony_id: id };
            Ok((StatusCode::ACCEPTED, Json(pending)).into_response())
        }
    }
}

fn told(outcome: Outcome) -> Result<Response, HttpRefusal> {
    let json = outcome.map_err(ServiceError::from)?;
    // What a fault has made of it may be no JSON any more; then it is a text.
    let response = RawValue::from_string(json.clone());
    let response = response.or_else(|_| to_raw_value(&json)).unwrap_or_default();
    Ok(Json(CeremonyResponse { response }).into_response())
}

impl CeremonyRequest {
    fn caller(&self) -> Result<PageOrigin, ServiceError> {
        Ok(match &self.top_origin {
            Some(top) => PageOrigin::embedded(&self.origin, top)?,
            None => PageOrigin::of(&self.origin)?,
        })
    }
}

/// Register, as `navigator.credentials.create()` does in a page
#[utoipa::path(
    post,
    path = "/v1/{session}/create",
    request_body = CeremonyRequest,
    responses(
        (status = 200, body = CeremonyResponse),
        (status = 202, body = CeremonyPending))
)]
async fn create(at: At, Body(request): Body<CeremonyRequest>) -> Result<Response, HttpRefusal> {
    let wait = patience(request.wait)?;
    let caller = request.caller()?;
    let id = at.session.begin_create(&caller, request.options.get(), request.mediation)?;
    waited(&at.session, id, wait).await
}

/// Sign in, as `navigator.credentials.get()` does in a page
#[utoipa::path(
    post,
    path = "/v1/{session}/get",
    request_body = CeremonyRequest,
    responses(
        (status = 200, body = CeremonyResponse),
        (status = 202, body = CeremonyPending))
)]
async fn get(at: At, Body(request): Body<CeremonyRequest>) -> Result<Response, HttpRefusal> {
    let wait = patience(request.wait)?;
    let caller = request.caller()?;
    let id = at.session.begin_get(&caller, request.options.get(), request.mediation)?;
    waited(&at.session, id, wait).await
}

/// Wait for the end of a ceremony, and collect it, once
#[utoipa::path(
    get,
    path = "/v1/{session}/ceremonies/{ceremony}",
    params(Wait),
    responses(
        (status = 200, body = CeremonyResponse),
        (status = 202, body = CeremonyPending))
)]
async fn collect(at: At, Asked(Wait { wait }): Asked<Wait>) -> Result<Response, HttpRefusal> {
    let (id, wait) = (at.ceremony(), patience(wait)?);
    match tokio::time::timeout(wait, at.session.finished(&id)).await {
        Ok(outcome) => told(outcome?),
        Err(_) => {
            let pending = CeremonyPending { ceremony_id: id };
            Ok((StatusCode::ACCEPTED, Json(pending)).into_response())
        }
    }
}

/// End a ceremony; how it ended is still to be collected
#[utoipa::path(
    delete,
    path = "/v1/{session}/ceremonies/{ceremony}",
    params(End),
    responses((status = 204))
)]
async fn end(at: At, Asked(End { abort }): Asked<End>) -> Result<StatusCode, HttpRefusal> {
    let id = at.ceremony();
    if abort {
        at.session.abort(&id)?
    } else {
        at.session.cancel(&id)?
    }
    Ok(StatusCode::NO_CONTENT)
}

/// What a site tells of its accounts, and from where.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SignalRequest {
    /// The origin of the page.
    origin: String,
    /// What it tells, by the names of WebAuthn's Signal API.
    tells: Signal,
}

/// How many passkeys were deleted or renamed.
#[derive(Serialize, ToSchema)]
struct SignalResponse {
    changed: usize,
}

/// Tell what a site tells of its accounts (the Signal API)
#[utoipa::path(
    post,
    path = "/v1/{session}/signals",
    request_body = SignalRequest,
    responses((status = 200, body = SignalResponse))
)]
async fn signal(
    at: At,
    Body(request): Body<SignalRequest>,
) -> Result<Json<SignalResponse>, HttpRefusal> {
    let caller = PageOrigin::of(&request.origin).map_err(ServiceError::from)?;
    Ok(Json(SignalResponse { changed: at.session.signal(&caller, &request.tells)? }))
}
