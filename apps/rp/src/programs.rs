//! The JSON that programs speak: one function per request.
//!
//! Nobody signs in here: it is for tests, and for programs on the person's own machine.

use std::sync::Arc;

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use http::{StatusCode, header};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    AccountEntry, ApiError, ErrorCode, KeyEntry, RegisteredKey, RpStatus, SignedInKey, SiteEvent,
    api::{
        BeginRegistration, BeginSignIn, Begun, ErrorBody, Finish, ListKeys, RemoveKey, RenameKey,
        unknown_account, unknown_key,
    },
    name::check_name,
    site::Site,
    store::{
        accounts,
        keys::{self, Caller, StoredKey},
        sign_ins::{self, How},
    },
};

const JSON: &str = "application/json";

/// How many lines of the log `/status` has.
const LOG_SHOWN: u32 = 256;

type Answer<T> = Result<Json<T>, ApiError>;

/// The addresses of programs.
pub(crate) fn router() -> Router<Arc<Site>> {
    Router::new()
        .route("/status", get(status))
        .route("/register/begin", post(begin_registration))
        .route("/register/finish", post(finish_registration))
        .route("/sign-in/begin", post(begin_sign_in))
        .route("/sign-in/finish", post(finish_sign_in))
        .route("/keys/list", post(list_keys))
        .route("/keys/rename", post(rename_key))
        .route("/keys/remove", post(remove_key))
}

/// An answer in JSON.
pub(crate) struct Json<T>(pub(crate) T);

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        json(StatusCode::OK, &self.0)
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let status = http_status(self.code);
        let mut response = json(status, &ErrorBody { error: self.clone() });
        // For people, the page that is shown instead says it in their language.
        response.extensions_mut().insert(self);
        response
    }
}

fn json<T: Serialize>(status: StatusCode, value: &T) -> Response {
    match serde_json::to_vec(value) {
        Ok(body) => (status, [(header::CONTENT_TYPE, JSON)], body).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// Reads a body that has to be JSON.
pub(crate) async fn body<T: DeserializeOwned>(
    site: &Site,
    request: Request<Body>,
) -> Result<T, ApiError> {
    // A form of another site can send text, but not this type without asking first.
    if !is_of_type(&request, JSON) {
        return Err(ApiError::new(
            ErrorCode::UnsupportedMediaType,
            "The body must be application/json.",
        ));
    }
    let body = whole(site, request).await?;
    serde_json::from_slice(&body).map_err(|error| {
        ApiError::new(
            ErrorCode::BadRequest,
            format!("The body is not what this page takes: {error}."),
        )
    })
}

/// Whether a body says that it is of a type.
pub(crate) fn is_of_type(request: &Request<Body>, kind: &str) -> bool {
    let said = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = said.and_then(|value| value.split(';').next()).map_or("", str::trim);
    essence.eq_ignore_ascii_case(kind)
}

/// Reads a body, as long as it may be and in the time that it has.
pub(crate) async fn whole(
    site: &Site,
    request: Request<Body>,
) -> Result<axum::body::Bytes, ApiError> {
    let limit = site.limits.body;
    let read = Limited::new(request.into_body(), limit).collect();
    match tokio::time::timeout(site.limits.request_time, read).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(ApiError::new(
            ErrorCode::TooLarge,
            format!("The body is longer than {limit} bytes."),
        )),
        Ok(Err(_)) => Err(ApiError::new(ErrorCode::BadRequest, "The body did not arrive whole.")),
        Err(_) => Err(ApiError::new(ErrorCode::TooSlow, "The body did not arrive in time.")),
    }
}

fn check_open(site: &Site) -> Result<(), ApiError> {
    if site.programs {
        return Ok(());
    }
    Err(ApiError::new(
        ErrorCode::Forbidden,
        "This site does not let programs in; sign in on its pages.",
    ))
}

async fn read<T: DeserializeOwned>(site: &Site, request: Request<Body>) -> Result<T, ApiError> {
    check_open(site)?;
    body(site, request).await
}

async fn status(State(site): State<Arc<Site>>) -> Answer<RpStatus> {
    check_open(&site)?;
    overview(&site).await.map(Json)
}

/// All that the site knows, for whoever runs it.
pub(crate) async fn overview(site: &Site) -> Result<RpStatus, ApiError> {
    let known = site.store.run(|db| {
        let mut accounts = Vec::new();
        for account in accounts::all(db)? {
            let keys = keys::of_account(db, account.id)?.into_iter().map(|key| key.entry);
            accounts.push(AccountEntry { name: account.name, keys: keys.collect() });
        }
        Ok((accounts, sign_ins::latest(db, None, LOG_SHOWN)?))
    });
    let (accounts, sign_ins) = known.await?;
    Ok(RpStatus {
        rp_id: site.identity.rp_id.clone(),
        rp_name: site.identity.rp_name.clone(),
        origin: site.identity.origin.clone(),
        accounts,
        sign_ins: sign_ins.into_iter().rev().map(|line| line.entry).collect(),
    })
}

async fn begin_registration(
    State(site): State<Arc<Site>>,
    request: Request<Body>,
) -> Answer<Begun> {
    let asked: BeginRegistration = read(&site, request).await?;
    site.begin_registration(asked.account, asked.key_name, false, |_| {}).await.map(Json)
}

async fn finish_registration(
    State(site): State<Arc<Site>>,
    request: Request<Body>,
) -> Answer<RegisteredKey> {
    let answer: Finish = read(&site, request).await?;
    let (account, key) =
        site.finish_registration(&answer.ceremony, &answer.credential, None).await?;
    Ok(Json(RegisteredKey { account, key: key.entry }))
}

async fn begin_sign_in(State(site): State<Arc<Site>>, request: Request<Body>) -> Answer<Begun> {
    let asked: BeginSignIn = read(&site, request).await?;
    site.begin_sign_in(asked.account, How::Key).await.map(Json)
}

async fn finish_sign_in(
    State(site): State<Arc<Site>>,
    request: Request<Body>,
) -> Answer<SignedInKey> {
    let answer: Finish = read(&site, request).await?;
    let done = site.finish_sign_in(&answer.ceremony, &answer.credential, Caller::default()).await?;
    Ok(Json(SignedInKey {
        account: done.account.name,
        key: done.key,
        user_verified: done.user_verified,
    }))
}

async fn list_keys(State(site): State<Arc<Site>>, request: Request<Body>) -> Answer<Vec<KeyEntry>> {
    let asked: ListKeys = read(&site, request).await?;
    let keys = site.store.run(move |db| held(db, &asked.account)).await?;
    Ok(Json(keys.into_iter().map(|key| key.entry).collect()))
}

async fn rename_key(State(site): State<Arc<Site>>, request: Request<Body>) -> Answer<KeyEntry> {
    let asked: RenameKey = read(&site, request).await?;
    check_name("name of the key", &asked.name)?;
    let renamed = site
        .store
        .run(move |db| keys::rename(db, &one(db, &asked.account, &asked.key)?, &asked.name));
    renamed.await.map(Json)
}

async fn remove_key(State(site): State<Arc<Site>>, request: Request<Body>) -> Answer<KeyEntry> {
    let asked: RemoveKey = read(&site, request).await?;
    let account = asked.account.clone();
    let removed = site.store.run(move |db| keys::remove(db, &one(db, &asked.account, &asked.key)?));
    let removed = removed.await?;
    site.tell(SiteEvent::Removed { account });
    Ok(Json(removed))
}

fn held(db: &rusqlite::Connection, account: &str) -> Result<Vec<StoredKey>, ApiError> {
    let account = accounts::by_name(db, account)?.ok_or_else(|| unknown_account(account))?;
    keys::of_account(db, account.id)
}

fn one(db: &rusqlite::Connection, account: &str, key: &str) -> Result<StoredKey, ApiError> {
    held(db, account)?.into_iter().find(|held| held.entry.id == key).ok_or_else(unknown_key)
}

/// The status that tells a reason.
pub(crate) fn http_status(code: ErrorCode) -> StatusCode {
    match code {
        ErrorCode::BadRequest
        | ErrorCode::BadName
        | ErrorCode::BadAddress
        | ErrorCode::BadPassword => StatusCode::BAD_REQUEST,
        ErrorCode::NotFound | ErrorCode::UnknownAccount | ErrorCode::UnknownKey => {
            StatusCode::NOT_FOUND
        }
        ErrorCode::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
        ErrorCode::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        ErrorCode::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        ErrorCode::TooSlow => StatusCode::REQUEST_TIMEOUT,
        ErrorCode::SignedOut => StatusCode::UNAUTHORIZED,
        ErrorCode::Forbidden
        | ErrorCode::NotVerified
        | ErrorCode::NotVouchedFor
        | ErrorCode::WrongPassword => StatusCode::FORBIDDEN,
        ErrorCode::NoKeys
        | ErrorCode::UnknownCeremony
        | ErrorCode::AlreadyRegistered
        | ErrorCode::LastKey
        | ErrorCode::NameTaken => StatusCode::CONFLICT,
        ErrorCode::TooMany => StatusCode::TOO_MANY_REQUESTS,
        ErrorCode::Full | ErrorCode::StorageFull => StatusCode::INSUFFICIENT_STORAGE,
        ErrorCode::StorageBusy | ErrorCode::StorageReadOnly => StatusCode::SERVICE_UNAVAILABLE,
        ErrorCode::Internal | ErrorCode::Unknown => StatusCode::INTERNAL_SERVER_ERROR,
    }
}
