//! What forms send.

use axum::{body::Body, extract::Request};
use http::{HeaderMap, header};
use url::form_urlencoded;

use crate::{
    ApiError, ErrorCode,
    programs::{is_of_type, whole},
    site::Site,
};

/// The fields of a form, or of an address.
pub(crate) struct Fields(Vec<(String, String)>);

impl Fields {
    /// A field that may be missing, or empty.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// A field that the form always has.
    pub(crate) fn need(&self, name: &str) -> Result<&str, ApiError> {
        let found = self.0.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str()).ok_or_else(bad_request)
    }
}

pub(super) fn bad_request() -> ApiError {
    ApiError::new(ErrorCode::BadRequest, "The form is not one of this site's.")
}

impl Fields {
    /// The fields of a body that was read.
    pub(crate) fn of(body: &[u8]) -> Self {
        Self(form_urlencoded::parse(body).into_owned().collect())
    }
}

/// The fields of an address.
pub(crate) fn query(request: &Request<Body>) -> Fields {
    let query = request.uri().query().unwrap_or_default();
    Fields::of(query.as_bytes())
}

/// Reads a form that a page of this site sent.
pub(crate) async fn posted(site: &Site, request: Request<Body>) -> Result<Fields, ApiError> {
    check_own(site, request.headers())?;
    fields_of(site, request).await
}

/// Reads a form, whoever sent it.
pub(crate) async fn fields_of(site: &Site, request: Request<Body>) -> Result<Fields, ApiError> {
    if !is_of_type(&request, "application/x-www-form-urlencoded") {
        return Err(ApiError::new(
            ErrorCode::UnsupportedMediaType,
            "The body must be application/x-www-form-urlencoded.",
        ));
    }
    let body = whole(site, request).await?;
    Ok(Fields::of(&body))
}

/// What changes something has to come from a page of this site, and say so: every browser does.
/// Together with cookies that other sites' requests don't carry, that is what forged forms fail at.
pub(super) fn check_own(site: &Site, headers: &HeaderMap) -> Result<(), ApiError> {
    let is = |name: &str, allowed: &[&str]| {
        headers
            .get(name)
            .is_none_or(|value| allowed.iter().any(|one| value.as_bytes() == one.as_bytes()))
    };
    let own = headers
        .get(header::ORIGIN)
        .is_some_and(|origin| origin.as_bytes() == site.identity.origin.as_bytes());
    if own && is("sec-fetch-site", &["same-origin"]) {
        return Ok(());
    }
    Err(ApiError::new(ErrorCode::Forbidden, "This was not sent by a page of this site."))
}

/// Whether a path is one of this site, and can't be read as an address elsewhere.
pub(crate) fn is_local(path: &str) -> bool {
    let mut bytes = path.bytes();
    bytes.next() == Some(b'/')
        && !matches!(bytes.next(), Some(b'/' | b'\\'))
        && path.len() <= 2048
        && path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_of_this_site_are_gone_on_to() {
        for (path, local) in [
            ("/", true),
            ("/account?x=1", true),
            ("/authorize?redirect_uri=http%3A%2F%2Fx", true),
            ("//evil.example", false),
            ("/\\evil.example", false),
            ("https://evil.example", false),
            ("javascript:alert(1)", false),
            ("account", false),
            ("/a\r\nSet-Cookie: x=y", false),
            ("/a b", false),
            ("", false),
        ] {
            assert_eq!(is_local(path), local, "{path}");
        }
    }
}
