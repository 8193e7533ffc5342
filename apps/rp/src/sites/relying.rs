//! A relying site of OpenID Connect: it has no accounts, and believes what the provider signed.

use std::sync::Arc;

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    middleware::{self, Next},
    response::{IntoResponse as _, Response},
    routing::{get, post},
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use openidconnect::{
    AuthenticationFlow, AuthorizationCode, ClientId, CsrfToken, HttpRequest, HttpResponse,
    IssuerUrl, Nonce, OAuth2TokenResponse as _, PkceCodeChallenge, RedirectUrl, Scope,
    TokenResponse as _,
    core::{CoreAuthPrompt, CoreClient, CoreProviderMetadata, CoreResponseType},
};
use towline_pages::{ExchangeError, Language, cookie, exchange};
use url::form_urlencoded;

use super::{
    KnownSite,
    visitors::{Away, Visitor, Visitors},
};
use crate::{
    Showcase, WallClock,
    guard::tell_browsers,
    pages, texts,
    web::{Fields, assets, chosen, go_to, query, with_cookie, with_status},
};

/// A site, and the provider that it believes.
pub(crate) struct RelyingSite {
    pub(crate) known: KnownSite,
    /// The provider's origin, which is its issuer too.
    pub(crate) provider: String,
    /// What people call the provider.
    pub(crate) provider_name: String,
    /// Who may show the pages in frames.
    pub(crate) showcase: Option<Showcase>,
    clock: WallClock,
    visitors: Visitors,
}

impl RelyingSite {
    pub(crate) fn new(
        known: KnownSite,
        provider: String,
        provider_name: String,
        clock: WallClock,
        showcase: Option<Showcase>,
    ) -> Self {
        let visitors = Visitors::new();
        Self { known, provider, provider_name, showcase, clock, visitors }
    }

    /// What it answers.
    pub(crate) fn router(self) -> Router {
        let site = Arc::new(self);
        Router::new()
            .route("/", get(home))
            .route("/sign-in", post(sign_in))
            .route("/callback", get(callback))
            .route("/sign-out", post(sign_out))
            .route("/signed-out", get(signed_out))
            .route("/language", post(choose_language))
            .route("/assets/{file}", get(assets::file))
            .layer(middleware::from_fn_with_state(Arc::clone(&site), around))
            .with_state(site)
    }

    /// Cookies of this machine reach every port of it, so that the name tells whose one is.
    fn cookie_name(&self, what: &str) -> String {
        let port = self.known.url.rsplit(':').next().unwrap_or_default();
        format!("towline-site-{port}-{what}")
    }

    fn set_cookie(&self, what: &str, value: &str, seconds: u32) -> HeaderValue {
        let cookie = format!(
            "{}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={seconds}",
            self.cookie_name(what)
        );
        HeaderValue::from_str(&cookie).unwrap_or(HeaderValue::from_static("towline=; Max-Age=0"))
    }

    fn visitor(&self, headers: &HeaderMap) -> Option<Visitor> {
        self.visitors.find(cookie(headers, &self.cookie_name("session"))?)
    }

    /// What the provider says about itself, asked for each time: it may have started anew.
    async fn metadata(&self) -> Result<CoreProviderMetadata, String> {
        let issuer = IssuerUrl::new(self.provider.clone()).map_err(|error| error.to_string())?;
        let metadata = CoreProviderMetadata::discover_async(issuer, &ask).await;
        metadata.map_err(|error| error.to_string())
    }

    fn client_id(&self) -> ClientId {
        ClientId::new(self.known.kind.client_id().into())
    }

    fn redirect(&self) -> Result<RedirectUrl, String> {
        RedirectUrl::new(self.known.callback()).map_err(|error| error.to_string())
    }

    /// The address at the provider to send somebody to, and the state with which they come back.
    async fn begin(&self) -> Result<(String, String), String> {
        let metadata = self.metadata().await?;
        let client = CoreClient::from_provider_metadata(metadata, self.client_id(), None)
            .set_redirect_uri(self.redirect()?);
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let flow = AuthenticationFlow::<CoreResponseType>::AuthorizationCode;
        let mut request = client
            .authorize_url(flow, CsrfToken::new_random, Nonce::new_random)
            .add_scope(Scope::new("email".into()))
            .add_scope(Scope::new("profile".into()))
            .set_pkce_challenge(challenge);
        if self.known.kind.wants_fresh_proof() {
            request =
                request.add_prompt(CoreAuthPrompt::Login).set_max_age(std::time::Duration::ZERO);
        }
        let (address, state, nonce) = request.url();
        let state = state.into_secret();
        self.visitors.leaves(state.clone(), Away { verifier, nonce, since: self.clock.unix() });
        Ok((address.into(), state))
    }

    /// Redeems a code, and believes what is signed for this site, this person's way, and no longer
    /// ago than this site wants.
    async fn finish(&self, away: Away, code: String) -> Result<Visitor, String> {
        let client =
            CoreClient::from_provider_metadata(self.metadata().await?, self.client_id(), None)
                .set_redirect_uri(self.redirect()?);
        let tokens = client
            .exchange_code(AuthorizationCode::new(code))
            .map_err(|error| error.to_string())?
            .set_pkce_verifier(away.verifier)
            .request_async(&ask)
            .await
            .map_err(|error| error.to_string())?;
        let token = tokens.id_token().ok_or("there is no ID token")?;
        let verifier = client.id_token_verifier();
        let claims = token.claims(&verifier, &away.nonce).map_err(|error| error.to_string())?;
        if let Some(expected) = claims.access_token_hash() {
            let algorithm = token.signing_alg().map_err(|error| error.to_string())?;
            let key = token.signing_key(&verifier).map_err(|error| error.to_string())?;
            let access = tokens.access_token();
            let hash = openidconnect::AccessTokenHash::from_token(access, algorithm, key);
            if hash.map_err(|error| error.to_string())? != *expected {
                return Err("the access token is another one".into());
            }
        }
        let verified = claims.auth_time().map(|at| at.timestamp());
        if self.known.kind.wants_fresh_proof() && verified.is_none_or(|at| at < away.since) {
            return Err("the proof is not fresh".into());
        }
        let name = claims.name().and_then(|name| name.get(None)).map(|name| name.as_str());
        Ok(Visitor {
            number: claims.subject().to_string(),
            name: name.unwrap_or_default().to_owned(),
            email: claims.email().map(|email| email.to_string()),
            verified: verified.and_then(|at| u64::try_from(at).ok()),
            methods: claims
                .auth_method_refs()
                .into_iter()
                .flatten()
                .map(|m| m.to_string())
                .collect(),
        })
    }
}

/// How the library reaches the provider, which is on this machine.
async fn ask(request: HttpRequest) -> Result<HttpResponse, ExchangeError> {
    let host = request.uri().host().unwrap_or("localhost").to_owned();
    let port = request.uri().port_u16().unwrap_or(80);
    let answer =
        tokio::time::timeout(std::time::Duration::from_secs(20), exchange(&host, port, request));
    answer.await.unwrap_or_else(|_| Err(ExchangeError::Unreachable("no answer in time".into())))
}

/// What holds for all requests, as at the provider.
async fn around(
    State(site): State<Arc<RelyingSite>>,
    request: Request<Body>,
    next: Next,
) -> Response {
    let own_form = request.method() != http::Method::POST;
    let (sent_here, own_form) = check_sender(&site, request.headers(), own_form);
    let mut response = if sent_here && own_form {
        next.run(request).await
    } else {
        StatusCode::FORBIDDEN.into_response()
    };
    let provider = format!(" {}", site.provider);
    tell_browsers(response.headers_mut(), &provider, site.showcase.as_ref());
    response
}

/// Whether a request was meant for this site, and, where it has to be, sent by one of its pages.
fn check_sender(site: &RelyingSite, headers: &HeaderMap, without_origin: bool) -> (bool, bool) {
    let own = site.known.url.split_once("://").map_or("", |(_, rest)| rest);
    let is = |name: header::HeaderName, expected: &str| {
        headers.get(name).map(|value| value.as_bytes() == expected.as_bytes())
    };
    let origin = is(header::ORIGIN, &site.known.url).unwrap_or(without_origin);
    (is(header::HOST, own) == Some(true), origin)
}

fn shown(
    site: &RelyingSite,
    language: Language,
    visitor: Option<&Visitor>,
    say: Option<String>,
) -> Response {
    with_status(StatusCode::OK, pages::sites::home(site, language, visitor, say.as_deref()))
}

async fn home(State(site): State<Arc<RelyingSite>>, headers: HeaderMap) -> Response {
    shown(&site, Language::of(&headers), site.visitor(&headers).as_ref(), None)
}

async fn signed_out(State(site): State<Arc<RelyingSite>>, headers: HeaderMap) -> Response {
    if let Some(token) = cookie(&headers, &site.cookie_name("session")) {
        site.visitors.goes(token);
    }
    let language = Language::of(&headers);
    let said = texts::of(language).sites.signed_out.to_owned();
    with_cookie(shown(&site, language, None, Some(said)), site.set_cookie("session", "", 0))
}

/// The longest form that is read, in bytes.
const FORM_MAX: usize = 4096;

async fn choose_language(request: Request<Body>) -> Response {
    let Ok(body) = axum::body::to_bytes(request.into_body(), FORM_MAX).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    chosen(&Fields::of(&body)).unwrap_or_else(|error| error.into_response())
}

async fn sign_in(State(site): State<Arc<RelyingSite>>, headers: HeaderMap) -> Response {
    match site.begin().await {
        Ok((address, state)) => match go_to(&address) {
            Ok(response) => with_cookie(response, site.set_cookie("state", &state, 1200)),
            Err(error) => error.into_response(),
        },
        Err(reason) => failed(&site, Language::of(&headers), &reason),
    }
}

fn failed(site: &RelyingSite, language: Language, reason: &str) -> Response {
    let page = pages::sites::failed(site, language, reason);
    with_status(StatusCode::BAD_GATEWAY, page)
}

async fn callback(State(site): State<Arc<RelyingSite>>, request: Request<Body>) -> Response {
    let language = Language::of(request.headers());
    let fields = query(&request);
    // A state that this browser did not leave with is somebody else's way in.
    let state = fields.get("state").unwrap_or_default();
    let own = cookie(request.headers(), &site.cookie_name("state")) == Some(state);
    let Some(away) = site.visitors.returns(state).filter(|_| own) else {
        return failed(&site, language, "unknown state");
    };
    let Some(code) = fields.get("code") else {
        return failed(&site, language, fields.get("error").unwrap_or("no code"));
    };
    if fields.get("iss").is_some_and(|issuer| issuer != site.provider) {
        return failed(&site, language, "another issuer");
    }
    match site.finish(away, code.to_owned()).await {
        Ok(visitor) => {
            let token = CsrfToken::new_random_len(32).into_secret();
            site.visitors.enters(token.clone(), visitor);
            let response = go_to("/").unwrap_or_else(|error| error.into_response());
            let response = with_cookie(response, site.set_cookie("state", "", 0));
            with_cookie(response, site.set_cookie("session", &token, 3600))
        }
        Err(reason) => failed(&site, language, &reason),
    }
}

async fn sign_out(State(site): State<Arc<RelyingSite>>, request: Request<Body>) -> Response {
    let everywhere = request.uri().query() == Some("everywhere");
    if let Some(token) = cookie(request.headers(), &site.cookie_name("session")) {
        site.visitors.goes(token);
    }
    let next = if everywhere {
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("client_id", site.known.kind.client_id())
            .append_pair("post_logout_redirect_uri", &site.known.after_sign_out())
            .finish();
        format!("{}/end-session?{query}", site.provider)
    } else {
        "/signed-out".into()
    };
    let response = go_to(&next).unwrap_or_else(|error| error.into_response());
    with_cookie(response, site.set_cookie("session", "", 0))
}
