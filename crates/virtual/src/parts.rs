//! What a virtual authenticator consists of, for those who drive it themselves: a phone over the
//! hybrid transport, a key on USB.

use std::fmt;

use towline_authenticator::Authenticator;

use crate::{Clock, ScriptedPerson, SyncedSet};

/// The parts of a virtual authenticator ([`Builder::build_parts`](crate::Builder::build_parts)).
///
/// Put the authenticator and the person into a `Device` of `towline-device`, or into a phone of
/// `towline`. Whoever drives them keeps the time; the person takes theirs by
/// [their clock](Self::clock), so move that and call [`ScriptedPerson::handle_timeout`].
#[non_exhaustive]
pub struct Parts {
    /// The authenticator, still to be plugged in, with its PIN set if it was given one.
    pub authenticator: Authenticator,
    /// The person to put in front of it.
    pub person: ScriptedPerson,
    /// The passkeys that it has.
    pub passkeys: SyncedSet,
    /// The clock by which the person takes their time.
    pub clock: Clock,
}

impl fmt::Debug for Parts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parts")
            .field("passkeys", &self.passkeys)
            .field("person", &self.person)
            .finish_non_exhaustive()
    }
}
