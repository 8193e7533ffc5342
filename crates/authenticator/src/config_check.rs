//! Whether a [`Config`] says what can be true (CTAP 2.3 §6.4, the rules across options).

use std::{collections::HashSet, hash::Hash, time::Duration};

use towline_ctap::{Transport, Version, algorithm};

use crate::{
    AttestationFormat, BatchAttestation, ClientPin, Config, Counters, NonDiscoverable,
    PinComplexity, PinUvAuthProtocol, ResetPolicy,
};

/// The shortest `max_msg_size` with ML-DSA, in bytes: a public key and a signature by ML-DSA-65
/// make up 5261.
const ML_DSA_MSG_SIZE: usize = 6144;

/// How long a signature by ML-DSA-65 is, in bytes.
const ML_DSA_65_SIGNATURE: usize = 3309;

/// More than the rest of an assertion's response can have, in bytes, with another signature: ids,
/// names and authenticator data.
const ACCOUNT: usize = 1536;

/// Why a [`Config`] can't be used.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// A list is empty that must not be.
    #[error("`{0}` must not be empty")]
    Empty(&'static str),
    /// A list says something twice.
    #[error("`{0}` must not have the same entry twice")]
    Repeated(&'static str),
    /// A version is claimed that is not one, or not one of this authenticator.
    #[error(
        "the version {0} can't be claimed: this authenticator does not have all that it asks for"
    )]
    Version(String),
    /// A number is out of its range.
    #[error("`{member}` must be {allowed}")]
    OutOfRange {
        /// The member of [`Config`], by its name in the source.
        member: &'static str,
        /// The range in words, to complete "must be ..".
        allowed: &'static str,
    },
    /// `uv` needs a PIN/UV token from FIDO_2_1 on.
    #[error(
        "with FIDO_2_1, user verification needs a PIN/UV token; set `verification_without_token` to do as phones do"
    )]
    TokenRequired,
    /// A feature is on whose precondition is off.
    #[error("`{feature}` needs {needs}")]
    Needs {
        /// The feature that is on, as the config calls it.
        feature: &'static str,
        /// The precondition that is off, in words.
        needs: &'static str,
    },
    /// `alwaysUv` excludes `makeCredUvNotRqd`.
    #[error("`always_uv` and `make_cred_uv_not_rqd` exclude each other")]
    AlwaysUvAndNotRequired,
    /// Verification is asked for but can't be had.
    #[error("`{0}` needs built-in verification that is set up")]
    NoVerification(&'static str),
    /// What is not eligible can't be backed up.
    #[error("credentials can't be backed up without being eligible for it")]
    BackedUpButNotEligible,
    /// The key store does not make an attestation format that is to be its own.
    #[error("the key store makes no attestation statements of the format `{0}`")]
    NoAttestation(&'static str),
    /// What would be claimed contradicts itself; the rule that is broken.
    #[error("what getInfo would say contradicts itself: {0}")]
    Contradiction(&'static str),
    /// Somebody far away could find out unnoticed what is here.
    #[error("`silent_transports` must not have `hybrid`: its computer is anybody's")]
    SilentHybrid,
    /// The key store has none of the algorithms.
    #[error("the key store has none of the configured algorithms")]
    NoAlgorithm,
}

impl Config {
    /// Checks that the whole is consistent and claims nothing that is not there.
    ///
    /// # Errors
    /// The first [`ConfigError`] that is found.
    pub fn check(&self) -> Result<(), ConfigError> {
        distinct("versions", &self.versions)?;
        distinct("transports", &self.transports)?;
        distinct("silent_transports", &self.silent_transports)?;
        if self.silent_transports.contains(&Transport::Hybrid) {
            return Err(ConfigError::SilentHybrid);
        }
        distinct("algorithms", &self.algorithms)?;
        distinct("attestation_formats", &self.attestation_formats)?;
        for version in &self.versions {
            match version {
                Version::Fido2_0 | Version::Fido2_1 | Version::Fido2_3 => {}
                Version::U2fV2 => self.check_u2f()?,
                other => return Err(ConfigError::Version(other.as_str().into())),
            }
        }
        let basic = |format: &AttestationFormat| format.tells_the_model();
        let basic = self.attestation_formats.iter().any(basic);
        let vouched = self.batch_attestation.as_ref().is_some_and(|it| !it.certificates.is_empty());
        if basic && !vouched {
            let needs = "`batch_attestation` with a certificate";
            return Err(ConfigError::Needs { feature: "attestation_formats", needs });
        }
        let u2f = self.attestation_formats.contains(&AttestationFormat::FidoU2f);
        let on_p256 = |it: &BatchAttestation| it.key.algorithm() == algorithm::ES256;
        if u2f && !self.batch_attestation.as_ref().is_some_and(on_p256) {
            let needs = "a `batch_attestation` with ES256";
            return Err(ConfigError::Needs { feature: "AttestationFormat::FidoU2f", needs });
        }
        if let Some(batch) = &self.batch_attestation {
            batch.check(self.aaguid)?;
        }
        if let Some(enterprise) = &self.enterprise_attestation {
            enterprise.check()?;
        }
        let wrapped = self.non_discoverable == NonDiscoverable::Wrapped;
        if wrapped && self.counters == Counters::PerCredential {
            let needs = "`Counters::Global` or `Counters::Zero`";
            return Err(ConfigError::Needs { feature: "NonDiscoverable::Wrapped", needs });
        }
        self.check_verification()?;
        self.check_tokens()?;
        if self.versions.contains(&Version::Fido2_3) && !self.has_all_of_2_3() {
            return Err(ConfigError::Version(Version::Fido2_3.as_str().into()));
        }
        if self.backup.backed_up && !self.backup.eligible {
            return Err(ConfigError::BackedUpButNotEligible);
        }
        if self.max_msg_size < towline_ctap::DEFAULT_MAX_MSG_SIZE {
            return Err(out_of_range("max_msg_size", "at least 1024"));
        }
        if self.algorithms.iter().any(is_ml_dsa) && self.max_msg_size < ML_DSA_MSG_SIZE {
            return Err(out_of_range("max_msg_size", "at least 6144 with ML-DSA"));
        }
        if self.max_credential_count_in_list == 0 {
            return Err(out_of_range("max_credential_count_in_list", "at least 1"));
        }
        if self.user_action_timeout.is_zero() {
            return Err(out_of_range("user_action_timeout", "more than 0"));
        }
        if self.work_timeout.is_zero() {
            return Err(out_of_range("work_timeout", "more than 0"));
        }
        if self.next_assertion_timeout > Duration::from_secs(30) {
            return Err(out_of_range("next_assertion_timeout", "at most 30 s"));
        }
        if self.keepalive.is_some_and(|interval| interval < Duration::from_millis(10)) {
            return Err(out_of_range("keepalive", "at least 10 ms"));
        }
        Ok(())
    }

    fn check_tokens(&self) -> Result<(), ConfigError> {
        if self.has_tokens() {
            distinct("pin_uv_auth_protocols", &self.pin_uv_auth_protocols)?;
        }
        if let Some(pin) = &self.client_pin {
            pin.check()?;
        }
        if let Some(enrollment) = &self.bio_enrollment {
            enrollment.check()?;
        }
        let verified = self.client_pin.is_some() || self.verification.is_some();
        let needs = |feature, on: bool, needs, there: bool| {
            if on && !there { Err(ConfigError::Needs { feature, needs }) } else { Ok(()) }
        };
        let token = self.has_tokens() && verified;
        needs("client_pin", self.client_pin.is_some(), "a PIN/UV auth protocol", token)?;
        let cm = self.credential_management;
        needs("credential_management", cm, "PIN/UV tokens", token)?;
        needs("credential_management", cm, "discoverable credentials", self.discoverable)?;
        needs("persistent_token", self.persistent_token, "`credential_management`", cm)?;
        needs("hmac_secret", self.hmac_secret, "a PIN/UV auth protocol", self.has_tokens())?;
        needs("hmac_secret_mc", self.hmac_secret_mc, "`hmac_secret`", self.hmac_secret)?;
        let min_pin_length = self.min_pin_length_rp_ids.is_some();
        needs("min_pin_length_rp_ids", min_pin_length, "a PIN", self.client_pin.is_some())?;
        needs("always_uv_configurable", self.always_uv_configurable, "PIN/UV tokens", token)?;
        let enterprise = self.enterprise_attestation.is_some();
        needs("enterprise_attestation", enterprise, "PIN/UV tokens", token)?;
        let vendor = !self.vendor_config_commands.is_empty();
        if vendor {
            distinct("vendor_config_commands", &self.vendor_config_commands)?;
        }
        needs("vendor_config_commands", vendor, "PIN/UV tokens", token)?;
        if let Some(transports) = &self.reset_transports {
            distinct("reset_transports", transports)?;
            let there = transports.iter().all(|it| self.transports.contains(it));
            needs("reset_transports", true, "the same entries in `transports`", there)?;
            let resets = self.reset != ResetPolicy::Never;
            needs("reset_transports", true, "a reset that is possible", resets)?;
        }
        if !self.certifications.is_empty() {
            let names: Vec<&String> = self.certifications.iter().map(|(name, _)| name).collect();
            distinct("certifications", &names)?;
        }
        let enrolls = self.bio_enrollment.is_some();
        let lock = self.verification.as_ref();
        needs("bio_enrollment", enrolls, "built-in verification", lock.is_some())?;
        // Who could let the first finger in?
        let set_up = lock.is_some_and(|lock| lock.configured) && self.verification_enrolls();
        let other = self.client_pin.is_some() || set_up;
        needs(
            "bio_enrollment",
            enrolls,
            "a PIN, or verification that is set up and permits it",
            other,
        )?;
        needs("bio_enrollment", enrolls, "PIN/UV tokens", token)?;
        let configures = self.verification_configures;
        needs("verification_configures", configures, "built-in verification", lock.is_some())?;
        let settings = self.has_settings();
        needs(
            "verification_configures",
            configures,
            "a subcommand of authenticatorConfig",
            settings,
        )?;
        let long_touch = self.long_touch_configurable;
        needs("long_touch_configurable", long_touch, "PIN/UV tokens", token)?;
        if self.cred_blob.is_some_and(|length| length < 32) {
            return Err(out_of_range("cred_blob", "at least 32"));
        }
        self.check_large_blobs()
    }

    fn check_large_blobs(&self) -> Result<(), ConfigError> {
        if self.large_blobs.array().is_some_and(|capacity| capacity < 1024) {
            return Err(out_of_range("large_blobs", "at least 1024"));
        }
        let Some(length) = self.large_blobs.blob() else { return Ok(()) };
        if !self.discoverable {
            let needs = "discoverable credentials";
            return Err(ConfigError::Needs { feature: "large_blobs", needs });
        }
        // The longest answer: a signature, `credBlob`, and ids and names of the account.
        let ml_dsa = if self.algorithms.iter().any(is_ml_dsa) { ML_DSA_65_SIGNATURE } else { 0 };
        let beside = [ACCOUNT, ml_dsa, self.cred_blob.unwrap_or_default(), length];
        let longest = beside.into_iter().fold(0_usize, usize::saturating_add);
        if length == 0 || longest > self.max_msg_size {
            let allowed = "at least 1, and short enough for the longest response with it";
            return Err(out_of_range("large_blobs", allowed));
        }
        Ok(())
    }

    /// What the claim of FIDO_2_3 obliges to (§9); `credProtect` and authenticatorSelection are
    /// always there.
    fn has_all_of_2_3(&self) -> bool {
        let verified = self.client_pin.is_some() || self.verification.is_some();
        verified
            && self.pin_uv_auth_protocols.contains(&PinUvAuthProtocol::Two)
            && self.hmac_secret
            && (self.credential_management || !self.discoverable)
    }

    /// The credentials of U2F are on P-256, and so is what vouches for them; it can't verify
    /// anybody.
    fn check_u2f(&self) -> Result<(), ConfigError> {
        let needs = |needs| Err(ConfigError::Needs { feature: "Version::U2fV2", needs });
        if !self.algorithms.contains(&algorithm::ES256) {
            return needs("ES256");
        }
        if self.verify_unasked {
            return needs("`verify_unasked` to be off");
        }
        let vouches = |batch: &BatchAttestation| {
            batch.key.algorithm() == algorithm::ES256 && !batch.certificates.is_empty()
        };
        if !self.batch_attestation.as_ref().is_none_or(vouches) {
            return needs("a `batch_attestation` with ES256 and a certificate, or none");
        }
        Ok(())
    }

    fn check_verification(&self) -> Result<(), ConfigError> {
        if self.always_uv && self.make_cred_uv_not_rqd {
            return Err(ConfigError::AlwaysUvAndNotRequired);
        }
        let Some(verification) = &self.verification else {
            // Without any means of verification nothing could ever be done.
            let always_uv = self.always_uv && self.client_pin.is_none();
            return match (always_uv, self.verify_unasked) {
                (true, _) => Err(ConfigError::NoVerification("always_uv")),
                (_, true) => Err(ConfigError::NoVerification("verify_unasked")),
                (false, false) => Ok(()),
            };
        };
        if !(1..=5).contains(&verification.attempts) {
            return Err(out_of_range("verification.attempts", "1 to 5"));
        }
        if !(1..=25).contains(&verification.max_retries) {
            return Err(out_of_range("verification.max_retries", "1 to 25"));
        }
        // The PIN's bit of the FIDO registry.
        const EXTERNAL_PASSCODE: u64 = 0x800;
        if verification.platform_attempts == Some(0) {
            return Err(out_of_range("verification.platform_attempts", "at least 1"));
        }
        if verification.modality.is_some_and(|bits| bits & EXTERNAL_PASSCODE != 0) {
            return Err(out_of_range("verification.modality", "means of the authenticator's own"));
        }
        let old = [Version::U2fV2, Version::Fido2_0];
        let modern = self.versions.iter().any(|version| !old.contains(version));
        if modern && !self.has_tokens() && !self.verification_without_token {
            return Err(ConfigError::TokenRequired);
        }
        Ok(())
    }
}

impl ClientPin {
    fn check(&self) -> Result<(), ConfigError> {
        if !(1..=8).contains(&self.max_retries) {
            return Err(out_of_range("client_pin.max_retries", "1 to 8"));
        }
        if !(4..=63).contains(&self.min_length) {
            return Err(out_of_range("client_pin.min_length", "4 to 63"));
        }
        if !(8..=63).contains(&self.max_length) || self.max_length < self.min_length {
            return Err(out_of_range(
                "client_pin.max_length",
                "8 to 63, and not less than `min_length`",
            ));
        }
        let explained = self.complexity_url.as_ref();
        if explained.is_some_and(|url| url.is_empty() || self.complexity == PinComplexity::None) {
            let needs = "a text, and a policy that it explains";
            return Err(ConfigError::Needs { feature: "client_pin.complexity_url", needs });
        }
        Ok(())
    }
}

pub(crate) fn distinct<T: Eq + Hash>(member: &'static str, list: &[T]) -> Result<(), ConfigError> {
    if list.is_empty() {
        return Err(ConfigError::Empty(member));
    }
    let mut seen = HashSet::new();
    if list.iter().all(|entry| seen.insert(entry)) {
        Ok(())
    } else {
        Err(ConfigError::Repeated(member))
    }
}

const fn is_ml_dsa(alg: &i64) -> bool {
    matches!(*alg, algorithm::ML_DSA_44 | algorithm::ML_DSA_65)
}

pub(crate) const fn out_of_range(member: &'static str, allowed: &'static str) -> ConfigError {
    ConfigError::OutOfRange { member, allowed }
}
