//! The token and user-info endpoints: what a site asks for itself.

use std::{sync::Arc, time::Instant};

use axum::{
    body::Body,
    extract::{Request, State},
    response::{IntoResponse as _, Response},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{StatusCode, header};
use serde_json::{Value, json};

use super::{TOKEN_LIFETIME, authorize::Grant};
use crate::{
    ApiError, SiteEvent,
    api::unknown_ceremony,
    programs::Json,
    site::{Site, lock},
    store::{
        accounts::{self, StoredAccount},
        sign_ins::How,
    },
    web::{Fields, fields_of},
};

fn refused(status: StatusCode, code: &str) -> Response {
    (status, Json(json!({ "error": code }))).into_response()
}

/// Gives tokens for a code (RFC 6749 §4.1.3, RFC 7636 §4.6), once.
pub(super) async fn redeem(
    State(site): State<Arc<Site>>,
    request: Request<Body>,
) -> Result<Response, ApiError> {
    let fields = fields_of(&site, request).await?;
    if fields.get("grant_type") != Some("authorization_code") {
        return Ok(refused(StatusCode::BAD_REQUEST, "unsupported_grant_type"));
    }
    let code = fields.get("code").unwrap_or_default();
    let grant = lock(&site.oidc.codes).take(code, Instant::now());
    let Some(grant) = grant.filter(|grant| is_for(&site, grant, &fields)) else {
        return Ok(refused(StatusCode::BAD_REQUEST, "invalid_grant"));
    };
    let account = account_of(&site, &grant).await?;
    let access = URL_SAFE_NO_PAD.encode(site.random::<32>()?);
    let id_token = site.oidc.signer.sign(&claims(&site, &grant, &account, &access))?;
    let at = grant.site.url.clone();
    lock(&site.oidc.tokens).insert(access.clone(), grant, Instant::now());
    site.tell(SiteEvent::Vouched { account: account.name.clone(), site: at });
    Ok(Json(json!({
        "access_token": access,
        "token_type": "Bearer",
        "expires_in": TOKEN_LIFETIME,
        "id_token": id_token,
        "scope": "openid email profile",
    }))
    .into_response())
}

/// Whether a code was made for whoever sends this.
fn is_for(site: &Site, grant: &Grant, fields: &Fields) -> bool {
    let verifier = fields.get("code_verifier").unwrap_or_default();
    let challenge = URL_SAFE_NO_PAD.encode(site.provider.sha256.hash(&[verifier.as_bytes()]));
    fields.get("client_id") == Some(grant.site.kind.client_id())
        && fields.get("redirect_uri") == Some(&grant.site.callback())
        && challenge == grant.challenge
}

async fn account_of(site: &Site, grant: &Grant) -> Result<StoredAccount, ApiError> {
    let id = grant.account;
    let found = site.store.run(move |db| accounts::by_id(db, id)).await?;
    found.ok_or_else(unknown_ceremony)
}

/// The person's number at a site: another one at each, so that sites can't compare them.
fn subject(site: &Site, grant: &Grant, account: &StoredAccount) -> String {
    let client = grant.site.kind.client_id();
    let key = site.provider.hmac.key(&site.oidc.subjects);
    URL_SAFE_NO_PAD.encode(key.sign(&[client.as_bytes(), &[0], &account.handle]))
}

/// The ID token (OpenID Connect Core §2, §3.1.3.6).
fn claims(site: &Site, grant: &Grant, account: &StoredAccount, access: &str) -> Value {
    let now = site.now();
    let hash = site.provider.sha256.hash(&[access.as_bytes()]);
    // RFC 8176.
    let methods: &[&str] = match grant.how {
        How::Key => &["pop", "user", "mfa"],
        How::Password => &["pwd"],
        How::Both => &["pwd", "pop", "user", "mfa"],
    };
    let mut claims = json!({
        "iss": site.identity.origin,
        "aud": grant.site.kind.client_id(),
        "iat": now,
        "exp": now.saturating_add(TOKEN_LIFETIME),
        "auth_time": grant.verified,
        "amr": methods,
        "at_hash": URL_SAFE_NO_PAD.encode(hash.get(..16).unwrap_or_default()),
    });
    if let Some(all) = claims.as_object_mut() {
        all.extend(person(site, grant, account));
        if let Some(nonce) = &grant.nonce {
            all.insert("nonce".into(), nonce.as_str().into());
        }
    }
    claims
}

fn person(site: &Site, grant: &Grant, account: &StoredAccount) -> serde_json::Map<String, Value> {
    let mut claims = serde_json::Map::new();
    claims.insert("sub".into(), subject(site, grant, account).into());
    claims.insert("name".into(), account.called().into());
    if account.name.contains('@') {
        claims.insert("email".into(), account.name.as_str().into());
        // Nobody wrote to it.
        claims.insert("email_verified".into(), false.into());
    }
    claims
}

/// Who a token is about (OpenID Connect Core §5.3).
pub(super) async fn user_info(
    State(site): State<Arc<Site>>,
    request: Request<Body>,
) -> Result<Response, ApiError> {
    let said = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = said.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default();
    let grant = lock(&site.oidc.tokens).get_mut(token, Instant::now()).cloned();
    let Some(grant) = grant else {
        let mut response = refused(StatusCode::UNAUTHORIZED, "invalid_token");
        let challenge = http::HeaderValue::from_static("Bearer error=\"invalid_token\"");
        response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        return Ok(response);
    };
    let account = account_of(&site, &grant).await?;
    Ok(Json(Value::Object(person(&site, &grant, &account))).into_response())
}
