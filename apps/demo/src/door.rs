//! What the page asks for, and what the site's pages ask the browser for, over HTTP.

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError},
    time::Duration,
};

use axum::{
    Extension, Json, Router,
    extract::{Query, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use qrcode::{EcLevel, QrCode, render::svg};
use serde::Deserialize;
use serde_json::{Value, json};
use towline::{
    hybrid::CodeSource,
    radio::{RadioError, air::Room},
};
use towline_pages::Language;
use towline_virtual_server::{
    http::{Body, PageAccess},
    page::{self, Message, Way},
};
use url::{Url, form_urlencoded};

use crate::{
    account::{self, Account},
    assets,
    board::Board,
    browser::{Browser, Exception},
    demo::DemoStop,
    desk::{Desk, Reply},
    devices::DeviceId,
    handset::Handset,
    html, joining,
    pair::{Order, Pair},
    relay::RelayPlace,
};

/// How long a request for news waits for some.
const PATIENCE: Duration = Duration::from_secs(20);

/// What the page's own part of the script does on the pages in its frame.
const INSIDE: &str = include_str!("assets/inside.js");

/// Everybody who takes part.
pub(crate) struct Stage {
    pub(crate) board: Board,
    pub(crate) desk: Desk,
    pub(crate) browser: Browser,
    pub(crate) handsets: BTreeMap<DeviceId, Handset>,
    pub(crate) relay: RelayPlace,
    /// Phone B and its owner's tablet.
    pub(crate) pair: Arc<Pair>,
    /// Held while another tablet joins.
    pub(crate) joining: tokio::sync::Mutex<()>,
    pub(crate) site: String,
    pub(crate) others: Vec<String>,
    pub(crate) script: String,
    pub(crate) speed: f32,
    pub(crate) stop: DemoStop,
}

type Here = State<Arc<Stage>>;

/// For the demonstration's page, with the token.
pub(crate) fn control(stage: Arc<Stage>) -> Router {
    Router::new()
        .route("/", get(html::page))
        .route("/assets/{file}", get(assets::file))
        .route("/code.svg", get(code))
        .route("/v1/state", get(state))
        .route("/v1/answer", post(answer))
        .route("/v1/cancel", post(cancel))
        .route("/v1/scan", post(scan))
        .route("/v1/wipe", post(wipe))
        .route("/v1/export", post(export))
        .route("/v1/import", post(import))
        .route("/v1/lose", post(lose))
        .route("/v1/renew", post(renew))
        .route("/v1/tick-off", post(tick_off))
        .route("/v1/switch", post(switch))
        .route("/v1/sign-in", post(sign_in))
        .route("/v1/language", post(language))
        .with_state(stage)
}

/// For pages of the site, with the key of the only session.
pub(crate) fn page(stage: Arc<Stage>) -> Router {
    Router::new().route("/page/script.js", get(script)).route("/page", post(ask)).with_state(stage)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Since {
    /// The version that the page shows.
    #[serde(default)]
    after: u64,
    /// The number of the last message that it knows.
    #[serde(default)]
    travel: u64,
}

async fn state(State(stage): Here, Query(since): Query<Since>) -> Json<Value> {
    tokio::select! {
        () = stage.board.newer_than(since.after) => {}
        () = stage.stop.wished() => {}
        () = tokio::time::sleep(PATIENCE) => {}
    }
    Json(stage.board.shown(since.travel))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Answered {
    question: u64,
    reply: Reply,
}

async fn answer(State(stage): Here, Body(answered): Body<Answered>) -> StatusCode {
    if stage.desk.answer(answered.question, answered.reply) {
        StatusCode::NO_CONTENT
    } else {
        // It was withdrawn meanwhile.
        StatusCode::GONE
    }
}

async fn cancel(State(stage): Here) -> StatusCode {
    stage.browser.cancel.notify_waiters();
    StatusCode::NO_CONTENT
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Scanned {
    phone: DeviceId,
    /// What was typed; otherwise the code that is on the screen.
    #[serde(default)]
    text: Option<String>,
}

async fn scan(State(stage): Here, Body(scanned): Body<Scanned>) -> StatusCode {
    let Some(phone) = stage.handsets.get(&scanned.phone) else { return StatusCode::NOT_FOUND };
    let (text, source) = match scanned.text {
        Some(text) => (text, CodeSource::Typed),
        None => {
            let code = stage.board.look(|scene| scene.browser.code.clone());
            let Some(code) = code else { return StatusCode::CONFLICT };
            (code.text, CodeSource::Camera)
        }
    };
    stage.board.mark("scanned", true);
    phone.scan(text, source);
    StatusCode::NO_CONTENT
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Chosen {
    phone: DeviceId,
}

async fn wipe(State(stage): Here, Body(Chosen { phone }): Body<Chosen>) -> StatusCode {
    // What the others have is on other devices as well.
    match stage.handsets.get(&phone).filter(|_| phone == DeviceId::PhoneA) {
        Some(handset) => {
            handset.wipe();
            StatusCode::NO_CONTENT
        }
        None => StatusCode::NOT_FOUND,
    }
}

/// The phones from which passkeys move, and to which: the tablet has those of phone B.
fn mover(stage: &Stage, phone: DeviceId) -> Option<&Handset> {
    let moves = matches!(phone, DeviceId::PhoneA | DeviceId::PhoneB);
    stage.handsets.get(&phone).filter(|_| moves)
}

async fn export(State(stage): Here, Body(Chosen { phone }): Body<Chosen>) -> StatusCode {
    let Some(handset) = mover(&stage, phone) else { return StatusCode::NOT_FOUND };
    handset.export();
    StatusCode::NO_CONTENT
}

async fn import(State(stage): Here, Body(Chosen { phone }): Body<Chosen>) -> StatusCode {
    let Some(handset) = mover(&stage, phone) else { return StatusCode::NOT_FOUND };
    let file = stage.board.look(|scene| scene.document.as_ref().map(|file| file.content.clone()));
    let Some(file) = file else { return StatusCode::CONFLICT };
    handset.import(file);
    StatusCode::NO_CONTENT
}

async fn lose(State(stage): Here) -> StatusCode {
    let Some(phone) = stage.handsets.get(&DeviceId::PhoneB) else { return StatusCode::NOT_FOUND };
    phone.lose();
    StatusCode::NO_CONTENT
}

async fn renew(State(stage): Here) -> StatusCode {
    tokio::spawn(joining::renew(stage));
    StatusCode::NO_CONTENT
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TickedOff {
    /// As it is told with the passkey.
    exposed: String,
}

async fn tick_off(State(stage): Here, Body(TickedOff { exposed }): Body<TickedOff>) -> StatusCode {
    stage.pair.order(Order::TickOff(exposed));
    StatusCode::NO_CONTENT
}

/// Something that can be made to go wrong, and be well again.
#[derive(Deserialize)]
#[serde(tag = "what", rename_all = "kebab-case", deny_unknown_fields)]
enum Switch {
    /// The computer's Bluetooth.
    Bluetooth { on: bool },
    /// The relay, with all tunnels through it.
    Relay { on: bool },
    /// Whether phone B and its tablet are online.
    Sync { on: bool },
    /// Whether a phone is near the computer.
    Near { phone: DeviceId, on: bool },
}

async fn switch(State(stage): Here, Body(switch): Body<Switch>) -> StatusCode {
    match switch {
        Switch::Bluetooth { on } => {
            stage.browser.radio.set_fault((!on).then_some(RadioError::Off));
            stage.board.change(|scene| scene.switches.bluetooth = on);
        }
        Switch::Relay { on: true } => {
            if stage.relay.comes_back().await.is_err() {
                return StatusCode::SERVICE_UNAVAILABLE;
            }
            stage.board.change(|scene| scene.switches.relay = true);
            stage.handsets.values().for_each(Handset::relisten);
        }
        Switch::Relay { on: false } => {
            stage.relay.fails().await;
            stage.board.change(|scene| scene.switches.relay = false);
        }
        Switch::Sync { on } => {
            stage.pair.order(Order::Reach(on));
            stage.board.change(|scene| scene.switches.sync = on);
        }
        Switch::Near { phone, on } => {
            let Some(handset) = stage.handsets.get(&phone) else { return StatusCode::NOT_FOUND };
            handset.radio.move_to(if on { Room::default() } else { Room(1) });
            stage.board.device(phone, |view| view.near = on);
        }
    }
    StatusCode::NO_CONTENT
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SigningIn {
    /// Nobody, where there is none.
    account: Option<Account>,
}

/// Signs in with the password at the site, and hands on its cookie: cookies of this machine reach
/// every port of it.
async fn sign_in(State(stage): Here, Body(who): Body<SigningIn>) -> Response {
    let Ok(url) = Url::parse(&stage.site) else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    *stage.browser.went.lock().unwrap_or_else(PoisonError::into_inner) = None;
    let cookies = match who.account {
        Some(account) => account.signs_in(&url).await.map(|cookie| vec![cookie]),
        None => Ok(account::nobody(&url, &stage.others)),
    };
    let mut response = StatusCode::NO_CONTENT.into_response();
    for cookie in cookies.unwrap_or_default() {
        let Ok(cookie) = HeaderValue::from_str(&cookie) else { continue };
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    if response.headers().is_empty() {
        return StatusCode::BAD_GATEWAY.into_response();
    }
    response
}

/// Remembers the language that somebody chose, and goes back to the page.
async fn language(form: String) -> Response {
    let mut fields = form_urlencoded::parse(form.as_bytes());
    let chosen = fields.find(|(name, _)| name == "language");
    match chosen.and_then(|(_, tag)| Language::parse(&tag)) {
        Some(language) => {
            let headers =
                [(header::SET_COOKIE, language.cookie()), (header::LOCATION, "../".into())];
            (StatusCode::SEE_OTHER, headers).into_response()
        }
        None => StatusCode::BAD_REQUEST.into_response(),
    }
}

/// The code on show, dark on light: cameras want it so, whatever the page looks like.
async fn code(State(stage): Here) -> Response {
    let code = stage.board.look(|scene| scene.browser.code.clone());
    let drawn = code.and_then(|code| {
        let code = QrCode::with_error_correction_level(code.text, EcLevel::L).ok()?;
        let mut picture = code.render::<svg::Color<'_>>();
        picture.min_dimensions(240, 240).quiet_zone(true);
        Some(picture.dark_color(svg::Color("#000")).light_color(svg::Color("#fff")).build())
    });
    match drawn {
        Some(drawn) => {
            let headers =
                [(header::CONTENT_TYPE, "image/svg+xml"), (header::CACHE_CONTROL, "no-store")];
            (headers, drawn).into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn script(
    Extension(PageAccess { session }): Extension<PageAccess>,
    headers: HeaderMap,
) -> Response {
    // The guard has let it through, so that it is a name of this machine.
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let key = session.page_key().unwrap_or_default();
    let script = page::script(&Way::Endpoint(format!("http://{host}/{key}/page")));
    let script = format!("{script}\n{INSIDE}");
    let headers = [
        (header::CONTENT_TYPE, "text/javascript; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, script).into_response()
}

/// What a page of the site asks the browser for. Its origin is what the real browser says.
async fn ask(
    State(stage): Here,
    headers: HeaderMap,
    Body(message): Body<Message>,
) -> Result<Json<Value>, StatusCode> {
    let origin = headers.get(header::ORIGIN).and_then(|origin| origin.to_str().ok());
    let origin = origin.ok_or(StatusCode::BAD_REQUEST)?;
    let answer = match stage.browser.answer(origin, message).await {
        Ok(json) => match serde_json::from_str::<Value>(&json) {
            Ok(json) => json!({ "response": json }),
            Err(_) => return Err(StatusCode::INTERNAL_SERVER_ERROR),
        },
        Err(Exception { name, message }) => {
            json!({ "error": { "name": name, "message": message } })
        }
    };
    Ok(Json(answer))
}
