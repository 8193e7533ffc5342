//! What a site gets back, as JSON (RegistrationResponseJSON, AuthenticationResponseJSON; WebAuthn
//! L3 §5.1).

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Serialize;
use serde_json::json;
use towline_ctap::{CosePublicKey, CredentialId, Transport, UserHandle};

use crate::{Attachment, large_blob::BlobOutputs, prf::PrfOutputs, spki};

/// The outputs of extensions that the site asked for (WebAuthn L3 §10).
#[derive(Serialize)]
pub(crate) struct Outputs {
    #[serde(rename = "credProps", skip_serializing_if = "Option::is_none")]
    pub(crate) cred_props: Option<CredProps>,
    /// Whether the bytes are kept.
    #[serde(rename = "credBlob", skip_serializing_if = "Option::is_none")]
    pub(crate) cred_blob: Option<bool>,
    /// The bytes, base64url.
    #[serde(rename = "getCredBlob", skip_serializing_if = "Option::is_none")]
    pub(crate) get_cred_blob: Option<String>,
    #[serde(rename = "largeBlob", skip_serializing_if = "Option::is_none")]
    pub(crate) large_blob: Option<BlobOutputs>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) prf: Option<PrfOutputs>,
    /// Whether the AppID was used in the place of the RP ID.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) appid: Option<bool>,
    #[serde(rename = "appidExclude", skip_serializing_if = "Option::is_none")]
    pub(crate) appid_exclude: Option<bool>,
}

/// CredentialPropertiesOutput (WebAuthn L3 §10.1.3).
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct CredProps {
    /// Whether the credential is discoverable; left out where it is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) rk: Option<bool>,
}

/// What a registration response is made of.
pub(crate) struct Registration<'a> {
    pub(crate) credential_id: &'a CredentialId,
    pub(crate) client_data_json: &'a str,
    pub(crate) authenticator_data: &'a [u8],
    pub(crate) attestation_object: &'a [u8],
    pub(crate) public_key: &'a CosePublicKey,
    pub(crate) algorithm: i64,
    pub(crate) transports: &'a [Transport],
    pub(crate) attachment: Attachment,
    pub(crate) outputs: &'a Outputs,
}

impl Registration<'_> {
    pub(crate) fn to_json(&self) -> String {
        // Sorted and without repetition, as getTransports() gives them (WebAuthn L3 §5.2.1).
        let mut transports: Vec<&str> = self.transports.iter().map(Transport::as_str).collect();
        transports.sort_unstable();
        transports.dedup();
        let mut response = json!({
            "clientDataJSON": base64url(self.client_data_json.as_bytes()),
            "authenticatorData": base64url(self.authenticator_data),
            "transports": transports,
            "publicKeyAlgorithm": self.algorithm,
            "attestationObject": base64url(self.attestation_object),
        });
        if let (Some(der), Some(members)) =
            (spki::encode(self.public_key), response.as_object_mut())
        {
            members.insert("publicKey".to_owned(), base64url(&der).into());
        }
        let id = base64url(self.credential_id.as_bytes());
        json!({
            "id": id,
            "rawId": id,
            "type": "public-key",
            "authenticatorAttachment": self.attachment.as_str(),
            "clientExtensionResults": self.outputs,
            "response": response,
        })
        .to_string()
    }
}

/// What an authentication response is made of.
pub(crate) struct Authentication<'a> {
    pub(crate) credential_id: &'a CredentialId,
    pub(crate) client_data_json: &'a str,
    pub(crate) authenticator_data: &'a [u8],
    pub(crate) signature: &'a [u8],
    pub(crate) user_handle: Option<&'a UserHandle>,
    pub(crate) attachment: Attachment,
    pub(crate) outputs: &'a Outputs,
}

impl Authentication<'_> {
    pub(crate) fn to_json(&self) -> String {
        let mut response = json!({
            "clientDataJSON": base64url(self.client_data_json.as_bytes()),
            "authenticatorData": base64url(self.authenticator_data),
            "signature": base64url(self.signature),
        });
        if let (Some(handle), Some(members)) = (self.user_handle, response.as_object_mut()) {
            members.insert("userHandle".to_owned(), base64url(handle.as_bytes()).into());
        }
        let id = base64url(self.credential_id.as_bytes());
        json!({
            "id": id,
            "rawId": id,
            "type": "public-key",
            "authenticatorAttachment": self.attachment.as_str(),
            "clientExtensionResults": self.outputs,
            "response": response,
        })
        .to_string()
    }
}

pub(crate) fn base64url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
