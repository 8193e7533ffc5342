//! Where phone B and its tablet keep what they have: in memory. A demonstration writes no file,
//! waits for no disk, and leaves nothing behind, whatever ends it.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    fmt, io,
    sync::{Arc, PoisonError, RwLock},
};

use towline_store::StorageBackend;
use towline_sync::{CircleStore, StoreName};

/// What the file of a store is elsewhere. A clone is the same one.
#[derive(Clone, Default)]
pub(crate) struct Memory(Arc<RwLock<Vec<u8>>>);

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory").finish_non_exhaustive()
    }
}

/// Where so many bytes begin and end.
fn place(offset: u64, length: usize) -> io::Result<std::ops::Range<usize>> {
    let start = usize::try_from(offset).ok();
    let end = start.and_then(|start| start.checked_add(length));
    start.zip(end).map(|(start, end)| start..end).ok_or_else(|| io::ErrorKind::InvalidInput.into())
}

impl StorageBackend for Memory {
    fn len(&self) -> io::Result<u64> {
        let bytes = self.0.read().unwrap_or_else(PoisonError::into_inner);
        u64::try_from(bytes.len()).map_err(io::Error::other)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let bytes = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let there = bytes.get(place(offset, out.len())?);
        out.copy_from_slice(there.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let len = usize::try_from(len).map_err(io::Error::other)?;
        self.0.write().unwrap_or_else(PoisonError::into_inner).resize(len, 0);
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut bytes = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let there = bytes.get_mut(place(offset, data.len())?);
        there.ok_or(io::ErrorKind::UnexpectedEof)?.copy_from_slice(data);
        Ok(())
    }
}

/// What is between the two: sealed objects, as in a folder that both reach while they are online.
#[derive(Default)]
pub(crate) struct Between {
    objects: RefCell<BTreeMap<StoreName, Vec<u8>>>,
    pub(crate) offline: bool,
}

impl Between {
    fn reached(&self) -> io::Result<&RefCell<BTreeMap<StoreName, Vec<u8>>>> {
        let offline = io::ErrorKind::NetworkUnreachable;
        (!self.offline).then_some(&self.objects).ok_or_else(|| offline.into())
    }
}

impl CircleStore for Between {
    type Error = io::Error;

    fn list(&self) -> io::Result<Vec<String>> {
        Ok(self.reached()?.borrow().keys().map(StoreName::to_string).collect())
    }

    fn get(&self, name: StoreName) -> io::Result<Option<Vec<u8>>> {
        Ok(self.reached()?.borrow().get(&name).cloned())
    }

    fn put(&self, name: StoreName, bytes: &[u8]) -> io::Result<()> {
        self.reached()?.borrow_mut().insert(name, bytes.to_vec());
        Ok(())
    }

    fn delete(&self, name: StoreName) -> io::Result<()> {
        self.reached()?.borrow_mut().remove(&name);
        Ok(())
    }
}
