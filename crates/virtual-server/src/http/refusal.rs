//! Errors as JSON.

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{BadMember, ServiceError};

/// Why a request was not carried out, as JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HttpRefusal {
    /// What kind of refusal it is, for programs: `member`, `unsupported`, `unknown-session`,
    /// `unknown-authenticator`, `unknown-credential`, `unknown-ceremony`, `unknown-phone`,
    /// `unknown-screen`, `busy`, `no-relay`, `no-code`, `phone`, `full`, `ceremony`, `randomness`,
    /// `token`, `origin`, `host`, `too-large`, `not-json`, `path`, `method`.
    pub reason: &'static str,
    /// The member that can't be used, by its path, if it was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub member: Option<String>,
    /// The name of the exception that a browser would throw, where it is about a ceremony.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<&'static str>,
    /// What is wrong and what to do, for people.
    pub message: String,
    #[serde(skip)]
    status: StatusCode,
}

impl HttpRefusal {
    /// The body has more bytes than it may have.
    pub(super) fn too_large() -> Self {
        let message = "the body of the request is too large";
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", message)
    }

    /// One with this status and no member.
    pub(crate) fn new(
        status: StatusCode,
        reason: &'static str,
        message: impl Into<String>,
    ) -> Self {
        Self { reason, member: None, name: None, message: message.into(), status }
    }
}

/// The body of a refusal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(super) struct Refused {
    /// Why the request was not carried out.
    error: HttpRefusal,
}

impl From<ServiceError> for HttpRefusal {
    fn from(error: ServiceError) -> Self {
        let (status, reason) = match &error {
            ServiceError::Member(_) => (StatusCode::BAD_REQUEST, "member"),
            ServiceError::Unsupported(_) => (StatusCode::BAD_REQUEST, "unsupported"),
            ServiceError::UnknownSession(_) => (StatusCode::NOT_FOUND, "unknown-session"),
            ServiceError::UnknownAuthenticator(_) => {
                (StatusCode::NOT_FOUND, "unknown-authenticator")
            }
            ServiceError::UnknownCredential(_) => (StatusCode::NOT_FOUND, "unknown-credential"),
            ServiceError::UnknownCeremony(_) => (StatusCode::NOT_FOUND, "unknown-ceremony"),
            ServiceError::UnknownPhone(_) => (StatusCode::NOT_FOUND, "unknown-phone"),
            ServiceError::UnknownScreen(_) => (StatusCode::NOT_FOUND, "unknown-screen"),
            ServiceError::Busy(_) => (StatusCode::CONFLICT, "busy"),
            ServiceError::NoRelay(_) => (StatusCode::SERVICE_UNAVAILABLE, "no-relay"),
            ServiceError::Full { .. } => (StatusCode::TOO_MANY_REQUESTS, "full"),
            ServiceError::Ceremony(_) => (StatusCode::UNPROCESSABLE_ENTITY, "ceremony"),
            ServiceError::Randomness => (StatusCode::INTERNAL_SERVER_ERROR, "randomness"),
        };
        let mut refusal = Self::new(status, reason, error.to_string());
        match error {
            ServiceError::Member(BadMember { member, message })
            | ServiceError::Unsupported(BadMember { member, message }) => {
                refusal.member = Some(member).filter(|member| !member.is_empty());
                refusal.message = message;
            }
            ServiceError::Ceremony(error) => refusal.name = Some(error.name()),
            _ => {}
        }
        refusal
    }
}

impl IntoResponse for HttpRefusal {
    fn into_response(self) -> Response {
        (self.status, Json(Refused { error: self })).into_response()
    }
}
