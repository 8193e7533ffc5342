//! The air between the processes of one machine: one process is the hub, the others reach it over
//! loopback UDP.

use std::collections::HashMap;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use tokio::net::UdpSocket;
use tokio::task::AbortHandle;
use tokio::time::{Instant, Interval, MissedTickBehavior};

use super::datagram::{Datagram, MAX_DATAGRAM};
use super::{ADVERT_INTERVAL, SIMULATED_RSSI, device_address};
use crate::{
    Advertisement, Advertiser, BoxFuture, FIDO_UUID16, MAX_SERVICE_DATA, RadioError, Scan, Scanner,
    Sighting, is_hybrid_uuid16,
};

/// How often a listener tells the hub that it is still there.
const KEEPALIVE: Duration = Duration::from_secs(1);

/// How long the hub remembers a listener that says nothing.
const LISTENER_LIFETIME: Duration = Duration::from_secs(5);

/// After how many keepalives without a word from the hub a listener gives up: time enough for a hub
/// to be started again.
const UNANSWERED_KEEPALIVES: u8 = 10;

/// How often, and for how long, [`UdpAir::connect`] knocks.
const KNOCK_INTERVAL: Duration = Duration::from_millis(200);
const KNOCKS: usize = 10;

/// More listeners than this are not served: a bound for a hub that strangers on the machine can
/// reach.
const MAX_LISTENERS: usize = 256;

fn require_loopback(address: SocketAddr) -> Result<(), RadioError> {
    if address.ip().to_canonical().is_loopback() {
        Ok(())
    } else {
        Err(RadioError::NotLoopback { address })
    }
}

/// Room for a datagram of the largest size and one byte more, so that a longer one is noticed and
/// not cut.
fn datagram_buffer() -> [u8; MAX_DATAGRAM + 1] {
    [0; MAX_DATAGRAM + 1]
}

/// The hub of a simulated air: passes every advert on to all listeners.
///
/// It runs within [`run`](Self::run) and is gone when that future is dropped. It only binds
/// loopback addresses.
///
/// # The datagram
/// One datagram is one message, all of it in network byte order:
///
/// | offset | size | field |
/// | --- | --- | --- |
/// | 0 | 4 | magic `TAIR` |
/// | 4 | 1 | version, 1 |
/// | 5 | 1 | kind: 1 join, 2 leave, 3 welcome, 4 advert |
/// | 6 | | body; nothing may follow it |
///
/// *Join*, *leave* and *welcome* have no body. *Advert* has this one, on its way to the hub and
/// from it:
///
/// | offset | size | field |
/// | --- | --- | --- |
/// | 6 | 6 | simulated device address |
/// | 12 | 1 | signal strength in dBm, signed; the hub passes it on |
/// | 13 | 2 | service UUID |
/// | 15 | 1 | length of the service data |
/// | 16 | 0 to 255 | service data |
///
/// A listener sends *join* at once and then every second. The hub answers each with *welcome*, and
/// forgets a listener that it has not heard of for five seconds; *leave* only makes that quicker.
/// An advertiser sends its *advert* once per interval, and the hub passes each one on to all other
/// listeners. It keeps none, so that an advertiser that vanishes falls silent like a real one.
/// Whatever is not exactly one such message is ignored by both.
pub struct UdpHub {
    socket: UdpSocket,
    address: SocketAddr,
    listeners: HashMap<SocketAddr, Instant>,
}

impl UdpHub {
    /// Binds the hub to a loopback address; port 0 takes any free one.
    ///
    /// # Errors
    /// [`RadioError::NotLoopback`] and [`RadioError::Unavailable`].
    pub async fn bind(address: SocketAddr) -> Result<Self, RadioError> {
        require_loopback(address)?;
        let unavailable =
            |error: std::io::Error| RadioError::Unavailable { address, reason: error.kind() };
        let socket = UdpSocket::bind(address).await.map_err(unavailable)?;
        let address = socket.local_addr().map_err(unavailable)?;
        Ok(Self { socket, address, listeners: HashMap::new() })
    }

    /// Where the hub is bound.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// What this is, for the person.
    #[must_use]
    pub fn description(&self) -> String {
        format!("simulated air (hub at udp:{})", self.address)
    }

    /// Serves until the future is dropped, or until the socket fails for good.
    pub async fn run(mut self) -> RadioError {
        let mut buffer = datagram_buffer();
        loop {
            match self.socket.recv_from(&mut buffer).await {
                Ok((length, from)) => {
                    let message = buffer.get(..length).and_then(Datagram::decode);
                    if let (Some(message), Ok(())) = (message, require_loopback(from)) {
                        self.handle(message, from);
                    }
                }
                Err(error) if is_transient(&error) => {}
                Err(error) => return RadioError::lost(error),
            }
        }
    }

    fn handle(&mut self, message: Datagram, from: SocketAddr) {
        let now = Instant::now();
        self.listeners.retain(|_, heard| now.saturating_duration_since(*heard) < LISTENER_LIFETIME);
        match message {
            Datagram::Join => {
                if self.listeners.len() >= MAX_LISTENERS && !self.listeners.contains_key(&from) {
                    return;
                }
                self.listeners.insert(from, now);
                self.send(&Datagram::Welcome, std::iter::once(from));
            }
            Datagram::Leave => {
                self.listeners.remove(&from);
            }
            Datagram::Advert { .. } => {
                self.send(
                    &message,
                    self.listeners.keys().copied().filter(|listener| *listener != from),
                );
            }
            Datagram::Welcome => {}
        }
    }

    /// Radio waves do not wait: what the socket cannot take at once is lost.
    fn send(&self, message: &Datagram, to: impl Iterator<Item = SocketAddr>) {
        let Some(bytes) = message.encode() else { return };
        for listener in to {
            let _lost = self.socket.try_send_to(&bytes, listener);
        }
    }
}

/// Whether a UDP socket may simply be read again: the peer of an earlier datagram is gone, nothing
/// more.
fn is_transient(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{ConnectionRefused, ConnectionReset, Interrupted, WouldBlock};
    matches!(error.kind(), ConnectionRefused | ConnectionReset | Interrupted | WouldBlock)
}

/// A simulated radio that reaches the air of a [`UdpHub`] in another process of this machine.
///
/// Every advert and every scan has a socket of its own. A hub that is started again within ten
/// seconds is not noticed.
#[derive(Debug, Clone)]
pub struct UdpAir {
    hub: SocketAddr,
}

impl UdpAir {
    /// Finds the hub at `hub`, which must be a loopback address.
    ///
    /// # Errors
    /// [`RadioError::NotLoopback`], [`RadioError::Unavailable`], and [`RadioError::NoHub`] when
    /// nobody answers within two seconds.
    pub async fn connect(hub: SocketAddr) -> Result<Self, RadioError> {
        let air = Self { hub };
        let socket = air.socket().await?;
        let join = Datagram::Join.encode().unwrap_or_default();
        let mut buffer = datagram_buffer();
        for _ in 0..KNOCKS {
            let _lost = socket.try_send(&join);
            let answer = tokio::time::timeout(KNOCK_INTERVAL, async {
                loop {
                    match socket.recv(&mut buffer).await {
                        Ok(length)
                            if buffer.get(..length).and_then(Datagram::decode)
                                == Some(Datagram::Welcome) =>
                        {
                            return;
                        }
                        Ok(_) => {}
                        // Nobody there yet: let the knock's time pass instead of spinning.
                        Err(_) => std::future::pending::<()>().await,
                    }
                }
            });
            if answer.await.is_ok() {
                let _lost = Datagram::Leave.encode().map(|leave| socket.try_send(&leave));
                return Ok(air);
            }
        }
        Err(RadioError::NoHub { address: hub })
    }

    async fn socket(&self) -> Result<UdpSocket, RadioError> {
        require_loopback(self.hub)?;
        let local: SocketAddr = match self.hub {
            SocketAddr::V4(_) => (Ipv4Addr::LOCALHOST, 0).into(),
            SocketAddr::V6(_) => (Ipv6Addr::LOCALHOST, 0).into(),
        };
        let unavailable = |error: std::io::Error| RadioError::Unavailable {
            address: self.hub,
            reason: error.kind(),
        };
        let socket = UdpSocket::bind(local).await.map_err(unavailable)?;
        socket.connect(self.hub).await.map_err(unavailable)?;
        // tokio learns that a socket takes data from its first wake-up; without it the first
        // `try_send` is lost.
        socket.writable().await.map_err(unavailable)?;
        Ok(socket)
    }
}

impl Advertiser for UdpAir {
    fn advertise<'a>(
        &'a self,
        service_data: &[u8],
    ) -> BoxFuture<'a, Result<Box<dyn Advertisement>, RadioError>> {
        let service_data = service_data.to_vec();
        Box::pin(async move {
            let length = service_data.len();
            let advert = Datagram::Advert {
                address: device_address(),
                rssi: SIMULATED_RSSI,
                uuid16: FIDO_UUID16,
                service_data,
            };
            let Some(advert) = advert.encode().filter(|_| length <= MAX_SERVICE_DATA) else {
                return Err(RadioError::TooLong { length });
            };
            let socket = self.socket().await?;
            let task = tokio::spawn(async move {
                let mut ticks = ticks(ADVERT_INTERVAL);
                loop {
                    ticks.tick().await;
                    let _lost = socket.try_send(&advert);
                }
            });
            Ok::<Box<dyn Advertisement>, _>(Box::new(Sending { task: task.abort_handle() }))
        })
    }

    fn description(&self) -> String {
        format!("simulated radio (air at udp:{})", self.hub)
    }
}

struct Sending {
    task: AbortHandle,
}

impl Advertisement for Sending {
    fn stopped(&mut self) -> BoxFuture<'_, RadioError> {
        // An advertiser hears nothing back, so it cannot tell a hub that is gone from one that is
        // there.
        Box::pin(std::future::pending())
    }
}

impl Drop for Sending {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn ticks(period: Duration) -> Interval {
    let mut ticks = tokio::time::interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

impl Scanner for UdpAir {
    fn scan(&self) -> BoxFuture<'_, Result<Box<dyn Scan>, RadioError>> {
        Box::pin(async move {
            let socket = self.socket().await?;
            let scan = Listening { socket, keepalive: ticks(KEEPALIVE), unanswered: 0 };
            scan.say(&Datagram::Join);
            Ok::<Box<dyn Scan>, _>(Box::new(scan))
        })
    }

    fn description(&self) -> String {
        Advertiser::description(self)
    }
}

struct Listening {
    socket: UdpSocket,
    keepalive: Interval,
    unanswered: u8,
}

impl Listening {
    fn say(&self, message: &Datagram) {
        if let Some(bytes) = message.encode() {
            let _lost = self.socket.try_send(&bytes);
        }
    }

    async fn hear(&mut self) -> Result<Sighting, RadioError> {
        let mut buffer = datagram_buffer();
        loop {
            tokio::select! {
                received = self.socket.recv(&mut buffer) => match received {
                    Ok(length) => {
                        let Some(message) = buffer.get(..length).and_then(Datagram::decode) else { continue };
                        self.unanswered = 0;
                        if let Some(sighting) = message.into_sighting()
                            && is_hybrid_uuid16(sighting.service_uuid16)
                        {
                            return Ok(sighting);
                        }
                    }
                    Err(error) if is_transient(&error) => {}
                    Err(error) => return Err(RadioError::lost(error)),
                },
                _ = self.keepalive.tick() => {
                    if self.unanswered >= UNANSWERED_KEEPALIVES {
                        return Err(RadioError::lost("the simulated air fell silent"));
                    }
                    self.unanswered = self.unanswered.saturating_add(1);
                    self.say(&Datagram::Join);
                }
            }
        }
    }
}

impl Scan for Listening {
    fn next(&mut self) -> BoxFuture<'_, Result<Sighting, RadioError>> {
        Box::pin(self.hear())
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.say(&Datagram::Leave);
    }
}
