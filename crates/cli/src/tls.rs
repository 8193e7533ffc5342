//! What certificates are trusted: the system's, or those of a file.

use std::{path::Path, sync::Arc};

use rustls::{
    ClientConfig, RootCertStore,
    crypto::{CryptoProvider, ring},
    pki_types::{CertificateDer, pem::PemObject as _},
};
use rustls_platform_verifier::BuilderVerifierExt as _;

use crate::exit::Failure;

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

/// The certificates of a PEM file; at least one.
pub(crate) fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, Failure> {
    let unusable = |what: String| {
        Failure::usage(
            "certificates",
            format!("{} has no usable certificates: {what}", path.display()),
        )
    };
    let found: Result<Vec<_>, _> =
        CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let found = found.map_err(|error| unusable(error.to_string()))?;
    if found.is_empty() { Err(unusable("it holds none in PEM form".into())) } else { Ok(found) }
}

/// Roots from a file.
pub(crate) fn roots(path: &Path) -> Result<RootCertStore, Failure> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path)? {
        roots.add(certificate).map_err(|error| {
            let message =
                format!("{} holds a certificate that can't be a root: {error}", path.display());
            Failure::usage("certificates", message)
        })?;
    }
    Ok(roots)
}

/// What a client trusts: the file's certificates, or what the system trusts.
pub(crate) fn client(ca: Option<&Path>) -> Result<ClientConfig, Failure> {
    let failed = |error: rustls::Error| {
        Failure::environment(
            "roots",
            format!("the system's trusted certificates can't be used: {error}"),
        )
    };
    let builder = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(failed)?;
    let builder = match ca {
        Some(path) => builder.with_root_certificates(roots(path)?),
        None => builder.with_platform_verifier().map_err(failed)?,
    };
    Ok(builder.with_no_client_auth())
}
