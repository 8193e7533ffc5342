//! The authenticator from outside: requests, a scripted person and a clock moved by hand go in.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::arithmetic_side_effects,
    clippy::as_conversions
)]

mod a_config_is_checked;
mod a_credential_is_kept_as_bytes;
mod a_failing_store_changes_nothing;
mod a_fingerprint_key;
mod a_key_store_attests;
mod accounts_are_chosen;
mod an_account_has_one_or_one_of_each_algorithm;
mod any_sequence_keeps_the_rules;
mod any_sequence_of_commands_keeps_the_rules;
mod any_sequence_with_a_pin_keeps_the_rules;
mod attestation_is_as_preferred;
mod blobs_and_settings;
mod claims_hold_together;
mod creations_step_by_step;
mod credentials_are_managed;
mod credentials_are_protected;
mod credentials_take_little_memory;
mod enterprise_attestation;
mod extensions_answer;
mod failures_leave_nothing_half_done;
mod fingerprints_are_enrolled;
mod get_assertion_refuses;
mod get_info_tells_the_truth;
mod keys_are_forgotten;
mod large_blobs_without_a_command;
mod make_credential_refuses;
mod management_step_by_step;
mod older_clients_are_served;
mod passkeys_are_made_and_used;
mod passkeys_from_elsewhere;
mod pins_are_verified_elsewhere;
mod pins_step_by_step;
mod reset_deletes_everything;
mod sequences_end;
mod settings_are_changed;
mod sign_ins_step_by_step;
mod slow_stores_and_keys_block_nothing;
mod the_memory_store;
mod the_person_is_verified;
mod the_pin;
mod the_relying_party_chooses_the_algorithm;
mod the_w3c_vectors;
mod time_passes;
mod tokens_permit;
mod u2f_is_spoken;
mod what_a_vendor_adds;
mod what_is_answered_without_a_question;
mod wrapped_credentials;
mod wrapped_credentials_keep_what_they_are;
mod writes_come_in_turn;

use towline_testkit::rig;
