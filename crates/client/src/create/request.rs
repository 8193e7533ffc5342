//! What the authenticator is asked for.

use towline_ctap::{
    GetInfo, MakeCredentialRequest, RequestOptions, Rp, Transport, User, Version,
    extension::{
        CredBlob, CredentialProtectionPolicy, ExtensionValue as _, GetMinPinLength, HmacSecret,
    },
};

use super::Create;
use crate::{Error, attestation, large_blob, names, options::Requirement, prf, verification::Wish};

impl Create {
    /// The request, without its exclude list, and how much verification goes with it.
    pub(super) fn request(
        &self,
        info: &GetInfo,
        transport: &Transport,
    ) -> Result<(MakeCredentialRequest, Wish), Error> {
        let options = &self.options;
        let can_store = info.options.rk == Some(true);
        let discoverable = match options.resident_key {
            Requirement::Required if !can_store => return Err(Error::DiscoverableUnsupported),
            Requirement::Required => true,
            Requirement::Preferred => can_store,
            Requirement::Discouraged => false,
        };
        // An authenticator that can verify wants to, unless it says that it does without (CTAP 2.3
        // §6.1.2).
        let insists = discoverable || info.options.make_cred_uv_not_rqd != Some(true);
        let always = info.options.always_uv == Some(true);
        // A person who makes a passkey can make a PIN for it. Phones have a lock of their own.
        let required = Wish::Required { new_pin: *transport != Transport::Hybrid };
        let wish = match options.user_verification {
            Requirement::Required => required,
            _ if always => required,
            Requirement::Discouraged if !insists => Wish::No,
            Requirement::Preferred | Requirement::Discouraged => Wish::IfPossible,
        };

        let shorten =
            |name: Option<&str>| name.map(|name| names::shorten(name, transport).to_owned());
        let rp_name = Some(options.rp_name.as_str()).filter(|name| !name.is_empty());
        let rp = Rp { id: self.rp_id.clone(), name: shorten(rp_name) };
        let user = User {
            id: options.user.id.clone(),
            name: shorten(options.user.name.as_deref()),
            display_name: shorten(options.user.display_name.as_deref()),
        };
        let algorithms = options.algorithms.clone();
        let mut request = MakeCredentialRequest::new(self.client_data.hash, rp, user, algorithms);
        request.options = RequestOptions { rk: discoverable.then_some(true), up: None, uv: None };
        if let Some(protection) = options.protection {
            if info.supports_extension("credProtect") {
                request.extensions.set(&protection.policy);
            } else if protection.enforce
                && protection.policy != CredentialProtectionPolicy::UserVerificationOptional
            {
                return Err(Error::ProtectionUnsupported);
            }
        }
        prf::ask(options.prf.as_ref(), info, &mut request.extensions);
        if self.hmac_secret.is_some() {
            request.extensions.set(&HmacSecret(true));
        }
        if let Some(blob) = &options.cred_blob
            && info.supports_extension(CredBlob::ID)
        {
            request.extensions.set(&CredBlob(blob.clone()));
        }
        if options.min_pin_length && info.supports_extension(GetMinPinLength::ID) {
            request.extensions.set(&GetMinPinLength(true));
        }
        large_blob::ask_creation(options.blob, discoverable, info, &mut request.extensions)?;
        request.attestation_formats_preference = attestation::preference(options, info);
        Ok((request, wish))
    }
}

/// Whether the credential will be discoverable, as far as the request tells. CTAP 2.0 lets an
/// authenticator that can do so make any credential discoverable.
pub(super) fn known_discoverability(
    request: &MakeCredentialRequest,
    info: &GetInfo,
) -> Option<bool> {
    let strict = info.versions.iter().any(|version| {
        matches!(version, Version::Fido2_1Pre | Version::Fido2_1 | Version::Fido2_3)
    });
    let cannot = info.options.rk != Some(true);
    if request.options.rk == Some(true) { Some(true) } else { (strict || cannot).then_some(false) }
}
