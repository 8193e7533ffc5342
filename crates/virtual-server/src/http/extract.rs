//! What requests bring: bodies of JSON, read strictly and refused by the path of the member that is
//! wrong, and what their paths name.

use std::collections::BTreeMap;

use axum::{
    body::Bytes,
    extract::{FromRequest, FromRequestParts, Path, Query, Request},
    http::{StatusCode, request::Parts},
};
use serde::de::DeserializeOwned;

use super::HttpRefusal;
use crate::{
    AuthenticatorId, BadMember, Base64Url, CeremonyId, PhoneId, ScreenId, Service, ServiceError,
    Session, SessionId,
};

/// A body in JSON. An empty one is read as `{}`.
#[derive(Debug, Clone, Copy)]
pub struct Body<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = HttpRefusal;

    async fn from_request(request: Request, state: &S) -> Result<Self, HttpRefusal> {
        let body = Bytes::from_request(request, state).await.map_err(|rejection| {
            let status = rejection.status();
            if status == StatusCode::PAYLOAD_TOO_LARGE {
                return HttpRefusal::too_large();
            }
            HttpRefusal::new(status, "not-json", "the body of the request could not be read")
        })?;
        let text: &[u8] = if body.is_empty() { b"{}" } else { &body };
        read(text).map(Self)
    }
}

/// Reads a value; what can't be used is refused by its path.
pub(super) fn read<T: DeserializeOwned>(json: &[u8]) -> Result<T, HttpRefusal> {
    // serde would take an array for an object with its members in their order.
    let is_array = json.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[');
    if is_array && serde_json::from_slice::<serde::de::IgnoredAny>(json).is_ok() {
        let bad = BadMember::new("", "the body is an array, and an object is needed");
        return Err(ServiceError::from(bad).into());
    }
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let path = error.path().to_string();
        let path = if path == "." { String::new() } else { path };
        let error = error.into_inner();
        if error.is_syntax() || error.is_eof() {
            let message = format!("the body is not JSON: {error}");
            return HttpRefusal::new(StatusCode::BAD_REQUEST, "not-json", message);
        }
        let bad = match path.as_str() {
            "" => named(&error.to_string()),
            _ => BadMember::new(path, error.to_string()),
        };
        ServiceError::from(bad).into()
    })?;
    deserializer.end().map_err(|error| {
        let message = format!("there is something behind the JSON: {error}");
        HttpRefusal::new(StatusCode::BAD_REQUEST, "not-json", message)
    })?;
    Ok(value)
}

/// A message that begins with the name of the member that it is about, if it does.
fn named(message: &str) -> BadMember {
    let is_name = |it: &str| {
        it.bytes().all(|it| it.is_ascii_alphanumeric() || b".[]_-".contains(&it)) && !it.is_empty()
    };
    match message.split_once(": ") {
        Some((member, rest)) if is_name(member) => BadMember::new(member, rest),
        _ => BadMember::new("", message),
    }
}

/// What comes behind the question mark. Unknown members are refused.
pub(super) struct Asked<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequestParts<Service> for Asked<T> {
    type Rejection = HttpRefusal;

    async fn from_request_parts(parts: &mut Parts, service: &Service) -> Result<Self, HttpRefusal> {
        let query = Query::from_request_parts(parts, service).await.map_err(|rejection| {
            let message = rejection.body_text();
            let said = message.trim_start_matches("Failed to deserialize query string: ");
            HttpRefusal::from(ServiceError::from(named(said)))
        })?;
        let Query(value) = query;
        Ok(Self(value))
    }
}

/// What the path names. The session is there; whether what is in it is there, its methods tell.
pub(super) struct At {
    pub(super) session: Session,
    names: BTreeMap<String, String>,
}

impl At {
    pub(super) fn authenticator(&self) -> AuthenticatorId {
        AuthenticatorId::new(self.name("authenticator"))
    }

    pub(super) fn ceremony(&self) -> CeremonyId {
        CeremonyId::new(self.name("ceremony"))
    }

    pub(super) fn phone(&self) -> PhoneId {
        PhoneId::new(self.name("phone"))
    }

    pub(super) fn screen(&self) -> ScreenId {
        ScreenId::new(self.name("screen"))
    }

    /// The id of a passkey, as base64url.
    pub(super) fn credential(&self) -> Result<Base64Url, ServiceError> {
        let text = self.name("credential");
        Base64Url::parse(text).ok_or_else(|| {
            BadMember::new("credentialId", "the one in the path is not base64url").into()
        })
    }

    fn name(&self, name: &str) -> &str {
        self.names.get(name).map_or("", String::as_str)
    }
}

impl FromRequestParts<Service> for At {
    type Rejection = HttpRefusal;

    async fn from_request_parts(parts: &mut Parts, service: &Service) -> Result<Self, HttpRefusal> {
        let names = Path::<BTreeMap<String, String>>::from_request_parts(parts, service).await;
        let Path(names) = names.map_err(|rejection| {
            HttpRefusal::new(StatusCode::BAD_REQUEST, "path", rejection.body_text())
        })?;
        let id = SessionId::new(names.get("session").map_or("", String::as_str));
        Ok(Self { session: service.session(&id)?, names })
    }
}
