//! The JSON of a response, and the client data in it.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::{ResponseMember, VerifyError};

/// `RegistrationResponseJSON` or `AuthenticationResponseJSON` (§5.1), its type checked.
pub(crate) struct Answer<R> {
    pub(crate) id: Vec<u8>,
    pub(crate) response: R,
    /// The identifiers of client extensions that have an output.
    pub(crate) extensions: Vec<String>,
}

/// `AuthenticatorAttestationResponseJSON`. What it says again of the attestation object is left
/// alone.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AttestationResponse {
    #[serde(rename = "clientDataJSON")]
    pub(crate) client_data_json: String,
    pub(crate) attestation_object: String,
    #[serde(default)]
    pub(crate) transports: Vec<String>,
}

/// `AuthenticatorAssertionResponseJSON`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AssertionResponse {
    #[serde(rename = "clientDataJSON")]
    pub(crate) client_data_json: String,
    pub(crate) authenticator_data: String,
    pub(crate) signature: String,
}

/// `CollectedClientData` (§5.8.1).
#[derive(Deserialize)]
pub(crate) struct ClientData {
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) challenge: String,
    pub(crate) origin: String,
    #[serde(default, rename = "crossOrigin")]
    pub(crate) cross_origin: bool,
    #[serde(default, rename = "topOrigin")]
    pub(crate) top_origin: Option<String>,
}

impl<R: for<'a> Deserialize<'a>> Answer<R> {
    pub(crate) fn read(credential: &Value) -> Result<Self, VerifyError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Credential<R> {
            id: String,
            raw_id: String,
            #[serde(rename = "type")]
            kind: String,
            response: R,
            #[serde(default)]
            client_extension_results: Map<String, Value>,
        }
        let credential = Credential::<R>::deserialize(credential)
            .map_err(|_| VerifyError::Malformed(ResponseMember::Json))?;
        if credential.kind != "public-key" {
            return Err(VerifyError::Malformed(ResponseMember::Type));
        }
        if credential.id != credential.raw_id {
            return Err(VerifyError::CredentialId);
        }
        let results = credential.client_extension_results;
        Ok(Self {
            id: bytes(&credential.raw_id, ResponseMember::CredentialId)?,
            response: credential.response,
            extensions: results.into_iter().map(|(id, _)| id).collect(),
        })
    }
}

/// Base64url without padding, which is how binary members are written; nothing else is taken.
pub(crate) fn bytes(base64url: &str, member: ResponseMember) -> Result<Vec<u8>, VerifyError> {
    URL_SAFE_NO_PAD.decode(base64url).map_err(|_| VerifyError::Malformed(member))
}

/// Checks the user handle of an `AuthenticationResponseJSON` against that of the account that the
/// credential belongs to (§7.2 step 6). It may only be missing where the site knew before who signs
/// in: `identified`.
///
/// # Errors
/// [`VerifyError::UserHandle`].
pub fn check_user_handle(
    credential: &Value,
    expected: &[u8],
    identified: bool,
) -> Result<(), VerifyError> {
    let handle = match credential.pointer("/response/userHandle") {
        None | Some(Value::Null) if identified => return Ok(()),
        Some(Value::String(handle)) => URL_SAFE_NO_PAD.decode(handle).ok(),
        _ => None,
    };
    match handle {
        Some(handle) if handle == expected => Ok(()),
        _ => Err(VerifyError::UserHandle),
    }
}
