//! The radio of a session: one that broadcasts, one that listens, or none.

use std::future::pending;
use std::sync::Arc;

use towline_hybrid::Advert;
use towline_radio::{Advertisement, Advertiser, BoxFuture, RadioError, Scan, Scanner};

/// What a session was given to reach the other side by.
pub(crate) enum Antenna {
    Advertiser(Arc<dyn Advertiser>),
    Scanner(Arc<dyn Scanner>),
    None,
}

impl Antenna {
    /// Which radio this is. A simulated one says so.
    pub(crate) fn description(&self) -> String {
        match self {
            Self::Advertiser(advertiser) => advertiser.description(),
            Self::Scanner(scanner) => scanner.description(),
            Self::None => String::new(),
        }
    }

    pub(crate) fn advertise(&self, advert: Advert) -> Radio {
        let Self::Advertiser(advertiser) = self else { return Radio::missing() };
        let advertiser = advertiser.clone();
        Radio::Starting(Box::pin(async move {
            advertiser.advertise(advert.as_bytes()).await.map(Running::Advertisement)
        }))
    }

    pub(crate) fn scan(&self) -> Radio {
        let Self::Scanner(scanner) = self else { return Radio::missing() };
        let scanner = scanner.clone();
        Radio::Starting(Box::pin(async move { scanner.scan().await.map(Running::Scan) }))
    }
}

/// The radio, as far as it is on.
pub(crate) enum Radio {
    Off,
    Starting(BoxFuture<'static, Result<Running, RadioError>>),
    On(Running),
}

/// What a radio does.
pub(crate) enum Running {
    Advertisement(Box<dyn Advertisement>),
    Scan(Box<dyn Scan>),
}

/// What happened with a [`Radio`].
pub(crate) enum RadioNews {
    Started,
    /// Service data that was heard.
    Advert(Vec<u8>),
    /// The radio failed, and is off.
    Failed(RadioError),
}

impl Radio {
    /// Fails as soon as it is looked at.
    fn missing() -> Self {
        Self::Starting(Box::pin(async { Err(RadioError::NoAdapter) }))
    }

    /// What the radio has to say next. Cancel-safe.
    pub(crate) async fn next(&mut self) -> RadioNews {
        let error = match self {
            Self::Off => return pending().await,
            Self::Starting(starting) => match starting.await {
                Ok(running) => {
                    *self = Self::On(running);
                    return RadioNews::Started;
                }
                Err(error) => error,
            },
            Self::On(Running::Advertisement(advertisement)) => advertisement.stopped().await,
            Self::On(Running::Scan(scan)) => match scan.next().await {
                Ok(sighting) => return RadioNews::Advert(sighting.service_data),
                Err(error) => error,
            },
        };
        *self = Self::Off;
        RadioNews::Failed(error)
    }
}
