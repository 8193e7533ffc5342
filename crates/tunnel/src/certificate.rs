//! The server's certificate: from memory, or from files that are looked at again and again.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};
use rustls::server::{ClientHello, NoServerSessionStorage, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{CipherSuite, Error, InconsistentKeys, ServerConfig};

use crate::RelayError;

/// A server certificate and its key, ready for use with rustls and ring.
#[derive(Clone)]
pub struct Tls {
    pub(crate) config: Arc<ServerConfig>,
    pub(crate) files: Option<Arc<Files>>,
}

impl Tls {
    /// Reads a certificate chain (the server's own first) and a private key, both in PEM.
    ///
    /// # Errors
    /// [`RelayError::Certificate`].
    pub fn from_pem(chain: &[u8], key: &[u8]) -> Result<Self, RelayError> {
        let current = Current::new(certified(read_chain(chain)?, key)?);
        Ok(Self { config: server_config(Arc::new(current))?, files: None })
    }

    /// The same from two files. A relay that runs reads them again every
    /// [`certificate_check`](crate::RelayConfig::certificate_check): connections that come after
    /// they were replaced get the new certificate, and those that are there stay. Files that can't
    /// be used, such as a chain whose key is not written yet, change nothing; they are tried again.
    ///
    /// # Errors
    /// [`RelayError::CertificateFile`] and [`RelayError::Certificate`].
    pub fn from_files(
        chain: impl Into<PathBuf>,
        key: impl Into<PathBuf>,
    ) -> Result<Self, RelayError> {
        let (chain, key) = (chain.into(), key.into());
        let first = certified(read_chain(&read(&chain)?)?, &read(&key)?)?;
        let current = Arc::new(Current::new(first));
        let config = server_config(current.clone())?;
        Ok(Self { config, files: Some(Arc::new(Files { chain, key, current })) })
    }

    /// Takes a finished configuration, for callers with needs of their own. HTTP/2 must not be
    /// negotiated, and early data is refused. Its `max_fragment_size` is not taken over: records
    /// are as long as TLS lets them be.
    #[must_use]
    pub fn from_config(mut config: Arc<ServerConfig>) -> Self {
        // Short records would add more to what is sent than there is room for.
        if config.max_fragment_size.is_some() {
            Arc::make_mut(&mut config).max_fragment_size = None;
        }
        Self { config, files: None }
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tls(..)")
    }
}

/// Where the certificate in use came from.
pub(crate) struct Files {
    chain: PathBuf,
    key: PathBuf,
    current: Arc<Current>,
}

impl Files {
    /// Takes what the files hold now; whether that is something new. Blocks for as long as reading
    /// takes.
    ///
    /// A new certificate for the same key is a new chain, and a new key has a new certificate: an
    /// unchanged chain says it all, and the key is not even read.
    pub(crate) fn reload(&self) -> Result<bool, RelayError> {
        let chain = read_chain(&read(&self.chain)?)?;
        if chain == self.current.get().cert {
            return Ok(false);
        }
        self.current.set(certified(chain, &read(&self.key)?)?);
        Ok(true)
    }
}

/// What the next handshake is made with.
#[derive(Debug)]
struct Current(RwLock<Arc<CertifiedKey>>);

impl Current {
    fn new(certified: CertifiedKey) -> Self {
        Self(RwLock::new(Arc::new(certified)))
    }

    fn get(&self) -> Arc<CertifiedKey> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, certified: CertifiedKey) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(certified);
    }
}

impl ResolvesServerCert for Current {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.get())
    }
}

fn read(path: &Path) -> Result<Vec<u8>, RelayError> {
    std::fs::read(path)
        .map_err(|error| RelayError::CertificateFile { path: path.into(), reason: error.kind() })
}

fn read_chain(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, RelayError> {
    let chain = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| RelayError::certificate(format!("the chain is not PEM ({error})")))?;
    if chain.is_empty() {
        return Err(RelayError::certificate("there is no certificate in the chain"));
    }
    Ok(chain)
}

/// Refuses a key that is not the certificate's.
fn certified(chain: Vec<CertificateDer<'static>>, key: &[u8]) -> Result<CertifiedKey, RelayError> {
    let key = PrivateKeyDer::from_pem_slice(key)
        .map_err(|error| RelayError::certificate(format!("the key is not PEM ({error})")))?;
    CertifiedKey::from_der(chain, key, &ring::default_provider()).map_err(|error| match &error {
        Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
            RelayError::certificate("the key is not that of the chain's first certificate")
        }
        // What comes of `openssl x509 -req` without extensions.
        Error::InvalidCertificate(reason)
            if format!("{reason:?}").contains("UnsupportedCertVersion") =>
        {
            RelayError::certificate(
                "the chain's first certificate is not of version 3: make one with subjectAltName",
            )
        }
        _ => RelayError::certificate(&error),
    })
}

fn server_config(current: Arc<Current>) -> Result<Arc<ServerConfig>, RelayError> {
    let mut provider = ring::default_provider();
    // Whatever the client's order: processors have instructions for SHA-256, and none for SHA-384,
    // which would take a sixth of a handshake. Browsers prefer the same.
    provider.cipher_suites.sort_by_key(|suite| !is_fastest(suite.suite()));
    let mut config = ServerConfig::builder_with_provider(Arc::new(provider))
        .with_safe_default_protocol_versions()
        .map_err(RelayError::certificate)?
        .with_no_client_auth()
        .with_cert_resolver(current);
    config.ignore_client_order = true;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    // A peer that comes again makes half a handshake. What it needs for that it keeps itself, under
    // a key that is replaced every few hours.
    config.ticketer = ring::Ticketer::new().map_err(RelayError::certificate)?;
    config.send_tls13_tickets = 1;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    Ok(Arc::new(config))
}

const fn is_fastest(suite: CipherSuite) -> bool {
    matches!(
        suite,
        CipherSuite::TLS13_AES_128_GCM_SHA256
            | CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256
            | CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256
    )
}
