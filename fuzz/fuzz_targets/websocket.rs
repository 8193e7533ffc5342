//! What a client sends to the relay, of any content: what is passed on is what another
//! implementation reads from the same bytes, however they are cut, and as whole frames.
#![no_main]

#[path = "../../crates/websocket/tests/it/harness.rs"]
mod harness;

use harness::{ours, tungstenite};
use libfuzzer_sys::fuzz_target;
use tokio_tungstenite::tungstenite::protocol::Role;
use towline_websocket::Forwarder;

fuzz_target!(|input: &[u8]| {
    let Some((&cut, bytes)) = input.split_first() else { return };
    let (expected, left) = tungstenite(bytes.to_vec(), Role::Server);
    for (buffer, cut) in [(Forwarder::SMALLEST, usize::from(cut).max(1)), (4096, usize::MAX)] {
        let (sent, count, ours_left) = ours(bytes, &[cut], buffer);
        assert_eq!(tungstenite(sent, Role::Client).0, expected);
        assert_eq!(count, expected.len());
        // A close frame with a code that does not exist is a farewell to tungstenite, and none to
        // us.
        assert!(left || !ours_left);
    }
});
