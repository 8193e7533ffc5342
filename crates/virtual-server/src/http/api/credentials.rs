//! Passkeys.

use axum::{Json, http::StatusCode};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    CredentialPatch, Service, StoredCredential,
    http::{
        HttpRefusal,
        extract::{At, Body},
    },
};

pub(super) fn routes() -> OpenApiRouter<Service> {
    OpenApiRouter::new().routes(routes!(list, add, clear)).routes(routes!(read, change, remove))
}

/// Passkeys, oldest first, with their private keys.
#[derive(Serialize, ToSchema)]
pub(super) struct CredentialList {
    pub(super) credentials: Vec<StoredCredential>,
}

/// The passkeys of an authenticator
#[utoipa::path(
    get,
    path = "/v1/{session}/authenticators/{authenticator}/credentials",
    responses((status = 200, body = CredentialList))
)]
async fn list(at: At) -> Result<Json<CredentialList>, HttpRefusal> {
    Ok(Json(CredentialList { credentials: at.session.credentials(&at.authenticator())? }))
}

/// Add a passkey, in the place of one with the same id
#[utoipa::path(
    post,
    path = "/v1/{session}/authenticators/{authenticator}/credentials",
    request_body = StoredCredential,
    responses((status = 201, body = StoredCredential))
)]
async fn add(
    at: At,
    Body(credential): Body<StoredCredential>,
) -> Result<(StatusCode, Json<StoredCredential>), HttpRefusal> {
    let id = at.authenticator();
    at.session.add_credential(&id, &credential)?;
    let added = at.session.credential(&id, &credential.credential_id)?;
    Ok((StatusCode::CREATED, Json(added)))
}

/// Remove all passkeys of an authenticator; PIN and settings stay
#[utoipa::path(
    delete,
    path = "/v1/{session}/authenticators/{authenticator}/credentials",
    responses((status = 204))
)]
async fn clear(at: At) -> Result<StatusCode, HttpRefusal> {
    at.session.remove_credentials(&at.authenticator())?;
    Ok(StatusCode::NO_CONTENT)
}

/// A passkey, with all that is kept of it
#[utoipa::path(
    get,
    path = "/v1/{session}/authenticators/{authenticator}/credentials/{credential}",
    responses((status = 200, body = StoredCredential))
)]
async fn read(at: At) -> Result<Json<StoredCredential>, HttpRefusal> {
    Ok(Json(at.session.credential(&at.authenticator(), &at.credential()?)?))
}

/// Change a passkey: its counter, its flags, its names
#[utoipa::path(
    patch,
    path = "/v1/{session}/authenticators/{authenticator}/credentials/{credential}",
    request_body = CredentialPatch,
    responses((status = 200, body = StoredCredential))
)]
async fn change(
    at: At,
    Body(change): Body<CredentialPatch>,
) -> Result<Json<StoredCredential>, HttpRefusal> {
    let credential = at.credential()?;
    Ok(Json(at.session.change_credential(&at.authenticator(), &credential, change)?))
}

/// Remove a passkey
#[utoipa::path(
    delete,
    path = "/v1/{session}/authenticators/{authenticator}/credentials/{credential}",
    responses((status = 204))
)]
async fn remove(at: At) -> Result<StatusCode, HttpRefusal> {
    at.session.remove_credential(&at.authenticator(), &at.credential()?)?;
    Ok(StatusCode::NO_CONTENT)
}
