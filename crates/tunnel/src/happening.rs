//! What an operator who looks on is told.

use std::time::Duration;

use towline_rendezvous::Ending;

/// Something that happened at the relay. It names no device, no tunnel and no address.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Happening {
    /// A phone and a computer met.
    Met {
        /// The tunnel, counted from the start of the relay: 1 is the first.
        number: u64,
    },
    /// A phone and a computer that had met parted.
    Parted {
        /// The tunnel, as it was numbered in [`Happening::Met`].
        number: u64,
        /// How long it lasted.
        after: Duration,
        /// How it ended for the phone.
        phone: Ending,
        /// How it ended for the computer.
        computer: Ending,
    },
}
