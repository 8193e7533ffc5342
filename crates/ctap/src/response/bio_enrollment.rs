//! authenticatorBioEnrollment, the response (CTAP 2.3 §6.7).

use alloc::vec::Vec;

use towline_cbor::{Key, Writer};

use super::{decode_members, encode_members};
use crate::{Malformed, ResponseError, TemplateId, TemplateInfo};

/// The answer to authenticatorBioEnrollment: of each member what the subcommand gives.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BioEnrollmentResponse {
    /// 0x01: what is enrolled; 1 for fingerprints.
    pub modality: Option<u64>,
    /// 0x02: the kind of the sensor: 1 for touch, 2 for swipe.
    pub fingerprint_kind: Option<u64>,
    /// 0x03: how many good samples an enrolment needs at most.
    pub max_capture_samples_required_for_enroll: Option<u64>,
    /// 0x04: the template that is being made.
    pub template: Option<TemplateId>,
    /// 0x05: what became of the last sample.
    pub last_enroll_sample_status: Option<SampleStatus>,
    /// 0x06: how many more good samples are needed.
    pub remaining_samples: Option<u64>,
    /// 0x07: the templates there are.
    pub template_infos: Option<Vec<TemplateInfo>>,
    /// 0x08: the longest name of a template, in bytes.
    pub max_template_friendly_name: Option<u64>,
}

macro_rules! sample_status {
    ($($code:literal $variant:ident $doc:literal)*) => {
        /// What became of a sample (CTAP 2.3 §6.7.4, `lastEnrollSampleStatus`). A bad sample is no
        /// error.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum SampleStatus {
            $(#[doc = $doc] $variant,)*
        }

        impl SampleStatus {
            /// All of them, ascending.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The number on the wire.
            #[must_use]
            pub const fn to_u8(self) -> u8 {
                match self {
                    $(Self::$variant => $code,)*
                }
            }

            /// The status of a number, if there is one.
            #[must_use]
            pub const fn from_u64(code: u64) -> Option<Self> {
                match code {
                    $($code => Some(Self::$variant),)*
                    _ => None,
                }
            }
        }
    };
}

sample_status! {
    0x00 Good "A good sample."
    0x01 TooHigh "The finger was too high."
    0x02 TooLow "The finger was too low."
    0x03 TooLeft "The finger was too far left."
    0x04 TooRight "The finger was too far right."
    0x05 TooFast "The finger moved too fast."
    0x06 TooSlow "The finger moved too slowly."
    0x07 PoorQuality "The sample was of poor quality."
    0x08 TooSkewed "The finger was at an angle."
    0x09 TooShort "The touch was too short."
    0x0a MergeFailure "The sample could not be merged with the others."
    0x0b Exists "The finger is enrolled already."
    0x0c Unused "Not assigned."
    0x0d NoUserActivity "Nobody touched the sensor in time."
    0x0e NoUserPresenceTransition "The finger was not lifted between two samples."
}

impl BioEnrollmentResponse {
    /// The whole response: the status byte 0x00, then the map if there is anything in it.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let samples = self.max_capture_samples_required_for_enroll;
        encode_members(*self == Self::default(), |map| {
            map.optional(0x01, self.modality, Writer::uint);
            map.optional(0x02, self.fingerprint_kind, Writer::uint);
            map.optional(0x03, samples, Writer::uint);
            map.optional(0x04, self.template.as_ref(), |w, id| w.bytes(id.as_bytes()));
            map.optional(0x05, self.last_enroll_sample_status, |w, status| {
                w.uint(status.to_u8().into());
            });
            map.optional(0x06, self.remaining_samples, Writer::uint);
            map.optional(0x07, self.template_infos.as_ref(), |w, infos| {
                w.array(|array| infos.iter().for_each(|info| array.item(|w| info.write(w))));
            });
            map.optional(0x08, self.max_template_friendly_name, Writer::uint);
        })
    }

    /// Reads a whole response.
    ///
    /// # Errors
    /// [`ResponseError`] where it is a refusal or not as it must be.
    pub fn decode(response: &[u8]) -> Result<Self, ResponseError> {
        let mut read = Self::default();
        decode_members(response, |key, value| {
            match key {
                Key::Int(0x01) => read.modality = Some(value.uint()?),
                Key::Int(0x02) => read.fingerprint_kind = Some(value.uint()?),
                Key::Int(0x03) => {
                    read.max_capture_samples_required_for_enroll = Some(value.uint()?);
                }
                Key::Int(0x04) => read.template = Some(TemplateId::new(value.bytes()?)),
                Key::Int(0x05) => {
                    let status = SampleStatus::from_u64(value.uint()?);
                    let status = status.ok_or(Malformed::Value("lastEnrollSampleStatus"))?;
                    read.last_enroll_sample_status = Some(status);
                }
                Key::Int(0x06) => read.remaining_samples = Some(value.uint()?),
                Key::Int(0x07) => {
                    let mut infos = Vec::new();
                    value.array(|element| {
                        infos.push(TemplateInfo::read(element)?);
                        Ok::<(), Malformed>(())
                    })?;
                    read.template_infos = Some(infos);
                }
                Key::Int(0x08) => read.max_template_friendly_name = Some(value.uint()?),
                _ => {}
            }
            Ok(())
        })?;
        Ok(read)
    }
}
