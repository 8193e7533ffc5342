//! The service, by its Rust interface and over real sockets.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that panics is a test that fails"
)]

mod algorithms;
mod bad_input_is_refused;
mod ceremonies_wait;
mod devtools;
mod doors_of_others;
mod everything_is_described;
mod faults_and_people;
mod options_are_checked;
mod page_for_people;
mod pages_ask;
mod passkeys_are_json;
mod passkeys_move;
mod phones;
mod raw_requests;
mod strangers_stay_out;
mod support;
mod webdriver;
mod what_happens_is_told;
