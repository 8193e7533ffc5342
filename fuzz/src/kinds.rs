//! Which authenticators are fuzzed.

use std::time::Duration;

use towline_authenticator::{
    Backup, BioEnrollment, BuiltInVerification, Config, Counters, LargeBlobs, PinComplexity,
    PinUvAuthProtocol, ResetPolicy,
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
            config.has_display = true;
            config.large_blobs = LargeBlobs::Extension(512);
            config.verification = Some(lock(true));
            config.verification_configures = true;
            config.verification_without_token = false;
            config.confirm_no_credentials = false;
            config
        }
        2 => {
            let mut config = Config::phone().with_counters(Counters::PerCredential);
            config.make_cred_uv_not_rqd = true;
            config.verify_unasked = false;
            config.max_msg_size = 4096;
            config
        }
        _ => {
            let mut config = Config::platform().with_counters(Counters::Global);
            config.pin_uv_auth_protocols = vec![PinUvAuthProtocol::One];
            config.credential_management = true;
            config.hmac_secret = true;
            config.max_msg_size = 4096;
            config.backup = Backup { eligible: true, backed_up: true };
            // With protocol one alone there is no FIDO_2_3.
            config.versions = vec![Version::Fido2_0, Version::Fido2_1];
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
    config.large_blobs = LargeBlobs::Command(1024);
    config.long_touch_configurable = true;
    config.verification = Some(lock(false));
    config.bio_enrollment = Some(BioEnrollment::touch());
    config.reset = ResetPolicy::AfterPowerUp(Duration::from_secs(10));
    // Few enough that a time-out costs little.
    config.keepalive = Some(Duration::from_secs(5));
    if let Some(pin) = &mut config.client_pin {
        pin.complexity = PinComplexity::Configurable;
    }
    config
}

fn lock(configured: bool) -> BuiltInVerification {
    let mut lock = BuiltInVerification::screen_lock();
    lock.configured = configured;
    lock.lock_wait = Some(Duration::from_secs(20));
    lock
}
