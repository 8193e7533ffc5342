//! The platform: this device, with its private keys in the machine's TPM.

use std::sync::Arc;

use towline::LocalAuthenticator;
use towline_tpm::PATIENCE;

use super::this_device::{self, Owner};
use crate::{
    args::{self, KeysIn},
    exit::Failure,
    report::Report,
};

/// The authenticator whose keys are in the TPM. That there is none is said before anything is asked
/// of anybody, and before a store is made.
pub(super) fn open(
    args: &args::Reach,
    report: &Arc<Report>,
) -> Result<LocalAuthenticator<Owner>, Failure> {
    if let Err(error) = args.tpm.open(PATIENCE) {
        let message = format!("{error}; or use --with this-device, --with key or --with phone");
        return Err(Failure::environment("no_platform", message).thrown("NotAllowedError"));
    }
    let (tpm, new_tpm) = (args.tpm.clone(), args.new_tpm);
    let custody = args::Custody { keys: KeysIn::Tpm, tpm, new_tpm };
    this_device::open(args, &custody, report).map_err(|failure| failure.thrown("NotAllowedError"))
}
