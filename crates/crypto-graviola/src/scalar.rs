//! Private scalars: how they are drawn, read and given out.

use graviola::key_agreement::p256::StaticPrivateKey;
use towline_crypto::{Error, Random, Secret};

/// A uniformly random scalar from 1 to below the order.
pub(crate) fn draw(random: &dyn Random) -> Result<StaticPrivateKey, Error> {
    // One candidate in 2^32 is refused. A source that gives unusable ones again and again is
    // broken.
    const ATTEMPTS: usize = 16;
    for _ in 0..ATTEMPTS {
        let candidate = random.secret::<32>()?;
        if let Ok(scalar) = load(candidate.expose()) {
            return Ok(scalar);
        }
    }
    Err(Error::Random)
}

/// The scalar with these 32 big-endian bytes; [`Error::InvalidPrivateKey`] unless it is in
/// 1..order. graviola takes other lengths, too, which have no place here.
pub(crate) fn load(bytes: &[u8]) -> Result<StaticPrivateKey, Error> {
    let bytes: &[u8; 32] = bytes.try_into().map_err(|_| Error::InvalidPrivateKey)?;
    StaticPrivateKey::from_bytes(bytes).map_err(|_| Error::InvalidPrivateKey)
}

/// Its big-endian bytes.
pub(crate) fn bytes(scalar: &StaticPrivateKey) -> Secret<32> {
    Secret::new(scalar.as_bytes())
}
