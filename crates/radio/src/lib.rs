#![doc = include_str!("../README.md")]
//! # The parts
//!
//! An [`Advertiser`] and a [`Scanner`] are what the two sides need of a radio.
//!
//! `Bluetooth` (feature `bluetooth`) is the machine's own adapter: it scans on Linux, macOS and
//! Windows, and advertises on Linux; nothing else can broadcast service data from a program. Its
//! `preflight` says beforehand what works, and what to do about what does not.
//!
//! Machines without a Bluetooth adapter, and tests, use [`air`]: a simulated medium that is handed
//! in explicitly and says "simulated" wherever it describes itself. No library of towline ever
//! picks it on its own.
#![forbid(unsafe_code)]
#![deny(missing_docs)]

use std::{future::Future, pin::Pin};

pub mod air;
#[cfg(feature = "bluetooth")]
mod bluetooth;
mod error;

#[cfg(feature = "bluetooth")]
pub use bluetooth::{Bluetooth, Preflight};
pub use error::RadioError;

/// The 16-bit service UUID under which phones advertise today
/// (`0000fff9-0000-1000-8000-00805f9b34fb`, FIDO).
pub const FIDO_UUID16: u16 = 0xFFF9;

/// The 16-bit service UUID of older phones (`0000fde2-0000-1000-8000-00805f9b34fb`). Scanners
/// listen for it too.
pub const LEGACY_UUID16: u16 = 0xFDE2;

/// The longest service data that is passed on, in bytes: what one AD structure of an extended
/// advert can carry.
pub const MAX_SERVICE_DATA: usize = 255;

/// A boxed future that may move between threads, so that the traits here stay object-safe.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// One received advert. Radios hear the same advert many times; every reception is a sighting of
/// its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sighting {
    /// [`FIDO_UUID16`] or [`LEGACY_UUID16`].
    pub service_uuid16: u16,
    /// The service data without its UUID: 0 to [`MAX_SERVICE_DATA`] bytes from a stranger.
    pub service_data: Vec<u8>,
    /// Received signal strength in dBm, where the radio tells.
    pub rssi: Option<i16>,
    /// The device address, most significant byte first, where the platform tells.
    pub address: Option<[u8; 6]>,
}

/// A radio that can broadcast service data under [`FIDO_UUID16`].
pub trait Advertiser: Send + Sync {
    /// Puts `service_data` (at most [`MAX_SERVICE_DATA`] bytes) on the air until the returned value
    /// is dropped.
    ///
    /// Dropping the future before it completes leaves nothing on the air.
    ///
    /// # Errors
    /// Whatever keeps the radio from advertising, as a sentence for the person.
    fn advertise<'a>(
        &'a self,
        service_data: &[u8],
    ) -> BoxFuture<'a, Result<Box<dyn Advertisement>, RadioError>>;

    /// Which radio this is, for logs and for the person. A simulated one says so.
    fn description(&self) -> String;
}

/// An advert that is on the air. Dropping it takes it off.
pub trait Advertisement: Send + Sync {
    /// Resolves when the radio stopped broadcasting on its own, with the reason; never while all is
    /// well. Cancel-safe.
    fn stopped(&mut self) -> BoxFuture<'_, RadioError>;
}

/// A radio that can listen for adverts under [`FIDO_UUID16`] and [`LEGACY_UUID16`].
///
/// Implementations report the same advert every time they receive it: where a platform filters
/// duplicates by default, as Bluetooth stacks do, that has to be switched off. A computer that was
/// busy, or that failed with a phone that is still there, would otherwise never hear of that phone
/// again.
pub trait Scanner: Send + Sync {
    /// Starts to listen. Several scans may run at once.
    ///
    /// # Errors
    /// Whatever keeps the radio from scanning, as a sentence for the person.
    fn scan(&self) -> BoxFuture<'_, Result<Box<dyn Scan>, RadioError>>;

    /// Which radio this is, for logs and for the person. A simulated one says so.
    fn description(&self) -> String;
}

/// A running scan. Dropping it stops it. It reports repeated adverts: see [`Scanner`].
pub trait Scan: Send {
    /// The next reception. Cancel-safe: a sighting is either returned or stays queued.
    ///
    /// # Errors
    /// The radio was lost or switched off; the scan is over.
    fn next(&mut self) -> BoxFuture<'_, Result<Sighting, RadioError>>;
}

/// Whether adverts under this UUID may belong to the hybrid transport.
#[must_use]
pub fn is_hybrid_uuid16(uuid16: u16) -> bool {
    matches!(uuid16, FIDO_UUID16 | LEGACY_UUID16)
}
