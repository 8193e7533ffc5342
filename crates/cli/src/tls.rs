//! What certificates are trusted: the system's, or those of a file.

use std::{path::Path, sync::Arc};

use rustls::{
    ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::{CryptoProvider, ring},
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject as _},
};
use rustls_platform_verifier::Verifier;

use crate::exit::Failure;

/// A client that trusts the file's certificates, or what the system trusts. `relay` is the name
/// that certificates must have, whatever the connection is made for: a relay that the person named
/// stands in for every tunnel domain.
pub(crate) fn client(
    ca: Option<&Path>,
    relay: Option<ServerName<'static>>,
) -> Result<ClientConfig, Failure> {
    let failed = |error: Error| {
        Failure::environment(
            "roots",
            format!("the system's trusted certificates can't be used: {error}"),
        )
    };
    let provider = Arc::new(ring::default_provider());
    let mut verifier = verifier(ca, &provider)?;
    if let Some(name) = relay {
        verifier = Arc::new(Named { verifier, name });
    }
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(failed)?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

fn verifier(
    ca: Option<&Path>,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>, Failure> {
    let Some(path) = ca else {
        let platform = Verifier::new(Arc::clone(provider)).map_err(|error| {
            Failure::environment(
                "roots",
                format!("the system's trusted certificates can't be used: {error}"),
            )
        })?;
        return Ok(Arc::new(platform));
    };
    let unusable = |what: String| {
        Failure::usage(
            "certificates",
            format!("{} has no usable certificates: {what}", path.display()),
        )
    };
    let mut roots = RootCertStore::empty();
    for certificate in
        CertificateDer::pem_file_iter(path).map_err(|error| unusable(error.to_string()))?
    {
        let certificate = certificate.map_err(|error| unusable(error.to_string()))?;
        roots.add(certificate).map_err(|error| unusable(error.to_string()))?;
    }
    let verifier =
        WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider)).build();
    Ok(verifier.map_err(|_| unusable("it holds none in PEM form".into()))?)
}

/// Checks certificates for one name.
#[derive(Debug)]
struct Named {
    verifier: Arc<dyn ServerCertVerifier>,
    name: ServerName<'static>,
}

impl ServerCertVerifier for Named {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.verifier.verify_server_cert(end_entity, intermediates, &self.name, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verifier.verify_tls12_signature(message, cert, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verifier.verify_tls13_signature(message, cert, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.verifier.supported_verify_schemes()
    }
}
