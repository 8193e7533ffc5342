//! The platform: this device, with the private keys in its TPM.

use std::sync::Arc;

use towline::LocalAuthenticator;

use super::this_device::{self, Owner};
use crate::{
    args::{self, KeysIn},
    exit::Failure,
    report::Report,
};

/// Opens the store and the TPM. What is wrong with the TPM is said before anything is asked of
/// anybody, with the other ways.
pub(super) fn open(
    args: &args::Reach,
    report: &Arc<Report>,
) -> Result<LocalAuthenticator<Owner>, Failure> {
    let custody = args::Custody {
        tpm: args.tpm.clone().unwrap_or_default(),
        tpm_counter: args.tpm_counter,
        older_store: args.older_store,
        new_tpm: args.new_tpm,
        keys: KeysIn::Tpm,
    };
    this_device::open(args, &custody, report).map_err(|failure| match failure.reason {
        "no_tpm" | "tpm" => {
            let other = "use --with this-device, --with key or --with phone";
            let message = format!("{}; {other}", failure.message.trim_end_matches('.'));
            Failure { message, ..failure }.thrown("NotAllowedError")
        }
        _ => failure,
    })
}
