//! Attestation: what is asked for, and what of it the site gets (WebAuthn L3 §5.4.7; CTAP 2.3
//! §6.1).

use towline_ctap::{Aaguid, AttestationStatement, AttestedCredentialData, GetInfo, Version};

use crate::options::{Conveyance, CreationOptions};

/// Which attestation to ask for. An authenticator of CTAP 2.2 makes none where none is wanted. One
/// of before does not know the parameter: it gets none, and its answer is stripped.
pub(crate) fn preference(options: &CreationOptions, info: &GetInfo) -> Vec<String> {
    let known = info.attestation_formats.as_deref();
    match options.conveyance {
        Conveyance::None if speaks_2_2(info) => vec!["none".to_owned()],
        Conveyance::None => Vec::new(),
        Conveyance::Direct if !options.attestation_formats.is_empty() => {
            options.attestation_formats.clone()
        }
        Conveyance::Direct => known.map_or_else(|| vec!["packed".to_owned()], <[String]>::to_vec),
    }
}

/// Takes away the statement (WebAuthn L3 §5.1.3, attestation conveyance `none`). The AAGUID stays,
/// as that section has it now: sites use it to name the passkey's provider. Self attestation
/// without a model tells nothing, and stays too.
pub(crate) fn without(
    statement: AttestationStatement,
    attested: &AttestedCredentialData,
) -> AttestationStatement {
    let anonymous = attested.aaguid == Aaguid::ZERO;
    if statement.is_self() && anonymous { statement } else { AttestationStatement::None }
}

/// Whether the authenticator speaks CTAP 2.2 or later. That version has no name of its own: it
/// shows in the members of getInfo that it brought. `attestationFormats` is left out by those that
/// know `packed` alone.
fn speaks_2_2(info: &GetInfo) -> bool {
    info.versions.contains(&Version::Fido2_3)
        || info.attestation_formats.is_some()
        || info.long_touch_for_reset.is_some()
        || info.enc_identifier.is_some()
        || info.transports_for_reset.is_some()
        || info.max_pin_length.is_some()
        || info.pin_complexity_policy.is_some()
        || info.options.per_cred_mgmt_ro == Some(true)
}
