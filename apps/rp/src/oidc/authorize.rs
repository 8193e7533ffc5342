//! The authorization endpoint: a site sends somebody here, and gets them back with a code.

use std::{sync::Arc, time::Instant};

use axum::{
    body::Body,
    extract::{Request, State},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::StatusCode;
use url::Url;

use crate::{
    api::unknown_ceremony,
    pages,
    site::{Site, lock},
    sites::{Kind, KnownSite},
    store::sign_ins::How,
    visit::{Person, Visit},
    web::{Fields, Outcome, go_to, query, with_status},
};

/// A page of this provider that goes on with a request.
pub(crate) const CONTINUE: &str = "/authorize/continue?request=";

/// A site's request that waits for the person.
pub(super) struct Waiting {
    site: KnownSite,
    state: Option<String>,
    nonce: Option<String>,
    challenge: String,
    /// When it came.
    since: i64,
    /// How old the proof may be, in seconds, if the site says so.
    max_age: Option<i64>,
    /// The session in which the person came; a fresh proof makes a new one.
    session: Option<[u8; 32]>,
}

/// What a code, and later a token, stands for.
#[derive(Clone)]
pub(super) struct Grant {
    pub(super) site: KnownSite,
    pub(super) account: i64,
    pub(super) nonce: Option<String>,
    pub(super) challenge: String,
    pub(super) verified: i64,
    pub(super) how: How,
}

impl Waiting {
    /// Whether what the person proved, and when, is enough for the site.
    fn is_satisfied_by(&self, person: &Person) -> bool {
        match self.max_age {
            None => true,
            // By the session, not by the clock: a second is long.
            Some(0) => self.session != Some(person.token_hash),
            Some(age) => person.session.verified >= self.since.saturating_sub(age),
        }
    }
}

impl Site {
    /// The site that waits behind a page to go on to, and whether it wants a fresh proof.
    pub(crate) fn waiting(&self, next: &str) -> Option<(Kind, bool)> {
        let id = next.strip_prefix(CONTINUE)?;
        let mut waiting = lock(&self.oidc.waiting);
        let waiting = waiting.get_mut(id, Instant::now())?;
        Some((waiting.site.kind, waiting.max_age == Some(0)))
    }
}

/// Sends the person back to the site with an answer (RFC 6749 §4.1.2; `iss` by RFC 9207).
fn back(site: &Site, known: &KnownSite, state: Option<&str>, answer: (&str, &str)) -> Outcome {
    let mut address = Url::parse(&known.callback()).map_err(|_| unknown_ceremony())?;
    let mut pairs = address.query_pairs_mut();
    pairs.append_pair(answer.0, answer.1).append_pair("iss", &site.identity.origin);
    if let Some(state) = state {
        pairs.append_pair("state", state);
    }
    drop(pairs);
    go_to(address.as_str())
}

pub(super) async fn begin(
    State(site): State<Arc<Site>>,
    visit: Visit,
    request: Request<Body>,
) -> Outcome {
    let fields = query(&request);
    let client = fields.get("client_id").and_then(|id| site.oidc.site(id));
    // Nobody is sent to an address that the site did not tell before.
    let known = client.filter(|known| fields.get("redirect_uri") == Some(&known.callback()));
    let Some(known) = known else {
        let page = pages::sites::unknown(&site, &visit);
        return Ok(with_status(StatusCode::BAD_REQUEST, page));
    };
    let state = fields.get("state");
    let waiting = match read(&site, &visit, known, &fields) {
        Ok(waiting) => waiting,
        Err(code) => return back(&site, known, state, ("error", code)),
    };
    if fields.get("prompt") == Some("none") {
        let person = visit.person.as_ref().filter(|person| waiting.is_satisfied_by(person));
        if person.is_none() {
            return back(&site, known, state, ("error", "login_required"));
        }
    }
    let id = URL_SAFE_NO_PAD.encode(site.random::<16>()?);
    lock(&site.oidc.waiting).insert(id.clone(), waiting, Instant::now());
    go_to(&format!("{CONTINUE}{id}"))
}

/// Reads a request (OpenID Connect Core §3.1.2.1, RFC 7636 §4.3); or what is wrong with it.
fn read(
    site: &Site,
    visit: &Visit,
    known: &KnownSite,
    fields: &Fields,
) -> Result<Waiting, &'static str> {
    if fields.get("response_type") != Some("code") {
        return Err("unsupported_response_type");
    }
    if fields.get("request").is_some() {
        return Err("request_not_supported");
    }
    let scopes = fields.get("scope").unwrap_or_default();
    if !scopes.split(' ').any(|scope| scope == "openid") {
        return Err("invalid_scope");
    }
    let challenge = fields.get("code_challenge").filter(|challenge| challenge.len() == 43);
    let (Some(challenge), Some("S256")) = (challenge, fields.get("code_challenge_method")) else {
        return Err("invalid_request");
    };
    let max_age = match (fields.get("prompt"), fields.get("max_age")) {
        (Some("login"), _) => Some(0),
        (None | Some("none"), None) => None,
        (None | Some("none"), Some(age)) => {
            Some(age.parse().ok().filter(|age| *age >= 0).ok_or("invalid_request")?)
        }
        _ => return Err("invalid_request"),
    };
    Ok(Waiting {
        site: known.clone(),
        state: fields.get("state").map(str::to_owned),
        nonce: fields.get("nonce").map(str::to_owned),
        challenge: challenge.to_owned(),
        since: site.now(),
        max_age,
        session: visit.person.as_ref().map(|person| person.token_hash),
    })
}

pub(super) async fn go_on(
    State(site): State<Arc<Site>>,
    visit: Visit,
    request: Request<Body>,
) -> Outcome {
    let id = query(&request).need("request")?.to_owned();
    let waiting = {
        let mut all = lock(&site.oidc.waiting);
        let waiting = all.get_mut(&id, Instant::now()).ok_or_else(unknown_ceremony)?;
        match &visit.person {
            Some(person) if waiting.is_satisfied_by(person) => all.take(&id, Instant::now()),
            _ => None,
        }
    };
    let (Some(waiting), Some(person)) = (waiting, &visit.person) else {
        let next = format!("{CONTINUE}{id}");
        let next = url::form_urlencoded::byte_serialize(next.as_bytes()).collect::<String>();
        return go_to(&format!("/sign-in?next={next}"));
    };
    let code = URL_SAFE_NO_PAD.encode(site.random::<32>()?);
    let (known, state) = (waiting.site.clone(), waiting.state);
    let grant = Grant {
        site: waiting.site,
        account: person.account.id,
        nonce: waiting.nonce,
        challenge: waiting.challenge,
        verified: person.session.verified,
        how: person.session.how,
    };
    lock(&site.oidc.codes).insert(code.clone(), grant, Instant::now());
    back(&site, &known, state.as_deref(), ("code", &code))
}
