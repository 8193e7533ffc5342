//! Which authenticators are fuzzed.

use std::time::Duration;

use towline_authenticator::{
    BackupState, BioEnrollment, BuiltInVerification, Config, Counters, LargeBlobs, PinComplexity,
    PinUvAuthProtocol, ResetTime,
};
use towline_ctap::Version;

/// How many kinds there are.
pub const KINDS: u8 = 4;

/// An authenticator of one kind, out of four.
pub fn config(kind: u8) -> Config {
    match kind % KINDS {
        0 => everything(),
        1 => {
            let mut config = everything().with_counters(Counters::Zero);
            config.identity.has_display = true;
            config.extensions.large_blobs = LargeBlobs::Extension(512);
            config.verification.built_in = Some(fingerprints(true));
            config.presence.confirm_no_credentials = false;
            config
        }
        2 => {
            let mut config = Config::phone().with_counters(Counters::PerCredential);
            config.verification.make_cred_uv_not_rqd = true;
            config.verification.unasked = false;
            config.limits.max_msg_size = 4096;
            config
        }
        _ => {
            let mut config = Config::platform().with_counters(Counters::Global);
            config.tokens.pin_uv_auth_protocols = vec![PinUvAuthProtocol::One];
            config.tokens.credential_management = true;
            config.extensions.hmac_secret = true;
            config.limits.max_msg_size = 4096;
            config.credentials.backup = BackupState::BackedUp;
            // With protocol one alone there is no FIDO_2_3.
            config.identity.versions = vec![Version::Fido2_0, Version::Fido2_1];
            config
        }
    }
}

/// Whether sealed data are opened for real, and not only believed. Whatever is believed may come
/// from another relying party.
pub fn seals(kind: u8) -> bool {
    kind % KINDS == 3
}

/// A security key with all that there is.
fn everything() -> Config {
    let mut config = Config::security_key().with_counters(Counters::Global);
    config.extensions.large_blobs = LargeBlobs::Command(1024);
    config.reset.long_touch_configurable = true;
    config.verification.built_in = Some(fingerprints(false));
    config.reset.when = ResetTime::AfterPowerUp(Duration::from_secs(10));
    // Few enough that a time-out costs little.
    if let Some(pin) = &mut config.pin {
        pin.complexity = PinComplexity::Configurable;
    }
    config
}

/// A lock that can be opened by a finger, and if it is set up, permits to configure.
fn fingerprints(set_up: bool) -> BuiltInVerification {
    let mut lock = BuiltInVerification::screen_lock();
    lock.configured = set_up;
    lock.configures = set_up;
    lock.bio_enrollment = Some(BioEnrollment::touch());
    lock.lock_wait = Some(Duration::from_secs(20));
    lock
}
