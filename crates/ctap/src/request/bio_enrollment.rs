//! authenticatorBioEnrollment, the request (CTAP 2.3 §6.7).

use alloc::{string::String, vec, vec::Vec};

use towline_cbor::{Key, MapWriter, Reader, Writer, decode};

use crate::{
    DecodeError, MESSAGE_DEPTH, Malformed, PinUvAuth, TemplateId, hidden::debug_without_bytes,
};

/// The only modality there is.
const FINGERPRINT: u8 = 0x01;

/// The parameters of authenticatorBioEnrollment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BioEnrollmentRequest {
    /// What is enrolled: fingerprints.
    GetModality,
    /// Something about fingerprints.
    Fingerprint(FingerprintRequest),
}

/// A subcommand about fingerprints.
#[derive(Clone, PartialEq, Eq)]
pub struct FingerprintRequest {
    subcommand: FingerprintSubcommand,
    /// `subCommandParams` exactly as they came, for the MAC covers these bytes; empty if there are
    /// none.
    params: Vec<u8>,
    /// The proof. Whatever is decoded has one, unless its subcommand needs none.
    pub auth: Option<PinUvAuth>,
}

debug_without_bytes!(struct FingerprintRequest { subcommand, auth } hides { params });

/// What is to be done about fingerprints, with all that it needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FingerprintSubcommand {
    /// 0x01: starts to enrol a finger, and takes the first sample.
    EnrollBegin {
        /// How long to wait for the finger, in milliseconds.
        timeout: Option<u64>,
    },
    /// 0x02: takes another sample.
    EnrollCaptureNextSample {
        /// The template that is being made.
        template: TemplateId,
        /// How long to wait for the finger, in milliseconds.
        timeout: Option<u64>,
    },
    /// 0x03: ends the enrolment that is under way.
    CancelCurrentEnrollment,
    /// 0x04: lists the templates.
    EnumerateEnrollments,
    /// 0x05: names a template.
    SetFriendlyName {
        /// The id of the template.
        template: TemplateId,
        /// The name that a person will know it by.
        name: String,
    },
    /// 0x06: deletes a template.
    RemoveEnrollment(TemplateId),
    /// 0x07: what the sensor is like.
    GetFingerprintSensorInfo,
}

impl FingerprintSubcommand {
    /// The subcommand's number.
    #[must_use]
    pub const fn to_u8(&self) -> u8 {
        match self {
            Self::EnrollBegin { .. } => 0x01,
            Self::EnrollCaptureNextSample { .. } => 0x02,
            Self::CancelCurrentEnrollment => 0x03,
            Self::EnumerateEnrollments => 0x04,
            Self::SetFriendlyName { .. } => 0x05,
            Self::RemoveEnrollment(_) => 0x06,
            Self::GetFingerprintSensorInfo => 0x07,
        }
    }

    const fn has_params(&self) -> bool {
        !matches!(
            self,
            Self::EnrollBegin { timeout: None }
                | Self::CancelCurrentEnrollment
                | Self::EnumerateEnrollments
                | Self::GetFingerprintSensorInfo
        )
    }

    fn write_params(&self, map: &mut MapWriter<'_>) {
        match self {
            Self::EnrollBegin { timeout } => map.optional(0x03, *timeout, Writer::uint),
            Self::EnrollCaptureNextSample { template, timeout } => {
                map.entry(0x01, |w| w.bytes(template.as_bytes()));
                map.optional(0x03, *timeout, Writer::uint);
            }
            Self::SetFriendlyName { template, name } => {
                map.entry(0x01, |w| w.bytes(template.as_bytes()));
                map.entry(0x02, |w| w.text(name));
            }
            Self::RemoveEnrollment(template) => {
                map.entry(0x01, |w| w.bytes(template.as_bytes()));
            }
            Self::CancelCurrentEnrollment
            | Self::EnumerateEnrollments
            | Self::GetFingerprintSensorInfo => {}
        }
    }
}

/// `subCommandParams`, all of them optional.
#[derive(Default)]
struct Params {
    template: Option<TemplateId>,
    name: Option<String>,
    timeout: Option<u64>,
}

impl Params {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let mut params = Self::default();
        reader.map(|key, value| {
            match key {
                Key::Int(0x01) => params.template = Some(TemplateId::new(value.bytes()?)),
                Key::Int(0x02) => params.name = Some(value.text()?.into()),
                Key::Int(0x03) => params.timeout = Some(value.uint()?),
                _ => {}
            }
            Ok::<(), Malformed>(())
        })?;
        Ok(params)
    }

    fn subcommand(self, number: u64) -> Result<FingerprintSubcommand, DecodeError> {
        use FingerprintSubcommand as Sub;
        let template = self.template.ok_or(DecodeError::MissingParameter("templateId"));
        let timeout = self.timeout;
        Ok(match number {
            0x01 => Sub::EnrollBegin { timeout },
            0x02 => Sub::EnrollCaptureNextSample { template: template?, timeout },
            0x03 => Sub::CancelCurrentEnrollment,
            0x04 => Sub::EnumerateEnrollments,
            0x05 => Sub::SetFriendlyName {
                template: template?,
                name: self.name.ok_or(DecodeError::MissingParameter("templateFriendlyName"))?,
            },
            0x06 => Sub::RemoveEnrollment(template?),
            0x07 => Sub::GetFingerprintSensorInfo,
            unknown => return Err(DecodeError::UnknownSubcommand(unknown)),
        })
    }
}

impl FingerprintRequest {
    /// A request without proof.
    #[must_use]
    pub fn new(subcommand: FingerprintSubcommand) -> Self {
        let mut params = Writer::new();
        if subcommand.has_params() {
            params.map(|map| subcommand.write_params(map));
        }
        Self { subcommand, params: params.into_vec(), auth: None }
    }

    /// The subcommand with its parameters.
    #[must_use]
    pub const fn subcommand(&self) -> &FingerprintSubcommand {
        &self.subcommand
    }

    /// The message that the proof is a MAC of: `modality || subCommand || subCommandParams`.
    #[must_use]
    pub fn authenticated_message(&self) -> Vec<u8> {
        let mut message = vec![FINGERPRINT, self.subcommand.to_u8()];
        message.extend_from_slice(&self.params);
        message
    }
}

impl BioEnrollmentRequest {
    pub(super) fn decode(parameters: &[u8]) -> Result<Self, DecodeError> {
        let (mut modality, mut subcommand, mut get_modality) = (None, None, false);
        let (mut protocol, mut param) = (None, None);
        let (mut params, mut encoded) = (Params::default(), Vec::new());
        decode(parameters, MESSAGE_DEPTH, |reader| {
            reader.map(|key, value| {
                match key {
                    Key::Int(0x01) => modality = Some(value.uint()?),
                    Key::Int(0x02) => subcommand = Some(value.uint()?),
                    Key::Int(0x03) => {
                        let raw = value.raw()?;
                        params = decode(raw, MESSAGE_DEPTH, Params::read)?;
                        encoded = raw.into();
                    }
                    Key::Int(0x04) => protocol = Some(value.uint()?),
                    Key::Int(0x05) => param = Some(value.bytes()?.into()),
                    Key::Int(0x06) => get_modality = value.bool()?,
                    _ => {}
                }
                Ok::<(), DecodeError>(())
            })
        })?;
        let Some(number) = subcommand else {
            return match get_modality {
                true => Ok(Self::GetModality),
                false => Err(DecodeError::MissingParameter("subCommand")),
            };
        };
        match modality {
            Some(modality) if modality == u64::from(FINGERPRINT) => {}
            Some(_) => return Err(Malformed::Value("modality").into()),
            None => return Err(DecodeError::MissingParameter("modality")),
        }
        // In the standard's order: the proof is missed before the parameters are.
        let auth = match number {
            0x01 | 0x02 | 0x04..=0x06 => Some(
                PinUvAuth::from_parts(protocol, param)?.ok_or(DecodeError::PinUvAuthRequired)?,
            ),
            _ => None,
        };
        let subcommand = params.subcommand(number)?;
        Ok(Self::Fingerprint(FingerprintRequest { subcommand, params: encoded, auth }))
    }

    pub(super) fn write(&self, writer: &mut Writer) {
        writer.map(|map| match self {
            Self::GetModality => map.entry(0x06, |w| w.bool(true)),
            Self::Fingerprint(request) => {
                map.entry(0x01, |w| w.uint(FINGERPRINT.into()));
                map.entry(0x02, |w| w.uint(request.subcommand.to_u8().into()));
                if !request.params.is_empty() {
                    map.entry(0x03, |w| w.raw(&request.params));
                }
                PinUvAuth::write(request.auth.as_ref(), map, 0x04, 0x05);
            }
        });
    }
}

impl From<FingerprintRequest> for BioEnrollmentRequest {
    fn from(request: FingerprintRequest) -> Self {
        Self::Fingerprint(request)
    }
}
