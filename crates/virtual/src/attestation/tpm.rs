//! What a TPM says of a key (TPM 2.0 Library, part 2: TPMT_PUBLIC §12.2.4, TPMS_ATTEST §10.12.12).

use towline_crypto::Sha256;
use towline_ctap::CosePublicKey;

const ECC: u16 = 0x0023;
const RSA: u16 = 0x0001;
const SHA256: u16 = 0x000b;
/// No symmetric algorithm, no scheme, no derivation: verifiers want it so.
const NULL: [u8; 2] = [0, 0x10];

/// The COSE curve P-384 (RFC 9053 §7.1).
const COSE_P384: i64 = 2;

/// `pubArea`: the public half of the credential's key as the TPM has it (TPMT_PUBLIC).
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PubArea {
    /// TPM_ALG_ECC (0x0023) or TPM_ALG_RSA (0x0001).
    pub algorithm: u16,
    /// The algorithm of the name: TPM_ALG_SHA256 (0x000b).
    pub name_alg: u16,
    /// TPMA_OBJECT: fixed to this TPM and its parent, made there, no dictionary attacks, for
    /// signatures.
    pub object_attributes: u32,
    /// The digest of a policy; empty.
    pub auth_policy: Vec<u8>,
    /// The encoded parameters of the algorithm, all schemes TPM_ALG_NULL.
    pub parameters: Vec<u8>,
    /// The encoded public key: the coordinates, or the modulus.
    pub unique: Vec<u8>,
}

/// `certInfo`: what the TPM's attestation key signs (TPMS_ATTEST).
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertInfo {
    /// TPM_GENERATED_VALUE: 0xff544347.
    pub magic: u32,
    /// TPM_ST_ATTEST_CERTIFY: 0x8017.
    pub attestation_type: u16,
    /// The qualified name of the attestation key.
    pub qualified_signer: Vec<u8>,
    /// SHA-256 of the authenticator data and the client data hash.
    pub extra_data: Vec<u8>,
    /// The milliseconds for which the TPM has run.
    pub clock: u64,
    /// How often it was reset.
    pub reset_count: u32,
    /// How often it was restarted or hibernated since.
    pub restart_count: u32,
    /// Whether the clock never went back: a byte that is 0 or 1.
    pub safe: u8,
    /// The version of the TPM's firmware.
    pub firmware_version: u64,
    /// The name of the key: the algorithm, and the digest of `pubArea` as it was bent.
    pub name: Vec<u8>,
    /// The qualified name of the key.
    pub qualified_name: Vec<u8>,
}

impl PubArea {
    /// Of a key on P-256 or P-384, or of RSA; no TPM has others.
    pub(super) fn new(key: &CosePublicKey) -> Option<Self> {
        let ecc = |curve: u16, x: &[u8], y: &[u8]| {
            let parameters = [NULL, NULL, curve.to_be_bytes(), NULL].concat();
            (ECC, parameters, [sized(x), sized(y)].concat())
        };
        let (algorithm, parameters, unique) = match key {
            CosePublicKey::P256 { x, y, .. } => ecc(3, x, y),
            CosePublicKey::Ec2 { curve: COSE_P384, x, y, .. } => ecc(4, x, y),
            CosePublicKey::Rsa { n, .. } => {
                let bits = u16::try_from(n.len().checked_mul(8)?).ok()?;
                // The exponent 0 stands for 65537.
                let parameters = [&NULL[..], &NULL, &bits.to_be_bytes(), &[0; 4]].concat();
                (RSA, parameters, sized(n))
            }
            _ => return None,
        };
        Some(Self {
            algorithm,
            name_alg: SHA256,
            object_attributes: 0x0004_0472,
            auth_policy: Vec::new(),
            parameters,
            unique,
        })
    }

    /// The bytes of `pubArea`.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let Self { algorithm, name_alg, object_attributes, auth_policy, parameters, unique } = self;
        [
            &algorithm.to_be_bytes()[..],
            &name_alg.to_be_bytes(),
            &object_attributes.to_be_bytes(),
            &sized(auth_policy),
            parameters,
            unique,
        ]
        .concat()
    }
}

impl CertInfo {
    /// About the key of this public area, and this message.
    pub(super) fn new(pub_area: &[u8], message: &[&[u8]], sha256: &dyn Sha256) -> Self {
        let name = |of: &[&[u8]]| [&SHA256.to_be_bytes()[..], &sha256.hash(of)].concat();
        Self {
            magic: 0xff54_4347,
            attestation_type: 0x8017,
            qualified_signer: name(&[b"towline test attestation key"]),
            extra_data: sha256.hash(message).to_vec(),
            clock: 416_588,
            reset_count: 2,
            restart_count: 0,
            safe: 1,
            firmware_version: 0x2026_0101_0000_0000,
            name: name(&[pub_area]),
            qualified_name: name(&[b"towline test parent", pub_area]),
        }
    }

    /// The bytes of `certInfo`.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        [
            &self.magic.to_be_bytes()[..],
            &self.attestation_type.to_be_bytes(),
            &sized(&self.qualified_signer),
            &sized(&self.extra_data),
            &self.clock.to_be_bytes(),
            &self.reset_count.to_be_bytes(),
            &self.restart_count.to_be_bytes(),
            &[self.safe],
            &self.firmware_version.to_be_bytes(),
            &sized(&self.name),
            &sized(&self.qualified_name),
        ]
        .concat()
    }
}

/// Bytes behind their number (TPM2B). What is too long for that says that it is as long as can be.
fn sized(bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
    [&length.to_be_bytes()[..], bytes].concat()
}
