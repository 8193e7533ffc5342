//! The Bluetooth daemon that an adapter was asked of: one that took its place knows nothing of its
//! adverts and scans.

use std::{future::Future, sync::Arc, time::Duration};

use dbus::nonblock::{Proxy, SyncConnection};
use dbus_tokio::connection::new_system_sync;
use tokio::time::sleep;

use super::{PATIENCE, reason::reason};
use crate::RadioError;

/// How often it is checked that it is still the same: one that died says nothing.
const CHECK: Duration = Duration::from_secs(1);

/// A daemon, told from its successors by its unique name on the bus: no other connection ever gets
/// it.
pub(super) struct Daemon {
    bus: Arc<SyncConnection>,
    unique_name: String,
}

impl Daemon {
    /// The one that runs now.
    pub(super) async fn find() -> Result<Self, RadioError> {
        let (resource, bus) = new_system_sync().map_err(|error| reason(error.into()))?;
        tokio::spawn(resource);
        let mut daemon = Self { bus, unique_name: String::new() };
        daemon.unique_name = daemon.owner().await?;
        Ok(daemon)
    }

    /// Why `work` ended: of itself, or because the daemon did or was started again. In that case
    /// nothing else is the reason: an adapter of a daemon that has just started is off, or not
    /// there yet.
    pub(super) async fn until_gone(&self, work: impl Future<Output = RadioError>) -> RadioError {
        tokio::select! {
            error = work => self.is_there().await.err().unwrap_or(error),
            error = self.gone() => error,
        }
    }

    async fn gone(&self) -> RadioError {
        loop {
            sleep(CHECK).await;
            if let Err(error) = self.is_there().await {
                return error;
            }
        }
    }

    async fn is_there(&self) -> Result<(), RadioError> {
        if self.owner().await? == self.unique_name {
            Ok(())
        } else {
            Err(RadioError::lost("the Bluetooth service was started again"))
        }
    }

    /// Who has the name `org.bluez`.
    async fn owner(&self) -> Result<String, RadioError> {
        let name = "org.freedesktop.DBus";
        let bus = Proxy::new(name, "/org/freedesktop/DBus", PATIENCE, &*self.bus);
        let owner = bus.method_call(name, "GetNameOwner", ("org.bluez",)).await;
        owner.map(|(owner,)| owner).map_err(|error| reason(error.into()))
    }
}
