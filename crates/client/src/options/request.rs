//! PublicKeyCredentialRequestOptionsJSON (WebAuthn L3 §5.1.9, §5.5).

use std::time::Duration;

use serde::Deserialize;
use towline_crypto::CryptoProvider;
use towline_ctap::{PublicKeyCredentialDescriptor, extension::PrfGetInput};

use super::{DescriptorJson, Requirement, base64url, descriptors, parse};
use crate::{Error, prf::PrfJson};

/// What a site asks for when it wants an assertion.
#[derive(Debug, Clone)]
pub(crate) struct RequestOptions {
    pub(crate) rp_id: Option<String>,
    pub(crate) challenge: Vec<u8>,
    pub(crate) timeout: Option<Duration>,
    /// `None` for any discoverable credential.
    pub(crate) allow: Option<Vec<PublicKeyCredentialDescriptor>>,
    pub(crate) user_verification: Requirement,
    pub(crate) prf: Option<PrfGetInput>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RequestOptionsJson {
    challenge: String,
    timeout: Option<u64>,
    rp_id: Option<String>,
    allow_credentials: Option<Vec<DescriptorJson>>,
    user_verification: Option<String>,
    extensions: Option<ExtensionsJson>,
}

#[derive(Deserialize)]
struct ExtensionsJson {
    prf: Option<PrfJson>,
}

impl RequestOptions {
    /// Reads the JSON.
    ///
    /// # Errors
    /// [`Error::Options`] or [`Error::Encoding`]; [`Error::NoCredentials`] for a list of which no entry can name one;
    /// [`Error::PrfUnlisted`] or [`Error::PrfCredential`].
    pub(crate) fn parse(json: &str, provider: &CryptoProvider) -> Result<Self, Error> {
        let json: RequestOptionsJson = parse(json)?;
        let listed = json.allow_credentials.as_ref().is_some_and(|list| !list.is_empty());
        let allow = descriptors(json.allow_credentials, "allowCredentials.id")?;
        if listed && allow.is_empty() {
            return Err(Error::NoCredentials);
        }
        let prf = json.extensions.and_then(|extensions| extensions.prf);
        Ok(Self {
            rp_id: json.rp_id,
            challenge: base64url(&json.challenge, "challenge")?,
            timeout: json.timeout.map(Duration::from_millis),
            prf: prf.map(|prf| prf.assertion(&allow, provider)).transpose()?,
            allow: listed.then_some(allow),
            user_verification: Requirement::parse(json.user_verification.as_deref())
                .unwrap_or(Requirement::Preferred),
        })
    }
}
