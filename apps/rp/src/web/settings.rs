//! What can be changed about an account.

use std::sync::Arc;

use axum::{
    body::Body,
    extract::{Request, State},
};

use super::{Outcome, account::page_of, again, form, go_to};
use crate::{
    ApiError, ErrorCode,
    name::check_name,
    pages, password as passwords,
    site::{Site, lock},
    store::{accounts, keys, sessions},
    visit::Visit,
};

/// Shows the account page again, with what was wrong.
async fn wrong(site: &Site, visit: &Visit, error: ApiError) -> Outcome {
    let shown = page_of(site, visit, None, None, Some(error.clone())).await?;
    Ok(again(&error, pages::account::page(site, visit, visit.person()?, &shown)))
}

pub(super) async fn name(
    State(site): State<Arc<Site>>,
    visit: Visit,
    request: Request<Body>,
) -> Outcome {
    let fields = form::posted(&site, request).await?;
    let id = visit.person()?.account.id;
    let called = fields.need("called")?.trim().to_owned();
    if let Err(error) = check_name("name", &called) {
        return wrong(&site, &visit, error).await;
    }
    site.store.run(move |db| accounts::set_display(db, id, &called)).await?;
    go_to("/account?done=called")
}

/// Sets or changes the password. Whoever has one shows it first; everybody else who is signed in to
/// the account is signed out.
pub(super) async fn password(
    State(site): State<Arc<Site>>,
    visit: Visit,
    request: Request<Body>,
) -> Outcome {
    let fields = form::posted(&site, request).await?;
    let person = visit.person()?;
    let (account, kept) = (&person.account, person.token_hash);
    let new = fields.need("new")?.to_owned();
    if let Err(error) = passwords::check(&new) {
        return wrong(&site, &visit, error).await;
    }
    if let Some(hashed) = &account.password {
        let now = std::time::Instant::now();
        let allowed = lock(&site.attempts).begin(&account.name, visit.source, now);
        if let Err(error) = allowed {
            return wrong(&site, &visit, error).await;
        }
        let current = fields.need("current")?.to_owned();
        if !passwords::verify(current, Some(hashed)).await? {
            let error = ApiError::new(ErrorCode::WrongPassword, "The present password is wrong.");
            return wrong(&site, &visit, error).await;
        }
        lock(&site.attempts).succeeded(&account.name, visit.source);
    }
    let (id, hashed) = (account.id, passwords::hash(new, site.random()?).await?);
    let change = site.store.run(move |db| {
        let change = db.transaction()?;
        accounts::set_password(&change, id, Some(&hashed))?;
        sessions::end_others(&change, id, &kept)?;
        Ok(change.commit()?)
    });
    change.await?;
    go_to("/account?done=saved")
}

/// Takes the password away, if there is a key that lets the person in.
pub(super) async fn drop_password(
    State(site): State<Arc<Site>>,
    visit: Visit,
    request: Request<Body>,
) -> Outcome {
    form::posted(&site, request).await?;
    let id = visit.person()?.account.id;
    let change = site.store.run(move |db| {
        let change = db.transaction()?;
        if keys::of_account(&change, id)?.is_empty() {
            return Err(ApiError::new(ErrorCode::NoKeys, "Add a key first."));
        }
        accounts::set_password(&change, id, None)?;
        accounts::set_second_factor(&change, id, false)?;
        Ok(change.commit()?)
    });
    change.await?;
    go_to("/account?done=saved")
}

pub(super) async fn second_factor(
    State(site): State<Arc<Site>>,
    visit: Visit,
    request: Request<Body>,
) -> Outcome {
    let fields = form::posted(&site, request).await?;
    let id = visit.person()?.account.id;
    let on = fields.need("on")? == "yes";
    let change = site.store.run(move |db| {
        let change = db.transaction()?;
        if on && keys::of_account(&change, id)?.is_empty() {
            return Err(ApiError::new(ErrorCode::NoKeys, "Add a key first."));
        }
        accounts::set_second_factor(&change, id, on)?;
        Ok(change.commit()?)
    });
    change.await?;
    go_to("/account?done=saved")
}
