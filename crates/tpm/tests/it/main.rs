//! What a TPM is sent, and what is made of what it answers.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]

mod attested_by_swtpm;
mod codes_are_sentences;
mod counted_in_swtpm;
mod endorsement_keys;
mod faults;
mod hardships;
mod keys_are_derived;
mod keys_in_swtpm;
mod pins_in_swtpm;
mod public_areas;
mod responses_are_judged;
mod sealed_in_swtpm;
mod swtpm;
mod the_recorded_conversation;
mod vectors;
