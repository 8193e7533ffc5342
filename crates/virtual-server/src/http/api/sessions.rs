//! Sessions, and their clocks.

use std::time::Duration;

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    AuthenticatorId, BadMember, Service, ServiceError, Session, SessionId,
    http::{
        HttpRefusal,
        extract::{At, Body},
    },
};

pub(super) fn routes() -> OpenApiRouter<Service> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(read, end))
        .routes(routes!(clock, set_clock))
        .routes(routes!(publish_related_origins))
}

/// A session, and who is in it.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct SessionState {
    session_id: SessionId,
    /// What pages under test know: it opens `/page` for this session, and nothing else.
    #[serde(skip_serializing_if = "Option::is_none")]
    page_key: Option<String>,
    authenticators: Vec<AuthenticatorId>,
}

/// The names of sessions.
#[derive(Serialize, ToSchema)]
struct SessionList {
    sessions: Vec<SessionId>,
}

fn state(session: &Session) -> Result<SessionState, ServiceError> {
    Ok(SessionState {
        session_id: session.id().clone(),
        page_key: session.page_key(),
        authenticators: session.authenticators()?,
    })
}

/// The sessions that there are
#[utoipa::path(get, path = "/v1/sessions", responses((status = 200, body = SessionList)))]
async fn list(State(service): State<Service>) -> Json<SessionList> {
    Json(SessionList { sessions: service.session_ids() })
}

/// A new session, with no authenticators
#[utoipa::path(post, path = "/v1/sessions", responses((status = 201, body = SessionState)))]
async fn create(
    State(service): State<Service>,
) -> Result<(StatusCode, Json<SessionState>), HttpRefusal> {
    Ok((StatusCode::CREATED, Json(state(&service.new_session()?)?)))
}

/// A session: its key for pages, and its authenticators
#[utoipa::path(get, path = "/v1/{session}", responses((status = 200, body = SessionState)))]
async fn read(at: At) -> Result<Json<SessionState>, HttpRefusal> {
    Ok(Json(state(&at.session)?))
}

/// End a session: all that it keeps is forgotten; `default` begins anew
#[utoipa::path(delete, path = "/v1/{session}", responses((status = 204)))]
async fn end(State(service): State<Service>, at: At) -> Result<StatusCode, HttpRefusal> {
    service.end_session(at.session.id())?;
    Ok(StatusCode::NO_CONTENT)
}

/// The clock of a session.
#[derive(Serialize, ToSchema)]
struct ClockState {
    /// How much time has passed in the session, in seconds.
    elapsed: f64,
    /// Whether it stands still unless it is moved.
    held: bool,
}

/// What is to be done with the clock.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[derive(Default)]
struct ClockChange {
    /// Whether it stands still from now on unless it is moved; otherwise it goes with the system's.
    held: Option<bool>,
    /// So many seconds pass at once, up to ten years.
    advance: Option<f64>,
}

fn clock_state(session: &Session) -> Result<Json<ClockState>, HttpRefusal> {
    let (elapsed, held) = session.clock()?;
    Ok(Json(ClockState { elapsed: elapsed.as_secs_f64(), held }))
}

/// The clock of a session
#[utoipa::path(get, path = "/v1/{session}/clock", responses((status = 200, body = ClockState)))]
async fn clock(at: At) -> Result<Json<ClockState>, HttpRefusal> {
    clock_state(&at.session)
}

/// Hold the clock of a session, let it go on, or move it
#[utoipa::path(
    patch,
    path = "/v1/{session}/clock",
    request_body = ClockChange,
    responses((status = 200, body = ClockState))
)]
async fn set_clock(
    at: At,
    Body(change): Body<ClockChange>,
) -> Result<Json<ClockState>, HttpRefusal> {
    let by = change.advance.map(|seconds| {
        let message = "it is no number of seconds from 0 to ten years";
        let bad = |_| ServiceError::from(BadMember::new("advance", message));
        Duration::try_from_secs_f64(seconds).map_err(bad)
    });
    let by = by.transpose()?;
    if let Some(held) = change.held {
        at.session.hold_clock(held)?;
    }
    if let Some(by) = by {
        at.session.advance_clock(by)?;
    }
    clock_state(&at.session)
}

/// The document at `https://RP_ID/.well-known/webauthn`; members that are not known here are passed
/// over.
#[derive(Serialize, Deserialize, ToSchema)]
struct RelatedOriginsDocument {
    /// The origins that may use the passkeys of the site.
    origins: Vec<String>,
}

/// Publish which origins may use the passkeys of a site, as its `/.well-known/webauthn` would
#[utoipa::path(
    put,
    path = "/v1/{session}/related-origins/{rp_id}",
    request_body = RelatedOriginsDocument,
    responses((status = 204))
)]
async fn publish_related_origins(
    at: At,
    Path(RpIdPath { rp_id }): Path<RpIdPath>,
    Body(document): Body<RelatedOriginsDocument>,
) -> Result<StatusCode, HttpRefusal> {
    let json = serde_json::to_string(&document).unwrap_or_default();
    at.session.publish_related_origins(&rp_id, &json)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Whose document it is.
#[derive(Deserialize)]
struct RpIdPath {
    rp_id: String,
}
