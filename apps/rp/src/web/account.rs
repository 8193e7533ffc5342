//! The account page.

use std::sync::Arc;

use axum::{
    body::Body,
    extract::{Request, State},
    response::{IntoResponse as _, Response},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::{Outcome, form};

use crate::{
    ApiError, pages,
    programs::Json,
    site::Site,
    store::{
        keys::{self, StoredKey},
        sign_ins::{self, StoredSignIn},
    },
    visit::Visit,
};

/// How many sign-ins the page shows.
const SHOWN: u32 = 20;

/// What the account page shows beside the account itself.
pub(crate) struct Shown {
    pub(crate) keys: Vec<StoredKey>,
    pub(crate) log: Vec<StoredSignIn>,
    /// What was just done, by name.
    pub(crate) done: Option<String>,
    /// The key with which it was done.
    pub(crate) key: Option<String>,
    /// What was wrong with a form of this page.
    pub(crate) error: Option<ApiError>,
}

pub(super) async fn page_of(
    site: &Site,
    visit: &Visit,
    done: Option<String>,
    key: Option<String>,
    error: Option<ApiError>,
) -> Result<Shown, ApiError> {
    let account = &visit.person()?.account;
    let (id, name) = (account.id, account.name.clone());
    let shown = site
        .store
        .run(move |db| Ok((keys::of_account(db, id)?, sign_ins::latest(db, Some(&name), SHOWN)?)));
    let (keys, log) = shown.await?;
    Ok(Shown { keys, log, done, key, error })
}

pub(super) async fn page(
    State(site): State<Arc<Site>>,
    visit: Visit,
    request: Request<Body>,
) -> Outcome {
    let fields = form::query(&request);
    let (done, key) = (fields.get("done"), fields.get("key"));
    let shown =
        page_of(&site, &visit, done.map(str::to_owned), key.map(str::to_owned), None).await?;
    Ok(super::page(pages::account::page(&site, &visit, visit.person()?, &shown)))
}

/// What the script tells authenticators (WebAuthn L3 §5.1.10): which passkeys are accepted, and
/// what the account is called.
pub(super) async fn signals(
    State(site): State<Arc<Site>>,
    visit: Visit,
) -> Result<Response, ApiError> {
    let account = visit.person()?.account.clone();
    let id = account.id;
    let keys = site.store.run(move |db| keys::of_account(db, id)).await?;
    let ids: Vec<Value> = keys.into_iter().map(|key| key.entry.id.into()).collect();
    let signals = json!({
        "rpId": site.identity.rp_id,
        "userId": URL_SAFE_NO_PAD.encode(account.handle),
        "allAcceptedCredentialIds": ids,
        "name": account.name,
        "displayName": account.called(),
    });
    Ok(Json(signals).into_response())
}
