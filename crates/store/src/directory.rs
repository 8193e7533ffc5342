//! Names of files, which are durable only when their directory is.

#[cfg(unix)]
use std::fs;
use std::path::Path;

use crate::Error;

/// Waits until the name of this file is on the disk.
#[cfg(unix)]
pub(crate) fn sync_directory(path: &Path) -> Result<(), Error> {
    if let Some(directory) = path.canonicalize()?.parent() {
        fs::File::open(directory)?.sync_all()?;
    }
    Ok(())
}

/// Elsewhere directories can't be opened as files, and the system sees to it.
#[cfg(not(unix))]
pub(crate) fn sync_directory(_path: &Path) -> Result<(), Error> {
    Ok(())
}
