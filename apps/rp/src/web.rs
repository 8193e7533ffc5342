//! The pages: which address shows which, and what their forms and scripts ask for.

mod account;
pub(crate) mod assets;
mod ceremonies;
mod form;
mod front;
mod key;
mod settings;
mod sign_in;
mod well_known;

use std::sync::Arc;

use axum::{
    Router,
    response::{IntoResponse as _, Response},
    routing::{get, post},
};
use http::{HeaderValue, StatusCode, header};
use maud::Markup;

use crate::{ApiError, programs::http_status, site::Site};

pub(crate) use account::Shown;
pub(crate) use form::{Fields, fields_of, is_local, posted, query};
pub(crate) use front::chosen;
pub(crate) use sign_in::{Joining, Step, error_page, leave};

/// What a page answers.
pub(crate) type Outcome = Result<Response, ApiError>;

/// The addresses of pages.
pub(crate) fn router() -> Router<Arc<Site>> {
    Router::new()
        .route("/", get(front::home))
        .route("/privacy", get(front::privacy))
        .route("/overview", get(front::overview))
        .route("/language", post(front::language))
        .route("/assets/{file}", get(assets::file))
        .route("/join", get(sign_in::join_form).post(sign_in::join))
        .route("/sign-in", get(sign_in::form).post(sign_in::begin))
        .route("/sign-in/how", get(sign_in::how))
        .route("/sign-in/password", post(sign_in::password))
        .route("/sign-out", post(sign_in::sign_out))
        .route("/session/begin", post(ceremonies::begin_sign_in))
        .route("/session/finish", post(ceremonies::finish_sign_in))
        .route("/account", get(account::page))
        .route("/account/name", post(settings::name))
        .route("/account/password", post(settings::password))
        .route("/account/password/drop", post(settings::drop_password))
        .route("/account/second-factor", post(settings::second_factor))
        .route("/account/signals", get(account::signals))
        .route("/account/add", get(key::name_form).post(key::named))
        .route("/account/add/where", get(key::where_form))
        .route("/account/keys/begin", post(ceremonies::begin_registration))
        .route("/account/keys/finish", post(ceremonies::finish_registration))
        .route("/account/keys/{key}/added", get(key::added))
        .route("/account/keys/{key}/rename", get(key::rename_form).post(key::rename))
        .route("/account/keys/{key}/remove", get(key::remove_form).post(key::remove))
        .route("/.well-known/passkey-endpoints", get(well_known::passkey_endpoints))
        .route("/.well-known/webauthn", get(well_known::webauthn))
}

/// A page that is as it was asked for.
fn page(markup: Markup) -> Response {
    with_status(StatusCode::OK, markup)
}

/// The page again, with what was wrong with what was sent.
fn again(error: &ApiError, markup: Markup) -> Response {
    with_status(http_status(error.code), markup)
}

/// A page with another status.
pub(crate) fn with_status(status: StatusCode, markup: Markup) -> Response {
    let kind = [(header::CONTENT_TYPE, "text/html; charset=utf-8")];
    (status, kind, markup.into_string()).into_response()
}

/// Goes on to another page, so that loading it again or going back sends nothing twice.
pub(crate) fn go_to(path: &str) -> Outcome {
    let path = HeaderValue::from_str(path).map_err(|_| form::bad_request())?;
    let mut response = StatusCode::SEE_OTHER.into_response();
    response.headers_mut().insert(header::LOCATION, path);
    Ok(response)
}

/// The same answer, with a cookie.
pub(crate) fn with_cookie(mut response: Response, cookie: HeaderValue) -> Response {
    response.headers_mut().append(header::SET_COOKIE, cookie);
    response
}
