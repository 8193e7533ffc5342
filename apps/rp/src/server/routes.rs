//! One function per request.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use http::{Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::{Bytes, Incoming};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use towline_webauthn_rp::check_user_handle;

use super::{Registration, SignIn, Site};
use crate::{
    SiteEvent, User, Verifier, VerifyError,
    accounts::{already_registered, check_name, unknown_account},
    api::{
        ApiError, BeginRegistration, BeginSignIn, Begun, ErrorBody, ErrorCode, Finish, KeyEntry,
        ListKeys, RegisteredKey, RemoveKey, RenameKey, SignInEntry, SignedInKey, Status,
    },
    page,
};

const JSON: &str = "application/json";

impl<V: Verifier> Site<V> {
    pub(super) async fn handle(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let response = match self.route(request).await {
            Ok(response) => response,
            Err(error) => {
                let status = http_status(error.code);
                json(status, &ErrorBody { error })
            }
        };
        tracing::debug!(%method, %path, status = response.status().as_u16(), "request");
        response
    }

    async fn route(&self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, ApiError> {
        self.check_sender(&request)?;
        let path = request.uri().path();
        match (path, request.method()) {
            ("/", &Method::GET) => Ok(html(page::render(&self.status()))),
            ("/status", &Method::GET) => Ok(json(StatusCode::OK, &self.status())),
            ("/register/begin", &Method::POST) => {
                self.begin_registration(self.body(request).await?).map(ok)
            }
            ("/register/finish", &Method::POST) => {
                self.finish_registration(&self.body(request).await?).map(ok)
            }
            ("/sign-in/begin", &Method::POST) => {
                self.begin_sign_in(self.body(request).await?).map(ok)
            }
            ("/sign-in/finish", &Method::POST) => {
                self.finish_sign_in(&self.body(request).await?).map(ok)
            }
            ("/keys/list", &Method::POST) => self.list_keys(&self.body(request).await?).map(ok),
            ("/keys/rename", &Method::POST) => self.rename_key(self.body(request).await?).map(ok),
            ("/keys/remove", &Method::POST) => self.remove_key(&self.body(request).await?).map(ok),
            (
                "/" | "/status" | "/register/begin" | "/register/finish" | "/sign-in/begin"
                | "/sign-in/finish" | "/keys/list" | "/keys/rename" | "/keys/remove",
                _,
            ) => Err(ApiError::new(
                ErrorCode::MethodNotAllowed,
                "The pages / and /status are read with GET, all others take POST.",
            )),
            _ => Err(ApiError::new(ErrorCode::NotFound, "There is no such page.")),
        }
    }

    /// A page of another site must not reach this one through the person's browser: not by naming
    /// it (a name that was made to point at loopback shows in `Host`), and not from its own origin.
    fn check_sender(&self, request: &Request<Incoming>) -> Result<(), ApiError> {
        let forbidden = || {
            ApiError::new(
                ErrorCode::Forbidden,
                "This request was meant for, or comes from, another site.",
            )
        };
        let headers = request.headers();
        let host = headers
            .get(header::HOST)
            .and_then(|value| value.to_str().ok())
            .ok_or_else(forbidden)?;
        let own_origin = self.identity.origin.split_once("://").map_or("", |(_, rest)| rest);
        let port = self.port;
        let known =
            [format!("localhost:{port}"), format!("127.0.0.1:{port}"), format!("[::1]:{port}")];
        if host != own_origin && !known.iter().any(|name| name == host) {
            return Err(forbidden());
        }
        match headers.get(header::ORIGIN) {
            Some(origin) if origin.as_bytes() != self.identity.origin.as_bytes() => {
                Err(forbidden())
            }
            _ => Ok(()),
        }
    }

    async fn body<T: DeserializeOwned>(&self, request: Request<Incoming>) -> Result<T, ApiError> {
        // A form of another site can send text, but not this type without asking first.
        let content_type =
            request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let essence = content_type.and_then(|value| value.split(';').next()).map_or("", str::trim);
        if !essence.eq_ignore_ascii_case(JSON) {
            return Err(ApiError::new(
                ErrorCode::UnsupportedMediaType,
                "The body must be application/json.",
            ));
        }
        let limit = self.limits.body;
        let read = Limited::new(request.into_body(), limit).collect();
        let body = match tokio::time::timeout(self.limits.request_time, read).await {
            Ok(Ok(body)) => body.to_bytes(),
            Ok(Err(error)) if error.is::<LengthLimitError>() => {
                return Err(ApiError::new(
                    ErrorCode::TooLarge,
                    format!("The body is longer than {limit} bytes."),
                ));
            }
            Ok(Err(_)) => {
                return Err(ApiError::new(ErrorCode::BadRequest, "The body did not arrive whole."));
            }
            Err(_) => {
                return Err(ApiError::new(ErrorCode::TooSlow, "The body did not arrive in time."));
            }
        };
        serde_json::from_slice(&body).map_err(|error| {
            ApiError::new(
                ErrorCode::BadRequest,
                format!("The body is not what this page takes: {error}."),
            )
        })
    }

    fn status(&self) -> Status {
        let state = self.lock();
        Status {
            rp_id: self.identity.rp_id.clone(),
            rp_name: self.identity.rp_name.clone(),
            origin: self.identity.origin.clone(),
            accounts: state.accounts.list(),
            sign_ins: state.accounts.sign_ins(),
        }
    }

    fn begin_registration(&self, request: BeginRegistration) -> Result<Begun, ApiError> {
        check_name("name of the account", &request.account)?;
        check_name("name of the key", &request.key_name)?;
        let mut state = self.lock();
        state.accounts.check_room(&request.account)?;
        let handle = match state.accounts.handle(&request.account) {
            Some(handle) => handle,
            None => self.new_user_handle()?,
        };
        let user = User { handle, name: request.account };
        let existing = state.accounts.records(&user.name);
        let challenge = self.verifier.begin_registration(&user, &existing).map_err(refused)?;
        let begun = begun(challenge.options)?;
        let waiting = Registration { user, key_name: request.key_name, state: challenge.state };
        state.registrations.insert(begun.ceremony.clone(), waiting, Instant::now());
        Ok(begun)
    }

    fn finish_registration(&self, request: &Finish) -> Result<RegisteredKey, ApiError> {
        let waiting = self
            .lock()
            .registrations
            .take(&request.ceremony, Instant::now())
            .ok_or_else(unknown_ceremony)?;
        let account = waiting.user.name.clone();
        let outcome = self.check_registration(waiting, &request.credential);
        self.tell(match &outcome {
            Ok(_) => SiteEvent::Registered { account },
            Err(error) => SiteEvent::RegistrationRefused { account, why: error.code },
        });
        outcome
    }

    fn check_registration(
        &self,
        waiting: Registration<V::Registration>,
        credential: &Value,
    ) -> Result<RegisteredKey, ApiError> {
        let check =
            self.verifier.finish_registration(waiting.state, credential).map_err(refused)?;
        let key = self.lock().accounts.add(&waiting.user, waiting.key_name, check, unix_now())?;
        Ok(RegisteredKey { account: waiting.user.name, key })
    }

    /// Nobody has to listen.
    fn tell(&self, event: SiteEvent) {
        let _ = self.events.send(event);
    }

    fn begin_sign_in(&self, request: BeginSignIn) -> Result<Begun, ApiError> {
        let mut state = self.lock();
        let allow = match &request.account {
            Some(account) => {
                state.accounts.handle(account).ok_or_else(|| unknown_account(account))?;
                let records = state.accounts.records(account);
                if records.is_empty() {
                    return Err(ApiError::new(
                        ErrorCode::NoKeys,
                        format!("The account {account:?} has no keys to sign in with."),
                    ));
                }
                Some(records)
            }
            None => None,
        };
        let challenge = self.verifier.begin_sign_in(allow.as_deref()).map_err(refused)?;
        let begun = begun(challenge.options)?;
        let waiting = SignIn { account: request.account, state: challenge.state };
        state.sign_ins.insert(begun.ceremony.clone(), waiting, Instant::now());
        Ok(begun)
    }

    fn finish_sign_in(&self, request: &Finish) -> Result<SignedInKey, ApiError> {
        let waiting = self
            .lock()
            .sign_ins
            .take(&request.ceremony, Instant::now())
            .ok_or_else(unknown_ceremony)?;
        let mut entry = SignInEntry {
            at: unix_now(),
            account: waiting.account.clone(),
            key: None,
            refused: None,
        };
        let outcome = self.check_sign_in(waiting, &request.credential, &mut entry);
        entry.refused = outcome.as_ref().err().map(|error| error.code);
        self.tell(match &outcome {
            Ok(done) => SiteEvent::SignedIn {
                account: done.account.clone(),
                user_verified: done.user_verified,
            },
            Err(error) => {
                SiteEvent::SignInRefused { account: entry.account.clone(), why: error.code }
            }
        });
        self.lock().accounts.log(entry);
        outcome
    }

    fn check_sign_in(
        &self,
        waiting: SignIn<V::SignIn>,
        credential: &Value,
        entry: &mut SignInEntry,
    ) -> Result<SignedInKey, ApiError> {
        let id = credential.get("id").and_then(Value::as_str).unwrap_or_default();
        let unknown_key = || {
            ApiError::new(
                ErrorCode::UnknownKey,
                "No account has this key; it may have been removed.",
            )
        };
        let found = self.lock().accounts.find(id).ok_or_else(unknown_key)?;
        // WebAuthn L3 §7.2 step 6: identified before, the key must be that account's; otherwise the
        // handle must say whose.
        if waiting.account.as_ref().is_some_and(|account| *account != found.account) {
            return Err(unknown_key());
        }
        entry.account = Some(found.account.clone());
        entry.key = Some(found.name);
        check_user_handle(credential, &found.handle, waiting.account.is_some()).map_err(refused)?;
        let check = self
            .verifier
            .finish_sign_in(waiting.state, &found.record, credential)
            .map_err(refused)?;
        let user_verified = check.user_verified;
        let key = self.lock().accounts.used(&found.account, id, check, unix_now())?;
        Ok(SignedInKey { account: found.account, key, user_verified })
    }

    fn new_user_handle(&self) -> Result<[u8; 32], ApiError> {
        let failed = |error| ApiError::new(ErrorCode::Internal, format!("Sorry: {error}."));
        self.provider.random.bytes().map_err(failed)
    }

    fn list_keys(&self, request: &ListKeys) -> Result<Vec<KeyEntry>, ApiError> {
        self.lock().accounts.keys(&request.account)
    }

    fn rename_key(&self, request: RenameKey) -> Result<KeyEntry, ApiError> {
        check_name("name of the key", &request.name)?;
        self.lock().accounts.rename(&request.account, &request.key, request.name)
    }

    fn remove_key(&self, request: &RemoveKey) -> Result<KeyEntry, ApiError> {
        self.lock().accounts.remove(&request.account, &request.key)
    }
}

/// The challenge names the ceremony: it is unguessable and used once, which is all that a name
/// needs to be.
fn begun(public_key: Value) -> Result<Begun, ApiError> {
    match public_key.get("challenge").and_then(Value::as_str) {
        Some(challenge) if !challenge.is_empty() => {
            Ok(Begun { ceremony: challenge.to_owned(), public_key })
        }
        _ => Err(ApiError::new(
            ErrorCode::Internal,
            "The verifier made options without a challenge.",
        )),
    }
}

fn unknown_ceremony() -> ApiError {
    ApiError::new(ErrorCode::UnknownCeremony, "This ceremony is over or expired; begin again.")
}

fn refused(error: VerifyError) -> ApiError {
    match error {
        VerifyError::Unavailable(_) => {
            ApiError::new(ErrorCode::Internal, format!("Sorry: {error}."))
        }
        VerifyError::AlreadyRegistered => already_registered(),
        _ => ApiError::new(ErrorCode::NotVerified, format!("Not accepted: {error}.")),
    }
}

fn http_status(code: ErrorCode) -> StatusCode {
    match code {
        ErrorCode::BadRequest | ErrorCode::BadName => StatusCode::BAD_REQUEST,
        ErrorCode::NotFound | ErrorCode::UnknownAccount | ErrorCode::UnknownKey => {
            StatusCode::NOT_FOUND
        }
        ErrorCode::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
        ErrorCode::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        ErrorCode::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        ErrorCode::TooSlow => StatusCode::REQUEST_TIMEOUT,
        ErrorCode::Forbidden | ErrorCode::NotVerified => StatusCode::FORBIDDEN,
        ErrorCode::NoKeys | ErrorCode::UnknownCeremony | ErrorCode::AlreadyRegistered => {
            StatusCode::CONFLICT
        }
        ErrorCode::Full => StatusCode::INSUFFICIENT_STORAGE,
        ErrorCode::Internal | ErrorCode::Unknown => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

fn ok<T: Serialize>(value: T) -> Response<Full<Bytes>> {
    json(StatusCode::OK, &value)
}

fn json<T: Serialize>(status: StatusCode, value: &T) -> Response<Full<Bytes>> {
    match serde_json::to_vec(value) {
        Ok(body) => response(status, JSON, body),
        Err(_) => response(StatusCode::INTERNAL_SERVER_ERROR, JSON, Vec::new()),
    }
}

fn html(page: String) -> Response<Full<Bytes>> {
    response(StatusCode::OK, "text/html; charset=utf-8", page.into_bytes())
}

fn response(
    status: StatusCode,
    content_type: &'static str,
    body: Vec<u8>,
) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static(content_type));
    headers.insert(header::CACHE_CONTROL, header::HeaderValue::from_static("no-store"));
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        header::HeaderValue::from_static(
            "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
        ),
    );
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, header::HeaderValue::from_static("nosniff"));
    response
}

fn unix_now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
