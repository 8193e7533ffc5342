//! The way to the relay and the radio, as the arguments name them.

use std::{io, net::SocketAddr, sync::Arc};

use rustls::pki_types::ServerName;
use towline::{
    crypto::CryptoProvider,
    radio::{Advertiser, BoxFuture, Scanner, air::UdpAir},
    transport::{Connector, Proxy, Resolve, TunnelConnector},
};
use url::{Host, Url};

use crate::{air::radio_failure, args, event::Event, exit::Failure, report::Report, tls};

/// Opens tunnels: at the relay that `--relay` names, or at the tunnel domains' own hosts.
pub(crate) async fn connector(
    args: &args::Network,
    provider: CryptoProvider,
) -> Result<Arc<dyn Connector>, Failure> {
    let ca = args.ca.as_deref();
    let Some(url) = &args.relay else {
        let config = Arc::new(tls::client(ca, None)?);
        return Ok(Arc::new(
            TunnelConnector::with_tls(config, provider).proxy(Proxy::from_environment()),
        ));
    };
    let (host, port) = host_and_port(url)?;
    if url.scheme() == "ws" {
        let plain = TunnelConnector::plain_loopback(loopback(&host, port).await?);
        let plain = plain.map_err(|error| Failure::usage("not_loopback", error.to_string()))?;
        return Ok(Arc::new(plain));
    }
    let name = tls_name(args, &host)?;
    let config = Arc::new(tls::client(ca, Some(name))?);
    let relay = Arc::new(Relay { host, port });
    let connector = TunnelConnector::with_tls(config, provider).resolver(relay);
    Ok(Arc::new(connector.proxy(Proxy::from_environment())))
}

/// Whose certificate the relay has to have.
pub(crate) fn tls_name(args: &args::Network, host: &str) -> Result<ServerName<'static>, Failure> {
    let name = args.tls_name.as_deref().unwrap_or(host);
    ServerName::try_from(name.to_owned()).map_err(|_| {
        Failure::usage("no_relay", format!("{name} is no name that can have a certificate"))
    })
}

/// The host without brackets, and the port.
pub(crate) fn host_and_port(url: &Url) -> Result<(String, u16), Failure> {
    let host = match url.host() {
        Some(Host::Domain(name)) => name.to_owned(),
        Some(Host::Ipv4(ip)) => ip.to_string(),
        Some(Host::Ipv6(ip)) => ip.to_string(),
        None => return Err(Failure::usage("no_relay", format!("{url} names no host"))),
    };
    Ok((host, url.port_or_known_default().unwrap_or(443)))
}

/// Where to listen: an address, or a name, with a port.
pub(crate) async fn listen_address(text: &str) -> Result<SocketAddr, Failure> {
    if let Ok(address) = text.parse() {
        return Ok(address);
    }
    let parts = text.rsplit_once(':').and_then(|(host, port)| Some((host, port.parse().ok()?)));
    let Some((host, port)) = parts.filter(|(host, _)| !host.is_empty()) else {
        let message =
            format!("{text:?} is no address with a port, such as 127.0.0.1:4433 or localhost:4433");
        return Err(Failure::usage("listen_address", message));
    };
    loopback(host, port).await.map_err(|_| {
        Failure::environment("listen", format!("the name {host:?} has no address to listen on"))
    })
}

/// The address of a relay on this machine. The name `localhost` may stand for several; relays
/// listen on the older one unless told otherwise.
async fn loopback(host: &str, port: u16) -> Result<SocketAddr, Failure> {
    let found = tokio::net::lookup_host((host, port))
        .await
        .ok()
        .and_then(|found| found.min_by_key(SocketAddr::is_ipv6));
    found.ok_or_else(|| {
        Failure::environment("relay", format!("the relay's name {host:?} has no address"))
    })
}

/// Every tunnel domain is at the relay that the person named.
struct Relay {
    host: String,
    port: u16,
}

impl Resolve for Relay {
    fn resolve<'a>(
        &'a self,
        _domain: &'a str,
        _port: u16,
    ) -> BoxFuture<'a, io::Result<Vec<SocketAddr>>> {
        Box::pin(async move {
            Ok(tokio::net::lookup_host((self.host.as_str(), self.port)).await?.collect())
        })
    }

    fn destination(&self, _domain: &str, _port: u16) -> (String, u16) {
        (self.host.clone(), self.port)
    }
}

/// What a radio is wanted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(not(feature = "bluetooth"), allow(dead_code))]
pub(crate) enum Use {
    /// To broadcast, as a phone does.
    Advertise,
    /// To listen, as a computer does.
    Scan,
}

/// A radio for either side.
pub(crate) trait Radio: Advertiser + Scanner {}

impl<T: Advertiser + Scanner> Radio for T {}

/// The radio that `--air` names, which is said to be simulated; without it, the machine's own.
pub(crate) async fn radio(
    args: &args::Radio,
    wanted: Use,
    report: &Report,
) -> Result<Arc<dyn Radio>, Failure> {
    let Some(addr) = args.air else {
        return own(args.adapter.as_deref(), wanted, report).await;
    };
    let air = UdpAir::connect(addr).await.map_err(|error| radio_failure(&error))?;
    report.event(&Event::Radio { description: format!("the air at udp:{addr}"), simulated: true });
    Ok(Arc::new(air))
}

/// The machine's own adapter, if it can do now what it is wanted for.
#[cfg(feature = "bluetooth")]
async fn own(
    adapter: Option<&str>,
    wanted: Use,
    report: &Report,
) -> Result<Arc<dyn Radio>, Failure> {
    let bluetooth = own_adapter(adapter);
    let preflight = bluetooth.preflight().await;
    let able = match wanted {
        Use::Advertise => preflight.advertise,
        Use::Scan => preflight.scan,
    };
    able.map_err(|error| radio_failure(&error))?;
    let description = preflight.adapter.unwrap_or_else(|| "the adapter of this machine".into());
    report.event(&Event::Radio { description, simulated: false });
    Ok(Arc::new(bluetooth))
}

/// The adapter of this name, or the first.
#[cfg(feature = "bluetooth")]
pub(crate) fn own_adapter(name: Option<&str>) -> towline::radio::Bluetooth {
    name.map_or_else(towline::radio::Bluetooth::new, towline::radio::Bluetooth::with_adapter)
}

#[cfg(not(feature = "bluetooth"))]
#[allow(clippy::unused_async)]
async fn own(
    _adapter: Option<&str>,
    _wanted: Use,
    _report: &Report,
) -> Result<Arc<dyn Radio>, Failure> {
    let message = "this program was built without Bluetooth (cargo's feature `bluetooth`); to use a simulated one, run \
                   `towline air --listen udp:127.0.0.1:4434` and pass `--air udp:127.0.0.1:4434` at both ends";
    Err(Failure::environment("no_real_bluetooth", message))
}
