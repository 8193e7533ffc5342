//! Where credentials and durable state live.

use std::fmt;

use towline_ctap::{CredentialId, Rp, RpId, Status, User, UserHandle};
use zeroize::Zeroizing;

use crate::{Credential, ExtensionData, Feed, FeedCursor, KeyHandle, UnixTime, Work};

/// Stores credentials, counters and small records of state.
///
/// Every write is durable before its result is given, and all or nothing. Lookups go through
/// indexes: their cost must not grow with the number of credentials. An operation that would block
/// answers [`Work::Later`].
pub trait CredentialStore: Send {
    /// Those of the listed credentials that are here and belong to the RP ID, in the order of the
    /// list.
    fn find(&mut self, rp_id: &RpId, ids: &[CredentialId]) -> Work<Vec<Credential>, StoreError>;

    /// The discoverable credentials of an RP ID, newest first, a page at a time.
    fn discoverable(&mut self, query: &Query) -> Work<Page, StoreError>;

    /// The credential of this id, whomever it is for.
    fn lookup(&mut self, id: &CredentialId) -> Work<Option<Credential>, StoreError>;

    /// All credentials that are stored, discoverable or not, newest first, a page at a time.
    fn all(&mut self, after: Option<Cursor>, limit: usize) -> Work<Page, StoreError>;

    /// A credential signed at this time: a note ([`Credential::used`]). It must not block, and need
    /// not be durable at once.
    fn used(&mut self, id: &CredentialId, at: UnixTime);

    /// The relying parties that discoverable credentials are for, `limit` of them at most, in an
    /// order that stays the same: from the first one on, or after the one of this RP ID, which may
    /// be gone. The name is that of the newest credential.
    fn relying_parties(
        &mut self,
        after: Option<&RpId>,
        limit: usize,
    ) -> Work<RelyingParties, StoreError>;

    /// The discoverable credentials of this account, newest first: one, unless others were put
    /// beside it ([`Replaces`]).
    fn account(&mut self, rp_id: &RpId, user: &UserHandle) -> Work<Vec<Credential>, StoreError>;

    /// The keys of [`Self::account`], in its order: all that a registration wants to know of what
    /// it replaces. A store that can read them alone is asked for less.
    fn account_keys(
        &mut self,
        rp_id: &RpId,
        user: &UserHandle,
    ) -> Work<Vec<KeyHandle>, StoreError> {
        let keys = |all: Vec<Credential>| all.into_iter().map(|one| one.key).collect();
        self.account(rp_id, user).map(keys)
    }

    /// What changed since a place in the feed of changes, oldest first, with some `limit` changes
    /// at most; without a place, the one from which on to ask. Asked again and again, this is how
    /// to learn of changes, and costs little where there are none.
    fn changes(&mut self, after: Option<FeedCursor>, limit: usize) -> Work<Feed, StoreError>;

    /// Makes all the changes, or none of them.
    fn commit(&mut self, changes: Vec<Change>) -> Work<(), StoreError>;

    /// Counts up by one and gives the new value, which is durable by then. A counter starts at 0
    /// and stays at its maximum.
    fn count(&mut self, counter: Counter) -> Work<u32, StoreError>;

    /// What a record holds.
    fn record(&mut self, record: Record) -> Work<Option<Zeroizing<Vec<u8>>>, StoreError>;

    /// How much is stored, and how much room there is.
    fn capacity(&mut self) -> Work<Capacity, StoreError>;

    /// Deletes all credentials and records. The global counter stays: counters never go back.
    fn clear(&mut self) -> Work<(), StoreError>;
}

impl<S: CredentialStore + ?Sized> CredentialStore for Box<S> {
    fn find(&mut self, rp_id: &RpId, ids: &[CredentialId]) -> Work<Vec<Credential>, StoreError> {
        (**self).find(rp_id, ids)
    }

    fn discoverable(&mut self, query: &Query) -> Work<Page, StoreError> {
        (**self).discoverable(query)
    }

    fn lookup(&mut self, id: &CredentialId) -> Work<Option<Credential>, StoreError> {
        (**self).lookup(id)
    }

    fn all(&mut self, after: Option<Cursor>, limit: usize) -> Work<Page, StoreError> {
        (**self).all(after, limit)
    }

    fn used(&mut self, id: &CredentialId, at: UnixTime) {
        (**self).used(id, at);
    }

    fn relying_parties(
        &mut self,
        after: Option<&RpId>,
        limit: usize,
    ) -> Work<RelyingParties, StoreError> {
        (**self).relying_parties(after, limit)
    }

    fn account(&mut self, rp_id: &RpId, user: &UserHandle) -> Work<Vec<Credential>, StoreError> {
        (**self).account(rp_id, user)
    }

    fn account_keys(
        &mut self,
        rp_id: &RpId,
        user: &UserHandle,
    ) -> Work<Vec<KeyHandle>, StoreError> {
        (**self).account_keys(rp_id, user)
    }

    fn changes(&mut self, after: Option<FeedCursor>, limit: usize) -> Work<Feed, StoreError> {
        (**self).changes(after, limit)
    }

    fn commit(&mut self, changes: Vec<Change>) -> Work<(), StoreError> {
        (**self).commit(changes)
    }

    fn count(&mut self, counter: Counter) -> Work<u32, StoreError> {
        (**self).count(counter)
    }

    fn record(&mut self, record: Record) -> Work<Option<Zeroizing<Vec<u8>>>, StoreError> {
        (**self).record(record)
    }

    fn capacity(&mut self) -> Work<Capacity, StoreError> {
        (**self).capacity()
    }

    fn clear(&mut self) -> Work<(), StoreError> {
        (**self).clear()
    }
}

/// Which discoverable credentials to list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// The relying party whose credentials are wanted; compared byte by byte.
    pub rp_id: RpId,
    /// Whether the person is verified. Otherwise those of `credProtect` level 2 and 3 are left out,
    /// and not counted.
    pub verified: bool,
    /// Goes on where an earlier page ended.
    pub after: Option<Cursor>,
    /// How many to list at most.
    pub limit: usize,
}

/// A place in the order of credentials, from newest to oldest. Only the store that gave it out
/// knows what it means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cursor(pub u64);

/// A part of the discoverable credentials of an RP ID.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Page {
    /// How many there are on all pages together.
    pub total: usize,
    /// Those of this page, newest first.
    pub credentials: Vec<Credential>,
    /// Where the page ends.
    pub end: Option<Cursor>,
}

/// A part of the relying parties.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RelyingParties {
    /// How many there are altogether.
    pub total: usize,
    /// Those of this part.
    pub parties: Vec<Rp>,
}

/// One change of a [`CredentialStore::commit`].
#[non_exhaustive]
#[derive(Clone, PartialEq, Eq)]
pub enum Change {
    /// Adds a credential as the newest, with its counter at 0. One that has its id goes.
    Save {
        /// The new credential.
        credential: Box<Credential>,
        /// Which others go.
        replaces: Replaces,
    },
    /// Removes a credential. It is not an error if there is no such credential.
    Remove(CredentialId),
    /// Gives the account of a credential other names; its user handle stays, and so does the
    /// credential's place in the order. Without such a credential it is [`StoreError::NotFound`].
    Rename {
        /// The id of the credential.
        id: CredentialId,
        /// The account with its new names, under the same user handle.
        user: User,
        /// When, if that is known.
        at: Option<UnixTime>,
    },
    /// Replaces what extensions keep with a credential; its place in the order and its counter
    /// stay. Without such a credential it is [`StoreError::NotFound`]; [`StoreError::Full`] where
    /// there is no room for it.
    SetExtensionData {
        /// The id of the credential.
        id: CredentialId,
        /// What is kept from now on.
        data: Option<Box<ExtensionData>>,
        /// When, if that is known.
        at: Option<UnixTime>,
    },
    /// Writes a record, or removes it.
    Record {
        /// The record that is written.
        record: Record,
        /// What it is to hold; `None` removes it.
        value: Option<Zeroizing<Vec<u8>>>,
    },
    /// Writes a record unless there is one, which then stays: for secrets that are lost for good if
    /// another takes their place. That there is one is no error; who writes so reads afterwards
    /// what is there.
    NewRecord {
        /// The record that is written.
        record: Record,
        /// What it is to hold.
        value: Zeroizing<Vec<u8>>,
    },
}

/// Which credentials a new one takes the place of. Only discoverable ones have a place for their
/// account; one that is not takes nobody's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Replaces {
    /// All that are discoverable for its RP ID and user handle: the rule of the standard
    /// (CTAP 2.3 §6.1.2, step 17).
    #[default]
    Account,
    /// Those of them that are of its COSE algorithm: an account may have a classical key and a
    /// post-quantum one.
    AccountAndAlgorithm,
    /// None: for what comes from elsewhere, where the relying party may know each of them.
    Nothing,
}

impl Replaces {
    /// Whether a new credential takes the place of this one.
    #[must_use]
    pub fn takes_place(self, new: &Credential, of: &Credential) -> bool {
        let same_account = new.rp_id == of.rp_id && new.user.id == of.user.id;
        let both = new.discoverable && of.discoverable;
        let goes = match self {
            Self::Account => true,
            Self::AccountAndAlgorithm => new.key.algorithm() == of.key.algorithm(),
            Self::Nothing => false,
        };
        same_account && both && goes
    }
}

/// What a record holds may be a secret, such as the hash of the PIN.
impl fmt::Debug for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Save { credential, replaces } => write!(f, "Save({credential:?}, {replaces:?})"),
            Self::Remove(id) => write!(f, "Remove({id:?})"),
            Self::Rename { id, user, .. } => write!(f, "Rename({id:?}, {user:?})"),
            Self::SetExtensionData { id, data, .. } => {
                write!(f, "SetExtensionData({id:?}, {data:?})")
            }
            Self::NewRecord { record, value } => {
                write!(f, "NewRecord({record:?}, {} bytes)", value.len())
            }
            Self::Record { record, value } => {
                write!(f, "Record({record:?}, {:?})", value.as_ref().map(|value| value.len()))
            }
        }
    }
}

/// A small piece of durable state. The value is the authenticator's business; it may be a secret.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Record {
    /// How many attempts at built-in user verification are left.
    UvRetries,
    /// The PIN: half of its hash, and its length. A secret.
    Pin,
    /// How many tries are left for the PIN.
    PinRetries,
    /// What authenticatorConfig has set.
    Settings,
    /// The array of authenticatorLargeBlobs.
    LargeBlobs,
    /// The persistent token, a secret, and the identity that it lets its holders read.
    Identity,
    /// The fingerprints that were enrolled: secrets.
    Fingerprints,
    /// What credentials are wrapped with that are not stored
    /// ([`NonDiscoverable::Wrapped`](crate::NonDiscoverable::Wrapped)): a secret. Without it they
    /// are all lost.
    WrappingSecret,
    /// The keys of credentials that are gone which the key store has not deleted yet.
    UnneededKeys,
    /// What ties the store to where its keys live, as to a TPM: a secret. Whoever opens the key
    /// store reads and writes it; the authenticator does not.
    KeyStore,
    /// By which id exported passkeys name this person's account here: random, made with the first
    /// export. Whoever exports reads and writes it.
    ExchangeAccount,
    /// The key by which the key store attests to its keys, with its certificates. Whoever opens the
    /// key store reads and writes it.
    KeyAttestation,
    /// Where a counter is, as in a TPM, that tells an older copy of the store, and what it showed
    /// last: a secret. Whoever opens the store with it reads and writes it.
    StoreCounter,
}

impl Record {
    /// A stable name to store it under.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::UvRetries => "uv-retries",
            Self::Pin => "pin",
            Self::PinRetries => "pin-retries",
            Self::Settings => "settings",
            Self::LargeBlobs => "large-blobs",
            Self::Identity => "identity",
            Self::Fingerprints => "fingerprints",
            Self::WrappingSecret => "wrapping-secret",
            Self::UnneededKeys => "unneeded-keys",
            Self::KeyStore => "key-store",
            Self::ExchangeAccount => "exchange-account",
            Self::KeyAttestation => "key-attestation",
            Self::StoreCounter => "store-counter",
        }
    }
}

/// Which signature counter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Counter {
    /// The one for all credentials.
    Global,
    /// The one of this credential.
    Of(CredentialId),
}

/// How full a store is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capacity {
    /// How many discoverable credentials are stored.
    pub discoverable: usize,
    /// For how many more there is room; `None` if that is not known or does not matter.
    pub remaining: Option<usize>,
}

/// Why a store failed. Nothing was changed.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// There is no room left.
    #[error("the credential store is full; remove a passkey first")]
    Full,
    /// What was to be changed is not there.
    #[error("the credential is no longer in the store")]
    NotFound,
    /// The store can't be read or written now.
    #[error("the credential store failed: {0}")]
    Unavailable(String),
}

impl StoreError {
    /// What the client learns.
    pub(crate) fn status(&self) -> Status {
        tracing::warn!(error = %self, "store");
        match self {
            Self::Full => Status::KeyStoreFull,
            _ => Status::Other,
        }
    }
}
