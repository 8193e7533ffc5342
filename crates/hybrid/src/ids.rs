//! Identifiers that appear in tunnel URLs and in linking information.

use towline_rendezvous::identifier;
pub use towline_rendezvous::ids::{ContactId, NotHex, RoutingId, TunnelId};

identifier! {
    /// Names one link on the phone that made it, 8 bytes.
    LinkId, 8
}
identifier! {
    /// The computer's fresh randomness of a linked transaction, 16 bytes.
    ClientNonce, 16
}
