//! Presets: what real authenticators of a kind report and do. Each starts from [`Config::new`], so
//! that what is new in one of them is in no other unasked.

use std::time::Duration;

use towline_ctap::{Aaguid, Transport, Version, algorithm};

use super::{
    AttestationFormat, AttestationPolicy, BackupState, BioEnrollment, BuiltInVerification,
    ClientPin, Config, Counters, CredentialPolicy, ExtensionPolicy, LargeBlobs, MessageLimits,
    Model, NonDiscoverable, PresencePolicy, ResetPolicy, ResetTime, Timing, TokenPolicy,
    VerificationPolicy,
};
use crate::PinUvAuthProtocol;

/// The longest message that CTAPHID carries, in bytes (CTAP 2.3 §11.2.4).
const MAX_CTAPHID_MESSAGE: usize = 7609;

/// The transports whose other end is where the authenticator is.
const LOCAL: [Transport; 5] =
    [Transport::Internal, Transport::Usb, Transport::Nfc, Transport::Ble, Transport::SmartCard];

impl Config {
    /// An authenticator of this model, or of none that is to be known ([`Aaguid::ZERO`]), that has
    /// as little as there can be: it makes passkeys on ES256 once somebody is present, verifies
    /// nobody, has no PIN, no extension but `credProtect` and no display, and can't be reset by a
    /// client. It is reached on its own device.
    #[must_use]
    pub fn new(aaguid: Aaguid) -> Self {
        Self {
            identity: Model {
                versions: vec![Version::Fido2_0, Version::Fido2_1],
                aaguid,
                transports: vec![Transport::Internal],
                platform: false,
                has_display: false,
                firmware_version: None,
                certifications: Vec::new(),
            },
            credentials: CredentialPolicy {
                discoverable: true,
                only_discoverable: false,
                non_discoverable: NonDiscoverable::Stored,
                one_per_algorithm: false,
                algorithms: vec![algorithm::ES256],
                counters: Counters::Zero,
                backup: BackupState::DeviceBound,
            },
            verification: VerificationPolicy::default(),
            pin: None,
            tokens: TokenPolicy::default(),
            extensions: ExtensionPolicy::default(),
            attestation: AttestationPolicy {
                formats: vec![AttestationFormat::None, AttestationFormat::PackedSelf],
                batch: None,
                enterprise: None,
            },
            presence: PresencePolicy {
                confirm_no_credentials: false,
                silent_transports: LOCAL.to_vec(),
            },
            reset: ResetPolicy {
                when: ResetTime::Never,
                transports: None,
                long_touch_configurable: false,
            },
            limits: MessageLimits { max_msg_size: 65_535, max_credential_count_in_list: 100 },
            timing: Timing {
                user_action_timeout: Duration::from_secs(60),
                work_timeout: Duration::from_secs(30),
                next_assertion_timeout: Duration::from_secs(30),
            },
        }
    }

    /// A phone: passkeys for other devices by the hybrid transport, and for itself. The screen lock
    /// is always asked for, the person chooses the account on the phone, no client can reset it. It
    /// speaks `prf`.
    #[must_use]
    pub fn phone() -> Self {
        let mut config = Self::new(Aaguid::ZERO);
        config.identity.transports = vec![Transport::Hybrid, Transport::Internal];
        config.identity.has_display = true;
        config.verification.built_in =
            Some(BuiltInVerification { without_token: true, ..BuiltInVerification::screen_lock() });
        config.verification.unasked = true;
        config.extensions.prf = true;
        config
    }

    /// A security key on USB: it tests presence, has a PIN, which is not set at first, and no
    /// display.
    #[must_use]
    pub fn security_key() -> Self {
        let mut config = Self::new(Aaguid::ZERO);
        config.identity.versions =
            vec![Version::U2fV2, Version::Fido2_0, Version::Fido2_1, Version::Fido2_3];
        config.identity.transports = vec![Transport::Usb];
        config.credentials.non_discoverable = NonDiscoverable::Wrapped;
        config.credentials.algorithms =
            vec![algorithm::ES256, algorithm::EDDSA, algorithm::ES384, algorithm::RS256];
        config.credentials.counters = Counters::Global;
        config.verification.always_uv_configurable = true;
        config.verification.make_cred_uv_not_rqd = true;
        config.pin = Some(ClientPin { min_length_rp_ids: Some(8), ..ClientPin::standard() });
        config.tokens = TokenPolicy {
            persistent_token: true,
            preview_commands: true,
            ..TokenPolicy::management()
        };
        config.extensions = ExtensionPolicy {
            cred_protect: true,
            hmac_secret: true,
            hmac_secret_mc: true,
            prf: false,
            cred_blob: Some(32),
            large_blobs: LargeBlobs::Command(4096),
            third_party_payment: true,
        };
        config.attestation.formats = vec![AttestationFormat::PackedSelf, AttestationFormat::None];
        config.presence.confirm_no_credentials = true;
        config.reset.when = ResetTime::AfterPowerUp(Duration::from_secs(10));
        config.limits =
            MessageLimits { max_msg_size: MAX_CTAPHID_MESSAGE, max_credential_count_in_list: 16 };
        config.timing.user_action_timeout = Duration::from_secs(30);
        config
    }

    /// A security key with a fingerprint sensor: fingers are enrolled with the PIN, and then do
    /// what it does.
    #[must_use]
    pub fn fingerprint_key() -> Self {
        let mut config = Self::security_key();
        config.verification.built_in = Some(BuiltInVerification {
            bio_enrollment: Some(BioEnrollment::touch()),
            ..BuiltInVerification::fingerprints()
        });
        config
    }

    /// An authenticator built into the client's device, with its screen lock, which gives PIN/UV
    /// tokens as well: passkeys can be managed with them. It keeps a secret for `hmac-secret` and a
    /// blob for each.
    #[must_use]
    pub fn platform() -> Self {
        let mut config = Self::new(Aaguid::ZERO);
        config.identity.versions = vec![Version::Fido2_0, Version::Fido2_1, Version::Fido2_3];
        config.identity.platform = true;
        config.identity.has_display = true;
        config.verification.built_in = Some(BuiltInVerification::screen_lock());
        config.verification.unasked = true;
        config.tokens = TokenPolicy::management();
        config.extensions.hmac_secret = true;
        config.extensions.hmac_secret_mc = true;
        config.extensions.large_blobs = LargeBlobs::Extension(1024);
        config.attestation.formats = vec![AttestationFormat::PackedSelf, AttestationFormat::None];
        config
    }
}

impl TokenPolicy {
    /// Tokens by both protocols, with which passkeys can be managed.
    fn management() -> Self {
        Self {
            pin_uv_auth_protocols: vec![PinUvAuthProtocol::Two, PinUvAuthProtocol::One],
            credential_management: true,
            ..Self::default()
        }
    }
}
