//! `prf` (WebAuthn L3 §10.1.4): what a site gets to encrypt with, from a passkey and from values of
//! its own. It goes as it is to authenticators that speak it, as phones do, and to the others as
//! `hmac-secret`.

pub(crate) mod hmac_secret;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Serialize;
use towline_crypto::{CryptoProvider, Secret};
use towline_ctap::{
    CredentialId, Extensions, GetInfo, PublicKeyCredentialDescriptor,
    extension::{
        ExtensionValue, PrfCreateInput, PrfCreateOutput, PrfGetInput, PrfGetOutput, PrfResults,
        PrfSalts,
    },
};

use crate::{
    Error,
    error::Misbehaviour,
    options::{Dictionary, Texts, Value, base64url, record},
};

/// Comes before each of the site's values, so that none of them is what another protocol would ask
/// the authenticator for.
const CONTEXT: &[u8] = b"WebAuthn PRF\0";

/// AuthenticationExtensionsPRFInputsJSON.
pub(crate) struct PrfInputs {
    eval: Option<Values>,
    by_credential: Option<Vec<(String, Values)>>,
}

/// AuthenticationExtensionsPRFValuesJSON, decoded.
struct Values {
    first: Vec<u8>,
    second: Option<Vec<u8>>,
}

impl Values {
    fn of(value: &Value<'_>, texts: &mut Texts) -> Result<Self, Error> {
        let values = Dictionary::of(value, "prf.eval")?;
        let second = values.text("second");
        Ok(Self {
            first: texts.required(values, "first", "prf.first")?,
            second: second.map(|text| texts.bytes(&text, "prf.second")),
        })
    }

    fn salts(&self, provider: &CryptoProvider) -> PrfSalts {
        let salt = |value: &[u8]| provider.sha256.hash(&[CONTEXT, value]);
        PrfSalts { first: salt(&self.first), second: self.second.as_deref().map(salt) }
    }
}

impl PrfInputs {
    /// What these extensions ask of `prf`, if anything.
    pub(crate) fn of(extensions: Dictionary<'_>, texts: &mut Texts) -> Result<Option<Self>, Error> {
        if extensions.optional("prf").is_none() {
            return Ok(None);
        }
        let prf = extensions.dictionary("prf")?;
        let eval = prf.optional("eval").map(|value| Values::of(value, texts));
        let by_credential = prf.optional("evalByCredential");
        let by_credential = by_credential.map(|value| {
            let entries = record(value, "prf.evalByCredential")?.into_iter();
            entries
                .map(|(key, values)| Ok((key, Values::of(values, texts)?)))
                .collect::<Result<_, Error>>()
        });
        Ok(Some(Self { eval: eval.transpose()?, by_credential: by_credential.transpose()? }))
    }

    /// The input of a creation.
    pub(crate) fn creation(&self, provider: &CryptoProvider) -> Result<PrfCreateInput, Error> {
        if self.by_credential.is_some() {
            return Err(Error::PrfUnlisted);
        }
        Ok(PrfCreateInput { eval: self.salts(provider) })
    }

    /// The input of an assertion with one of these credentials, or with any.
    pub(crate) fn assertion(
        &self,
        allowed: &[PublicKeyCredentialDescriptor],
        provider: &CryptoProvider,
    ) -> Result<PrfGetInput, Error> {
        let mut input = PrfGetInput { eval: self.salts(provider), ..PrfGetInput::default() };
        for (key, values) in self.by_credential.iter().flatten() {
            if allowed.is_empty() {
                return Err(Error::PrfUnlisted);
            }
            let id = base64url(key).and_then(|id| CredentialId::new(&id).ok());
            let id = id.filter(|id| allowed.iter().any(|entry| entry.id == *id));
            let id = id.ok_or(Error::PrfCredential)?;
            // Two spellings of one id are one key.
            if input.eval_by_credential.iter().all(|(other, _)| *other != id) {
                input.eval_by_credential.push((id, values.salts(provider)));
            }
        }
        Ok(input)
    }

    fn salts(&self, provider: &CryptoProvider) -> Option<PrfSalts> {
        self.eval.as_ref().map(|values| values.salts(provider))
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

    /// The same from `hmac-secret`.
    pub(crate) fn of_hmac_secret(enabled: Option<bool>, results: Option<&PrfResults>) -> Self {
        let results = results.filter(|_| enabled != Some(false)).map(Into::into);
        Self { enabled, results }
    }

    /// What the site learns at an assertion: nothing, if there was no value for the credential that
    /// was used.
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
