//! Adding a key, up to where the script takes over, and renaming and removing one.

use std::sync::Arc;

use axum::{
    body::Body,
    extract::{Path, Request, State},
};
use url::form_urlencoded;

use super::{Outcome, again, form, go_to, page};
use crate::{
    ApiError, ErrorCode, SiteEvent,
    api::unknown_key,
    name::check_name,
    pages,
    site::Site,
    store::{
        accounts,
        keys::{self, StoredKey},
    },
    visit::Visit,
};

pub(super) async fn name_form(
    State(site): State<Arc<Site>>,
    visit: Visit,
    request: Request<Body>,
) -> Outcome {
    visit.person()?;
    let name = form::query(&request).get("name").unwrap_or_default().to_owned();
    Ok(page(pages::keys::name(&site, &visit, &name, None)))
}

pub(super) async fn named(
    State(site): State<Arc<Site>>,
    visit: Visit,
    request: Request<Body>,
) -> Outcome {
    let fields = form::posted(&site, request).await?;
    visit.person()?;
    let name = fields.need("name")?.trim();
    if let Err(error) = check_name("name of the key", name) {
        return Ok(again(&error, pages::keys::name(&site, &visit, name, Some(&error))));
    }
    let query: String =
        form_urlencoded::Serializer::new(String::new()).append_pair("name", name).finish();
    go_to(&format!("/account/add/where?{query}"))
}

pub(super) async fn where_form(
    State(site): State<Arc<Site>>,
    visit: Visit,
    request: Request<Body>,
) -> Outcome {
    visit.person()?;
    let fields = form::query(&request);
    let name = fields.need("name")?.trim();
    check_name("name of the key", name)?;
    Ok(page(pages::keys::place(&site, &visit, name)))
}

/// The key that an address names, if it is one of the person's own.
async fn key_of(site: &Site, visit: &Visit, row: &str) -> Result<StoredKey, ApiError> {
    let account = visit.person()?.account.id;
    let row: i64 = row.parse().map_err(|_| unknown_key())?;
    site.store.run(move |db| keys::by_row(db, account, row)).await
}

pub(super) async fn added(
    State(site): State<Arc<Site>>,
    Path(row): Path<String>,
    visit: Visit,
) -> Outcome {
    let key = key_of(&site, &visit, &row).await?;
    Ok(page(pages::keys::added(&site, &visit, &key)))
}

pub(super) async fn rename_form(
    State(site): State<Arc<Site>>,
    Path(row): Path<String>,
    visit: Visit,
) -> Outcome {
    let key = key_of(&site, &visit, &row).await?;
    Ok(page(pages::keys::rename(&site, &visit, &key, None)))
}

pub(super) async fn rename(
    State(site): State<Arc<Site>>,
    Path(row): Path<String>,
    visit: Visit,
    request: Request<Body>,
) -> Outcome {
    let fields = form::posted(&site, request).await?;
    let key = key_of(&site, &visit, &row).await?;
    let name = fields.need("name")?.trim().to_owned();
    if let Err(error) = check_name("name of the key", &name) {
        return Ok(again(&error, pages::keys::rename(&site, &visit, &key, Some(&error))));
    }
    let row = key.row;
    site.store.run(move |db| keys::rename(db, &key, &name)).await?;
    go_to(&format!("/account?done=renamed&key={row}"))
}

pub(super) async fn remove_form(
    State(site): State<Arc<Site>>,
    Path(row): Path<String>,
    visit: Visit,
) -> Outcome {
    let key = key_of(&site, &visit, &row).await?;
    let account = visit.person()?.account.id;
    let count = site.store.run(move |db| Ok(keys::of_account(db, account)?.len())).await?;
    let last = count <= 1 && visit.person()?.account.password.is_none();
    Ok(page(pages::keys::remove(&site, &visit, &key, last)))
}

/// Removes a key, but not the last way in.
pub(super) async fn remove(
    State(site): State<Arc<Site>>,
    Path(row): Path<String>,
    visit: Visit,
    request: Request<Body>,
) -> Outcome {
    form::posted(&site, request).await?;
    let key = key_of(&site, &visit, &row).await?;
    let name = key.entry.name.clone();
    let change = site.store.run(move |db| {
        let change = db.transaction()?;
        let account = accounts::by_id(&change, key.account)?.ok_or_else(unknown_key)?;
        let last = keys::of_account(&change, account.id)?.len() <= 1;
        if last && account.password.is_none() {
            return Err(ApiError::new(ErrorCode::LastKey, "This key is the last way in."));
        }
        keys::remove(&change, &key)?;
        if last {
            accounts::set_second_factor(&change, account.id, false)?;
        }
        change.commit()?;
        Ok(last && account.second_factor)
    });
    let done = if change.await? { "removed-last" } else { "removed" };
    let account = visit.person()?.account.name.clone();
    site.tell(SiteEvent::Removed { account });
    let query: String = form_urlencoded::Serializer::new(String::new())
        .append_pair("done", done)
        .append_pair("key", &name)
        .finish();
    go_to(&format!("/account?{query}"))
}
