//! What holds for every signature algorithm that a provider lists.

use towline_crypto::{CryptoProvider, Error, SignatureAlgorithm, SigningKey, rustcrypto};

use crate::{FailingRandom, SeededRandom};

/// RSASSA-PKCS1-v1_5 with SHA-256: the one whose keys no library makes from randomness that it is
/// given.
const RS256: i64 = -257;

/// Lengths of the plain forms of one algorithm: public key, private key, signature.
type Lengths = (fn(usize) -> bool, fn(usize) -> bool, fn(usize) -> bool);

/// See the table at [`SignatureAlgorithm`].
fn lengths(algorithm: i64) -> Lengths {
    match algorithm {
        -7 => (|n| n == 65, |n| n == 32, |n| (8..=72).contains(&n)),
        -8 => (|n| n == 32, |n| n == 32, |n| n == 64),
        -35 => (|n| n == 97, |n| n == 48, |n| (8..=104).contains(&n)),
        -48 => (|n| n == 1312, |n| n == 32, |n| n == 2420),
        -49 => (|n| n == 1952, |n| n == 32, |n| n == 3309),
        RS256 => (|n| n == 270, |n| (1190..1230).contains(&n), |n| n == 256),
        other => panic!("the suite has no checks for COSE algorithm {other}"),
    }
}

/// Each listed algorithm with a key of its own.
fn each(
    provider: &CryptoProvider,
    check: impl Fn(&'static dyn SignatureAlgorithm, &dyn SigningKey),
) {
    for algorithm in provider.signatures.iter().copied() {
        let key = algorithm.generate(&SeededRandom::new(11)).unwrap();
        check(algorithm, &*key);
    }
}

/// A public key, a private key and a signature look the same whoever made them.
pub fn plain_forms_have_the_lengths_that_the_trait_names(provider: &CryptoProvider) {
    each(provider, |algorithm, key| {
        let name = algorithm.cose_algorithm();
        let (public, private, signature) = lengths(name);
        assert!(public(key.public_key().len()), "{name}: {}", key.public_key().len());
        let stored = key.private_bytes().unwrap();
        assert!(private(stored.len()), "{name}: {}", stored.len());
        let signed = key.sign(&[b"message"]).unwrap();
        assert!(signature(signed.len()), "{name}: {}", signed.len());
    });
}

/// What a key signs, its public half verifies, the first time and later, generated and loaded.
pub fn a_key_signs_again_and_again(provider: &CryptoProvider) {
    each(provider, |algorithm, key| {
        let loaded = algorithm.load(&key.private_bytes().unwrap()).unwrap();
        // Not asked for its public half before it signs.
        for signer in [key, &*loaded] {
            for n in 0_u8..4 {
                let signature = signer.sign(&[&[n; 100]]).unwrap();
                assert_eq!(algorithm.verify(key.public_key(), &[n; 100], &signature), Ok(()));
            }
        }
    });
}

/// Authenticator data and client data hash are one message.
pub fn parts_are_signed_as_their_concatenation(provider: &CryptoProvider) {
    each(provider, |algorithm, key| {
        let verify = |message, parts: &[&[u8]]| {
            algorithm.verify(key.public_key(), message, &key.sign(parts).unwrap())
        };
        assert_eq!(verify(b"one message", &[b"one ", b"", b"message"]), Ok(()));
        assert_eq!(verify(b"", &[]), Ok(()));
        assert_eq!(verify(b"one ", &[b"one ", b"message"]), Err(Error::Authentication));
    });
}

/// What comes out of a key for storage goes back in as the same key.
pub fn a_stored_key_loads_as_the_same_key(provider: &CryptoProvider) {
    each(provider, |algorithm, key| {
        let stored = key.private_bytes().unwrap();
        let loaded = algorithm.load(&stored).unwrap();
        assert_eq!(loaded.private_bytes().unwrap(), stored);
        assert_eq!(loaded.public_key(), key.public_key());
    });
}

/// A key store outlives a change of provider: keys and signatures go from one to the other.
pub fn the_portable_provider_takes_its_keys_and_signatures(provider: &CryptoProvider) {
    let portable = rustcrypto::provider();
    each(provider, |algorithm, key| {
        let Some(other) = portable.signature(algorithm.cose_algorithm()) else { return };
        let theirs = other.load(&key.private_bytes().unwrap()).unwrap();
        assert_eq!(theirs.public_key(), key.public_key());
        let signature = key.sign(&[b"ours"]).unwrap();
        assert_eq!(other.verify(key.public_key(), b"ours", &signature), Ok(()));
        let signature = theirs.sign(&[b"theirs"]).unwrap();
        assert_eq!(algorithm.verify(key.public_key(), b"theirs", &signature), Ok(()));
    });
}

/// Any changed byte is noticed, and so are missing and additional ones. Of signatures of thousands
/// of bytes, some hundred bytes all over are changed.
pub fn a_corrupted_signature_is_refused(provider: &CryptoProvider) {
    each(provider, |algorithm, key| {
        let signature = key.sign(&[b"message"]).unwrap();
        let refused = |signature: &[u8], why: &str| {
            let verified = algorithm.verify(key.public_key(), b"message", signature);
            assert_eq!(
                verified,
                Err(Error::Authentication),
                "{}: {why}",
                algorithm.cose_algorithm()
            );
        };
        for index in (0..signature.len()).step_by(signature.len() / 300 + 1) {
            let mut wrong = signature.clone();
            wrong[index] ^= 1 << (index % 8);
            refused(&wrong, &format!("byte {index}"));
        }
        for length in [0, 1, signature.len() / 2, signature.len() - 1] {
            refused(&signature[..length], "truncated");
        }
        refused(&[&signature[..], &[0]].concat(), "extended");
        refused(&[&signature[..], &signature[..]].concat(), "twice");
        refused(&vec![0; signature.len()], "zeros");
        refused(&vec![0xff; signature.len()], "ones");
    });
}

/// A signature is for one message, one key and one algorithm.
pub fn a_changed_message_or_another_key_is_refused(provider: &CryptoProvider) {
    each(provider, |algorithm, key| {
        let signature = key.sign(&[b"message"]).unwrap();
        for message in [&b"massage"[..], b"message ", b"messag", b"", &[0; 5000]] {
            assert_eq!(
                algorithm.verify(key.public_key(), message, &signature),
                Err(Error::Authentication)
            );
        }
        let other = algorithm.generate(&SeededRandom::new(12)).unwrap();
        assert_ne!(other.public_key(), key.public_key());
        assert_eq!(
            algorithm.verify(other.public_key(), b"message", &signature),
            Err(Error::Authentication)
        );
        for another in provider.signatures {
            if another.cose_algorithm() != algorithm.cose_algorithm() {
                assert!(another.verify(key.public_key(), b"message", &signature).is_err());
            }
        }
    });
}

/// A key of another length is no key, and nobody's signature is to blame.
pub fn keys_of_another_length_are_refused(provider: &CryptoProvider) {
    each(provider, |algorithm, key| {
        let name = algorithm.cose_algorithm();
        let signature = key.sign(&[b"message"]).unwrap();
        let public_refused = |public: &[u8]| {
            assert_eq!(
                algorithm.verify(public, b"message", &signature),
                Err(Error::InvalidPublicKey),
                "{name}: a public key of {} bytes",
                public.len()
            );
        };
        let private_refused = |private: &[u8]| {
            assert_eq!(
                algorithm.load(private).err(),
                Some(Error::InvalidPrivateKey),
                "{name}: a private key of {} bytes",
                private.len()
            );
        };
        let (public, private) = (key.public_key(), key.private_bytes().unwrap());
        public_refused(&[]);
        public_refused(&public[..public.len() - 1]);
        public_refused(&public[1..]);
        public_refused(&[public, &[0]].concat());
        private_refused(&[]);
        private_refused(&private[..private.len() - 1]);
        private_refused(&[&[0], &private[..]].concat());
        private_refused(&[&private[..], &[0]].concat());
    });
}

/// No key is made from a buffer that was not filled, and the same randomness makes the same key.
///
/// RS256 is left out: its keys come from the library's own generator.
pub fn keys_come_from_the_randomness_that_is_given(provider: &CryptoProvider) {
    for algorithm in provider.signatures {
        if algorithm.cose_algorithm() == RS256 {
            continue;
        }
        assert_eq!(algorithm.generate(&FailingRandom).err(), Some(Error::Random));
        let private = |seed| {
            let key = algorithm.generate(&SeededRandom::new(seed)).unwrap();
            key.private_bytes().unwrap()
        };
        assert_eq!(private(1), private(1));
        assert_ne!(private(1), private(2));
    }
}

/// A key that nobody has used yet may be used first by several threads at once.
pub fn a_fresh_key_can_be_shared_between_threads(provider: &CryptoProvider) {
    each(provider, |algorithm, key| {
        let loaded = algorithm.load(&key.private_bytes().unwrap()).unwrap();
        std::thread::scope(|scope| {
            for n in 0_u8..4 {
                let loaded = &loaded;
                let public = key.public_key();
                scope.spawn(move || {
                    if n % 2 == 0 {
                        assert_eq!(loaded.public_key(), public);
                    }
                    for _ in 0..3 {
                        let signature = loaded.sign(&[&[n]]).unwrap();
                        assert_eq!(algorithm.verify(public, &[n], &signature), Ok(()));
                    }
                });
            }
        });
    });
}
