//! ML-DSA (FIPS 204; COSE -48 and -49), in its deterministic variant and with an empty context (RFC
//! 9964).

use alloc::{boxed::Box, vec::Vec};
use core::marker::PhantomData;

use ::ml_dsa::{
    EncodedVerifyingKey, MlDsa44, MlDsa65, MlDsaParams, Seed, Signature, Verifier, VerifyingKey,
    signature::MultipartSigner,
};
use zeroize::Zeroizing;

use crate::{Error, Random, Secret, SignatureAlgorithm, SigningKey};

pub(super) static ML_DSA_44: MlDsa<MlDsa44> = MlDsa { cose_algorithm: -48, set: PhantomData };
pub(super) static ML_DSA_65: MlDsa<MlDsa65> = MlDsa { cose_algorithm: -49, set: PhantomData };

/// ML-DSA with one of its parameter sets.
pub(super) struct MlDsa<P> {
    cose_algorithm: i64,
    set: PhantomData<fn() -> P>,
}

impl<P: MlDsaParams + Send + Sync + 'static> SignatureAlgorithm for MlDsa<P> {
    fn cose_algorithm(&self) -> i64 {
        self.cose_algorithm
    }

    fn generate(&self, random: &dyn Random) -> Result<Box<dyn SigningKey>, Error> {
        Ok(Box::new(Key::<P>::new(random.secret()?)))
    }

    fn load(&self, private: &[u8]) -> Result<Box<dyn SigningKey>, Error> {
        let seed = Secret::from_slice(private).map_err(|_| Error::InvalidPrivateKey)?;
        Ok(Box::new(Key::<P>::new(seed)))
    }

    fn verify(&self, public_key: &[u8], message: &[u8], signature: &[u8]) -> Result<(), Error> {
        let public_key =
            EncodedVerifyingKey::<P>::try_from(public_key).map_err(|_| Error::InvalidPublicKey)?;
        let signature = Signature::<P>::try_from(signature).map_err(|_| Error::Authentication)?;
        VerifyingKey::<P>::decode(&public_key)
            .verify(message, &signature)
            .map_err(|_| Error::Authentication)
    }
}

/// A seed, expanded when the key is made: to sign and to have the public half takes the expanded
/// key.
struct Key<P: MlDsaParams> {
    signing: ::ml_dsa::SigningKey<P>,
    public: Vec<u8>,
}

impl<P: MlDsaParams> Key<P> {
    fn new(seed: Secret<32>) -> Self {
        let seed = Zeroizing::new(Seed::from(*seed.expose()));
        let signing = ::ml_dsa::SigningKey::from_seed(&seed);
        let public: &VerifyingKey<P> = signing.as_ref();
        let public = public.encode().to_vec();
        Self { signing, public }
    }
}

impl<P: MlDsaParams + Send + Sync> SigningKey for Key<P> {
    fn public_key(&self) -> &[u8] {
        &self.public
    }

    fn sign(&self, parts: &[&[u8]]) -> Result<Vec<u8>, Error> {
        let signature: Signature<P> =
            self.signing.try_multipart_sign(parts).map_err(|_| Error::KeyUnavailable)?;
        Ok(signature.encode().to_vec())
    }

    fn private_bytes(&self) -> Result<Zeroizing<Vec<u8>>, Error> {
        Ok(Zeroizing::new(self.signing.as_seed().to_vec()))
    }
}
