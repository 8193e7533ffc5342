//! The four verbs, on whatever store.

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use object_store::{
    Error, GetOptions, ObjectStore as _, ObjectStoreExt as _, PutMode, PutPayload, path::Path,
};
use towline_sync::{ObjectHash, StoreName};

use crate::{RemoteError, address::Place, http::Final};

/// How many names a listing may have. More are no circle's.
const MOST: usize = 1 << 20;
/// How many folders may be below a circle's, where they are listed one by one.
const MOST_FOLDERS: usize = 1 << 12;
/// How many of them are listed at a time.
const AT_A_TIME: usize = 8;

impl Place {
    /// Whether a folder is not there, in a store where an empty one would be.
    fn has_no_folder(&self, error: &Error) -> bool {
        self.by_folder && Final::of(error) == Some(Final::Absent)
    }

    /// What went wrong, for the person.
    fn told(&self, error: Error) -> RemoteError {
        let names = self.names;
        match (Final::of(&error), &error) {
            (Some(Final::Refused), _) => RemoteError::Refused { names, source: error },
            (Some(Final::ReadOnly), _) => RemoteError::ReadOnly { names, source: error },
            (Some(Final::NotTaken), _) => RemoteError::NotTaken(error),
            (Some(Final::Clock), _) => RemoteError::Clock(error),
            (Some(Final::Expired), _) => RemoteError::Expired { names, source: error },
            (Some(Final::WrongRegion), _) => RemoteError::WrongRegion(error),
            (Some(Final::Full), _) => RemoteError::Full(error),
            (Some(Final::NoWebDav), _) => RemoteError::NoWebDav(error),
            // WebDAV says that something is in the way where the folder above is missing.
            (Some(Final::Absent), _)
            | (_, Error::NotFound { .. } | Error::AlreadyExists { .. }) => {
                RemoteError::Absent(error)
            }
            _ => RemoteError::Unavailable(error),
        }
    }
}

pub(crate) async fn list(place: Place, folder: Path) -> Result<Vec<String>, RemoteError> {
    let mut names = Vec::new();
    let mut add = |path: &Path| {
        // Of a name that is none of ours it does not matter what it is.
        let parts = path.prefix_match(&folder).into_iter().flatten();
        let parts: Vec<_> = parts.map(|part| part.as_ref().to_owned()).collect();
        names.push(parts.join("/"));
        if names.len() > MOST { Err(RemoteError::TooMuch) } else { Ok(()) }
    };
    if !place.by_folder {
        // Page by page.
        let mut listed = place.store.list(Some(&folder));
        while let Some(found) = listed.try_next().await.map_err(|error| place.told(error))? {
            add(&found.location)?;
        }
        return Ok(names);
    }
    let mut level = vec![folder.clone()];
    // The circle's, those of the kinds of objects, those of the devices.
    for depth in 0..3 {
        let results = stream::iter(std::mem::take(&mut level)).map(|folder| {
            let store = &place.store;
            async move { store.list_with_delimiter(Some(&folder)).await }
        });
        let mut results = results.buffer_unordered(AT_A_TIME);
        loop {
            let found = match results.try_next().await {
                Ok(Some(found)) => found,
                Ok(None) => break,
                // Nothing was written yet. Below, a folder that is gone may have had something.
                Err(error) if depth == 0 && place.has_no_folder(&error) => return Ok(names),
                Err(error) => return Err(place.told(error)),
            };
            found.objects.iter().try_for_each(|object| add(&object.location))?;
            level.extend(found.common_prefixes);
            if level.len() > MOST_FOLDERS {
                return Err(RemoteError::TooMuch);
            }
        }
    }
    Ok(names)
}

pub(crate) async fn circles(place: Place) -> Result<Vec<ObjectHash>, RemoteError> {
    let root = Some(&place.root).filter(|root| !root.as_ref().is_empty());
    let found = match place.store.list_with_delimiter(root).await {
        Err(error) if place.has_no_folder(&error) => return Ok(Vec::new()),
        found => found.map_err(|error| place.told(error))?,
    };
    let names = found.common_prefixes.iter().filter_map(Path::filename);
    // A circle is named by the hash of its first record.
    let mut circles: Vec<_> = names
        .filter_map(|name| match format!("m/{name}").parse() {
            Ok(StoreName::Membership(hash)) => Some(hash),
            _ => None,
        })
        .collect();
    circles.sort();
    Ok(circles)
}

pub(crate) async fn get(
    place: Place,
    path: Path,
    limit: usize,
) -> Result<Option<Vec<u8>>, RemoteError> {
    let found = match place.store.get_opts(&path, GetOptions::default()).await {
        Err(Error::NotFound { .. }) => return Ok(None),
        other => other.map_err(|error| place.told(error))?,
    };
    let mut bytes = Vec::new();
    let mut pieces = found.into_stream();
    while let Some(piece) = pieces.try_next().await.map_err(|error| place.told(error))? {
        if bytes.len().saturating_add(piece.len()) > limit {
            return Ok(None);
        }
        bytes.extend_from_slice(&piece);
    }
    Ok(Some(bytes))
}

pub(crate) async fn put(place: Place, path: Path, bytes: Vec<u8>) -> Result<(), RemoteError> {
    let payload = PutPayload::from(bytes);
    let created = place.store.put_opts(&path, payload.clone(), PutMode::Create.into()).await;
    match created {
        Ok(_) => return Ok(()),
        Err(Error::NotImplemented { .. } | Error::NotSupported { .. }) => {}
        Err(Error::AlreadyExists { .. } | Error::Precondition { .. }) => {
            // Possibly from this very request, of which the first answer was lost.
            let there = get(place.clone(), path.clone(), payload.content_length()).await?;
            if there.is_some_and(|there| payload.iter().flatten().eq(&there)) {
                return Ok(());
            }
        }
        Err(error) if Final::of(&error) == Some(Final::NotImplemented) => {}
        Err(error) => return Err(place.told(error)),
    }
    place.store.put(&path, payload).await.map(drop).map_err(|error| place.told(error))
}

pub(crate) async fn delete(place: Place, path: Path) -> Result<(), RemoteError> {
    match place.store.delete(&path).await {
        Err(Error::NotFound { .. }) => Ok(()),
        other => other.map_err(|error| place.told(error)),
    }
}
