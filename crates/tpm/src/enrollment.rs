//! What an authority is asked and what it answers, as JSON, over whatever way: one question, one
//! answer. The certificates come encrypted under the secret that only the TPM opens which has both
//! keys, so that nobody has to ask back.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use towline_crypto::{CryptoProvider, Secret};
use zeroize::Zeroizing;

use crate::{
    attestation::{ActivationChallenge, AttestationKey, CertifiedKey, LONGEST_CERTIFICATE},
    error::Error,
    handle::ObjectName,
    public::{Object, PublicArea},
    wire::Unreadable,
    worker::Worker,
};

/// The longest JSON that is read, in bytes.
pub const LONGEST_ENROLLMENT: usize = 64 << 10;
/// As many certificates as are read of an answer.
const MOST_CERTIFICATES: usize = 8;
const REQUEST: &str = "towline-tpm-request-1";
const ANSWER: &str = "towline-tpm-answer-1";

/// What an authority needs to know to certify an [`AttestationKey`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enrollment {
    /// The public area of the endorsement key.
    pub endorsement: PublicArea,
    /// The certificate of the endorsement key, in DER, as the maker put it into the TPM. None where
    /// there is none.
    pub certificate: Option<Vec<u8>>,
    /// The public area of the attestation key.
    pub key: PublicArea,
    /// Who has made the TPM (`TPM_PT_MANUFACTURER`), for the name in the certificate.
    pub vendor_id: u32,
    /// The version of its firmware, for the same.
    pub firmware: u32,
}

/// What an authority answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnrollmentAnswer {
    /// The secret, for the TPM alone that has both keys.
    pub challenge: ActivationChallenge,
    /// A nonce of 12 bytes, and the certificates in DER, one after the other, encrypted by
    /// AES-256-GCM under the secret, with the name of the attestation key as associated data.
    pub sealed: Vec<u8>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RequestJson {
    r#type: String,
    endorsement_key: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    endorsement_certificate: Option<String>,
    attestation_key: String,
    manufacturer: String,
    firmware: String,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct AnswerJson {
    r#type: String,
    credential_blob: String,
    encrypted_secret: String,
    certificates: String,
}

fn read<'a, T: Deserialize<'a>>(json: &'a str, what: &'static str) -> Result<T, Unreadable> {
    if json.len() > LONGEST_ENROLLMENT {
        return Err(Unreadable(what));
    }
    serde_json::from_str(json).map_err(|_| Unreadable(what))
}

fn written(json: &impl Serialize) -> String {
    // Texts alone: there is nothing in it that has no JSON.
    serde_json::to_string(json).unwrap_or_default()
}

impl Enrollment {
    /// As JSON: `docs/tpm.md` has the members.
    #[must_use]
    pub fn to_json(&self) -> String {
        written(&RequestJson {
            r#type: REQUEST.into(),
            endorsement_key: URL_SAFE_NO_PAD.encode(self.endorsement.encode()),
            endorsement_certificate: self.certificate.as_ref().map(|it| URL_SAFE_NO_PAD.encode(it)),
            attestation_key: URL_SAFE_NO_PAD.encode(self.key.encode()),
            manufacturer: format!("{:08X}", self.vendor_id),
            firmware: format!("{:08X}", self.firmware),
        })
    }

    /// Reads it.
    ///
    /// # Errors
    /// [`Unreadable`].
    pub fn from_json(json: &str) -> Result<Self, Unreadable> {
        const WHAT: &str = "request for a certificate";
        let json: RequestJson = read(json, WHAT)?;
        let bytes = |text: &str| URL_SAFE_NO_PAD.decode(text).map_err(|_| Unreadable(WHAT));
        let number = |text: &str| u32::from_str_radix(text, 16).map_err(|_| Unreadable(WHAT));
        if json.r#type != REQUEST {
            return Err(Unreadable(WHAT));
        }
        Ok(Self {
            endorsement: PublicArea::decode(&bytes(&json.endorsement_key)?)?,
            certificate: json.endorsement_certificate.as_deref().map(bytes).transpose()?,
            key: PublicArea::decode(&bytes(&json.attestation_key)?)?,
            vendor_id: number(&json.manufacturer)?,
            firmware: number(&json.firmware)?,
        })
    }
}

impl EnrollmentAnswer {
    /// An authority's answer: the certificates in DER, the key's own first and without the root,
    /// for the key of this name, under the secret of the challenge.
    ///
    /// # Errors
    /// [`Error::Crypto`].
    pub fn seal(
        provider: &CryptoProvider,
        challenge: ActivationChallenge,
        secret: &Secret<32>,
        name: &ObjectName,
        certificates: &[Vec<u8>],
    ) -> Result<Self, Error> {
        let nonce: [u8; 12] = provider.random.bytes()?;
        let mut content = certificates.concat();
        provider.aead.key(secret.expose()).seal(&nonce, name.as_bytes(), &mut content)?;
        Ok(Self { challenge, sealed: [&nonce[..], &content].concat() })
    }

    /// As JSON: `docs/tpm.md` has the members.
    #[must_use]
    pub fn to_json(&self) -> String {
        written(&AnswerJson {
            r#type: ANSWER.into(),
            credential_blob: URL_SAFE_NO_PAD.encode(&self.challenge.blob),
            encrypted_secret: URL_SAFE_NO_PAD.encode(&self.challenge.secret),
            certificates: URL_SAFE_NO_PAD.encode(&self.sealed),
        })
    }

    /// Reads it.
    ///
    /// # Errors
    /// [`Unreadable`].
    pub fn from_json(json: &str) -> Result<Self, Unreadable> {
        const WHAT: &str = "answer of an authority";
        let json: AnswerJson = read(json, WHAT)?;
        let bytes = |text: &str| URL_SAFE_NO_PAD.decode(text).map_err(|_| Unreadable(WHAT));
        if json.r#type != ANSWER {
            return Err(Unreadable(WHAT));
        }
        let (blob, secret) = (bytes(&json.credential_blob)?, bytes(&json.encrypted_secret)?);
        // What goes into a command has a length of two bytes in front.
        if blob.len() > 1024 || secret.len() > 1024 {
            return Err(Unreadable(WHAT));
        }
        let challenge = ActivationChallenge { blob, secret };
        Ok(Self { challenge, sealed: bytes(&json.certificates)? })
    }

    fn certificates(
        &self,
        provider: &CryptoProvider,
        secret: &Secret<32>,
        name: &ObjectName,
    ) -> Result<Vec<Vec<u8>>, Error> {
        let (nonce, sealed) = self.sealed.split_first_chunk().ok_or(UNREADABLE)?;
        let mut content = Zeroizing::new(sealed.to_vec());
        let opened = provider.aead.key(secret.expose()).open(nonce, name.as_bytes(), &mut content);
        opened.map_err(|_| UNREADABLE)?;
        let (mut certificates, mut rest) = (Vec::new(), content.as_slice());
        while !rest.is_empty() {
            let length = certificate_length(rest).ok_or(UNREADABLE)?;
            let (certificate, after) = rest.split_at_checked(length).ok_or(UNREADABLE)?;
            certificates.push(certificate.to_vec());
            if certificates.len() > MOST_CERTIFICATES {
                return Err(UNREADABLE);
            }
            rest = after;
        }
        Ok(certificates)
    }
}

const UNREADABLE: Error = Error::Certificates("they are not those that were encrypted for it");

/// How long the certificate is that these bytes begin with: a SEQUENCE in DER with a length of two
/// bytes, as all have that hold a key and a signature.
fn certificate_length(bytes: &[u8]) -> Option<usize> {
    let [0x30, 0x82, high, low] = bytes.first_chunk::<4>()? else { return None };
    let length = usize::from(u16::from_be_bytes([*high, *low])).checked_add(4)?;
    (length <= usize::from(LONGEST_CERTIFICATE)).then_some(length)
}

impl AttestationKey {
    /// Opens an authority's answer in the TPM, and takes the certificates in it if they are for
    /// this key.
    ///
    /// # Errors
    /// [`Error::Response`] with `Integrity` where the answer is for another TPM, or another key;
    /// [`Error::Certificates`].
    pub fn certified(
        self,
        worker: &Worker,
        provider: &CryptoProvider,
        answer: &EnrollmentAnswer,
    ) -> Result<CertifiedKey, Error> {
        let secret = self.activate(worker, &answer.challenge)?;
        let secret = Secret::from_slice(&secret).map_err(|_| UNREADABLE)?;
        let name = self.public().name(provider);
        let certificates = answer.certificates(provider, &secret, &name)?;
        let Object::Ecc { x, y, .. } = &self.public().object else { return Err(UNREADABLE) };
        let point = [x.as_slice(), y].concat();
        let own = |leaf: &Vec<u8>| leaf.windows(point.len()).any(|part| part == point);
        if !certificates.first().is_some_and(own) {
            return Err(Error::Certificates("the first is not for the key in this TPM"));
        }
        Ok(CertifiedKey { key: self, certificates })
    }
}
