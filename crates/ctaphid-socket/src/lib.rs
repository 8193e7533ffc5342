//! CTAPHID over sockets: a software authenticator for tools and tests that want a security key,
//! without kernel HID.
//!
//! What travels are raw 64-byte reports: as one datagram each over UDP, and after a length of two
//! bytes over TCP and Unix sockets. The door opens on loopback addresses and on Unix sockets of the
//! owner only.
//!
//! ```no_run
//! use towline_authenticator::{Authenticator, Config, MemoryStore, SoftwareKeys};
//! use towline_ctaphid_socket::Door;
//! use towline_ctaphid_tokio::{Ask, Person, SecurityKey};
//!
//! struct Terminal;
//!
//! impl Person for Terminal {
//!     fn ask(&mut self, ask: Ask) {
//!         println!("{}", ask.question()); // ... and keep `ask` until something is typed
//!         ask.deny();
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let provider = towline_crypto::rustcrypto::provider();
//! let keys = SoftwareKeys::new(provider.clone());
//! let authenticator = Authenticator::new(Config::security_key(), provider, MemoryStore::new(), keys)?;
//!
//! let key = SecurityKey::new();
//! let mut door = Door::new(key.reports());
//! for endpoint in ["udp:127.0.0.1:8111", "tcp:127.0.0.1:35962"] {
//!     println!("listening on {}", door.listen(&endpoint.parse()?).await?);
//! }
//! match key.run(authenticator, Terminal).await {}
//! # }
//! ```
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod door;
mod endpoint;
mod listener;
#[cfg(unix)]
mod unix;

pub use door::{Door, DoorError};
pub use endpoint::{Endpoint, EndpointError};
