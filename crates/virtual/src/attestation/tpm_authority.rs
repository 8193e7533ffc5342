//! An authority that certifies attestation keys of TPMs, by activation against the endorsement key
//! (TPM 2.0 Part 1 §24): for tests, as all here.

use std::fmt;

use towline_crypto::{CryptoProvider, Error, Secret, rustcrypto};
use towline_crypto_aws_lc::encrypt_oaep_sha256;
use towline_ctap::{Aaguid, algorithm};
use towline_tpm::{
    ActivationChallenge, Enrollment, EnrollmentAnswer, Object, ObjectName, PublicArea, Unreadable,
    attribute,
};

use super::{
    authority::{Authority, Holder},
    der, oid,
    statements::tpm_name,
};

/// What an attestation key has to be, so that nobody but its TPM says anything with it.
const REQUIRED: u32 = attribute::FIXED_TPM
    | attribute::FIXED_PARENT
    | attribute::SENSITIVE_DATA_ORIGIN
    | attribute::RESTRICTED
    | attribute::SIGN;

/// A test's authority for attestation keys in TPMs. Its root is that of
/// [`TestAttestation`](super::TestAttestation) with the same seed, and its own keys follow from the
/// seed, too: they are no secrets.
///
/// It certifies what real TPMs and `swtpm` ask it to, but does not ask who has made them: a test's
/// TPM has a maker that nobody knows.
pub struct TpmAuthority {
    authority: Authority,
    provider: CryptoProvider,
    aaguid: Option<Aaguid>,
}

/// Why an authority certifies no key.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TpmRefusal {
    /// The key may leave its TPM, was not made in one, or signs what it is given.
    #[error("the key to be certified is not one that signs only what its TPM says")]
    NotAttesting,
    /// The endorsement key is neither RSA with 2048 bits nor on P-256, or not the one of its
    /// certificate.
    #[error(
        "the endorsement key is neither RSA with 2048 bits nor on P-256, or not the one of its \
         certificate"
    )]
    Endorsement,
    /// The cryptography failed.
    #[error("the cryptography failed: {0}")]
    Crypto(#[from] Error),
    /// It is no request.
    #[error("{0}")]
    Unreadable(#[from] Unreadable),
    /// The answer could not be made.
    #[error("the answer can't be made: {0}")]
    Answer(String),
}

impl fmt::Debug for TpmAuthority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TpmAuthority")
    }
}

impl TpmAuthority {
    /// The authority of this seed.
    ///
    /// # Errors
    /// [`Error`], which the portable provider does not have.
    pub fn new(seed: u64) -> Result<Self, Error> {
        let provider = rustcrypto::provider();
        Ok(Self { authority: Authority::new(seed)?, provider, aaguid: None })
    }

    /// Its certificates are for authenticators of this model. Without it they are for any.
    #[must_use]
    pub const fn with_aaguid(mut self, aaguid: Aaguid) -> Self {
        self.aaguid = Some(aaguid);
        self
    }

    /// The certificate of the root, in DER.
    ///
    /// # Errors
    /// [`Error`], as with [`Self::new`].
    pub fn root(&self) -> Result<Vec<u8>, Error> {
        self.authority.root(Holder::Root)
    }

    /// Certifies a key, for the TPM alone that has it together with the endorsement key.
    ///
    /// # Errors
    /// [`TpmRefusal`].
    pub fn answer(&self, enrollment: &Enrollment) -> Result<EnrollmentAnswer, TpmRefusal> {
        let attributes = enrollment.key.attributes;
        if attributes & REQUIRED != REQUIRED || attributes & attribute::DECRYPT != 0 {
            return Err(TpmRefusal::NotAttesting);
        }
        let certificates = self.certificates(enrollment)?;
        let secret: Secret<32> = self.provider.random.secret()?;
        let name = enrollment.key.name(&self.provider);
        let challenge = self.challenge(enrollment, &name, &secret)?;
        EnrollmentAnswer::seal(&self.provider, challenge, &secret, &name, &certificates)
            .map_err(|error| TpmRefusal::Answer(error.to_string()))
    }

    /// A secret that only the TPM opens that has both keys.
    fn challenge(
        &self,
        enrollment: &Enrollment,
        name: &ObjectName,
        secret: &Secret<32>,
    ) -> Result<ActivationChallenge, TpmRefusal> {
        let (provider, endorsement) = (&self.provider, &enrollment.endorsement);
        let public = match &endorsement.object {
            Object::Rsa { n, .. } => n.clone(),
            Object::Ecc { x, y, .. } => [x.as_slice(), y].concat(),
            Object::Sealed { .. } => return Err(TpmRefusal::Endorsement),
        };
        let certified = |it: &Vec<u8>| it.windows(public.len()).any(|window| window == public);
        if public.is_empty() || !enrollment.certificate.as_ref().is_none_or(certified) {
            return Err(TpmRefusal::Endorsement);
        }
        let Object::Rsa { .. } = &endorsement.object else {
            let made = ActivationChallenge::on_p256(provider, endorsement, name, secret.expose());
            return made.map_err(|error| match error {
                Error::InvalidPublicKey => TpmRefusal::Endorsement,
                error => error.into(),
            });
        };
        let modulus = public.as_slice().try_into().map_err(|_| TpmRefusal::Endorsement)?;
        let seed: Secret<32> = provider.random.secret()?;
        let blob = ActivationChallenge::blob(provider, &seed, name, secret.expose());
        let encrypted = encrypt_oaep_sha256(modulus, b"IDENTITY\0", seed.expose())?;
        Ok(ActivationChallenge { blob, secret: encrypted })
    }

    /// The same from JSON to JSON ([`Enrollment::from_json`]).
    ///
    /// # Errors
    /// [`TpmRefusal`].
    pub fn answer_json(&self, request: &str) -> Result<String, TpmRefusal> {
        Ok(self.answer(&Enrollment::from_json(request)?)?.to_json())
    }

    /// The certificate of the key, and that of its issuer (WebAuthn L3 §8.3.1).
    fn certificates(&self, enrollment: &Enrollment) -> Result<Vec<Vec<u8>>, TpmRefusal> {
        let PublicArea { object, .. } = &enrollment.key;
        let key = match object {
            Object::Ecc { .. } => enrollment.key.cose(algorithm::ES256),
            _ => None,
        };
        let key = key.ok_or(TpmRefusal::NotAttesting)?;
        let mut leaf = self.authority.certificate(&key, Holder::Intermediate)?;
        let name = enrollment.key.name(&self.provider);
        leaf.serial_number = name.as_bytes().iter().copied().skip(2).take(16).collect();
        let usage = der::element(der::SEQUENCE, &[&der::oid(oid::TPM_ATTESTATION_KEY)]);
        let vendor = format!("id:{:08X}", enrollment.vendor_id);
        let version = format!("id:{:08X}", enrollment.firmware);
        leaf.set_extension(oid::SUBJECT_ALT_NAME, true, tpm_name(vendor, version));
        leaf.set_extension(oid::EXTENDED_KEY_USAGE, true, usage);
        leaf.set_extension(oid::BASIC_CONSTRAINTS, true, der::element(der::SEQUENCE, &[]));
        if let Some(aaguid) = &self.aaguid {
            leaf.set_aaguid(aaguid.as_bytes());
        }
        let leaf = leaf.sign(&*self.authority.key(Holder::Intermediate)?)?;
        let above = self.authority.issuer(Holder::Intermediate, Holder::Root)?;
        let above = above.sign(&*self.authority.key(Holder::Root)?)?;
        Ok(vec![leaf, above])
    }
}
