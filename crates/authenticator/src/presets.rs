//! Presets: what real authenticators of a kind report and do.

use std::time::Duration;

use towline_ctap::{Aaguid, Transport, Version, algorithm};

use crate::{
    AttestationFormat, Backup, BatchAttestation, BioEnrollment, BuiltInVerification, ClientPin,
    Config, Counters, LargeBlobs, NonDiscoverable, PinComplexity, PinUvAuthProtocol, ResetPolicy,
};

/// The longest message that CTAPHID carries, in bytes (CTAP 2.3 §11.2.4).
const MAX_CTAPHID_MESSAGE: usize = 7609;

/// The transports whose other end is where the authenticator is.
const LOCAL: [Transport; 5] =
    [Transport::Internal, Transport::Usb, Transport::Nfc, Transport::Ble, Transport::SmartCard];

impl Config {
    /// A phone: passkeys for other devices by the hybrid transport, and for itself. The screen lock
    /// is always asked for, the person chooses the account on the phone, no client can reset it. It
    /// speaks `prf`.
    #[must_use]
    pub fn phone() -> Self {
        Self {
            versions: vec![Version::Fido2_0, Version::Fido2_1],
            aaguid: Aaguid::ZERO,
            transports: vec![Transport::Hybrid, Transport::Internal],
            platform: false,
            discoverable: true,
            non_discoverable: NonDiscoverable::Stored,
            verification: Some(BuiltInVerification::screen_lock()),
            always_uv: false,
            verify_unasked: true,
            pin_uv_auth_protocols: Vec::new(),
            client_pin: None,
            credential_management: false,
            persistent_token: false,
            preview_commands: false,
            hmac_secret: false,
            hmac_secret_mc: false,
            prf: true,
            cred_blob: None,
            large_blobs: LargeBlobs::None,
            min_pin_length_rp_ids: None,
            always_uv_configurable: false,
            long_touch_configurable: false,
            vendor_config_commands: Vec::new(),
            verification_configures: false,
            bio_enrollment: None,
            third_party_payment: false,
            make_cred_uv_not_rqd: false,
            verification_without_token: true,
            algorithms: vec![algorithm::ES256],
            attestation_formats: vec![AttestationFormat::None, AttestationFormat::PackedSelf],
            batch_attestation: None,
            enterprise_attestation: None,
            counters: Counters::Zero,
            backup: Backup::default(),
            has_display: true,
            confirm_no_credentials: false,
            silent_transports: LOCAL.to_vec(),
            reset: ResetPolicy::Never,
            reset_transports: None,
            max_msg_size: 65_535,
            max_credential_count_in_list: 100,
            user_action_timeout: Duration::from_secs(60),
            work_timeout: Duration::from_secs(30),
            next_assertion_timeout: Duration::from_secs(30),
            keepalive: None,
            firmware_version: None,
            certifications: Vec::new(),
        }
    }

    /// A security key on USB: it tests presence, has a PIN, which is not set at first, and no
    /// display.
    #[must_use]
    pub fn security_key() -> Self {
        Self {
            versions: vec![Version::U2fV2, Version::Fido2_0, Version::Fido2_1, Version::Fido2_3],
            transports: vec![Transport::Usb],
            non_discoverable: NonDiscoverable::Wrapped,
            algorithms: vec![
                algorithm::ES256,
                algorithm::EDDSA,
                algorithm::ES384,
                algorithm::RS256,
            ],
            verification: None,
            verify_unasked: false,
            verification_without_token: false,
            pin_uv_auth_protocols: vec![PinUvAuthProtocol::Two, PinUvAuthProtocol::One],
            client_pin: Some(ClientPin::standard()),
            credential_management: true,
            persistent_token: true,
            preview_commands: true,
            hmac_secret: true,
            hmac_secret_mc: true,
            prf: false,
            cred_blob: Some(32),
            large_blobs: LargeBlobs::Command(4096),
            min_pin_length_rp_ids: Some(8),
            always_uv_configurable: true,
            third_party_payment: true,
            make_cred_uv_not_rqd: true,
            attestation_formats: vec![AttestationFormat::PackedSelf, AttestationFormat::None],
            counters: Counters::Global,
            has_display: false,
            confirm_no_credentials: true,
            reset: ResetPolicy::AfterPowerUp(Duration::from_secs(10)),
            max_msg_size: MAX_CTAPHID_MESSAGE,
            max_credential_count_in_list: 16,
            user_action_timeout: Duration::from_secs(30),
            keepalive: Some(Duration::from_millis(100)),
            ..Self::phone()
        }
    }

    /// A security key with a fingerprint sensor: fingers are enrolled with the PIN, and then do
    /// what it does.
    #[must_use]
    pub fn fingerprint_key() -> Self {
        Self {
            verification: Some(BuiltInVerification::fingerprints()),
            bio_enrollment: Some(BioEnrollment::touch()),
            ..Self::security_key()
        }
    }

    /// An authenticator built into the client's device, with its screen lock, which gives PIN/UV
    /// tokens as well: passkeys can be managed with them. It keeps a secret for `hmac-secret` and a
    /// blob for each.
    #[must_use]
    pub fn platform() -> Self {
        Self {
            versions: vec![Version::Fido2_0, Version::Fido2_1, Version::Fido2_3],
            transports: vec![Transport::Internal],
            platform: true,
            verification_without_token: false,
            pin_uv_auth_protocols: vec![PinUvAuthProtocol::Two, PinUvAuthProtocol::One],
            credential_management: true,
            hmac_secret: true,
            hmac_secret_mc: true,
            prf: false,
            large_blobs: LargeBlobs::Extension(1024),
            attestation_formats: vec![AttestationFormat::PackedSelf, AttestationFormat::None],
            ..Self::phone()
        }
    }

    /// The same with a key and certificates that vouch for its model, and with the AAGUID that they
    /// name, if any: a site gets a statement by them (`packed`) unless its client says that it
    /// wants none. The person is asked each time; a refusal leaves the site without a statement and
    /// without an AAGUID, and the passkey is made all the same.
    #[must_use]
    pub fn with_batch_attestation(self, batch: BatchAttestation) -> Self {
        Self {
            aaguid: batch.aaguid().unwrap_or(self.aaguid),
            attestation_formats: vec![AttestationFormat::PackedBasic, AttestationFormat::None],
            batch_attestation: Some(batch),
            ..self
        }
    }
}

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
        }
    }
}

impl BuiltInVerification {
    /// A fingerprint sensor: 3 attempts a request, 5 in a row, then only the PIN helps.
    #[must_use]
    pub const fn fingerprints() -> Self {
        Self {
            configured: false,
            platform_attempts: Some(3),
            attempts: 3,
            max_retries: 5,
            lock_wait: None,
            modality: Some(FINGERPRINT_INTERNAL),
        }
    }
}

impl ClientPin {
    /// A PIN of 4 to 63 characters and 8 tries, good for everything.
    #[must_use]
    pub const fn standard() -> Self {
        Self {
            max_retries: 8,
            min_length: 4,
            max_length: 63,
            permits_mc_ga: true,
            complexity: PinComplexity::None,
            complexity_url: None,
        }
    }
}

/// USER_VERIFY_FINGERPRINT_INTERNAL (FIDO registry of predefined values).
const FINGERPRINT_INTERNAL: u64 = 0x02;
