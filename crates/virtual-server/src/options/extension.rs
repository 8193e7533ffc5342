//! The extensions of a new authenticator, from WebDriver's list and DevTools' members.

use towline_authenticator::{Config, LargeBlobs};
use towline_virtual::Extension;

use super::{Ctap2Version, VirtualAuthenticatorOptions};
use crate::{BadMember, ServiceError};

/// The names that WebDriver's `extensions` may have.
const NAMES: [(&str, Option<Extension>); 9] = [
    ("credBlob", Some(Extension::CredBlob)),
    // Asked for below.
    ("credProtect", None),
    ("hmac-secret", Some(Extension::HmacSecret)),
    ("hmac-secret-mc", Some(Extension::HmacSecretMc)),
    ("largeBlob", Some(Extension::LargeBlob)),
    ("largeBlobKey", Some(Extension::LargeBlobKey)),
    ("minPinLength", Some(Extension::MinPinLength)),
    ("prf", Some(Extension::Prf)),
    ("thirdPartyPayment", Some(Extension::ThirdPartyPayment)),
];

/// The extensions that are asked for, those that the authenticator would have otherwise included;
/// `None` where nothing is said.
pub(super) fn wanted(
    options: &VirtualAuthenticatorOptions,
    there: &[Extension],
) -> Result<Option<Vec<Extension>>, ServiceError> {
    let listed = options.extensions.as_deref().map(listed).transpose()?;
    let mut wanted = listed.clone().unwrap_or_else(|| there.to_vec());
    let mut said = listed.is_some();
    for (name, has, extension) in [
        ("hasLargeBlob", options.has_large_blob, Extension::LargeBlob),
        ("hasCredBlob", options.has_cred_blob, Extension::CredBlob),
        ("hasMinPinLength", options.has_min_pin_length, Extension::MinPinLength),
        ("hasPrf", options.has_prf, Extension::Prf),
        ("hasHmacSecret", options.has_hmac_secret, Extension::HmacSecret),
        ("hasHmacSecretMc", options.has_hmac_secret_mc, Extension::HmacSecretMc),
    ] {
        let Some(has) = has else { continue };
        said = true;
        if listed.as_ref().is_some_and(|listed| listed.contains(&extension) != has) {
            let message = format!("it is {has}, and `extensions` says otherwise; say it once");
            return Err(BadMember::new(name, message).into());
        }
        wanted.retain(|it| *it != extension);
        if has {
            wanted.push(extension);
        }
    }
    let has = |extension| wanted.contains(&extension);
    if has(Extension::LargeBlob) && has(Extension::LargeBlobKey) {
        if listed.is_some() {
            let message = "`largeBlob` and `largeBlobKey` exclude each other (CTAP 2.3 §12); \
                           name one of them";
            return Err(BadMember::new("extensions", message).into());
        }
        // What the preset has gives way to what is asked for.
        wanted.retain(|it| *it != Extension::LargeBlobKey);
    }
    Ok(said.then_some(wanted))
}

/// Whether it has `credProtect`, where something is said of that: a list of extensions has all of
/// them (WebAuthn L3 §11.3). Without one and without a preset it is there beside `credBlob`, as in
/// Chromium, and from CTAP 2.2 on, which asks for it.
pub(super) fn cred_protect(options: &VirtualAuthenticatorOptions, bare: bool) -> Option<bool> {
    match &options.extensions {
        Some(listed) => Some(listed.iter().any(|name| name == "credProtect")),
        None if bare => {
            let modern = options.ctap2_version == Some(Ctap2Version::V2_2);
            Some(modern || options.has_cred_blob == Some(true))
        }
        None => None,
    }
}

/// Whether it was asked for `minPinLength` by name.
pub(super) fn names_min_pin_length(options: &VirtualAuthenticatorOptions) -> bool {
    let mut listed = options.extensions.iter().flatten();
    options.has_min_pin_length == Some(true) || listed.any(|name| name == "minPinLength")
}

fn listed(names: &[String]) -> Result<Vec<Extension>, ServiceError> {
    let mut found = Vec::new();
    for (index, name) in names.iter().enumerate() {
        let Some((_, extension)) = NAMES.iter().find(|(known, _)| known == name) else {
            let known: Vec<&str> = NAMES.iter().map(|(known, _)| *known).collect();
            let message =
                format!("no authenticator here has the extension; they have {}", known.join(", "));
            let bad = BadMember::new(format!("extensions[{index}]"), message);
            return Err(ServiceError::Unsupported(bad));
        };
        found.extend(extension.filter(|it| !found.contains(it)));
    }
    Ok(found)
}

/// Those that a policy has.
pub(super) fn of(config: &Config) -> Vec<Extension> {
    let on = &config.extensions;
    let pin = config.pin.as_ref();
    [
        (on.hmac_secret, Extension::HmacSecret),
        (on.hmac_secret_mc, Extension::HmacSecretMc),
        (on.prf, Extension::Prf),
        (on.cred_blob.is_some(), Extension::CredBlob),
        (matches!(on.large_blobs, LargeBlobs::Command(_)), Extension::LargeBlobKey),
        (matches!(on.large_blobs, LargeBlobs::Extension(_)), Extension::LargeBlob),
        (pin.is_some_and(|pin| pin.min_length_rp_ids.is_some()), Extension::MinPinLength),
        (on.third_party_payment, Extension::ThirdPartyPayment),
    ]
    .into_iter()
    .filter_map(|(has, extension)| has.then_some(extension))
    .collect()
}
