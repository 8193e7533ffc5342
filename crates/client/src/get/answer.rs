//! What the authenticator answers, and what the site gets of it.

use std::collections::VecDeque;

use towline_ctap::{
    AuthenticatorData, GetAssertionResponse, PublicKeyCredentialDescriptor, Request,
};

use super::{Assertion, Assertions, Get, MAX_ACCOUNTS, State};
use crate::{
    Account, Error, Output, Token,
    error::Misbehaviour,
    lists,
    prf::PrfOutputs,
    response::{Authentication, Outputs},
};

impl Get {
    pub(super) fn asserted(
        &mut self,
        asked: Box<Assertions>,
        rest: VecDeque<Vec<PublicKeyCredentialDescriptor>>,
        response: &[u8],
    ) -> Result<(), Error> {
        let allowed = asked.request.allow_list.as_deref();
        let assertion = match self.check(response, allowed) {
            Err(error) if lists::holds_none(&error) && !rest.is_empty() => {
                return self.assert_next(asked, rest);
            }
            Err(error) => {
                // Its getInfo did not say that the list is too long for it.
                let halves = lists::halves(allowed.unwrap_or_default(), &error);
                let Some(halves) = halves.filter(|_| !self.one_operation) else {
                    return self.insisted(asked, error);
                };
                return self.search_pieces(asked, halves.into_iter().chain(rest).collect());
            }
            Ok(assertion) => assertion,
        };
        let chosen = assertion.response.user_selected == Some(true);
        let count = match assertion.response.number_of_credentials {
            // With a list there is one answer; and an authenticator that lets the person choose has
            // done so.
            Some(count) if allowed.is_none() && !self.one_operation && !chosen => count,
            _ => 1,
        };
        if count > MAX_ACCOUNTS {
            return Err(Misbehaviour::TooManyCredentials.into());
        }
        if count > 1 {
            let count = usize::try_from(count).unwrap_or(usize::MAX);
            self.state = State::Collecting { assertions: vec![assertion], count };
            self.ceremony.request(Request::GetNextAssertion.encode());
        } else {
            let result = self.to_json(&assertion);
            self.ceremony.finish(result);
        }
        Ok(())
    }

    pub(super) fn collected(
        &mut self,
        mut assertions: Vec<Assertion>,
        count: usize,
        response: &[u8],
    ) -> Result<(), Error> {
        assertions.push(self.check(response, None)?);
        if assertions.len() < count {
            self.state = State::Collecting { assertions, count };
            self.ceremony.request(Request::GetNextAssertion.encode());
            return Ok(());
        }
        let users = assertions.iter().filter_map(|assertion| assertion.response.user.clone());
        let accounts = users.map(|user| Account { user }).collect();
        let token = Token::unique();
        self.state = State::Choosing { assertions, token };
        self.ceremony.output(Output::Choose { token, accounts });
        Ok(())
    }

    /// Reads and checks one assertion.
    pub(super) fn check(
        &self,
        response: &[u8],
        allowed: Option<&[PublicKeyCredentialDescriptor]>,
    ) -> Result<Assertion, Error> {
        let mut response = GetAssertionResponse::decode(response).map_err(Error::from_response)?;
        let data =
            AuthenticatorData::decode(&response.auth_data).map_err(Misbehaviour::Malformed)?;
        self.expected.check(&data)?;
        let credential = response.credential.take();
        let credential = match allowed {
            Some(list) => lists::used_credential(credential, list)?,
            None if response.user.is_none() => return Err(Misbehaviour::NoUserHandle.into()),
            None => credential.ok_or(Misbehaviour::NoCredential)?,
        };
        Ok(Assertion { credential, response })
    }

    pub(super) fn to_json(&self, assertion: &Assertion) -> Result<String, Error> {
        let Assertion { credential, response } = assertion;
        let outputs = &response.unsigned_extension_outputs;
        let prf =
            self.options.prf.as_ref().map(|_| PrfOutputs::of_assertion(outputs)).transpose()?;
        let authentication = Authentication {
            credential_id: &credential.id,
            client_data_json: &self.client_data.json,
            authenticator_data: &response.auth_data,
            signature: &response.signature,
            user_handle: response.user.as_ref().map(|user| &user.id),
            attachment: self.attachment,
            outputs: &Outputs { cred_props: None, prf },
        };
        Ok(authentication.to_json())
    }
}
