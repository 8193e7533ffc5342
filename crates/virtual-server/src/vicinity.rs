//! Where the phones and computers of the service meet.

use std::{fmt, sync::Arc};

use tokio::sync::OnceCell;
use towline_virtual_phone::{
    FakeComputer, Place,
    towline::{PhoneTransport, radio::Scanner},
};

use crate::ServiceError;

/// The radio and the relay by which phones and computers meet: those that other programs use as
/// well, or the machine's own Bluetooth and a real relay, so that a browser on it can be signed in
/// on. Without one the service has an air and a relay of its own, which nobody else hears.
#[derive(Clone)]
pub struct Vicinity {
    /// What phones advertise by, the way to their relay, and its number.
    pub phones: PhoneTransport,
    /// What computers hear phones by. They connect to relays as phones do.
    pub scanner: Arc<dyn Scanner>,
}

impl fmt::Debug for Vicinity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vicinity")
            .field("radio", &self.phones.advertiser.description())
            .finish_non_exhaustive()
    }
}

/// The vicinity of a service: what it was given, or its own from the first time that it is needed.
#[derive(Default)]
pub(crate) struct Meeting {
    given: Option<Vicinity>,
    own: OnceCell<Place>,
}

impl Meeting {
    pub(crate) fn at(given: Vicinity) -> Self {
        Self { given: Some(given), own: OnceCell::new() }
    }

    pub(crate) async fn phones(&self) -> Result<PhoneTransport, ServiceError> {
        match &self.given {
            Some(given) => Ok(given.phones.clone()),
            None => Ok(self.own().await?.phone_transport()),
        }
    }

    pub(crate) async fn computer(&self) -> Result<FakeComputer, ServiceError> {
        match &self.given {
            Some(given) => {
                let connector = given.phones.connector.clone();
                Ok(FakeComputer::over(given.scanner.clone(), connector))
            }
            None => Ok(FakeComputer::at(self.own().await?)),
        }
    }

    async fn own(&self) -> Result<&Place, ServiceError> {
        let opened = self.own.get_or_try_init(Place::open).await;
        opened.map_err(|error| ServiceError::NoRelay(error.to_string()))
    }
}
