//! What an authenticator is and how it behaves: one value, with presets.

use std::time::Duration;

use towline_ctap::{Aaguid, Transport, Version};

use crate::{BioEnrollment, EnterpriseAttestation, KeyHandle, PinUvAuthProtocol};

/// The policy of one authenticator.
///
/// Start from a preset and change what differs; [`Authenticator::new`](crate::Authenticator::new)
/// checks that the whole is consistent. What is claimed in getInfo follows from it.
///
/// ```
/// use towline_authenticator::Config;
///
/// let mut config = Config::phone().with_aaguid([7; 16].into());
/// config.has_display = false;
/// assert_eq!(config.check(), Ok(()));
/// ```
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The versions that are claimed.
    pub versions: Vec<Version>,
    /// The model. All zero if it is not to be known.
    pub aaguid: Aaguid,
    /// How the authenticator can be reached.
    pub transports: Vec<Transport>,
    /// Whether it is a part of the client's device (`plat`).
    pub platform: bool,
    /// Whether it makes discoverable credentials (`rk`).
    pub discoverable: bool,
    /// Where credentials are kept that are not discoverable.
    pub non_discoverable: NonDiscoverable,
    /// Built-in user verification (`uv`): the screen lock, a fingerprint. `None`: there is none.
    pub verification: Option<BuiltInVerification>,
    /// The PIN/UV auth protocols, by preference. With any, PIN/UV tokens are given out
    /// (`pinUvAuthToken`), for the PIN and for built-in verification, whichever there is.
    pub pin_uv_auth_protocols: Vec<PinUvAuthProtocol>,
    /// A PIN (`clientPin`), which needs a PIN/UV auth protocol. `None`: there is no such feature.
    pub client_pin: Option<ClientPin>,
    /// authenticatorCredentialManagement (`credMgmt`): discoverable credentials can be listed,
    /// renamed and deleted by whoever has a PIN/UV token for that.
    pub credential_management: bool,
    /// The persistent token (`perCredMgmtRO`), which lets a client list credentials for as long as
    /// the PIN stays the same; with it, an identity in getInfo that only its holders can read
    /// (`encIdentifier`, `encCredStoreState`).
    pub persistent_token: bool,
    /// Takes the command bytes 0x40 and 0x41 of FIDO_2_1_PRE for authenticatorBioEnrollment and
    /// authenticatorCredentialManagement as well, with the same checks: libfido2 up to 1.14 sends
    /// no others. Not claimed.
    pub preview_commands: bool,
    /// The extension `hmac-secret`, which needs a PIN/UV auth protocol.
    pub hmac_secret: bool,
    /// The extension `hmac-secret-mc`, which needs `hmac-secret`.
    pub hmac_secret_mc: bool,
    /// The extension `prf`, as phones speak it over the hybrid transport.
    pub prf: bool,
    /// The extension `credBlob`, and how many bytes a credential may keep so: 32 or more.
    pub cred_blob: Option<usize>,
    /// How large blobs are offered.
    pub large_blobs: LargeBlobs,
    /// setMinPINLength of authenticatorConfig and the extension `minPinLength`, and how many
    /// relying parties may be chosen to learn the minimum; with a policy on the complexity of PINs,
    /// the extension `pinComplexityPolicy` too.
    pub min_pin_length_rp_ids: Option<usize>,
    /// toggleAlwaysUv of authenticatorConfig: `always_uv` is what holds at first.
    pub always_uv_configurable: bool,
    /// enableLongTouchForReset of authenticatorConfig: whether a platform may turn on that a reset
    /// needs a touch of 5 s or more, which the embedder has to be able to tell from a short one.
    pub long_touch_configurable: bool,
    /// vendorPrototype of authenticatorConfig: the vendor's own commands, which are carried out by
    /// whoever answers [`Question::VendorCommand`](crate::Question::VendorCommand). They need
    /// PIN/UV tokens. Empty: there are none.
    pub vendor_config_commands: Vec<u64>,
    /// Whether built-in verification permits to use authenticatorConfig (`uvAcfg`), and not only
    /// the PIN.
    pub verification_configures: bool,
    /// authenticatorBioEnrollment (`bioEnroll`), which needs built-in verification. `None`:
    /// platforms enrol no fingerprints.
    pub bio_enrollment: Option<BioEnrollment>,
    /// The extension `thirdPartyPayment`.
    pub third_party_payment: bool,
    /// Claims `alwaysUv`: nothing happens without user verification, but for silent look-ups.
    pub always_uv: bool,
    /// Asks for verification even where the client does not want any, without claiming `alwaysUv`:
    /// what phones do.
    pub verify_unasked: bool,
    /// Claims `makeCredUvNotRqd`: credentials that are not discoverable are made without user
    /// verification.
    pub make_cred_uv_not_rqd: bool,
    /// Real phones claim FIDO_2_1 and `uv` without a PIN/UV token over the hybrid transport,
    /// against the standard. This allows the same; FIDO_2_3 can't be claimed then.
    pub verification_without_token: bool,
    /// The COSE algorithms that credentials may have, in the order in which getInfo lists them. The
    /// relying party's order decides. Those that the key store lacks are left out.
    ///
    /// ML-DSA (-48, -49) is a draft in WebAuthn, so no preset has it. Its keys and signatures need
    /// a `max_msg_size` of 6144 or more.
    pub algorithms: Vec<i64>,
    /// The attestation formats; the first is used where the client has no preference.
    pub attestation_formats: Vec<AttestationFormat>,
    /// The key and the certificates of [`AttestationFormat::PackedBasic`] and
    /// [`AttestationFormat::FidoU2f`], and of what U2F registers, for which the key has to be on
    /// P-256. Without them such a registration says nothing of the model.
    pub batch_attestation: Option<BatchAttestation>,
    /// Enterprise attestation (`ep`) and enableEnterpriseAttestation of authenticatorConfig, which
    /// need PIN/UV tokens. `None`: the authenticator is not capable of it.
    pub enterprise_attestation: Option<EnterpriseAttestation>,
    /// Whether signatures carry a counter, and whether all credentials share one.
    pub counters: Counters,
    /// Backup flags of credentials.
    pub backup: Backup,
    /// Whether there is a display on which the person sees the account and chooses among several.
    /// Otherwise the client lets them choose, and is told the names for that.
    pub has_display: bool,
    /// Waits for a touch before it says that there is no credential, so that nobody can find out
    /// unnoticed. With a display, and over a transport that is not among `silent_transports`, that
    /// is so anyhow.
    pub confirm_no_credentials: bool,
    /// The transports over which a request is answered without a question where the standard wants
    /// none: a silent look-up (`up: false`) above all, which tells whether a credential is here.
    /// They are for a client on the same machine, or at the end of a cable. Over every other one
    /// `up: false` counts as true, and nothing changes without the person or a PIN/UV token.
    /// [`Transport::Hybrid`] can't be among them. A request of which the transport is not known
    /// ([`Authenticator::handle_request`](crate::Authenticator::handle_request)) is taken for one
    /// over any of `transports`.
    pub silent_transports: Vec<Transport>,
    /// When a client may reset the authenticator.
    pub reset: ResetPolicy,
    /// The transports over which a reset is possible (`transportsForReset`), which
    /// [`Authenticator::handle_request_over`](crate::Authenticator::handle_request_over) tells.
    /// `None`: over all.
    pub reset_transports: Option<Vec<Transport>>,
    /// The longest request, in bytes: at least 1024. Clients take it for the longest response, too.
    pub max_msg_size: usize,
    /// How many credentials a list in a request may have: at least 1.
    pub max_credential_count_in_list: usize,
    /// How long each question stays open.
    pub user_action_timeout: Duration,
    /// How long a job may take before its request fails. A save that comes through after that still
    /// counts.
    pub work_timeout: Duration,
    /// How long the next assertion can be had: 30 s at most.
    pub next_assertion_timeout: Duration,
    /// How often a keepalive is sent while a request waits; `None` for transports without
    /// keepalive.
    pub keepalive: Option<Duration>,
    /// The version of the firmware, if it is to be told. It must grow with every change.
    pub firmware_version: Option<u64>,
    /// Certifications and their levels, by the names of the standard, such as `FIDO`
    /// (`certifications`).
    pub certifications: Vec<(String, u64)>,
}

/// How large blobs are offered: by a command, or by an extension of the requests that use a
/// credential. The two exclude each other (CTAP 2.3 §12).
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum LargeBlobs {
    /// Large blobs are not offered.
    #[default]
    None,
    /// By authenticatorLargeBlobs and the extension `largeBlobKey`, and how many bytes the array
    /// for all credentials may have: 1024 or more.
    Command(usize),
    /// By the extension `largeBlob`, which needs discoverable credentials, and how many bytes each
    /// credential may keep, compressed: 1 or more. The longest response must fit into
    /// `max_msg_size` with it.
    Extension(usize),
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
    /// An id has 34 bytes more than the [`KeyHandle`]. Where that makes more than 255, as for RSA
    /// keys in software, the credential is stored. There can't be a counter for each credential
    /// then.
    Wrapped,
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
}

/// How the PIN works (authenticatorClientPIN, CTAP 2.3 §6.5).
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientPin {
    /// How many wrong PINs there may be before nothing but a reset helps: 1 to 8. Three in a row
    /// need a power-up.
    pub max_retries: u8,
    /// The shortest PIN, in code points: 4 to 63.
    pub min_length: u8,
    /// The longest PIN, in code points: 8 to 63, and not less than the shortest. More than 63 bytes
    /// are never taken.
    pub max_length: u8,
    /// Whether the PIN permits to create and to use credentials; otherwise
    /// `noMcGaPermissionsWithClientPin` is claimed.
    pub permits_mc_ga: bool,
    /// Whether simple PINs are refused: one character repeated, or characters that follow one
    /// another.
    pub complexity: PinComplexity,
    /// Where the policy is explained: a URL (`pinComplexityPolicyURL`), if there is a policy.
    pub complexity_url: Option<String>,
}

/// The policy on the complexity of PINs (`pinComplexityPolicy`).
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PinComplexity {
    /// There is none, and it can't be turned on.
    None,
    /// It is off until authenticatorConfig turns it on.
    Configurable,
    /// It is always on, and can't be turned off.
    Enforced,
}

/// An attestation format that can be made.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AttestationFormat {
    /// `none`: no statement.
    None,
    /// `packed`, signed with the credential's own key: says nothing of the model or the device.
    PackedSelf,
    /// `packed`, signed with a key that many authenticators of the same model share: tells which
    /// model it is. The person is asked first; if they refuse, there is neither a statement nor an
    /// AAGUID.
    PackedBasic,
    /// `fido-u2f`, signed with the same key, which is on P-256; only credentials on P-256 can have
    /// it, and there is no AAGUID. The person is asked, too.
    FidoU2f,
    /// A format that the [`KeyStore`](crate::KeyStore) makes itself, by its identifier (IANA
    /// WebAuthn registry), such as `tpm`. As its certificates may be of this one device, the person
    /// is asked as before enterprise attestation.
    OfKeyStore(&'static str),
}

/// Who vouches for the model (WebAuthn L3 §6.5.3, basic attestation).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchAttestation {
    /// The key: one that the [`KeyStore`](crate::KeyStore) can sign with.
    pub key: KeyHandle,
    /// Its certificates in DER, the leaf first (WebAuthn L3 §8.2.1 says what they must hold).
    pub certificates: Vec<Vec<u8>>,
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

/// Whether credentials can be, and are, on other devices too (WebAuthn L3 §6.1.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Backup {
    /// Whether credentials are made so that they may be backed up (BE): fixed for each when it is
    /// made.
    pub eligible: bool,
    /// Whether those that may be are backed up now (BS).
    pub backed_up: bool,
}

/// When a client may delete everything.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ResetPolicy {
    /// At any time, after the person's confirmation.
    Always,
    /// For so long after [`Authenticator::handle_power_up`](crate::Authenticator::handle_power_up),
    /// after the person's confirmation. The standard says 10 s.
    AfterPowerUp(Duration),
    /// Clients can't reset it: authenticatorReset is refused.
    Never,
}

impl Config {
    /// The same with this AAGUID.
    #[must_use]
    pub fn with_aaguid(self, aaguid: Aaguid) -> Self {
        Self { aaguid, ..self }
    }

    /// The same with credentials that are, or may be, backed up.
    #[must_use]
    pub fn with_backup(self, backup: Backup) -> Self {
        Self { backup, ..self }
    }

    /// The same with these COSE algorithms.
    #[must_use]
    pub fn with_algorithms(self, algorithms: &[i64]) -> Self {
        Self { algorithms: algorithms.to_vec(), ..self }
    }

    /// The same with this way of counting.
    #[must_use]
    pub fn with_counters(self, counters: Counters) -> Self {
        Self { counters, ..self }
    }

    /// Whether PIN/UV tokens are given out.
    pub(crate) const fn has_tokens(&self) -> bool {
        !self.pin_uv_auth_protocols.is_empty()
    }

    /// Whether authenticatorConfig is there.
    pub(crate) const fn has_settings(&self) -> bool {
        self.always_uv_configurable
            || self.long_touch_configurable
            || self.min_pin_length_rp_ids.is_some()
            || self.enterprise_attestation.is_some()
            || !self.vendor_config_commands.is_empty()
    }

    /// Whether anything but credentials and retries is kept.
    pub(crate) const fn has_durable_state(&self) -> bool {
        self.client_pin.is_some()
            || self.persistent_token
            || self.bio_enrollment.is_some()
            || self.has_settings()
    }

    /// Whether built-in verification permits to enrol fingerprints.
    pub(crate) fn verification_enrolls(&self) -> bool {
        self.bio_enrollment.is_some_and(|enrollment| enrollment.verification_permits)
    }
}

impl LargeBlobs {
    /// How many bytes the array of the command may have.
    pub(crate) const fn array(self) -> Option<usize> {
        match self {
            Self::Command(capacity) => Some(capacity),
            Self::None | Self::Extension(_) => None,
        }
    }

    /// How many bytes a blob of the extension may have.
    pub(crate) const fn blob(self) -> Option<usize> {
        match self {
            Self::Extension(length) => Some(length),
            Self::None | Self::Command(_) => None,
        }
    }
}

impl AttestationFormat {
    /// Whether a statement tells which model it comes from.
    pub(crate) const fn tells_the_model(self) -> bool {
        matches!(self, Self::PackedBasic | Self::FidoU2f)
    }

    /// The format's identifier (IANA WebAuthn registry).
    #[must_use]
    pub const fn identifier(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::PackedSelf | Self::PackedBasic => "packed",
            Self::FidoU2f => "fido-u2f",
            Self::OfKeyStore(identifier) => identifier,
        }
    }
}
