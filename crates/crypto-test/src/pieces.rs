//! The provider as a whole: its randomness, its parts, and what it shows of itself.

use std::sync::Arc;

use towline_crypto::{CryptoProvider, Error, Random};

use crate::{FailingRandom, SeededRandom};

/// The provider's own source is not constant, and fills buffers to the end.
pub fn random_bytes_differ_each_time(provider: &CryptoProvider) {
    let draws: std::collections::BTreeSet<[u8; 32]> =
        (0..64).map(|_| provider.random.bytes::<32>().unwrap()).collect();
    assert_eq!(draws.len(), 64);
    for length in [1, 31, 33, 1000] {
        // The chance that the last byte comes out zero 32 times in a row is 2^-256.
        let filled = (0..32).any(|_| {
            let mut buffer = vec![0; length];
            provider.random.fill(&mut buffer).unwrap();
            buffer.last() != Some(&0)
        });
        assert!(filled, "the last of {length} bytes stays zero");
    }
    assert_eq!(provider.random.fill(&mut []), Ok(()));
}

/// A source of randomness put in place of the provider's own is the only one that is used.
pub fn each_piece_can_be_replaced_on_its_own(provider: &CryptoProvider) {
    let replaced = |random: Arc<dyn Random>| CryptoProvider { random, ..provider.clone() };
    let draw = |seed| replaced(Arc::new(SeededRandom::new(seed))).random.secret::<32>().unwrap();
    assert_eq!(draw(1), draw(1));
    assert_ne!(draw(1), draw(2));
    let failing = replaced(Arc::new(FailingRandom));
    assert_eq!(failing.random.bytes::<4>(), Err(Error::Random));
    assert_eq!(failing.random.secret::<32>(), Err(Error::Random));
    assert_eq!(failing.ecdh.generate(&*failing.random).err(), Some(Error::Random));
    assert_eq!(failing.sha256.hash(&[b"abc"]), provider.sha256.hash(&[b"abc"]));

    let without_signatures = CryptoProvider { signatures: &[], ..provider.clone() };
    assert!(without_signatures.signature(-7).is_none());
    assert!(provider.signature(-7).is_some());
}

/// No algorithm stands in for another.
pub fn an_unknown_signature_algorithm_is_absent(provider: &CryptoProvider) {
    for unknown in [0, 7, i64::MIN, i64::MAX, -65_535] {
        assert!(provider.signature(unknown).is_none(), "COSE algorithm {unknown}");
    }
}

/// The list of algorithms names each once, and the mandatory one is there.
pub fn es256_is_offered_once(provider: &CryptoProvider) {
    let mut algorithms: Vec<i64> =
        provider.signatures.iter().map(|algorithm| algorithm.cose_algorithm()).collect();
    assert_eq!(algorithms.iter().filter(|algorithm| **algorithm == -7).count(), 1);
    let listed = algorithms.len();
    algorithms.sort_unstable();
    algorithms.dedup();
    assert_eq!(algorithms.len(), listed);
}

/// Printing a provider or a secret it made shows nothing of the secret.
pub fn debug_output_names_no_secret(provider: &CryptoProvider) {
    assert_eq!(format!("{provider:?}"), "CryptoProvider");
    let key = provider.ecdh.generate(&SeededRandom::new(6)).unwrap();
    assert_eq!(format!("{:?}", key.scalar().unwrap()), "Secret(32 bytes)");
    assert_eq!(format!("{:?}", key.agree(key.public_key()).unwrap()), "Secret(32 bytes)");
}

/// Prepared keys are used from several threads at once.
pub fn everything_can_be_shared_between_threads(provider: &CryptoProvider) {
    let mac = provider.hmac.key(b"key");
    let signer = provider.signature(-7).unwrap().generate(&*provider.random).unwrap();
    let ecdh = provider.ecdh.generate(&*provider.random).unwrap();
    let stored = ecdh.scalar().unwrap();
    let loaded = provider.ecdh.load(&stored).unwrap();
    let tag = mac.sign(&[b"message"]);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                assert_eq!(mac.sign(&[b"message"]), tag);
                // Loaded but never asked for its public half: all threads must see the same one.
                assert_eq!(loaded.public_key(), ecdh.public_key());
                let signature = signer.sign(&[b"message"]).unwrap();
                let es256 = provider.signature(-7).unwrap();
                assert_eq!(es256.verify(signer.public_key(), b"message", &signature), Ok(()));
            });
        }
    });
}
