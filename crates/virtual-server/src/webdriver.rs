//! The door of WebDriver: a remote end without a browser, whose sessions have virtual
//! authenticators (WebAuthn L3 §11, as of 30 July 2026). Its sessions are those of the service.

mod authenticator;
mod capabilities;
mod credential;
mod error;
mod members;
mod route;
mod timeouts;

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
};

use serde_json::{Map, Value, json};

use self::{
    capabilities::Capabilities,
    credential::Holder,
    error::{Error, ErrorCode},
    route::{Command, Route},
    timeouts::Timeouts,
};
use crate::{AuthenticatorId, Service, Session, SessionId, SwitchChange};

/// The remote end: a request in, a response out, without sockets.
///
/// ```
/// use towline_virtual_server::{Service, webdriver::RemoteEnd};
///
/// let remote_end = RemoteEnd::new(&Service::default());
/// let created = remote_end.answer("POST", "/session", br#"{"capabilities": {}}"#);
/// assert_eq!(created.status, 200);
/// let id = created.body["value"]["sessionId"].as_str().unwrap();
///
/// let path = format!("/session/{id}/webauthn/authenticator");
/// let refused = remote_end.answer("POST", &path, br#"{"protocol": "ctap2", "usb": true}"#);
/// assert_eq!(refused.body["value"]["error"], "invalid argument");
/// ```
pub struct RemoteEnd {
    service: Service,
    /// Those that somebody has set.
    timeouts: Mutex<BTreeMap<SessionId, Timeouts>>,
}

/// A response. `Debug` does not show its body, which may have private keys in it.
#[derive(Clone, PartialEq)]
pub struct WebDriverResponse {
    /// The HTTP status.
    pub status: u16,
    /// `{"value": ..}`.
    pub body: Value,
}

impl WebDriverResponse {
    /// The answer to a request whose body could not be read, for this reason.
    pub(crate) fn unread(status: u16, reason: &str) -> Self {
        Self { status, body: json!({ "value": Error::argument(reason).to_json() }) }
    }
}

impl RemoteEnd {
    /// The door to this service.
    #[must_use]
    pub fn new(service: &Service) -> Self {
        Self { service: service.clone(), timeouts: Mutex::default() }
    }

    /// Carries out the command of a request. The path has no query, and begins where the remote end
    /// does: `/session`. The body is read where the command has one.
    #[must_use]
    pub fn answer(&self, method: &str, path: &str, body: &[u8]) -> WebDriverResponse {
        let (status, value) = match self.result(method, path, body) {
            Ok(value) => (200, value),
            Err(error) => (error.code.status(), error.to_json()),
        };
        WebDriverResponse { status, body: json!({ "value": value }) }
    }

    fn result(&self, method: &str, path: &str, body: &[u8]) -> Result<Value, Error> {
        let route = Route::of(method, path)?;
        // That there is such a session is checked before anything is read.
        let session = route.session().map(|id| self.service.session(&SessionId::new(id)));
        let session = session.transpose()?;
        let parameters = if method == "POST" { parameters(body)? } else { Map::new() };
        match (route.command, session) {
            (Command::Status, _) => Ok(self.status()),
            (Command::NewSession, _) => self.new_session(&parameters),
            (_, Some(session)) => self.carry_out(&route, &session, &parameters),
            // Every other address has a session in it.
            (_, None) => Err(Error::new(ErrorCode::InvalidSessionId, "there is no session in it")),
        }
    }

    fn status(&self) -> Value {
        let most = self.service.limits().sessions;
        let ready = self.service.session_ids().len() < most;
        let message = if ready {
            "there is room for sessions".to_owned()
        } else {
            format!("there are {most} sessions already; delete some")
        };
        json!({ "ready": ready, "message": message })
    }

    fn new_session(&self, parameters: &Map<String, Value>) -> Result<Value, Error> {
        let capabilities = Capabilities::process(parameters)?;
        let session = self
            .service
            .new_session()
            .map_err(|error| Error::new(ErrorCode::SessionNotCreated, error.to_string()))?;
        self.set_timeouts(session.id(), capabilities.timeouts);
        Ok(json!({ "sessionId": session.id(), "capabilities": capabilities.to_json() }))
    }

    fn carry_out(
        &self,
        route: &Route,
        session: &Session,
        parameters: &Map<String, Value>,
    ) -> Result<Value, Error> {
        let authenticator = AuthenticatorId::new(route.authenticator());
        let holder = || -> Result<Holder, Error> {
            let can = session.abilities(&authenticator)?;
            let (has_resident_key, has_large_blob) = (can.resident_keys, can.large_blobs);
            Ok(Holder { has_resident_key, has_large_blob })
        };
        match route.command {
            Command::Status | Command::NewSession => {}
            Command::DeleteSession => {
                self.timeouts().remove(session.id());
                self.service.end_session(session.id())?;
            }
            Command::GetTimeouts => {
                let set = self.timeouts().get(session.id()).copied();
                return Ok(set.unwrap_or_default().to_json());
            }
            Command::SetTimeouts => {
                let set = self.timeouts().get(session.id()).copied().unwrap_or_default();
                self.set_timeouts(session.id(), set.changed(parameters)?);
            }
            Command::AddVirtualAuthenticator => {
                let options = authenticator::options(parameters)?;
                return Ok(json!(session.add_authenticator(options)?));
            }
            Command::RemoveVirtualAuthenticator => session.remove_authenticator(&authenticator)?,
            Command::AddCredential => {
                let credential = credential::read(parameters, holder)?;
                session.add_credential(&authenticator, &credential)?;
            }
            Command::GetCredentials => {
                let all = session.credentials(&authenticator)?;
                return Ok(all.iter().map(credential::written).collect());
            }
            Command::RemoveCredential => {
                holder()?;
                session.remove_credential(&authenticator, &credential::id(route.credential())?)?;
            }
            Command::RemoveAllCredentials => session.remove_credentials(&authenticator)?,
            Command::SetUserVerified => {
                holder()?;
                let is_user_verified = Some(authenticator::is_user_verified(parameters)?);
                let change = SwitchChange { is_user_verified, ..SwitchChange::default() };
                session.set_switches(&authenticator, change)?;
            }
            Command::SetCredentialProperties => {
                let id = credential::id(route.credential())?;
                session.credential(&authenticator, &id)?;
                let change = credential::properties(parameters)?;
                session.change_credential(&authenticator, &id, change)?;
            }
        }
        Ok(Value::Null)
    }

    fn timeouts(&self) -> MutexGuard<'_, BTreeMap<SessionId, Timeouts>> {
        self.timeouts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set_timeouts(&self, id: &SessionId, set: Timeouts) {
        let mut timeouts = self.timeouts();
        if set == Timeouts::default() {
            timeouts.remove(id);
            return;
        }
        // Sessions end through other doors, too.
        if timeouts.len() > self.service.limits().sessions {
            let there = self.service.session_ids();
            timeouts.retain(|id, _| there.contains(id));
        }
        timeouts.insert(id.clone(), set);
    }
}

impl fmt::Debug for RemoteEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemoteEnd").finish_non_exhaustive()
    }
}

impl fmt::Debug for WebDriverResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebDriverResponse").field("status", &self.status).finish_non_exhaustive()
    }
}

/// The body of a command: an object in JSON, in UTF-8, with a byte order mark or without.
fn parameters(body: &[u8]) -> Result<Map<String, Value>, Error> {
    let text = String::from_utf8_lossy(body);
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    match serde_json::from_str(text) {
        Ok(Value::Object(parameters)) => Ok(parameters),
        Ok(_) => Err(Error::argument("the body must be an object")),
        Err(error) => Err(Error::argument(format!("the body is no JSON: {error}"))),
    }
}
