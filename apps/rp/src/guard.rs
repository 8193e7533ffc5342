//! What holds for every request and every response.

use std::sync::Arc;

use axum::{
    body::Body,
    extract::{FromRequestParts as _, Request, State},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use http::{HeaderMap, HeaderValue, Method, header, request::Parts};
use url::form_urlencoded;

use crate::{ApiError, ErrorCode, Showcase, programs::http_status, site::Site, visit::Visit, web};

/// Checks who sends a request, has it answered, and tells browsers what the answer may do.
pub(crate) async fn around(
    State(site): State<Arc<Site>>,
    request: Request<Body>,
    next: Next,
) -> Response {
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let wants_page = wants_page(request.headers());
    let (mut parts, body) = request.into_parts();
    let mut response = match check_sender(&site, &parts.headers) {
        Ok(()) => {
            let visit = parts.clone();
            let response = next.run(Request::from_parts(parts, body)).await;
            parts = visit;
            response
        }
        Err(error) => error.into_response(),
    };
    if let (true, Some(error)) = (wants_page, response.extensions_mut().remove::<ApiError>()) {
        response = for_a_person(&site, &mut parts, &error).await;
    }
    tell_browsers(response.headers_mut(), &site.forms_lead_to, site.showcase.as_ref());
    tracing::debug!(%method, %path, status = response.status().as_u16(), "request");
    response
}

/// Whether it is a person who will read the answer.
fn wants_page(headers: &HeaderMap) -> bool {
    let accepted = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    accepted.is_some_and(|accepted| accepted.contains("text/html"))
}

/// An error as a page; who has to sign in first does so, and comes back.
async fn for_a_person(site: &Arc<Site>, parts: &mut Parts, error: &ApiError) -> Response {
    let visit = match Visit::from_request_parts(parts, site).await {
        Ok(visit) => visit,
        // The database fails; the page about that needs none.
        Err(_) => Visit::of_nobody(&parts.headers),
    };
    if error.code == ErrorCode::SignedOut {
        let back = if parts.method == Method::GET { visit.path.as_str() } else { "/account" };
        let query: String =
            form_urlencoded::Serializer::new(String::new()).append_pair("next", back).finish();
        if let Ok(response) = web::go_to(&format!("/sign-in?{query}")) {
            return response;
        }
    }
    web::error_page(site, &visit, error, http_status(error.code))
}

/// A page of another site must not reach this one through the person's browser: not by naming it (a
/// name that was made to point at loopback shows in `Host`), and not from its own origin.
fn check_sender(site: &Site, headers: &HeaderMap) -> Result<(), ApiError> {
    let forbidden = || {
        ApiError::new(
            ErrorCode::Forbidden,
            "This request was meant for, or comes from, another site.",
        )
    };
    let host =
        headers.get(header::HOST).and_then(|value| value.to_str().ok()).ok_or_else(forbidden)?;
    let own_origin = site.identity.origin.split_once("://").map_or("", |(_, rest)| rest);
    let port = site.port;
    let known = [format!("localhost:{port}"), format!("127.0.0.1:{port}"), format!("[::1]:{port}")];
    if host != own_origin && !known.iter().any(|name| name == host) {
        return Err(forbidden());
    }
    match headers.get(header::ORIGIN) {
        Some(origin) if origin.as_bytes() != site.identity.origin.as_bytes() => Err(forbidden()),
        _ => Ok(()),
    }
}

/// Tells browsers what an answer may do. Forms may lead to this site, and in the end to those
/// origins, each after a space.
pub(crate) fn tell_browsers(
    headers: &mut HeaderMap,
    forms_lead_to: &str,
    showcase: Option<&Showcase>,
) {
    let (more, ancestors) = match showcase {
        Some(Showcase { origin, .. }) => {
            let from = format!("'self' {origin}");
            (format!("script-src {from}; connect-src {from}; "), origin.as_str())
        }
        None => {
            headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
            (String::new(), "'none'")
        }
    };
    let policy = format!("{more}frame-ancestors {ancestors}; form-action 'self'{forms_lead_to}");
    towline_pages::tell_browsers(headers, &policy);
}
