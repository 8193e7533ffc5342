//! authenticatorConfig, the request (CTAP 2.3 §6.11).

use alloc::{string::String, vec::Vec};

use towline_cbor::{Key, MapWriter, Reader, Writer, decode};

use crate::{DecodeError, MESSAGE_DEPTH, Malformed, PinUvAuth, hidden::debug_without_bytes};

/// The parameters of authenticatorConfig.
#[derive(Clone, PartialEq, Eq)]
pub struct ConfigRequest {
    subcommand: ConfigSubcommand,
    /// `subCommandParams` exactly as they came, for the MAC covers these bytes; empty if there are
    /// none.
    params: Vec<u8>,
    /// The proof, if there is one: whether it is needed depends on the authenticator.
    pub auth: Option<PinUvAuth>,
}

debug_without_bytes!(struct ConfigRequest { subcommand, auth } hides { params });

/// A subcommand of authenticatorConfig with its parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConfigSubcommand {
    /// 0x01: turns enterprise attestation on.
    EnableEnterpriseAttestation,
    /// 0x02: turns `alwaysUv` on, or off.
    ToggleAlwaysUv,
    /// 0x03: the rules for PINs.
    SetMinPinLength(SetMinPinLength),
    /// 0x04: a reset needs a long touch from now on.
    EnableLongTouchForReset,
    /// 0xFF: a command of the vendor; [`ConfigRequest::params`] are its own.
    VendorPrototype {
        /// Which one, if that is told.
        command: Option<u64>,
    },
}

/// The parameters of setMinPINLength.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SetMinPinLength {
    /// 0x01: the shortest PIN, in code points; if absent, it stays.
    pub new_min_pin_length: Option<u64>,
    /// 0x02: the RP IDs that may learn the minimum; if absent, they stay.
    pub min_pin_length_rp_ids: Option<Vec<String>>,
    /// 0x03: the PIN has to be changed before it can be used.
    pub force_change_pin: Option<bool>,
    /// 0x04: turns the policy on the complexity of PINs on.
    pub pin_complexity_policy: Option<bool>,
}

impl SetMinPinLength {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let mut params = Self::default();
        reader.map(|key, value| {
            match key {
                Key::Int(0x01) => params.new_min_pin_length = Some(value.uint()?),
                Key::Int(0x02) => {
                    let mut ids = Vec::new();
                    value.array(|element| {
                        ids.push(element.text()?.into());
                        Ok::<(), Malformed>(())
                    })?;
                    params.min_pin_length_rp_ids = Some(ids);
                }
                Key::Int(0x03) => params.force_change_pin = Some(value.bool()?),
                Key::Int(0x04) => params.pin_complexity_policy = Some(value.bool()?),
                _ => {}
            }
            Ok::<(), Malformed>(())
        })?;
        Ok(params)
    }

    fn write(&self, map: &mut MapWriter<'_>) {
        map.optional(0x01, self.new_min_pin_length, Writer::uint);
        map.optional(0x02, self.min_pin_length_rp_ids.as_ref(), |w, ids| {
            w.array(|array| ids.iter().for_each(|id| array.item(|w| w.text(id))));
        });
        map.optional(0x03, self.force_change_pin, Writer::bool);
        map.optional(0x04, self.pin_complexity_policy, Writer::bool);
    }
}

impl ConfigSubcommand {
    /// The subcommand's number.
    #[must_use]
    pub const fn to_u8(&self) -> u8 {
        match self {
            Self::EnableEnterpriseAttestation => 0x01,
            Self::ToggleAlwaysUv => 0x02,
            Self::SetMinPinLength(_) => 0x03,
            Self::EnableLongTouchForReset => 0x04,
            Self::VendorPrototype { .. } => 0xff,
        }
    }

    /// Reads what belongs to a subcommand. Those without parameters let any map pass, as the MAC
    /// covers it.
    fn read(number: u64, params: &[u8]) -> Result<Self, DecodeError> {
        let read = |reader: &mut Reader<'_>| match number {
            0x01 => skip(reader, Self::EnableEnterpriseAttestation),
            0x02 => skip(reader, Self::ToggleAlwaysUv),
            0x03 => SetMinPinLength::read(reader).map(Self::SetMinPinLength),
            0x04 => skip(reader, Self::EnableLongTouchForReset),
            _ => vendor_command(reader).map(|command| Self::VendorPrototype { command }),
        };
        if !matches!(number, 0x01..=0x04 | 0xff) {
            return Err(DecodeError::UnknownSubcommand(number));
        }
        Ok(match params {
            [] => decode(&[0xa0], MESSAGE_DEPTH, read)?,
            params => decode(params, MESSAGE_DEPTH, read)?,
        })
    }
}

fn skip<T>(reader: &mut Reader<'_>, value: T) -> Result<T, Malformed> {
    reader.map(|_, _| Ok::<(), Malformed>(()))?;
    Ok(value)
}

fn vendor_command(reader: &mut Reader<'_>) -> Result<Option<u64>, Malformed> {
    let mut command = None;
    reader.map(|key, value| {
        if key == Key::Int(0x01) {
            command = Some(value.uint()?);
        }
        Ok::<(), Malformed>(())
    })?;
    Ok(command)
}

impl ConfigRequest {
    /// A request without proof.
    #[must_use]
    pub fn new(subcommand: ConfigSubcommand) -> Self {
        let mut params = Writer::new();
        match &subcommand {
            ConfigSubcommand::SetMinPinLength(set) if *set != SetMinPinLength::default() => {
                params.map(|map| set.write(map));
            }
            ConfigSubcommand::VendorPrototype { command: Some(command) } => {
                params.map(|map| map.entry(0x01, |w| w.uint(*command)));
            }
            _ => {}
        }
        Self { subcommand, params: params.into_vec(), auth: None }
    }

    /// The subcommand with its parameters.
    #[must_use]
    pub const fn subcommand(&self) -> &ConfigSubcommand {
        &self.subcommand
    }

    /// `subCommandParams`, encoded, as they came; empty if there are none.
    #[must_use]
    pub fn params(&self) -> &[u8] {
        &self.params
    }

    /// The message that the proof is a MAC of:
    /// `32 bytes 0xff || 0x0d || subCommand || subCommandParams`.
    #[must_use]
    pub fn authenticated_message(&self) -> Vec<u8> {
        let mut message = Vec::with_capacity(self.params.len().saturating_add(34));
        message.extend_from_slice(&[0xff; 32]);
        message.extend_from_slice(&[0x0d, self.subcommand.to_u8()]);
        message.extend_from_slice(&self.params);
        message
    }

    pub(super) fn decode(parameters: &[u8]) -> Result<Self, DecodeError> {
        let (mut subcommand, mut protocol, mut param) = (None, None, None);
        let mut params: &[u8] = &[];
        decode(parameters, MESSAGE_DEPTH, |reader| {
            reader.map(|key, value| {
                match key {
                    Key::Int(0x01) => subcommand = Some(value.uint()?),
                    Key::Int(0x02) => params = value.raw()?,
                    Key::Int(0x03) => protocol = Some(value.uint()?),
                    Key::Int(0x04) => param = Some(value.bytes()?.into()),
                    _ => {}
                }
                Ok::<(), DecodeError>(())
            })
        })?;
        let number = subcommand.ok_or(DecodeError::MissingParameter("subCommand"))?;
        Ok(Self {
            subcommand: ConfigSubcommand::read(number, params)?,
            params: params.into(),
            auth: PinUvAuth::from_parts(protocol, param)?,
        })
    }

    pub(super) fn write(&self, writer: &mut Writer) {
        writer.map(|map| {
            map.entry(0x01, |w| w.uint(self.subcommand.to_u8().into()));
            if !self.params.is_empty() {
                map.entry(0x02, |w| w.raw(&self.params));
            }
            PinUvAuth::write(self.auth.as_ref(), map, 0x03, 0x04);
        });
    }
}
