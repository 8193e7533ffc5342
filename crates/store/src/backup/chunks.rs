//! The file as bytes: a head, and chunks of entries.

use std::io::{self, Read, Write};

use towline_crypto::{AeadKey, CryptoProvider, Secret};
use zeroize::Zeroizing;

use super::entry::Entry;
use crate::{
    Error, KeySource,
    key_source::{Locked, LockedRoot, Prepared},
};

/// How every backup begins.
const NAME: &[u8; 15] = b"towline-backup\n";
/// The version of its form, which comes next.
const VERSION: u8 = 1;
/// The longest record of how to open it.
const LOCK_MAX: usize = 1024;
/// A chunk is full when it holds so much, in bytes. One entry may be longer.
const FULL: usize = 64 * 1024;
/// The longest chunk, sealed: no record comes near it unless an application keeps very large blobs.
const CHUNK_MAX: usize = 64 * 1024 * 1024;
/// Length of the tag of what is sealed.
const TAG: usize = 16;

const CUT_OFF: Error = Error::BackupDamaged("it is cut off");

/// What chunks are sealed with, and for.
struct Seal {
    key: Box<dyn AeadKey>,
    head: Vec<u8>,
    next: u64,
}

impl Seal {
    fn new(provider: &CryptoProvider, root: &Secret<32>, head: Vec<u8>) -> Result<Self, Error> {
        let key = Secret::<32>::try_init(|out| {
            provider.hkdf.derive(&[], root.expose(), b"towline-store backup 1", out)
        })?;
        Ok(Self { key: provider.aead.key(key.expose()), head, next: 0 })
    }

    /// The nonce of the next chunk. The key is that of one backup, and so never sees one twice.
    fn nonce(&mut self, last: bool) -> Result<[u8; 12], Error> {
        let mut nonce = [0; 12];
        let (flag, number) = nonce.split_at_mut(4);
        flag.copy_from_slice(&u32::from(last).to_be_bytes());
        number.copy_from_slice(&self.next.to_be_bytes());
        self.next = self.next.checked_add(1).ok_or(Error::BackupDamaged("it is too long"))?;
        Ok(nonce)
    }
}

/// Writes entries into sealed chunks.
pub(crate) struct Sealer<W> {
    out: W,
    seal: Seal,
    plain: Zeroizing<Vec<u8>>,
}

/// A backup that was begun, and what was made to open it by.
pub(crate) struct Begun<W> {
    pub(crate) sealer: Sealer<W>,
    pub(crate) prepared: Prepared,
}

impl<W: Write> Sealer<W> {
    pub(crate) fn begin(
        mut out: W,
        source: &KeySource,
        provider: &CryptoProvider,
    ) -> Result<Begun<W>, Error> {
        let root = provider.random.secret::<32>()?;
        let Locked { root: lock, prepared, .. } = LockedRoot::lock(provider, source, &root)?;
        let lock = lock.encode();
        let length = u16::try_from(lock.len()).unwrap_or(u16::MAX).to_be_bytes();
        let head = [&NAME[..], &[VERSION], &length, &lock].concat();
        out.write_all(&head)?;
        let plain = Zeroizing::new(Vec::with_capacity(FULL.saturating_mul(2)));
        let sealer = Self { out, seal: Seal::new(provider, &root, head)?, plain };
        Ok(Begun { sealer, prepared })
    }

    pub(crate) fn put(&mut self, entry: &Entry) -> Result<(), Error> {
        let bytes = entry.encode();
        let too_long = || Error::Io("a record is too long for a backup".to_owned());
        let length = u32::try_from(bytes.len()).ok();
        let fits = bytes.len().saturating_add(4).saturating_add(TAG) <= CHUNK_MAX;
        let length = length.filter(|_| fits).ok_or_else(too_long)?;
        if self.plain.len().saturating_add(bytes.len()) > FULL && !self.plain.is_empty() {
            self.flush(false)?;
        }
        self.plain.extend(length.to_be_bytes());
        self.plain.extend_from_slice(&bytes);
        Ok(())
    }

    /// Without this there is no last chunk, and what was written is no backup.
    pub(crate) fn finish(mut self) -> Result<(), Error> {
        self.flush(true)?;
        Ok(self.out.flush()?)
    }

    fn flush(&mut self, last: bool) -> Result<(), Error> {
        let nonce = self.seal.nonce(last)?;
        self.seal.key.seal(&nonce, &self.seal.head, &mut self.plain)?;
        // `put` saw to it that it fits.
        let length = u32::try_from(self.plain.len()).unwrap_or(u32::MAX);
        self.out.write_all(&length.to_be_bytes())?;
        self.out.write_all(&self.plain)?;
        self.plain.clear();
        Ok(())
    }
}

/// Reads entries out of sealed chunks.
pub(crate) struct Opener<R> {
    reader: R,
    seal: Seal,
    /// What is left of the chunk.
    plain: Zeroizing<Vec<u8>>,
    position: usize,
    /// The length of the chunk that comes next; none after the last.
    following: Option<[u8; 4]>,
}

/// How a backup is opened.
pub(crate) struct Head {
    bytes: Vec<u8>,
    root: Secret<32>,
}

impl Head {
    pub(crate) fn read(
        mut reader: impl Read,
        source: &KeySource,
        costly: bool,
        provider: &CryptoProvider,
    ) -> Result<Self, Error> {
        let (mut name, mut version) = ([0; NAME.len()], [0]);
        match fill(&mut reader, &mut name) {
            Ok(()) if name == *NAME => {}
            Ok(()) | Err(CUT_OFF) => return Err(Error::NoBackup),
            failed => failed?,
        }
        fill(&mut reader, &mut version)?;
        if version != [VERSION] {
            return Err(Error::NewerBackup(version[0]));
        }
        let mut length = [0; 2];
        fill(&mut reader, &mut length)?;
        let size = usize::from(u16::from_be_bytes(length));
        if size > LOCK_MAX {
            return Err(Error::BackupDamaged("its head is too long"));
        }
        let mut lock = vec![0; size];
        fill(&mut reader, &mut lock)?;
        let locked = LockedRoot::decode(&lock)
            .map_err(|_| Error::BackupDamaged("its head can't be read"))?;
        let bytes = [&NAME[..], &version, &length, &lock].concat();
        Ok(Self { root: locked.unlock(provider, source, costly)?.0, bytes })
    }

    /// Where the chunks begin.
    pub(crate) fn length(&self) -> u64 {
        u64::try_from(self.bytes.len()).unwrap_or(u64::MAX)
    }
}

impl<R: Read> Opener<R> {
    /// Reads the chunks, which have to be next.
    pub(crate) fn new(
        mut reader: R,
        head: &Head,
        provider: &CryptoProvider,
    ) -> Result<Self, Error> {
        let seal = Seal::new(provider, &head.root, head.bytes.clone())?;
        let following = following(&mut reader)?;
        if following.is_none() {
            return Err(CUT_OFF);
        }
        Ok(Self { reader, seal, plain: Zeroizing::default(), position: 0, following })
    }

    /// The next entry; none at the end of a backup that is whole.
    pub(crate) fn next(&mut self) -> Result<Option<Entry>, Error> {
        while self.position >= self.plain.len() {
            if self.following.is_none() {
                return Ok(None);
            }
            self.chunk()?;
        }
        let rest = self.plain.get(self.position..).unwrap_or_default();
        let cut = || Error::BackupDamaged("an entry is cut off");
        let (length, rest) = rest.split_first_chunk().ok_or_else(cut)?;
        let length = usize::try_from(u32::from_be_bytes(*length)).map_err(|_| cut())?;
        let entry = Entry::decode(rest.get(..length).ok_or_else(cut)?)?;
        self.position = self.position.saturating_add(4).saturating_add(length);
        Ok(Some(entry))
    }

    fn chunk(&mut self) -> Result<(), Error> {
        let length = self.following.take().ok_or(CUT_OFF)?;
        let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
        if !(TAG..=CHUNK_MAX).contains(&length) {
            return Err(Error::BackupDamaged("a chunk has no possible length"));
        }
        // Not all the room at once on the word of a file that may be short.
        let mut chunk = Zeroizing::new(Vec::with_capacity(length.min(FULL.saturating_mul(2))));
        let limit = u64::try_from(length).unwrap_or(u64::MAX);
        self.reader.by_ref().take(limit).read_to_end(&mut chunk)?;
        if chunk.len() != length {
            return Err(CUT_OFF);
        }
        // The last is sealed as the last, and nothing comes after it.
        self.following = following(&mut self.reader)?;
        let nonce = self.seal.nonce(self.following.is_none())?;
        let opened = self.seal.key.open(&nonce, &self.seal.head, &mut chunk);
        opened.map_err(|_| Error::BackupDamaged("a part of it is not what was written"))?;
        (self.plain, self.position) = (chunk, 0);
        Ok(())
    }
}

/// The length of the next chunk; none at the end of the file.
fn following(reader: &mut impl Read) -> Result<Option<[u8; 4]>, Error> {
    let mut first = Vec::with_capacity(1);
    reader.take(1).read_to_end(&mut first)?;
    let [first] = first[..] else { return Ok(None) };
    let mut rest = [0; 3];
    fill(reader, &mut rest)?;
    let [second, third, fourth] = rest;
    Ok(Some([first, second, third, fourth]))
}

fn fill(reader: &mut impl Read, bytes: &mut [u8]) -> Result<(), Error> {
    reader.read_exact(bytes).map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => CUT_OFF,
        _ => error.into(),
    })
}
