//! PublicKeyCredentialCreationOptionsJSON (WebAuthn L3 §5.1.8, §5.4).

use std::time::Duration;

use serde::Deserialize;
use towline_crypto::CryptoProvider;
use towline_ctap::{
    PublicKeyCredentialDescriptor, User, UserHandle, algorithm,
    extension::{CredentialProtectionPolicy, PrfCreateInput},
};

use super::{DescriptorJson, Requirement, base64url, descriptors, parse};
use crate::{Attachment, Error, prf::PrfJson};

/// What a site asks for when it wants a new credential.
#[derive(Debug, Clone)]
pub(crate) struct CreationOptions {
    pub(crate) rp_id: Option<String>,
    pub(crate) rp_name: String,
    pub(crate) user: User,
    pub(crate) challenge: Vec<u8>,
    pub(crate) algorithms: Vec<i64>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) exclude: Vec<PublicKeyCredentialDescriptor>,
    pub(crate) attachment: Option<Attachment>,
    pub(crate) resident_key: Requirement,
    pub(crate) user_verification: Requirement,
    pub(crate) conveyance: Conveyance,
    pub(crate) attestation_formats: Vec<String>,
    pub(crate) cred_props: bool,
    pub(crate) protection: Option<Protection>,
    pub(crate) prf: Option<PrfCreateInput>,
}

/// AttestationConveyancePreference (WebAuthn L3 §5.4.7), as far as it makes a difference here: nobody has allowed this
/// client to give enterprise attestation to a site, so that `enterprise` is `direct`; and it has no anonymization CA, so
/// that `indirect` is, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Conveyance {
    None,
    Direct,
}

/// The client inputs of `credProtect` (CTAP 2.3 §12.1).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Protection {
    pub(crate) policy: CredentialProtectionPolicy,
    pub(crate) enforce: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CreationOptionsJson {
    rp: RpJson,
    user: UserJson,
    challenge: String,
    pub_key_cred_params: Vec<ParametersJson>,
    timeout: Option<u64>,
    exclude_credentials: Option<Vec<DescriptorJson>>,
    authenticator_selection: Option<SelectionJson>,
    attestation: Option<String>,
    attestation_formats: Option<Vec<String>>,
    extensions: Option<ExtensionsJson>,
}

#[derive(Deserialize)]
struct RpJson {
    id: Option<String>,
    name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct UserJson {
    id: String,
    name: String,
    display_name: String,
}

#[derive(Deserialize)]
struct ParametersJson {
    #[serde(rename = "type")]
    kind: String,
    alg: i64,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct SelectionJson {
    authenticator_attachment: Option<String>,
    resident_key: Option<String>,
    require_resident_key: Option<bool>,
    user_verification: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct ExtensionsJson {
    cred_props: Option<bool>,
    credential_protection_policy: Option<String>,
    enforce_credential_protection_policy: Option<bool>,
    prf: Option<PrfJson>,
}

impl CreationOptions {
    /// Reads the JSON.
    ///
    /// # Errors
    /// [`Error::Options`], [`Error::Encoding`], [`Error::Length`], [`Error::NoSupportedKeyType`] or [`Error::PrfUnlisted`].
    pub(crate) fn parse(json: &str, provider: &CryptoProvider) -> Result<Self, Error> {
        let json: CreationOptionsJson = parse(json)?;
        let selection = json.authenticator_selection.unwrap_or_default();
        let extensions = json.extensions.unwrap_or_default();
        let legacy = match selection.require_resident_key {
            Some(true) => Requirement::Required,
            _ => Requirement::Discouraged,
        };
        Ok(Self {
            rp_id: json.rp.id,
            rp_name: json.rp.name,
            user: json.user.read()?,
            challenge: base64url(&json.challenge, "challenge")?,
            algorithms: algorithms(&json.pub_key_cred_params)?,
            timeout: json.timeout.map(Duration::from_millis),
            exclude: descriptors(json.exclude_credentials, "excludeCredentials.id")?,
            attachment: match selection.authenticator_attachment.as_deref() {
                Some("platform") => Some(Attachment::Platform),
                Some("cross-platform") => Some(Attachment::CrossPlatform),
                _ => None,
            },
            resident_key: Requirement::parse(selection.resident_key.as_deref()).unwrap_or(legacy),
            user_verification: Requirement::parse(selection.user_verification.as_deref())
                .unwrap_or(Requirement::Preferred),
            conveyance: match json.attestation.as_deref() {
                Some("indirect" | "direct" | "enterprise") => Conveyance::Direct,
                _ => Conveyance::None,
            },
            attestation_formats: json.attestation_formats.unwrap_or_default(),
            cred_props: extensions.cred_props.unwrap_or(false),
            protection: extensions.protection()?,
            prf: extensions.prf.map(|prf| prf.creation(provider)).transpose()?,
        })
    }
}

impl UserJson {
    fn read(self) -> Result<User, Error> {
        let id = base64url(&self.id, "user.id")?;
        Ok(User {
            id: UserHandle::new(&id).map_err(|_| Error::Length("user.id"))?,
            name: Some(self.name).filter(|name| !name.is_empty()),
            display_name: Some(self.display_name).filter(|name| !name.is_empty()),
        })
    }
}

impl ExtensionsJson {
    fn protection(&self) -> Result<Option<Protection>, Error> {
        let Some(text) = &self.credential_protection_policy else { return Ok(None) };
        let policy = match text.as_str() {
            "userVerificationOptional" => CredentialProtectionPolicy::UserVerificationOptional,
            "userVerificationOptionalWithCredentialIDList" => {
                CredentialProtectionPolicy::UserVerificationOptionalWithCredentialIdList
            }
            "userVerificationRequired" => CredentialProtectionPolicy::UserVerificationRequired,
            // An enumeration of the client's inputs, unlike the members of WebAuthn itself.
            _ => return Err(Error::Options("credentialProtectionPolicy is not known".to_owned())),
        };
        let enforce = self.enforce_credential_protection_policy.unwrap_or(false);
        Ok(Some(Protection { policy, enforce }))
    }
}

/// The algorithms of the parameters; those that WebAuthn L3 §5.1.3 assumes where there are none.
fn algorithms(parameters: &[ParametersJson]) -> Result<Vec<i64>, Error> {
    if parameters.is_empty() {
        return Ok(vec![algorithm::ES256, algorithm::RS256]);
    }
    let public_keys = parameters.iter().filter(|parameters| parameters.kind == "public-key");
    let algorithms: Vec<i64> = public_keys.map(|parameters| parameters.alg).collect();
    if algorithms.is_empty() { Err(Error::NoSupportedKeyType) } else { Ok(algorithms) }
}
