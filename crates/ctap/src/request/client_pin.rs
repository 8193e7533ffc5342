//! authenticatorClientPIN, the request (CTAP 2.3 §6.5.5).

use alloc::vec::Vec;
use core::ops::BitOr;

use towline_cbor::{Key, Writer, decode};

use crate::{
    DecodeError, KeyAgreementKey, MESSAGE_DEPTH, RpId, entity::rp_id, hidden::debug_without_bytes,
};

/// The parameters of authenticatorClientPIN, by subcommand.
///
/// Protocols are as they came, supported or not; what is encrypted has the lengths that it came
/// with. Everything that a subcommand needs is there.
#[derive(Clone, PartialEq, Eq)]
pub enum ClientPinRequest {
    /// 0x01: how many tries are left for the PIN.
    GetPinRetries,
    /// 0x02: the authenticator's key for the key agreement.
    GetKeyAgreement {
        /// The PIN/UV auth protocol.
        protocol: u64,
    },
    /// 0x03: the first PIN.
    SetPin {
        /// The PIN/UV auth protocol.
        protocol: u64,
        /// The platform's key.
        key_agreement: KeyAgreementKey,
        /// The MAC over `newPinEnc`.
        param: Vec<u8>,
        /// The new PIN, encrypted.
        new_pin_enc: Vec<u8>,
    },
    /// 0x04: another PIN.
    ChangePin {
        /// The PIN/UV auth protocol.
        protocol: u64,
        /// The platform's key.
        key_agreement: KeyAgreementKey,
        /// The MAC over `newPinEnc || pinHashEnc`.
        param: Vec<u8>,
        /// The new PIN, encrypted.
        new_pin_enc: Vec<u8>,
        /// The first half of the hash of the present PIN, encrypted.
        pin_hash_enc: Vec<u8>,
    },
    /// 0x05: a token for the PIN, in the way of CTAP 2.0.
    GetPinToken {
        /// The PIN/UV auth protocol.
        protocol: u64,
        /// The platform's key.
        key_agreement: KeyAgreementKey,
        /// The first half of the hash of the PIN, encrypted.
        pin_hash_enc: Vec<u8>,
    },
    /// 0x06: a token for built-in user verification.
    GetPinUvAuthTokenUsingUvWithPermissions {
        /// The PIN/UV auth protocol.
        protocol: u64,
        /// The platform's key.
        key_agreement: KeyAgreementKey,
        /// What the token is to be good for: at least one thing that is known.
        permissions: Permissions,
        /// Whom it is for; always there with `mc` and `ga`.
        rp_id: Option<RpId>,
    },
    /// 0x07: how many tries are left for built-in user verification.
    GetUvRetries,
    /// 0x09: a token for the PIN.
    GetPinUvAuthTokenUsingPinWithPermissions {
        /// The PIN/UV auth protocol.
        protocol: u64,
        /// The platform's key.
        key_agreement: KeyAgreementKey,
        /// The first half of the hash of the PIN, encrypted.
        pin_hash_enc: Vec<u8>,
        /// What the token is to be good for: at least one thing that is known.
        permissions: Permissions,
        /// Whom it is for; always there with `mc` and `ga`.
        rp_id: Option<RpId>,
    },
}

debug_without_bytes!(enum ClientPinRequest {
    GetPinRetries {} hides {}
    GetKeyAgreement { protocol } hides {}
    SetPin { protocol, key_agreement } hides { param, new_pin_enc }
    ChangePin { protocol, key_agreement } hides { param, new_pin_enc, pin_hash_enc }
    GetPinToken { protocol, key_agreement } hides { pin_hash_enc }
    GetPinUvAuthTokenUsingUvWithPermissions {
        protocol, key_agreement, permissions, rp_id
    } hides {}
    GetUvRetries {} hides {}
    GetPinUvAuthTokenUsingPinWithPermissions {
        protocol, key_agreement, permissions, rp_id
    } hides { pin_hash_enc }
});

/// What a PIN/UV token is good for (CTAP 2.3 §6.5.5.7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Permissions(u8);

impl Permissions {
    /// `mc`: makeCredential.
    pub const MC: Self = Self(0x01);
    /// `ga`: getAssertion.
    pub const GA: Self = Self(0x02);
    /// `cm`: credentialManagement.
    pub const CM: Self = Self(0x04);
    /// `be`: bioEnrollment.
    pub const BE: Self = Self(0x08);
    /// `lbw`: writing large blobs.
    pub const LBW: Self = Self(0x10);
    /// `acfg`: authenticatorConfig.
    pub const ACFG: Self = Self(0x20);
    /// `pcmr`: reading with credentialManagement, for as long as the PIN stays the same.
    pub const PCMR: Self = Self(0x40);

    const KNOWN: u8 = 0x7f;

    /// A set without any permission.
    #[must_use]
    pub const fn empty() -> Self {
        Self(0)
    }

    /// Those among the bits that are known here; the others are ignored.
    #[must_use]
    pub const fn from_bits(bits: u64) -> Self {
        let [.., low] = bits.to_be_bytes();
        Self(low & Self::KNOWN)
    }

    /// The bits of the member `permissions` (0x09).
    #[must_use]
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether all of `permissions` are among these.
    #[must_use]
    pub const fn contains(self, permissions: Self) -> bool {
        self.0 & permissions.0 == permissions.0
    }

    /// Whether any of `permissions` is among these.
    #[must_use]
    pub const fn intersects(self, permissions: Self) -> bool {
        self.0 & permissions.0 != 0
    }

    /// These without `permissions`.
    #[must_use]
    pub const fn without(self, permissions: Self) -> Self {
        Self(self.0 & !permissions.0)
    }
}

impl BitOr for Permissions {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// The parameters of all subcommands, as they stand on the wire.
#[derive(Default)]
struct Parameters {
    protocol: Option<u64>,
    key_agreement: Option<KeyAgreementKey>,
    param: Option<Vec<u8>>,
    new_pin_enc: Option<Vec<u8>>,
    pin_hash_enc: Option<Vec<u8>>,
    permissions: Option<u64>,
    rp_id: Option<RpId>,
}

impl Parameters {
    fn protocol(&self) -> Result<u64, DecodeError> {
        self.protocol.ok_or(DecodeError::MissingParameter("pinUvAuthProtocol"))
    }

    fn key_agreement(&self) -> Result<KeyAgreementKey, DecodeError> {
        self.key_agreement.ok_or(DecodeError::MissingParameter("keyAgreement"))
    }

    fn param(&mut self) -> Result<Vec<u8>, DecodeError> {
        self.param.take().ok_or(DecodeError::MissingParameter("pinUvAuthParam"))
    }

    fn new_pin_enc(&mut self) -> Result<Vec<u8>, DecodeError> {
        self.new_pin_enc.take().ok_or(DecodeError::MissingParameter("newPinEnc"))
    }

    fn pin_hash_enc(&mut self) -> Result<Vec<u8>, DecodeError> {
        self.pin_hash_enc.take().ok_or(DecodeError::MissingParameter("pinHashEnc"))
    }

    /// The permissions, and the RP ID that two of them need.
    fn permissions(&mut self) -> Result<(Permissions, Option<RpId>), DecodeError> {
        let bits = self.permissions.ok_or(DecodeError::MissingParameter("permissions"))?;
        let permissions = Permissions::from_bits(bits);
        if permissions.is_empty() {
            return Err(DecodeError::Combination("a token without a permission"));
        }
        if permissions.intersects(Permissions::MC | Permissions::GA) && self.rp_id.is_none() {
            return Err(DecodeError::MissingParameter("rpId"));
        }
        Ok((permissions, self.rp_id.take()))
    }
}

impl ClientPinRequest {
    /// The subcommand's number.
    #[must_use]
    pub const fn subcommand(&self) -> u8 {
        match self {
            Self::GetPinRetries => 0x01,
            Self::GetKeyAgreement { .. } => 0x02,
            Self::SetPin { .. } => 0x03,
            Self::ChangePin { .. } => 0x04,
            Self::GetPinToken { .. } => 0x05,
            Self::GetPinUvAuthTokenUsingUvWithPermissions { .. } => 0x06,
            Self::GetUvRetries => 0x07,
            Self::GetPinUvAuthTokenUsingPinWithPermissions { .. } => 0x09,
        }
    }

    /// The PIN/UV auth protocol, where the subcommand has one.
    #[must_use]
    pub const fn protocol(&self) -> Option<u64> {
        match self {
            Self::GetPinRetries | Self::GetUvRetries => None,
            Self::GetKeyAgreement { protocol }
            | Self::SetPin { protocol, .. }
            | Self::ChangePin { protocol, .. }
            | Self::GetPinToken { protocol, .. }
            | Self::GetPinUvAuthTokenUsingUvWithPermissions { protocol, .. }
            | Self::GetPinUvAuthTokenUsingPinWithPermissions { protocol, .. } => Some(*protocol),
        }
    }

    pub(super) fn decode(parameters: &[u8]) -> Result<Self, DecodeError> {
        let mut subcommand = None;
        let mut all = Parameters::default();
        decode(parameters, MESSAGE_DEPTH, |reader| {
            reader.map(|key, value| {
                match key {
                    Key::Int(0x01) => all.protocol = Some(value.uint()?),
                    Key::Int(0x02) => subcommand = Some(value.uint()?),
                    Key::Int(0x03) => all.key_agreement = Some(KeyAgreementKey::read(value)?),
                    Key::Int(0x04) => all.param = Some(value.bytes()?.into()),
                    Key::Int(0x05) => all.new_pin_enc = Some(value.bytes()?.into()),
                    Key::Int(0x06) => all.pin_hash_enc = Some(value.bytes()?.into()),
                    Key::Int(0x09) => all.permissions = Some(value.uint()?),
                    Key::Int(0x0a) => all.rp_id = Some(rp_id(value)?),
                    _ => {}
                }
                Ok::<(), DecodeError>(())
            })
        })?;
        let subcommand = subcommand.ok_or(DecodeError::MissingParameter("subCommand"))?;
        Self::from_parameters(subcommand, all)
    }

    fn from_parameters(subcommand: u64, mut all: Parameters) -> Result<Self, DecodeError> {
        Ok(match subcommand {
            0x01 => Self::GetPinRetries,
            0x02 => Self::GetKeyAgreement { protocol: all.protocol()? },
            0x03 => Self::SetPin {
                protocol: all.protocol()?,
                key_agreement: all.key_agreement()?,
                param: all.param()?,
                new_pin_enc: all.new_pin_enc()?,
            },
            0x04 => Self::ChangePin {
                protocol: all.protocol()?,
                key_agreement: all.key_agreement()?,
                param: all.param()?,
                new_pin_enc: all.new_pin_enc()?,
                pin_hash_enc: all.pin_hash_enc()?,
            },
            0x05 => {
                let request = Self::GetPinToken {
                    protocol: all.protocol()?,
                    key_agreement: all.key_agreement()?,
                    pin_hash_enc: all.pin_hash_enc()?,
                };
                if all.permissions.is_some() || all.rp_id.is_some() {
                    return Err(DecodeError::Combination("getPinToken with permissions or rpId"));
                }
                request
            }
            0x06 => {
                let (protocol, key_agreement) = (all.protocol()?, all.key_agreement()?);
                let (permissions, rp_id) = all.permissions()?;
                Self::GetPinUvAuthTokenUsingUvWithPermissions {
                    protocol,
                    key_agreement,
                    permissions,
                    rp_id,
                }
            }
            0x07 => Self::GetUvRetries,
            0x09 => {
                let (protocol, key_agreement) = (all.protocol()?, all.key_agreement()?);
                let pin_hash_enc = all.pin_hash_enc()?;
                let (permissions, rp_id) = all.permissions()?;
                Self::GetPinUvAuthTokenUsingPinWithPermissions {
                    protocol,
                    key_agreement,
                    pin_hash_enc,
                    permissions,
                    rp_id,
                }
            }
            unknown => return Err(DecodeError::UnknownSubcommand(unknown)),
        })
    }

    /// The parameters as they stand on the wire.
    fn parameters(&self) -> Parameters {
        let common = Parameters { protocol: self.protocol(), ..Parameters::default() };
        match self.clone() {
            Self::GetPinRetries | Self::GetUvRetries | Self::GetKeyAgreement { .. } => common,
            Self::SetPin { key_agreement, param, new_pin_enc, .. } => Parameters {
                key_agreement: Some(key_agreement),
                param: Some(param),
                new_pin_enc: Some(new_pin_enc),
                ..common
            },
            Self::ChangePin { key_agreement, param, new_pin_enc, pin_hash_enc, .. } => Parameters {
                key_agreement: Some(key_agreement),
                param: Some(param),
                new_pin_enc: Some(new_pin_enc),
                pin_hash_enc: Some(pin_hash_enc),
                ..common
            },
            Self::GetPinToken { key_agreement, pin_hash_enc, .. } => Parameters {
                key_agreement: Some(key_agreement),
                pin_hash_enc: Some(pin_hash_enc),
                ..common
            },
            Self::GetPinUvAuthTokenUsingUvWithPermissions {
                key_agreement,
                permissions,
                rp_id,
                ..
            } => Parameters {
                key_agreement: Some(key_agreement),
                permissions: Some(permissions.bits().into()),
                rp_id,
                ..common
            },
            Self::GetPinUvAuthTokenUsingPinWithPermissions {
                key_agreement,
                pin_hash_enc,
                permissions,
                rp_id,
                ..
            } => Parameters {
                key_agreement: Some(key_agreement),
                pin_hash_enc: Some(pin_hash_enc),
                permissions: Some(permissions.bits().into()),
                rp_id,
                ..common
            },
        }
    }

    pub(super) fn write(&self, writer: &mut Writer) {
        let all = self.parameters();
        writer.map(|map| {
            map.optional(0x01, all.protocol, Writer::uint);
            map.entry(0x02, |w| w.uint(self.subcommand().into()));
            map.optional(0x03, all.key_agreement, |w, key| key.write(w));
            map.optional(0x04, all.param.as_deref(), Writer::bytes);
            map.optional(0x05, all.new_pin_enc.as_deref(), Writer::bytes);
            map.optional(0x06, all.pin_hash_enc.as_deref(), Writer::bytes);
            map.optional(0x09, all.permissions, Writer::uint);
            map.optional(0x0a, all.rp_id.as_ref(), |w, id| w.text(id.as_str()));
        });
    }
}
