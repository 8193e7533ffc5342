//! What Android's key store says of a key ("Key attestation extension data schema"; WebAuthn L3
//! §8.4).

use towline_ctap::CosePublicKey;

use super::der;

/// The COSE curve P-384 (RFC 9053 §7.1).
const COSE_P384: i64 = 2;

/// The extension of an `android-key` certificate.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyDescription {
    /// The version of the schema.
    pub attestation_version: u64,
    /// Who attests: 0 software, 1 a trusted environment, 2 a StrongBox.
    pub attestation_security_level: u64,
    /// The version of the key store.
    pub keymaster_version: u64,
    /// Who holds the key: 0 software, 1 a trusted environment, 2 a StrongBox.
    pub keymaster_security_level: u64,
    /// The client data hash.
    pub attestation_challenge: Vec<u8>,
    /// Empty, unless the app may learn which device it is.
    pub unique_id: Vec<u8>,
    /// What the operating system vouches for.
    pub software_enforced: AuthorizationList,
    /// What the trusted environment vouches for.
    pub tee_enforced: AuthorizationList,
}

/// What a key may be used for, and where it comes from. Members that are not there are not written.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AuthorizationList {
    /// What it may be used for: 2 is KM_PURPOSE_SIGN.
    pub purposes: Vec<u64>,
    /// 3 is elliptic curves, 1 is RSA.
    pub algorithm: Option<u64>,
    /// The length of the key in bits.
    pub key_size: Option<u64>,
    /// 4 is SHA-256.
    pub digests: Vec<u64>,
    /// 1 is P-256, 2 is P-384, 4 is Curve25519.
    pub ec_curve: Option<u64>,
    /// Whether it can be used without the screen lock.
    pub no_auth_required: bool,
    /// Whether every app may use it, which no passkey may say.
    pub all_applications: bool,
    /// 0 is KM_ORIGIN_GENERATED: it was made there.
    pub origin: Option<u64>,
}

impl KeyDescription {
    /// Of a key that a trusted environment has made for this challenge.
    pub(super) fn new(challenge: &[u8], key: &CosePublicKey) -> Self {
        let bits = |bytes: &[u8]| u64::try_from(bytes.len().saturating_mul(8)).ok();
        let (algorithm, key_size, ec_curve) = match key {
            CosePublicKey::Rsa { n, .. } => (1, bits(n), None),
            CosePublicKey::Ec2 { curve: COSE_P384, x, .. } => (3, bits(x), Some(2)),
            // Curve 25519.
            CosePublicKey::Okp { x, .. } => (3, bits(x), Some(4)),
            _ => (3, Some(256), Some(1)),
        };
        Self {
            attestation_version: 3,
            attestation_security_level: 1,
            keymaster_version: 4,
            keymaster_security_level: 1,
            attestation_challenge: challenge.to_vec(),
            unique_id: Vec::new(),
            software_enforced: AuthorizationList::default(),
            tee_enforced: AuthorizationList {
                purposes: vec![2],
                algorithm: Some(algorithm),
                key_size,
                digests: vec![4],
                ec_curve,
                no_auth_required: true,
                all_applications: false,
                origin: Some(0),
            },
        }
    }

    /// The value of the extension, in DER.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let level = |level: u64| {
            let bytes = der::number(level);
            der::element(der::ENUMERATED, &[bytes.get(2..).unwrap_or_default()])
        };
        der::element(
            der::SEQUENCE,
            &[
                &der::number(self.attestation_version),
                &level(self.attestation_security_level),
                &der::number(self.keymaster_version),
                &level(self.keymaster_security_level),
                &der::element(der::OCTET_STRING, &[&self.attestation_challenge]),
                &der::element(der::OCTET_STRING, &[&self.unique_id]),
                &self.software_enforced.encode(),
                &self.tee_enforced.encode(),
            ],
        )
    }
}

impl AuthorizationList {
    fn encode(&self) -> Vec<u8> {
        let set = |tag, values: &[u64]| {
            let all: Vec<u8> = values.iter().flat_map(|value| der::number(*value)).collect();
            (!values.is_empty()).then(|| der::explicit(tag, &[&der::element(der::SET, &[&all])]))
        };
        let number =
            |tag, value: Option<u64>| value.map(|value| der::explicit(tag, &[&der::number(value)]));
        let flag = |tag, on: bool| on.then(|| der::explicit(tag, &[&der::null()]));
        let members = [
            set(1, &self.purposes),
            number(2, self.algorithm),
            number(3, self.key_size),
            set(5, &self.digests),
            number(10, self.ec_curve),
            flag(503, self.no_auth_required),
            flag(600, self.all_applications),
            number(702, self.origin),
        ];
        let members: Vec<u8> = members.into_iter().flatten().flatten().collect();
        der::element(der::SEQUENCE, &[&members])
    }
}
