//! Bodies of requests: JSON, read strictly, and refused by the path of the member that is wrong.

use axum::{
    body::Bytes,
    extract::{FromRequest, Request},
    http::StatusCode,
};
use serde::de::DeserializeOwned;

use super::Refusal;
use crate::{BadMember, ServiceError};

/// A body in JSON. An empty one is read as `{}`.
#[derive(Debug, Clone, Copy)]
pub struct Json<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refusal> {
        let body = Bytes::from_request(request, state).await.map_err(|rejection| {
            let status = rejection.status();
            if status == StatusCode::PAYLOAD_TOO_LARGE {
                return Refusal::new(status, "too-large", "the body of the request is too large");
            }
            Refusal::new(status, "not-json", "the body of the request could not be read")
        })?;
        let text: &[u8] = if body.is_empty() { b"{}" } else { &body };
        read(text).map(Self)
    }
}

/// Reads a value; what can't be used is refused by its path.
pub(super) fn read<T: DeserializeOwned>(json: &[u8]) -> Result<T, Refusal> {
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let path = error.path().to_string();
        let path = if path == "." { String::new() } else { path };
        let error = error.into_inner();
        if error.is_syntax() || error.is_eof() {
            let message = format!("the body is not JSON: {error}");
            return Refusal::new(StatusCode::BAD_REQUEST, "not-json", message);
        }
        ServiceError::from(BadMember::new(path, error.to_string())).into()
    })?;
    deserializer.end().map_err(|error| {
        let message = format!("there is something behind the JSON: {error}");
        Refusal::new(StatusCode::BAD_REQUEST, "not-json", message)
    })?;
    Ok(value)
}
