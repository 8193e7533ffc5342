//! Files and their names: made whole or not at all, for their owner only, and durable only when
//! their directory is.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use towline_crypto::CryptoProvider;

use crate::Error;

/// Writes a new file that only its owner can read and write, for what is as secret as what a store
/// holds. It has its name only when it is whole and on the disk, and takes the place of none.
///
/// # Errors
/// [`Error::Exists`], [`Error::DanglingLink`], or whatever goes wrong; there is no half file
/// afterwards.
pub fn write_new_file(path: &Path, bytes: &[u8], provider: &CryptoProvider) -> Result<(), Error> {
    not_there(path)?;
    #[cfg(target_os = "linux")]
    match without_a_name(path, bytes) {
        Ok(()) => return sync_directory(path),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            return Err(Error::Exists(path.to_owned()));
        }
        // Some file systems have no such files. What else is wrong is found out once more.
        Err(_) => {}
    }
    whole_file(path, provider, |mut file| {
        file.write_all(bytes)?;
        Ok(file.sync_all()?)
    })
}

/// The same in a file that has no name before it is whole: whatever ends the program or the machine
/// meanwhile, nothing of it is left.
#[cfg(target_os = "linux")]
fn without_a_name(path: &Path, bytes: &[u8]) -> io::Result<()> {
    use std::os::fd::AsRawFd as _;

    use rustix::fs::{AtFlags, CWD, Mode, OFlags, linkat, open};

    let directory = path.parent().filter(|directory| !directory.as_os_str().is_empty());
    let flags = OFlags::TMPFILE | OFlags::WRONLY | OFlags::CLOEXEC;
    let owner = Mode::RUSR | Mode::WUSR;
    let mut file = File::from(open(directory.unwrap_or(Path::new(".")), flags, owner)?);
    file.write_all(bytes)?;
    file.sync_all()?;
    let name = format!("/proc/self/fd/{}", file.as_raw_fd());
    // Never takes the place of a file that came meanwhile.
    Ok(linkat(CWD, name, CWD, path, AtFlags::SYMLINK_FOLLOW)?)
}

/// Makes a file that only its owner can read and write. What has its name is whole: it is written
/// under another name first.
///
/// # Errors
/// [`Error::Exists`], or whatever goes wrong; there is no half file afterwards.
pub(crate) fn whole_file<T>(
    path: &Path,
    provider: &CryptoProvider,
    write: impl FnOnce(File) -> Result<T, Error>,
) -> Result<T, Error> {
    let unique: [u8; 8] = provider.random.bytes()?;
    let new = beside(path, &format!("{:016x}.new", u64::from_be_bytes(unique)));
    let made = private(OpenOptions::new().read(true).write(true).create_new(true))
        .open(&new)
        .map_err(Error::from)
        .and_then(write)
        .and_then(|made| {
            // Unlike a rename, this never takes the place of a file that came meanwhile.
            match fs::hard_link(&new, path) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    Err(Error::Exists(path.to_owned()))
                }
                // File systems of memory sticks know one name for a file.
                Err(error) if is_unknown(&error) && !path.exists() => {
                    Ok(fs::rename(&new, path).map(|()| made)?)
                }
                linked => Ok(linked.map(|()| made)?),
            }
        });
    // Gone already, if it could not be made.
    let _ = fs::remove_file(&new);
    let made = made?;
    sync_directory(path)?;
    Ok(made)
}

/// That nothing has this name, not even a link that leads nowhere.
///
/// # Errors
/// [`Error::Exists`] or [`Error::DanglingLink`].
pub(crate) fn not_there(path: &Path) -> Result<(), Error> {
    dangling(path)?;
    if path.exists() { Err(Error::Exists(path.to_owned())) } else { Ok(()) }
}

/// # Errors
/// [`Error::DanglingLink`], if it is one.
pub(crate) fn dangling(path: &Path) -> Result<(), Error> {
    match fs::read_link(path) {
        Ok(to) if !path.exists() => Err(Error::DanglingLink { link: path.to_owned(), to }),
        _ => Ok(()),
    }
}

/// Writes a small file for its owner only, in the place of whatever has its name: it is never
/// written through a link.
pub(crate) fn replace_file(path: &Path) -> io::Result<File> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    private(OpenOptions::new().write(true).create_new(true)).open(path)
}

/// What is said where a file can't have a second name.
fn is_unknown(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::Unsupported)
}

/// Which file it is, whatever its name. Where the system does not say, all are taken for the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Which(u64, u64);

impl Which {
    pub(crate) fn file(file: &File) -> io::Result<Self> {
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt as _;
            let metadata = file.metadata()?;
            Ok(Self(metadata.dev(), metadata.ino()))
        }
        #[cfg(not(unix))]
        {
            file.metadata().map(|_| Self(0, 0))
        }
    }
}

/// For its owner only, if it is made by this.
pub(crate) fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}

/// The path with one more extension.
pub(crate) fn beside(path: &Path, extension: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(extension);
    name.into()
}

/// Waits until the name of this file is on the disk.
#[cfg(unix)]
pub(crate) fn sync_directory(path: &Path) -> Result<(), Error> {
    if let Some(directory) = path.canonicalize()?.parent() {
        File::open(directory)?.sync_all()?;
    }
    Ok(())
}

/// Elsewhere directories can't be opened as files, and the system sees to it.
#[cfg(not(unix))]
pub(crate) fn sync_directory(_path: &Path) -> Result<(), Error> {
    Ok(())
}
