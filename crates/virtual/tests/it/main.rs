//! The virtual authenticator, as tests of sites and clients use it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::arithmetic_side_effects,
    missing_docs
)]

mod attestation_is_judged;
mod cells_are_shown;
mod clients_are_tested;
mod extensions_work;
mod faults_change_answers;
mod faults_change_reports;
mod faults_change_results;
mod faults_have_names;
mod memory;
mod options;
mod over_ctaphid;
mod pages_mediate;
mod passkeys_are_in_hand;
mod passkeys_move;
mod presets_work;
mod promises_hold;
mod rp_judges_attestation;
mod runs_repeat;
mod scripts_say_what_is_wrong;
mod seams_hold;
mod site;
mod sites_are_tested;
mod ten_situations;
mod time_passes;
