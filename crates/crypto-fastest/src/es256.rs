//! ES256: keys are made, and signatures checked, by AWS-LC; keys sign by graviola, which needs the
//! scalar alone. AWS-LC checks each key that it loads by a multiplication of the base point, about
//! two thirds of a signature, even where it is given the public half.

use std::sync::OnceLock;

use towline_crypto::{Error, Random, SignatureAlgorithm, SigningKey};

pub(crate) const COSE: i64 = -7;

struct Es256 {
    aws_lc: &'static dyn SignatureAlgorithm,
    graviola: &'static dyn SignatureAlgorithm,
}

/// `None` on a processor that graviola does not run on.
pub(crate) fn signs_by_graviola() -> Option<&'static dyn SignatureAlgorithm> {
    static BOTH: OnceLock<Es256> = OnceLock::new();
    let graviola = towline_crypto_graviola::provider()?.signature(COSE)?;
    let aws_lc = towline_crypto_aws_lc::provider().signature(COSE)?;
    Some(BOTH.get_or_init(|| Es256 { aws_lc, graviola }))
}

impl SignatureAlgorithm for Es256 {
    fn cose_algorithm(&self) -> i64 {
        COSE
    }

    fn generate(&self, random: &dyn Random) -> Result<Box<dyn SigningKey>, Error> {
        // Given a scalar, AWS-LC takes longer than graviola.
        if !random.is_system() {
            return self.graviola.generate(random);
        }
        let made = self.aws_lc.generate(random)?;
        let public = made.public_key().try_into().map_err(|_| Error::InvalidPublicKey)?;
        towline_crypto_graviola::es256_pair(&made.private_bytes()?, public)
    }

    fn load(&self, private: &[u8]) -> Result<Box<dyn SigningKey>, Error> {
        self.graviola.load(private)
    }

    fn verify(&self, public_key: &[u8], message: &[u8], signature: &[u8]) -> Result<(), Error> {
        self.aws_lc.verify(public_key, message, signature)
    }
}
