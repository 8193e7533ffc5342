//! The four verbs that a store needs, and how a circle's questions are answered by them.

use crate::{Circle, Moment, StoreName, SyncOutput};

/// Where the objects of one circle are. The calls block: a program that must not wait makes them on
/// a thread of its own.
pub trait CircleStore {
    /// Why the store did not do it.
    type Error;

    /// The names of all that is there, as [`StoreName`] writes them; also of such as are none of
    /// the circle's objects, which it passes over.
    ///
    /// # Errors
    /// Where not all of it can be listed: a part would look as if the store had lost the rest.
    fn list(&self) -> Result<Vec<String>, Self::Error>;

    /// The bytes of an object, if it is there; nothing for what is longer than
    /// [`StoreName::limit`].
    ///
    /// # Errors
    /// Where it can't be read.
    fn get(&self, name: StoreName) -> Result<Option<Vec<u8>>, Self::Error>;

    /// Writes an object so that others see it whole or not at all, and is done once it lasts.
    ///
    /// # Errors
    /// Where it can't be written, or it is not known whether it was.
    fn put(&self, name: StoreName, bytes: &[u8]) -> Result<(), Self::Error>;

    /// Deletes an object; one that is not there is deleted already.
    ///
    /// # Errors
    /// Where it can't be deleted.
    fn delete(&self, name: StoreName) -> Result<(), Self::Error>;

    /// Whether an error of [`Self::put`] says that the store will never take this object, such as
    /// one that is too large for it. Otherwise it is put again later.
    fn never_takes(&self, error: &Self::Error) -> bool {
        let _ = error;
        false
    }

    /// Answers what a circle asks of its store; gives back what is not for the store.
    ///
    /// # Errors
    /// What the store says, for the person. The circle has been told, and asks again later.
    fn answer(
        &self,
        circle: &mut Circle,
        output: SyncOutput,
        now: Moment,
    ) -> Result<Option<SyncOutput>, Self::Error> {
        let (token, done) = match output {
            SyncOutput::List { token } => {
                let listed = self.list().map(|names| {
                    circle.handle_listing(token, names.iter().map(String::as_str), now);
                });
                (token, listed)
            }
            SyncOutput::Get { token, name } => {
                (token, self.get(name).map(|bytes| circle.handle_object(token, bytes, now)))
            }
            SyncOutput::Put { token, name, bytes } => match self.put(name, &bytes) {
                // It tells the person itself, if nothing helps.
                Err(error) if self.never_takes(&error) => {
                    circle.handle_not_taken(token, now);
                    return Ok(None);
                }
                put => (token, put.map(|()| circle.handle_stored(token, now))),
            },
            SyncOutput::Delete { token, name } => {
                (token, self.delete(name).map(|()| circle.handle_stored(token, now)))
            }
            other => return Ok(Some(other)),
        };
        if done.is_err() {
            circle.handle_failed(token, now);
        }
        done.map(|()| None)
    }
}
