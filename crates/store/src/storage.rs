//! The storage beneath the database. Nothing is written to it before what is there was found to be
//! whole, and every block that is read is compared with what it was when it was last seen.
//!
//! The database keeps checksums and looks at them after a crash only; a lookup that ends at a
//! damaged page says "none".

use std::{
    collections::BTreeMap,
    fmt,
    hash::{BuildHasher as _, RandomState},
    io::{self, ErrorKind},
    ops::{Bound, Range},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use redb::{BackendError, StorageBackend};
use towline_crypto::Sha256;

/// What is compared at a time, in bytes: a page of the database, or a part of one.
const BLOCK: u64 = 4096;

/// What a block was: the leftmost half of its SHA-256.
pub(crate) type Digest = [u8; 16];

/// What is known of a block, one of the two at least.
#[derive(Clone, Copy)]
struct Known {
    /// What it was when the store was closed, or is found to be when it is.
    digest: Option<Digest>,
    /// A keyed hash of what it is, good for this process: it costs a third of a digest, and a
    /// change reads and writes dozens of blocks.
    mark: Option<u64>,
}

/// What is done when the database is closed, with the digests of all blocks.
type Closed = Box<dyn FnOnce(&[Digest]) + Send>;

/// A handle; a clone is another to the same storage.
#[derive(Clone)]
pub(crate) struct Storage(Arc<Shared>);

struct Shared {
    below: Box<dyn StorageBackend>,
    sha256: &'static dyn Sha256,
    marks: RandomState,
    state: Mutex<State>,
}

struct State {
    /// What was written and is held back; none once everything goes through.
    held: Option<Held>,
    /// What each block was when it was last read or written; none if it was neither.
    seen: Vec<Option<Known>>,
    closed: Option<Closed>,
    /// The block of which a part was written last, as it is now: the database writes its header so
    /// with each change.
    partly: Option<(u64, Vec<u8>)>,
    /// How long the storage below is.
    len: u64,
    /// A block was found that is not what it was.
    doubted: bool,
}

struct Held {
    operations: Vec<Operation>,
    /// Blocks as they would be.
    blocks: BTreeMap<u64, Vec<u8>>,
    len: u64,
    /// It is done with what is written next.
    due: bool,
}

enum Operation {
    Write(u64, Vec<u8>),
    SetLen(u64),
    Sync,
}

impl Storage {
    /// Holds back what is written until it is [released](Self::release).
    pub(crate) fn held(
        below: impl StorageBackend,
        sha256: &'static dyn Sha256,
    ) -> io::Result<Self> {
        let (operations, blocks) = (Vec::new(), BTreeMap::new());
        let held = Held { operations, blocks, len: below.len()?, due: false };
        Self::new(below, sha256, Some(held))
    }

    /// For storage that is new.
    pub(crate) fn through(
        below: impl StorageBackend,
        sha256: &'static dyn Sha256,
    ) -> io::Result<Self> {
        Self::new(below, sha256, None)
    }

    fn new(
        below: impl StorageBackend,
        sha256: &'static dyn Sha256,
        held: Option<Held>,
    ) -> io::Result<Self> {
        let len = below.len()?;
        let seen = Vec::new();
        let state = State { held, seen, closed: None, partly: None, len, doubted: false };
        let state = Mutex::new(state);
        let marks = RandomState::new();
        Ok(Self(Arc::new(Shared { below: Box::new(below), sha256, marks, state })))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on blocks have to be what is said here. False if one that was read already is
    /// another.
    pub(crate) fn vouched(&self, digests: &[Digest]) -> bool {
        let mut state = self.lock();
        if usize::try_from(state.len.div_ceil(BLOCK)) != Ok(digests.len()) {
            return false;
        }
        let same = state
            .seen
            .iter()
            .zip(digests)
            .all(|(seen, digest)| seen.is_none_or(|seen| seen.digest == Some(*digest)));
        if same && state.seen.len() <= digests.len() {
            let known = |digest: &Digest| Some(Known { digest: Some(*digest), mark: None });
            state.seen = digests.iter().map(known).collect();
            return true;
        }
        false
    }

    /// What was held back is done, in its order, and nothing is held back any more.
    pub(crate) fn release(&self) -> io::Result<()> {
        self.let_go(&mut self.lock())
    }

    /// The same once something more is written. If one of the blocks that are read meanwhile is
    /// not what it was, nothing is written at all.
    pub(crate) fn release_with_the_next(&self) {
        if let Some(held) = &mut self.lock().held {
            held.due = true;
        }
    }

    fn release_if_due(&self, state: &mut State) -> io::Result<()> {
        if !state.held.as_ref().is_some_and(|held| held.due) {
            return Ok(());
        }
        if state.doubted {
            return Err(not_what_was_written());
        }
        self.let_go(state)
    }

    fn let_go(&self, state: &mut State) -> io::Result<()> {
        let Some(held) = state.held.take() else { return Ok(()) };
        let done = held.operations.into_iter().try_for_each(|operation| match operation {
            Operation::Write(offset, data) => self.write_through(state, offset, &data),
            Operation::SetLen(len) => self.cut(state, len),
            Operation::Sync => self.0.below.sync_data(),
        });
        if done.is_err() {
            // What comes after a part of it would be out of its order: it is refused, and not held
            // back as if it were done.
            let (operations, blocks) = (Vec::new(), BTreeMap::new());
            state.held = Some(Held { operations, blocks, len: held.len, due: true });
            state.doubted = true;
        }
        done
    }

    /// What to do when the database is closed.
    pub(crate) fn when_closed(&self, closed: impl FnOnce(&[Digest]) + Send + 'static) {
        self.lock().closed = Some(Box::new(closed));
    }

    fn digest(&self, block: &[u8]) -> Digest {
        let hash = self.0.sha256.hash(&[block]);
        let mut digest = Digest::default();
        digest.copy_from_slice(hash.first_chunk::<16>().unwrap_or(&[0; 16]));
        digest
    }

    fn mark(&self, block: &[u8]) -> u64 {
        self.0.marks.hash_one(block)
    }

    /// One block as it is below, which has to be what it was.
    fn block(&self, state: &mut State, number: u64) -> io::Result<Vec<u8>> {
        let block = self.raw(state, number)?;
        if block.is_empty() {
            // The storage is not that long yet.
            return Ok(block);
        }
        let mark = self.mark(&block);
        let known = *slot(&mut state.seen, number)?;
        let (digest, same) = match known {
            Some(Known { digest, mark: Some(known) }) => (digest, known == mark),
            Some(Known { digest, mark: None }) => (digest, digest == Some(self.digest(&block))),
            // Whoever vouches for it later does so by its digest.
            None => (state.held.is_some().then(|| self.digest(&block)), true),
        };
        if !same {
            state.doubted = true;
            return Err(not_what_was_written());
        }
        *slot(&mut state.seen, number)? = Some(Known { digest, mark: Some(mark) });
        Ok(block)
    }

    /// What all blocks are now; none where one is not what it was, so that whoever opens the store
    /// next looks at everything.
    fn digests(&self, state: &mut State) -> io::Result<Option<Vec<Digest>>> {
        let mut digests = Vec::new();
        for number in 0..state.len.div_ceil(BLOCK) {
            let known = *slot(&mut state.seen, number)?;
            if let Some(Known { digest: Some(digest), .. }) = known {
                digests.push(digest);
                continue;
            }
            let block = self.raw(state, number)?;
            if known.is_some_and(|known| known.mark != Some(self.mark(&block))) {
                return Ok(None);
            }
            digests.push(self.digest(&block));
        }
        Ok(Some(digests))
    }

    fn raw(&self, state: &State, number: u64) -> io::Result<Vec<u8>> {
        let start = number.checked_mul(BLOCK).ok_or(ErrorKind::UnexpectedEof)?;
        let there = state.len.saturating_sub(start).min(BLOCK);
        let mut block = vec![0; usize::try_from(there).map_err(io::Error::other)?];
        self.0.below.read(start, &mut block)?;
        Ok(block)
    }

    fn write_through(&self, state: &mut State, offset: u64, data: &[u8]) -> io::Result<()> {
        // First, since what a block was tells what it is afterwards, when a part of it is written.
        let (mut after, mut partly) = (Vec::new(), state.partly.take());
        for (number, inside, part) in pieces(offset, data.len()) {
            let part = data.get(part).unwrap_or_default();
            let known = partly.take_if(|(known, _)| *known == number);
            let mark = if part.len() == whole() {
                self.mark(part)
            } else {
                let mut block = match known {
                    Some((_, block)) => block,
                    None => self.block(state, number)?,
                };
                place(&mut block, &inside, part);
                let mark = self.mark(&block);
                partly = Some((number, block));
                mark
            };
            after.push((number, Known { digest: None, mark: Some(mark) }));
        }
        let written = self.0.below.write(offset, data);
        for (number, known) in after {
            *slot(&mut state.seen, number)? = written.is_ok().then_some(known);
        }
        state.partly = partly.filter(|_| written.is_ok());
        written
    }

    fn cut(&self, state: &mut State, len: u64) -> io::Result<()> {
        // A last block that is not whole is another one afterwards.
        let stays = state.len.min(len) / BLOCK;
        state.partly = None;
        state.seen.truncate(usize::try_from(stays).unwrap_or(usize::MAX));
        self.0.below.set_len(len)?;
        state.len = len;
        Ok(())
    }
}

fn not_what_was_written() -> io::Error {
    io::Error::new(ErrorKind::InvalidData, "a part of it is not what was written")
}

/// The length of a whole block.
fn whole() -> usize {
    usize::try_from(BLOCK).unwrap_or(usize::MAX)
}

fn slot(seen: &mut Vec<Option<Known>>, number: u64) -> io::Result<&mut Option<Known>> {
    let number = usize::try_from(number).map_err(io::Error::other)?;
    if seen.len() <= number {
        seen.resize(number.saturating_add(1), None);
    }
    seen.get_mut(number).ok_or_else(|| ErrorKind::UnexpectedEof.into())
}

fn place(block: &mut Vec<u8>, inside: &Range<usize>, part: &[u8]) {
    if block.len() < inside.end {
        block.resize(inside.end, 0);
    }
    if let Some(here) = block.get_mut(inside.clone()) {
        here.copy_from_slice(part);
    }
}

/// The blocks that these bytes are in: the number of each, where in it they are, and which of the
/// bytes.
fn pieces(offset: u64, len: usize) -> impl Iterator<Item = (u64, Range<usize>, Range<usize>)> {
    let mut done = 0_usize;
    std::iter::from_fn(move || {
        let left = len.checked_sub(done).filter(|left| *left > 0)?;
        let at = offset.checked_add(u64::try_from(done).ok()?)?;
        let start = usize::try_from(at % BLOCK).ok()?;
        let part = whole().saturating_sub(start).min(left);
        let piece =
            (at / BLOCK, start..start.saturating_add(part), done..done.saturating_add(part));
        done = done.saturating_add(part);
        Some(piece)
    })
}

impl StorageBackend for Storage {
    fn len(&self) -> io::Result<u64> {
        let state = self.lock();
        Ok(state.held.as_ref().map_or(state.len, |held| held.len))
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let mut state = self.lock();
        let there = state.held.as_ref().map_or(state.len, |held| held.len);
        let end = u64::try_from(out.len()).ok().and_then(|len| offset.checked_add(len));
        if end.is_none_or(|end| end > there) {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        for (number, inside, part) in pieces(offset, out.len()) {
            let held = state.held.as_ref().and_then(|held| held.blocks.get(&number)).cloned();
            let block = match held {
                Some(block) => block,
                None => self.block(&mut state, number)?,
            };
            let out = out.get_mut(part).unwrap_or_default();
            match block.get(inside) {
                Some(bytes) => out.copy_from_slice(bytes),
                // Beyond what is there, where it would only have been made longer.
                None => out.fill(0),
            }
        }
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut state = self.lock();
        self.release_if_due(&mut state)?;
        let Some(held) = &mut state.held else { return self.cut(&mut state, len) };
        held.operations.push(Operation::SetLen(len));
        held.blocks.retain(|number, _| number.saturating_mul(BLOCK) < len);
        held.len = len;
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut state = self.lock();
        self.release_if_due(&mut state)?;
        match &mut state.held {
            Some(held) => held.operations.push(Operation::Sync),
            None => return self.0.below.sync_data(),
        }
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut state = self.lock();
        self.release_if_due(&mut state)?;
        if state.held.is_none() {
            return self.write_through(&mut state, offset, data);
        }
        for (number, inside, part) in pieces(offset, data.len()) {
            let part = data.get(part).unwrap_or_default();
            let held = state.held.as_ref().and_then(|held| held.blocks.get(&number)).cloned();
            let mut block = match held {
                Some(block) => block,
                None if part.len() == whole() => Vec::new(),
                None => self.block(&mut state, number)?,
            };
            place(&mut block, &inside, part);
            if let Some(held) = &mut state.held {
                held.blocks.insert(number, block);
            }
        }
        if let Some(held) = &mut state.held {
            held.operations.push(Operation::Write(offset, data.to_vec()));
        }
        Ok(())
    }

    fn close(&self) -> io::Result<()> {
        let mut state = self.lock();
        // Whoever was told of damage has opened it again, or has given up.
        let _stays_as_it_is = self.release_if_due(&mut state);
        if state.held.is_none()
            && let Some(closed) = state.closed.take()
            && let Some(digests) = self.digests(&mut state)?
        {
            closed(&digests);
        }
        drop(state);
        self.0.below.close()
    }

    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.0.below.try_lock_range(start, end)
    }

    fn try_lock_shared_range(
        &self,
        start: Bound<u64>,
        end: Bound<u64>,
    ) -> Result<bool, BackendError> {
        self.0.below.try_lock_shared_range(start, end)
    }

    fn lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.0.below.lock_range(start, end)
    }

    fn lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.0.below.lock_shared_range(start, end)
    }

    fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.0.below.unlock_range(start, end)
    }

    fn query_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.0.below.query_lock_range(start, end)
    }
}

impl fmt::Debug for Storage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Storage")
    }
}

#[cfg(test)]
mod tests {
    use towline_testkit::Disk;

    use super::*;

    #[test]
    fn after_a_release_that_failed_nothing_is_taken() {
        let disk = Disk::new(ErrorKind::Other);
        let sha256 = towline_crypto::rustcrypto::provider().sha256;
        let storage = Storage::held(disk.clone(), sha256).unwrap();
        storage.set_len(2 * BLOCK).unwrap();
        storage.write(0, &[1; 4096]).unwrap();
        disk.fails_after(1);
        assert!(storage.release().is_err());
        disk.fails_after(i64::MAX);
        assert!(storage.write(0, &[2; 4096]).is_err());
        assert!(storage.set_len(BLOCK).is_err() && storage.sync_data().is_err());
    }
}
