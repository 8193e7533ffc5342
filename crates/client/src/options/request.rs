//! PublicKeyCredentialRequestOptionsJSON (WebAuthn L3 §5.1.9, §5.5).

use std::{borrow::Cow, time::Duration};

use towline_crypto::CryptoProvider;
use towline_ctap::{PublicKeyCredentialDescriptor, extension::PrfGetInput};

use super::{Dictionary, Requirement, Texts, descriptors, parse, timeout};
use crate::{
    Error, Mediation, PublicKeyCredentialHint,
    large_blob::{self, BlobWish},
    prf::PrfInputs,
};

/// What a site asks for when it wants an assertion.
#[derive(Debug, Clone)]
pub(crate) struct RequestOptions {
    pub(crate) rp_id: Option<String>,
    pub(crate) challenge: Vec<u8>,
    pub(crate) timeout: Option<Duration>,
    /// `None` for any discoverable credential.
    pub(crate) allow: Option<Vec<PublicKeyCredentialDescriptor>>,
    pub(crate) user_verification: Requirement,
    pub(crate) mediation: Mediation,
    pub(crate) hints: Vec<PublicKeyCredentialHint>,
    pub(crate) prf: Option<PrfGetInput>,
    pub(crate) blob: Option<BlobWish>,
    pub(crate) appid: Option<String>,
    /// What was kept with the credential is wanted (CTAP 2.3 §12.2).
    pub(crate) get_cred_blob: bool,
}

impl RequestOptions {
    /// Reads the JSON.
    ///
    /// # Errors
    /// [`Error::Options`] or [`Error::Encoding`]; [`Error::NoCredentials`] for a list of which no
    /// entry can name one; [`Error::PrfUnlisted`] or [`Error::PrfCredential`]; [`Error::Silent`],
    /// [`Error::MediationConflict`].
    pub(crate) fn parse(json: &str, provider: &CryptoProvider) -> Result<Self, Error> {
        let (json, mediation) = parse(json)?;
        let json = Dictionary::of(&json, "the options")?;
        let list = json.sequence("allowCredentials")?;
        let mut texts = Texts::default();
        let allow = descriptors(list, "allowCredentials.id", &mut texts)?;
        let challenge = texts.required(json, "challenge", "challenge")?;
        let extensions = json.dictionary("extensions")?;
        let prf = PrfInputs::of(extensions, &mut texts)?;
        let blob = large_blob::wish(extensions, list.len(), &mut texts)?;
        let hints = PublicKeyCredentialHint::all(json);
        texts.decoded()?;
        if mediation == Mediation::Silent {
            return Err(Error::Silent);
        }
        // What is listed may be anywhere.
        if mediation == Mediation::Immediate && !list.is_empty() {
            return Err(Error::NotImmediate);
        }
        if !list.is_empty() && allow.is_empty() {
            return Err(Error::NoCredentials);
        }
        Ok(Self {
            rp_id: json.text("rpId").map(Cow::into_owned),
            challenge,
            timeout: timeout(json),
            mediation,
            hints,
            blob: blob.transpose()?,
            appid: match extensions.text("appidExclude") {
                Some(_) => return Err(Error::AppIdMisplaced),
                None => extensions.text("appid").map(Cow::into_owned),
            },
            get_cred_blob: extensions.boolean("getCredBlob"),
            prf: prf.map(|prf| prf.assertion(&allow, provider)).transpose()?,
            allow: (!list.is_empty()).then_some(allow),
            user_verification: Requirement::of(json, "userVerification")
                .unwrap_or(Requirement::Preferred),
        })
    }
}
