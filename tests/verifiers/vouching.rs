//! A vendor of authenticators, for tests: a root, and a certificate for the model (WebAuthn L3
//! §8.2.1).

use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DnType, IsCa, Issuer, KeyPair,
    PKCS_ECDSA_P256_SHA256,
};
use towline_authenticator::{BatchAttestation, KeyHandle};
use towline_ctap::algorithm::ES256;
use towline_virtual::TEST_AAGUID;
use zeroize::Zeroizing;

/// id-fido-gen-ce-aaguid: the AAGUID of the model.
const MODEL: [u64; 9] = [1, 3, 6, 1, 4, 1, 45724, 1, 1];

/// What stands before the scalar of a P-256 key in PKCS #8: version 1, and 32 bytes.
const BEFORE_SCALAR: [u8; 5] = [0x02, 1, 1, 0x04, 32];

pub(crate) struct Vendor {
    pub(crate) batch: BatchAttestation,
    /// In DER.
    pub(crate) root: Vec<u8>,
}

impl Vendor {
    pub(crate) fn new() -> Self {
        let root_key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
        let mut params = params("Root");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let root = params.self_signed(&root_key).unwrap();
        let issuer = Issuer::new(params, root_key);

        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
        let mut params = self::params("Authenticator Attestation");
        params.is_ca = IsCa::ExplicitNoCa;
        let model = [&MODEL[..], &[4]].concat();
        let aaguid = [&[0x04, 16], &TEST_AAGUID.as_bytes()[..]].concat();
        params.custom_extensions.push(CustomExtension::from_oid_content(&model, aaguid));
        let leaf = params.signed_by(&key, &issuer).unwrap();

        let batch = BatchAttestation {
            key: KeyHandle::new(ES256, Zeroizing::new(scalar(&key.serialize_der()).into())),
            certificates: vec![leaf.der().to_vec()],
        };
        Self { batch, root: root.der().to_vec() }
    }
}

fn params(unit: &str) -> CertificateParams {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    for (kind, value) in [
        (DnType::CountryName, "CH"),
        (DnType::OrganizationName, "Towline tests"),
        (DnType::OrganizationalUnitName, unit),
        (DnType::CommonName, &format!("Test {unit}")),
    ] {
        params.distinguished_name.push(kind, value);
    }
    params
}

fn scalar(pkcs8: &[u8]) -> &[u8] {
    let at = pkcs8.windows(BEFORE_SCALAR.len()).position(|part| part == BEFORE_SCALAR).unwrap();
    &pkcs8[at + BEFORE_SCALAR.len()..][..32]
}
