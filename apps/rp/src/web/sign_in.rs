//! Making an account, signing in with a password, signing out.

use std::{sync::Arc, time::Instant};

use axum::{
    body::Body,
    extract::{Request, State},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{HeaderMap, HeaderValue, StatusCode};

use super::{Outcome, again, form, go_to, is_local, page, with_cookie, with_status};
use crate::{
    ApiError, ErrorCode, SignInEntry,
    api::unknown_ceremony,
    name::check_name,
    pages, password as passwords,
    programs::http_status,
    site::{Site, Steps, lock},
    store::{
        accounts::{self, StoredAccount},
        sessions,
        sign_ins::{self, How, StoredSignIn},
    },
    visit::{self, Visit},
};

/// Somebody on their way through the steps.
pub(crate) struct Step {
    /// Names the way, in addresses; says nothing about whose it is.
    pub(crate) id: String,
    pub(crate) account: String,
    pub(crate) next: Option<String>,
    pub(crate) password_passed: bool,
}

/// The steps of a name, if they are not over.
pub(super) fn steps(site: &Site, id: &str) -> Result<Step, ApiError> {
    let mut steps = lock(&site.steps);
    let found = steps.get_mut(id, Instant::now()).ok_or_else(unknown_ceremony)?;
    Ok(Step {
        id: id.to_owned(),
        account: found.account.clone(),
        next: found.next.clone(),
        password_passed: found.password_passed,
    })
}

fn next_of(fields: &form::Fields) -> Option<String> {
    fields.get("next").filter(|path| is_local(path)).map(str::to_owned)
}

pub(super) async fn form(
    State(site): State<Arc<Site>>,
    visit: Visit,
    request: Request<Body>,
) -> Outcome {
    let next = next_of(&form::query(&request));
    Ok(page(pages::sign_in::email(&site, &visit, next.as_deref(), None)))
}

/// What was typed as one's name: addresses are the same in capital letters.
fn account_name(typed: &str) -> String {
    let typed = typed.trim();
    if typed.contains('@') { typed.to_lowercase() } else { typed.to_owned() }
}

pub(super) async fn begin(
    State(site): State<Arc<Site>>,
    visit: Visit,
    request: Request<Body>,
) -> Outcome {
    let fields = form::posted(&site, request).await?;
    let (account, next) = (account_name(fields.need("email")?), next_of(&fields));
    if let Err(error) = check_name("e-mail address", &account) {
        let error = ApiError { code: ErrorCode::BadAddress, ..error };
        let form = pages::sign_in::email(&site, &visit, next.as_deref(), Some(&error));
        return Ok(again(&error, form));
    }
    let id = URL_SAFE_NO_PAD.encode(site.random::<16>()?);
    let steps = Steps { account, next, password_passed: false };
    lock(&site.steps).insert(id.clone(), steps, Instant::now());
    go_to(&format!("/sign-in/how?step={id}"))
}

pub(super) async fn how(
    State(site): State<Arc<Site>>,
    visit: Visit,
    request: Request<Body>,
) -> Outcome {
    let step = steps(&site, form::query(&request).need("step")?)?;
    Ok(page(pages::sign_in::how(&site, &visit, &step, None)))
}

pub(super) async fn password(
    State(site): State<Arc<Site>>,
    visit: Visit,
    request: Request<Body>,
) -> Outcome {
    let before = visit::token_hash(&site, request.headers());
    let fields = form::posted(&site, request).await?;
    let step = steps(&site, fields.need("step")?)?;
    let typed = fields.need("password")?.to_owned();
    let account = match check_password(&site, &visit, &step.account, typed).await {
        Ok(account) => account,
        Err(error) if matches!(error.code, ErrorCode::WrongPassword | ErrorCode::TooMany) => {
            return Ok(again(&error, pages::sign_in::how(&site, &visit, &step, Some(&error))));
        }
        Err(error) => return Err(error),
    };
    if account.second_factor {
        if let Some(steps) = lock(&site.steps).get_mut(&step.id, Instant::now()) {
            steps.password_passed = true;
        }
        return go_to(&format!("/sign-in/how?step={}", step.id));
    }
    let line = line(&site, &visit, Some(account.name), None);
    let limits = site.limits.clone();
    let signed_in = visit::sign_in(&site, How::Password, before, move |db| {
        sign_ins::log(db, &limits, &line)?;
        Ok(account.id)
    });
    let cookie = signed_in.await?;
    // The way is over: going back finds no step to repeat.
    lock(&site.steps).take(&step.id, Instant::now());
    Ok(with_cookie(go_to(step.next.as_deref().unwrap_or("/account"))?, cookie))
}

/// The account whose password was typed. Whether there is such an account makes no difference: not
/// in what is answered, nor in how long it takes, nor in how often it may be tried.
async fn check_password(
    site: &Site,
    visit: &Visit,
    name: &str,
    typed: String,
) -> Result<StoredAccount, ApiError> {
    lock(&site.attempts).begin(name, visit.source, Instant::now())?;
    let wanted = name.to_owned();
    let account = site.store.run(move |db| accounts::by_name(db, &wanted)).await?;
    let hashed = account.as_ref().and_then(|account| account.password.as_deref());
    match (passwords::verify(typed, hashed).await?, account) {
        (true, Some(account)) => {
            lock(&site.attempts).succeeded(name, visit.source);
            Ok(account)
        }
        (_, account) => {
            // Of an unknown account nothing is kept: it could be a password in the wrong field.
            let known = account.map(|account| account.name);
            let refused = Some(ErrorCode::WrongPassword);
            site.log(line(site, visit, known, refused)).await?;
            Err(ApiError::new(ErrorCode::WrongPassword, "The account or the password is wrong."))
        }
    }
}

/// What is logged of a password.
fn line(
    site: &Site,
    visit: &Visit,
    account: Option<String>,
    refused: Option<ErrorCode>,
) -> StoredSignIn {
    let at = u64::try_from(site.now()).unwrap_or_default();
    StoredSignIn {
        entry: SignInEntry { at, account, key: None, refused },
        how: How::Password,
        from: visit.caller(),
    }
}

pub(super) async fn sign_out(State(site): State<Arc<Site>>, request: Request<Body>) -> Outcome {
    form::check_own(&site, request.headers())?;
    leave(&site, request.headers(), "/").await
}

/// Ends the session of a browser, and goes on. The browser forgets it even where the end can't be
/// saved; the page says then that something is wrong.
pub(crate) async fn leave(site: &Site, headers: &HeaderMap, next: &str) -> Outcome {
    let ended = match visit::token_hash(site, headers) {
        Some(hash) => site.store.run(move |db| sessions::end(db, &hash)).await,
        None => Ok(()),
    };
    let response = match ended {
        Ok(()) => go_to(next)?,
        Err(error) => error_page(site, &Visit::of_nobody(headers), &error, http_status(error.code)),
    };
    Ok(with_cookie(response, visit::no_session(site)?))
}

/// What was typed into the form of a new account.
#[derive(Default)]
pub(crate) struct Joining {
    pub(crate) email: String,
    pub(crate) called: String,
}

pub(super) async fn join_form(State(site): State<Arc<Site>>, visit: Visit) -> Outcome {
    Ok(page(pages::sign_in::join(&site, &visit, &Joining::default(), None)))
}

pub(super) async fn join(
    State(site): State<Arc<Site>>,
    visit: Visit,
    request: Request<Body>,
) -> Outcome {
    let before = visit::token_hash(&site, request.headers());
    let fields = form::posted(&site, request).await?;
    let joining = Joining {
        email: account_name(fields.need("email")?),
        called: fields.get("called").unwrap_or_default().trim().to_owned(),
    };
    let password = fields.need("password")?.to_owned();
    match make_account(&site, &visit, &joining, password, before).await {
        Ok(cookie) => Ok(with_cookie(go_to("/account")?, cookie)),
        Err(error) => {
            let form = pages::sign_in::join(&site, &visit, &joining, Some(&error));
            match error.code {
                ErrorCode::BadAddress
                | ErrorCode::BadName
                | ErrorCode::BadPassword
                | ErrorCode::NameTaken
                | ErrorCode::TooMany => Ok(again(&error, form)),
                _ => Err(error),
            }
        }
    }
}

/// Makes the account, and signs in to it: both, or none. Gives the cookie.
async fn make_account(
    site: &Site,
    visit: &Visit,
    joining: &Joining,
    password: String,
    before: Option<[u8; 32]>,
) -> Result<HeaderValue, ApiError> {
    let bad = || ApiError::new(ErrorCode::BadAddress, "That is not an e-mail address.");
    check_name("e-mail address", &joining.email).map_err(|_| bad())?;
    let parts = joining.email.split_once('@');
    if !parts.is_some_and(|(local, domain)| {
        !local.is_empty() && !domain.is_empty() && !domain.contains(['@', ' '])
    }) {
        return Err(bad());
    }
    if !joining.called.is_empty() {
        check_name("name", &joining.called)?;
    }
    passwords::check(&password)?;
    // New accounts count as attempts: otherwise this form would tell quickly who has one.
    lock(&site.attempts).begin(&joining.email, visit.source, Instant::now())?;
    let account = StoredAccount {
        id: 0,
        name: joining.email.clone(),
        display: (!joining.called.is_empty()).then(|| joining.called.clone()),
        handle: site.random()?,
        password: Some(passwords::hash(password, site.random()?).await?),
        second_factor: false,
        created: site.now(),
    };
    let limits = site.limits.clone();
    let line = line(site, visit, Some(joining.email.clone()), None);
    let signed_in = visit::sign_in(site, How::Password, before, move |db| {
        let made = accounts::make(db, &limits, &account)?;
        sign_ins::log(db, &limits, &line)?;
        Ok(made)
    });
    let cookie = signed_in.await?;
    lock(&site.attempts).succeeded(&joining.email, visit.source);
    Ok(cookie)
}

/// The page that is shown instead of an answer to a program.
pub(crate) fn error_page(
    site: &Site,
    visit: &Visit,
    error: &ApiError,
    status: StatusCode,
) -> axum::response::Response {
    with_status(status, pages::error::page(site, visit, error))
}
