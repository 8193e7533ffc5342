//! The known answers of the hybrid transport that are about single primitives.

use serde::Deserialize;
use towline_crypto::{CryptoProvider, Secret};

use crate::hex::{Bytes, array};

#[derive(Deserialize)]
struct File {
    derive: Vec<Derive>,
    seed_keys: Vec<SeedKey>,
    link_signature: Vec<LinkSignature>,
}

#[derive(Deserialize)]
struct Derive {
    secret: Bytes,
    salt: Bytes,
    purpose: u32,
    length: usize,
    output: Bytes,
}

#[derive(Deserialize)]
struct SeedKey {
    seed: Bytes,
    private: Bytes,
    public: Bytes,
    compressed: Bytes,
}

#[derive(Deserialize)]
struct LinkSignature {
    client_private: Bytes,
    client_public: Bytes,
    authenticator_private: Bytes,
    authenticator_public: Bytes,
    handshake_hash: Bytes,
    ecdh: Bytes,
    signature: Bytes,
}

fn file() -> File {
    serde_json::from_str(include_str!("../../../tests/vectors/hybrid.json"))
        .expect("the vectors have this shape")
}

/// HKDF with the purpose as four little-endian bytes of info.
pub fn derived_keys(provider: &CryptoProvider) {
    let rows = file().derive;
    assert!(!rows.is_empty());
    for row in rows {
        let mut output = vec![0; row.length];
        provider
            .hkdf
            .derive(&row.salt.0, &row.secret.0, &row.purpose.to_le_bytes(), &mut output)
            .unwrap();
        assert_eq!(output, row.output.0);
    }
}

/// A seed stretched to 48 bytes and reduced modulo the group order is a private key with this
/// public half.
pub fn seeded_keys(provider: &CryptoProvider) {
    let rows = file().seed_keys;
    assert!(!rows.is_empty());
    for row in rows {
        let mut wide = [0; 48];
        provider.hkdf.derive(&[], &row.seed.0, b"derive EC key P-256", &mut wide).unwrap();
        assert_eq!(reduce(&wide)[..], row.private.0);

        let key = provider.ecdh.load(&Secret::from_slice(&row.private.0).unwrap()).unwrap();
        assert_eq!(key.public_key().as_bytes()[..], row.public.0);
        assert_eq!(key.public_key().compressed()[..], row.compressed.0);
        assert_eq!(provider.ecdh.public_key(&row.compressed.0).as_ref(), Ok(key.public_key()));
        let signer = provider.signature(-7).unwrap().load(&row.private.0).unwrap();
        assert_eq!(signer.public_key(), row.public.0);
    }
}

/// The big-endian number modulo the group order, bit by bit: double, add, subtract where it got too
/// large.
fn reduce(wide: &[u8]) -> [u8; 32] {
    let order: [u8; 32] = array("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551");
    let mut rest = [0; 32];
    for bit in wide.iter().flat_map(|byte| (0..8).rev().map(move |shift| (byte >> shift) & 1)) {
        let mut carry = bit;
        for byte in rest.iter_mut().rev() {
            let high = *byte >> 7;
            *byte = (*byte << 1) | carry;
            carry = high;
        }
        if carry == 1 || rest >= order {
            let mut borrow = false;
            for (byte, subtrahend) in rest.iter_mut().zip(order).rev() {
                let (difference, under) = byte.overflowing_sub(subtrahend);
                let (difference, under_too) = difference.overflowing_sub(u8::from(borrow));
                *byte = difference;
                borrow = under || under_too;
            }
        }
    }
    rest
}

/// The signature in linking information: HMAC over the handshake hash, keyed with the shared x
/// coordinate.
pub fn link_signatures(provider: &CryptoProvider) {
    let rows = file().link_signature;
    assert!(!rows.is_empty());
    for row in rows {
        let shared = Secret::from_slice(&row.ecdh.0).unwrap();
        for (private, own, peer) in [
            (&row.client_private, &row.client_public, &row.authenticator_public),
            (&row.authenticator_private, &row.authenticator_public, &row.client_public),
        ] {
            let key = provider.ecdh.load(&Secret::from_slice(&private.0).unwrap()).unwrap();
            assert_eq!(key.public_key().as_bytes()[..], own.0);
            let peer = provider.ecdh.public_key(&peer.0).unwrap();
            assert_eq!(key.agree(&peer).as_ref(), Ok(&shared));
        }
        let mac = provider.hmac.key(shared.expose());
        assert_eq!(mac.sign(&[&row.handshake_hash.0])[..], row.signature.0);
    }
}
