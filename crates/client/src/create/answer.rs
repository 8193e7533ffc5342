//! What the authenticator answers, and what the site gets of it.

use towline_ctap::{
    AuthenticatorData, MakeCredentialResponse, Transport, attestation_object,
    extension::{CredBlobStored, CredentialProtectionPolicy, HmacSecret, HmacSecretMcOutput},
};

use super::{Authenticator, Create, Creation};
use crate::{
    Error, attestation,
    error::Misbehaviour,
    large_blob::BlobOutputs,
    lists,
    options::Conveyance,
    prf::{PrfOutputs, hmac_secret::Agreement},
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
                    self.search_pieces(creation, halves.into())
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
        let prf = self.options.prf.map(|_| match self.hmac_secret {
            Some(_) => hmac_secret_output(self.agreed.as_ref(), &data),
            None => PrfOutputs::of_creation(&response.unsigned_extension_outputs),
        });
        let prf = prf.transpose()?;
        let blob = self.options.blob.map(|_| BlobOutputs::of_creation(&response)).transpose()?;
        let stored = data.extensions.get::<CredBlobStored>().map_err(Misbehaviour::Malformed)?;
        let stored = stored.is_some_and(|stored| stored.0);
        let MakeCredentialResponse { attestation, auth_data, .. } = response;
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
                cred_blob: self.options.cred_blob.as_ref().map(|_| stored),
                get_cred_blob: None,
                large_blob: blob,
                prf,
                appid: None,
                appid_exclude: self.options.appid_exclude.as_ref().map(|_| true),
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

/// Whether the credential has a secret for `hmac-secret`, and what it gave at once.
fn hmac_secret_output(
    agreed: Option<&Agreement>,
    data: &AuthenticatorData,
) -> Result<PrfOutputs, Misbehaviour> {
    let enabled = data.extensions.get::<HmacSecret>().map_err(Misbehaviour::Malformed)?;
    let output = data.extensions.get::<HmacSecretMcOutput>().map_err(Misbehaviour::Malformed)?;
    let results = agreed.zip(output).map(|(agreed, output)| agreed.results(&output.0));
    let enabled = enabled.is_some_and(|enabled| enabled.0);
    Ok(PrfOutputs::of_hmac_secret(Some(enabled), results.transpose()?.as_ref()))
}
