//! The machine's own Bluetooth adapter: `btleplug` listens, `bluer` (Linux) broadcasts.

use std::{fmt, future::Future, time::Duration};

use tokio::{sync::mpsc::Receiver, time::timeout};

use crate::{Advertisement, Advertiser, BoxFuture, RadioError, Scan, Scanner, Sighting};

mod apart;
#[cfg(target_os = "linux")]
mod bluez;
mod central;
#[cfg(target_os = "linux")]
mod daemon;
#[cfg(target_os = "linux")]
mod reason;

/// How long the Bluetooth service may take to answer.
const PATIENCE: Duration = Duration::from_secs(15);

/// The machine's own Bluetooth adapter.
///
/// It is never switched on by this crate: if it is off, that is a [`RadioError::Off`] for the
/// person to see to. Nothing is sent or received but between the start of an advert or a scan and
/// its drop. Needs a tokio runtime.
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
#[derive(Debug, Clone, Default)]
pub struct Bluetooth {
    adapter: Option<String>,
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
        Self { adapter: Some(name.into()) }
    }

    /// Looks what the adapter can do now, without any radio traffic.
    pub async fn preflight(&self) -> Preflight {
        let name = self.adapter.clone();
        answered(apart::ask(preflight(name))).await.unwrap_or_else(Preflight::none)
    }
}

#[cfg(target_os = "linux")]
async fn preflight(name: Option<String>) -> Preflight {
    match bluez::Adapter::open(name.as_deref()).await {
        Ok(adapter) => Preflight {
            adapter: Some(adapter.name().to_owned()),
            scan: Ok(()),
            advertise: adapter.can_advertise().await,
        },
        Err(error) => Preflight::none(error),
    }
}

#[cfg(not(target_os = "linux"))]
async fn preflight(name: Option<String>) -> Preflight {
    let scan = central::open(name.as_deref()).await.map(|_| ());
    Preflight {
        adapter: name.filter(|_| scan.is_ok()),
        scan,
        advertise: Err(RadioError::CannotAdvertise),
    }
}

impl Scanner for Bluetooth {
    fn scan(&self) -> BoxFuture<'_, Result<Box<dyn Scan>, RadioError>> {
        let name = self.adapter.clone();
        let start = async move { central::Listening::start(name.as_deref()).await };
        let scan = apart::begin(start, |mut listening, sightings| async move {
            tokio::select! {
                error = listening.listen(&sightings) => {
                    let _ = sightings.send(Err(error)).await;
                }
                () = sightings.closed() => {}
            }
            listening.stop().await;
        });
        Box::pin(answered(async {
            let scan: Box<dyn Scan> = Box::new(Running { sightings: scan.await? });
            Ok(scan)
        }))
    }

    fn description(&self) -> String {
        self.to_string()
    }
}

/// A scan, for as long as this is there.
struct Running {
    sightings: Receiver<Result<Sighting, RadioError>>,
}

impl Scan for Running {
    fn next(&mut self) -> BoxFuture<'_, Result<Sighting, RadioError>> {
        Box::pin(async {
            let next = self.sightings.recv().await;
            next.unwrap_or_else(|| Err(RadioError::lost("the scan is over")))
        })
    }
}

impl Advertiser for Bluetooth {
    #[cfg(target_os = "linux")]
    fn advertise<'a>(
        &'a self,
        service_data: &[u8],
    ) -> BoxFuture<'a, Result<Box<dyn Advertisement>, RadioError>> {
        let (name, service_data) = (self.adapter.clone(), service_data.to_vec());
        let start = async move {
            let length = service_data.len();
            if length > crate::MAX_SERVICE_DATA {
                return Err(RadioError::TooLong { length });
            }
            let adapter = bluez::Adapter::open(name.as_deref()).await?;
            adapter.can_advertise().await?;
            adapter.advertise(service_data).await
        };
        let advert = apart::begin(start, |on_air, ends| async move {
            tokio::select! {
                error = on_air.stopped() => {
                    let _ = ends.send(error).await;
                }
                () = ends.closed() => {}
            }
            on_air.stop().await;
        });
        Box::pin(answered(async {
            let advert: Box<dyn Advertisement> = Box::new(OnAir { ends: advert.await? });
            Ok(advert)
        }))
    }

    #[cfg(not(target_os = "linux"))]
    fn advertise<'a>(
        &'a self,
        _service_data: &[u8],
    ) -> BoxFuture<'a, Result<Box<dyn Advertisement>, RadioError>> {
        Box::pin(std::future::ready(Err(RadioError::CannotAdvertise)))
    }

    fn description(&self) -> String {
        self.to_string()
    }
}

/// An advert, for as long as this is there.
#[cfg(target_os = "linux")]
struct OnAir {
    ends: Receiver<RadioError>,
}

#[cfg(target_os = "linux")]
impl Advertisement for OnAir {
    fn stopped(&mut self) -> BoxFuture<'_, RadioError> {
        Box::pin(async {
            let end = self.ends.recv().await;
            end.unwrap_or_else(|| RadioError::lost("the advert is over"))
        })
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

impl Preflight {
    /// Nothing works, for one reason.
    fn none(error: RadioError) -> Self {
        Self { adapter: None, scan: Err(error.clone()), advertise: Err(error) }
    }
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
