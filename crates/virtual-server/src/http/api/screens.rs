//! The computer of a session, which signs in with phones, and its screens.

use std::fmt::Write as _;

use axum::{
    Json,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use qrcode::{Color, QrCode};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::ceremonies::{Wait, patience};
use crate::{
    PageOrigin, ScreenState, Service, ServiceError,
    http::{
        HttpRefusal,
        extract::{Asked, At, Body},
    },
};

pub(super) fn routes() -> OpenApiRouter<Service> {
    OpenApiRouter::new()
        .routes(routes!(list, show))
        .routes(routes!(look, close))
        .routes(routes!(picture))
}

/// The screens of a session, in the order in which they came.
#[derive(Serialize, ToSchema)]
struct ScreenList {
    screens: Vec<ScreenState>,
}

/// What the computer of a session shows
#[utoipa::path(get, path = "/v1/{session}/screens", responses((status = 200, body = ScreenList)))]
async fn list(at: At) -> Result<Json<ScreenList>, HttpRefusal> {
    Ok(Json(ScreenList { screens: at.session.screens()? }))
}

/// What a page wants of a phone.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ScreenRequest {
    /// What the page called.
    verb: Verb,
    /// The origin of the page: https, or http on localhost.
    origin: String,
    /// What the site's server gives a page: PublicKeyCredentialCreationOptionsJSON or
    /// PublicKeyCredentialRequestOptionsJSON, alone or in a member `publicKey`.
    #[schema(value_type = Object)]
    options: Box<RawValue>,
}

/// What a page has called.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Verb {
    /// `navigator.credentials.create()`.
    Create,
    /// `navigator.credentials.get()`.
    Get,
}

/// Let the computer register or sign in with a phone: the code that it shows
#[utoipa::path(
    post,
    path = "/v1/{session}/screens",
    request_body = ScreenRequest,
    responses((status = 201, body = ScreenState))
)]
async fn show(
    at: At,
    Body(request): Body<ScreenRequest>,
) -> Result<(StatusCode, Json<ScreenState>), HttpRefusal> {
    let caller = PageOrigin::of(&request.origin).map_err(ServiceError::from)?;
    let create = matches!(request.verb, Verb::Create);
    let id = at.session.show(create, &caller, request.options.get()).await?;
    Ok((StatusCode::CREATED, Json(at.session.screen(&id)?)))
}

/// Wait until it is over with a screen, and look at it
#[utoipa::path(
    get,
    path = "/v1/{session}/screens/{screen}",
    params(Wait),
    responses((status = 200, body = ScreenState))
)]
async fn look(at: At, Asked(Wait { wait }): Asked<Wait>) -> Result<Json<ScreenState>, HttpRefusal> {
    let (id, wait) = (at.screen(), patience(wait)?);
    if let Ok(over) = tokio::time::timeout(wait, at.session.screen_over(&id)).await {
        over?;
    }
    Ok(Json(at.session.screen(&id)?))
}

/// Close a screen, whatever it shows
#[utoipa::path(delete, path = "/v1/{session}/screens/{screen}", responses((status = 204)))]
async fn close(at: At) -> Result<StatusCode, HttpRefusal> {
    at.session.close_screen(&at.screen())?;
    Ok(StatusCode::NO_CONTENT)
}

/// The code that a screen shows, as a picture (SVG)
#[utoipa::path(
    get,
    path = "/v1/{session}/screens/{screen}/code.svg",
    responses((status = 200, body = String, content_type = "image/svg+xml"))
)]
async fn picture(at: At) -> Result<Response, HttpRefusal> {
    let code = at.session.screen(&at.screen())?.code;
    let drawn = code.and_then(|code| QrCode::new(code).ok()).map(|code| draw(&code));
    let Some(drawn) = drawn else {
        let message = "this screen shows no code: a phone is rung, or it is over";
        return Err(HttpRefusal::new(StatusCode::NOT_FOUND, "no-code", message));
    };
    Ok(([(header::CONTENT_TYPE, "image/svg+xml")], drawn).into_response())
}

/// The empty border that readers need, in modules.
const QUIET: usize = 4;

/// Dark on light, whatever the page around it looks like.
fn draw(code: &QrCode) -> String {
    let width = code.width();
    let side = width.saturating_add(QUIET.saturating_mul(2));
    let mut dark = String::new();
    for (index, color) in code.to_colors().into_iter().enumerate() {
        let place = index.checked_rem(width).zip(index.checked_div(width));
        if let (Color::Dark, Some((x, y))) = (color, place) {
            let (x, y) = (x.saturating_add(QUIET), y.saturating_add(QUIET));
            let _a_text_takes_all = write!(dark, "M{x} {y}h1v1h-1z");
        }
    }
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {side} {side}\" \
         shape-rendering=\"crispEdges\"><path fill=\"#fff\" d=\"M0 0h{side}v{side}h-{side}z\"/>\
         <path fill=\"#000\" d=\"{dark}\"/></svg>"
    )
}
