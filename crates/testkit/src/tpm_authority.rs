//! An authority that certifies attestation keys of TPMs, by activation against the endorsement key.

use aws_lc_rs::rsa::{OAEP_SHA256_MGF1SHA256, OaepPublicEncryptingKey, PublicEncryptingKey};
use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DistinguishedName, DnType, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, PublicKeyData, SignatureAlgorithm,
};
use towline_crypto::{CryptoProvider, Secret, constant_time_eq};
use towline_ctap::Aaguid;
use towline_tpm::{ActivationChallenge, Enrollment, Object, Worker, attribute};

/// A certificate authority: a root that verifiers are given, and an intermediate.
pub struct TpmAuthority {
    root: Vec<u8>,
    intermediate: Vec<u8>,
    issuer: Issuer<'static, KeyPair>,
    provider: CryptoProvider,
}

/// A challenge that waits for its secret.
pub struct PendingChallenge {
    /// What the TPM is to open.
    pub challenge: ActivationChallenge,
    secret: Secret<32>,
    enrollment: Enrollment,
}

const REQUIRED: u32 = attribute::FIXED_TPM
    | attribute::FIXED_PARENT
    | attribute::SENSITIVE_DATA_ORIGIN
    | attribute::RESTRICTED
    | attribute::SIGN;

impl TpmAuthority {
    /// An authority with new keys.
    #[must_use]
    pub fn new(provider: CryptoProvider) -> Self {
        let name = |text: &str| {
            let mut name = DistinguishedName::new();
            name.push(DnType::CommonName, text);
            name
        };
        let authority = |text: &str| {
            let mut params = CertificateParams::new(Vec::new()).unwrap();
            params.distinguished_name = name(text);
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
            params.use_authority_key_identifier_extension = true;
            params
        };
        let key = || KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
        let root_key = key();
        let root_params = authority("towline test attestation root");
        let root = root_params.self_signed(&root_key).unwrap();
        let root_issuer = Issuer::new(root_params, root_key);
        let own_key = key();
        let own_params = authority("towline test privacy CA");
        let own = own_params.signed_by(&own_key, &root_issuer).unwrap();
        Self {
            root: root.der().to_vec(),
            intermediate: own.der().to_vec(),
            issuer: Issuer::new(own_params, own_key),
            provider,
        }
    }

    /// The root's certificate, in DER.
    #[must_use]
    pub fn root(&self) -> &[u8] {
        &self.root
    }

    /// Judges the keys, and encrypts a secret that only a TPM with both of them opens. `None` where
    /// the key to be certified may do more than an attestation key, or leave its TPM; where the
    /// endorsement key is not that of its certificate.
    #[must_use]
    pub fn challenge(&self, enrollment: &Enrollment) -> Option<PendingChallenge> {
        let Object::Rsa { n, .. } = &enrollment.endorsement.object else { return None };
        let attributes = enrollment.key.attributes;
        if attributes & REQUIRED != REQUIRED || attributes & attribute::DECRYPT != 0 {
            return None;
        }
        // Of whom that certificate is, is another question: a test's TPM has its own authority.
        if let Some(certificate) = &enrollment.certificate
            && !certificate.windows(n.len()).any(|window| window == n)
        {
            return None;
        }
        let (seed, secret): (Secret<32>, Secret<32>) =
            (self.provider.random.secret().unwrap(), self.provider.random.secret().unwrap());
        let name = enrollment.key.name(&self.provider);
        let blob = ActivationChallenge::blob(&self.provider, &seed, &name, secret.expose());
        let key = PublicEncryptingKey::from_der(&rsa_key_info(n)).unwrap();
        let key = OaepPublicEncryptingKey::new(key).unwrap();
        let mut encrypted = vec![0; key.ciphertext_size()];
        let label = Some(&b"IDENTITY\0"[..]);
        key.encrypt(&OAEP_SHA256_MGF1SHA256, seed.expose(), &mut encrypted, label).unwrap();
        let challenge = ActivationChallenge { blob, secret: encrypted };
        Some(PendingChallenge { challenge, secret, enrollment: enrollment.clone() })
    }

    /// The certificates of the key, its own first, for an authenticator of this model, if the
    /// secret came back.
    #[must_use]
    pub fn certify(
        &self,
        pending: PendingChallenge,
        secret: &[u8],
        aaguid: &Aaguid,
    ) -> Option<Vec<Vec<u8>>> {
        if !constant_time_eq(pending.secret.expose(), secret) {
            return None;
        }
        let point = pending.enrollment.key.cose(-7)?.p256_point()?;
        let key = Point(point);
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name = DistinguishedName::new();
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.use_authority_key_identifier_extension = true;
        let critical = |oid: &[u64], content: Vec<u8>| {
            let mut extension = CustomExtension::from_oid_content(oid, content);
            extension.set_criticality(true);
            extension
        };
        let name = subject_name(pending.enrollment.vendor_id, pending.enrollment.firmware);
        params.custom_extensions = vec![
            critical(&[2, 5, 29, 17], name),
            critical(&[2, 5, 29, 37], AIK_USAGE.to_vec()),
            CustomExtension::from_oid_content(
                &[1, 3, 6, 1, 4, 1, 45724, 1, 1, 4],
                [&[0x04, 16][..], aaguid.as_bytes()].concat(),
            ),
        ];
        let own = params.signed_by(&key, &self.issuer).unwrap();
        Some(vec![own.der().to_vec(), self.intermediate.clone()])
    }

    /// All of it: the key of a TPM, certified.
    #[must_use]
    pub fn enroll(&self, worker: &Worker, aaguid: &Aaguid) -> towline_tpm::CertifiedKey {
        let key = towline_tpm::AttestationKey::create(worker).unwrap();
        let pending = self.challenge(&key.enrollment(worker).unwrap()).expect("a good key");
        let secret = key.activate(worker, &pending.challenge).unwrap();
        let certificates = self.certify(pending, &secret, aaguid).expect("the secret");
        towline_tpm::CertifiedKey { key, certificates }
    }
}

/// A point on P-256, which nobody here has the private key of.
struct Point([u8; 65]);

impl PublicKeyData for Point {
    fn der_bytes(&self) -> &[u8] {
        &self.0
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &PKCS_ECDSA_P256_SHA256
    }
}

/// tcg-kp-AIKCertificate (2.23.133.8.3), in a list of one.
const AIK_USAGE: &[u8] = b"\x30\x07\x06\x05\x67\x81\x05\x08\x03";

fn element(tag: u8, content: &[&[u8]]) -> Vec<u8> {
    let content = content.concat();
    let length = content.len();
    let head = match length {
        0..0x80 => vec![tag, u8::try_from(length).unwrap()],
        0x80..0x100 => vec![tag, 0x81, u8::try_from(length).unwrap()],
        _ => {
            let [high, low] = u16::try_from(length).unwrap().to_be_bytes();
            vec![tag, 0x82, high, low]
        }
    };
    [head, content].concat()
}

/// `SubjectPublicKeyInfo` of an RSA key with the exponent 65537.
fn rsa_key_info(n: &[u8]) -> Vec<u8> {
    let key = element(0x30, &[&element(0x02, &[&[0], n]), &[0x02, 3, 1, 0, 1]]);
    let algorithm = b"\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00";
    element(0x30, &[algorithm, &element(0x03, &[&[0], &key])])
}

/// The subject alternative name of an attestation key (TCG EK Credential Profile §3.2.9): a
/// directory name of manufacturer, model and version.
fn subject_name(vendor_id: u32, firmware: u32) -> Vec<u8> {
    let part = |last: u8, text: &str| {
        let oid = element(0x06, &[&[0x67, 0x81, 0x05, 0x02, last]]);
        element(0x31, &[&element(0x30, &[&oid, &element(0x0c, &[text.as_bytes()])])])
    };
    let name = element(
        0x30,
        &[
            &part(1, &format!("id:{vendor_id:08X}")),
            &part(2, "towline test TPM"),
            &part(3, &format!("id:{firmware:08X}")),
        ],
    );
    element(0x30, &[&element(0xa4, &[&name])])
}
