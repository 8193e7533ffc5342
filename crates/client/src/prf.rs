//! `prf` (WebAuthn L3 §10.1.4): what a site gets to encrypt with, from a passkey and from values of its own. It goes to
//! authenticators that speak it as it is, as phones do; the encrypted form of `hmac-secret` is not spoken here.

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use towline_crypto::{CryptoProvider, Secret};
use towline_ctap::{
    CredentialId, Extensions, GetInfo, PublicKeyCredentialDescriptor,
    extension::{
        ExtensionValue, PrfCreateInput, PrfCreateOutput, PrfGetInput, PrfGetOutput, PrfResults,
        PrfSalts,
    },
};

use crate::{Error, error::Misbehaviour, options::base64url};

/// Comes before each of the site's values, so that none of them is what another protocol would ask the authenticator for.
const CONTEXT: &[u8] = b"WebAuthn PRF\0";

/// AuthenticationExtensionsPRFInputsJSON.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PrfJson {
    eval: Option<ValuesJson>,
    eval_by_credential: Option<BTreeMap<String, ValuesJson>>,
}

/// AuthenticationExtensionsPRFValuesJSON.
#[derive(Deserialize)]
struct ValuesJson {
    first: String,
    second: Option<String>,
}

impl ValuesJson {
    fn salts(&self, provider: &CryptoProvider) -> Result<PrfSalts, Error> {
        let salt = |value: &str, member| -> Result<_, Error> {
            Ok(provider.sha256.hash(&[CONTEXT, &base64url(value, member)?]))
        };
        let second = self.second.as_deref().map(|value| salt(value, "prf.second")).transpose()?;
        Ok(PrfSalts { first: salt(&self.first, "prf.first")?, second })
    }
}

impl PrfJson {
    /// The input of a creation.
    pub(crate) fn creation(&self, provider: &CryptoProvider) -> Result<PrfCreateInput, Error> {
        if self.eval_by_credential.is_some() {
            return Err(Error::PrfUnlisted);
        }
        Ok(PrfCreateInput { eval: self.salts(provider)? })
    }

    /// The input of an assertion with one of these credentials, or with any.
    pub(crate) fn assertion(
        &self,
        allowed: &[PublicKeyCredentialDescriptor],
        provider: &CryptoProvider,
    ) -> Result<PrfGetInput, Error> {
        let mut input = PrfGetInput { eval: self.salts(provider)?, ..PrfGetInput::default() };
        for (key, values) in self.eval_by_credential.iter().flatten() {
            if allowed.is_empty() {
                return Err(Error::PrfUnlisted);
            }
            let id = base64url(key, "").ok().and_then(|id| CredentialId::new(&id).ok());
            let id = id.filter(|id| allowed.iter().any(|entry| entry.id == *id));
            let id = id.ok_or(Error::PrfCredential)?;
            // Two spellings of one id are one key.
            if input.eval_by_credential.iter().all(|(other, _)| *other != id) {
                input.eval_by_credential.push((id, values.salts(provider)?));
            }
        }
        Ok(input)
    }

    fn salts(&self, provider: &CryptoProvider) -> Result<Option<PrfSalts>, Error> {
        self.eval.as_ref().map(|values| values.salts(provider)).transpose()
    }
}

/// Asks for it, if the authenticator speaks it.
pub(crate) fn ask<T: ExtensionValue>(input: Option<&T>, info: &GetInfo, inputs: &mut Extensions) {
    if let Some(input) = input
        && info.supports_extension(T::ID)
    {
        inputs.set(input);
    }
}

/// AuthenticationExtensionsPRFOutputsJSON.
#[derive(Serialize)]
pub(crate) struct PrfOutputs {
    /// Whether the new credential can have results; not said of an assertion.
    #[serde(skip_serializing_if = "Option::is_none")]
    enabled: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    results: Option<ResultsJson>,
}

#[derive(Serialize)]
struct ResultsJson {
    first: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    second: Option<String>,
}

impl PrfOutputs {
    /// What the site learns at a creation; an authenticator that says nothing can't.
    pub(crate) fn of_creation(outputs: &Extensions) -> Result<Self, Misbehaviour> {
        let output = outputs.get::<PrfCreateOutput>().map_err(Misbehaviour::Malformed)?;
        let enabled = output.as_ref().is_some_and(|output| output.enabled);
        let results = output.and_then(|output| output.results).filter(|_| enabled);
        Ok(Self { enabled: Some(enabled), results: results.map(|results| (&results).into()) })
    }

    /// What the site learns at an assertion: nothing, if there was no value for the credential that was used.
    pub(crate) fn of_assertion(outputs: &Extensions) -> Result<Self, Misbehaviour> {
        let output = outputs.get::<PrfGetOutput>().map_err(Misbehaviour::Malformed)?;
        let results = output.and_then(|output| output.results);
        Ok(Self { enabled: None, results: results.map(|results| (&results).into()) })
    }
}

impl From<&PrfResults> for ResultsJson {
    fn from(results: &PrfResults) -> Self {
        let text = |result: &Secret<32>| URL_SAFE_NO_PAD.encode(result.expose());
        Self { first: text(&results.first), second: results.second.as_ref().map(text) }
    }
}
