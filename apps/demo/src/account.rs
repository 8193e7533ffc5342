//! The people of the demonstration at the site, who sign in with a password as they did so far.

use http::{HeaderMap, Request, StatusCode, header};
use serde::Deserialize;
use towline_pages::exchange;
use url::{Url, form_urlencoded};

/// The password of all accounts. It is on the page.
pub(crate) const PASSWORD: &str = "open-sesame-2026";

/// How the tour signs in, for the site's log.
const TOUR: &str = "towline-tour/1";

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

/// The cookies with which nobody is signed in, at the site or at those that sign in through it.
pub(crate) fn nobody(site: &Url, others: &[String]) -> Vec<String> {
    let port = site.port_or_known_default().unwrap_or_default();
    let others = others.iter().filter_map(|url| url.rsplit(':').next());
    std::iter::once(format!("towline-rp-{port}"))
        .chain(others.map(|port| format!("towline-site-{port}-session")))
        .map(|name| format!("{name}=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0"))
        .collect()
}

/// Sends a form as a browser does, and gives the headers of the answer, which leads elsewhere.
async fn send(site: &Url, path: &str, fields: &[(&str, &str)]) -> Result<HeaderMap, String> {
    let said = |error: &dyn std::fmt::Display| error.to_string();
    let place = site.join(path).map_err(|error| said(&error))?;
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    let request = Request::post(place.as_str())
        .header(header::ORIGIN, site.origin().ascii_serialization())
        .header(header::ACCEPT, "text/html")
        .header(header::USER_AGENT, TOUR)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(body.into_bytes())
        .map_err(|error| said(&error))?;
    let (host, port) = (site.host_str().unwrap_or_default(), site.port_or_known_default());
    let answer = exchange(host, port.unwrap_or_default(), request).await;
    let answer = answer.map_err(|error| said(&error))?;
    if answer.status() != StatusCode::SEE_OTHER {
        return Err(format!("the site answers {} to {path}", answer.status()));
    }
    Ok(answer.headers().clone())
}
