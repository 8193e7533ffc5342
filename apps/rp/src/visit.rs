//! Who asks for a page, in which language, and from where.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{HeaderMap, HeaderValue, Method, header, request::Parts};
use rusqlite::{Connection, TransactionBehavior};
use towline_pages::{Language, cookie};

use crate::{
    ApiError, ErrorCode, agent,
    serve::Source,
    site::Site,
    store::{
        accounts::{self, StoredAccount},
        keys::Caller,
        sessions::{self, StoredSession, WHOLE},
        sign_ins::How,
    },
    texts::{self, Texts},
};

/// A request for a page.
pub(crate) struct Visit {
    pub(crate) language: Language,
    pub(crate) person: Option<Person>,
    pub(crate) source: std::net::IpAddr,
    pub(crate) browser: Option<String>,
    /// The page that can be opened again: path and query, or the first page after a form.
    pub(crate) path: String,
}

/// Somebody who is signed in.
pub(crate) struct Person {
    pub(crate) account: StoredAccount,
    pub(crate) session: StoredSession,
    pub(crate) token_hash: [u8; 32],
}

impl Visit {
    /// A visit of which nothing is known but the language.
    pub(crate) fn of_nobody(headers: &HeaderMap) -> Self {
        Self {
            language: Language::of(headers),
            person: None,
            source: std::net::Ipv4Addr::UNSPECIFIED.into(),
            browser: None,
            path: "/".into(),
        }
    }

    pub(crate) fn texts(&self) -> &'static Texts {
        texts::of(self.language)
    }

    /// Who is signed in, which this page needs.
    pub(crate) fn person(&self) -> Result<&Person, ApiError> {
        self.person
            .as_ref()
            .ok_or_else(|| ApiError::new(ErrorCode::SignedOut, "Nobody is signed in."))
    }

    pub(crate) fn caller(&self) -> Caller {
        Caller { browser: self.browser.clone(), source: Some(self.source.to_string()) }
    }
}

impl FromRequestParts<Arc<Site>> for Visit {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, site: &Arc<Site>) -> Result<Self, ApiError> {
        let path = parts.uri.path_and_query().map(|path| path.as_str());
        let unknown = std::net::Ipv4Addr::UNSPECIFIED.into();
        let agent = parts.headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok());
        Ok(Self {
            language: Language::of(&parts.headers),
            person: person(site, &parts.headers).await?,
            source: parts.extensions.get::<Source>().map_or(unknown, |source| source.0),
            browser: agent.and_then(agent::browser),
            path: path.filter(|_| parts.method == Method::GET).unwrap_or("/").to_owned(),
        })
    }
}

/// Cookies of this machine reach every port of it, so that the name tells whose one is.
fn session_cookie(site: &Site) -> String {
    format!("towline-rp-{}", site.port)
}

/// The hash of the token that a request has, by which the database knows it.
pub(crate) fn token_hash(site: &Site, headers: &HeaderMap) -> Option<[u8; 32]> {
    let token = URL_SAFE_NO_PAD.decode(cookie(headers, &session_cookie(site))?).ok()?;
    (token.len() == 32).then(|| site.provider.sha256.hash(&[&token]))
}

async fn person(site: &Site, headers: &HeaderMap) -> Result<Option<Person>, ApiError> {
    let Some(token_hash) = token_hash(site, headers) else { return Ok(None) };
    let now = site.now();
    let found = site.store.run(move |db| {
        let Some(session) = sessions::find(db, &token_hash, now)? else { return Ok(None) };
        Ok(accounts::by_id(db, session.account)?.map(|account| (account, session)))
    });
    Ok(found.await?.map(|(account, session)| Person { account, session, token_hash }))
}

/// Signs somebody in: always under a new token, so that nobody can have given them theirs before.
/// What the browser had until now ends. `whose` gives the account's number; what it changes is
/// saved together with the session, or not at all. Gives the cookie.
pub(crate) async fn sign_in(
    site: &Site,
    how: How,
    before: Option<[u8; 32]>,
    whose: impl FnOnce(&Connection) -> Result<i64, ApiError> + Send + 'static,
) -> Result<HeaderValue, ApiError> {
    let token = site.random::<32>()?;
    let (hash, now) = (site.provider.sha256.hash(&[&token]), site.now());
    site.store
        .run(move |db| {
            let change = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let account = whose(&change)?;
            if let Some(before) = before {
                sessions::end(&change, &before)?;
            }
            sessions::begin(&change, &hash, account, how, now)?;
            Ok(change.commit()?)
        })
        .await?;
    set_cookie(site, &URL_SAFE_NO_PAD.encode(token), WHOLE)
}

/// The cookie that takes the session's away.
pub(crate) fn no_session(site: &Site) -> Result<HeaderValue, ApiError> {
    set_cookie(site, "", 0)
}

fn set_cookie(site: &Site, value: &str, seconds: i64) -> Result<HeaderValue, ApiError> {
    let secure = if site.identity.origin.starts_with("https:") { "; Secure" } else { "" };
    let cookie = format!(
        "{}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={seconds}{secure}",
        session_cookie(site)
    );
    HeaderValue::from_str(&cookie)
        .map_err(|_| ApiError::new(ErrorCode::Internal, "The cookie can't be written."))
}
