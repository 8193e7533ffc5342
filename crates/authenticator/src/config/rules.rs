//! Whether a [`Config`] says what can be true (CTAP 2.3 §6.4, the rules across options). Each group
//! has its own rules beside it; here is what holds between them.

use towline_ctap::{Version, algorithm};

use super::{
    BatchAttestation, Config, ConfigError,
    error::{needs, out_of_range},
};
use crate::PinUvAuthProtocol;

/// The shortest `max_msg_size` with ML-DSA, in bytes: a public key and a signature by ML-DSA-65
/// make up 5261.
const ML_DSA_MSG_SIZE: usize = 6144;

/// How long a signature by ML-DSA-65 is, in bytes.
const ML_DSA_65_SIGNATURE: usize = 3309;

/// More than the rest of an assertion's response can have, in bytes, with another signature: ids,
/// names and authenticator data.
const ACCOUNT: usize = 1536;

impl Config {
    /// Checks that the whole is consistent and claims nothing that is not there.
    ///
    /// # Errors
    /// The first [`ConfigError`] that is found.
    pub fn validate(&self) -> Result<(), ConfigError> {
        self.identity.validate()?;
        self.presence.validate()?;
        self.credentials.validate()?;
        self.validate_versions()?;
        self.attestation.validate(self.identity.aaguid)?;
        self.verification.validate()?;
        self.tokens.validate()?;
        if let Some(pin) = &self.pin {
            pin.validate()?;
        }
        self.validate_verification()?;
        self.validate_tokens()?;
        if self.identity.versions.contains(&Version::Fido2_3) && !self.has_all_of_2_3() {
            return Err(ConfigError::Version(Version::Fido2_3.as_str().into()));
        }
        self.reset.validate(&self.identity.transports)?;
        self.limits.validate()?;
        self.timing.validate()?;
        self.extensions.validate()?;
        self.validate_sizes()
    }

    fn validate_versions(&self) -> Result<(), ConfigError> {
        self.identity.versions.iter().try_for_each(|version| match version {
            Version::Fido2_0 | Version::Fido2_1 | Version::Fido2_3 => Ok(()),
            Version::U2fV2 => self.validate_u2f(),
            other => Err(ConfigError::Version(other.as_str().into())),
        })
    }

    /// The credentials of U2F are on P-256, and so is what vouches for them; it can't verify
    /// anybody.
    fn validate_u2f(&self) -> Result<(), ConfigError> {
        let needs = |what, there| needs("Version::U2fV2", true, what, there);
        needs("ES256", self.credentials.algorithms.contains(&algorithm::ES256))?;
        needs("`verification.unasked` to be off", !self.verification.unasked)?;
        let vouches =
            |batch: &BatchAttestation| batch.is_on_p256() && !batch.certificates.is_empty();
        let vouches = self.attestation.batch.as_ref().is_none_or(vouches);
        needs("an `attestation.batch` with ES256 and a certificate, or none", vouches)
    }

    /// Whether somebody can be verified at all.
    const fn verifies(&self) -> bool {
        self.pin.is_some() || self.verification.built_in.is_some()
    }

    fn validate_verification(&self) -> Result<(), ConfigError> {
        // Without any means of verification nothing could ever be done.
        if self.verification.always_uv && !self.verifies() {
            return Err(ConfigError::NoVerification("verification.always_uv"));
        }
        let old = [Version::U2fV2, Version::Fido2_0];
        let modern = self.identity.versions.iter().any(|version| !old.contains(version));
        let built_in = self.verification.built_in.is_some();
        if built_in && modern && !self.has_tokens() && !self.verifies_without_token() {
            return Err(ConfigError::TokenRequired);
        }
        let configures = self.verification_configures();
        let settings = self.has_settings();
        needs(
            "verification.built_in.configures",
            configures,
            "a subcommand of authenticatorConfig",
            settings,
        )?;
        // Who could let the first finger in?
        let set_up = self.built_in().is_some_and(|it| it.configured);
        let other = self.pin.is_some() || set_up && self.verification_enrolls();
        let who = "a PIN, or verification that is set up and permits it";
        needs("verification.built_in.bio_enrollment", self.bio_enrollment().is_some(), who, other)
    }

    /// What only somebody with a token can use.
    fn validate_tokens(&self) -> Result<(), ConfigError> {
        let (protocol, tokens) = (self.has_tokens(), self.has_tokens() && self.verifies());
        needs("pin", self.pin.is_some(), "a PIN/UV auth protocol", protocol)?;
        let hmac_secret = self.extensions.hmac_secret;
        needs("extensions.hmac_secret", hmac_secret, "a PIN/UV auth protocol", protocol)?;
        let managed = self.tokens.credential_management;
        let vendor = !self.tokens.vendor_config_commands.is_empty();
        for (feature, on) in [
            ("tokens.credential_management", managed),
            ("tokens.vendor_config_commands", vendor),
            ("verification.always_uv_configurable", self.verification.always_uv_configurable),
            ("attestation.enterprise", self.attestation.enterprise.is_some()),
            ("verification.built_in.bio_enrollment", self.bio_enrollment().is_some()),
            ("reset.long_touch_configurable", self.reset.long_touch_configurable),
        ] {
            needs(feature, on, "PIN/UV tokens", tokens)?;
        }
        let discoverable = self.credentials.discoverable;
        let what = "discoverable credentials";
        needs("tokens.credential_management", managed, what, discoverable)?;
        let persistent = self.tokens.persistent_token;
        needs("tokens.persistent_token", persistent, "`credential_management`", managed)
    }

    /// What the claim of FIDO_2_3 obliges to (§9); authenticatorSelection is always there.
    fn has_all_of_2_3(&self) -> bool {
        self.verifies()
            && self.tokens.pin_uv_auth_protocols.contains(&PinUvAuthProtocol::Two)
            && self.extensions.hmac_secret
            && (self.tokens.credential_management || !self.credentials.discoverable)
            && (self.extensions.cred_protect || !self.credentials.discoverable)
    }

    /// Whether the longest response fits into a message.
    fn validate_sizes(&self) -> Result<(), ConfigError> {
        let (ml_dsa, size) = (self.credentials.has_ml_dsa(), self.limits.max_msg_size);
        if ml_dsa && size < ML_DSA_MSG_SIZE {
            return Err(out_of_range("limits.max_msg_size", "at least 6144 with ML-DSA"));
        }
        let Some(length) = self.extensions.large_blobs.blob() else { return Ok(()) };
        let discoverable = self.credentials.discoverable;
        needs("extensions.large_blobs", true, "discoverable credentials", discoverable)?;
        // The longest answer: a signature, `credBlob`, and ids and names of the account.
        let signature = if ml_dsa { ML_DSA_65_SIGNATURE } else { 0 };
        let beside = [ACCOUNT, signature, self.extensions.cred_blob.unwrap_or_default(), length];
        let longest = beside.into_iter().fold(0_usize, usize::saturating_add);
        if length == 0 || longest > size {
            let allowed = "at least 1, and short enough for the longest response with it";
            return Err(out_of_range("extensions.large_blobs", allowed));
        }
        Ok(())
    }
}
