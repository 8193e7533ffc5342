//! One client of DevTools: messages in, messages out. No sockets here.

use std::fmt;

use futures_util::future::select_all;
use serde_json::{Value, json};

use super::{
    attached::{self, Attached},
    command::Command,
    error::Error,
    message::{Refused, Request, event},
    target,
};
use crate::{Service, Session};

/// How many sessions one client may attach to at once.
const MOST_ATTACHED: usize = 64;

/// What a client is connected with. What it has made goes with it.
pub struct Connection {
    pub(super) service: Service,
    /// That of the connection itself, to the session of its address, comes first.
    attached: Vec<Attached>,
    /// How many there have been.
    numbered: u64,
}

/// What goes back to the client, in this order.
pub type Messages = Vec<String>;

impl Connection {
    /// A client that has connected to this session.
    #[must_use]
    pub fn new(service: &Service, session: Session) -> Self {
        let attached = vec![Attached::new(None, session)];
        Self { service: service.clone(), attached, numbered: 0 }
    }

    /// Carries out the command in a message.
    pub fn handle_text(&mut self, text: &str) -> Messages {
        let request = match Request::read(text) {
            Ok(request) => request,
            Err(refused) => return vec![refused.respond()],
        };
        if self.session(&request).is_none() {
            // Nobody is there who would listen by that name.
            let refused = Refused { id: Some(request.id), error: Error::session() };
            return vec![refused.respond()];
        }
        let mut messages = Vec::new();
        let result = self.carry_out(&request, &mut messages);
        messages.push(request.respond(result));
        messages
    }

    /// What has happened, if anything of it concerns the client.
    #[must_use]
    pub fn poll_events(&self) -> Messages {
        let mut messages = Vec::new();
        for attached in &self.attached {
            let name = attached.name.as_deref();
            let events = attached.events(&None);
            messages.extend(events.iter().map(|(method, params)| event(method, params, name)));
        }
        messages
    }

    /// Waits until something has happened; not before the client has enabled the domain.
    /// Cancel-safe.
    pub async fn next_events(&mut self) -> Messages {
        let waiting = self.attached.iter().enumerate().filter_map(|(index, attached)| {
            let feed = attached.feed()?;
            Some(Box::pin(async move { (index, feed.next().await) }))
        });
        let waiting: Vec<_> = waiting.collect();
        if waiting.is_empty() {
            return std::future::pending().await;
        }
        let ((index, told), ..) = select_all(waiting).await;
        let Some(attached) = self.attached.get_mut(index) else { return Vec::new() };
        let Some(told) = told else {
            attached.end();
            return Vec::new();
        };
        let name = attached.name.as_deref();
        let first = attached::event(&told, &None);
        let mut messages: Vec<String> =
            first.iter().map(|(method, params)| event(method, params, name)).collect();
        messages.extend(self.poll_events());
        messages
    }

    fn carry_out(&mut self, request: &Request, messages: &mut Messages) -> Result<Value, Error> {
        let name = request.session.as_deref();
        let attached = self.attached.iter_mut().find(|it| it.name.as_deref() == name);
        let attached = attached.ok_or_else(Error::session)?;
        if request.method.starts_with("WebAuthn.") {
            let command = Command::read(&request.method, request.params.as_ref())?;
            let (events, result) = attached.carry_out(command);
            messages.extend(events.iter().map(|(method, params)| event(method, params, name)));
            return result;
        }
        target::carry_out(self, request, messages)
    }

    /// Attaches to a session once more.
    pub(super) fn attach(
        &mut self,
        session: Session,
        info: impl FnOnce(&Session) -> Value,
        messages: &mut Messages,
    ) -> Result<Value, Error> {
        if self.attached.len() > MOST_ATTACHED {
            return Err(Error::server("There are too many sessions; detach from some"));
        }
        self.numbered = self.numbered.saturating_add(1);
        let name = format!("{:032X}", self.numbered);
        let params = json!({
            "sessionId": name,
            "targetInfo": info(&session),
            "waitingForDebugger": false,
        });
        messages.push(event("Target.attachedToTarget", &params, None));
        self.attached.push(Attached::new(Some(name.clone()), session));
        Ok(json!({ "sessionId": name }))
    }

    /// Detaches; whether there was one of this name.
    pub(super) fn detach(&mut self, name: &str, messages: &mut Messages) -> bool {
        let before = self.attached.len();
        self.attached.retain(|it| it.name.as_deref() != Some(name));
        let was_there = self.attached.len() < before;
        if was_there {
            let params = json!({ "sessionId": name });
            messages.push(event("Target.detachedFromTarget", &params, None));
        }
        was_there
    }

    /// The session that a request is about if it names none.
    pub(super) fn session(&self, request: &Request) -> Option<&Session> {
        let name = request.session.as_deref();
        let attached = self.attached.iter().find(|it| it.name.as_deref() == name);
        attached.map(Attached::session)
    }

    /// Whether anything is attached to this session.
    pub(super) fn is_attached(&self, session: &str) -> bool {
        self.attached.iter().any(|it| it.session().id().as_str() == session)
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("attached", &self.attached.len()).finish_non_exhaustive()
    }
}
