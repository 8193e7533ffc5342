//! How a virtual authenticator is put together. All that is known here of [`Config`] is in this
//! file.

use std::{
    fmt,
    sync::{Arc, Mutex, atomic::AtomicU64},
    time::Duration,
};

use towline_authenticator::{
    AttestationFormat, Backup, BatchAttestation, ClientPin, Config, ConfigError, Counters,
    LargeBlobs, NonDiscoverable, PinUvAuthProtocol, ResetPolicy,
};
use towline_client::{Client, Pin, PinChange, PinError};
use towline_crypto::{CryptoProvider, rustcrypto};
use towline_ctap::{Aaguid, Transport, Version, algorithm};

use crate::{
    Attestation, Clock, Meddler, ScriptedPerson, SyncedSet, VirtualAuthenticator,
    authenticator::Shared,
    keys::Changed,
    machine::{Machine, Parts},
    meddle::Meddling,
    random::Seeded,
    shelf::Shelf,
};

/// The AAGUID of every virtual authenticator: the bytes of `towline-test-key`. It can't be changed,
/// so that whatever a test makes can be told from what a real authenticator has made, wherever it
/// ends up. As a UUID it is `746f776c-696e-652d-7465-73742d6b6579`.
///
/// A site that allows some models only lets it in for its tests by that.
pub const TEST_AAGUID: Aaguid = Aaguid::new(*b"towline-test-key");

/// Puts a [`VirtualAuthenticator`] together: start from a preset, change what differs, and
/// [`build`](Self::build).
///
/// ```
/// use towline_virtual::{Builder, Extension};
///
/// let device = Builder::security_key()
///     .pin("2580")
///     .extensions([Extension::HmacSecret, Extension::CredBlob])
///     .capacity(25)
///     .seed(7)
///     .build()?;
/// assert_eq!(device.info().unwrap().options.client_pin, Some(true));
///
/// let refusal = Builder::security_key().always_uv(true).build().unwrap_err();
/// assert!(refusal.to_string().contains("exclude each other"), "{refusal}");
/// # Ok::<(), towline_virtual::BuildError>(())
/// ```
pub struct Builder {
    config: Config,
    provider: CryptoProvider,
    seed: Option<u64>,
    clock: Clock,
    client: Option<Client>,
    counts: bool,
    capacity: Option<usize>,
    set: Option<SyncedSet>,
    pin: Option<String>,
    attestation: Option<Arc<dyn Attestation>>,
    meddler: Option<Box<dyn Meddler>>,
}

/// An authenticator extension (CTAP 2.3 §12). `credProtect` is always there.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Extension {
    /// `hmac-secret`, from which browsers make `prf`.
    HmacSecret,
    /// `hmac-secret-mc`: the same at creation.
    HmacSecretMc,
    /// `prf`, as phones speak it.
    Prf,
    /// `credBlob`, of 32 bytes.
    CredBlob,
    /// `largeBlobKey` and authenticatorLargeBlobs, with room for 4096 bytes.
    LargeBlobKey,
    /// `largeBlob`, of 1024 bytes for each passkey.
    LargeBlob,
    /// `minPinLength`, for up to eight sites.
    MinPinLength,
    /// `thirdPartyPayment`.
    ThirdPartyPayment,
}

/// Why there is no such authenticator.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BuildError {
    /// The options contradict each other.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The PIN can't be set.
    #[error("the PIN of the virtual authenticator can't be set: {0}")]
    Pin(#[from] PinError),
    /// A set that is shared has the room that it has.
    #[error("the capacity belongs to the authenticator that the passkeys are shared with")]
    CapacityOfSharedSet,
}

/// What every virtual authenticator has.
impl Builder {
    /// An authenticator of this kind, by the product's own policy. Its AAGUID becomes
    /// [`TEST_AAGUID`], all its passkeys are stored, and none is only its id.
    #[must_use]
    pub fn from_config(config: Config) -> Self {
        let mut config = config.with_aaguid(TEST_AAGUID);
        let counts = config.counters != Counters::Zero;
        config.counters = Counters::PerCredential;
        config.non_discoverable = NonDiscoverable::Stored;
        Self {
            config,
            provider: rustcrypto::provider(),
            seed: None,
            clock: Clock::new(),
            client: None,
            counts,
            capacity: None,
            set: None,
            pin: None,
            attestation: None,
            meddler: None,
        }
    }

    /// A security key on USB: a touch, a PIN that is not set yet, counters, no display; U2F and all
    /// of CTAP up to 2.3.
    #[must_use]
    pub fn security_key() -> Self {
        Self::from_config(Config::security_key())
    }

    /// The same with a fingerprint sensor that knows the person.
    #[must_use]
    pub fn fingerprint_key() -> Self {
        Self::from_config(Config::fingerprint_key()).user_verification(true)
    }

    /// What is built into a computer, with its screen lock. Its passkeys stay on this device.
    #[must_use]
    pub fn platform() -> Self {
        Self::from_config(Config::platform()).algorithms(&ALL)
    }

    /// A passkey provider that syncs: passkeys may be backed up (BE) and are (BS), the counter is
    /// always zero, and there is no attestation.
    #[must_use]
    pub fn synced_passkey() -> Self {
        Self::platform().backup(true, true).attestation_formats(&[AttestationFormat::None])
    }

    /// A phone, over the hybrid transport: as [`Self::synced_passkey`], with the `prf` of phones.
    #[must_use]
    pub fn phone() -> Self {
        Self::from_config(Config::phone()).backup(true, true).algorithms(&ALL)
    }

    /// A key of U2F alone: no passkeys, no verification, no CTAP2.
    #[must_use]
    pub fn u2f_key() -> Self {
        let mut key = Self::security_key()
            .without_pin()
            .extensions([])
            .algorithms(&[algorithm::ES256])
            .versions(&[Version::U2fV2]);
        key.config.discoverable = false;
        key.config.credential_management = false;
        key.config.persistent_token = false;
        key.config.preview_commands = false;
        key.config.always_uv_configurable = false;
        key.config.make_cred_uv_not_rqd = false;
        key
    }

    /// Puts it together.
    ///
    /// # Errors
    /// [`BuildError`] where the options contradict each other; its text says which.
    pub fn build(self) -> Result<VirtualAuthenticator, BuildError> {
        let Self { config, mut provider, clock, .. } = self;
        if self.set.is_some() && self.capacity.is_some() {
            return Err(BuildError::CapacityOfSharedSet);
        }
        if let Some(seed) = self.seed {
            provider.random = Arc::new(Seeded::new(seed));
            // Others take nonces from elsewhere.
            provider.signatures = rustcrypto::provider().signatures;
        }
        let backed_up = config.backup.backed_up;
        let shelf = Shelf::new(self.set, self.capacity, self.counts, backed_up);
        let meddling = Meddling::default();
        let parts = Parts {
            provider: provider.clone(),
            shelf: shelf.clone(),
            meddling: meddling.clone(),
            attestation: self.attestation,
            changed: Changed::default(),
        };
        let transport = reached_by(&config);
        let authenticator = parts.assemble(config)?;
        let person = ScriptedPerson::new(&clock);
        let machine = Machine::new(authenticator, parts, person.clone(), clock.clone());
        let device = VirtualAuthenticator::new(Shared {
            machine: Mutex::new(machine),
            turn: Mutex::new(()),
            person,
            clock,
            shelf,
            meddling,
            client: self.client.unwrap_or_else(|| Client::new(provider.clone())),
            provider: provider.clone(),
            transport,
            channels: AtomicU64::new(1),
        });
        if let Some(pin) = self.pin {
            set_pin(&device, &pin, &provider)?;
            device.person().knows_the_pin(&pin);
        }
        device.set_meddler(self.meddler);
        Ok(device)
    }
}

/// What getInfo says.
impl Builder {
    /// The versions that are claimed (`versions`).
    #[must_use]
    pub fn versions(mut self, versions: &[Version]) -> Self {
        self.config.versions = versions.to_vec();
        self
    }

    /// How it can be reached (`transports`); with [`Transport::Internal`] among them it is a part
    /// of the client's device.
    #[must_use]
    pub fn transports(mut self, transports: &[Transport]) -> Self {
        self.config.transports = transports.to_vec();
        self.config.platform &= transports.contains(&Transport::Internal);
        self
    }

    /// The COSE algorithms, those that the provider lacks left out (`algorithms`).
    #[must_use]
    pub fn algorithms(mut self, algorithms: &[i64]) -> Self {
        self.config.algorithms = algorithms.to_vec();
        self
    }

    /// Exactly these extensions, and `credProtect` (`extensions`).
    #[must_use]
    pub fn extensions(mut self, extensions: impl IntoIterator<Item = Extension>) -> Self {
        let on: Vec<Extension> = extensions.into_iter().collect();
        let has = |extension| on.contains(&extension);
        let config = &mut self.config;
        config.hmac_secret = has(Extension::HmacSecret);
        config.hmac_secret_mc = has(Extension::HmacSecretMc);
        config.prf = has(Extension::Prf);
        config.cred_blob = has(Extension::CredBlob).then_some(32);
        config.large_blobs = match (has(Extension::LargeBlobKey), has(Extension::LargeBlob)) {
            (true, _) => LargeBlobs::Command(4096),
            (false, true) => LargeBlobs::Extension(1024),
            (false, false) => LargeBlobs::None,
        };
        config.min_pin_length_rp_ids = has(Extension::MinPinLength).then_some(8);
        config.third_party_payment = has(Extension::ThirdPartyPayment);
        self
    }

    /// Whether it makes discoverable passkeys (`rk`).
    #[must_use]
    pub fn discoverable(mut self, on: bool) -> Self {
        self.config.discoverable = on;
        self.config.credential_management &= on;
        self
    }

    /// Built-in verification (`uv`): that of the preset, or else a screen lock, set up; or none.
    #[must_use]
    pub fn user_verification(mut self, on: bool) -> Self {
        let config = &mut self.config;
        if on {
            let lock = towline_authenticator::BuiltInVerification::screen_lock;
            config.verification.get_or_insert_with(lock).configured = true;
            let tokens = !config.pin_uv_auth_protocols.is_empty();
            config.verification_without_token |= !tokens;
        } else {
            config.verification = None;
            config.bio_enrollment = None;
            config.verify_unasked = false;
        }
        self
    }

    /// Has a PIN (`clientPin`), which is set to this. The person knows it.
    #[must_use]
    pub fn pin(mut self, pin: &str) -> Self {
        let config = &mut self.config;
        if config.client_pin.is_none() {
            config.client_pin = Some(ClientPin::standard());
        }
        if config.pin_uv_auth_protocols.is_empty() {
            config.pin_uv_auth_protocols = vec![PinUvAuthProtocol::Two, PinUvAuthProtocol::One];
        }
        self.pin = Some(pin.to_owned());
        self
    }

    /// Has no PIN (`clientPin` absent), nor PIN/UV tokens if nothing else needs them.
    #[must_use]
    pub fn without_pin(mut self) -> Self {
        let config = &mut self.config;
        config.client_pin = None;
        config.min_pin_length_rp_ids = None;
        if config.verification.is_none() {
            config.pin_uv_auth_protocols = Vec::new();
        }
        self.pin = None;
        self
    }

    /// Nothing happens without verification (`alwaysUv`).
    #[must_use]
    pub fn always_uv(mut self, on: bool) -> Self {
        self.config.always_uv = on;
        self
    }

    /// Passkeys that are not discoverable are made without verification (`makeCredUvNotRqd`).
    #[must_use]
    pub fn make_cred_uv_not_required(mut self, on: bool) -> Self {
        self.config.make_cred_uv_not_rqd = on;
        self
    }

    /// Whether the person sees and chooses accounts on the authenticator, and not in the client.
    #[must_use]
    pub fn display(mut self, on: bool) -> Self {
        self.config.has_display = on;
        self
    }

    /// How many passkeys there is room for (`remainingDiscoverableCredentials`).
    #[must_use]
    pub fn capacity(mut self, passkeys: usize) -> Self {
        self.capacity = Some(passkeys);
        self
    }

    /// The longest message, and how many credentials a list may have (`maxMsgSize`,
    /// `maxCredentialCountInList`).
    #[must_use]
    pub fn limits(mut self, message: usize, credentials: usize) -> Self {
        self.config.max_msg_size = message;
        self.config.max_credential_count_in_list = credentials;
        self
    }

    /// Anything else that the policy of an authenticator says, but for the AAGUID.
    #[must_use]
    pub fn configure(mut self, configure: impl FnOnce(&mut Config)) -> Self {
        configure(&mut self.config);
        self.config.aaguid = TEST_AAGUID;
        self
    }
}

/// What passkeys are like.
impl Builder {
    /// Whether new passkeys count their signatures; otherwise they say 0 for ever.
    #[must_use]
    pub fn counting(mut self, on: bool) -> Self {
        self.counts = on;
        self
    }

    /// Whether new passkeys may be backed up (BE), and are (BS).
    #[must_use]
    pub fn backup(mut self, eligible: bool, backed_up: bool) -> Self {
        self.config.backup = Backup { eligible, backed_up };
        self
    }

    /// Passkeys are those of this set, which others may share.
    #[must_use]
    pub fn synced_with(mut self, set: &SyncedSet) -> Self {
        self.set = Some(set.clone());
        self
    }

    /// The attestation formats that the authenticator makes itself; the first is used where the
    /// site has no preference.
    #[must_use]
    pub fn attestation_formats(mut self, formats: &[AttestationFormat]) -> Self {
        self.config.attestation_formats = formats.to_vec();
        self
    }

    /// A key and certificates that vouch for the model.
    #[must_use]
    pub fn batch_attestation(mut self, batch: BatchAttestation) -> Self {
        self.config.batch_attestation = Some(batch);
        self.attestation_formats(&[AttestationFormat::PackedBasic, AttestationFormat::None])
    }

    /// Statements of any format, bent or straight, made elsewhere.
    #[must_use]
    pub fn attestation(mut self, attestation: impl Attestation + 'static) -> Self {
        let own = attestation.formats().into_iter().map(AttestationFormat::OfKeyStore);
        let none = [AttestationFormat::None];
        self.config.attestation_formats = own.chain(none).collect();
        self.attestation = Some(Arc::new(attestation));
        self
    }
}

/// The world around it.
impl Builder {
    /// The cryptography; the portable provider, if nothing is said.
    #[must_use]
    pub fn provider(mut self, provider: CryptoProvider) -> Self {
        self.provider = provider;
        self
    }

    /// All randomness follows from this seed, so that two runs are the same to the last byte. It is
    /// shared with the client. Signatures are then made by the portable provider, which takes no
    /// randomness from elsewhere. Two authenticators with one seed make the same keys: give each
    /// its own.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// A clock that others go by as well.
    #[must_use]
    pub fn clock(mut self, clock: &Clock) -> Self {
        self.clock = clock.clone();
        self
    }

    /// The client: other public suffixes, other limits of time.
    #[must_use]
    pub fn client(mut self, client: Client) -> Self {
        self.client = Some(client);
        self
    }

    /// How long a question stays open on the authenticator.
    #[must_use]
    pub fn patience(mut self, so_long: Duration) -> Self {
        self.config.user_action_timeout = so_long;
        self
    }

    /// When a client may reset it.
    #[must_use]
    pub fn reset(mut self, policy: ResetPolicy) -> Self {
        self.config.reset = policy;
        self
    }

    /// Something that changes what passes by.
    #[must_use]
    pub fn meddler(mut self, meddler: impl Meddler + 'static) -> Self {
        self.meddler = Some(Box::new(meddler));
        self
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder").field("config", &self.config).finish_non_exhaustive()
    }
}

/// What sites ask for.
const ALL: [i64; 4] = [algorithm::ES256, algorithm::EDDSA, algorithm::ES384, algorithm::RS256];

/// Whether it answers to anything but U2F.
pub(crate) fn speaks_ctap2(config: &Config) -> bool {
    config.versions.iter().any(|version| *version != Version::U2fV2)
}

/// Whether it answers to U2F.
pub(crate) fn speaks_u2f(config: &Config) -> bool {
    config.versions.contains(&Version::U2fV2)
}

/// How the client reaches it.
fn reached_by(config: &Config) -> Transport {
    if config.platform {
        return Transport::Internal;
    }
    config.transports.first().cloned().unwrap_or(Transport::Usb)
}

/// Sets the PIN as a platform does.
fn set_pin(
    device: &VirtualAuthenticator,
    pin: &str,
    provider: &CryptoProvider,
) -> Result<(), PinError> {
    let info = device.info().ok_or(PinError::Unsupported)?;
    let mut change = PinChange::new(&info, None, Pin::new(pin), provider)?;
    let mut request = Some(change.request());
    while let Some(next) = request {
        request = change.handle_response(&device.transact(&next))?;
    }
    Ok(())
}
