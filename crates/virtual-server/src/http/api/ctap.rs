//! Requests of CTAP2 as bytes.

use std::pin::pin;

use axum::{
    Json,
    body::Bytes,
    extract::{FromRequest as _, Request},
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::ceremonies::{Wait, patience};
use crate::{
    BadMember, Base64Url, Exchange, Service, ServiceError,
    http::{
        HttpRefusal,
        extract::{Asked, At, Body},
    },
};

const BYTES: &str = "application/octet-stream";

pub(super) fn routes() -> OpenApiRouter<Service> {
    OpenApiRouter::new().routes(routes!(ctap))
}

/// A request of CTAP2: a command byte, then CBOR. In one of two forms.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CtapRequest {
    /// The bytes as base64url.
    request: Option<Base64Url>,
    /// The bytes as hexadecimal digits.
    hex: Option<String>,
}

/// The response: a status byte, then CBOR.
#[derive(Serialize, ToSchema)]
struct CtapResponse {
    /// The bytes as base64url.
    response: Base64Url,
    /// The bytes as hexadecimal digits.
    hex: String,
    /// The same, member by member, as in the log.
    #[schema(value_type = Object)]
    decoded: Exchange,
}

/// Send one request of CTAP2 to an authenticator, in JSON or as the bytes themselves
#[utoipa::path(
    post,
    path = "/v1/{session}/authenticators/{authenticator}/ctap",
    params(Wait),
    request_body(content(
        (CtapRequest = "application/json"),
        (Vec<u8> = "application/octet-stream")
    )),
    responses((status = 200, content(
        (CtapResponse = "application/json"),
        (Vec<u8> = "application/octet-stream")
    )))
)]
async fn ctap(
    at: At,
    Asked(Wait { wait }): Asked<Wait>,
    request: Request,
) -> Result<Response, HttpRefusal> {
    let wait = patience(wait)?;
    let are_bytes = is_bytes(request.headers());
    let bytes = if are_bytes {
        let read = Bytes::from_request(request, &()).await;
        read.map_err(|_| HttpRefusal::too_large())?.to_vec()
    } else {
        Body::<CtapRequest>::from_request(request, &()).await?.0.bytes()?
    };
    let id = at.authenticator();
    let mut carried_out = pin!(at.session.transact(&id, &bytes));
    let response = match tokio::time::timeout(wait, &mut carried_out).await {
        Ok(response) => response?,
        Err(_) => {
            at.session.cancel_transaction(&id)?;
            carried_out.await?
        }
    };
    if are_bytes {
        return Ok(([(header::CONTENT_TYPE, BYTES)], response).into_response());
    }
    let decoded = Exchange::response(&bytes, &response);
    let hex = response.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(Json(CtapResponse { response: Base64Url(response), hex, decoded }).into_response())
}

fn is_bytes(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|it| it.to_str().ok());
    kind.is_some_and(|kind| kind.starts_with(BYTES) || kind.starts_with("application/cbor"))
}

impl CtapRequest {
    fn bytes(self) -> Result<Vec<u8>, ServiceError> {
        match (self.request, self.hex) {
            (Some(bytes), None) => Ok(bytes.0),
            (None, Some(hex)) => {
                let bad = || BadMember::new("hex", "it is no even number of hexadecimal digits");
                Ok(from_hex(&hex).ok_or_else(bad)?)
            }
            _ => {
                let message = "a request is base64url (`request`) or hexadecimal (`hex`); give one";
                Err(BadMember::new("request", message).into())
            }
        }
    }
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> =
        text.chars().map(|it| it.to_digit(16).and_then(|it| u8::try_from(it).ok())).collect();
    let (pairs, rest) = digits.as_deref()?.as_chunks::<2>();
    rest.is_empty().then(|| pairs.iter().map(|[high, low]| high << 4 | low).collect())
}
