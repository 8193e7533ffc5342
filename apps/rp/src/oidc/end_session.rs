//! Signing out at the wish of a site (OpenID Connect RP-Initiated Logout 1.0).

use std::sync::Arc;

use axum::{
    body::Body,
    extract::{Request, State},
    response::Response,
};
use http::StatusCode;

use crate::{
    pages,
    site::Site,
    sites::KnownSite,
    visit::Visit,
    web::{Fields, Outcome, go_to, leave, posted, query, with_status},
};

/// The site that asks, if it is known and is where it says.
fn asking<'a>(site: &'a Site, fields: &Fields) -> Option<&'a KnownSite> {
    let known = site.oidc.site(fields.get("client_id")?)?;
    (fields.get("post_logout_redirect_uri") == Some(&known.after_sign_out())).then_some(known)
}

/// Asks the person, as anybody could have sent them here.
pub(super) async fn ask(
    State(site): State<Arc<Site>>,
    visit: Visit,
    request: Request<Body>,
) -> Outcome {
    let fields = query(&request);
    let Some(known) = asking(&site, &fields) else {
        return Ok(unknown(&site, &visit));
    };
    if visit.person.is_none() {
        return go_to(&known.after_sign_out());
    }
    Ok(with_status(StatusCode::OK, pages::sites::sign_out(&site, &visit, known)))
}

fn unknown(site: &Site, visit: &Visit) -> Response {
    with_status(StatusCode::BAD_REQUEST, pages::sites::unknown(site, visit))
}

pub(super) async fn end(
    State(site): State<Arc<Site>>,
    visit: Visit,
    request: Request<Body>,
) -> Outcome {
    let headers = request.headers().clone();
    let fields = posted(&site, request).await?;
    match asking(&site, &fields) {
        Some(known) => leave(&site, &headers, &known.after_sign_out()).await,
        None => Ok(unknown(&site, &visit)),
    }
}
