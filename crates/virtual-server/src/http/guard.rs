//! Who gets in: one layer around all doors.
//!
//! - The header `Host` must name this machine: no name of somebody else's that was pointed at it.
//! - The token must be right. How long it takes to see that tells nothing of it.
//! - A page gets in with the token only if its origin is the service's own. With the key of its
//!   session it gets in from any origin, but only to what is below `/page`.

use axum::{
    Router,
    body::Body,
    extract::{DefaultBodyLimit, Request},
    http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header, uri::PathAndQuery},
    response::{IntoResponse, Response},
};
use tower_service::Service as _;

use super::{HttpRefusal, Settings};
use crate::{Service, Session};

/// The session whose pages may come in by the key that a request brought. An extension of the
/// requests that doors for pages get.
#[derive(Debug, Clone)]
pub struct PageAccess {
    /// The session whose authenticators the page may use.
    pub session: Session,
}

/// Who asks, as far as the token tells.
enum Access {
    /// A test, or its tools.
    Control,
    /// A page of this session.
    Page(Session),
}

#[derive(Clone)]
struct Guard {
    service: Service,
    settings: Settings,
    control: Router,
    page: Router,
}

/// The guard before doors of any kind: those for whoever has the token, and those for the pages of
/// the service's sessions, each path of which begins with `/page`.
pub fn guarded(service: Service, settings: Settings, control: Router, page: Router) -> Router {
    let limit = DefaultBodyLimit::max(settings.body_limit);
    let unknown = || async {
        let message = "nothing has this path; /openapi.json lists what there is";
        HttpRefusal::new(StatusCode::NOT_FOUND, "path", message)
    };
    let wrong_method = || async {
        let message = "this path has other methods; /openapi.json lists them";
        HttpRefusal::new(StatusCode::METHOD_NOT_ALLOWED, "method", message)
    };
    let dress = |doors: Router| {
        doors.fallback(unknown).method_not_allowed_fallback(wrong_method).layer(limit)
    };
    let guard = Guard { service, settings, control: dress(control), page: dress(page) };
    Router::new().fallback(move |request: Request| guard.clone().let_in(request))
}

impl Guard {
    async fn let_in(self, mut request: Request) -> Response {
        let access = match self.access(&mut request) {
            Ok(access) => access,
            Err(refusal) => return refusal.into_response(),
        };
        match access {
            Access::Control => {
                if let Err(refusal) = check_origin(request.headers()) {
                    return refusal.into_response();
                }
                let Self { mut control, .. } = self;
                answer(control.call(request).await)
            }
            Access::Page(session) => self.page(session, request).await,
        }
    }

    /// Who asks, by the token, which is taken off the path.
    fn access(&self, request: &mut Request) -> Result<Access, HttpRefusal> {
        check_host(request)?;
        let bearer = request.headers().get(header::AUTHORIZATION).and_then(|it| it.to_str().ok());
        let bearer = bearer.and_then(|value| value.strip_prefix("Bearer "));
        if let Some(access) = bearer.and_then(|token| self.known(token)) {
            return Ok(access);
        }
        let path = request.uri().path();
        let (token, rest) = path.trim_start_matches('/').split_once('/').unwrap_or((path, ""));
        let token = token.trim_start_matches('/');
        let Some(access) = self.known(token) else {
            let message = "the address lacks the token, or has a wrong one; the program prints the \
                           whole address when it starts";
            return Err(HttpRefusal::new(StatusCode::UNAUTHORIZED, "token", message));
        };
        // Clients put an address that ends with a slash before paths that begin with one.
        let rest = rest.trim_start_matches('/');
        let rest = match request.uri().query() {
            Some(query) => format!("/{rest}?{query}"),
            None => format!("/{rest}"),
        };
        let bad = |_| HttpRefusal::new(StatusCode::BAD_REQUEST, "path", "the path can't be used");
        *request.uri_mut() = Uri::from(PathAndQuery::try_from(rest).map_err(bad)?);
        Ok(access)
    }

    fn known(&self, token: &str) -> Option<Access> {
        if self.settings.token.is(token) {
            return Some(Access::Control);
        }
        self.service.session_of_page(token).map(Access::Page)
    }

    /// A page of whatever origin, which sees what it may see and nothing else.
    async fn page(self, session: Session, mut request: Request) -> Response {
        let origin = request.headers().get(header::ORIGIN).cloned();
        let preflight = request.method() == Method::OPTIONS
            && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
        let mut response = if preflight {
            StatusCode::NO_CONTENT.into_response()
        } else if request.uri().path().starts_with("/page") {
            request.extensions_mut().insert(PageAccess { session });
            let Self { mut page, .. } = self;
            answer(page.call(request).await)
        } else {
            let message = "the key of a session is for its pages, and opens nothing but /page";
            HttpRefusal::new(StatusCode::FORBIDDEN, "token", message).into_response()
        };
        let headers = response.headers_mut();
        let mut set = |name, value: &'static str| {
            headers.insert(name, HeaderValue::from_static(value));
        };
        set(header::VARY, "origin");
        set(header::HeaderName::from_static("cross-origin-resource-policy"), "cross-origin");
        if preflight {
            set(header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST, DELETE");
            set(header::ACCESS_CONTROL_ALLOW_HEADERS, "content-type");
            set(header::ACCESS_CONTROL_MAX_AGE, "600");
            // Pages of public sites under test may reach this machine.
            let private = header::HeaderName::from_static("access-control-allow-private-network");
            set(private, "true");
        }
        let origin = origin.unwrap_or(HeaderValue::from_static("*"));
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        response
    }
}

fn answer(result: Result<Response<Body>, std::convert::Infallible>) -> Response {
    match result {
        Ok(response) => response,
        Err(never) => match never {},
    }
}

/// Whether the request was meant for this machine: a page can point a name of its own at it.
fn check_host(request: &Request) -> Result<(), HttpRefusal> {
    let host = request.headers().get(header::HOST).and_then(|it| it.to_str().ok());
    let authority = host.or_else(|| request.uri().authority().map(|it| it.as_str()));
    let name = authority.map(|it| match it.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => it,
    });
    let several = request.headers().get_all(header::HOST).iter().count() > 1;
    match name.filter(|_| !several) {
        Some("localhost" | "127.0.0.1" | "[::1]") => Ok(()),
        _ => {
            let message = "the service answers to localhost, 127.0.0.1 and [::1] alone; use the \
                           address that the program prints";
            Err(HttpRefusal::new(StatusCode::MISDIRECTED_REQUEST, "host", message))
        }
    }
}

/// With the token, only the service's own page gets in; programs send no origin.
fn check_origin(headers: &HeaderMap) -> Result<(), HttpRefusal> {
    let Some(origin) = headers.get(header::ORIGIN) else {
        return Ok(());
    };
    let host = headers.get(header::HOST).and_then(|it| it.to_str().ok()).unwrap_or_default();
    let own = origin.to_str().is_ok_and(|origin| origin.strip_prefix("http://") == Some(host));
    if own {
        return Ok(());
    }
    let message = "a page of another origin can't use the token; give it the key of its session";
    Err(HttpRefusal::new(StatusCode::FORBIDDEN, "origin", message))
}
