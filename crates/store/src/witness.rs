//! What is kept beside a store about what was last seen of it: the number of its last change, and,
//! after a clean stop, what each block of it was. With it a store is opened at once and an older
//! copy of it is noticed; without it all of it is read when it is opened, and an older copy can't
//! be told from the present one.

use std::{
    fs::{self, File},
    io::{self, Read as _, Seek as _, Write as _},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use crate::{
    Error,
    directory::{beside, replace_file},
    seal::Keys,
    storage::Digest,
};

/// How it begins: 16 bytes.
const NAME: &[u8; 16] = b"towline-seen-1\n\0";
/// The most that is read: digests of a store of 64 GiB.
const MOST: u64 = 256 << 20;

/// The witness of one store, while it is open.
pub(crate) struct Witness {
    path: PathBuf,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    /// None where it can't be written.
    file: Option<File>,
    keys: Option<Arc<Keys>>,
    generation: u64,
}

/// What was last seen.
pub(crate) struct Seen {
    pub(crate) generation: u64,
    /// None if the store was not closed after that.
    pub(crate) digests: Option<Vec<Digest>>,
}

impl Witness {
    /// That of the store at this path.
    pub(crate) fn of(store: &Path) -> Arc<Self> {
        Arc::new(Self { path: beside(store, "seen"), kept: Mutex::default() })
    }

    /// None where there is none, or what is there was not written by whoever can open the store.
    pub(crate) fn read(&self, keys: &Keys) -> Option<Seen> {
        // A link would lead elsewhere.
        let there = fs::symlink_metadata(&self.path).ok()?;
        if !there.is_file() || there.len() > MOST {
            return None;
        }
        let mut bytes = Vec::new();
        File::open(&self.path).ok()?.take(MOST).read_to_end(&mut bytes).ok()?;
        let rest = bytes.strip_prefix(&NAME[..])?;
        let (generation, rest) = rest.split_first_chunk::<8>()?;
        let (count, rest) = rest.split_first_chunk::<8>()?;
        let (tag, rest) = rest.split_first_chunk::<32>()?;
        let generation = u64::from_be_bytes(*generation);
        let count = usize::try_from(u64::from_be_bytes(*count)).ok()?;
        let digests = rest.get(..count.checked_mul(size_of::<Digest>())?)?;
        if tag_of(keys, generation, count, digests) != *tag {
            return None;
        }
        let (digests, _) = digests.as_chunks::<{ size_of::<Digest>() }>();
        Some(Seen { generation, digests: (count > 0).then(|| digests.to_vec()) })
    }

    /// The store is open from now on, and so its blocks change.
    pub(crate) fn begin(&self, keys: &Arc<Keys>, generation: u64) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        match replace_file(&self.path) {
            Ok(file) => {
                *kept = Kept { file: Some(file), keys: Some(Arc::clone(keys)), generation };
            }
            Err(error) => tracing::debug!(%error, "what was seen of the store is not kept"),
        }
        kept.write(&[]);
    }

    /// A change is on the disk. This is not waited for: what it guards against is an older file,
    /// not a machine that dies.
    pub(crate) fn committed(&self, keys: &Arc<Keys>, generation: u64) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if generation > kept.generation {
            kept.generation = generation;
            kept.keys = Some(Arc::clone(keys));
            kept.write(&[]);
        }
    }

    /// The store was closed, and this is what is in its file.
    pub(crate) fn closed(&self, digests: &[Digest]) {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).write(digests);
    }

    /// Nothing is remembered any more.
    pub(crate) fn forget(&self) -> io::Result<()> {
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// The error for a store that is not the one that was last seen.
    pub(crate) fn older(&self, found: u64, seen: u64) -> Error {
        Error::Older { found, seen, witness: self.path.clone() }
    }
}

impl Kept {
    fn write(&mut self, digests: &[Digest]) {
        let (Some(file), Some(keys)) = (&mut self.file, &self.keys) else { return };
        let body = digests.as_flattened();
        let tag = tag_of(keys, self.generation, digests.len(), body);
        let count = u64::try_from(digests.len()).unwrap_or(u64::MAX);
        let head = [&NAME[..], &self.generation.to_be_bytes(), &count.to_be_bytes(), &tag].concat();
        let written = file.rewind().and_then(|()| file.write_all(&[&head[..], body].concat()));
        if let Err(error) = written {
            tracing::debug!(%error, "what was seen of the store is not kept");
            // Half of it says nothing, and is taken for nothing.
            self.file = None;
        }
    }
}

fn tag_of(keys: &Keys, generation: u64, count: usize, digests: &[u8]) -> [u8; 32] {
    let count = u64::try_from(count).unwrap_or(u64::MAX).to_be_bytes();
    keys.witness(&[&generation.to_be_bytes(), &count, digests])
}
