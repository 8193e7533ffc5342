//! Both ends of a tunnel, as cheap as they can be: a request from a template, and frames with a
//! mask of zeros.

use std::io::{Error, ErrorKind, Result};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// A connection, with TLS or without.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// How a contestant is reached.
#[derive(Clone)]
pub(crate) struct Way {
    pub(crate) address: SocketAddr,
    pub(crate) tls: Option<TlsConnector>,
}

/// Both ends of one tunnel.
pub(crate) struct Pair {
    pub(crate) phone: Peer,
    pub(crate) computer: Peer,
}

pub(crate) struct Peer(Box<dyn Stream>);

impl Way {
    pub(crate) async fn pair(&self, number: u64) -> Result<Pair> {
        let (phone, head) = self.open(&format!("/cable/new/{number:032X}"), "").await?;
        let name = "x-cable-routing-id: ";
        let routing = head.lines().find_map(|line| {
            line.get(..name.len())?.eq_ignore_ascii_case(name).then(|| line.get(name.len()..))?
        });
        let routing = routing.ok_or_else(|| Error::other(format!("no routing id in {head}")))?;
        let (computer, _) =
            self.open(&format!("/cable/connect/{routing}/{number:032X}"), "").await?;
        Ok(Pair { phone, computer })
    }

    /// A linked phone that waits to be rung.
    pub(crate) async fn listen(&self, number: u64) -> Result<Peer> {
        let key = format!("X-Towline-Contact-Key: {number:064x}\r\n");
        Ok(self.open("/towline/v1/listen", &key).await?.0)
    }

    /// A computer of this address that rings; it waits in the tunnel once the phone has accepted.
    pub(crate) async fn ring(&self, contact: &[u8], from: Ipv4Addr) -> Result<Peer> {
        let path = format!("/cable/contact/{}", URL_SAFE_NO_PAD.encode(contact));
        let header = format!("X-caBLE-Client-Payload: A0\r\nX-Forwarded-For: {from}\r\n");
        Ok(self.open(&path, &header).await?.0)
    }

    async fn open(&self, path: &str, header: &str) -> Result<(Peer, String)> {
        let stream = TcpStream::connect(self.address).await?;
        stream.set_nodelay(true)?;
        let mut stream: Box<dyn Stream> = match &self.tls {
            None => Box::new(stream),
            Some(tls) => {
                let name = ServerName::try_from("localhost").map_err(Error::other)?;
                Box::new(tls.connect(name, stream).await?)
            }
        };
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\
             Sec-WebSocket-Protocol: fido.cable\r\n{header}\r\n"
        );
        stream.write_all(request.as_bytes()).await?;
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            if stream.read_buf(&mut head).await? == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
        }
        let head = String::from_utf8_lossy(&head).into_owned();
        if !head.starts_with("HTTP/1.1 101") {
            return Err(Error::other(head));
        }
        Ok((Peer(stream), head))
    }
}

impl Peer {
    pub(crate) async fn send(&mut self, frame: &[u8]) -> Result<()> {
        self.0.write_all(frame).await
    }

    /// The payload of the next frame, of up to 64 KiB.
    pub(crate) async fn payload(&mut self) -> Result<Vec<u8>> {
        let mut head = [0; 2];
        self.receive(&mut head).await?;
        let [_, length] = head;
        let length = if length == 126 {
            let mut long = [0; 2];
            self.receive(&mut long).await?;
            u16::from_be_bytes(long)
        } else {
            length.into()
        };
        let mut payload = vec![0; length.into()];
        self.receive(&mut payload).await?;
        Ok(payload)
    }

    /// A message of as many bytes as `buffer` has, frame included.
    pub(crate) async fn receive(&mut self, buffer: &mut [u8]) -> Result<()> {
        self.0.read_exact(buffer).await.map(drop)
    }
}

/// A binary message of `length` bytes as a client sends it.
pub(crate) fn frame(length: u16) -> Vec<u8> {
    let mut frame = vec![0x82, 0x80 | 126];
    frame.extend(length.to_be_bytes());
    frame.extend([0; 4]);
    frame.resize(frame.len().saturating_add(length.into()), 0x5a);
    frame
}

/// TLS that takes any certificate: what is measured is a server of our own. Where it `comes_again`
/// it makes half a handshake from the second time on.
pub(crate) fn tls(comes_again: bool) -> Result<TlsConnector> {
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(Error::other)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anybody))
        .with_no_client_auth();
    if !comes_again {
        config.resumption = Resumption::disabled();
    }
    Ok(TlsConnector::from(Arc::new(config)))
}

#[derive(Debug)]
struct Anybody;

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> std::result::Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        ring::default_provider().signature_verification_algorithms.supported_schemes()
    }
}
