//! Authenticators.

use axum::{Json, http::StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use towline_virtual::Snapshot;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use zeroize::Zeroizing;

use crate::{
    AuthenticatorId, BadMember, SecretBase64Url, Service, ServiceError, Session, SwitchChange,
    Switches, VirtualAuthenticatorOptions,
    http::{
        HttpRefusal,
        extract::{At, Body},
    },
};

pub(super) fn routes() -> OpenApiRouter<Service> {
    OpenApiRouter::new()
        .routes(routes!(list, add))
        .routes(routes!(read, change, remove))
        .routes(routes!(info))
        .routes(routes!(replug))
        .routes(routes!(snapshot, restore))
}

/// An authenticator: what it was made from, and its switches as they are now.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct AuthenticatorState {
    authenticator_id: AuthenticatorId,
    options: VirtualAuthenticatorOptions,
    switches: Switches,
}

/// The authenticators of a session, in the order in which they came.
#[derive(Serialize, ToSchema)]
struct AuthenticatorList {
    authenticators: Vec<AuthenticatorState>,
}

fn state(session: &Session, id: AuthenticatorId) -> Result<AuthenticatorState, ServiceError> {
    Ok(AuthenticatorState {
        options: session.options(&id)?,
        switches: session.switches(&id)?,
        authenticator_id: id,
    })
}

/// The authenticators of a session
#[utoipa::path(
    get,
    path = "/v1/{session}/authenticators",
    responses((status = 200, body = AuthenticatorList))
)]
async fn list(at: At) -> Result<Json<AuthenticatorList>, HttpRefusal> {
    let ids = at.session.authenticators()?.into_iter();
    let authenticators: Result<Vec<_>, _> = ids.map(|id| state(&at.session, id)).collect();
    Ok(Json(AuthenticatorList { authenticators: authenticators? }))
}

/// Add an authenticator
#[utoipa::path(
    post,
    path = "/v1/{session}/authenticators",
    request_body = VirtualAuthenticatorOptions,
    responses((status = 201, body = AuthenticatorState))
)]
async fn add(
    at: At,
    Body(options): Body<VirtualAuthenticatorOptions>,
) -> Result<(StatusCode, Json<AuthenticatorState>), HttpRefusal> {
    let id = at.session.add_authenticator(options)?;
    Ok((StatusCode::CREATED, Json(state(&at.session, id)?)))
}

/// What an authenticator is, and its switches as they are now
#[utoipa::path(
    get,
    path = "/v1/{session}/authenticators/{authenticator}",
    responses((status = 200, body = AuthenticatorState))
)]
async fn read(at: At) -> Result<Json<AuthenticatorState>, HttpRefusal> {
    Ok(Json(state(&at.session, at.authenticator())?))
}

/// Change switches of an authenticator; the others stay as they are
#[utoipa::path(
    patch,
    path = "/v1/{session}/authenticators/{authenticator}",
    request_body = SwitchChange,
    responses((status = 200, body = AuthenticatorState))
)]
async fn change(
    at: At,
    Body(change): Body<SwitchChange>,
) -> Result<Json<AuthenticatorState>, HttpRefusal> {
    at.session.set_switches(&at.authenticator(), change)?;
    Ok(Json(state(&at.session, at.authenticator())?))
}

/// Remove an authenticator, with its passkeys
#[utoipa::path(
    delete,
    path = "/v1/{session}/authenticators/{authenticator}",
    responses((status = 204))
)]
async fn remove(at: At) -> Result<StatusCode, HttpRefusal> {
    at.session.remove_authenticator(&at.authenticator())?;
    Ok(StatusCode::NO_CONTENT)
}

/// What an authenticator says of itself.
#[derive(Serialize, ToSchema)]
struct Info {
    /// authenticatorGetInfo, member by member; `null` where it speaks U2F alone.
    #[schema(value_type = Object)]
    info: Option<Value>,
}

/// What an authenticator says of itself (authenticatorGetInfo)
#[utoipa::path(
    get,
    path = "/v1/{session}/authenticators/{authenticator}/info",
    responses((status = 200, body = Info))
)]
async fn info(at: At) -> Result<Json<Info>, HttpRefusal> {
    let info = at.session.info(&at.authenticator())?;
    let members = info.map(|info| info.decoded().get("members").cloned().unwrap_or_default());
    Ok(Json(Info { info: members }))
}

/// Unplug it and plug it in again
#[utoipa::path(
    post,
    path = "/v1/{session}/authenticators/{authenticator}/replug",
    responses((status = 204))
)]
async fn replug(at: At) -> Result<StatusCode, HttpRefusal> {
    at.session.replug(&at.authenticator())?;
    Ok(StatusCode::NO_CONTENT)
}

/// All that an authenticator keeps, in a form that only this service reads. It holds private keys.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Kept {
    /// Passkeys, PIN, settings and counters.
    snapshot: SecretBase64Url,
}

/// Everything that an authenticator keeps now
#[utoipa::path(
    get,
    path = "/v1/{session}/authenticators/{authenticator}/snapshot",
    responses((status = 200, body = Kept))
)]
async fn snapshot(at: At) -> Result<Json<Kept>, HttpRefusal> {
    let snapshot = at.session.snapshot(&at.authenticator())?;
    let bytes = Zeroizing::new(snapshot.to_bytes().to_vec());
    Ok(Json(Kept { snapshot: SecretBase64Url(bytes) }))
}

/// Go back to what an authenticator kept
#[utoipa::path(
    put,
    path = "/v1/{session}/authenticators/{authenticator}/snapshot",
    request_body = Kept,
    responses((status = 204))
)]
async fn restore(at: At, Body(kept): Body<Kept>) -> Result<StatusCode, HttpRefusal> {
    let snapshot = Snapshot::from_bytes(&kept.snapshot.0)
        .map_err(|error| ServiceError::from(BadMember::new("snapshot", error.to_string())))?;
    at.session.restore(&at.authenticator(), &snapshot)?;
    Ok(StatusCode::NO_CONTENT)
}
