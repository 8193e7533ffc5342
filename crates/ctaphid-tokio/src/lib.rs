#![doc = include_str!("../README.md")]
//!
//! # Doors
//!
//! The doors are crates of their own: `towline-ctaphid-socket` has sockets of this machine,
//! `towline-uhid` a USB key that Linux believes in. Another one needs only
//! [`SecurityKey::reports`]:
//!
//! ```
//! use towline_authenticator::{Authenticator, Config, MemoryStore, SoftwareKeys};
//! use towline_ctap::hid::{Host, HostOutput};
//! use towline_ctaphid_tokio::{Nobody, SecurityKey, ReportSource};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let provider = towline_crypto::rustcrypto::provider();
//! let keys = SoftwareKeys::new(provider.clone());
//! let authenticator = Authenticator::new(Config::security_key(), provider, MemoryStore::new(), keys)?;
//!
//! let key = SecurityKey::new();
//! let (reports, (source, mut answers)) = (key.reports(), ReportSource::stream());
//! let client = async move {
//!     let mut host = Host::new();
//!     host.open(*b"a nonce!", std::time::Instant::now());
//!     while host.channel().is_none() {
//!         match host.poll_output() {
//!             Some(HostOutput::Send(report)) => reports.deliver(report, &source).await?,
//!             _ => {
//!                 let answer = answers.next().await.ok_or("nobody answers")?;
//!                 host.handle_packet(&answer, std::time::Instant::now());
//!             }
//!         }
//!     }
//!     Ok(())
//! };
//! tokio::select! {
//!     ended = client => ended,
//!     never = key.run_simulated(authenticator, Nobody) => match never {},
//! }
//! # }
//! ```
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod control;
mod driver;
mod reports;

pub use driver::SecurityKey;
pub use reports::{Answers, Gone, ReportSource, Reports};
pub use towline_device::{Ask, Nobody, Person, Simulated};
