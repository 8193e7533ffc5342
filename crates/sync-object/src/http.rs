//! The requests below the stores: TLS as everywhere in towline, a deadline, and no more of an
//! answer than there may be.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use http_body_util::{BodyExt, Limited};
use object_store::{
    ClientOptions,
    client::{
        ClientConfigKey, HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest,
        HttpResponse, HttpResponseBody, HttpService,
    },
};
use reqwest::{
    Client, Method, StatusCode,
    header::{AUTHORIZATION, HeaderMap, HeaderValue},
    redirect,
};
use rustls::{ClientConfig, crypto::ring};
use rustls_platform_verifier::BuilderVerifierExt;

use crate::RemoteError;

/// An answer that is final, whichever engine asked: they don't all tell it on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Final {
    /// The credentials, or what is asked with them.
    #[error("the store refuses this (HTTP status 401 or 403)")]
    Refused,
    /// To be changed. Who asks may read.
    #[error("the store refuses to be changed (HTTP status 403 or 405)")]
    ReadOnly,
    /// An object, for ever.
    #[error("the store takes no such object")]
    NotTaken,
    /// There is no room (RFC 4918 §11.5).
    #[error("the store is full (HTTP status 507)")]
    Full,
    /// It is a server of something else.
    #[error("the server knows no WebDAV (HTTP status 405)")]
    NoWebDav,
    /// The bucket or folder of a listing is not there.
    #[error("the store has no such bucket or folder (HTTP status 404)")]
    Absent,
    /// The clocks of the two are too far apart.
    #[error("the clock of this machine is wrong, the store says")]
    Clock,
    /// The credentials were good for a time.
    #[error("the credentials have expired, the store says")]
    Expired,
    /// The bucket is elsewhere.
    #[error("the bucket is in another region, the store says")]
    WrongRegion,
    /// To write only what is absent, for one.
    #[error("the store can't do this (HTTP status 501)")]
    NotImplemented,
}

impl Final {
    /// What is at the bottom of an error.
    pub(crate) fn of(error: &object_store::Error) -> Option<Self> {
        let mut next: Option<&(dyn std::error::Error + 'static)> = Some(error);
        while let Some(error) = next {
            if let Some(found) = error.downcast_ref() {
                return Some(*found);
            }
            next = error.source();
        }
        None
    }
}

/// How long an object may be, and what is beside it in an answer, in bytes.
const LARGEST: usize = (64 << 20) + 4096;
/// How long a page of a listing may be, or what comes of another request. One of S3 has 1000 names.
const LARGEST_PAGE: usize = 8 << 20;
/// How many bytes a second are expected of a line on which something large is sent.
const SLOWEST: u64 = 32 << 10;

/// Makes the clients of the stores.
#[derive(Debug, Clone)]
pub(crate) struct Connector {
    tls: ClientConfig,
    headers: HeaderMap,
    patience: Duration,
}

impl Connector {
    /// For requests whose answers begin within this time.
    pub(crate) fn new(patience: Duration) -> Result<Self, RemoteError> {
        let mut tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .and_then(BuilderVerifierExt::with_platform_verifier)
            .map_err(|error| RemoteError::Machine(error.into()))?
            .with_no_client_auth();
        tls.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { tls, headers: HeaderMap::new(), patience })
    }

    /// With this user and password in each request (RFC 7617).
    pub(crate) fn signed_in(mut self, user: &str, password: &str) -> Self {
        let both = format!("Basic {}", BASE64_STANDARD.encode(format!("{user}:{password}")));
        // Base64 is what a header may have.
        if let Ok(mut value) = HeaderValue::from_str(&both) {
            value.set_sensitive(true);
            self.headers.insert(AUTHORIZATION, value);
        }
        self
    }
}

impl HttpConnector for Connector {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        let plain = options.get_config_value(&ClientConfigKey::AllowHttp);
        let client = Client::builder()
            .tls_backend_preconfigured(self.tls.clone())
            .https_only(plain.as_deref() != Some("true"))
            .http1_only()
            .redirect(redirect::Policy::none())
            .default_headers(self.headers.clone())
            .connect_timeout(self.patience)
            .pool_idle_timeout(Duration::from_secs(60))
            .build();
        let client = client.map_err(|source| object_store::Error::Generic {
            store: "HTTP client",
            source: source.into(),
        })?;
        Ok(HttpClient::new(Bounded { client, patience: self.patience }))
    }
}

#[derive(Debug)]
struct Bounded {
    client: Client,
    patience: Duration,
}

#[async_trait]
impl HttpService for Bounded {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let length = u64::try_from(request.body().content_length()).unwrap_or(u64::MAX);
        let time = self.patience.saturating_add(Duration::from_secs(length / SLOWEST));
        let object = *request.method() == Method::GET && request.uri().query().is_none();
        let limit = if object { LARGEST } else { LARGEST_PAGE };
        let lists_folder = request.method().as_str() == "PROPFIND";
        let lists = lists_folder || (*request.method() == Method::GET && !object);
        let makes_folder = request.method().as_str() == "MKCOL";
        let puts = *request.method() == Method::PUT;
        let changes = puts || makes_folder || *request.method() == Method::DELETE;
        let answered = tokio::time::timeout(time, self.client.call(request)).await;
        let answer = answered.map_err(|late| HttpError::new(HttpErrorKind::Timeout, late))??;
        let (mut parts, body) = answer.into_parts();
        let found = match parts.status {
            // It is there: another device has made it just now (RFC 4918 §9.3.1).
            StatusCode::METHOD_NOT_ALLOWED if makes_folder => {
                parts.status = StatusCode::CREATED;
                None
            }
            StatusCode::FORBIDDEN | StatusCode::METHOD_NOT_ALLOWED if changes => {
                Some(Final::ReadOnly)
            }
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Some(Final::Refused),
            StatusCode::METHOD_NOT_ALLOWED if lists_folder => Some(Final::NoWebDav),
            StatusCode::NOT_IMPLEMENTED => Some(Final::NotImplemented),
            StatusCode::NOT_FOUND if lists => Some(Final::Absent),
            StatusCode::INSUFFICIENT_STORAGE => Some(Final::Full),
            StatusCode::PAYLOAD_TOO_LARGE
            | StatusCode::URI_TOO_LONG
            | StatusCode::UNPROCESSABLE_ENTITY
                if puts =>
            {
                Some(Final::NotTaken)
            }
            _ => None,
        };
        let body = Limited::new(body, limit).map_err(|error| match error.downcast() {
            Ok(error) => *error,
            Err(too_long) => HttpError::new_boxed(HttpErrorKind::Decode, too_long),
        });
        let body = HttpResponseBody::new(body);
        let says_more = matches!(
            parts.status,
            StatusCode::MOVED_PERMANENTLY | StatusCode::BAD_REQUEST | StatusCode::FORBIDDEN
        );
        if let Some(found) = found.filter(|_| !says_more) {
            return Err(HttpError::new(HttpErrorKind::Unknown, found));
        }
        if !lists && !says_more {
            return Ok(HttpResponse::from_parts(parts, body));
        }
        // Whoever refuses says why at once, or is known to refuse.
        let collected = match says_more {
            true => tokio::time::timeout(self.patience, body.collect()).await,
            false => Ok(body.collect().await),
        };
        let collected =
            collected.unwrap_or_else(|late| Err(HttpError::new(HttpErrorKind::Timeout, late)));
        let page = match (collected, found) {
            (Ok(page), _) => page.to_bytes(),
            (Err(_), Some(found)) => return Err(HttpError::new(HttpErrorKind::Unknown, found)),
            (Err(error), None) => return Err(error),
        };
        let said = if says_more { said(&page, puts) } else { None };
        if let Some(found) = said.or(found) {
            return Err(HttpError::new(HttpErrorKind::Unknown, found));
        }
        if lists && is_cut(&page) {
            return Err(HttpError::new(HttpErrorKind::Decode, Cut));
        }
        Ok(HttpResponse::from_parts(parts, HttpResponseBody::from(page)))
    }
}

/// The S3 API has few statuses, each for much, and codes for what is the matter.
const CODES: [(&str, Final); 4] = [
    ("RequestTimeTooSkewed", Final::Clock),
    ("ExpiredToken", Final::Expired),
    ("AuthorizationHeaderMalformed", Final::WrongRegion),
    ("PermanentRedirect", Final::WrongRegion),
];

/// The same of an object that is put.
const CODES_OF_OBJECTS: [&str; 3] = ["EntityTooLarge", "KeyTooLongError", "InvalidObjectName"];

/// What an answer says beside its status.
fn said(answer: &[u8], puts: bool) -> Option<Final> {
    let answer = std::str::from_utf8(answer).unwrap_or_default();
    let says = |code: &str| answer.contains(&format!("<Code>{code}</Code>"));
    let not_taken = puts && CODES_OF_OBJECTS.into_iter().any(says);
    let known = CODES.into_iter().find_map(|(code, found)| says(code).then_some(found));
    known.or(not_taken.then_some(Final::NotTaken))
}

/// A page of a listing that says that there are more, and not where.
#[derive(Debug, thiserror::Error)]
#[error("the store has more names than it lists")]
struct Cut;

/// The engines go by the token alone, and would take the page for the last one.
fn is_cut(page: &[u8]) -> bool {
    let page = std::str::from_utf8(page).unwrap_or_default();
    let token = page.split_once("<NextContinuationToken>").map(|(_, rest)| rest);
    page.contains("<IsTruncated>true</IsTruncated>")
        && token.is_none_or(|token| token.starts_with('<'))
}
