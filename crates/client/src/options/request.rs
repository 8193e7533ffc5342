//! PublicKeyCredentialRequestOptionsJSON (WebAuthn L3 §5.1.9, §5.5).

use std::time::Duration;

use serde::Deserialize;
use towline_ctap::PublicKeyCredentialDescriptor;

use super::{DescriptorJson, Requirement, base64url, descriptors, parse};
use crate::Error;

/// What a site asks for when it wants an assertion.
#[derive(Debug, Clone)]
pub(crate) struct RequestOptions {
    pub(crate) rp_id: Option<String>,
    pub(crate) challenge: Vec<u8>,
    pub(crate) timeout: Option<Duration>,
    /// `None` for any discoverable credential.
    pub(crate) allow: Option<Vec<PublicKeyCredentialDescriptor>>,
    pub(crate) user_verification: Requirement,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RequestOptionsJson {
    challenge: String,
    timeout: Option<u64>,
    rp_id: Option<String>,
    allow_credentials: Option<Vec<DescriptorJson>>,
    user_verification: Option<String>,
}

impl RequestOptions {
    /// Reads the JSON.
    ///
    /// # Errors
    /// [`Error::Options`] or [`Error::Encoding`]; [`Error::NoCredentials`] for a list of which no entry can name one.
    pub(crate) fn parse(json: &str) -> Result<Self, Error> {
        let json: RequestOptionsJson = parse(json)?;
        let listed = json.allow_credentials.as_ref().is_some_and(|list| !list.is_empty());
        let allow = descriptors(json.allow_credentials, "allowCredentials.id")?;
        if listed && allow.is_empty() {
            return Err(Error::NoCredentials);
        }
        Ok(Self {
            rp_id: json.rp_id,
            challenge: base64url(&json.challenge, "challenge")?,
            timeout: json.timeout.map(Duration::from_millis),
            allow: listed.then_some(allow),
            user_verification: Requirement::parse(json.user_verification.as_deref())
                .unwrap_or(Requirement::Preferred),
        })
    }
}
