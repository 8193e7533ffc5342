//! Why a store far away did not do what it was asked, in a sentence for the person.

use std::time::Duration;

/// Why a store can't be opened or did not do what it was asked. None of it says what a credential
/// is.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RemoteError {
    /// The text is not the address of a store.
    #[error(
        "{0} is no address of a store: write s3://BUCKET/FOLDER, gs://BUCKET/FOLDER, \
         az://CONTAINER/FOLDER or, for WebDAV, https://HOST/FOLDER"
    )]
    Address(String),
    /// The address has a user or a password in it, which would be seen in lists of processes and in
    /// files.
    #[error("a password does not belong into the address of a store: set {names} instead")]
    SecretInAddress {
        /// The variables that have the credentials.
        names: &'static str,
    },
    /// The address has a `#` in it, and would end there.
    #[error(
        "the address of a store ends before a #: leave out what is behind it, or write %23 where a \
         folder has that sign in its name"
    )]
    Fragment,
    /// The address is of another machine and without TLS.
    #[error("the password would go over the network for all to see: write https:// instead")]
    Plain,
    /// The environment has no credentials.
    #[error("there are no credentials for the store: set {names}")]
    NoCredentials {
        /// The variables that are looked at.
        names: &'static str,
    },
    /// The configuration can't be used: a key that is none, say.
    #[error("the store can't be used as it is set up; look at {names}")]
    Configuration {
        /// The variables that it comes from.
        names: &'static str,
        /// What is wrong.
        source: object_store::Error,
    },
    /// The system's certificates, or a thread, can't be had.
    #[error("this machine can't connect to a store")]
    Machine(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The store does not accept the credentials, or does not let their owner read it.
    #[error("the store refuses the credentials, or to be read with them; look at {names}")]
    Refused {
        /// The variables that the credentials come from.
        names: &'static str,
        /// What the store said.
        source: object_store::Error,
    },
    /// The store may be read, and not written or deleted from.
    #[error(
        "the store can be read and not changed with these credentials: allow them to write and \
         delete there, or look at {names}"
    )]
    ReadOnly {
        /// The variables that the credentials come from.
        names: &'static str,
        /// What the store said.
        source: object_store::Error,
    },
    /// The store takes no requests whose time is minutes from its own.
    #[error("the clock of this machine and the store's are too far apart: set this one's clock")]
    Clock(#[source] object_store::Error),
    /// The credentials were good for a time, which is over.
    #[error("the credentials have expired: get new ones, and set {names}")]
    Expired {
        /// The variables that the credentials come from.
        names: &'static str,
        /// What the store said.
        source: object_store::Error,
    },
    /// The bucket is in another region than the one that was named.
    #[error("the bucket is in another region: set AWS_REGION to the region of the bucket")]
    WrongRegion(#[source] object_store::Error),
    /// There is no room left.
    #[error("the store is full: make room there")]
    Full(#[source] object_store::Error),
    /// The store takes no such object: it is too large for it, or has a name that it does not like.
    #[error("the store does not take an object of this size, or of this name")]
    NotTaken(#[source] object_store::Error),
    /// There is something else than WebDAV at the address.
    #[error("there is no WebDAV at this address: look at it again")]
    NoWebDav(#[source] object_store::Error),
    /// There is no such bucket or folder.
    #[error("the store has no such bucket or folder: make it first, or look at the address")]
    Absent(#[source] object_store::Error),
    /// No answer came in time.
    #[error("the store did not answer within {} seconds", .0.as_secs())]
    Late(Duration),
    /// There is more than a circle can have.
    #[error("there is more in the store than a circle can have: use a folder of its own for it")]
    TooMuch,
    /// The store can't be reached, or fails. Whatever may be tried again was, several times.
    #[error("the store can't be reached, or fails")]
    Unavailable(#[source] object_store::Error),
}
