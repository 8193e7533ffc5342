//! A security key that Linux takes for one on USB: CTAPHID through `/dev/uhid`.
//!
//! The kernel makes a HID device for whoever writes to `/dev/uhid`, with a node such as
//! `/dev/hidraw3` that browsers, OpenSSH and libfido2 find by themselves. It is there until the
//! [`UsbKey`] is dropped, or the process ends in whatever way.
//!
//! ```no_run
//! # #[cfg(target_os = "linux")]
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use towline_authenticator::{Authenticator, Config, MemoryStore, SoftwareKeys};
//! use towline_ctaphid_tokio::{Nobody, SecurityKey};
//! use towline_uhid::{Description, MAX_MSG_SIZE, UsbKey};
//!
//! let provider = towline_crypto::rustcrypto::provider();
//! let keys = SoftwareKeys::new(provider.clone());
//! let mut config = Config::security_key();
//! config.limits.max_msg_size = MAX_MSG_SIZE;
//! let authenticator = Authenticator::new(config, provider, MemoryStore::new(), keys)?;
//!
//! let key = SecurityKey::new();
//! let mut usb = UsbKey::plug_in(&Description::default())?;
//! if let Some(node) = usb.started().await? {
//!     println!("plugged in as {}", node.display());
//! }
//! tokio::select! {
//!     unplugged = usb.serve(key.reports()) => unplugged?,
//!     // Asks nobody: for tests.
//!     never = key.run_simulated(authenticator, Nobody) => match never {},
//! }
//! # Ok(())
//! # }
//! # #[cfg(not(target_os = "linux"))]
//! # fn main() {}
//! ```
//!
//! Whoever may open `/dev/uhid` can also pretend to be a keyboard: give that right to a group, and
//! to few.
#![forbid(unsafe_code)]
#![deny(missing_docs)]

pub mod event;
#[cfg(target_os = "linux")]
mod key;
#[cfg(target_os = "linux")]
mod node;
#[cfg(target_os = "linux")]
mod pace;

pub use event::{Description, MAX_MSG_SIZE};
#[cfg(target_os = "linux")]
pub use key::{UhidError, UsbKey};
