//! What a site asks for, as JSON (WebAuthn L3 §5.1.8, §5.1.9), read into types that can't be illegal.

mod creation;
mod request;

use base64::{
    Engine as _,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use serde::{Deserialize, de::DeserializeOwned};
use towline_ctap::{CredentialId, PublicKeyCredentialDescriptor, Transport};

pub(crate) use creation::{Conveyance, CreationOptions};
pub(crate) use request::RequestOptions;

use crate::Error;

/// Base64url, with or without padding: relying parties send both.
const BASE64URL: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Whether a feature is wanted (ResidentKeyRequirement and UserVerificationRequirement, WebAuthn L3 §5.4.6, §5.8.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Requirement {
    Required,
    Preferred,
    Discouraged,
}

impl Requirement {
    /// Values that are not known count as absent (WebAuthn L3 §2.1.1).
    fn parse(text: Option<&str>) -> Option<Self> {
        match text? {
            "required" => Some(Self::Required),
            "preferred" => Some(Self::Preferred),
            "discouraged" => Some(Self::Discouraged),
            _ => None,
        }
    }
}

#[derive(Deserialize)]
struct DescriptorJson {
    id: String,
    #[serde(rename = "type")]
    kind: String,
    transports: Option<Vec<String>>,
}

/// Reads options that stand alone or, as many relying parties send them, in a member `publicKey`.
fn parse<T: DeserializeOwned>(json: &str) -> Result<T, Error> {
    let refuse = |error: serde_json::Error| Error::Options(error.to_string());
    let mut value: serde_json::Value = serde_json::from_str(json).map_err(refuse)?;
    if let Some(inner) = value.get_mut("publicKey") {
        value = inner.take();
    }
    serde_json::from_value(value).map_err(refuse)
}

pub(crate) fn base64url(text: &str, member: &'static str) -> Result<Vec<u8>, Error> {
    BASE64URL.decode(text).map_err(|_| Error::Encoding(member))
}

/// The descriptors of a list, without those of other types and those that can't name a credential.
fn descriptors(
    list: Option<Vec<DescriptorJson>>,
    member: &'static str,
) -> Result<Vec<PublicKeyCredentialDescriptor>, Error> {
    let mut descriptors = Vec::new();
    for entry in list.into_iter().flatten() {
        let id = base64url(&entry.id, member)?;
        if let Ok(id) = CredentialId::new(&id)
            && entry.kind == "public-key"
        {
            let transports = entry.transports.unwrap_or_default();
            let transports = transports.iter().map(|text| Transport::from(text.as_str())).collect();
            descriptors.push(PublicKeyCredentialDescriptor { id, transports });
        }
    }
    Ok(descriptors)
}
