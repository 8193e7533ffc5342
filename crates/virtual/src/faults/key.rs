//! Public keys (COSE_Key, RFC 9053 §7) that are not as they must be.

use towline_crypto::{CryptoProvider, SigningKey};
use towline_ctap::{CosePublicKey, algorithm};

use super::{Fault, cbor};

/// Parameters of a key on a curve: algorithm, coordinates, private part.
const ALGORITHM: i64 = 3;
const X: i64 = -2;
const Y: i64 = -3;
const D: i64 = -4;

/// A new key of this algorithm.
pub(super) fn stranger(provider: &CryptoProvider, algorithm: i64) -> Option<Box<dyn SigningKey>> {
    provider.signature(algorithm)?.generate(&*provider.random).ok()
}

pub(super) fn bend(fault: Fault, provider: &CryptoProvider, key: &mut Vec<u8>) {
    if let Some(bent) = bent(fault, provider, key) {
        *key = bent;
    }
}

fn bent(fault: Fault, provider: &CryptoProvider, key: &[u8]) -> Option<Vec<u8>> {
    if fault == Fault::KeyOfAnother {
        let algorithm = CosePublicKey::decode(key).ok()?.algorithm()?;
        let stranger = stranger(provider, algorithm)?;
        return Some(CosePublicKey::from_plain(algorithm, stranger.public_key())?.encode());
    }
    let mut members = cbor::Map::read(key)?;
    let x = members.bytes(X)?;
    // Keys of Ed25519 have no y.
    let y = members.bytes(Y);
    match fault {
        Fault::KeyOffCurve => {
            let mut y = y?;
            *y.last_mut()? ^= 1;
            members.set(Y, cbor::bytes(&y));
        }
        Fault::KeyOfAnotherCurve => {
            let other = stranger(provider, algorithm::ES384)?;
            let other = CosePublicKey::from_plain(algorithm::ES384, other.public_key())?.encode();
            members = cbor::Map::read(&other)?;
            members.set(ALGORITHM, cbor::int(algorithm::ES256));
        }
        Fault::KeyOfAnotherAlgorithm => members.set(ALGORITHM, cbor::int(algorithm::RS256)),
        Fault::KeyWithoutAlgorithm => members.remove(ALGORITHM),
        Fault::KeyCompressed => members.set(Y, cbor::bool(y?.last()? & 1 == 1)),
        Fault::KeyWithPrivatePart => members.set(D, cbor::bytes(&vec![0x66; x.len()])),
        _ => return None,
    }
    Some(members.write())
}
