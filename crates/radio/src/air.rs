//! A simulated broadcast medium: in process ([`Air`]), or between the processes of one machine
//! ([`UdpAir`], [`UdpHub`]).
//!
//! It behaves like the real one where that matters: adverts repeat at an interval, every scanner in
//! range hears them, some get lost, a busy scanner misses some, and an advert that is dropped falls
//! silent.

mod datagram;
mod medium;
mod udp;

pub use medium::{Air, AirRadio, Fate, Room};
pub use udp::{UdpAir, UdpHub};

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

/// How often a simulated advert is repeated: real phones use 20 to 250 ms. The interval of the real
/// adapter is not set by this crate: BlueZ chooses it (`bluetooth/bluez.rs`).
pub const ADVERT_INTERVAL: Duration = Duration::from_millis(100);

/// The signal strength that simulated receptions report, in dBm: a phone about a metre away.
const SIMULATED_RSSI: i8 = -60;

/// A made-up static random device address. It identifies nothing and protects nothing, so the
/// hasher's seed will do.
fn device_address() -> [u8; 6] {
    let [a, b, c, d, e, f, ..] = RandomState::new().build_hasher().finish().to_be_bytes();
    [a | 0xc0, b, c, d, e, f]
}
