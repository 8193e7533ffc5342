//! What a site asks for, as JSON (WebAuthn L3 §5.1.8, §5.1.9), read into types that can't be
//! illegal.

mod creation;
mod json;
mod request;
mod web_idl;

use std::time::Duration;

use base64::{
    Engine as _,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use towline_ctap::{CredentialId, PublicKeyCredentialDescriptor, Transport};

pub(crate) use creation::{Conveyance, CreationOptions};
pub(crate) use json::Value;
pub(crate) use request::RequestOptions;
pub(crate) use web_idl::{Dictionary, dom_string, record, sequence};

use crate::{Error, Mediation};

/// Base64url without padding, as WebAuthn L3 §3 defines it and browsers' `parse..FromJSON()` insist
/// on. Bits of the last character that are too many are dropped, as browsers do and RFC 4648 §3.5
/// allows.
const BASE64URL: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::URL_SAFE,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::RequireNone)
        .with_decode_allow_trailing_bits(true),
);

/// Whether a feature is wanted (ResidentKeyRequirement and UserVerificationRequirement, WebAuthn L3
/// §5.4.6, §5.8.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Requirement {
    Required,
    Preferred,
    Discouraged,
}

impl Requirement {
    /// Values that are not known count as absent (WebAuthn L3 §2.1.1).
    fn of(dictionary: Dictionary<'_>, name: &str) -> Option<Self> {
        match &*dictionary.text(name)? {
            "required" => Some(Self::Required),
            "preferred" => Some(Self::Preferred),
            "discouraged" => Some(Self::Discouraged),
            _ => None,
        }
    }
}

/// Reads options that stand alone or, as many relying parties send them, in a member `publicKey`,
/// with what stands beside that.
pub(crate) fn parse(json: &str) -> Result<(Value<'_>, Mediation), Error> {
    let mut value = Value::parse(json).map_err(Error::Options)?;
    match value.take("publicKey").filter(|inner| *inner != Value::Null) {
        Some(inner) => {
            let mediation = Mediation::beside(Dictionary::of(&value, "the options")?)?;
            Ok((inner, mediation))
        }
        None => Ok((value, Mediation::Optional)),
    }
}

/// Decodes a value, or a name, that is base64url text.
pub(crate) fn base64url(text: &str) -> Option<Vec<u8>> {
    BASE64URL.decode(text).ok()
}

/// The Base64URLStrings of one document. All of it is converted before any text is decoded, and
/// what the decoded options say is looked at last (WebAuthn L3 §5.1.8): of several faults, the one
/// that a browser would find first is told.
#[derive(Debug, Default)]
pub(crate) struct Texts {
    undecodable: Option<&'static str>,
}

impl Texts {
    /// The bytes of a text; none where they can't be told, which [`Texts::decoded`] will say.
    pub(crate) fn bytes(&mut self, text: &str, member: &'static str) -> Vec<u8> {
        base64url(text).unwrap_or_else(|| {
            self.undecodable.get_or_insert(member);
            Vec::new()
        })
    }

    /// The bytes of a member that has to be there. `null` is not: Web IDL would take the word,
    /// which happens to be base64url, for three bytes that the site never meant.
    ///
    /// # Errors
    /// [`Error::Options`] where it is not.
    pub(crate) fn required(
        &mut self,
        dictionary: Dictionary<'_>,
        name: &str,
        member: &'static str,
    ) -> Result<Vec<u8>, Error> {
        match dictionary.required(name)? {
            Value::Null => Err(Error::Options(format!("{member} is null"))),
            value => Ok(self.bytes(&dom_string(value), member)),
        }
    }

    /// Everything was converted.
    ///
    /// # Errors
    /// [`Error::Encoding`] where a text could not be decoded.
    pub(crate) fn decoded(self) -> Result<(), Error> {
        self.undecodable.map_or(Ok(()), |member| Err(Error::Encoding(member)))
    }
}

/// `timeout`, in milliseconds. It is a hint: what is out of range is brought into it, where Web IDL
/// would begin again at 0 after 49 days, and nothing is an error (WebAuthn L3 §5.1.3 step 4).
fn timeout(dictionary: Dictionary<'_>) -> Option<Duration> {
    let milliseconds = dictionary.optional("timeout").map(web_idl::clamped_unsigned_long);
    milliseconds.map(|milliseconds| Duration::from_millis(milliseconds.into()))
}

/// The descriptors of a list, without those of other types and those that can't name a credential.
fn descriptors(
    list: &[Value<'_>],
    member: &'static str,
    texts: &mut Texts,
) -> Result<Vec<PublicKeyCredentialDescriptor>, Error> {
    let mut descriptors = Vec::new();
    for entry in list {
        let entry = Dictionary::of(entry, member)?;
        let kind = dom_string(entry.required("type")?);
        let id = match entry.required("id")? {
            // A row without a value in the site's database: it names nothing, as one that is empty.
            Value::Null => Vec::new(),
            _ => texts.required(entry, "id", member)?,
        };
        let transports = entry.sequence("transports")?.iter().map(dom_string);
        if let Ok(id) = CredentialId::new(&id)
            && kind == "public-key"
        {
            let transports = transports.map(|text| Transport::from(&*text)).collect();
            descriptors.push(PublicKeyCredentialDescriptor { id, transports });
        }
    }
    Ok(descriptors)
}
