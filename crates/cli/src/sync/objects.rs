//! Where the objects of a circle are: a folder of this machine, or a store of another one.

use std::{
    cell::OnceCell,
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use towline_sync::{CircleStore, ObjectHash, StoreName};
use towline_sync_folder::Folder;

use super::far;
use crate::exit::Failure;

/// How often a folder is looked at, if nothing else was said.
pub(super) const EVERY: Duration = Duration::from_secs(5);
/// The same of a store far away, which may count requests, or have them paid.
const EVERY_FAR: Duration = Duration::from_secs(30);

/// The reason of a failure that does not end: the store will never take the object.
pub(super) const NOT_TAKEN: &str = "not_taken";

/// What the person named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Root {
    Folder(PathBuf),
    /// The address of a store of another machine.
    Far(String),
}

impl Root {
    /// What the person named, good wherever the program is started the next time. A folder is made
    /// if it is not there; of a store far away nothing is asked.
    pub(super) fn named(named: &Path) -> Result<Self, Failure> {
        if let Some(address) = named.to_str().filter(|named| is_address(named)) {
            far::check(address)?;
            return Ok(Self::Far(address.to_owned()));
        }
        fs::create_dir_all(named)
            .and_then(|()| std::path::absolute(named))
            .map(Self::Folder)
            .map_err(|error| folder_failure(named, &error))
    }

    /// What is kept of it.
    pub(super) fn kept(address: &str) -> Self {
        match is_address(address) {
            true => Self::Far(address.to_owned()),
            false => Self::Folder(address.into()),
        }
    }

    /// What is to be kept of it.
    pub(super) fn address(&self) -> String {
        match self {
            Self::Folder(path) => path.display().to_string(),
            Self::Far(address) => address.clone(),
        }
    }

    /// What it is, in sentences for people.
    pub(super) const fn noun(&self) -> &'static str {
        match self {
            Self::Folder(_) => "folder",
            Self::Far(_) => "store",
        }
    }

    /// How often it is looked at, if nothing else was said.
    pub(super) const fn every(&self) -> Duration {
        match self {
            Self::Folder(_) => EVERY,
            Self::Far(_) => EVERY_FAR,
        }
    }

    /// The circles that are there. So much has to work before anything is begun.
    pub(super) fn circles(&self) -> Result<Vec<ObjectHash>, Failure> {
        match self {
            Self::Folder(path) => {
                Folder::circles(path).map_err(|error| folder_failure(path, &error))
            }
            Self::Far(address) => far::circles(address),
        }
    }
}

/// Whether it begins as addresses do, or as one that was mistyped. A single letter is a drive of
/// Windows.
fn is_address(named: &str) -> bool {
    let is_of_scheme = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
    let schemes = ["s3", "gs", "az", "http", "https"];
    named.split_once(':').is_some_and(|(scheme, rest)| {
        let known = schemes.iter().any(|known| scheme.eq_ignore_ascii_case(known));
        scheme.len() > 1 && scheme.bytes().all(is_of_scheme) && (known || rest.starts_with('/'))
    })
}

fn folder_failure(folder: &Path, error: &io::Error) -> Failure {
    let message = format!("the folder {} can't be used: {error}", folder.display());
    Failure::environment("folder", message)
}

/// The objects of one circle. They are opened when they are needed first: whoever belongs to a
/// circle does so also while its folder is not there, or nobody has set the credentials.
pub(super) struct Objects {
    root: Root,
    circle: ObjectHash,
    patience: Patience,
    opened: OnceCell<Opened>,
}

/// How long a store far away is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Patience {
    /// Until something is done.
    Work,
    /// A person waits, who wants to know whether it answers.
    Glance,
    /// A device waits that joins, and gives up after half a minute.
    Joining,
}

pub(super) type Opened = Box<dyn CircleStore<Error = Failure> + Send>;

impl Objects {
    pub(super) const fn new(root: Root, circle: ObjectHash, patience: Patience) -> Self {
        Self { root, circle, patience, opened: OnceCell::new() }
    }

    pub(super) const fn root(&self) -> &Root {
        &self.root
    }

    /// A folder is looked for each time: nothing is to be made anew where one has gone away.
    fn opened(&self) -> Result<&Opened, Failure> {
        if let Root::Folder(path) = &self.root {
            there(path)?;
        }
        if let Some(opened) = self.opened.get() {
            return Ok(opened);
        }
        let opened: Opened = match &self.root {
            Root::Folder(path) => {
                let store = Folder::open(path, self.circle);
                let store = store.map_err(|error| not_reached(path, &error))?;
                let path = path.clone();
                Box::new(Telling { store, tell: move |error| not_reached(&path, &error) })
            }
            Root::Far(address) => far::open(address, self.circle, self.patience)?,
        };
        Ok(self.opened.get_or_init(|| opened))
    }
}

impl CircleStore for Objects {
    type Error = Failure;

    fn list(&self) -> Result<Vec<String>, Failure> {
        self.opened()?.list()
    }

    fn get(&self, name: StoreName) -> Result<Option<Vec<u8>>, Failure> {
        self.opened()?.get(name)
    }

    fn put(&self, name: StoreName, bytes: &[u8]) -> Result<(), Failure> {
        self.opened()?.put(name, bytes)
    }

    fn delete(&self, name: StoreName) -> Result<(), Failure> {
        self.opened()?.delete(name)
    }

    fn never_takes(&self, error: &Failure) -> bool {
        error.reason == NOT_TAKEN
    }
}

/// A store with what makes sentences of its errors.
pub(super) struct Telling<S, T> {
    pub(super) store: S,
    pub(super) tell: T,
}

impl<S: CircleStore, T: Fn(S::Error) -> Failure> CircleStore for Telling<S, T> {
    type Error = Failure;

    fn list(&self) -> Result<Vec<String>, Failure> {
        self.store.list().map_err(&self.tell)
    }

    fn get(&self, name: StoreName) -> Result<Option<Vec<u8>>, Failure> {
        self.store.get(name).map_err(&self.tell)
    }

    fn put(&self, name: StoreName, bytes: &[u8]) -> Result<(), Failure> {
        self.store.put(name, bytes).map_err(&self.tell)
    }

    fn delete(&self, name: StoreName) -> Result<(), Failure> {
        self.store.delete(name).map_err(&self.tell)
    }
}

/// What carries a folder may be off: then all that is in it would seem to be gone.
fn there(folder: &Path) -> Result<(), Failure> {
    if folder.is_dir() {
        return Ok(());
    }
    let message = format!("the folder {} is not there: start what carries it", folder.display());
    Err(Failure::environment("not_reached", message))
}

fn not_reached(folder: &Path, error: &io::Error) -> Failure {
    let message = format!("the folder {} can't be used now ({error})", folder.display());
    Failure::environment("not_reached", message)
}

#[cfg(test)]
mod tests {
    use towline_testkit::Directory;

    use super::*;

    #[test]
    fn a_folder_that_went_away_is_told_of_and_not_made_anew() {
        let root = Directory::new("carried");
        let path = root.file("folder");
        fs::create_dir(&path).unwrap();
        let circle = "d478bf6f56d0b9def252a27ebfbd3758";
        let StoreName::Membership(circle) = format!("m/{circle}").parse().unwrap() else {
            panic!("{circle} is the name of a circle")
        };
        let objects = Objects::new(Root::Folder(path.clone()), circle, Patience::Work);
        let name = StoreName::Membership(circle);
        objects.put(name, b"one").unwrap();
        assert_eq!(objects.list().unwrap().len(), 1);
        fs::remove_dir_all(&path).unwrap();
        let not_reached = |result: Result<(), Failure>| result.unwrap_err().reason == "not_reached";
        assert!(not_reached(objects.put(name, b"one")));
        assert!(not_reached(objects.delete(name)));
        assert!(not_reached(objects.get(name).map(drop)), "that it is not there is not known");
        assert!(not_reached(objects.list().map(drop)));
        assert!(!path.exists());
        fs::create_dir(&path).unwrap();
        objects.put(name, b"one").unwrap();
        assert_eq!(objects.get(name).unwrap().as_deref(), Some(b"one".as_slice()));
    }

    #[test]
    fn an_address_is_none_of_a_folder_also_where_it_is_mistyped() {
        for address in
            ["s3://bucket/x", "s3:/bucket/x", "S3:bucket", "https:host/x", "ftp://x", "htps:/x"]
        {
            assert!(is_address(address), "{address}");
            assert!(matches!(Root::kept(address), Root::Far(_)));
        }
        for folder in
            ["/home/anna/s3:/x", "c:/x", "C:\\x", "notes:2026", "./s3:/x", "s3", "a/b://c", ""]
        {
            assert!(!is_address(folder), "{folder}");
        }
    }
}
