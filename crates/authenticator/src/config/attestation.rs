//! Who vouches for a new credential (WebAuthn L3 §6.5.3, §8.2).

use towline_ctap::{Aaguid, RpId, algorithm};

use super::error::{ConfigError, distinct, needs};
use crate::KeyHandle;

/// The object identifier 1.3.6.1.4.1.45724.1.1.4 in DER: the extension that holds the AAGUID
/// (WebAuthn L3 §8.2.1).
const MODEL: [u8; 13] =
    [0x06, 0x0b, 0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0xe5, 0x1c, 0x01, 0x01, 0x04];

/// How the value of that extension begins: an octet string of 16 bytes in the octet string of the
/// extension.
const SIXTEEN_BYTES: [u8; 4] = [0x04, 18, 0x04, 16];

/// The object identifier 1.3.6.1.4.1.45724.1.1.2 in DER: the extension that holds the device's
/// serial number (WebAuthn L3 §8.2.2).
const SERIAL_NUMBER: [u8; 13] =
    [0x06, 0x0b, 0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0xe5, 0x1c, 0x01, 0x01, 0x02];

/// Who vouches for a new credential.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttestationPolicy {
    /// The attestation formats; the first is used where the client has no preference.
    pub formats: Vec<AttestationFormat>,
    /// The key and the certificates of [`AttestationFormat::PackedBasic`] and
    /// [`AttestationFormat::FidoU2f`], and of what U2F registers, for which the key has to be on
    /// P-256. Without them such a registration says nothing of the model.
    pub batch: Option<BatchAttestation>,
    /// Enterprise attestation (`ep`) and enableEnterpriseAttestation of authenticatorConfig, which
    /// need PIN/UV tokens. `None`: the authenticator is not capable of it.
    pub enterprise: Option<EnterpriseAttestation>,
}

/// An attestation format that can be made.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AttestationFormat {
    /// `none`: no statement.
    None,
    /// `packed`, signed with the credential's own key: says nothing of the model or the device.
    PackedSelf,
    /// `packed`, signed with a key that many authenticators of the same model share: tells which
    /// model it is. The person is asked first; if they refuse, there is neither a statement nor an
    /// AAGUID.
    PackedBasic,
    /// `fido-u2f`, signed with the same key, which is on P-256; only credentials on P-256 can have
    /// it, and there is no AAGUID. The person is asked, too.
    FidoU2f,
    /// A format that the [`KeyStore`](crate::KeyStore) makes itself, by its identifier (IANA
    /// WebAuthn registry), such as `tpm`. As its certificates may be of this one device, the person
    /// is asked as before enterprise attestation. With `fido-u2f` it is as with [`Self::FidoU2f`]:
    /// only for credentials on P-256, and without an AAGUID.
    OfKeyStore(&'static str),
}

/// Who vouches for the model (WebAuthn L3 §6.5.3, basic attestation).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchAttestation {
    /// The key: one that the [`KeyStore`](crate::KeyStore) can sign with.
    pub key: KeyHandle,
    /// Its certificates in DER, the leaf first (WebAuthn L3 §8.2.1 says what they must hold).
    pub certificates: Vec<Vec<u8>>,
}

/// Who vouches for this one device, and who may learn which one it is (CTAP 2.3 §7.1).
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

impl AttestationFormat {
    /// Whether a statement tells which model it comes from.
    pub(crate) const fn tells_the_model(self) -> bool {
        matches!(self, Self::PackedBasic | Self::FidoU2f)
    }

    /// Whether it is `fido-u2f`, whoever makes it: for credentials on P-256, and with no AAGUID.
    pub(crate) fn is_fido_u2f(self) -> bool {
        self.identifier() == Self::FidoU2f.identifier()
    }

    /// The format's identifier (IANA WebAuthn registry).
    #[must_use]
    pub const fn identifier(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::PackedSelf | Self::PackedBasic => "packed",
            Self::FidoU2f => "fido-u2f",
            Self::OfKeyStore(identifier) => identifier,
        }
    }
}

/// The AAGUID that an attestation certificate in DER is for (WebAuthn L3 §8.2.1); `None` if it
/// names none.
#[must_use]
pub fn certified_aaguid(certificate: &[u8]) -> Option<Aaguid> {
    let at = certificate.windows(MODEL.len()).position(|part| part == MODEL)?;
    let (_, extension) = certificate.split_at_checked(at)?;
    // Only whether it is critical may stand between.
    let value = extension.get(MODEL.len()..)?;
    let value = value.strip_prefix(&[0x01, 1, 0xff]).unwrap_or(value);
    let value = value.strip_prefix(&SIXTEEN_BYTES)?.first_chunk::<16>()?;
    Some(Aaguid::new(*value))
}

impl BatchAttestation {
    /// The AAGUID that the first certificate is for; `None` if it names none, and so is for a
    /// single model.
    #[must_use]
    pub fn aaguid(&self) -> Option<Aaguid> {
        certified_aaguid(self.certificates.first()?)
    }

    /// Whether it can vouch for what is on P-256, as all of U2F is.
    pub(super) fn is_on_p256(&self) -> bool {
        self.key.algorithm() == algorithm::ES256
    }
}

impl EnterpriseAttestation {
    fn validate(&self) -> Result<(), ConfigError> {
        let feature = "attestation.enterprise";
        if self.vendor_rp_ids.is_empty() {
            let somebody = "`vendor_rp_ids` or `platform_managed`";
            needs(feature, true, somebody, self.platform_managed)?;
        } else {
            distinct("attestation.enterprise.vendor_rp_ids", &self.vendor_rp_ids)?;
        }
        let names_device =
            |leaf: &Vec<u8>| leaf.windows(SERIAL_NUMBER.len()).any(|part| part == SERIAL_NUMBER);
        let named = self.certificates.first().is_some_and(names_device);
        needs(feature, true, "a certificate with the extension for the serial number", named)
    }
}

impl AttestationPolicy {
    pub(super) fn validate(&self, aaguid: Aaguid) -> Result<(), ConfigError> {
        distinct("attestation.formats", &self.formats)?;
        let batch = self.batch.as_ref();
        let basic = self.formats.iter().any(|format| format.tells_the_model());
        let vouched = batch.is_some_and(|batch| !batch.certificates.is_empty());
        needs("attestation.formats", basic, "`attestation.batch` with a certificate", vouched)?;
        let u2f = self.formats.contains(&AttestationFormat::FidoU2f);
        let on_p256 = batch.is_some_and(BatchAttestation::is_on_p256);
        needs("AttestationFormat::FidoU2f", u2f, "an `attestation.batch` with ES256", on_p256)?;
        // Sites refuse a certificate of another model.
        let named = batch.and_then(BatchAttestation::aaguid);
        let same = named.is_none_or(|named| named == aaguid);
        needs("attestation.batch", true, "the AAGUID that its certificate names", same)?;
        self.enterprise.as_ref().map_or(Ok(()), EnterpriseAttestation::validate)
    }
}
