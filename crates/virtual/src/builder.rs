//! How a virtual authenticator is put together. All that this crate knows of [`Config`] is here.

mod options;

use std::{
    fmt,
    sync::{Arc, Mutex, atomic::AtomicU64},
    time::Duration,
};

use towline_authenticator::{
    AttestationFormat, BackupState, Config, ConfigError, Counters, NonDiscoverable, ResetTime,
    TokenPolicy,
};
use towline_client::{Client, Pin, PinChange, PinError};
use towline_crypto::{CryptoProvider, rustcrypto};
use towline_ctap::{Aaguid, Transport, Version, algorithm};

use crate::{
    Attestation, Clock, Faults, Meddler, Quirk, ScriptedPerson, SyncedSet, VirtualAuthenticator,
    device::Shared,
    keys::Statements,
    machine::{Machine, Pieces},
    meddle::Meddling,
    parts::Parts,
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
    attestation: Option<Box<dyn Attestation>>,
    meddler: Option<Box<dyn Meddler>>,
    quirks: Box<[Quirk]>,
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
    pub fn from_config(mut config: Config) -> Self {
        let counts = config.credentials.counters != Counters::Zero;
        settle(&mut config);
        Self {
            config,
            provider: towline_crypto_fastest::provider(),
            seed: None,
            clock: Clock::new(),
            client: None,
            counts,
            capacity: None,
            set: None,
            pin: None,
            attestation: None,
            meddler: None,
            quirks: Box::default(),
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
    /// always zero, there is no attestation, and all passkeys are discoverable, whatever the site
    /// asks for.
    #[must_use]
    pub fn synced_passkey() -> Self {
        Self::platform()
            .backup(BackupState::BackedUp)
            .only_discoverable(true)
            .attestation_formats(&[AttestationFormat::None])
    }

    /// A phone, over the hybrid transport: as [`Self::synced_passkey`], with the `prf` of phones.
    #[must_use]
    pub fn phone() -> Self {
        Self::from_config(Config::phone())
            .backup(BackupState::BackedUp)
            .only_discoverable(true)
            .algorithms(&ALL)
    }

    /// A key of U2F alone: no passkeys, no verification, no CTAP2.
    #[must_use]
    pub fn u2f_key() -> Self {
        let mut key = Self::security_key()
            .without_pin()
            .extensions([])
            .algorithms(&[algorithm::ES256])
            .versions(&[Version::U2fV2]);
        key.config.credentials.discoverable = false;
        key.config.tokens = TokenPolicy::default();
        key.config.verification.always_uv_configurable = false;
        key.config.verification.make_cred_uv_not_rqd = false;
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
        let backed_up = config.credentials.backup == BackupState::BackedUp;
        let shelf = Shelf::new(self.set, self.capacity, self.counts, backed_up);
        let meddling = Meddling::new(Faults::new(&provider, &clock, shelf.set()));
        let parts = Pieces {
            shelf: shelf.clone(),
            meddling: meddling.clone(),
            quirks: self.quirks,
            attestation: self.attestation.map(|attestation| {
                Arc::new(Statements { attestation, provider: provider.clone() })
            }),
        };
        let transport = reached_by(&config);
        let authenticator = parts.assemble(config, &provider)?;
        let person = ScriptedPerson::new(&clock);
        let machine = Machine::new(authenticator, parts, person.clone(), clock.clone());
        let device = VirtualAuthenticator::new(Shared {
            machine: Mutex::new(machine),
            turn: Mutex::new(()),
            person,
            clock,
            shelf,
            meddling,
            client: self.client.map(Box::new),
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

/// Put together for somebody else.
impl Builder {
    /// Puts it together for somebody else to drive. Quirks, and what a [`Meddler`] does to anything
    /// but signatures, are not in it.
    ///
    /// # Errors
    /// As [`Self::build`].
    pub fn build_parts(self) -> Result<Parts, BuildError> {
        let device = self.build()?;
        Ok(Parts {
            authenticator: device.another()?,
            person: device.person().clone(),
            passkeys: device.synced_set(),
            clock: device.clock().clone(),
        })
    }
}

/// The world around it.
impl Builder {
    /// The cryptography; that of `towline-crypto-fastest`, if nothing is said.
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
        self.config.timing.user_action_timeout = so_long;
        self
    }

    /// When a client may reset it.
    #[must_use]
    pub fn reset(mut self, when: ResetTime) -> Self {
        self.config.reset.when = when;
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

/// What is the same for all: it says that it is a test, and each passkey is stored and counts for
/// itself, so that all can be read and changed.
const fn settle(config: &mut Config) {
    config.identity.aaguid = TEST_AAGUID;
    config.credentials.counters = Counters::PerCredential;
    config.credentials.non_discoverable = NonDiscoverable::Stored;
}

/// Whether it answers to anything but U2F.
pub(crate) fn speaks_ctap2(config: &Config) -> bool {
    config.identity.versions.iter().any(|version| *version != Version::U2fV2)
}

/// Whether it answers to U2F.
pub(crate) fn speaks_u2f(config: &Config) -> bool {
    config.identity.versions.contains(&Version::U2fV2)
}

/// How the client reaches it.
fn reached_by(config: &Config) -> Transport {
    if config.identity.platform {
        return Transport::Internal;
    }
    config.identity.transports.first().cloned().unwrap_or(Transport::Usb)
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
