//! The door: opened at any number of endpoints, with one authenticator behind it.

use std::io;

use tokio::{net::UdpSocket, task::JoinSet};
use towline_ctaphid_tokio::Reports;

use crate::{
    Endpoint,
    endpoint::Kind,
    listener::{serve_tcp, serve_udp},
};

/// Why a door does not open.
#[non_exhaustive]
#[derive(Debug, thiserror::Error)]
pub enum DoorError {
    /// The endpoint can't be listened at.
    #[error("can't listen on {endpoint}: {source}")]
    Listen {
        /// The endpoint that was asked for.
        endpoint: Endpoint,
        /// What the operating system said.
        source: io::Error,
    },
}

/// Sockets that lead to one security key. When the door is dropped, they are closed.
#[derive(Debug)]
pub struct Door {
    listeners: JoinSet<()>,
    #[cfg(unix)]
    files: Vec<crate::unix::SocketFile>,
    reports: Reports,
}

impl Door {
    /// A door to the key that takes these reports. It is open nowhere yet.
    #[must_use]
    pub fn new(reports: Reports) -> Self {
        Self {
            listeners: JoinSet::new(),
            #[cfg(unix)]
            files: Vec::new(),
            reports,
        }
    }

    /// Opens the door at an endpoint, and returns where that is: with the port that the system
    /// chose, if it had to.
    ///
    /// # Errors
    /// [`DoorError::Listen`], when the address is in use, say.
    pub async fn listen(&mut self, endpoint: &Endpoint) -> Result<Endpoint, DoorError> {
        let opened = match &endpoint.0 {
            Kind::Udp(address) => self.listen_udp(*address).await,
            Kind::Tcp(address) => self.listen_tcp(*address).await,
            #[cfg(unix)]
            Kind::Unix(path) => self.listen_unix(path),
            #[cfg(not(unix))]
            Kind::Unix(_) => Err(io::ErrorKind::Unsupported.into()),
        };
        opened.map_err(|source| DoorError::Listen { endpoint: endpoint.clone(), source })
    }

    async fn listen_udp(&mut self, address: std::net::SocketAddr) -> io::Result<Endpoint> {
        let socket = UdpSocket::bind(address).await?;
        let bound = Endpoint(Kind::Udp(socket.local_addr()?));
        self.listeners.spawn(serve_udp(socket, self.reports.clone()));
        Ok(bound)
    }

    async fn listen_tcp(&mut self, address: std::net::SocketAddr) -> io::Result<Endpoint> {
        let listener = tokio::net::TcpListener::bind(address).await?;
        let bound = Endpoint(Kind::Tcp(listener.local_addr()?));
        self.listeners.spawn(serve_tcp(listener, self.reports.clone()));
        Ok(bound)
    }

    #[cfg(unix)]
    fn listen_unix(&mut self, path: &std::path::Path) -> io::Result<Endpoint> {
        let (listener, file) = crate::unix::bind(path)?;
        self.files.push(file);
        self.listeners.spawn(crate::listener::serve_unix(listener, self.reports.clone()));
        Ok(Endpoint(Kind::Unix(path.to_owned())))
    }
}
