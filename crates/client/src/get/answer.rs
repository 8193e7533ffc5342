//! What the authenticator answers, and what the site gets of it.

use std::collections::VecDeque;

use towline_ctap::{
    AuthenticatorData, GetAssertionRequest, GetAssertionResponse, PublicKeyCredentialDescriptor,
    Request, Version,
    extension::{CredBlob, HmacSecretOutput},
};

use super::{Assertion, Assertions, Get, MAX_ACCOUNTS, State};
use crate::{
    Account, CeremonyOutput, CeremonyToken, Error,
    error::Misbehaviour,
    large_blob::{BlobFlow, BlobOutputs, BlobStep, BlobWay},
    lists::{self, Look},
    prf::{PrfOutputs, hmac_secret::Agreement},
    response::{Authentication, Outputs, base64url},
};

/// What a request with an AppID takes beside its list, at most.
const APPID_REQUEST: usize = 384;

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
            Err(error) if lists::holds_none(&error) && self.may_know_the_appid(&asked) => {
                return self.search_by_appid(asked);
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
            self.conclude(assertion);
        }
        Ok(())
    }

    /// There is an assertion to give to the site, once its blob was read or written.
    pub(super) fn conclude(&mut self, mut assertion: Assertion) {
        let wish = self.options.blob.clone().filter(|_| self.blob_way == Some(BlobWay::Array));
        let Some((wish, key)) = wish.zip(assertion.response.large_blob_key.take()) else {
            let result = self.to_json(&assertion, None);
            return self.ceremony.finish(result);
        };
        let flow = BlobFlow::new(key, wish, self.room, self.token.take(), &self.provider);
        self.ceremony.request(flow.start());
        self.state = State::Blob(Box::new((assertion, flow)));
    }

    pub(super) fn blob(
        &mut self,
        (assertion, mut flow): (Assertion, BlobFlow),
        response: &[u8],
    ) -> Result<(), Error> {
        match flow.handle_response(response) {
            BlobStep::Request(next) => {
                self.ceremony.request(next);
                self.state = State::Blob(Box::new((assertion, flow)));
            }
            BlobStep::Done(outputs) => {
                let result = self.to_json(&assertion, Some(outputs));
                self.ceremony.finish(result);
            }
        }
        Ok(())
    }

    /// Whether the key, which knows nobody by the RP ID, may know the site by its AppID. Whoever
    /// is known by that was never verified.
    fn may_know_the_appid(&self, asked: &Assertions) -> bool {
        self.appid.is_some()
            && !self.by_appid
            && !self.one_operation
            && !self.expected.user_verified
            && asked.info.versions.contains(&Version::U2fV2)
    }

    fn search_by_appid(&mut self, mut asked: Box<Assertions>) -> Result<(), Error> {
        let (Some(appid), Some(list)) = (&self.appid, &self.options.allow) else {
            return Err(Error::NoCredentials);
        };
        self.by_appid = true;
        self.expected.rp_id_hash = appid.hash(&self.provider);
        asked.request = GetAssertionRequest::new(appid.clone(), self.client_data.hash);
        (asked.fallback, asked.look) = (None, Look::Silent);
        // No secret and no blob is kept with what U2F has made.
        (self.hmac_secret, self.blob_way) = (None, None);
        let pieces = lists::split(list, &asked.info, APPID_REQUEST);
        self.search_pieces(asked, pieces)
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
        let token = CeremonyToken::unique();
        self.state = State::Choosing { assertions, token };
        self.ceremony.output(CeremonyOutput::Choose { token, accounts });
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

    fn to_json(&self, assertion: &Assertion, blob: Option<BlobOutputs>) -> Result<String, Error> {
        let Assertion { credential, response } = assertion;
        let outputs = &response.unsigned_extension_outputs;
        let prf = self.options.prf.as_ref().map(|_| match &self.agreed {
            Some(agreed) => hmac_secret_output(agreed, &response.auth_data),
            None => PrfOutputs::of_assertion(outputs),
        });
        let blob = match (blob, &self.options.blob) {
            (None, Some(wish)) => Some(BlobOutputs::of_assertion(wish, outputs)?),
            (blob, _) => blob,
        };
        let kept = match self.options.get_cred_blob {
            true => cred_blob(&response.auth_data)?,
            false => None,
        };
        let authentication = Authentication {
            credential_id: &credential.id,
            client_data_json: &self.client_data.json,
            authenticator_data: &response.auth_data,
            signature: &response.signature,
            user_handle: response.user.as_ref().map(|user| &user.id),
            attachment: self.attachment,
            outputs: &Outputs {
                cred_props: None,
                cred_blob: None,
                get_cred_blob: kept.map(|CredBlob(blob)| base64url(&blob)),
                large_blob: blob,
                prf: prf.transpose()?,
                appid: self.appid.as_ref().map(|_| self.by_appid),
                appid_exclude: None,
            },
        };
        Ok(authentication.to_json())
    }
}

/// What was kept with the credential, if anything.
fn cred_blob(auth_data: &[u8]) -> Result<Option<CredBlob>, Misbehaviour> {
    let data = AuthenticatorData::decode(auth_data).map_err(Misbehaviour::Malformed)?;
    data.extensions.get::<CredBlob>().map_err(Misbehaviour::Malformed)
}

/// What `hmac-secret` gave, if anything.
fn hmac_secret_output(agreed: &Agreement, auth_data: &[u8]) -> Result<PrfOutputs, Misbehaviour> {
    let data = AuthenticatorData::decode(auth_data).map_err(Misbehaviour::Malformed)?;
    let output = data.extensions.get::<HmacSecretOutput>().map_err(Misbehaviour::Malformed)?;
    let results = output.map(|output| agreed.results(&output)).transpose()?;
    Ok(PrfOutputs::of_hmac_secret(None, results.as_ref()))
}
