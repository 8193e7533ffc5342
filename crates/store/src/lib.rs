#![doc = include_str!("../README.md")]
//!
//! # Opened or created
//!
//! ```
//! # let directory = std::env::temp_dir().join(format!("towline-store-doc-{}", std::process::id()));
//! # std::fs::create_dir_all(&directory)?;
//! # let path = directory.join("passkeys.towline");
//! use towline_authenticator::{Authenticator, Config, SoftwareKeys};
//! use towline_store::{KeySource, Store};
//!
//! let provider = towline_crypto::rustcrypto::provider();
//! let source = KeySource::KeyFile(directory.join("passkeys.key"));
//! let store = if path.exists() {
//!     Store::open(&path, &source, &provider)?
//! } else {
//!     Store::create(&path, &source, &provider)?
//! };
//! let keys = SoftwareKeys::new(provider.clone());
//! let authenticator = Authenticator::new(Config::security_key(), provider, store, keys)?;
//! # drop(authenticator);
//! # std::fs::remove_dir_all(&directory)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What protects it
//!
//! - **Sealed.** Credentials, records (the PIN among them) and counters are sealed one by one with
//!   AES-256-GCM, each for its place. Indexes are keyed hashes. No RP ID, name or handle is on the
//!   disk in the clear; how many credentials there are, which of them are for the same relying
//!   party, and which are behind verification can be seen.
//! - **Opened** by a passphrase (Argon2id), a key file, the system's keyring, or a key that the
//!   application keeps ([`KeySource`]). It seals a random root key, and so can be
//!   [changed](Store::change_key) without writing anything else; [`Store::reseal`] draws a new root
//!   key.
//! - **Durable.** A change is on the disk before it is acknowledged, whole or not at all
//!   ([redb](https://www.redb.org)).
//! - **One process at a time**, by a lock on the file; another is told which ([`Error::InUse`]).
//! - **An absence is never believed without proof.** What exists is counted and hashed in a sealed
//!   head, and the file is compared with it and with what was last seen of it before it is used.
//!   What is lost, hidden, moved or old is damage ([`Error::Damaged`], [`Error::DamagedPart`]), and
//!   never taken for none.
//! - **Damage stays where it is.** What can't be opened is an error for whoever asks for it; the
//!   others go on working. [`Store::check`] names it, and [`Repaired::of`] makes a store of the
//!   rest.
//!
//! What it does not protect against: somebody who can write to the directory can put back an older
//! copy of all of it, with the file `.seen` beside it, by which an older copy is noticed
//! ([`Error::Older`]). Whoever can read the memory of the process can read its keys.
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod backup;
mod check;
mod circle;
mod connection;
mod directory;
mod error;
mod feed;
mod file;
mod format;
mod head;
mod key_source;
mod keyring;
#[cfg(feature = "links")]
mod links;
mod notes;
mod read;
mod repair;
mod ring;
mod seal;
mod shared;
mod storage;
mod store;
mod tables;
mod vet;
mod witness;
mod write;

pub use backup::{Backup, Conflicts, Contents, Restored};
pub use check::Checked;
pub use circle::{CircleChange, CircleRows, KeptCircle};
pub use directory::write_new_file;
pub use error::Error;
pub use key_source::KeySource;
#[cfg(feature = "keyring")]
pub use keyring::SystemKeyring;
pub use keyring::{KeySealer, Keyring};
#[cfg(feature = "links")]
pub use links::StoredLinks;
/// Storage other than a file, for [`Store::create_on`] and [`Store::open_on`].
pub use redb::StorageBackend;
pub use repair::Repaired;
pub use store::Store;
