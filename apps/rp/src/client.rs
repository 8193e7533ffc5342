//! The other end: asks a relying party over HTTP, one connection per request.

use std::{net::IpAddr, time::Duration};

use http::{Method, Request, StatusCode, Uri, header};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use towline_pages::{ExchangeError, exchange};

use crate::api::{
    ApiError, BeginRegistration, BeginSignIn, Begun, ErrorBody, Finish, KeyEntry, ListKeys,
    RegisteredKey, RemoveKey, RenameKey, RpStatus, SignedInKey,
};

/// How long an answer may take.
const ANSWER_TIME: Duration = Duration::from_secs(20);

/// Asks an [`RpServer`](crate::RpServer).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RpClient {
    authority: String,
    host: String,
    port: u16,
}

/// Why there was no good answer.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClientError {
    /// The address is not `http://HOST` or `http://HOST:PORT`.
    #[error("{0:?} is not the address of a relying party; it looks like http://localhost:8080")]
    Url(String),
    /// The address names this machine by a number, for which no passkey can be.
    #[error("{url} is an address without a name, for which there are no passkeys; use {instead}")]
    NoName {
        /// The address that was given.
        url: String,
        /// The same place by its name.
        instead: String,
    },
    /// Nothing answers there.
    #[error("no relying party answers at {authority}: {reason}; is `towline rp` running?")]
    Unreachable {
        /// Host and port.
        authority: String,
        /// What the system said.
        reason: String,
    },
    /// Whatever answers does not speak as a relying party.
    #[error("what answers at {authority} is not this kind of relying party: {reason}")]
    NotARelyingParty {
        /// Host and port.
        authority: String,
        /// What of its answer was unexpected.
        reason: String,
    },
    /// The relying party refused the request.
    #[error(transparent)]
    Refused(#[from] ApiError),
}

impl RpClient {
    /// A client of the relying party at a URL such as `http://localhost:8080`.
    ///
    /// # Errors
    /// [`ClientError::Url`], or [`ClientError::NoName`].
    pub fn new(url: &str) -> Result<Self, ClientError> {
        let bad = || ClientError::Url(url.to_owned());
        let uri: Uri = url.parse().map_err(|_| bad())?;
        let authority = uri.authority().ok_or_else(bad)?;
        let plain = uri.scheme_str() == Some("http")
            && matches!(uri.path(), "" | "/")
            && uri.query().is_none();
        if !plain || authority.as_str().contains('@') {
            return Err(bad());
        }
        let host =
            authority.host().trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase();
        let port = match authority.port() {
            Some(port) => port.as_u16(),
            None if authority.as_str().len() == authority.host().len() => 80,
            None => return Err(bad()),
        };
        if host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback()) {
            let instead = format!("http://localhost:{port}");
            return Err(ClientError::NoName { url: url.to_owned(), instead });
        }
        Ok(Self { authority: authority.as_str().to_ascii_lowercase(), host, port })
    }

    /// The origin of the URL, as client data names it: it comes from where the person went, not
    /// from what the relying party says about itself.
    #[must_use]
    pub fn origin(&self) -> String {
        let authority = match self.port {
            80 => self.authority.trim_end_matches(":80"),
            _ => self.authority.as_str(),
        };
        format!("http://{authority}")
    }

    /// All that the relying party knows.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn status(&self) -> Result<RpStatus, ClientError> {
        self.ask(Method::GET, "/status", Vec::new()).await
    }

    /// Begins to register a key, named 1 to 64 characters, for an account that may be new.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn begin_registration(
        &self,
        account: &str,
        key_name: &str,
    ) -> Result<Begun, ClientError> {
        let request = BeginRegistration { account: account.into(), key_name: key_name.into() };
        self.post("/register/begin", &request).await
    }

    /// Finishes a registration with a `RegistrationResponseJSON`.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn finish_registration(
        &self,
        ceremony: &str,
        credential: Value,
    ) -> Result<RegisteredKey, ClientError> {
        self.post("/register/finish", &Finish { ceremony: ceremony.into(), credential }).await
    }

    /// Begins to sign in: to an account (with an allow list of its keys), or to whichever a
    /// discoverable credential names.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn begin_sign_in(&self, account: Option<&str>) -> Result<Begun, ClientError> {
        self.post("/sign-in/begin", &BeginSignIn { account: account.map(Into::into) }).await
    }

    /// Finishes a sign-in with an `AuthenticationResponseJSON`.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn finish_sign_in(
        &self,
        ceremony: &str,
        credential: Value,
    ) -> Result<SignedInKey, ClientError> {
        self.post("/sign-in/finish", &Finish { ceremony: ceremony.into(), credential }).await
    }

    /// The keys of an account, oldest first.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn keys(&self, account: &str) -> Result<Vec<KeyEntry>, ClientError> {
        self.post("/keys/list", &ListKeys { account: account.into() }).await
    }

    /// Gives a key another name.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn rename_key(
        &self,
        account: &str,
        key: &str,
        name: &str,
    ) -> Result<KeyEntry, ClientError> {
        let request = RenameKey { account: account.into(), key: key.into(), name: name.into() };
        self.post("/keys/rename", &request).await
    }

    /// Removes a key: it no longer signs in.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn remove_key(&self, account: &str, key: &str) -> Result<KeyEntry, ClientError> {
        self.post("/keys/remove", &RemoveKey { account: account.into(), key: key.into() }).await
    }

    async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, ClientError> {
        let body = serde_json::to_vec(body).map_err(|error| self.strange(error))?;
        self.ask(Method::POST, path, body).await
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Vec<u8>,
    ) -> Result<T, ClientError> {
        let (status, body) = tokio::time::timeout(ANSWER_TIME, self.exchange(method, path, body))
            .await
            .map_err(|_| self.unreachable("no answer in time"))??;
        if status == StatusCode::OK {
            return serde_json::from_slice(&body).map_err(|error| self.strange(error));
        }
        match serde_json::from_slice::<ErrorBody>(&body) {
            Ok(refusal) => Err(refusal.error.into()),
            Err(_) => Err(self.strange(format_args!("status {status} without a reason"))),
        }
    }

    async fn exchange(
        &self,
        method: Method,
        path: &str,
        body: Vec<u8>,
    ) -> Result<(StatusCode, Vec<u8>), ClientError> {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, &self.authority)
            .header(header::CONTENT_TYPE, "application/json")
            .body(body)
            .map_err(|error| self.strange(error))?;
        match exchange(&self.host, self.port, request).await {
            Ok(response) => Ok((response.status(), response.into_body())),
            Err(ExchangeError::Unreachable(reason)) => Err(self.unreachable(reason)),
            Err(ExchangeError::Strange(reason)) => Err(self.strange(reason)),
        }
    }

    fn unreachable(&self, reason: impl std::fmt::Display) -> ClientError {
        ClientError::Unreachable { authority: self.authority.clone(), reason: reason.to_string() }
    }

    fn strange(&self, reason: impl std::fmt::Display) -> ClientError {
        ClientError::NotARelyingParty {
            authority: self.authority.clone(),
            reason: reason.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_origin_is_the_one_of_the_url() {
        for (url, origin) in [
            ("http://localhost:8080", "http://localhost:8080"),
            ("http://LOCALHOST:8080/", "http://localhost:8080"),
            ("http://localhost:80", "http://localhost"),
            ("http://localhost", "http://localhost"),
            ("http://192.0.2.1:9", "http://192.0.2.1:9"),
        ] {
            assert_eq!(RpClient::new(url).unwrap().origin(), origin);
        }
    }

    #[test]
    fn this_machine_has_a_name() {
        for (url, instead) in [
            ("http://127.0.0.1:8080", "http://localhost:8080"),
            ("http://[::1]:9/", "http://localhost:9"),
            ("http://127.0.0.1", "http://localhost:80"),
        ] {
            let told = RpClient::new(url).unwrap_err().to_string();
            assert!(told.starts_with(url) && told.ends_with(&format!("use {instead}")), "{told}");
        }
    }

    #[test]
    fn other_urls_are_refused() {
        for url in [
            "",
            "localhost",
            "localhost:8080",
            "https://localhost",
            "http://",
            "http://a@localhost",
            "http://localhost/x",
            "http://localhost:99999",
            "http://localhost?x",
            "FIDO:/123",
        ] {
            assert_eq!(RpClient::new(url), Err(ClientError::Url(url.into())), "{url}");
        }
    }
}
