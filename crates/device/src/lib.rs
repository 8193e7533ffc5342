#![doc = include_str!("../README.md")]
//!
//! An [`Authenticator`](towline_authenticator::Authenticator) as something that runs: [`Device`]
//! feeds it requests of any number of channels, puts its questions to a [`Person`], runs its slow
//! work on threads of their own, and keeps its time. It runs on tokio (feature `runtime`, on by
//! default); the machine in it, [`Attended`], needs no runtime.
//!
//! A question is a value. Whoever gets an [`Ask`] completes it, now or later, on whatever thread:
//!
//! ```
//! use towline_authenticator::{Authenticator, ChannelId, Config, MemoryStore, SoftwareKeys};
//! use towline_ctap::Transport;
//! use towline_device::{Ask, Delivery, Device, Person};
//!
//! /// Prints what is asked, and says no.
//! struct Careful;
//!
//! impl Person for Careful {
//!     fn ask(&mut self, ask: Ask) {
//!         println!("{}", ask.question());
//!         ask.deny();
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let provider = towline_crypto::rustcrypto::provider();
//! let keys = SoftwareKeys::new(provider.clone());
//! let key = Authenticator::new(Config::security_key(), provider, MemoryStore::new(), keys)?;
//!
//! let mut device = Device::new(key, Careful);
//! device.power_up();
//! let selection = [0x0b];
//! device.request(Transport::Usb, ChannelId(1), &selection);
//! loop {
//!     if let Delivery::Response { bytes, .. } = device.next().await {
//!         assert_eq!(bytes, [0x27], "CTAP2_ERR_OPERATION_DENIED");
//!         break;
//!     }
//! }
//! # Ok(())
//! # }
//! ```
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod ask;
mod attended;
mod clock;
#[cfg(feature = "runtime")]
mod device;
mod person;
mod phone_question;
#[cfg(feature = "runtime")]
mod simulated;

pub use ask::{Ask, Pending};
pub use attended::{Attended, AttendedOutput, Delivery};
pub use clock::unix_time;
#[cfg(feature = "runtime")]
pub use device::Device;
pub use person::{Agreeable, Nobody, Person, person_fn};
pub use phone_question::{Found, PhoneAnswer, PhoneAsk, PhoneQuestion, Visitor, Wants};
#[cfg(feature = "runtime")]
pub use simulated::{Presence, Simulated, Touch};
