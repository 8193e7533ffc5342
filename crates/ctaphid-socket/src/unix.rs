//! A Unix socket that only its owner can use.

use std::{
    fs, io,
    os::unix::{
        fs::{FileTypeExt, PermissionsExt},
        net::UnixStream,
    },
    path::{Path, PathBuf},
};

use socket2::{Domain, SockAddr, Socket, Type};
use tokio::net::UnixListener;

/// The socket's name in the file system, which goes when the socket does.
#[derive(Debug)]
pub(crate) struct SocketFile(PathBuf);

impl Drop for SocketFile {
    fn drop(&mut self) {
        // Somebody else may have removed it.
        let _ = fs::remove_file(&self.0);
    }
}

/// Binds a socket to the path. One that was left behind, and nobody listens at, is replaced; other
/// files are not.
pub(crate) fn bind(path: &Path) -> io::Result<(UnixListener, SocketFile)> {
    // To connect to a file that is no socket is refused in the same way.
    if fs::symlink_metadata(path).is_ok_and(|found| found.file_type().is_socket())
        && let Err(error) = UnixStream::connect(path)
        && error.kind() == io::ErrorKind::ConnectionRefused
    {
        fs::remove_file(path)?;
    }
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.bind(&SockAddr::unix(path)?)?;
    let file = SocketFile(path.to_owned());
    // Nobody can connect before `listen`, so that nobody comes before the permissions are as they
    // should be.
    fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
    socket.listen(16)?;
    socket.set_nonblocking(true)?;
    Ok((UnixListener::from_std(socket.into())?, file))
}
