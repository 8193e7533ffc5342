//! What survives a restart beside the credentials: the PIN, what authenticatorConfig has set, and
//! the identity that only holders of the persistent token can read. It is read from the store once,
//! and written before it counts.

use towline_cbor::{Key, Reader, Writer};
use towline_crypto::{CryptoProvider, Error, Secret};
use towline_ctap::Status;
use zeroize::Zeroizing;

use crate::{
    BuiltInVerification, Change, Config, Fingerprint, PinComplexity, Record, fingerprint,
    flow::{Core, Flow, await_work, await_write},
    pin::{self, StoredPin},
    wrapped::Wrapping,
};

/// How deep the settings nest.
const DEPTH: u8 = 2;

/// The durable state, as the store has it.
#[derive(Default)]
pub(crate) struct State {
    loaded: bool,
    pub(crate) pin: Option<StoredPin>,
    pub(crate) pin_retries: u8,
    pub(crate) settings: Settings,
    pub(crate) identity: Option<Identity>,
    pub(crate) fingerprints: Vec<Fingerprint>,
    unneeded_keys: Option<Zeroizing<Vec<u8>>>,
    /// Read by itself, when it is needed first.
    pub(crate) wrapping: Wrapping,
}

impl State {
    /// Whether what is in memory is what the store has.
    pub(crate) fn is_known(&self, config: &Config) -> bool {
        self.loaded || !config.has_durable_state()
    }

    /// What is in memory may be outdated: the next request reads it again.
    pub(crate) fn doubt(&mut self) {
        self.loaded = false;
        self.wrapping = Wrapping::Unread;
    }
}

/// What authenticatorConfig has set; what it has not is as the config says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Settings {
    pub(crate) always_uv: Option<bool>,
    pub(crate) min_pin_length: Option<u8>,
    pub(crate) force_pin_change: bool,
    pub(crate) min_pin_length_rp_ids: Vec<String>,
    pub(crate) long_touch_for_reset: bool,
    pub(crate) pin_complexity: bool,
    pub(crate) enterprise_attestation: bool,
}

impl Settings {
    /// The change that stores them.
    pub(crate) fn change(&self) -> Change {
        let mut writer = Writer::new();
        writer.map(|map| {
            if let Some(on) = self.always_uv {
                map.entry(1, |w| w.bool(on));
            }
            if let Some(length) = self.min_pin_length {
                map.entry(2, |w| w.uint(length.into()));
            }
            map.entry(3, |w| w.bool(self.force_pin_change));
            map.entry(4, |w| {
                w.array(|array| {
                    self.min_pin_length_rp_ids.iter().for_each(|id| array.item(|w| w.text(id)));
                });
            });
            map.entry(5, |w| w.bool(self.long_touch_for_reset));
            map.entry(6, |w| w.bool(self.pin_complexity));
            map.entry(7, |w| w.bool(self.enterprise_attestation));
        });
        let value = Some(Zeroizing::new(writer.into_vec()));
        Change::Record { record: Record::Settings, value }
    }

    fn from_record(record: &[u8]) -> Result<Self, towline_cbor::Error> {
        towline_cbor::decode(record, DEPTH, |reader: &mut Reader<'_>| {
            let mut settings = Self::default();
            reader.map(|key, value| {
                match key {
                    Key::Int(1) => settings.always_uv = Some(value.bool()?),
                    Key::Int(2) => settings.min_pin_length = u8::try_from(value.uint()?).ok(),
                    Key::Int(3) => settings.force_pin_change = value.bool()?,
                    Key::Int(4) => value.array(|element| {
                        settings.min_pin_length_rp_ids.push(element.text()?.into());
                        Ok::<(), towline_cbor::Error>(())
                    })?,
                    Key::Int(5) => settings.long_touch_for_reset = value.bool()?,
                    Key::Int(6) => settings.pin_complexity = value.bool()?,
                    Key::Int(7) => settings.enterprise_attestation = value.bool()?,
                    _ => {}
                }
                Ok::<(), towline_cbor::Error>(())
            })?;
            Ok(settings)
        })
    }
}

/// The persistent token, and what getInfo tells its holders (CTAP 2.3 §6.4, §6.5.2.3).
#[derive(Clone)]
pub(crate) struct Identity {
    pub(crate) token: Secret<32>,
    /// Whether the token was given out, and so permits `pcmr`.
    pub(crate) granted: bool,
    pub(crate) device: [u8; 16],
    pub(crate) store_state: [u8; 16],
}

impl Identity {
    fn new(core: &Core) -> Result<Self, Status> {
        let random = &core.provider.random;
        Ok(Self {
            token: random.secret().map_err(|_| Status::Other)?,
            granted: false,
            device: random.bytes().map_err(|_| Status::Other)?,
            store_state: random.bytes().map_err(|_| Status::Other)?,
        })
    }

    /// The change that stores it.
    pub(crate) fn change(&self) -> Change {
        Change::Record { record: Record::Identity, value: Some(self.record()) }
    }

    fn record(&self) -> Zeroizing<Vec<u8>> {
        let fixed = [&self.device[..], &self.store_state, &[self.granted.into()]].concat();
        // With its whole room from the start: what grows leaves copies of secrets behind.
        let token = self.token.expose();
        let length = token.len().saturating_add(fixed.len());
        let mut record = Zeroizing::new(Vec::with_capacity(length));
        record.extend_from_slice(token);
        record.extend_from_slice(&fixed);
        record
    }

    /// One of the two values, for the holders of the token: a fresh IV, then the one block in
    /// AES-128-CBC.
    pub(crate) fn seal(
        &self,
        provider: &CryptoProvider,
        purpose: &[u8],
        block: &[u8; 16],
    ) -> Result<[u8; 32], Error> {
        let key = Secret::<16>::try_init(|key| {
            provider.hkdf.derive(&[0; 32], self.token.expose(), purpose, key)
        })?;
        let iv: [u8; 16] = provider.random.bytes()?;
        let mut sealed = *block;
        sealed.iter_mut().zip(&iv).for_each(|(byte, iv)| *byte ^= iv);
        provider.aes128.key(key.expose()).encrypt(&mut sealed);
        let mut both = [0; 32];
        let (front, back) = both.split_at_mut(16);
        front.copy_from_slice(&iv);
        back.copy_from_slice(&sealed);
        Ok(both)
    }

    fn from_record(record: &[u8]) -> Option<Self> {
        let (token, rest) = record.split_first_chunk::<32>()?;
        let (device, rest) = rest.split_first_chunk()?;
        let (store_state, granted) = rest.split_first_chunk()?;
        let granted = match granted {
            [0] => false,
            [1] => true,
            _ => return None,
        };
        let token = Secret::from_slice(token).ok()?;
        Some(Self { token, granted, device: *device, store_state: *store_state })
    }
}

/// Goes on when the durable state is in memory.
pub(crate) fn load(core: &mut Core, then: impl FnOnce(&mut Core) -> Flow + Send + 'static) -> Flow {
    if core.state.is_known(&core.config) {
        return then(core);
    }
    load_next(core, State::default(), &RECORDS, Box::new(then))
}

/// Whether a reset needs a long touch. A reset must work when nothing else does: settings that
/// can't be read are no error here, but then the touch must be long.
pub(crate) fn read_long_touch(
    core: &mut Core,
    then: impl FnOnce(&mut Core, bool) -> Flow + Send + 'static,
) -> Flow {
    if !core.config.reset.long_touch_configurable {
        return then(core, false);
    }
    let work = core.store.record(Record::Settings);
    await_work(core, work, |core, stored| {
        let settings = stored.map(|stored| stored.map(|stored| Settings::from_record(&stored)));
        let long_touch = match settings {
            Ok(None) => false,
            Ok(Some(Ok(settings))) => settings.long_touch_for_reset,
            Ok(Some(Err(_))) | Err(_) => true,
        };
        then(core, long_touch)
    })
}

/// The records that make up the state.
static RECORDS: [Record; 6] = [
    Record::Pin,
    Record::PinRetries,
    Record::Settings,
    Record::Identity,
    Record::Fingerprints,
    Record::UnneededKeys,
];

type Then = Box<dyn FnOnce(&mut Core) -> Flow + Send>;

fn load_next(core: &mut Core, mut state: State, records: &'static [Record], then: Then) -> Flow {
    let Some((record, rest)) = records.split_first() else {
        state.loaded = true;
        let unneeded = state.unneeded_keys.take();
        core.state = state;
        core.take_list(unneeded.as_deref().map(Vec::as_slice));
        return count_pin_tries(core, then);
    };
    let work = core.store.record(*record);
    await_work(core, work, move |core, value| {
        let value = value.map_err(|error| error.status())?;
        if let Some(value) = value {
            state.take(*record, &value)?;
        }
        load_next(core, state, rest, then)
    })
}

impl State {
    /// A record that can't be read is an error: to go on without it could let in whom it keeps out.
    fn take(&mut self, record: Record, value: &[u8]) -> Result<(), Status> {
        let damaged = || {
            tracing::error!(record = record.name(), "a record in the store is damaged");
            Status::Other
        };
        match record {
            Record::Pin => self.pin = Some(StoredPin::from_record(value).ok_or_else(damaged)?),
            Record::PinRetries => match value {
                [left] => self.pin_retries = *left,
                _ => return Err(damaged()),
            },
            Record::Settings => {
                self.settings = Settings::from_record(value).map_err(|_| damaged())?;
            }
            Record::Identity => {
                self.identity = Some(Identity::from_record(value).ok_or_else(damaged)?);
            }
            Record::Fingerprints => {
                self.fingerprints = fingerprint::from_record(value).ok_or_else(damaged)?;
            }
            Record::UnneededKeys => {
                self.unneeded_keys = Some(Zeroizing::new(value.to_vec()));
            }
            _ => {}
        }
        Ok(())
    }
}

/// The verifier of the PIN may have counted, too.
fn count_pin_tries(core: &mut Core, then: Then) -> Flow {
    let Some(pin) = &core.state.pin else { return create_identity(core, then) };
    let (kept, counted) = (pin.kept.clone(), core.state.pin_retries);
    // Until the answer is there nothing is known.
    core.state.loaded = false;
    pin::count_tries(core, &kept, counted, |core, left| {
        core.state.pin_retries = left.map_err(|error| error.status())?;
        core.state.loaded = true;
        create_identity(core, then)
    })
}

/// The first time, and after a reset, there is none.
fn create_identity(core: &mut Core, then: Then) -> Flow {
    if !core.config.tokens.persistent_token || core.state.identity.is_some() {
        return then(core);
    }
    core.state.doubt();
    let new = Change::NewRecord { record: Record::Identity, value: Identity::new(core)?.record() };
    let write = core.store.commit(vec![new]);
    await_write(core, write, move |core, saved| {
        saved.map_err(|error| error.status())?;
        // What counts is what is there, whoever wrote it.
        let work = core.store.record(Record::Identity);
        await_work(core, work, move |core, stored| {
            let stored = stored.map_err(|error| error.status())?.ok_or(Status::Other)?;
            core.state.take(Record::Identity, &stored)?;
            core.state.loaded = true;
            then(core)
        })
    })
}

impl Core {
    /// resetPersistentPinUvAuthToken(): the identity to store for that, if there is one.
    pub(crate) fn with_new_persistent_token(&self) -> Result<Option<Identity>, Status> {
        let Some(identity) = &self.state.identity else { return Ok(None) };
        let token = self.provider.random.secret().map_err(|_| Status::Other)?;
        Ok(Some(Identity { token, granted: false, ..identity.clone() }))
    }

    /// A change of the discoverable credentials: the identity to store for that, if there is one.
    pub(crate) fn with_new_store_state(&self) -> Result<Option<Identity>, Status> {
        let Some(identity) = &self.state.identity else { return Ok(None) };
        let store_state = self.provider.random.bytes().map_err(|_| Status::Other)?;
        Ok(Some(Identity { store_state, ..identity.clone() }))
    }

    /// Whether a reset needs a long touch.
    pub(crate) const fn needs_long_touch(&self) -> bool {
        self.config.reset.long_touch_configurable && self.state.settings.long_touch_for_reset
    }

    pub(crate) const fn is_pin_set(&self) -> bool {
        self.config.pin.is_some() && self.state.pin.is_some()
    }

    /// Whether a PIN, set or not, can permit makeCredential and getAssertion.
    pub(crate) fn pin_permits(&self) -> bool {
        self.config.pin.as_ref().is_some_and(|pin| pin.permits_mc_ga)
    }

    /// Built-in verification that is set up: by other means, or with a fingerprint.
    pub(crate) fn usable_verification(&self) -> Option<&BuiltInVerification> {
        let enrolled = !self.state.fingerprints.is_empty();
        self.config.verification.built_in.as_ref().filter(|known| known.configured || enrolled)
    }

    /// Whether "some form of user verification" protects the authenticator.
    pub(crate) fn is_protected(&self) -> bool {
        self.is_pin_set() || self.usable_verification().is_some()
    }

    pub(crate) fn always_uv(&self) -> bool {
        self.state.settings.always_uv.unwrap_or(self.config.verification.always_uv)
    }

    pub(crate) fn make_cred_uv_not_rqd(&self) -> bool {
        self.config.verification.make_cred_uv_not_rqd && !self.always_uv()
    }

    pub(crate) fn min_pin_length(&self) -> u8 {
        let factory = self.config.pin.as_ref().map_or(4, |pin| pin.min_length);
        self.state.settings.min_pin_length.map_or(factory, |set| set.max(factory))
    }

    pub(crate) fn max_pin_length(&self) -> u8 {
        self.config.pin.as_ref().map_or(63, |pin| pin.max_length)
    }

    pub(crate) fn max_pin_retries(&self) -> u8 {
        self.config.pin.as_ref().map_or(8, |pin| pin.max_retries)
    }

    /// Whether simple PINs are refused.
    pub(crate) fn pin_complexity(&self) -> bool {
        match self.config.pin_complexity() {
            PinComplexity::Enforced => true,
            PinComplexity::Configurable => self.state.settings.pin_complexity,
            PinComplexity::None => false,
        }
    }
}
