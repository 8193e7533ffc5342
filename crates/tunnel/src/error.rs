//! Why a relay does not start.

use std::{io, net::SocketAddr, path::PathBuf};

/// Why a relay does not start.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RelayError {
    /// Without TLS only this machine may be served, unless the caller says otherwise.
    #[error(
        "{address} can be reached from other machines: give a certificate and key, or listen on 127.0.0.1"
    )]
    PlainNotLoopback {
        /// The refused address.
        address: SocketAddr,
    },
    /// The address is not to be had.
    #[error("the relay cannot listen on {address} ({reason}); is the port in use?")]
    Bind {
        /// The address that was asked for.
        address: SocketAddr,
        /// The operating system's reason.
        reason: io::ErrorKind,
    },
    /// The certificate chain or the key cannot be used.
    #[error(
        "the relay's certificate or key cannot be used: {detail}; give a PEM certificate chain and its key"
    )]
    Certificate {
        /// What is wrong with it.
        detail: String,
    },
    /// A file of the certificate or key can't be read.
    #[error("{} can't be read ({reason}); does it exist, and may the relay read it?", path.display())]
    CertificateFile {
        /// The file, as it was configured.
        path: PathBuf,
        /// The operating system's reason.
        reason: io::ErrorKind,
    },
    /// Another node of the service has this one's number.
    #[error("another node of the service has the number {node}; give each its own by --node")]
    NumberTaken {
        /// The number that both have.
        node: u8,
    },
}

impl RelayError {
    pub(crate) fn certificate(detail: impl ToString) -> Self {
        Self::Certificate { detail: detail.to_string() }
    }
}
