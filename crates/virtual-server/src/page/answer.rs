//! What the script is told.

use serde::Serialize;
use serde_json::{Map, Value, value::RawValue};
use utoipa::ToSchema;

use super::Message;
use crate::{CeremonyError, CeremonyId, PageOrigin, ServiceError, Session};

/// The answer to a message: one of the two.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum PageAnswer {
    /// What the call gives: RegistrationResponseJSON, AuthenticationResponseJSON, capabilities by
    /// their names, or `null`.
    #[schema(value_type = Value)]
    Response(Box<RawValue>),
    /// What it is rejected with.
    Error(Exception),
}

/// An exception, as the script makes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Exception {
    /// `TypeError`, or the name of a `DOMException`.
    pub name: String,
    /// What is wrong, for people.
    pub message: String,
}

impl From<ServiceError> for PageAnswer {
    fn from(error: ServiceError) -> Self {
        let name = match &error {
            ServiceError::Ceremony(error) => told(error),
            // The page did nothing wrong: somebody should look at the service.
            _ => "UnknownError",
        };
        Self::Error(Exception { name: name.to_owned(), message: error.to_string() })
    }
}

/// The exception that a page gets. What an authenticator can't do is nothing that browsers tell
/// sites: there it ends as if the person had refused.
const fn told(error: &CeremonyError) -> &'static str {
    match error {
        CeremonyError::DiscoverableUnsupported
        | CeremonyError::UserVerificationUnavailable
        | CeremonyError::Refused(_) => "NotAllowedError",
        _ => error.name(),
    }
}

impl PageAnswer {
    fn of(json: String) -> Self {
        match RawValue::from_string(json) {
            Ok(json) => Self::Response(json),
            Err(error) => Self::Error(Exception {
                name: "UnknownError".to_owned(),
                message: format!("the response is not JSON: {error}"),
            }),
        }
    }

    /// Does what a page of this origin asks a session for. Dropping it cancels what is under way,
    /// as a page that is left does.
    pub(crate) async fn to(session: &Session, origin: &str, message: Message) -> Self {
        match answer(session, origin, message).await {
            Ok(json) => Self::of(json),
            Err(error) => error.into(),
        }
    }
}

/// A ceremony that ends when nobody waits for it.
struct Waiting<'a>(&'a Session, CeremonyId);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.forget_ceremony(&self.1);
    }
}

async fn answer(session: &Session, origin: &str, message: Message) -> Result<String, ServiceError> {
    match message {
        Message::Create { id, options, mediation, top_origin } => {
            let caller = caller(origin, top_origin.as_deref())?;
            let begun = session.begin_create(&caller, &options.to_string(), mediation)?;
            finished(session, &id, begun).await
        }
        Message::Get { id, options, mediation, top_origin } => {
            let caller = caller(origin, top_origin.as_deref())?;
            let begun = session.begin_get(&caller, &options.to_string(), mediation)?;
            finished(session, &id, begun).await
        }
        Message::Signal { options, .. } => {
            // What came of it is nothing that a site may learn.
            let _how_many = session.signal(&caller(origin, None)?, &options)?;
            Ok("null".to_owned())
        }
        Message::Capabilities { .. } => {
            let capabilities: Map<String, Value> = session
                .capabilities()?
                .into_iter()
                .map(|(name, can)| (name.to_owned(), can.into()))
                .collect();
            Ok(Value::from(capabilities).to_string())
        }
        Message::Cancel { id } => {
            session.under_way().cancel(&id);
            Ok("null".to_owned())
        }
    }
}

/// Waits until a ceremony is over, or the message that asked for it is cancelled.
async fn finished(session: &Session, id: &str, begun: CeremonyId) -> Result<String, ServiceError> {
    let waiting = Waiting(session, begun);
    let cancelled = session.under_way().cancelled(id);
    tokio::select! {
        outcome = session.finished(&waiting.1) => Ok(outcome??),
        () = cancelled => Err(CeremonyError::Aborted.into()),
    }
}

fn caller(origin: &str, top_origin: Option<&str>) -> Result<PageOrigin, ServiceError> {
    Ok(match top_origin {
        Some(top) => PageOrigin::embedded(origin, top)?,
        None => PageOrigin::of(origin)?,
    })
}
