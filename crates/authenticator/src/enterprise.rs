//! Enterprise attestation (CTAP 2.3 §7.1): a statement that says which device it is, for relying
//! parties that may know.

use towline_ctap::{MakeCredentialRequest, Status};

use crate::flow::Core;

/// Step 9 of makeCredential: whether this relying party may have an enterprise attestation. If not,
/// the creation goes on as if nobody had asked for one.
pub(crate) fn is_granted(core: &Core, request: &MakeCredentialRequest) -> Result<bool, Status> {
    let Some(kind) = request.enterprise_attestation else { return Ok(false) };
    let on = core.state.settings.enterprise_attestation;
    let enterprise = core.config.attestation.enterprise.as_ref().filter(|_| on);
    let enterprise = enterprise.ok_or(Status::InvalidParameter)?;
    let listed = enterprise.vendor_rp_ids.contains(&request.rp.id);
    match kind {
        1 => Ok(listed),
        2 => Ok(listed || enterprise.platform_managed),
        _ => Err(Status::InvalidOption),
    }
}
