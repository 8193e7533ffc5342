//! Why a server's certificate was refused, in words.

use std::io;

use rustls::{CertificateError as Reason, Error};

/// Why TLS with a server failed, for a person: what rustls says, and where it takes an expert to
/// understand that, what is wrong with the certificate. A certificate out of its time is more often
/// this machine's clock.
#[must_use]
pub fn why_not_trusted(error: &io::Error) -> String {
    let Some(Error::InvalidCertificate(reason)) =
        error.get_ref().and_then(|error| error.downcast_ref())
    else {
        return error.to_string();
    };
    match reason {
        Reason::Expired
        | Reason::ExpiredContext { .. }
        | Reason::NotValidYet
        | Reason::NotValidYetContext { .. } => format!("{error}; is this machine's clock right?"),
        Reason::UnknownIssuer => {
            "its certificate is not issued by anybody who is trusted here".to_owned()
        }
        // What comes of `openssl req -x509` without more.
        Reason::Other(other) if other.to_string().contains("CaUsedAsEndEntity") => {
            "its certificate is that of an authority, which a server may not show; make one with \
             basicConstraints=critical,CA:FALSE"
                .to_owned()
        }
        _ => error.to_string(),
    }
}
