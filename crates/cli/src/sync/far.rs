//! Stores of other machines, if the program was built with them.

use towline_sync::ObjectHash;

use super::objects::{Opened, Patience};
use crate::exit::Failure;

#[cfg(feature = "stores")]
mod built {
    use std::time::Duration;

    use towline_sync_object::{RemoteConfig, RemoteError, RemoteStore};

    use super::{Failure, ObjectHash, Opened, Patience};
    use crate::sync::objects::{NOT_TAKEN, Telling};

    /// Whether it is an address, and one that may be kept. Nothing is asked of the store.
    pub(crate) fn check(address: &str) -> Result<(), Failure> {
        let opened = RemoteStore::open(address, ObjectHash([0; 16]), RemoteConfig::default());
        match opened {
            // Whatever the environment lacks may be there the next time.
            Err(RemoteError::NoCredentials { .. } | RemoteError::Configuration { .. }) => Ok(()),
            other => other.map(drop).map_err(|error| failure(address, &error)),
        }
    }

    pub(crate) fn circles(address: &str) -> Result<Vec<ObjectHash>, Failure> {
        RemoteStore::circles(address, patience(Patience::Work))
            .map_err(|error| failure(address, &error))
    }

    pub(crate) fn open(
        address: &str,
        circle: ObjectHash,
        wanted: Patience,
    ) -> Result<Opened, Failure> {
        let store = RemoteStore::open(address, circle, patience(wanted));
        let store = store.map_err(|error| failure(address, &error))?;
        let address = address.to_owned();
        Ok(Box::new(Telling { store, tell: move |error| failure(&address, &error) }))
    }

    /// Shorter than the library's own: what fails is asked for again at the next look.
    fn patience(wanted: Patience) -> RemoteConfig {
        let (patience, longest, repeats) = match wanted {
            Patience::Work => (10, 300, 2),
            Patience::Glance => (5, 20, 0),
            Patience::Joining => (5, 5, 0),
        };
        let [patience, longest] = [patience, longest].map(Duration::from_secs);
        RemoteConfig { patience, longest, repeats }
    }

    fn failure(address: &str, error: &RemoteError) -> Failure {
        let reason = match error {
            RemoteError::Address(_)
            | RemoteError::SecretInAddress { .. }
            | RemoteError::Fragment
            | RemoteError::Plain => {
                return Failure::usage("address", error.to_string());
            }
            RemoteError::NoCredentials { .. } | RemoteError::Configuration { .. } => {
                "no_credentials"
            }
            RemoteError::Refused { .. } => "credentials_refused",
            RemoteError::ReadOnly { .. } => "read_only",
            RemoteError::Expired { .. } => "credentials_expired",
            RemoteError::WrongRegion(_) => "wrong_region",
            RemoteError::Clock(_) => "clock",
            RemoteError::Absent(_) => "no_bucket",
            RemoteError::Full(_) => "store_full",
            RemoteError::NotTaken(_) => NOT_TAKEN,
            RemoteError::NoWebDav(_) => "no_webdav",
            _ => "not_reached",
        };
        Failure::environment(reason, format!("{address}: {error}"))
    }
}

#[cfg(feature = "stores")]
pub(super) use built::{check, circles, open};

#[cfg(not(feature = "stores"))]
mod not_built {
    use super::{Failure, ObjectHash, Opened, Patience};

    pub(crate) fn check(_: &str) -> Result<(), Failure> {
        Err(failure())
    }

    pub(crate) fn circles(_: &str) -> Result<Vec<ObjectHash>, Failure> {
        Err(failure())
    }

    pub(crate) fn open(_: &str, _: ObjectHash, _: Patience) -> Result<Opened, Failure> {
        Err(failure())
    }

    /// Without the address, which may have a password in it.
    fn failure() -> Failure {
        let message = "this program was built without stores of other machines (cargo's feature `stores`): name a folder, or \
                       build it with `cargo build --release -p towline-cli --features stores`";
        Failure::usage("no_stores", message)
    }
}

#[cfg(not(feature = "stores"))]
pub(super) use not_built::{check, circles, open};
