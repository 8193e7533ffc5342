//! authenticatorBioEnrollment.

use arbitrary::Arbitrary;
use towline_ctap::{
    BioEnrollmentRequest, FingerprintRequest, FingerprintSubcommand as Sub, Request, TemplateId,
};

use super::{Proof, Sensible};
use crate::watch::Watch;

/// Something about fingerprints.
#[derive(Debug, Arbitrary)]
pub struct BioEnrollment {
    what: What,
    proof: Proof,
}

#[derive(Debug, Arbitrary)]
enum What {
    Modality,
    Sensor,
    Begin(Option<u16>),
    Next(Template, Option<u16>),
    Cancel,
    Enumerate,
    Name(Template, u8),
    Remove(Template),
}

/// A fingerprint: that which is being enrolled, one that is there, or one that is not.
#[derive(Debug, Clone, Copy, Arbitrary)]
struct Template(u8);

impl Template {
    fn id(self, watch: &Watch) -> TemplateId {
        let enrolled = watch.authenticator.fingerprints().unwrap_or_default();
        match self.0 {
            0..128 => watch.enrolling.clone(),
            other => enrolled.get(usize::from(other % 8)).map(|known| known.id.clone()),
        }
        .unwrap_or_else(|| TemplateId::new(&[self.0; 8]))
    }
}

impl Sensible for BioEnrollment {
    fn message(&self, watch: &Watch) -> Vec<u8> {
        let sub = match &self.what {
            What::Modality => {
                return Request::from(BioEnrollmentRequest::GetModality).encode();
            }
            What::Sensor => Sub::GetFingerprintSensorInfo,
            What::Begin(timeout) => Sub::EnrollBegin { timeout: timeout.map(u64::from) },
            What::Next(template, timeout) => Sub::EnrollCaptureNextSample {
                template: template.id(watch),
                timeout: timeout.map(u64::from),
            },
            What::Cancel => Sub::CancelCurrentEnrollment,
            What::Enumerate => Sub::EnumerateEnrollments,
            What::Name(template, length) => Sub::SetFriendlyName {
                template: template.id(watch),
                name: "f".repeat(usize::from(length % 40)),
            },
            What::Remove(template) => Sub::RemoveEnrollment(template.id(watch)),
        };
        let mut request = FingerprintRequest::new(sub);
        request.auth = self.proof.auth(watch);
        Request::from(BioEnrollmentRequest::Fingerprint(request)).encode()
    }
}
