//! What a site gets back, as JSON (RegistrationResponseJSON, AuthenticationResponseJSON; WebAuthn
//! L3 §5.1).

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Serialize;
use towline_ctap::{CosePublicKey, CredentialId, Transport, UserHandle};

use crate::{Attachment, client_data::push_string, large_blob::BlobOutputs, prf::PrfOutputs, spki};

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
        let bytes = [
            self.client_data_json.as_bytes(),
            self.authenticator_data,
            self.attestation_object,
            self.credential_id.as_bytes(),
        ];
        let mut json = Json::begin(&bytes, self.attachment, self.outputs, self.credential_id);
        json.bytes("attestationObject", self.attestation_object);
        json.bytes("authenticatorData", self.authenticator_data);
        json.bytes("clientDataJSON", self.client_data_json.as_bytes());
        if let Some(der) = spki::encode(self.public_key) {
            json.bytes("publicKey", &der);
        }
        json.name("publicKeyAlgorithm");
        json.0.push_str(&self.algorithm.to_string());
        json.texts("transports", &transports);
        json.end()
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
        let bytes = [
            self.client_data_json.as_bytes(),
            self.authenticator_data,
            self.signature,
            self.credential_id.as_bytes(),
        ];
        let mut json = Json::begin(&bytes, self.attachment, self.outputs, self.credential_id);
        json.bytes("authenticatorData", self.authenticator_data);
        json.bytes("clientDataJSON", self.client_data_json.as_bytes());
        json.bytes("signature", self.signature);
        if let Some(handle) = self.user_handle {
            json.bytes("userHandle", handle.as_bytes());
        }
        json.end()
    }
}

/// A response on its way to text: the members of the credential, and open, those of its `response`.
/// Members stand in the order of their names, as they would in a sorted map.
struct Json(String);

/// What a response takes beside its bytes, the credential id twice and the public key included.
const BESIDE: usize = 640;

impl Json {
    fn begin(
        bytes: &[&[u8]],
        attachment: Attachment,
        outputs: &Outputs,
        id: &CredentialId,
    ) -> Self {
        let bytes: usize = bytes.iter().map(|part| part.len()).sum();
        let room = bytes.saturating_mul(4).div_ceil(3).saturating_add(BESIDE);
        let mut json = Self(String::with_capacity(room));
        json.0.push('{');
        json.text("authenticatorAttachment", attachment.as_str());
        json.name("clientExtensionResults");
        // Texts and truth values can always be written.
        json.0.push_str(&serde_json::to_string(outputs).unwrap_or_default());
        json.bytes("id", id.as_bytes());
        json.bytes("rawId", id.as_bytes());
        json.0.push_str(",\"response\":{");
        json
    }

    fn end(mut self) -> String {
        self.0.push_str("},\"type\":\"public-key\"}");
        self.0
    }

    fn name(&mut self, name: &str) {
        if !self.0.ends_with('{') {
            self.0.push(',');
        }
        self.0.push('"');
        self.0.push_str(name);
        self.0.push_str("\":");
    }

    /// A member that is bytes in base64url.
    fn bytes(&mut self, name: &str, bytes: &[u8]) {
        self.name(name);
        self.0.push('"');
        URL_SAFE_NO_PAD.encode_string(bytes, &mut self.0);
        self.0.push('"');
    }

    fn text(&mut self, name: &str, text: &str) {
        self.name(name);
        push_string(&mut self.0, text);
    }

    fn texts(&mut self, name: &str, texts: &[&str]) {
        self.name(name);
        self.0.push('[');
        for (place, text) in texts.iter().enumerate() {
            if place > 0 {
                self.0.push(',');
            }
            push_string(&mut self.0, text);
        }
        self.0.push(']');
    }
}

pub(crate) fn base64url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
