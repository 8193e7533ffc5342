//! Requests of CTAP2 that somebody sends as bytes, and their responses.

use super::Session;
use crate::{AuthenticatorId, BadMember, ServiceError, authenticator::Raw};

/// The longest request: what browsers and authenticators agree on at most (CTAP 2.3 §11.2.4).
const LONGEST: usize = 7609;

/// A request that nobody waits for any more is cancelled.
struct Waiting<'s> {
    session: &'s Session,
    id: &'s AuthenticatorId,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let _gone_meanwhile = self.session.with(|state, _| {
            state.authenticator(self.id)?.raw = None;
            Ok(())
        });
    }
}

impl Session {
    /// Sends one request of CTAP2 to an authenticator, as bytes: a command byte, then CBOR; and
    /// gives its response: a status byte, then CBOR. The person is asked as by any client, and
    /// whoever drops this has cancelled it. Needs a runtime of tokio with time.
    ///
    /// # Errors
    /// [`ServiceError::Member`] for no bytes, or too many, [`ServiceError::Busy`] while another one
    /// is under way, [`ServiceError::UnknownAuthenticator`].
    pub async fn transact(
        &self,
        id: &AuthenticatorId,
        request: &[u8],
    ) -> Result<Vec<u8>, ServiceError> {
        if request.is_empty() || request.len() > LONGEST {
            let message = format!("a request has 1 to {LONGEST} bytes: a command, then CBOR");
            return Err(BadMember::new("request", message).into());
        }
        self.with(|state, _| {
            let authenticator = state.authenticator(id)?;
            if authenticator.raw.is_some() {
                return Err(ServiceError::Busy("authenticator"));
            }
            let transaction = authenticator.device.begin_transact(request);
            authenticator.raw = Some(Raw { transaction, response: None });
            Ok(())
        })?;
        let waiting = Waiting { session: self, id };
        loop {
            let mut changed = std::pin::pin!(self.0.changed.notified());
            // From here on no change is missed.
            changed.as_mut().enable();
            let (response, due) = self.with(|state, _| {
                let raw = state.authenticator(id)?.raw.as_mut();
                let response = raw.as_ref().and_then(|raw| raw.response.clone());
                let due = raw.and_then(|raw| raw.transaction.poll_timeout());
                Ok((response, due.and_then(|due| state.until(due))))
            })?;
            if let Some(response) = response {
                drop(waiting);
                return Ok(response);
            }
            match due {
                Some(wait) => {
                    // Whichever comes first.
                    let _either = tokio::time::timeout(wait, changed).await;
                }
                None => changed.await,
            }
        }
    }

    /// Cancels the request that was sent as bytes, as platforms do by CTAPHID_CANCEL: whoever waits
    /// for its response is told so by that.
    ///
    /// # Errors
    /// [`ServiceError::UnknownAuthenticator`].
    pub fn cancel_transaction(&self, id: &AuthenticatorId) -> Result<(), ServiceError> {
        self.with(|state, _| {
            if let Some(raw) = &mut state.authenticator(id)?.raw {
                raw.transaction.cancel();
            }
            Ok(())
        })
    }
}
