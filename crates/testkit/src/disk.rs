//! Storage that fails at any moment.

use std::{
    io,
    sync::{
        Arc, RwLock,
        atomic::{AtomicI64, Ordering},
    },
};

use redb::StorageBackend;

/// Storage in memory that fails after so many writes, syncs and changes of its length, and from
/// then on.
#[derive(Debug, Clone)]
pub struct Disk {
    bytes: Arc<RwLock<Vec<u8>>>,
    left: Arc<AtomicI64>,
    syncs: Arc<AtomicI64>,
    written: Arc<AtomicI64>,
    error: io::ErrorKind,
    /// The write that fails is done by half, as when the power goes.
    torn: bool,
}

impl Disk {
    /// An empty one, which will fail with this.
    #[must_use]
    pub fn new(error: io::ErrorKind) -> Self {
        Self {
            bytes: Arc::default(),
            left: Arc::new(AtomicI64::new(i64::MAX)),
            syncs: Arc::default(),
            written: Arc::default(),
            error,
            torn: false,
        }
    }

    /// One that holds these bytes.
    #[must_use]
    pub fn with(bytes: &[u8]) -> Self {
        let disk = Self::new(io::ErrorKind::Other);
        bytes.clone_into(&mut disk.bytes.write().unwrap());
        disk
    }

    /// One whose failing write may be done by half.
    #[must_use]
    pub fn torn(torn: bool) -> Self {
        Self { torn, ..Self::new(io::ErrorKind::Other) }
    }

    /// How often it was synced.
    #[must_use]
    pub fn syncs(&self) -> i64 {
        self.syncs.load(Ordering::Relaxed)
    }

    /// How many bytes were written to it.
    #[must_use]
    pub fn written(&self) -> i64 {
        self.written.load(Ordering::Relaxed)
    }

    /// It fails after so many operations from now, and from then on.
    pub fn fails_after(&self, operations: i64) {
        self.left.store(operations, Ordering::Relaxed);
    }

    fn step(&self) -> io::Result<()> {
        if self.left.fetch_sub(1, Ordering::Relaxed) > 0 { Ok(()) } else { Err(self.error.into()) }
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.bytes.read().unwrap().len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let offset = usize::try_from(offset).unwrap();
        let bytes = self.bytes.read().unwrap();
        let end = offset + out.len();
        out.copy_from_slice(bytes.get(offset..end).ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.step()?;
        self.bytes.write().unwrap().resize(usize::try_from(len).unwrap(), 0);
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        self.syncs.fetch_add(1, Ordering::Relaxed);
        self.step()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let power = self.left.load(Ordering::Relaxed);
        let result = self.step();
        let written = match (&result, self.torn && power == 0) {
            (Ok(()), _) => data,
            (Err(_), true) => &data[..data.len() / 2],
            (Err(_), false) => &[],
        };
        let offset = usize::try_from(offset).unwrap();
        self.written.fetch_add(i64::try_from(written.len()).unwrap(), Ordering::Relaxed);
        self.bytes.write().unwrap()[offset..offset + written.len()].copy_from_slice(written);
        result
    }
}
