//! Which credentials are made, and where they are kept.

use towline_ctap::algorithm;

use super::error::{ConfigError, distinct, needs};
use crate::Replaces;

/// What a credential is like.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CredentialPolicy {
    /// Whether discoverable credentials are made (`rk`).
    pub discoverable: bool,
    /// Whether all credentials are discoverable, whatever the client asks for (`rk`), as those of
    /// passkey providers are. The standard (CTAP 2.3 §6.1.2, step 18) leaves that to the client,
    /// which is what `false` means.
    pub only_discoverable: bool,
    /// Where credentials are kept that are not discoverable.
    pub non_discoverable: NonDiscoverable,
    /// Whether an account of a relying party may have one discoverable credential of each COSE
    /// algorithm, as where sites keep a classical and a post-quantum key for each person: a new one
    /// takes the place of the one of its own algorithm only. The standard (CTAP 2.3 §6.1.2,
    /// step 17) knows one for each account, which is what `false` means.
    pub one_per_algorithm: bool,
    /// The COSE algorithms that credentials may have, in the order in which getInfo lists them. The
    /// relying party's order decides. Those that the key store lacks are left out.
    ///
    /// ML-DSA (-48, -49) is a draft in WebAuthn, so no preset has it. Its keys and signatures need
    /// a `limits.max_msg_size` of 6144 or more.
    pub algorithms: Vec<i64>,
    /// Whether signatures carry a counter, and whether all credentials share one.
    pub counters: Counters,
    /// Whether credentials may be backed up, and are.
    pub backup: BackupState,
}

/// Where credentials are kept that are not discoverable.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NonDiscoverable {
    /// In the store, as the discoverable ones.
    Stored,
    /// In their ids, sealed so that only this authenticator can open them, and only for their
    /// relying party: they need no room, and there is no limit to their number. Whoever has the id
    /// can use such a credential until a reset, which lets all of them die; no single one can be
    /// deleted, and its account is not known here.
    ///
    /// An id has 34 bytes more than the [`KeyHandle`](crate::KeyHandle), and with a blob of
    /// `credBlob` one more, and the blob. Where that makes more than 255, as for RSA keys in
    /// software, the credential is stored. There can't be a counter for each credential then.
    Wrapped,
}

/// How signatures are counted.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Counters {
    /// Always 0: right for keys that are on several devices.
    Zero,
    /// One counter for all credentials.
    Global,
    /// One for each credential, so that relying parties can't compare them. Those that are not
    /// stored, as U2F makes them, have none: they share one.
    PerCredential,
}

/// Whether credentials can be, and are, on other devices too (WebAuthn L3 §6.1.3). Whether they can
/// is fixed for each when it is made (BE).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum BackupState {
    /// New credentials stay on this device.
    #[default]
    DeviceBound,
    /// New credentials may be backed up, and none is so at first (BE without BS).
    Eligible,
    /// New credentials may be backed up, and all that may be are so at first (BE and BS).
    BackedUp,
    /// New credentials that are stored may be on all of the person's devices. Each is backed up
    /// once it [is elsewhere](crate::Credential::backed_up), and none of them counts its
    /// signatures, since two devices that count would look like a stolen key.
    Synced,
}

impl CredentialPolicy {
    /// Which credentials a new one takes the place of.
    pub(crate) const fn replaces(&self) -> Replaces {
        if self.one_per_algorithm { Replaces::AccountAndAlgorithm } else { Replaces::Account }
    }

    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        distinct("credentials.algorithms", &self.algorithms)?;
        let wrapped = self.non_discoverable == NonDiscoverable::Wrapped;
        let countable = self.counters != Counters::PerCredential;
        let which = "`Counters::Global` or `Counters::Zero`";
        needs("NonDiscoverable::Wrapped", wrapped, which, countable)?;
        let only = self.only_discoverable;
        needs("credentials.only_discoverable", only, "discoverable credentials", self.discoverable)
    }

    /// Whether a credential may be on an algorithm of ML-DSA.
    pub(super) fn has_ml_dsa(&self) -> bool {
        self.algorithms
            .iter()
            .any(|alg| matches!(*alg, algorithm::ML_DSA_44 | algorithm::ML_DSA_65))
    }
}
