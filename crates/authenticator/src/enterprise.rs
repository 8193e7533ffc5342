//! Enterprise attestation (CTAP 2.3 §7.1): a statement that says which device it is, for relying
//! parties that may know.

use towline_ctap::{MakeCredentialRequest, RpId, Status};

use crate::{ConfigError, KeyHandle, config_check::distinct, flow::Core};

/// The object identifier 1.3.6.1.4.1.45724.1.1.2 in DER: the extension that holds the device's
/// serial number (WebAuthn L3 §8.2.2).
const SERIAL_NUMBER: [u8; 13] =
    [0x06, 0x0b, 0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0xe5, 0x1c, 0x01, 0x01, 0x02];

/// Who vouches for this one device, and who may learn which one it is.
///
/// With it the authenticator is capable of enterprise attestation (`ep`); it is off until a
/// platform turns it on by authenticatorConfig, and again after a reset. The person is asked each
/// time before a statement is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnterpriseAttestation {
    /// The key: one that the [`KeyStore`](crate::KeyStore) can sign with.
    pub key: KeyHandle,
    /// Its certificates in DER, the leaf first, which holds the serial number of the device in the
    /// extension 1.3.6.1.4.1.45724.1.1.2 (WebAuthn L3 §8.2.2).
    pub certificates: Vec<Vec<u8>>,
    /// The relying parties that the vendor has chosen (vendor-facilitated enterprise attestation).
    pub vendor_rp_ids: Vec<RpId>,
    /// Whether a platform may choose relying parties itself (platform-managed enterprise
    /// attestation).
    pub platform_managed: bool,
}

impl EnterpriseAttestation {
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        let feature = "enterprise_attestation";
        if !self.vendor_rp_ids.is_empty() {
            distinct("enterprise_attestation.vendor_rp_ids", &self.vendor_rp_ids)?;
        } else if !self.platform_managed {
            return Err(ConfigError::Needs {
                feature,
                needs: "`vendor_rp_ids` or `platform_managed`",
            });
        }
        let names_device =
            |leaf: &Vec<u8>| leaf.windows(SERIAL_NUMBER.len()).any(|part| part == SERIAL_NUMBER);
        if self.certificates.first().is_some_and(names_device) {
            Ok(())
        } else {
            let needs = "a certificate with the extension for the serial number";
            Err(ConfigError::Needs { feature, needs })
        }
    }
}

/// Step 9 of makeCredential: whether this relying party may have an enterprise attestation. If not,
/// the creation goes on as if nobody had asked for one.
pub(crate) fn is_granted(core: &Core, request: &MakeCredentialRequest) -> Result<bool, Status> {
    let Some(kind) = request.enterprise_attestation else { return Ok(false) };
    let on = core.state.settings.enterprise_attestation;
    let enterprise = core.config.enterprise_attestation.as_ref().filter(|_| on);
    let enterprise = enterprise.ok_or(Status::InvalidParameter)?;
    let listed = enterprise.vendor_rp_ids.contains(&request.rp.id);
    match kind {
        1 => Ok(listed),
        2 => Ok(listed || enterprise.platform_managed),
        _ => Err(Status::InvalidOption),
    }
}
