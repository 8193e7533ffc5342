//! The people of the demonstration at the site, who sign in with a password as they did so far.

use http::{HeaderMap, Request, StatusCode, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::{body::Bytes, client::conn::http1};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use tokio::net::TcpStream;
use url::{Url, form_urlencoded};

/// The longest page that is read, in bytes.
const PAGE_MAX: usize = 1 << 20;

/// The password of all accounts. It is on the page.
pub(crate) const PASSWORD: &str = "open-sesame-2026";

/// An account at the site.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Account {
    /// The one that Anna has for herself.
    Home,
    /// The one that she has for her work.
    Work,
}

impl Account {
    pub(crate) const ALL: [Self; 2] = [Self::Home, Self::Work];

    pub(crate) const fn email(self) -> &'static str {
        match self {
            Self::Home => "anna@example.org",
            Self::Work => "anna@work.example",
        }
    }

    const fn called(self) -> &'static str {
        match self {
            Self::Home => "Anna Holm",
            Self::Work => "Anna Holm (work)",
        }
    }

    /// Makes the account.
    pub(crate) async fn joins(self, site: &Url) -> Result<(), String> {
        let fields = [("email", self.email()), ("called", self.called()), ("password", PASSWORD)];
        send(site, "/join", &fields).await.map(drop)
    }

    /// Signs in with the password, and gives the cookie of the session.
    pub(crate) async fn signs_in(self, site: &Url) -> Result<String, String> {
        let asked = send(site, "/sign-in", &[("email", self.email())]).await?;
        let place = asked.get(header::LOCATION).and_then(|place| place.to_str().ok());
        let step = place.and_then(|place| place.split_once("step=")).map(|(_, step)| step);
        let step = step.ok_or("the site does not ask for a password")?.to_owned();
        let fields = [("step", step.as_str()), ("password", PASSWORD)];
        let signed_in = send(site, "/sign-in/password", &fields).await?;
        let cookies = signed_in.get_all(header::SET_COOKIE).iter();
        let mut cookies = cookies.filter_map(|cookie| cookie.to_str().ok());
        let cookie = cookies.find(|cookie| cookie.starts_with("towline-rp-"));
        Ok(cookie.ok_or("the site does not let them in")?.to_owned())
    }
}

/// The cookie with which nobody is signed in.
pub(crate) fn nobody(site: &Url) -> String {
    let port = site.port_or_known_default().unwrap_or_default();
    format!("towline-rp-{port}=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0")
}

/// Sends a form as a browser does, and gives the headers of the answer, which leads elsewhere.
async fn send(site: &Url, path: &str, fields: &[(&str, &str)]) -> Result<HeaderMap, String> {
    let authority = site.authority().to_owned();
    let origin = site.origin().ascii_serialization();
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    let request = Request::post(path)
        .header(header::HOST, &authority)
        .header(header::ORIGIN, origin)
        .header(header::ACCEPT, "text/html")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(header::CONNECTION, "close")
        .body(Full::new(Bytes::from(body)))
        .map_err(|error| error.to_string())?;
    let address = site.socket_addrs(|| None).map_err(|error| error.to_string())?;
    let stream = TcpStream::connect(address.as_slice()).await.map_err(|error| error.to_string())?;
    let (mut sender, connection) =
        http1::handshake(TokioIo::new(stream)).await.map_err(|error| error.to_string())?;
    let answer = async {
        let response = sender.send_request(request).await.map_err(|error| error.to_string())?;
        let (parts, body) = response.into_parts();
        // Read to its end, so that the connection ends in good order.
        Limited::new(body, PAGE_MAX).collect().await.map_err(|error| error.to_string())?;
        if parts.status != StatusCode::SEE_OTHER {
            return Err(format!("the site answers {} to {path}", parts.status));
        }
        Ok(parts.headers)
    };
    tokio::pin!(answer);
    tokio::select! {
        answer = &mut answer => answer,
        _ = connection => answer.await,
    }
}
