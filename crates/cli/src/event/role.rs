//! What a server is that takes requests.

use serde::Serialize;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Role {
    Relay,
    /// Metrics and health of a relay.
    RelayAdmin,
    Rp,
    Demo,
    /// A site that signs in through the relying party.
    Site,
    Air,
    Key,
    Virtual,
    /// An authority for attestation keys in TPMs.
    TpmCa,
}
