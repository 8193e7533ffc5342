//! What survives a restart beside the credentials, and its records: the PIN, the retries, what
//! authenticatorConfig has set, and the identity that only holders of the persistent token can
//! read.

use std::time::Instant;

use towline_cbor::{Key, Reader, Writer};
use towline_crypto::{CryptoProvider, Secret};
use towline_ctap::Status;
use zeroize::Zeroizing;

use crate::{
    Change, Config, Fingerprint, Record, fingerprint, persistent_token::PersistentToken,
    wrapped::Wrapping,
};

/// How deep the settings nest.
const DEPTH: u8 = 2;

/// The durable state, as the store has it.
#[derive(Default)]
pub(crate) struct State {
    pub(crate) loaded: bool,
    pub(crate) pin: Option<StoredPin>,
    pub(crate) pin_retries: u8,
    pub(crate) settings: Settings,
    pub(crate) identity: Option<Identity>,
    pub(crate) fingerprints: Vec<Fingerprint>,
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

    /// A record that can't be read is an error: to go on without it could let in whom it keeps out.
    pub(crate) fn take(&mut self, record: Record, value: &[u8]) -> Result<(), Status> {
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
            _ => {}
        }
        Ok(())
    }
}

/// What is kept of a PIN: what its verifier wants kept, and its length in code points.
#[derive(Clone)]
pub(crate) struct StoredPin {
    pub(crate) kept: Zeroizing<Vec<u8>>,
    pub(crate) length: u8,
}

impl StoredPin {
    pub(crate) fn to_record(&self) -> Zeroizing<Vec<u8>> {
        // With its whole room from the start: what grows leaves copies of secrets behind.
        let mut record = Zeroizing::new(Vec::with_capacity(self.kept.len().saturating_add(1)));
        record.extend_from_slice(&self.kept);
        record.push(self.length);
        record
    }

    pub(crate) fn from_record(record: &[u8]) -> Option<Self> {
        let (length, kept) = record.split_last()?;
        Some(Self { kept: Zeroizing::new(kept.to_vec()), length: *length })
    }
}

/// The retry counter, uvRetries.
///
/// What is stored is never more than what is left, and less while an attempt is under way: a power
/// cut can't win an attempt back. In the ordinary case, every attempt a success, it stays as it is
/// and nothing is written.
#[derive(Debug, Default)]
pub(crate) struct Retries {
    /// How many attempts are left; `None` until the store was asked.
    pub(crate) left: Option<u8>,
    pub(crate) stored: u8,
    pub(crate) locked_until: Option<Instant>,
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

    pub(crate) fn from_record(record: &[u8]) -> Result<Self, towline_cbor::Error> {
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
    pub(crate) token: PersistentToken,
    /// Whether the token was given out, and so permits `pcmr`.
    pub(crate) granted: bool,
    pub(crate) device: [u8; 16],
    pub(crate) store_state: [u8; 16],
}

impl Identity {
    pub(crate) fn new(provider: &CryptoProvider) -> Result<Self, Status> {
        let random = &provider.random;
        Ok(Self {
            token: PersistentToken::new(random.secret().map_err(|_| Status::Other)?),
            granted: false,
            device: random.bytes().map_err(|_| Status::Other)?,
            store_state: random.bytes().map_err(|_| Status::Other)?,
        })
    }

    /// The change that stores it.
    pub(crate) fn change(&self) -> Change {
        Change::Record { record: Record::Identity, value: Some(self.record()) }
    }

    pub(crate) fn record(&self) -> Zeroizing<Vec<u8>> {
        let fixed = [&self.device[..], &self.store_state, &[self.granted.into()]].concat();
        // With its whole room from the start: what grows leaves copies of secrets behind.
        let token = self.token.secret().expose();
        let length = token.len().saturating_add(fixed.len());
        let mut record = Zeroizing::new(Vec::with_capacity(length));
        record.extend_from_slice(token);
        record.extend_from_slice(&fixed);
        record
    }

    pub(crate) fn from_record(record: &[u8]) -> Option<Self> {
        let (token, rest) = record.split_first_chunk::<32>()?;
        let (device, rest) = rest.split_first_chunk()?;
        let (store_state, granted) = rest.split_first_chunk()?;
        let granted = match granted {
            [0] => false,
            [1] => true,
            _ => return None,
        };
        let token = PersistentToken::new(Secret::from_slice(token).ok()?);
        Some(Self { token, granted, device: *device, store_state: *store_state })
    }
}
