//! The person in front of an authenticator, and what goes wrong.

use axum::{Json, http::StatusCode};
use serde::{Deserialize, Serialize};
use towline_virtual::{Fault, FaultPlace};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    FaultRule, FaultState, Questions, Service,
    http::{
        HttpRefusal,
        extract::{At, Body},
    },
};

pub(super) fn routes() -> OpenApiRouter<Service> {
    OpenApiRouter::new()
        .routes(routes!(questions, script))
        .routes(routes!(answer))
        .routes(routes!(faults, set_faults))
        .routes(routes!(known_faults))
}

/// What the person does from now on.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PersonScript {
    /// Rules, tried in this order, with semicolons between them: `[WHICH [at RPID] [of ACCOUNT]:
    /// ][waits=SECONDS ]DOES[ xTIMES]`, such as `verifying: fails-the-lock x2; signing-in:
    /// refuses`. What fits none goes by the switches. An empty text is no rule.
    pub(super) rules: String,
}

/// How many there are now.
#[derive(Serialize, ToSchema)]
pub(super) struct RuleCount {
    pub(super) rules: usize,
}

/// What the person was asked, and what is open
#[utoipa::path(
    get,
    path = "/v1/{session}/authenticators/{authenticator}/person",
    responses((status = 200, body = Questions))
)]
async fn questions(at: At) -> Result<Json<Questions>, HttpRefusal> {
    Ok(Json(at.session.questions(&at.authenticator())?))
}

/// Give the person a script, in the place of the one before
#[utoipa::path(
    put,
    path = "/v1/{session}/authenticators/{authenticator}/person",
    request_body = PersonScript,
    responses((status = 200, body = RuleCount))
)]
async fn script(at: At, Body(script): Body<PersonScript>) -> Result<Json<RuleCount>, HttpRefusal> {
    let rules = at.session.script_person(&at.authenticator(), &script.rules)?;
    Ok(Json(RuleCount { rules }))
}

/// What the person does about what is open.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PersonAnswer {
    /// `agrees`, `refuses`, `fails-the-lock`, `picks=ACCOUNT`, `picks=#NUMBER` (from 1),
    /// `types=PIN`, `cannot-type` or `calls-it-off`.
    pub(super) answer: String,
}

/// How many questions were answered: none where nothing was open.
#[derive(Serialize, ToSchema)]
pub(super) struct AnswerCount {
    pub(super) answered: usize,
}

/// Answer what is open, for the person
#[utoipa::path(
    post,
    path = "/v1/{session}/authenticators/{authenticator}/person/answer",
    request_body = PersonAnswer,
    responses((status = 200, body = AnswerCount))
)]
async fn answer(
    at: At,
    Body(answer): Body<PersonAnswer>,
) -> Result<Json<AnswerCount>, HttpRefusal> {
    let answered = at.session.answer(&at.authenticator(), &answer.answer)?;
    Ok(Json(AnswerCount { answered }))
}

/// What goes wrong with an authenticator, and how often it did.
#[derive(Serialize, ToSchema)]
struct FaultList {
    faults: Vec<FaultState>,
}

/// What goes wrong from now on.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct FaultRules {
    faults: Vec<FaultRule>,
}

/// What goes wrong with an authenticator, and how often it did
#[utoipa::path(
    get,
    path = "/v1/{session}/authenticators/{authenticator}/faults",
    responses((status = 200, body = FaultList))
)]
async fn faults(at: At) -> Result<Json<FaultList>, HttpRefusal> {
    Ok(Json(FaultList { faults: at.session.faults(&at.authenticator())? }))
}

/// Let this go wrong from now on, and nothing else
#[utoipa::path(
    put,
    path = "/v1/{session}/authenticators/{authenticator}/faults",
    request_body = FaultRules,
    responses((status = 204))
)]
async fn set_faults(at: At, Body(rules): Body<FaultRules>) -> Result<StatusCode, HttpRefusal> {
    at.session.set_faults(&at.authenticator(), rules.faults)?;
    Ok(StatusCode::NO_CONTENT)
}

/// A fault that can be put in.
#[derive(Serialize, ToSchema)]
struct KnownFault {
    fault: String,
    /// What it does, as the rest of a sentence that begins with "it".
    does: &'static str,
}

/// What can go wrong.
#[derive(Serialize, ToSchema)]
struct KnownFaults {
    faults: Vec<KnownFault>,
}

/// What can go wrong, by name
#[utoipa::path(get, path = "/v1/faults", responses((status = 200, body = KnownFaults)))]
async fn known_faults() -> Json<KnownFaults> {
    let here = Fault::ALL.iter().filter(|fault| fault.place() != FaultPlace::Report);
    let faults = here.map(|it| KnownFault { fault: it.to_string(), does: it.describe() });
    Json(KnownFaults { faults: faults.collect() })
}
