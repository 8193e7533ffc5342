//! The platform: keys in this machine's TPM. Here is the one place where they come in.

use std::path::Path;

use towline::client::Channel;

use crate::exit::Failure;

/// Where the kernel's resource manager for a TPM 2.0 is.
const TPM: &str = "/dev/tpmrm0";

/// The authenticator whose keys are in the TPM. There is none yet, which is said before anything is
/// asked of anybody.
pub(super) fn open() -> Result<Box<dyn Channel>, Failure> {
    let why = if Path::new(TPM).exists() {
        "this program can't keep passkeys in the TPM of this machine yet"
    } else {
        "this machine has no TPM 2.0 that programs can use (there is no /dev/tpmrm0; perhaps it is off in the firmware)"
    };
    let message = format!("{why}; use --with this-device, --with key or --with phone");
    Err(Failure::environment("no_platform", message).thrown("NotAllowedError"))
}
