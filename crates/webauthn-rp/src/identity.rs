//! Who a relying party is.

use std::time::Duration;

/// Who a relying party is, once it is known where it is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The RP ID that credentials are scoped to.
    pub rp_id: String,
    /// What a person is shown as the site's name.
    pub rp_name: String,
    /// The origin that client data must name, such as `http://localhost:8080`.
    pub origin: String,
    /// How long a challenge may be answered; options carry it as `timeout`.
    pub challenge_lifetime: Duration,
}
