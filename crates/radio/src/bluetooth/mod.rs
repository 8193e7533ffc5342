//! The machine's own Bluetooth adapter: `btleplug` listens, `bluer` (Linux) broadcasts.

use std::{fmt, future::Future, time::Duration};

use tokio::time::timeout;

use crate::{Advertisement, Advertiser, BoxFuture, MAX_SERVICE_DATA, RadioError, Scan, Scanner};

#[cfg(target_os = "linux")]
mod bluez;
mod central;

/// How long the Bluetooth service may take to answer.
const PATIENCE: Duration = Duration::from_secs(15);

/// How long one attempt to advertise may take. BlueZ asks back for the advert, and on a busy machine that call was seen to lie
/// unread in a connection that several threads use.
#[cfg(target_os = "linux")]
const ATTEMPT: Duration = Duration::from_secs(4);

/// The machine's own Bluetooth adapter.
///
/// It is never switched on by this crate: if it is off, that is a [`RadioError::Off`] for the person to see to. Nothing is
/// sent or received but between the start of an advert or a scan and its drop. Needs a tokio runtime.
///
/// ```no_run
/// use towline_radio::{Bluetooth, Scanner};
///
/// # async fn listen() -> Result<(), towline_radio::RadioError> {
/// let bluetooth = Bluetooth::new();
/// let preflight = bluetooth.preflight().await;
/// println!("{preflight}"); // one line for listening, one for broadcasting
/// preflight.scan?;
/// let mut scan = bluetooth.scan().await?;
/// println!("{:?}", scan.next().await?);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Default)]
pub struct Bluetooth {
    adapter: Option<String>,
    central: central::Central,
}

impl Bluetooth {
    /// The first adapter that there is.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The adapter of this name, as the platform calls it: `hci0` and the like on Linux.
    #[must_use]
    pub fn with_adapter(name: impl Into<String>) -> Self {
        Self { adapter: Some(name.into()), ..Self::default() }
    }

    /// Looks what the adapter can do now, without any radio traffic.
    pub async fn preflight(&self) -> Preflight {
        #[cfg(target_os = "linux")]
        {
            let adapter = answered(bluez::Adapter::open(self.name())).await;
            let advertise = match &adapter {
                Ok(adapter) => answered(adapter.can_advertise()).await,
                Err(error) => Err(error.clone()),
            };
            Preflight {
                adapter: adapter.as_ref().ok().map(|adapter| adapter.name().to_owned()),
                scan: adapter.map(|_| ()),
                advertise,
            }
        }
        #[cfg(not(target_os = "linux"))]
        {
            let adapter = answered(self.central.open(self.name())).await;
            Preflight {
                adapter: self.adapter.clone().filter(|_| adapter.is_ok()),
                scan: adapter.map(|_| ()),
                advertise: Err(RadioError::CannotAdvertise),
            }
        }
    }

    fn name(&self) -> Option<&str> {
        self.adapter.as_deref()
    }
}

impl Scanner for Bluetooth {
    fn scan(&self) -> BoxFuture<'_, Result<Box<dyn Scan>, RadioError>> {
        Box::pin(answered(async {
            // Says why not, in terms that btleplug does not have.
            #[cfg(target_os = "linux")]
            bluez::Adapter::open(self.name()).await?;
            let scan: Box<dyn Scan> = Box::new(self.central.scan(self.name()).await?);
            Ok(scan)
        }))
    }

    fn description(&self) -> String {
        self.to_string()
    }
}

impl Advertiser for Bluetooth {
    fn advertise<'a>(
        &'a self,
        service_data: &[u8],
    ) -> BoxFuture<'a, Result<Box<dyn Advertisement>, RadioError>> {
        let length = service_data.len();
        let service_data = service_data.to_vec();
        Box::pin(answered(async move {
            if length > MAX_SERVICE_DATA {
                return Err(RadioError::TooLong { length });
            }
            #[cfg(target_os = "linux")]
            loop {
                let attempt = async {
                    let adapter = bluez::Adapter::open(self.name()).await?;
                    adapter.can_advertise().await?;
                    adapter.advertise(service_data.clone()).await
                };
                // Over a new connection; what was registered over the other goes with it.
                if let Ok(result) = timeout(ATTEMPT, attempt).await {
                    let advert: Box<dyn Advertisement> = Box::new(result?);
                    return Ok(advert);
                }
            }
            #[cfg(not(target_os = "linux"))]
            {
                drop(service_data);
                Err(RadioError::CannotAdvertise)
            }
        }))
    }

    fn description(&self) -> String {
        self.to_string()
    }
}

/// A service that hangs is as good as none.
async fn answered<T>(
    question: impl Future<Output = Result<T, RadioError>>,
) -> Result<T, RadioError> {
    let silence = || Err(RadioError::NoService { detail: "it does not answer".into() });
    timeout(PATIENCE, question).await.unwrap_or_else(|_| silence())
}

impl fmt::Display for Bluetooth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.adapter {
            Some(adapter) => write!(f, "Bluetooth ({adapter})"),
            None => f.write_str("Bluetooth"),
        }
    }
}

/// What an adapter can do now; where it can't, the reason is a sentence that says what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preflight {
    /// The adapter that was found, as the platform calls it, if that is known.
    pub adapter: Option<String>,
    /// Whether it can listen, as a computer does.
    pub scan: Result<(), RadioError>,
    /// Whether it can broadcast, as a phone does.
    pub advertise: Result<(), RadioError>,
}

impl fmt::Display for Preflight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = |result: &Result<(), RadioError>| match result {
            Ok(()) => "yes".to_owned(),
            Err(error) => format!("no: {error}"),
        };
        writeln!(f, "listen for phones: {}", line(&self.scan))?;
        write!(f, "broadcast as a phone: {}", line(&self.advertise))
    }
}
