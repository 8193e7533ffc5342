//! The way on which reports go to a key and come back.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use towline_client::BoxFuture;
use towline_ctap::hid::{REPORT_SIZE, Report};

/// A way to one key: reports of 64 bytes, without report numbers.
pub trait Wire: Send {
    /// Sends a report.
    ///
    /// # Errors
    /// The system's, when the key is gone.
    fn send<'a>(&'a mut self, report: &'a Report) -> BoxFuture<'a, io::Result<()>>;

    /// The next report. Cancel-safe: a future that is dropped takes nothing with it.
    ///
    /// # Errors
    /// The system's, when the key is gone.
    fn receive(&mut self) -> BoxFuture<'_, io::Result<Report>>;
}

/// A [`Wire`] can be an object.
const _: Option<&dyn Wire> = None;

/// The length of a report, big-endian.
const LENGTH: [u8; 2] = [0x00, 0x40];

/// A stream on which each report follows its length in two bytes (`00 40`): TCP, or a Unix socket.
#[derive(Debug)]
pub struct StreamWire<S> {
    stream: S,
    /// What has come of the next report, and how many bytes that is.
    framed: [u8; LENGTH.len() + REPORT_SIZE],
    come: usize,
}

impl<S> StreamWire<S> {
    /// Reports over this stream.
    #[must_use]
    pub const fn new(stream: S) -> Self {
        Self { stream, framed: [0; LENGTH.len() + REPORT_SIZE], come: 0 }
    }
}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Wire for StreamWire<S> {
    fn send<'a>(&'a mut self, report: &'a Report) -> BoxFuture<'a, io::Result<()>> {
        Box::pin(async move {
            let mut framed = [0; LENGTH.len() + REPORT_SIZE];
            let (length, content) = framed.split_at_mut(LENGTH.len());
            length.copy_from_slice(&LENGTH);
            content.copy_from_slice(report);
            self.stream.write_all(&framed).await
        })
    }

    fn receive(&mut self) -> BoxFuture<'_, io::Result<Report>> {
        Box::pin(async move {
            loop {
                let rest = self.framed.get_mut(self.come..).unwrap_or_default();
                if rest.is_empty() {
                    self.come = 0;
                    let (length, content) = self.framed.split_at(LENGTH.len());
                    return match content.try_into() {
                        Ok(report) if length == LENGTH => Ok(report),
                        _ => Err(io::Error::other("no report has the length that was announced")),
                    };
                }
                match self.stream.read(rest).await? {
                    0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                    read => self.come = self.come.saturating_add(read),
                }
            }
        })
    }
}
