#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![deny(missing_docs)]

use std::{
    fs::{self, File},
    io::{self, Read, Write},
    path::{Path, PathBuf},
    process,
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, SystemTime},
};

use towline_sync::{Circle, CircleStore, Moment, ObjectHash, StoreName, SyncOutput};

/// How many names a listing may have. More are no circle's.
const MOST: usize = 1 << 20;
/// After so long, what was begun under a temporary name is not going on any more.
const ABANDONED: Duration = Duration::from_secs(24 * 3600);

/// The folder of one circle: `<root>/<circle>`, with the names of `towline_sync::StoreName` below.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    /// Tells temporary names of this process apart.
    written: AtomicU64,
}

impl Folder {
    /// The folder of a circle, made if it is not there. What a crash has left under temporary names
    /// is cleared away.
    ///
    /// # Errors
    /// Where the folder can't be made or read.
    pub fn open(root: impl AsRef<Path>, circle: ObjectHash) -> io::Result<Self> {
        let name: String = circle.0.iter().map(|byte| format!("{byte:02x}")).collect();
        let path = root.as_ref().join(name);
        fs::create_dir_all(&path)?;
        let this = Self { path, written: AtomicU64::new(0) };
        this.clear_abandoned()?;
        Ok(this)
    }

    /// The circles that have a folder below this root: with the keys on paper, the one of them that
    /// they belong to can be found.
    ///
    /// # Errors
    /// Where the folder can't be read.
    pub fn circles(root: impl AsRef<Path>) -> io::Result<Vec<ObjectHash>> {
        let mut found = Vec::new();
        for entry in fs::read_dir(root)? {
            let name = entry?.file_name();
            // A circle is named by the hash of its first record.
            let first = name.to_str().map(|name| format!("m/{name}").parse());
            if let Some(Ok(StoreName::Membership(hash))) = first {
                found.push(hash);
            }
        }
        found.sort();
        Ok(found)
    }

    /// Answers what a circle asks of its store; gives back what is not for the store. What fails is
    /// asked again later; to learn why, use [`CircleStore`].
    pub fn answer(
        &self,
        circle: &mut Circle,
        output: SyncOutput,
        now: Moment,
    ) -> Option<SyncOutput> {
        CircleStore::answer(self, circle, output, now).unwrap_or(None)
    }

    /// The names of all files two or three levels down, as the circle writes them; also of such as
    /// are none of its objects, which it passes over.
    ///
    /// # Errors
    /// Where a folder can't be read, or has more than 2^20 files.
    pub fn list(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for kind in ["m", "e", "w"] {
            self.list_files(kind, &mut names)?;
        }
        for kind in ["s", "h"] {
            for device in entries(&self.path.join(kind))? {
                self.list_files(&format!("{kind}/{device}"), &mut names)?;
            }
        }
        Ok(names)
    }

    fn list_files(&self, below: &str, names: &mut Vec<String>) -> io::Result<()> {
        names.extend(entries(&self.path.join(below))?.iter().map(|name| format!("{below}/{name}")));
        if names.len() > MOST {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "too many files"));
        }
        Ok(())
    }

    /// The bytes of an object, if it is there; of something that is longer than such an object can
    /// be, or is no file, nothing.
    ///
    /// # Errors
    /// Where it can't be read.
    pub fn get(&self, name: StoreName) -> io::Result<Option<Vec<u8>>> {
        let path = self.file(name);
        let limit = u64::try_from(name.limit()).unwrap_or(u64::MAX);
        // A link or a pipe that somebody has put there is none of ours.
        let is_ours = match fs::symlink_metadata(&path) {
            Ok(found) => found.is_file() && found.len() <= limit,
            Err(error) if is_absent(&error) => false,
            Err(error) => return Err(error),
        };
        if !is_ours {
            return Ok(None);
        }
        let mut bytes = Vec::new();
        match File::open(&path) {
            Ok(file) => file.take(limit).read_to_end(&mut bytes)?,
            Err(error) if is_absent(&error) => return Ok(None),
            Err(error) => return Err(error),
        };
        Ok(Some(bytes))
    }

    /// Writes an object so that others see it whole or not at all, and it outlasts a power cut. One
    /// that is there already is the same, unless somebody has damaged it.
    ///
    /// # Errors
    /// Where it can't be written; then nothing is there under its name that was not before.
    pub fn put(&self, name: StoreName, bytes: &[u8]) -> io::Result<()> {
        if self.get(name)?.is_some_and(|there| there == bytes) {
            return Ok(());
        }
        let path = self.file(name);
        let folder = path.parent().unwrap_or(&self.path);
        fs::create_dir_all(folder)?;
        let number = self.written.fetch_add(1, Ordering::Relaxed);
        let temporary = folder.join(format!(".{}-{number}.towline", process::id()));
        let written = write_whole(&temporary, bytes).and_then(|()| fs::rename(&temporary, &path));
        if written.is_err() {
            // The first error is the one to tell of.
            let _ = fs::remove_file(&temporary);
            return written;
        }
        keep_entries(folder)
    }

    /// Deletes an object; one that is not there is deleted already.
    ///
    /// # Errors
    /// Where it can't be deleted.
    pub fn delete(&self, name: StoreName) -> io::Result<()> {
        match fs::remove_file(self.file(name)) {
            Err(error) if !is_absent(&error) => Err(error),
            _ => Ok(()),
        }
    }

    fn file(&self, name: StoreName) -> PathBuf {
        name.to_string().split('/').fold(self.path.clone(), |path, part| path.join(part))
    }

    fn clear_abandoned(&self) -> io::Result<()> {
        let now = SystemTime::now();
        for name in self.list()? {
            let is_temporary = name
                .rsplit('/')
                .next()
                .is_some_and(|file| file.starts_with('.') && file.ends_with(".towline"));
            let path = self.path.join(&name);
            let is_old = || {
                let modified = fs::symlink_metadata(&path).and_then(|found| found.modified());
                modified.is_ok_and(|at| now.duration_since(at).is_ok_and(|age| age > ABANDONED))
            };
            if is_temporary && is_old() {
                fs::remove_file(&path)?;
            }
        }
        Ok(())
    }
}

impl CircleStore for Folder {
    type Error = io::Error;

    fn list(&self) -> io::Result<Vec<String>> {
        Self::list(self)
    }

    fn get(&self, name: StoreName) -> io::Result<Option<Vec<u8>>> {
        Self::get(self, name)
    }

    fn put(&self, name: StoreName, bytes: &[u8]) -> io::Result<()> {
        Self::put(self, name, bytes)
    }

    fn delete(&self, name: StoreName) -> io::Result<()> {
        Self::delete(self, name)
    }
}

/// The names in a folder; none if it is not there, and without those that are no text.
fn entries(folder: &Path) -> io::Result<Vec<String>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if is_absent(&error) => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut names = Vec::new();
    for entry in entries {
        names.extend(entry?.file_name().into_string().ok());
    }
    Ok(names)
}

/// Nothing is there, or a file is where a folder would be.
fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create_new(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// A rename is durable once the folder is.
#[cfg(unix)]
fn keep_entries(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Folders can't be opened as files here; the system keeps their entries itself.
#[cfg(not(unix))]
fn keep_entries(_: &Path) -> io::Result<()> {
    Ok(())
}
