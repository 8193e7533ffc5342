//! What ECDH and ECDSA share: how a private scalar is drawn, and the scalars and points of P-256.

use alloc::boxed::Box;

use once_cell::race::OnceBox;
use p256::{
    NonZeroScalar,
    elliptic_curve::{ff::PrimeField, sec1::ToSec1Point},
};
use zeroize::Zeroizing;

use crate::{Error, P256PublicKey, Random, Secret};

/// A key whose big-endian scalar is uniformly random among those that `load` takes.
pub(super) fn draw<const N: usize, T>(
    random: &dyn Random,
    load: impl Fn(&[u8; N]) -> Result<T, Error>,
) -> Result<T, Error> {
    // One candidate in 2^32 is refused on P-256, one in 2^192 on P-384. A source that gives
    // unusable ones again and again is broken.
    const ATTEMPTS: usize = 16;
    for _ in 0..ATTEMPTS {
        let candidate = random.secret::<N>()?;
        if let Ok(key) = load(candidate.expose()) {
            return Ok(key);
        }
    }
    Err(Error::Random)
}

/// A private scalar and its public half.
///
/// The public half is computed when it is first asked for: to sign or to agree it isn't needed, and
/// it costs about as much as a signature.
pub(super) struct KeyPair {
    scalar: Zeroizing<NonZeroScalar>,
    public: OnceBox<P256PublicKey>,
}

impl KeyPair {
    /// A uniformly random key.
    pub(super) fn generate(random: &dyn Random) -> Result<Self, Error> {
        draw(random, Self::load)
    }

    /// The key with this big-endian scalar; [`Error::InvalidPrivateKey`] unless it is in 1..order.
    pub(super) fn load(scalar: &[u8; 32]) -> Result<Self, Error> {
        let scalar = NonZeroScalar::from_repr((*scalar).into())
            .into_option()
            .ok_or(Error::InvalidPrivateKey)?;
        Ok(Self { scalar: Zeroizing::new(scalar), public: OnceBox::new() })
    }

    pub(super) fn scalar(&self) -> &NonZeroScalar {
        &self.scalar
    }

    pub(super) fn public(&self) -> &P256PublicKey {
        self.public.get_or_init(|| Box::new(compute_public(&self.scalar)))
    }

    /// The big-endian scalar.
    pub(super) fn to_secret(&self) -> Secret<32> {
        Secret::new((*Zeroizing::new(self.scalar.to_repr())).into())
    }
}

fn compute_public(scalar: &NonZeroScalar) -> P256PublicKey {
    encode(&p256::PublicKey::from_secret_scalar(scalar))
}

/// `04 || x || y`.
pub(super) fn encode(key: &p256::PublicKey) -> P256PublicKey {
    let mut bytes = [0; 65];
    // An uncompressed point always has 65 bytes.
    bytes.iter_mut().zip(key.to_sec1_point(false).as_bytes()).for_each(|(to, from)| *to = *from);
    P256PublicKey::assume_checked(bytes)
}

/// A point of the curve, other than infinity, in uncompressed or compressed form (SEC 1 §2.3.4).
pub(super) fn decode(sec1: &[u8]) -> Result<p256::PublicKey, Error> {
    // The forms that SEC 1 or ANSI X9.62 know beside these two (infinity, compact, hybrid) have no
    // place here.
    match (sec1.len(), sec1.first()) {
        (65, Some(0x04)) | (33, Some(0x02 | 0x03)) => {
            p256::PublicKey::from_sec1_bytes(sec1).map_err(|_| Error::InvalidPublicKey)
        }
        _ => Err(Error::InvalidPublicKey),
    }
}
