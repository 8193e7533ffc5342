//! Which attestation is made, and who signs it (CTAP 2.3 §6.1.2 step 19; WebAuthn L3 §6.5.3, §8.2).

use towline_ctap::MakeCredentialRequest;

use crate::{AttestationFormat, KeyHandle, flow::Core};

/// The first format of the client's preference that is supported, or our own first.
pub(crate) fn choose(
    supported: &[AttestationFormat],
    request: &MakeCredentialRequest,
) -> AttestationFormat {
    let preferred = request.attestation_formats_preference.iter().find_map(|name| {
        supported.iter().copied().find(|format| format.identifier() == name.as_str())
    });
    preferred.or(supported.first().copied()).unwrap_or(AttestationFormat::None)
}

/// The key that signs the statement, with its certificates if it is not the credential's own; `None` without a statement.
pub(crate) fn signer(
    core: &Core,
    format: AttestationFormat,
    credential: &KeyHandle,
) -> Option<(KeyHandle, Option<Vec<Vec<u8>>>)> {
    match format {
        AttestationFormat::None => None,
        AttestationFormat::PackedSelf => Some((credential.clone(), None)),
        AttestationFormat::PackedBasic => {
            let batch = core.config.batch_attestation.as_ref()?;
            Some((batch.key.clone(), Some(batch.certificates.clone())))
        }
    }
}
