//! The file of a store: opened, and who has it open.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    ops::Bound,
    path::Path,
};

use redb::{BackendError, StorageBackend, backends::FileBackend};

use crate::{
    Error,
    directory::{Which, beside, dangling, replace_file},
};

/// Opens a file that is there, to read and write it.
pub(crate) fn open_to_write(path: &Path) -> Result<(File, Which), Error> {
    opened(path, fs::OpenOptions::new().read(true).write(true))
}

/// Opens a file that is there to read it, also where it can't be written.
pub(crate) fn open_file(path: &Path) -> Result<(ReadOnly, Which), Error> {
    let (file, which) = opened(path, fs::OpenOptions::new().read(true))?;
    Ok((ReadOnly(FileBackend::new(file)?), which))
}

fn opened(path: &Path, options: &fs::OpenOptions) -> Result<(File, Which), Error> {
    let file = match options.open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            dangling(path)?;
            return Err(Error::Missing(path.to_owned()));
        }
        opened => opened?,
    };
    let which = Which::file(&file)?;
    Ok((file, which))
}

/// A file that is only read. It is not locked, since that takes the right to write to it.
#[derive(Debug)]
pub(crate) struct ReadOnly(FileBackend);

impl StorageBackend for ReadOnly {
    fn len(&self) -> io::Result<u64> {
        self.0.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.0.read(offset, out)
    }

    fn set_len(&self, _: u64) -> io::Result<()> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }

    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }

    fn write(&self, _: u64, _: &[u8]) -> io::Result<()> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }

    fn close(&self) -> io::Result<()> {
        self.0.close()
    }

    fn try_lock_range(&self, _: Bound<u64>, _: Bound<u64>) -> Result<bool, BackendError> {
        Err(BackendError::Unsupported)
    }
}

/// For the message to another process that finds the store in use; what keeps it out is the lock on
/// the file itself.
pub(crate) fn note_owner(path: &Path) {
    let noted = replace_file(&beside(path, "pid"))
        .and_then(|mut file| file.write_all(std::process::id().to_string().as_bytes()));
    if let Err(error) = noted {
        tracing::debug!(%error, "who uses the store was not noted");
    }
}

pub(crate) fn owner(path: &Path) -> Option<u32> {
    fs::read_to_string(beside(path, "pid")).ok()?.trim().parse().ok()
}
