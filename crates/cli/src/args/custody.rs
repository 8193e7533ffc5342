//! Where the private keys of passkeys live.

use clap::{Args, ValueEnum};
use towline_tpm::TpmPlace;

/// Where private keys are made and used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum KeysIn {
    /// In the store, with which they can move to another machine
    Software,
    /// In this machine's TPM 2.0, which they never leave: no copy and no backup of the store has
    /// them. The TPM also compares the PIN of a key, and counts wrong ones
    Tpm,
}

/// Where the keys of new passkeys live; those that a store has stay where they are.
#[derive(Debug, Clone, Args)]
pub(crate) struct Custody {
    /// Where the private keys of new passkeys live
    #[arg(long, value_enum, default_value_t = KeysIn::Software)]
    pub(crate) keys: KeysIn,

    /// Where the TPM is: a device, or tcp:ADDR or unix:PATH, where `swtpm` is one in software
    #[arg(long, value_name = "PLACE", default_value_t)]
    pub(crate) tpm: TpmPlace,

    /// From now on the TPM counts the changes of this store, so that an older copy in its place is
    /// noticed, which would bring back passkeys that were removed; with --keys tpm
    #[arg(long)]
    pub(crate) tpm_counter: bool,

    /// Go on with this copy of the store, although the TPM has counted later changes, or lost count
    #[arg(long)]
    pub(crate) older_store: bool,

    /// Go on with this TPM, although the store knows another one, or this one was cleared since.
    /// The passkeys of the one before stay in the list, but can't sign in here
    #[arg(long)]
    pub(crate) new_tpm: bool,
}

impl Custody {
    /// Keys there, in the usual TPM, and nothing else asked for.
    pub(crate) fn new(keys: KeysIn) -> Self {
        let tpm = TpmPlace::default();
        Self { keys, tpm, tpm_counter: false, older_store: false, new_tpm: false }
    }
}
