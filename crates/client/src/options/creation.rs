//! PublicKeyCredentialCreationOptionsJSON (WebAuthn L3 §5.1.8, §5.4).

use std::{borrow::Cow, time::Duration};

use towline_crypto::CryptoProvider;
use towline_ctap::{
    PublicKeyCredentialDescriptor, User, UserHandle, algorithm,
    extension::{CredentialProtectionPolicy, LargeBlobSupport, PrfCreateInput},
};

use super::{
    Dictionary, Requirement, Texts, Value, descriptors, dom_string, parse, timeout,
    web_idl::{long, sequence},
};
use crate::{Attachment, Error, Mediation, PublicKeyCredentialHint, large_blob, prf::PrfInputs};

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
    pub(crate) mediation: Mediation,
    pub(crate) hints: Vec<PublicKeyCredentialHint>,
    pub(crate) cred_props: bool,
    /// Bytes to be kept with the credential (CTAP 2.3 §12.2).
    pub(crate) cred_blob: Option<Vec<u8>>,
    /// The authenticator is to tell how long its PIN is at least (CTAP 2.3 §12.5).
    pub(crate) min_pin_length: bool,
    pub(crate) protection: Option<Protection>,
    pub(crate) prf: Option<PrfCreateInput>,
    pub(crate) blob: Option<LargeBlobSupport>,
    pub(crate) appid_exclude: Option<String>,
}

/// AttestationConveyancePreference (WebAuthn L3 §5.4.7), as far as it makes a difference here:
/// nobody has allowed this client to give enterprise attestation to a site, so that `enterprise` is
/// `direct`; and it has no anonymization CA, so that `indirect` is, too.
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

impl CreationOptions {
    /// Reads the JSON.
    ///
    /// # Errors
    /// [`Error::Options`], [`Error::Encoding`], [`Error::Length`], [`Error::NoSupportedKeyType`] or
    /// [`Error::PrfUnlisted`].
    pub(crate) fn parse(json: &str, provider: &CryptoProvider) -> Result<Self, Error> {
        let (json, mediation) = parse(json)?;
        let json = Dictionary::of(&json, "the options")?;
        let rp = Dictionary::of(json.required("rp")?, "rp")?;
        let selection = json.dictionary("authenticatorSelection")?;
        let extensions = json.dictionary("extensions")?;
        let legacy = if selection.boolean("requireResidentKey") {
            Requirement::Required
        } else {
            Requirement::Discouraged
        };
        let mut texts = Texts::default();
        let user = Dictionary::of(json.required("user")?, "user")?;
        let user_id = texts.required(user, "id", "user.id")?;
        let (user_name, display_name) = (name(user, "name")?, name(user, "displayName")?);
        let challenge = texts.required(json, "challenge", "challenge")?;
        let algorithms =
            algorithms(sequence(json.required("pubKeyCredParams")?, "pubKeyCredParams")?)?;
        let exclude = json.sequence("excludeCredentials")?;
        let exclude = descriptors(exclude, "excludeCredentials.id", &mut texts)?;
        let prf = PrfInputs::of(extensions, &mut texts)?;
        let cred_blob = extensions.text("credBlob").map(|text| texts.bytes(&text, "credBlob"));
        let formats = json.sequence("attestationFormats")?;
        let rp_name = name(rp, "name")?.unwrap_or_default();
        let protection = protection(extensions)?;
        let hints = PublicKeyCredentialHint::all(json);
        texts.decoded()?;
        let id = UserHandle::new(&user_id).map_err(|_| Error::Length("user.id"))?;
        if algorithms.is_empty() {
            return Err(Error::NoSupportedKeyType);
        }
        Ok(Self {
            rp_id: rp.text("id").map(Cow::into_owned),
            rp_name,
            user: User { id, name: user_name, display_name },
            challenge,
            algorithms,
            timeout: timeout(json),
            mediation,
            hints,
            exclude,
            attachment: match selection.text("authenticatorAttachment").as_deref() {
                Some("platform") => Some(Attachment::Platform),
                Some("cross-platform") => Some(Attachment::CrossPlatform),
                _ => None,
            },
            resident_key: Requirement::of(selection, "residentKey").unwrap_or(legacy),
            user_verification: Requirement::of(selection, "userVerification")
                .unwrap_or(Requirement::Preferred),
            conveyance: match json.text("attestation").as_deref() {
                Some("indirect" | "direct" | "enterprise") => Conveyance::Direct,
                _ => Conveyance::None,
            },
            // A hint. What is no text can't name a format.
            attestation_formats: formats
                .iter()
                .filter(|format| matches!(format, Value::Text(_)))
                .map(|format| dom_string(format).into_owned())
                .collect(),
            cred_props: extensions.boolean("credProps"),
            cred_blob,
            min_pin_length: extensions.boolean("minPinLength"),
            protection,
            blob: large_blob::support(extensions)?,
            appid_exclude: match extensions.text("appid") {
                Some(_) => return Err(Error::AppIdMisplaced),
                None => extensions.text("appidExclude").map(Cow::into_owned),
            },
            prf: prf.map(|prf| prf.creation(provider)).transpose()?,
        })
    }
}

/// A name for people, which has to be there. One that is empty or `null` is none: a browser would
/// show the latter as the word.
fn name(dictionary: Dictionary<'_>, name: &str) -> Result<Option<String>, Error> {
    let value = dictionary.required(name)?;
    let text = (*value != Value::Null).then(|| dom_string(value).into_owned());
    Ok(text.filter(|text| !text.is_empty()))
}

fn protection(extensions: Dictionary<'_>) -> Result<Option<Protection>, Error> {
    let Some(text) = extensions.text("credentialProtectionPolicy") else { return Ok(None) };
    let policy = match &*text {
        "userVerificationOptional" => CredentialProtectionPolicy::UserVerificationOptional,
        "userVerificationOptionalWithCredentialIDList" => {
            CredentialProtectionPolicy::UserVerificationOptionalWithCredentialIdList
        }
        "userVerificationRequired" => CredentialProtectionPolicy::UserVerificationRequired,
        // An enumeration of the client's inputs, unlike the members of WebAuthn itself.
        _ => return Err(Error::Options("credentialProtectionPolicy is not known".to_owned())),
    };
    let enforce = extensions.boolean("enforceCredentialProtectionPolicy");
    Ok(Some(Protection { policy, enforce }))
}

/// The algorithms of the parameters; those that WebAuthn L3 §5.1.3 assumes where there are none.
/// Parameters of other types are passed over, all of them perhaps.
fn algorithms(parameters: &[Value<'_>]) -> Result<Vec<i64>, Error> {
    if parameters.is_empty() {
        return Ok(vec![algorithm::ES256, algorithm::RS256]);
    }
    let mut algorithms = Vec::new();
    for entry in parameters {
        let entry = Dictionary::of(entry, "pubKeyCredParams")?;
        let kind = dom_string(entry.required("type")?);
        let algorithm = long(entry.required("alg")?);
        if kind == "public-key" {
            algorithms.push(algorithm.into());
        }
    }
    Ok(algorithms)
}
