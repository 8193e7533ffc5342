//! What the authenticator answers, and what the site gets of it.

use towline_ctap::{
    AuthenticatorData, MakeCredentialResponse, Transport, attestation_object,
    extension::CredentialProtectionPolicy,
};

use super::{Authenticator, Create, Creation};
use crate::{
    Error, attestation,
    error::Misbehaviour,
    lists,
    options::Conveyance,
    prf::PrfOutputs,
    response::{CredProps, Outputs, Registration},
};

impl Create {
    pub(super) fn created(
        &mut self,
        creation: Box<Creation>,
        response: &[u8],
    ) -> Result<(), Error> {
        match self.finish(response, creation.discoverable, &creation.authenticator) {
            Err(error) => match lists::halves(&creation.request.exclude_list, &error) {
                // Its getInfo did not say that the list is too long for it.
                Some(halves) if creation.transport != Transport::Hybrid => {
                    self.search_pieces(creation, halves.into());
                    Ok(())
                }
                _ => self.insisted(creation, error),
            },
            result => {
                self.ceremony.finish(result);
                Ok(())
            }
        }
    }

    pub(super) fn finish(
        &self,
        response: &[u8],
        discoverable: Option<bool>,
        authenticator: &Authenticator,
    ) -> Result<String, Error> {
        let response = MakeCredentialResponse::decode(response).map_err(Error::from_response)?;
        let data =
            AuthenticatorData::decode(&response.auth_data).map_err(Misbehaviour::Malformed)?;
        self.expected.check(&data)?;
        self.check_protection(&data)?;
        let attested = data.attested.as_ref().ok_or(Misbehaviour::NoCredential)?;
        let algorithm = attested.public_key.algorithm();
        let algorithm = algorithm
            .filter(|alg| self.options.algorithms.contains(alg))
            .ok_or(Misbehaviour::UnexpectedAlgorithm)?;
        let MakeCredentialResponse { attestation, auth_data, unsigned_extension_outputs, .. } =
            response;
        let prf = self.options.prf.as_ref();
        let prf = prf.map(|_| PrfOutputs::of_creation(&unsigned_extension_outputs)).transpose()?;
        let statement = match self.options.conveyance {
            Conveyance::Direct => attestation,
            Conveyance::None => attestation::without(attestation, attested),
        };
        let registration = Registration {
            credential_id: &attested.credential_id,
            client_data_json: &self.client_data.json,
            authenticator_data: &auth_data,
            attestation_object: &attestation_object(&statement, &auth_data),
            public_key: &attested.public_key,
            algorithm,
            transports: &authenticator.transports,
            attachment: authenticator.attachment,
            outputs: &Outputs {
                cred_props: self.options.cred_props.then_some(CredProps { rk: discoverable }),
                prf,
            },
        };
        Ok(registration.to_json())
    }

    pub(super) fn check_protection(&self, data: &AuthenticatorData) -> Result<(), Error> {
        let Some(wanted) = self.options.protection.filter(|protection| protection.enforce) else {
            return Ok(());
        };
        let in_force = data
            .extensions
            .get::<CredentialProtectionPolicy>()
            .map_err(Misbehaviour::Malformed)?
            .unwrap_or_default();
        if in_force < wanted.policy { Err(Misbehaviour::NotProtected.into()) } else { Ok(()) }
    }
}
