//! The first steps that makeCredential and getAssertion share: PIN/UV parameters and options.

use towline_ctap::{Flags, RequestOptions, Status};

use crate::{Config, flow::Core};

/// Steps 1 and 2. There are no PIN features, so an empty parameter does not select the device, and no protocol is
/// supported.
pub(crate) const fn check_pin_uv_auth(
    param: Option<&[u8]>,
    protocol: Option<u64>,
) -> Result<(), Status> {
    match (param, protocol) {
        (None, _) => Ok(()),
        (Some(_), None) => Err(Status::MissingParameter),
        (Some(_), Some(_)) => Err(Status::InvalidParameter),
    }
}

/// The `uv` option: whether the client wants built-in verification.
pub(crate) fn wants_verification(config: &Config, options: RequestOptions) -> Result<bool, Status> {
    let wanted = options.uv.unwrap_or(false);
    if wanted && config.usable_verification().is_none() {
        return Err(Status::InvalidOption);
    }
    Ok(wanted)
}

/// `alwaysUv`, and the same without the claim: whether there is to be built-in verification after all.
pub(crate) fn always_verify(config: &Config, wanted: bool) -> Result<bool, Status> {
    let possible = config.usable_verification().is_some();
    if config.always_uv && !possible {
        // There is no PIN to ask for instead.
        return Err(Status::OperationDenied);
    }
    Ok(wanted || possible && (config.always_uv || config.verify_unasked))
}

/// BE as it was fixed when the credential was made, BS as it is now.
pub(crate) fn backup_flags(core: &Core, eligible: bool) -> Flags {
    let backed_up = eligible && core.config.backup.backed_up;
    Flags::empty().with(Flags::BE, eligible).with(Flags::BS, backed_up)
}
