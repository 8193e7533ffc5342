//! The suite notices providers that are broken in the ways in which providers get broken.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::atomic::{AtomicBool, Ordering},
};

use towline_crypto::{
    Aead, AeadKey, CryptoProvider, Ecdh, EcdhKey, Error, Hkdf, Hmac, HmacKey, P256PublicKey,
    Random, Secret, Sha256, Sha256Context, SignatureAlgorithm, SigningKey, rustcrypto::provider,
};
use towline_crypto_test::{
    aead, ecdh, ed25519, es256, es384, fake, hkdf, hmac, pieces, sha256, signatures,
};

fn assert_noticed(check: fn(&CryptoProvider), broken: &CryptoProvider) {
    assert!(catch_unwind(AssertUnwindSafe(|| check(broken))).is_err(), "the suite let it pass");
}

#[test]
fn the_fake_provider_does_not_pass_for_a_real_one() {
    let fake = fake::provider(1);
    assert_noticed(hmac::wycheproof, &fake);
    assert_noticed(aead::wycheproof, &fake);
    assert_noticed(ecdh::wycheproof_points, &fake);
    assert_noticed(ecdh::malformed_public_keys_are_refused, &fake);
    assert_noticed(es256::wycheproof, &fake);
    assert_noticed(es256::a_changed_message_or_another_key_is_refused, &fake);
}

/// Compares the first byte of a tag only.
struct LazyHmac;

impl Hmac for LazyHmac {
    fn key(&self, key: &[u8]) -> Box<dyn HmacKey> {
        struct Key(Box<dyn HmacKey>);
        impl HmacKey for Key {
            fn sign(&self, parts: &[&[u8]]) -> [u8; 32] {
                self.0.sign(parts)
            }
            fn verify(&self, parts: &[&[u8]], tag: &[u8]) -> Result<(), Error> {
                let first = tag.first().ok_or(Error::Length)?;
                if self.sign(parts)[0] == *first { Ok(()) } else { Err(Error::Authentication) }
            }
        }
        Box::new(Key(provider().hmac.key(key)))
    }
}

#[test]
fn a_tag_compared_in_part_is_noticed() {
    let broken = CryptoProvider { hmac: &LazyHmac, ..provider() };
    assert_noticed(hmac::every_corrupted_bit_of_a_tag_is_refused, &broken);
    assert_noticed(hmac::empty_and_overlong_tags_are_refused, &broken);
}

/// Signs the first part only.
struct DeafHash;

impl Sha256 for DeafHash {
    fn hash(&self, parts: &[&[u8]]) -> [u8; 32] {
        provider().sha256.hash(&parts[..parts.len().min(1)])
    }

    fn start(&self) -> Box<dyn Sha256Context> {
        struct NeverReset(Box<dyn Sha256Context>, Vec<u8>);
        impl Sha256Context for NeverReset {
            fn update(&mut self, bytes: &[u8]) {
                self.1.extend_from_slice(bytes);
            }
            fn finish_reset(&mut self) -> [u8; 32] {
                self.0.update(&self.1);
                self.0.finish_reset()
            }
        }
        Box::new(NeverReset(provider().sha256.start(), Vec::new()))
    }
}

#[test]
fn a_forgotten_part_and_a_forgotten_reset_are_noticed() {
    let broken = CryptoProvider { sha256: &DeafHash, ..provider() };
    assert_noticed(sha256::parts_hash_as_their_concatenation, &broken);
    assert_noticed(sha256::a_context_is_as_new_after_it_finished, &broken);
}

/// Gives as much as it can and says nothing.
struct SilentHkdf;

impl Hkdf for SilentHkdf {
    fn derive(
        &self,
        salt: &[u8],
        secret: &[u8],
        info: &[u8],
        output: &mut [u8],
    ) -> Result<(), Error> {
        let most = output.len().min(8160);
        provider().hkdf.derive(salt, secret, info, &mut output[..most])
    }
}

#[test]
fn an_output_that_is_cut_short_in_silence_is_noticed() {
    let broken = CryptoProvider { hkdf: &SilentHkdf, ..provider() };
    assert_noticed(hkdf::more_than_255_blocks_are_refused, &broken);
    assert_noticed(hkdf::wycheproof, &broken);
}

/// Decrypts first and checks then, and leaves what it decrypted.
struct HastyAead;

impl Aead for HastyAead {
    fn key(&self, key: &[u8; 32]) -> Box<dyn AeadKey> {
        struct Key(Box<dyn AeadKey>);
        impl AeadKey for Key {
            fn seal(&self, nonce: &[u8; 12], aad: &[u8], data: &mut Vec<u8>) -> Result<(), Error> {
                self.0.seal(nonce, aad, data)
            }
            fn open(&self, nonce: &[u8; 12], aad: &[u8], data: &mut Vec<u8>) -> Result<(), Error> {
                let checked = self.0.open(nonce, aad, &mut data.clone());
                // Counter mode: to seal is to decrypt.
                let length = data.len().checked_sub(16).ok_or(Error::Authentication)?;
                data.truncate(length);
                self.0.seal(nonce, aad, data)?;
                data.truncate(length);
                checked
            }
        }
        Box::new(Key(provider().aead.key(key)))
    }
}

#[test]
fn text_decrypted_before_it_is_authentic_is_noticed() {
    let broken = CryptoProvider { aead: &HastyAead, ..provider() };
    aead::wycheproof(&broken);
    assert_noticed(aead::every_corrupted_byte_is_refused_and_the_message_left_unread, &broken);
}

/// Clears the highest bit of every scalar instead of refusing those that are too large, and checks
/// no point.
struct BendingEcdh;

impl Ecdh for BendingEcdh {
    fn generate(&self, random: &dyn Random) -> Result<Box<dyn EcdhKey>, Error> {
        let mut scalar = *random.secret::<32>()?.expose();
        scalar[0] &= 0x7f;
        scalar[31] |= 1;
        provider().ecdh.load(&Secret::new(scalar))
    }

    fn load(&self, scalar: &Secret<32>) -> Result<Box<dyn EcdhKey>, Error> {
        let mut scalar = *scalar.expose();
        scalar[0] &= 0x7f;
        provider().ecdh.load(&Secret::new(scalar))
    }

    fn public_key(&self, sec1: &[u8]) -> Result<P256PublicKey, Error> {
        match sec1.try_into() {
            Ok(bytes) => Ok(P256PublicKey::assume_checked(bytes)),
            Err(_) => provider().ecdh.public_key(sec1),
        }
    }
}

#[test]
fn bent_scalars_and_unchecked_points_are_noticed() {
    let broken = CryptoProvider { ecdh: &BendingEcdh, ..provider() };
    assert_noticed(ecdh::scalars_outside_the_group_order_are_refused, &broken);
    assert_noticed(ecdh::unusable_random_scalars_are_drawn_again, &broken);
    assert_noticed(ecdh::malformed_public_keys_are_refused, &broken);
}

/// Takes a signature with anything behind it, and never signs more than the first part.
struct GenerousEs256;

struct FirstPartOnly(Box<dyn SigningKey>);

impl SigningKey for FirstPartOnly {
    fn public_key(&self) -> &[u8] {
        self.0.public_key()
    }

    fn sign(&self, parts: &[&[u8]]) -> Result<Vec<u8>, Error> {
        self.0.sign(&parts[..parts.len().min(1)])
    }

    fn private_bytes(&self) -> Result<zeroize::Zeroizing<Vec<u8>>, Error> {
        self.0.private_bytes()
    }
}

impl SignatureAlgorithm for GenerousEs256 {
    fn cose_algorithm(&self) -> i64 {
        -7
    }

    fn generate(&self, random: &dyn Random) -> Result<Box<dyn SigningKey>, Error> {
        Ok(Box::new(FirstPartOnly(provider().signature(-7).unwrap().generate(random)?)))
    }

    fn load(&self, private: &[u8]) -> Result<Box<dyn SigningKey>, Error> {
        provider().signature(-7).unwrap().load(private)
    }

    fn verify(&self, public_key: &[u8], message: &[u8], signature: &[u8]) -> Result<(), Error> {
        let length = signature.get(1).map_or(0, |length| usize::from(*length) + 2);
        let signature = signature.get(..length).unwrap_or(signature);
        provider().signature(-7).unwrap().verify(public_key, message, signature)
    }
}

#[test]
fn malleable_signatures_and_forgotten_parts_are_noticed() {
    let broken = CryptoProvider { signatures: &[&GenerousEs256], ..provider() };
    assert_noticed(es256::every_corrupted_byte_of_a_signature_is_refused, &broken);
    assert_noticed(es256::wycheproof, &broken);
    assert_noticed(es256::parts_are_signed_as_their_concatenation, &broken);
}

/// Another algorithm of the portable provider, broken in one way.
#[derive(Clone, Copy, PartialEq)]
enum Fault {
    /// Keys from another source than the one that is handed in.
    OwnRandomness,
    /// Longer private keys are cut to size.
    CutsKeys,
    /// The second signature of a key is not of the message.
    Tires,
    /// Every public key of the right length is a key, and what is wrong is always the signature.
    BlamesTheSignature,
}

struct Faulty(i64, Fault);

impl Faulty {
    fn portable(&self) -> &'static dyn SignatureAlgorithm {
        provider().signature(self.0).unwrap()
    }
}

impl SignatureAlgorithm for Faulty {
    fn cose_algorithm(&self) -> i64 {
        self.0
    }

    fn generate(&self, random: &dyn Random) -> Result<Box<dyn SigningKey>, Error> {
        match self.1 {
            Fault::OwnRandomness => self.portable().generate(&*provider().random),
            Fault::Tires => {
                Ok(Box::new(Tiring(self.portable().generate(random)?, AtomicBool::new(false))))
            }
            _ => self.portable().generate(random),
        }
    }

    fn load(&self, private: &[u8]) -> Result<Box<dyn SigningKey>, Error> {
        let length = if self.0 == -35 { 48 } else { 32 };
        match private.get(..length) {
            Some(cut) if self.1 == Fault::CutsKeys => self.portable().load(cut),
            _ => self.portable().load(private),
        }
    }

    fn verify(&self, public_key: &[u8], message: &[u8], signature: &[u8]) -> Result<(), Error> {
        match self.portable().verify(public_key, message, signature) {
            Err(_) if self.1 == Fault::BlamesTheSignature => Err(Error::Authentication),
            verified => verified,
        }
    }
}

struct Tiring(Box<dyn SigningKey>, AtomicBool);

impl SigningKey for Tiring {
    fn public_key(&self) -> &[u8] {
        self.0.public_key()
    }

    fn sign(&self, parts: &[&[u8]]) -> Result<Vec<u8>, Error> {
        if self.1.swap(true, Ordering::Relaxed) { self.0.sign(&[]) } else { self.0.sign(parts) }
    }

    fn private_bytes(&self) -> Result<zeroize::Zeroizing<Vec<u8>>, Error> {
        self.0.private_bytes()
    }
}

#[test]
fn faults_of_any_listed_algorithm_are_noticed() {
    let with = |algorithm| CryptoProvider { signatures: algorithm, ..provider() };
    assert_noticed(
        signatures::keys_come_from_the_randomness_that_is_given,
        &with(&[&Faulty(-8, Fault::OwnRandomness)]),
    );
    assert_noticed(
        signatures::keys_come_from_the_randomness_that_is_given,
        &with(&[&Faulty(-35, Fault::OwnRandomness)]),
    );
    assert_noticed(
        signatures::keys_of_another_length_are_refused,
        &with(&[&Faulty(-8, Fault::CutsKeys)]),
    );
    assert_noticed(
        signatures::keys_of_another_length_are_refused,
        &with(&[&Faulty(-35, Fault::CutsKeys)]),
    );
    assert_noticed(signatures::a_key_signs_again_and_again, &with(&[&Faulty(-8, Fault::Tires)]));
    assert_noticed(
        signatures::keys_of_another_length_are_refused,
        &with(&[&Faulty(-7, Fault::BlamesTheSignature)]),
    );
    assert_noticed(
        es384::malformed_public_keys_are_told_from_wrong_signatures,
        &with(&[&Faulty(-35, Fault::BlamesTheSignature)]),
    );
}

/// Calls one algorithm by the name of another.
struct Misnamed(i64, i64);

impl SignatureAlgorithm for Misnamed {
    fn cose_algorithm(&self) -> i64 {
        self.0
    }

    fn generate(&self, random: &dyn Random) -> Result<Box<dyn SigningKey>, Error> {
        provider().signature(self.1).unwrap().generate(random)
    }

    fn load(&self, private: &[u8]) -> Result<Box<dyn SigningKey>, Error> {
        provider().signature(self.1).unwrap().load(private)
    }

    fn verify(&self, public_key: &[u8], message: &[u8], signature: &[u8]) -> Result<(), Error> {
        provider().signature(self.1).unwrap().verify(public_key, message, signature)
    }
}

#[test]
fn an_algorithm_under_another_ones_name_or_an_unknown_one_is_noticed() {
    let with = |algorithm| CryptoProvider { signatures: algorithm, ..provider() };
    assert_noticed(ed25519::rfc_8032_known_answers, &with(&[&Misnamed(-8, -7)]));
    assert_noticed(es384::wycheproof, &with(&[&Misnamed(-35, -7)]));
    assert_noticed(
        signatures::plain_forms_have_the_lengths_that_the_trait_names,
        &with(&[&Misnamed(-257, -7)]),
    );
    assert_noticed(
        signatures::plain_forms_have_the_lengths_that_the_trait_names,
        &with(&[&Misnamed(-9, -7)]),
    );
}

/// Fills all but the last byte.
struct ShortRandom;

impl Random for ShortRandom {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), Error> {
        match buffer.split_last_mut() {
            Some((_, rest)) => provider().random.fill(rest),
            None => Ok(()),
        }
    }
}

#[test]
fn a_buffer_that_is_not_filled_to_the_end_is_noticed() {
    let broken = CryptoProvider { random: std::sync::Arc::new(ShortRandom), ..provider() };
    assert_noticed(pieces::random_bytes_differ_each_time, &broken);
}

#[test]
fn an_algorithm_that_is_listed_twice_is_noticed() {
    let broken = CryptoProvider { signatures: &[&GenerousEs256, &GenerousEs256], ..provider() };
    assert_noticed(pieces::es256_is_offered_once, &broken);
}
