//! The service over HTTP.
//!
//! Two kinds of secrets stand at the beginning of each path (or in the header `Authorization`, as
//! `Bearer TOKEN`), and open different rooms:
//!
//! | who knows it | the secret | what it opens |
//! | --- | --- | --- |
//! | the test and its tools | [`Settings::token`] | everything; a page only if its origin is the service's own |
//! | the pages under test | [`Session::page_key`](crate::Session::page_key) | `/page` for that session, from any origin, and nothing else |
//!
//! A door is a [`Router`] with the [`Service`] as its state. Those for tests and tools are merged
//! in `control_doors`, those for pages in `page_doors`; what they need to know of the guard is that
//! a request comes to them with the secret taken off its path, and that those of pages carry
//! [`PageAccess`].

mod api;
mod devtools;
mod extract;
mod guard;
#[allow(unused_qualifications, reason = "utoipa writes out what `params` names")]
mod page;
mod panel;
mod refusal;
mod tpm_authority;
mod webdriver;
mod websocket;

use std::io;

use axum::{Router, serve::ListenerExt as _};
use tokio::net::TcpListener;

pub use self::{
    extract::Body,
    guard::{PageAccess, guarded},
    refusal::HttpRefusal,
    tpm_authority::tpm_authority,
};
use crate::{AccessToken, Service};

/// How the service is offered.
#[derive(Debug, Clone)]
pub struct Settings {
    /// What opens everything.
    pub token: AccessToken,
    /// The most bytes of a request's body.
    pub body_limit: usize,
}

impl Settings {
    /// With this token, and bodies of up to 1 MiB.
    #[must_use]
    pub const fn new(token: AccessToken) -> Self {
        Self { token, body_limit: 1 << 20 }
    }
}

/// Everything over HTTP, behind the guard. Serve it by [`serve`], or by hyper with upgrades.
pub fn router(service: Service, settings: Settings) -> Router {
    let control = control_doors(&service).with_state(service.clone());
    let page = page_doors().with_state(service.clone());
    guarded(service, settings, control, page)
}

/// The doors for tests and their tools. WebDriver's paths begin with `/session`, DevTools' with
/// `/devtools`, and the others with `/v1`.
fn control_doors(service: &Service) -> Router<Service> {
    Router::new()
        .merge(api::router())
        .merge(panel::router())
        .merge(webdriver::router(service))
        .merge(devtools::router())
}

/// The doors for pages under test, each path of which begins with `/page`.
fn page_doors() -> Router<Service> {
    page::router()
}

/// Serves until `stop` resolves; what is under way may end then.
///
/// # Errors
/// [`io::Error`] where the listener fails for good.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    // Of two answers over one WebSocket the second would wait until the first is acknowledged.
    let listener = listener.tap_io(|connection| {
        let _slower_at_worst = connection.set_nodelay(true);
    });
    axum::serve(listener, router).with_graceful_shutdown(stop).await
}
