#![doc = include_str!("../README.md")]
//! # What is checked
//!
//! Every provider has ES256. Of the other signature algorithms the suite checks those that a
//! provider lists, so a provider's own tests say which these are. Where Wycheproof calls a case
//! "acceptable", the strict side is taken and the reason stands next to it.
//!
//! [`SeededRandom`], [`FailingRandom`] and [`fake::provider`] are for tests and fuzzing only.
#![forbid(unsafe_code)]
#![deny(missing_docs)]
#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "this crate consists of checks, and a failed check is a panic"
)]

pub mod aead;
pub mod aes256;
pub mod cbc;
pub mod ecdh;
pub mod ed25519;
pub mod es256;
pub mod es384;
pub mod fake;
mod hex;
pub mod hkdf;
pub mod hmac;
pub mod ml_dsa;
pub mod pieces;
mod random;
pub mod rs256;
pub mod sha256;
pub mod signatures;
pub mod transport;

pub use random::{FailingRandom, ScriptedRandom, SeededRandom};

/// Names every check once, for [`run_all`] and for [`register`].
macro_rules! checks {
    ($dollar:tt $($module:ident: $($check:ident),+;)+) => {
        /// Runs every check of the suite.
        ///
        /// # Panics
        /// At the first check that the provider does not pass.
        pub fn run_all(provider: &towline_crypto::CryptoProvider) {
            $($($module::$check(provider);)+)+
        }

        /// Makes one `#[test]` of every check of the suite, for the provider that the expression
        /// gives.
        #[macro_export]
        macro_rules! register {
            ($dollar provider:expr) => {
                $(mod $module {
                    #[allow(unused_imports)]
                    use super::*;
                    $(
                        #[test]
                        fn $check() {
                            $crate::$module::$check(&$dollar provider);
                        }
                    )+
                })+
            };
        }
    };
}

checks! { $
    sha256:
        fips_180_4_known_answers,
        parts_hash_as_their_concatenation,
        a_context_is_as_new_after_it_finished;
    hmac:
        rfc_4231_known_answers,
        wycheproof,
        parts_are_signed_as_their_concatenation,
        a_prepared_key_keeps_no_trace_of_earlier_messages,
        every_corrupted_bit_of_a_tag_is_refused,
        empty_and_overlong_tags_are_refused;
    hkdf:
        rfc_5869_known_answers,
        wycheproof,
        an_empty_salt_equals_zeros,
        a_shorter_output_is_a_prefix_of_a_longer_one,
        more_than_255_blocks_are_refused;
    aes256:
        fips_197_known_answer,
        fips_197_known_answer_with_128_bits,
        decryption_undoes_encryption;
    cbc:
        sp_800_38a_known_answer,
        wycheproof_with_the_padding_added_by_the_test,
        partial_blocks_are_refused_and_left_alone,
        no_data_is_no_error;
    aead:
        known_answers_of_the_gcm_specification,
        wycheproof,
        every_corrupted_byte_is_refused_and_the_message_left_unread,
        truncated_and_extended_messages_are_refused,
        another_key_nonce_or_aad_is_refused,
        messages_of_every_length_open_again;
    ecdh:
        rfc_5903_known_answer,
        wycheproof_points,
        wycheproof_key_infos,
        both_sides_agree,
        a_stored_scalar_loads_as_the_same_key,
        scalars_outside_the_group_order_are_refused,
        both_forms_of_a_public_key_are_read,
        malformed_public_keys_are_refused,
        unusable_random_scalars_are_drawn_again,
        a_source_of_unusable_scalars_only_ends_in_an_error,
        without_randomness_there_is_no_key;
    es256:
        rfc_6979_signatures_verify,
        wycheproof,
        a_signature_verifies,
        parts_are_signed_as_their_concatenation,
        signatures_are_minimal_der,
        a_stored_key_loads_as_the_same_key,
        every_corrupted_byte_of_a_signature_is_refused,
        a_changed_message_or_another_key_is_refused,
        private_keys_outside_the_group_order_or_of_another_length_are_refused,
        malformed_public_keys_are_told_from_wrong_signatures,
        without_randomness_there_is_no_key;
    ed25519:
        rfc_8032_known_answers,
        wycheproof,
        public_keys_off_the_curve_are_refused,
        public_keys_of_small_order_sign_nothing,
        what_libraries_disagree_about_is_refused;
    es384:
        rfc_6979_signatures_verify,
        wycheproof,
        private_keys_outside_the_group_order_are_refused,
        malformed_public_keys_are_told_from_wrong_signatures;
    rs256:
        wycheproof,
        a_new_key_has_2048_bits_and_the_usual_exponent,
        malformed_public_keys_are_told_from_wrong_signatures;
    ml_dsa:
        wycheproof_seeds_and_signatures,
        wycheproof_verification;
    signatures:
        plain_forms_have_the_lengths_that_the_trait_names,
        a_key_signs_again_and_again,
        parts_are_signed_as_their_concatenation,
        a_stored_key_loads_as_the_same_key,
        the_portable_provider_takes_its_keys_and_signatures,
        a_corrupted_signature_is_refused,
        a_changed_message_or_another_key_is_refused,
        keys_of_another_length_are_refused,
        keys_come_from_the_randomness_that_is_given,
        a_fresh_key_can_be_shared_between_threads;
    transport:
        derived_keys,
        seeded_keys,
        link_signatures;
    pieces:
        random_bytes_differ_each_time,
        each_piece_can_be_replaced_on_its_own,
        an_unknown_signature_algorithm_is_absent,
        es256_is_offered_once,
        debug_output_names_no_secret,
        everything_can_be_shared_between_threads;
}
