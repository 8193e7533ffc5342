//! The other side of a door: a program that uses the key behind it.

use std::{io, net::Ipv4Addr, net::Ipv6Addr, net::SocketAddr};

use tokio::net::{TcpStream, UdpSocket};
use towline_client::BoxFuture;
use towline_ctap::hid::{REPORT_SIZE, Report};
use towline_ctaphid_host::{StreamWire, Wire};

use crate::{Endpoint, endpoint::Kind};

impl Endpoint {
    /// Connects to the key behind this endpoint, for `towline_ctaphid_host::KeyChannel`.
    ///
    /// # Errors
    /// The system's, when nobody listens there. Over UDP that shows with the first report only.
    pub async fn connect(&self) -> io::Result<Box<dyn Wire>> {
        Ok(match &self.0 {
            Kind::Udp(address) => {
                let own: SocketAddr = match address {
                    SocketAddr::V4(_) => (Ipv4Addr::LOCALHOST, 0).into(),
                    SocketAddr::V6(_) => (Ipv6Addr::LOCALHOST, 0).into(),
                };
                let socket = UdpSocket::bind(own).await?;
                // From then on the system drops what comes from elsewhere.
                socket.connect(address).await?;
                Box::new(Datagrams(socket))
            }
            Kind::Tcp(address) => {
                let stream = TcpStream::connect(address).await?;
                stream.set_nodelay(true)?;
                Box::new(StreamWire::new(stream))
            }
            #[cfg(unix)]
            Kind::Unix(path) => {
                Box::new(StreamWire::new(tokio::net::UnixStream::connect(path).await?))
            }
            #[cfg(not(unix))]
            Kind::Unix(_) => return Err(io::ErrorKind::Unsupported.into()),
        })
    }
}

/// One datagram is one report.
struct Datagrams(UdpSocket);

impl Wire for Datagrams {
    fn send<'a>(&'a mut self, report: &'a Report) -> BoxFuture<'a, io::Result<()>> {
        Box::pin(async move { self.0.send(report).await.map(drop) })
    }

    fn receive(&mut self) -> BoxFuture<'_, io::Result<Report>> {
        Box::pin(async move {
            loop {
                // One byte more than a report, so that longer datagrams are told apart.
                let mut datagram = [0; REPORT_SIZE + 1];
                let length = self.0.recv(&mut datagram).await?;
                if let Some(Ok(report)) = datagram.get(..length).map(TryInto::try_into) {
                    return Ok(report);
                }
            }
        })
    }
}
