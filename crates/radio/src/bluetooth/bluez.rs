//! BlueZ by `bluer`: what its adapter is like, and advertising.

use std::{collections::BTreeMap, time::Duration};

use bluer::{
    ErrorKind, Session, Uuid,
    adv::{self, AdvertisementHandle},
};
use tokio::{
    task::yield_now,
    time::{sleep, timeout},
};

use super::{
    daemon::Daemon,
    reason::{no_session, reason},
};
use crate::{FIDO_UUID16, RadioError};

/// How often it is checked that an advert is still on the air: BlueZ tells its owner only by a call
/// that `bluer` ignores.
const CHECK: Duration = Duration::from_secs(1);

/// The service's UUID in full: the Bluetooth base UUID with its 16 bits.
fn service() -> Uuid {
    Uuid::from_u128((u128::from(FIDO_UUID16) << 96) | 0x0000_0000_0000_1000_8000_0080_5f9b_34fb)
}

/// An adapter that is there and switched on.
pub(super) struct Adapter {
    adapter: bluer::Adapter,
}

impl Adapter {
    /// The adapter of this name, or the first.
    pub(super) async fn open(name: Option<&str>) -> Result<Self, RadioError> {
        let session = Session::new().await.map_err(no_session)?;
        let mut names = session.adapter_names().await.map_err(reason)?;
        names.sort();
        let adapter = match name {
            Some(name) if names.iter().all(|known| known != name) => {
                let known = if names.is_empty() { "none".into() } else { names.join(", ") };
                return Err(RadioError::UnknownAdapter { name: name.into(), known });
            }
            Some(name) => name,
            None => names.first().ok_or(RadioError::NoAdapter)?,
        };
        let adapter = session.adapter(adapter).map_err(reason)?;
        if adapter.is_powered().await.map_err(reason)? {
            Ok(Self { adapter })
        } else {
            Err(RadioError::Off)
        }
    }

    pub(super) fn name(&self) -> &str {
        self.adapter.name()
    }

    /// Whether there is room for one more advert.
    pub(super) async fn can_advertise(&self) -> Result<(), RadioError> {
        match self.adapter.supported_advertising_instances().await {
            Ok(0) => Err(RadioError::Busy),
            Ok(_) => Ok(()),
            // An adapter without Low Energy, or one that only receives, does not have the
            // interface.
            Err(error) => Err(match reason(error) {
                RadioError::Lost { .. } => RadioError::CannotAdvertise,
                other => other,
            }),
        }
    }

    /// Flags, the UUID and 20 bytes of data fill the 31 bytes of an advert exactly: there is no
    /// room for anything else.
    ///
    /// How often it is repeated is left to BlueZ, which takes an interval as an experimental
    /// setting only. The simulated air has one of its own:
    /// [`ADVERT_INTERVAL`](crate::air::ADVERT_INTERVAL).
    pub(super) async fn advertise(self, service_data: Vec<u8>) -> Result<OnAir, RadioError> {
        let advertisement = adv::Advertisement {
            advertisement_type: adv::Type::Peripheral,
            service_uuids: [service()].into(),
            service_data: BTreeMap::from([(service(), service_data)]),
            ..adv::Advertisement::default()
        };
        let daemon = Daemon::find().await?;
        let handle = self.adapter.advertise(advertisement).await.map_err(|error| {
            match (&error.kind, reason(error.clone())) {
                // What BlueZ says to an advert that the controller refuses, for its length most of
                // all.
                (ErrorKind::Failed | ErrorKind::InvalidLength | ErrorKind::InvalidArguments, _) => {
                    RadioError::CannotAdvertise
                }
                (_, other) => other,
            }
        })?;
        Ok(OnAir { adapter: self.adapter, daemon, handle })
    }
}

/// An advert that BlueZ broadcasts, until this is dropped.
pub(super) struct OnAir {
    adapter: bluer::Adapter,
    daemon: Daemon,
    handle: AdvertisementHandle,
}

impl OnAir {
    /// Resolves when it is not broadcast any more.
    pub(super) async fn stopped(&self) -> RadioError {
        let inactive = async {
            loop {
                sleep(CHECK).await;
                if let Err(error) = self.is_active().await {
                    return error;
                }
            }
        };
        self.daemon.until_gone(inactive).await
    }

    /// Takes it off the air, and waits until BlueZ knows: who only leaves the bus trusts in its
    /// noticing.
    pub(super) async fn stop(self) {
        let Self { adapter, handle, .. } = self;
        // Wakes the task that unregisters it, which is to run before what is asked next.
        drop(handle);
        yield_now().await;
        // Calls are answered in their order.
        let _gone_or_late = timeout(CHECK, adapter.active_advertising_instances()).await;
    }

    async fn is_active(&self) -> Result<(), RadioError> {
        if !self.adapter.is_powered().await.map_err(reason)? {
            return Err(RadioError::Off);
        }
        match self.adapter.active_advertising_instances().await.map_err(reason)? {
            0 => Err(RadioError::lost("the advert is gone")),
            _ => Ok(()),
        }
    }
}
