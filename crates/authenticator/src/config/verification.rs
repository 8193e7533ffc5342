//! When the person is verified, and by which means of the authenticator's own.

use std::time::Duration;

use super::error::{ConfigError, out_of_range};

/// When the person is verified, and by which means of the authenticator's own.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct VerificationPolicy {
    /// Built-in user verification (`uv`): the screen lock, a fingerprint. `None`: there is none.
    pub built_in: Option<BuiltInVerification>,
    /// Asks for built-in verification even where the client does not want any, without claiming
    /// `alwaysUv`: what phones do.
    pub unasked: bool,
    /// Claims `alwaysUv`: nothing happens without user verification, but for silent look-ups.
    pub always_uv: bool,
    /// toggleAlwaysUv of authenticatorConfig: `always_uv` is what holds at first.
    pub always_uv_configurable: bool,
    /// Claims `makeCredUvNotRqd`: credentials that are not discoverable are made without user
    /// verification.
    pub make_cred_uv_not_rqd: bool,
}

/// Built-in user verification.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuiltInVerification {
    /// Whether it is set up, by means of the embedder's own: a fingerprint of
    /// authenticatorBioEnrollment counts without that.
    pub configured: bool,
    /// How often a platform should ask for verification before it asks for the PIN
    /// (`preferredPlatformUvAttempts`), if that is to be told: at least 1. With 1 a token allows as
    /// many attempts as `attempts` says, with more just one.
    pub platform_attempts: Option<u8>,
    /// How many attempts a request allows: 1 to 5.
    pub attempts: u8,
    /// After how many failures in a row it is locked (`uvRetries`): 1 to 25.
    pub max_retries: u8,
    /// How long it stays locked. `None`: until a reset.
    pub lock_wait: Option<Duration>,
    /// The means, as bits of the FIDO registry (`uvModality`), if they are to be told.
    pub modality: Option<u64>,
    /// Real phones claim FIDO_2_1 and `uv` without a PIN/UV token over the hybrid transport,
    /// against the standard. This allows the same; FIDO_2_3 can't be claimed then.
    pub without_token: bool,
    /// Whether it permits to use authenticatorConfig (`uvAcfg`), and not only the PIN.
    pub configures: bool,
    /// authenticatorBioEnrollment (`bioEnroll`). `None`: platforms enrol no fingerprints.
    pub bio_enrollment: Option<BioEnrollment>,
}

/// authenticatorBioEnrollment (`bioEnroll`), and the sensor that it is about.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BioEnrollment {
    /// The kind of the sensor.
    pub kind: FingerprintKind,
    /// How many good samples an enrolment takes at most: at least 1.
    pub max_samples: u8,
    /// For how many fingerprints there is room: 1 to 10.
    pub max_fingerprints: u8,
    /// The longest name of a fingerprint, in bytes: at least 1.
    pub max_friendly_name: u8,
    /// Whether built-in verification permits to enrol (`uvBioEnroll`), too, and not only the PIN.
    pub verification_permits: bool,
}

/// What a finger does on a sensor (`fingerprintKind`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FingerprintKind {
    /// The finger rests on the sensor (1).
    Touch,
    /// The finger moves over the sensor (2).
    Swipe,
}

/// USER_VERIFY_FINGERPRINT_INTERNAL (FIDO registry of predefined values).
const FINGERPRINT_INTERNAL: u64 = 0x02;

/// USER_VERIFY_PASSCODE_EXTERNAL of the same registry: the PIN.
const PASSCODE_EXTERNAL: u64 = 0x800;

impl BuiltInVerification {
    /// A screen lock that is set up: 3 attempts a request, 5 in a row, then a wait of 30 s.
    #[must_use]
    pub const fn screen_lock() -> Self {
        Self {
            configured: true,
            platform_attempts: None,
            attempts: 3,
            max_retries: 5,
            lock_wait: Some(Duration::from_secs(30)),
            modality: None,
            without_token: false,
            configures: false,
            bio_enrollment: None,
        }
    }

    /// A fingerprint sensor: 3 attempts a request, 5 in a row, then only the PIN helps.
    #[must_use]
    pub const fn fingerprints() -> Self {
        Self {
            configured: false,
            platform_attempts: Some(3),
            lock_wait: None,
            modality: Some(FINGERPRINT_INTERNAL),
            ..Self::screen_lock()
        }
    }

    fn validate(&self) -> Result<(), ConfigError> {
        if !(1..=5).contains(&self.attempts) {
            return Err(out_of_range("verification.built_in.attempts", "1 to 5"));
        }
        if !(1..=25).contains(&self.max_retries) {
            return Err(out_of_range("verification.built_in.max_retries", "1 to 25"));
        }
        if self.platform_attempts == Some(0) {
            return Err(out_of_range("verification.built_in.platform_attempts", "at least 1"));
        }
        if self.modality.is_some_and(|bits| bits & PASSCODE_EXTERNAL != 0) {
            let allowed = "means of the authenticator's own";
            return Err(out_of_range("verification.built_in.modality", allowed));
        }
        self.bio_enrollment.map_or(Ok(()), BioEnrollment::validate)
    }
}

impl BioEnrollment {
    /// A sensor to touch, with room for 5 fingers of 5 samples each, whose names have 32 bytes at
    /// most. An enrolled finger permits to enrol others.
    #[must_use]
    pub const fn touch() -> Self {
        Self {
            kind: FingerprintKind::Touch,
            max_samples: 5,
            max_fingerprints: 5,
            max_friendly_name: 32,
            verification_permits: true,
        }
    }

    fn validate(self) -> Result<(), ConfigError> {
        if self.max_samples == 0 {
            return Err(out_of_range(
                "verification.built_in.bio_enrollment.max_samples",
                "at least 1",
            ));
        }
        if !(1..=10).contains(&self.max_fingerprints) {
            return Err(out_of_range(
                "verification.built_in.bio_enrollment.max_fingerprints",
                "1 to 10",
            ));
        }
        if self.max_friendly_name == 0 {
            return Err(out_of_range(
                "verification.built_in.bio_enrollment.max_friendly_name",
                "at least 1",
            ));
        }
        Ok(())
    }
}

impl FingerprintKind {
    pub(crate) const fn to_u8(self) -> u8 {
        match self {
            Self::Touch => 1,
            Self::Swipe => 2,
        }
    }
}

impl VerificationPolicy {
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        if self.always_uv && self.make_cred_uv_not_rqd {
            return Err(ConfigError::AlwaysUvAndNotRequired);
        }
        match &self.built_in {
            None if self.unasked => Err(ConfigError::NoVerification("verification.unasked")),
            None => Ok(()),
            Some(built_in) => built_in.validate(),
        }
    }
}
