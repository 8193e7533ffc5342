//! Sign-ins that must not ask anybody before there is something to sign in with: beside a form
//! (conditional), or at once (immediate). The authenticator is asked without presence first
//! (silent credential discovery, WebAuthn L3 §6.3.4).

use towline_ctap::{
    GetAssertionRequest, GetAssertionResponse, GetInfo, Request, RequestOptions, Transport,
};

use super::{Get, State};
use crate::{
    Error, Mediation,
    lists::{self, Found, Look, NO_CLIENT_DATA, Probe},
};

/// A look for something to sign in with.
#[derive(Debug)]
pub(super) struct Looking {
    info: GetInfo,
    transport: Transport,
    /// Through a list; without one, any discoverable credential does.
    probe: Option<Probe>,
}

impl Get {
    /// Starts, perhaps with a look.
    pub(super) fn look(&mut self, info: GetInfo, transport: &Transport) -> Result<(), Error> {
        let mediation = self.options.mediation;
        if !mediation.looks_first() {
            return self.start(info, transport);
        }
        // A phone is asked once, and by itself.
        let here = match mediation {
            Mediation::Immediate => *transport == Transport::Internal,
            _ => *transport != Transport::Hybrid,
        };
        if !here {
            return Err(Error::NoCredentials);
        }
        let probe = self.options.allow.as_deref().map(|list| {
            let pieces = lists::split(list, &info, 128);
            Probe::new(self.rp_id.clone(), &Look::Silent, &pieces)
        });
        let first = match &probe {
            Some(probe) => probe.request().ok_or(Error::NoCredentials)?,
            None => {
                let mut request = GetAssertionRequest::new(self.rp_id.clone(), NO_CLIENT_DATA);
                request.options = RequestOptions { up: Some(false), ..RequestOptions::default() };
                Request::from(request).encode()
            }
        };
        self.state =
            State::Looking(Box::new(Looking { info, transport: transport.clone(), probe }));
        self.ceremony.request(first);
        Ok(())
    }

    pub(super) fn looked(&mut self, mut looking: Looking, response: &[u8]) -> Result<(), Error> {
        let found = match &mut looking.probe {
            Some(probe) => probe.handle_response(response)?,
            None => {
                let response = GetAssertionResponse::decode(response);
                let response = response.map_err(Error::from_response)?;
                response.credential.map_or(Found::Nothing, Found::Credential)
            }
        };
        match found {
            Found::Credential(_) => self.start(looking.info, &looking.transport),
            Found::Nothing => Err(Error::NoCredentials),
            Found::NotYet(next) => {
                self.state = State::Looking(Box::new(looking));
                self.ceremony.request(next);
                Ok(())
            }
        }
    }
}
