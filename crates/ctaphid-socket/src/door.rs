//! The door: opened at any number of endpoints, with one authenticator behind it.

use std::{convert::Infallible, io};

use tokio::{net::UdpSocket, sync::mpsc, task::JoinSet};
use towline_authenticator::Authenticator;

use crate::{
    Endpoint, Person, Presence,
    driver::Driver,
    endpoint::Kind,
    listener::{QUEUE, Received, serve_tcp, serve_udp},
};

/// Why a door does not open.
#[non_exhaustive]
#[derive(Debug, thiserror::Error)]
pub enum DoorError {
    /// The endpoint can't be listened at.
    #[error("can't listen on {endpoint}: {source}")]
    Listen {
        /// Where.
        endpoint: Endpoint,
        /// Why not.
        source: io::Error,
    },
    /// [`Door::run`] was called without an endpoint.
    #[error("there is no endpoint to listen on: name one, udp:127.0.0.1:8111 say")]
    NoEndpoint,
}

/// Sockets that lead to one software authenticator.
///
/// Every endpoint and connection is a handle to the same device: channels and state are shared, and opening or closing one
/// changes nothing. When the door is dropped, its sockets are closed.
#[derive(Debug)]
pub struct Door {
    listeners: JoinSet<()>,
    #[cfg(unix)]
    files: Vec<crate::unix::SocketFile>,
    inbox: mpsc::Receiver<Received>,
    sender: mpsc::Sender<Received>,
}

impl Default for Door {
    fn default() -> Self {
        Self::new()
    }
}

impl Door {
    /// A door that is open nowhere yet.
    #[must_use]
    pub fn new() -> Self {
        let (sender, inbox) = mpsc::channel(QUEUE);
        Self {
            listeners: JoinSet::new(),
            #[cfg(unix)]
            files: Vec::new(),
            inbox,
            sender,
        }
    }

    /// Opens the door at an endpoint, and returns where that is: with the port that the system chose, if it had to.
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
        self.listeners.spawn(serve_udp(socket, self.sender.clone()));
        Ok(bound)
    }

    async fn listen_tcp(&mut self, address: std::net::SocketAddr) -> io::Result<Endpoint> {
        let listener = tokio::net::TcpListener::bind(address).await?;
        let bound = Endpoint(Kind::Tcp(listener.local_addr()?));
        self.listeners.spawn(serve_tcp(listener, self.sender.clone()));
        Ok(bound)
    }

    #[cfg(unix)]
    fn listen_unix(&mut self, path: &std::path::Path) -> io::Result<Endpoint> {
        let (listener, file) = crate::unix::bind(path)?;
        self.files.push(file);
        self.listeners.spawn(crate::listener::serve_unix(listener, self.sender.clone()));
        Ok(Endpoint(Kind::Unix(path.to_owned())))
    }

    /// Serves, until the future is dropped. That it starts is a power-up of the authenticator.
    ///
    /// # Errors
    /// [`DoorError::NoEndpoint`].
    pub async fn run<P: Person>(
        mut self,
        authenticator: Authenticator,
        presence: Presence<P>,
    ) -> Result<Infallible, DoorError> {
        if self.listeners.is_empty() {
            return Err(DoorError::NoEndpoint);
        }
        let simulated = matches!(presence, Presence::Simulated(_));
        let (Presence::Ask(person) | Presence::Simulated(person)) = presence;
        let driver = Driver::new(authenticator, simulated);
        Ok(driver.run(&mut self.inbox, person).await)
    }
}
