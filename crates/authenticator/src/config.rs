//! What an authenticator is and how it behaves: one value in groups, with presets.

mod attestation;
mod credentials;
mod error;
mod extensions;
mod identity;
mod operation;
mod pin;
mod presets;
mod rules;
mod tokens;
mod verification;

use towline_ctap::Aaguid;

pub use self::{
    attestation::{
        AttestationFormat, AttestationPolicy, BatchAttestation, EnterpriseAttestation,
        certified_aaguid,
    },
    credentials::{BackupState, Counters, CredentialPolicy, NonDiscoverable},
    error::ConfigError,
    extensions::{ExtensionPolicy, LargeBlobs},
    identity::Model,
    operation::{MessageLimits, PresencePolicy, ResetPolicy, ResetTime, Timing},
    pin::{ClientPin, PinComplexity},
    tokens::TokenPolicy,
    verification::{BioEnrollment, BuiltInVerification, FingerprintKind, VerificationPolicy},
};

/// The policy of one authenticator, in groups.
///
/// Start from a preset, or from [`Config::new`], which has as little as there can be, and change
/// what differs. [`Authenticator::new`](crate::Authenticator::new) validates the whole. What is
/// claimed in getInfo follows from it.
///
/// ```
/// use towline_authenticator::Config;
///
/// let mut config = Config::phone().with_aaguid([7; 16].into());
/// config.identity.has_display = false;
/// assert_eq!(config.validate(), Ok(()));
/// ```
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// What the authenticator is, and says that it is.
    pub identity: Model,
    /// Which credentials it makes, and where it keeps them.
    pub credentials: CredentialPolicy,
    /// When the person is verified, and by which means of the authenticator's own.
    pub verification: VerificationPolicy,
    /// A PIN (`clientPin`), which needs a PIN/UV auth protocol. `None`: there is no such feature.
    pub pin: Option<ClientPin>,
    /// PIN/UV tokens, and what is done with them.
    pub tokens: TokenPolicy,
    /// The extensions of makeCredential and getAssertion.
    pub extensions: ExtensionPolicy,
    /// Who vouches for a new credential.
    pub attestation: AttestationPolicy,
    /// Where the person is asked although the standard wants no question.
    pub presence: PresencePolicy,
    /// When a client may delete everything.
    pub reset: ResetPolicy,
    /// How much a message holds.
    pub limits: MessageLimits,
    /// How long things may take.
    pub timing: Timing,
}

impl Config {
    /// The same with this AAGUID.
    #[must_use]
    pub fn with_aaguid(mut self, aaguid: Aaguid) -> Self {
        self.identity.aaguid = aaguid;
        self
    }

    /// The same with credentials that are, or may be, backed up.
    #[must_use]
    pub const fn with_backup(mut self, backup: BackupState) -> Self {
        self.credentials.backup = backup;
        self
    }

    /// The same with these COSE algorithms.
    #[must_use]
    pub fn with_algorithms(mut self, algorithms: &[i64]) -> Self {
        self.credentials.algorithms = algorithms.to_vec();
        self
    }

    /// The same with this way of counting.
    #[must_use]
    pub const fn with_counters(mut self, counters: Counters) -> Self {
        self.credentials.counters = counters;
        self
    }

    /// The same with a key and certificates that vouch for its model, and with the AAGUID that they
    /// name, if any: a site gets a statement by them (`packed`) unless its client says that it
    /// wants none. The person is asked each time; a refusal leaves the site without a statement and
    /// without an AAGUID, and the passkey is made all the same.
    #[must_use]
    pub fn with_batch_attestation(mut self, batch: BatchAttestation) -> Self {
        self.identity.aaguid = batch.aaguid().unwrap_or(self.identity.aaguid);
        self.attestation.formats = vec![AttestationFormat::PackedBasic, AttestationFormat::None];
        self.attestation.batch = Some(batch);
        self
    }

    /// Whether PIN/UV tokens are given out.
    pub(crate) const fn has_tokens(&self) -> bool {
        !self.tokens.pin_uv_auth_protocols.is_empty()
    }

    /// Whether authenticatorConfig is there.
    pub(crate) fn has_settings(&self) -> bool {
        self.verification.always_uv_configurable
            || self.reset.long_touch_configurable
            || self.min_pin_length_rp_ids().is_some()
            || self.attestation.enterprise.is_some()
            || !self.tokens.vendor_config_commands.is_empty()
    }

    /// Whether anything but credentials and retries is kept.
    pub(crate) fn has_durable_state(&self) -> bool {
        self.pin.is_some()
            || self.tokens.persistent_token
            || self.bio_enrollment().is_some()
            || self.has_settings()
    }

    /// How many relying parties may be chosen to learn the minimum length of a PIN; `None` without
    /// setMinPINLength.
    pub fn min_pin_length_rp_ids(&self) -> Option<usize> {
        self.pin.as_ref()?.min_length_rp_ids
    }

    /// The policy on the complexity of PINs, which is `None` without a PIN.
    pub fn pin_complexity(&self) -> PinComplexity {
        self.pin.as_ref().map_or(PinComplexity::None, |pin| pin.complexity)
    }

    /// Built-in verification, set up or not.
    pub(crate) const fn built_in(&self) -> Option<&BuiltInVerification> {
        self.verification.built_in.as_ref()
    }

    /// The sensor for fingerprints that platforms enrol.
    pub fn bio_enrollment(&self) -> Option<BioEnrollment> {
        self.built_in()?.bio_enrollment
    }

    /// Whether built-in verification permits to enrol fingerprints.
    pub(crate) fn verification_enrolls(&self) -> bool {
        self.bio_enrollment().is_some_and(|enrollment| enrollment.verification_permits)
    }

    /// Whether built-in verification permits to use authenticatorConfig.
    pub(crate) fn verification_configures(&self) -> bool {
        self.built_in().is_some_and(|built_in| built_in.configures)
    }

    /// Whether verification is claimed without tokens, as phones do.
    pub(crate) fn verifies_without_token(&self) -> bool {
        self.built_in().is_some_and(|built_in| built_in.without_token)
    }
}
