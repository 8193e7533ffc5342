#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod address;
mod error;
mod http;
mod verbs;
mod worker;

use std::{fmt, future::Future, sync::Arc, time::Duration};

use object_store::{ObjectStore, path::Path};
use towline_sync::{CircleStore, ObjectHash, StoreName};

pub use error::RemoteError;
pub use object_store;

use address::Place;
use worker::Worker;

/// How long is waited for a store, and how often something is asked again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RemoteConfig {
    /// For a connection, and for the beginning of an answer. What is large is given more.
    pub patience: Duration,
    /// For all that one of the four verbs takes, repeats included.
    pub longest: Duration,
    /// How often a request is made again that failed and may be: one that was lost, or one that the
    /// store could not answer just then. The waits between are random, and longer each time.
    pub repeats: usize,
}

impl Default for RemoteConfig {
    /// 20 seconds of patience, 5 minutes, 4 repeats.
    fn default() -> Self {
        Self { patience: Duration::from_secs(20), longest: Duration::from_secs(300), repeats: 4 }
    }
}

/// The objects of one circle in a store of another machine: `<address>/<circle>`, with the names of
/// [`StoreName`] below. Its requests are made on a thread of its own; the four verbs wait for it.
pub struct RemoteStore {
    place: Place,
    folder: Path,
    longest: Duration,
    worker: Worker,
}

impl fmt::Debug for RemoteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemoteStore").field("folder", &self.folder).finish_non_exhaustive()
    }
}

impl RemoteStore {
    /// Opens a store by its address, with credentials from the environment: `s3://BUCKET/FOLDER`,
    /// `gs://BUCKET/FOLDER`, `az://CONTAINER/FOLDER`, or `https://HOST/FOLDER` for WebDAV. Nothing
    /// is sent yet.
    ///
    /// # Errors
    /// Where the address is none, or there are no credentials for it.
    pub fn open(
        address: &str,
        circle: ObjectHash,
        config: RemoteConfig,
    ) -> Result<Self, RemoteError> {
        Self::open_with(address, environment(), circle, config)
    }

    /// The same, with these variables instead of the environment's.
    ///
    /// # Errors
    /// As those of [`Self::open`].
    pub fn open_with(
        address: &str,
        variables: impl IntoIterator<Item = (String, String)>,
        circle: ObjectHash,
        config: RemoteConfig,
    ) -> Result<Self, RemoteError> {
        let variables: Vec<_> = variables.into_iter().collect();
        let place = Place::find(address, &variables, &config)?;
        Self::at(place, circle, &config)
    }

    /// Any other store for which there is an engine.
    ///
    /// # Errors
    /// Where there is no thread for it.
    pub fn over(engine: Arc<dyn ObjectStore>, circle: ObjectHash) -> Result<Self, RemoteError> {
        let place =
            Place { store: engine, root: Path::default(), by_folder: false, names: "the engine" };
        Self::at(place, circle, &RemoteConfig::default())
    }

    fn at(place: Place, circle: ObjectHash, config: &RemoteConfig) -> Result<Self, RemoteError> {
        let name: String = circle.0.iter().map(|byte| format!("{byte:02x}")).collect();
        let folder = place.root.clone().join(name);
        let worker = Worker::start().map_err(|error| RemoteError::Machine(error.into()))?;
        Ok(Self { place, folder, longest: config.longest, worker })
    }

    /// The circles that are at an address: with the keys on paper, the one of them that they belong
    /// to can be found.
    ///
    /// # Errors
    /// As those of [`Self::open`], and where the store can't be listed.
    pub fn circles(address: &str, config: RemoteConfig) -> Result<Vec<ObjectHash>, RemoteError> {
        let variables: Vec<_> = environment().collect();
        let place = Place::find(address, &variables, &config)?;
        let this = Self::at(place, ObjectHash([0; 16]), &config)?;
        this.wait_for(verbs::circles(this.place.clone()))
    }

    fn wait_for<T: Send + 'static>(
        &self,
        job: impl Future<Output = Result<T, RemoteError>> + Send + 'static,
    ) -> Result<T, RemoteError> {
        let longest = self.longest;
        let done = self.worker.wait_for(async move {
            tokio::time::timeout(longest, job).await.unwrap_or(Err(RemoteError::Late(longest)))
        });
        done.unwrap_or_else(|| Err(RemoteError::Machine("a request ended without answer".into())))
    }

    fn path(&self, name: StoreName) -> Path {
        let name = name.to_string();
        name.split('/').fold(self.folder.clone(), |path, part| path.join(part))
    }
}

/// What of the environment is text.
fn environment() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
}

impl CircleStore for RemoteStore {
    type Error = RemoteError;

    fn list(&self) -> Result<Vec<String>, RemoteError> {
        self.wait_for(verbs::list(self.place.clone(), self.folder.clone()))
    }

    fn get(&self, name: StoreName) -> Result<Option<Vec<u8>>, RemoteError> {
        self.wait_for(verbs::get(self.place.clone(), self.path(name), name.limit()))
    }

    /// One that is there already is the same, unless somebody has damaged it; then it is written
    /// again. Where the store can't write only what is absent, it is written in any case.
    fn put(&self, name: StoreName, bytes: &[u8]) -> Result<(), RemoteError> {
        self.wait_for(verbs::put(self.place.clone(), self.path(name), bytes.to_vec()))
    }

    fn delete(&self, name: StoreName) -> Result<(), RemoteError> {
        self.wait_for(verbs::delete(self.place.clone(), self.path(name)))
    }

    fn never_takes(&self, error: &RemoteError) -> bool {
        matches!(error, RemoteError::NotTaken(_))
    }
}
