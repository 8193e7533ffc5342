//! How commands reach a TPM: the kernel's device, or a socket of a TPM in software.

use std::{
    fmt,
    fs::{File, OpenOptions},
    io::{self, Read, Write},
    net::{SocketAddr, TcpStream},
    path::{Path, PathBuf},
    str::FromStr,
    thread,
    time::Duration,
};

use crate::response::LONGEST_RESPONSE;

/// Where the kernel has the TPM behind its resource manager.
pub const DEVICE: &str = "/dev/tpmrm0";

/// A way to a TPM: one command at a time, and its response.
pub trait TpmTransport: Send {
    /// Sends a command and waits for the response, which replaces what is in `response`.
    ///
    /// # Errors
    /// Whatever breaks the connection; it is not used any more then.
    fn exchange(&mut self, command: &[u8], response: &mut Vec<u8>) -> io::Result<()>;

    /// Lets time pass before a command is sent again.
    fn pause(&mut self, time: Duration) {
        thread::sleep(time);
    }

    /// Whether somebody between here and the TPM keeps the users of it apart and flushes what they
    /// leave behind. Otherwise whatever is in the TPM's memory is ours to flush.
    fn is_managed(&self) -> bool;
}

/// Where a TPM is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TpmPlace {
    /// A device of the kernel, with the resource manager.
    Device(PathBuf),
    /// A TPM in software (`swtpm --server type=tcp`).
    Tcp(SocketAddr),
    /// A TPM in software (`swtpm --server type=unixio`).
    Unix(PathBuf),
}

impl Default for TpmPlace {
    fn default() -> Self {
        Self::Device(DEVICE.into())
    }
}

/// It is no place of a TPM.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a TPM is at /dev/tpmrm0, tcp:127.0.0.1:2321 or unix:/run/swtpm.sock")]
pub struct NoTpmPlace;

impl FromStr for TpmPlace {
    type Err = NoTpmPlace;

    fn from_str(text: &str) -> Result<Self, NoTpmPlace> {
        if let Some(address) = text.strip_prefix("tcp:") {
            return address.parse().map(Self::Tcp).map_err(|_| NoTpmPlace);
        }
        if let Some(path) = text.strip_prefix("unix:") {
            return if path.is_empty() { Err(NoTpmPlace) } else { Ok(Self::Unix(path.into())) };
        }
        if text.starts_with('/') { Ok(Self::Device(text.into())) } else { Err(NoTpmPlace) }
    }
}

impl fmt::Display for TpmPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Device(path) => write!(f, "{}", path.display()),
            Self::Tcp(address) => write!(f, "tcp:{address}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// Why a TPM can't be opened, and what to do about it.
#[non_exhaustive]
#[derive(Debug, thiserror::Error)]
pub enum TpmOpenError {
    /// Nothing answers at this place.
    #[error(
        "there is no TPM at {0}: turn it on in the firmware settings of the machine (\"TPM\", \
         \"PTT\", \"fTPM\" or \"Security device\"), or leave out `--keys tpm`"
    )]
    NoDevice(TpmPlace),
    /// It is somebody else's to use.
    #[error(
        "no permission to use the TPM at {0}: join its group (`sudo usermod -aG tss $USER`, then \
         log in again)"
    )]
    NoPermission(TpmPlace),
    /// Another program has it to itself.
    #[error(
        "another program has the TPM at {0} to itself: stop it, or use /dev/tpmrm0, which several \
         can use"
    )]
    Busy(TpmPlace),
    /// The system says something else.
    #[error("the TPM at {0} can't be opened: {1}")]
    Other(TpmPlace, #[source] io::Error),
}

impl TpmPlace {
    /// Opens it. Whoever asks waits for an answer at most so long at a time; of a device, which
    /// has no such limit, for ever.
    ///
    /// # Errors
    /// [`TpmOpenError`].
    pub fn open(&self, patience: Duration) -> Result<Box<dyn TpmTransport>, TpmOpenError> {
        let opened: io::Result<Box<dyn TpmTransport>> = match self {
            Self::Device(path) => device(path),
            Self::Tcp(address) => TcpStream::connect_timeout(address, patience).and_then(|tcp| {
                tcp.set_nodelay(true)?;
                tcp.set_read_timeout(Some(patience))?;
                tcp.set_write_timeout(Some(patience))?;
                Ok(stream(tcp, false))
            }),
            Self::Unix(path) => unix(path, patience),
        };
        opened.map_err(|error| match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => {
                TpmOpenError::NoDevice(self.clone())
            }
            io::ErrorKind::PermissionDenied => TpmOpenError::NoPermission(self.clone()),
            io::ErrorKind::ResourceBusy => TpmOpenError::Busy(self.clone()),
            _ => TpmOpenError::Other(self.clone(), error),
        })
    }
}

fn stream(stream: impl Read + Write + Send + 'static, managed: bool) -> Box<dyn TpmTransport> {
    Box::new(Stream { stream, managed })
}

fn device(path: &Path) -> io::Result<Box<dyn TpmTransport>> {
    let file: File = OpenOptions::new().read(true).write(true).open(path)?;
    let managed = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("tpmrm"));
    Ok(stream(file, managed))
}

#[cfg(unix)]
fn unix(path: &Path, patience: Duration) -> io::Result<Box<dyn TpmTransport>> {
    let unix = std::os::unix::net::UnixStream::connect(path)?;
    unix.set_read_timeout(Some(patience))?;
    unix.set_write_timeout(Some(patience))?;
    Ok(stream(unix, false))
}

#[cfg(not(unix))]
fn unix(_: &Path, _: Duration) -> io::Result<Box<dyn TpmTransport>> {
    Err(io::Error::from(io::ErrorKind::Unsupported))
}

/// Anything that bytes go into and come out of. A command goes in one write, as the kernel wants.
struct Stream<S> {
    stream: S,
    managed: bool,
}

impl<S: Read + Write + Send> TpmTransport for Stream<S> {
    fn exchange(&mut self, command: &[u8], response: &mut Vec<u8>) -> io::Result<()> {
        self.stream.write_all(command)?;
        self.stream.flush()?;
        response.clear();
        let mut buffer = [0; LONGEST_RESPONSE];
        loop {
            let count = self.stream.read(&mut buffer)?;
            if count == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            response.extend_from_slice(buffer.get(..count).unwrap_or_default());
            let Some(length) = response.get(2..6).and_then(|at| at.try_into().ok()) else {
                continue;
            };
            let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
            if length > LONGEST_RESPONSE || response.len() > length {
                return Err(io::Error::from(io::ErrorKind::InvalidData));
            }
            if response.len() == length {
                return Ok(());
            }
        }
    }

    fn is_managed(&self) -> bool {
        self.managed
    }
}
