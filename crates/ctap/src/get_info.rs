//! authenticatorGetInfo: what an authenticator is and can do (CTAP 2.3 §6.4).

use alloc::{boxed::Box, string::String, vec::Vec};

use towline_cbor::{Key, MapWriter, Reader, Writer, decode};

use self::value::Member;
use crate::{
    Aaguid, AuthenticatorOptions, MESSAGE_DEPTH, Malformed, Response, ResponseError, Transport,
};

mod value;

/// A version of the protocol that an authenticator speaks. There is no `FIDO_2_2`: CTAP 2.2 has no
/// string of its own.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Version {
    /// `U2F_V2`: CTAP1/U2F.
    U2fV2,
    /// `FIDO_2_0`
    Fido2_0,
    /// `FIDO_2_1_PRE`
    Fido2_1Pre,
    /// `FIDO_2_1`
    Fido2_1,
    /// `FIDO_2_3`
    Fido2_3,
    /// One that is not known here. Made by `Version::from`, which gives the others where it can.
    Other(Box<str>),
}

impl Version {
    /// The text on the wire.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::U2fV2 => "U2F_V2",
            Self::Fido2_0 => "FIDO_2_0",
            Self::Fido2_1Pre => "FIDO_2_1_PRE",
            Self::Fido2_1 => "FIDO_2_1",
            Self::Fido2_3 => "FIDO_2_3",
            Self::Other(other) => other,
        }
    }
}

impl From<&str> for Version {
    fn from(text: &str) -> Self {
        match text {
            "U2F_V2" => Self::U2fV2,
            "FIDO_2_0" => Self::Fido2_0,
            "FIDO_2_1_PRE" => Self::Fido2_1Pre,
            "FIDO_2_1" => Self::Fido2_1,
            "FIDO_2_3" => Self::Fido2_3,
            other => Self::Other(other.into()),
        }
    }
}

macro_rules! get_info {
    (
        $(#[$second_doc:meta])* $second_key:literal $second:ident: $second_type:ty;
        $($(#[$doc:meta])* $key:literal $field:ident: $type:ty;)*
    ) => {
        /// The answer to authenticatorGetInfo, every member of CTAP 2.3 §6.4.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct GetInfo {
            /// 0x01: the versions that are spoken.
            pub versions: Vec<Version>,
            /// 0x03: the model.
            pub aaguid: Aaguid,
            /// 0x04: what the authenticator can do. Without any it is left out.
            pub options: AuthenticatorOptions,
            $(#[$second_doc])* pub $second: Option<$second_type>,
            $($(#[$doc])* pub $field: Option<$type>,)*
            /// Members with integer keys that are not known here, as key and encoded value.
            pub unknown: Vec<(i64, Vec<u8>)>,
        }

        impl GetInfo {
            /// The answer with the required members only.
            #[must_use]
            pub fn new(aaguid: Aaguid, versions: Vec<Version>) -> Self {
                Self {
                    versions,
                    aaguid,
                    options: AuthenticatorOptions::default(),
                    $second: None,
                    $($field: None,)*
                    unknown: Vec::new(),
                }
            }

            fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
                let mut info = Self::new(Aaguid::ZERO, Vec::new());
                let (mut versions, mut aaguid) = (None, None);
                reader.map(|key, value| {
                    match key {
                        Key::Int(0x01) => versions = Some(Member::read(value)?),
                        Key::Int(0x03) => aaguid = Some(Aaguid::new(*value.byte_array()?)),
                        Key::Int(0x04) => info.options = AuthenticatorOptions::read(value)?,
                        Key::Int($second_key) => info.$second = Some(Member::read(value)?),
                        $(Key::Int($key) => info.$field = Some(Member::read(value)?),)*
                        Key::Int(key) => info.unknown.push((key, value.raw()?.into())),
                        _ => {}
                    }
                    Ok::<(), Malformed>(())
                })?;
                info.versions = versions.ok_or(Malformed::Missing("versions"))?;
                info.aaguid = aaguid.ok_or(Malformed::Missing("aaguid"))?;
                Ok(info)
            }

            fn write_members(&self, map: &mut MapWriter<'_>) {
                self.unknown.iter().for_each(|(key, value)| map.entry(*key, |w| w.raw(value)));
                map.entry(0x01, |w| self.versions.write(w));
                map.optional($second_key, self.$second.as_ref(), |w, value| value.write(w));
                map.entry(0x03, |w| w.bytes(self.aaguid.as_bytes()));
                if self.options != AuthenticatorOptions::default() {
                    map.entry(0x04, |w| self.options.write(w));
                }
                $(map.optional($key, self.$field.as_ref(), |w, value| value.write(w));)*
            }
        }
    };
}

/// What most answers fit in, in bytes.
const USUAL: usize = 512;

get_info! {
    /// 0x02: the extensions that are supported.
    0x02 extensions: Vec<String>;
    /// 0x05: the longest message that is accepted, in bytes; 1024 if absent.
    0x05 max_msg_size: u64;
    /// 0x06: the PIN/UV auth protocols, by preference.
    0x06 pin_uv_auth_protocols: Vec<u64>;
    /// 0x07: how many credentials an allow or exclude list may have.
    0x07 max_credential_count_in_list: u64;
    /// 0x08: the longest credential id that is accepted in a list, in bytes.
    0x08 max_credential_id_length: u64;
    /// 0x09: how the authenticator may be reached.
    0x09 transports: Vec<Transport>;
    /// 0x0A: the COSE algorithms for credentials, by preference.
    0x0a algorithms: Vec<i64>;
    /// 0x0B: the capacity for large blobs, in bytes.
    0x0b max_serialized_large_blob_array: u64;
    /// 0x0C: the PIN must be changed before it can be used.
    0x0c force_pin_change: bool;
    /// 0x0D: the shortest PIN, in code points.
    0x0d min_pin_length: u64;
    /// 0x0E: the version of the firmware.
    0x0e firmware_version: u64;
    /// 0x0F: the longest `credBlob`, in bytes.
    0x0f max_cred_blob_length: u64;
    /// 0x10: how many RP IDs may learn the minimum length of PINs.
    0x10 max_rp_ids_for_set_min_pin_length: u64;
    /// 0x11: how often the platform should try built-in verification before it asks for the PIN.
    0x11 preferred_platform_uv_attempts: u64;
    /// 0x12: the means of built-in verification, as bits of the FIDO registry.
    0x12 uv_modality: u64;
    /// 0x13: certifications and their levels.
    0x13 certifications: Vec<(String, u64)>;
    /// 0x14: an estimate of how many discoverable credentials there is room for.
    0x14 remaining_discoverable_credentials: u64;
    /// 0x15: the vendor's configuration commands.
    0x15 vendor_prototype_config_commands: Vec<u64>;
    /// 0x16: the attestation formats; `packed` if absent.
    0x16 attestation_formats: Vec<String>;
    /// 0x17: how often built-in verification was used since the PIN was entered.
    0x17 uv_count_since_last_pin_entry: u64;
    /// 0x18: a reset asks for a long touch.
    0x18 long_touch_for_reset: bool;
    /// 0x19: an identifier that only holders of the persistent token can read.
    0x19 enc_identifier: [u8; 32];
    /// 0x1A: over which transports a reset is possible.
    0x1a transports_for_reset: Vec<Transport>;
    /// 0x1B: a policy on the complexity of PINs is on.
    0x1b pin_complexity_policy: bool;
    /// 0x1C: where the policy is explained: a URL, in UTF-8.
    0x1c pin_complexity_policy_url: Vec<u8>;
    /// 0x1D: the longest PIN, in code points.
    0x1d max_pin_length: u64;
    /// 0x1E: the state of the credential store, which only holders of the persistent token can
    /// read.
    0x1e enc_cred_store_state: [u8; 32];
    /// 0x1F: the subcommands of authenticatorConfig.
    0x1f authenticator_config_commands: Vec<u64>;
}

impl GetInfo {
    /// The whole response: the status byte 0x00, then the map.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(USUAL);
        bytes.push(0);
        let mut writer = Writer::from_vec(bytes);
        writer.map(|map| self.write_members(map));
        writer.into_vec()
    }

    /// Reads a whole response.
    ///
    /// # Errors
    /// [`ResponseError`] where it is a refusal or not as it must be.
    pub fn decode(response: &[u8]) -> Result<Self, ResponseError> {
        Ok(Self::from_cbor(Response::split(response)?.success()?)?)
    }

    /// The map alone, without a status byte: as the hybrid transport sends it after its handshake.
    #[must_use]
    pub fn to_cbor(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.map(|map| self.write_members(map));
        writer.into_vec()
    }

    /// Reads the map alone.
    ///
    /// # Errors
    /// [`Malformed`] where it is not as it must be.
    pub fn from_cbor(map: &[u8]) -> Result<Self, Malformed> {
        decode(map, MESSAGE_DEPTH, Self::read)
    }

    /// Whether the extension is supported.
    #[must_use]
    pub fn supports_extension(&self, id: &str) -> bool {
        self.extensions.as_ref().is_some_and(|all| all.iter().any(|known| known == id))
    }
}
