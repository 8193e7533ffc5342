//! An OpenID provider (OpenID Connect Core 1.0): the code flow with PKCE, and nothing else.
//!
//! The sites that may use it are told at the start. They have no secrets: the code comes back to
//! the address that was told, and is of use only to whoever made the PKCE verifier.

pub(crate) mod authorize;
mod end_session;
mod jws;
mod token;

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    extract::State,
    response::{IntoResponse as _, Response},
    routing::{get, post},
};
use serde_json::{Value, json};

use crate::{
    ApiError, RpLimits,
    pending::Pending,
    programs::Json,
    site::Site,
    sites::KnownSite,
    store::{Store, secrets},
};
use authorize::{Grant, Waiting};
use jws::Signer;

/// How long somebody may take to sign in for a site.
const REQUEST_LIFETIME: Duration = Duration::from_secs(15 * 60);

/// How long a code may be redeemed (RFC 6749 §4.1.2 allows ten minutes).
const CODE_LIFETIME: Duration = Duration::from_secs(60);

/// How long tokens are good, in seconds.
const TOKEN_LIFETIME: i64 = 300;

/// What the provider knows beside accounts and sessions.
pub(crate) struct OpenIdProvider {
    pub(crate) sites: Vec<KnownSite>,
    signer: Signer,
    /// Makes another number of a person for each site.
    subjects: Vec<u8>,
    waiting: Mutex<Pending<Waiting>>,
    codes: Mutex<Pending<Grant>>,
    tokens: Mutex<Pending<Grant>>,
}

impl OpenIdProvider {
    /// A provider for these sites; its signing key is kept with the data.
    pub(crate) async fn new(
        store: &Store,
        provider: &towline_crypto::CryptoProvider,
        sites: Vec<KnownSite>,
        limits: &RpLimits,
    ) -> Result<Self, ApiError> {
        let fresh = Signer::generate(provider)?;
        let key = store.run(|db| secrets::get_or_make(db, "signing key", fresh)).await?;
        let subjects = secrets::random(store, provider, "subjects").await?;
        let pending = limits.challenges;
        Ok(Self {
            sites,
            signer: Signer::load(provider, &key)?,
            subjects,
            waiting: Mutex::new(Pending::new(REQUEST_LIFETIME, pending)),
            codes: Mutex::new(Pending::new(CODE_LIFETIME, pending)),
            tokens: Mutex::new(Pending::new(
                Duration::from_secs(TOKEN_LIFETIME.unsigned_abs()),
                pending,
            )),
        })
    }

    /// The site that a client id names.
    fn site(&self, client_id: &str) -> Option<&KnownSite> {
        self.sites.iter().find(|site| site.kind.client_id() == client_id)
    }
}

/// The provider's addresses.
pub(crate) fn router() -> Router<Arc<Site>> {
    Router::new()
        .route("/.well-known/openid-configuration", get(configuration))
        .route("/jwks", get(keys))
        .route("/authorize", get(authorize::begin))
        .route("/authorize/continue", get(authorize::go_on))
        .route("/token", post(token::redeem))
        .route("/userinfo", get(token::user_info).post(token::user_info))
        .route("/end-session", get(end_session::ask).post(end_session::end))
}

async fn configuration(State(site): State<Arc<Site>>) -> Response {
    let origin = &site.identity.origin;
    Json(json!({
        "issuer": origin,
        "authorization_endpoint": format!("{origin}/authorize"),
        "token_endpoint": format!("{origin}/token"),
        "userinfo_endpoint": format!("{origin}/userinfo"),
        "jwks_uri": format!("{origin}/jwks"),
        "end_session_endpoint": format!("{origin}/end-session"),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["ES256"],
        "token_endpoint_auth_methods_supported": ["none"],
        "code_challenge_methods_supported": ["S256"],
        "scopes_supported": ["openid", "email", "profile"],
        "claims_supported": [
            "sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "amr", "email", "name",
        ],
        "prompt_values_supported": ["none", "login"],
        "authorization_response_iss_parameter_supported": true,
        "request_parameter_supported": false,
        "request_uri_parameter_supported": false,
    }))
    .into_response()
}

async fn keys(State(site): State<Arc<Site>>) -> Response {
    let key: &Value = site.oidc.signer.public_key();
    Json(json!({ "keys": [key] })).into_response()
}
