//! Phones.

use axum::{
    Json,
    extract::DefaultBodyLimit,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    ceremonies::{Wait, patience},
    credentials::CredentialList,
    people::{AnswerCount, PersonAnswer, PersonScript, RuleCount},
};
use crate::{
    BadMember, Base64Url, Breakage, PhoneEnding, PhoneFlaw, PhoneOptions, PhoneState, Questions,
    Service, ServiceError, SwitchChange,
    http::{
        HttpRefusal,
        extract::{Asked, At, Body},
    },
};

/// The most bytes of a request with a picture in it.
const PICTURE: usize = 24 << 20;

pub(super) fn routes() -> OpenApiRouter<Service> {
    OpenApiRouter::new()
        .routes(routes!(list, add))
        .routes(routes!(read, change, remove))
        .routes(routes!(connection, give_up))
        .routes(routes!(wipe))
        .routes(routes!(questions, script))
        .routes(routes!(answer))
        .routes(routes!(credentials))
        .routes(routes!(flaws))
        .merge(OpenApiRouter::new().routes(routes!(scan)).layer(DefaultBodyLimit::max(PICTURE)))
}

/// The phones of a session, in the order in which they came.
#[derive(Serialize, ToSchema)]
struct PhoneList {
    phones: Vec<PhoneState>,
}

/// The phones of a session
#[utoipa::path(get, path = "/v1/{session}/phones", responses((status = 200, body = PhoneList)))]
async fn list(at: At) -> Result<Json<PhoneList>, HttpRefusal> {
    Ok(Json(PhoneList { phones: at.session.phones()? }))
}

/// Add a phone, which answers the codes of computers
#[utoipa::path(
    post,
    path = "/v1/{session}/phones",
    request_body = PhoneOptions,
    responses((status = 201, body = PhoneState))
)]
async fn add(
    at: At,
    Body(options): Body<PhoneOptions>,
) -> Result<(StatusCode, Json<PhoneState>), HttpRefusal> {
    let id = at.session.add_phone(options).await?;
    Ok((StatusCode::CREATED, Json(at.session.phone(&id)?)))
}

/// A phone, as it is now
#[utoipa::path(
    get,
    path = "/v1/{session}/phones/{phone}",
    responses((status = 200, body = PhoneState))
)]
async fn read(at: At) -> Result<Json<PhoneState>, HttpRefusal> {
    Ok(Json(at.session.phone(&at.phone())?))
}

/// What is to be changed of a phone; the rest stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PhoneChange {
    /// How it is broken from the next code or ring on; `null` mends it.
    #[serde(default, deserialize_with = "said")]
    broken: Option<Option<Breakage>>,
    /// Whether computers that remember it can ring it.
    listening: Option<bool>,
    /// Switches of its person.
    switches: Option<SwitchChange>,
}

/// Tells `null` from nothing.
fn said<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Option<Breakage>>, D::Error> {
    Option::deserialize(from).map(Some)
}

/// Break a phone or mend it, let it be rung, change switches of its person
#[utoipa::path(
    patch,
    path = "/v1/{session}/phones/{phone}",
    request_body = PhoneChange,
    responses((status = 200, body = PhoneState))
)]
async fn change(at: At, Body(change): Body<PhoneChange>) -> Result<Json<PhoneState>, HttpRefusal> {
    let id = at.phone();
    if let Some(how) = change.broken {
        at.session.break_phone(&id, how)?;
    }
    if let Some(switches) = change.switches {
        at.session.set_phone_switches(&id, switches)?;
    }
    if let Some(on) = change.listening {
        at.session.listen(&id, on).await?;
    }
    Ok(Json(at.session.phone(&id)?))
}

/// Remove a phone, with its passkeys, unless they are synced
#[utoipa::path(delete, path = "/v1/{session}/phones/{phone}", responses((status = 204)))]
async fn remove(at: At) -> Result<StatusCode, HttpRefusal> {
    at.session.remove_phone(&at.phone())?;
    Ok(StatusCode::NO_CONTENT)
}

/// What the camera sees: one of the two.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CodeInSight {
    /// The text of the code: `FIDO:/` and digits.
    code: Option<String>,
    /// A picture of it, also a whole screenshot: a PNG of at most 8192 by 8192 pixels and 16 MiB,
    /// in base64 of either alphabet, alone or as a data URL.
    picture: Option<String>,
    /// How many seconds the request waits for the end, from 0 to 120; 10 if nothing is said.
    wait: Option<f64>,
}

/// It is not over yet: a GET of `connection` waits for the end.
#[derive(Serialize, ToSchema)]
struct PhonePending {
    /// The phone, and what its person is being asked.
    pending: PhoneState,
}

/// Let a phone answer a code, by its text or a picture
#[utoipa::path(
    post,
    path = "/v1/{session}/phones/{phone}/scan",
    request_body = CodeInSight,
    responses((status = 200, body = PhoneEnding), (status = 202, body = PhonePending))
)]
async fn scan(at: At, Body(seen): Body<CodeInSight>) -> Result<Response, HttpRefusal> {
    let wait = patience(seen.wait)?;
    let id = at.phone();
    match (seen.code, seen.picture) {
        (Some(code), None) => at.session.scan(&id, &code)?,
        (None, Some(picture)) => at.session.scan_png(&id, from_base64(&picture)?).await?,
        _ => {
            let message = "a code is given by its text (`code`) or by a PNG (`picture`); give one";
            return Err(ServiceError::from(BadMember::new("code", message)).into());
        }
    }
    over(&at, wait).await
}

/// Of either alphabet, alone or as a data URL.
fn from_base64(picture: &str) -> Result<Vec<u8>, ServiceError> {
    let text = picture.trim_start_matches("data:image/png;base64,").trim();
    let text = text.replace('+', "-").replace('/', "_");
    let bytes = Base64Url::parse(&text).map(|bytes| bytes.0);
    Ok(bytes.ok_or_else(|| BadMember::new("picture", "it is no base64"))?)
}

/// Waits for the end of what a phone does, but not longer than this.
async fn over(at: &At, wait: std::time::Duration) -> Result<Response, HttpRefusal> {
    let id = at.phone();
    match tokio::time::timeout(wait, at.session.phone_connected(&id)).await {
        Ok(ending) => match ending? {
            Some(PhoneEnding { error: Some(why), .. }) => {
                Err(HttpRefusal::new(StatusCode::UNPROCESSABLE_ENTITY, "phone", why))
            }
            Some(ending) => Ok(Json(ending).into_response()),
            None => {
                let ending = PhoneEnding { requests: 0, linked: false, error: None };
                Ok(Json(ending).into_response())
            }
        },
        Err(_) => {
            let pending = PhonePending { pending: at.session.phone(&id)? };
            Ok((StatusCode::ACCEPTED, Json(pending)).into_response())
        }
    }
}

/// Wait for the end of a phone's connection to a computer
#[utoipa::path(
    get,
    path = "/v1/{session}/phones/{phone}/connection",
    params(Wait),
    responses((status = 200, body = PhoneEnding), (status = 202, body = PhonePending))
)]
async fn connection(at: At, Asked(Wait { wait }): Asked<Wait>) -> Result<Response, HttpRefusal> {
    over(&at, patience(wait)?).await
}

/// End the connection that a phone has to a computer
#[utoipa::path(
    delete,
    path = "/v1/{session}/phones/{phone}/connection",
    responses((status = 204))
)]
async fn give_up(at: At) -> Result<StatusCode, HttpRefusal> {
    at.session.give_up(&at.phone())?;
    Ok(StatusCode::NO_CONTENT)
}

/// Erase a phone: no passkeys, and another phone to all computers
#[utoipa::path(
    post,
    path = "/v1/{session}/phones/{phone}/wipe",
    responses((status = 200, body = PhoneState))
)]
async fn wipe(at: At) -> Result<Json<PhoneState>, HttpRefusal> {
    at.session.wipe(&at.phone()).await?;
    Ok(Json(at.session.phone(&at.phone())?))
}

/// What the person who holds a phone was asked, and what is open
#[utoipa::path(
    get,
    path = "/v1/{session}/phones/{phone}/person",
    responses((status = 200, body = Questions))
)]
async fn questions(at: At) -> Result<Json<Questions>, HttpRefusal> {
    Ok(Json(at.session.phone_questions(&at.phone())?))
}

/// Give the person who holds a phone a script, in the place of the one before
#[utoipa::path(
    put,
    path = "/v1/{session}/phones/{phone}/person",
    request_body = PersonScript,
    responses((status = 200, body = RuleCount))
)]
async fn script(at: At, Body(script): Body<PersonScript>) -> Result<Json<RuleCount>, HttpRefusal> {
    Ok(Json(RuleCount { rules: at.session.script_phone(&at.phone(), &script.rules)? }))
}

/// Answer what is open, for the person who holds a phone
#[utoipa::path(
    post,
    path = "/v1/{session}/phones/{phone}/person/answer",
    request_body = PersonAnswer,
    responses((status = 200, body = AnswerCount))
)]
async fn answer(
    at: At,
    Body(answer): Body<PersonAnswer>,
) -> Result<Json<AnswerCount>, HttpRefusal> {
    let answered = at.session.answer_phone(&at.phone(), &answer.answer)?;
    Ok(Json(AnswerCount { answered }))
}

/// The passkeys of a phone
#[utoipa::path(
    get,
    path = "/v1/{session}/phones/{phone}/credentials",
    responses((status = 200, body = CredentialList))
)]
async fn credentials(at: At) -> Result<Json<CredentialList>, HttpRefusal> {
    Ok(Json(CredentialList { credentials: at.session.phone_credentials(&at.phone())? }))
}

/// A way in which a phone can be broken.
#[derive(Serialize, ToSchema)]
struct KnownFlaw {
    flaw: PhoneFlaw,
    /// What is wrong with the phone then.
    does: &'static str,
}

/// How phones can be broken.
#[derive(Serialize, ToSchema)]
struct KnownFlaws {
    flaws: Vec<KnownFlaw>,
}

/// How phones can be broken, by name
#[utoipa::path(get, path = "/v1/phone-flaws", responses((status = 200, body = KnownFlaws)))]
async fn flaws() -> Json<KnownFlaws> {
    let all = PhoneFlaw::ALL.iter().map(|(flaw, does)| KnownFlaw { flaw: *flaw, does });
    Json(KnownFlaws { flaws: all.collect() })
}
