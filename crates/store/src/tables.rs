//! What is where in the file: one table of tables, from which all follows that is done with
//! everything.

use redb::TableDefinition;
use towline_ctap::{CredentialId, RpId, UserHandle};

use crate::seal::{ENTRY, Keys};

/// What tells how to read the rest: [`FORMAT`], [`ROOT`] and [`HEAD`].
pub(crate) const META: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("meta");
/// In [`META`]: the form of the file, 4 bytes, big-endian. Not sealed; the head says it once more.
pub(crate) const FORMAT: &str = "format";
/// In [`META`]: the root key, under what opens the store. Not sealed once more.
pub(crate) const ROOT: &str = "root";
/// In [`META`]: what exists, sealed ([`Head`](crate::head::Head)).
pub(crate) const HEAD: &str = "head";

/// In [`Table::Links`]: what this phone is to computers.
pub(crate) const IDENTITY: &str = "identity";
/// In [`Table::Links`]: the computers that may ring it.
pub(crate) const COMPUTERS: &str = "computers";
/// In [`Table::Links`]: the computers that may not any more.
pub(crate) const FORGOTTEN: &str = "forgotten";
/// In [`Table::Links`]: the phones that this computer may ring.
pub(crate) const PHONES: &str = "phones";

/// In [`Table::Links`]: what this device is in the circle of devices that share passkeys.
pub(crate) const CIRCLE_DEVICE: &str = "circle-device";
/// In [`Table::Links`]: the place in the feed of changes up to which the circle was told of them.
pub(crate) const CIRCLE_PLACE: &str = "circle-place";
/// In [`Table::Links`] before there was [`Table::Circle`]: what is there now, as one. Only one that
/// can't be opened is still there.
pub(crate) const CIRCLE_5: &str = "circle";
/// All that [`Table::Links`] has of a circle.
pub(crate) const CIRCLE_LINKS: [&str; 3] = [CIRCLE_5, CIRCLE_DEVICE, CIRCLE_PLACE];

/// How tables are kept: keys and values are bytes, and numbers big-endian.
pub(crate) type Definition = TableDefinition<'static, &'static [u8], &'static [u8]>;

/// A table. Whoever adds one says below what is in it, and all else follows: it is made, counted in
/// the head, checked, sealed anew, emptied, repaired and copied to backups.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Table {
    /// Credentials by their place, 8 bytes, which is higher for newer ones.
    Credentials,
    /// The signature counter of the credential at this place; 0 if it is not there.
    Counters,
    /// The authenticator's records, by their names.
    Records,
    /// What links with other devices are made of, by its name.
    Links,
    /// What could not be opened, as it was found, by its table and key. Kept for whoever can.
    Aside,
    /// Keyed hash of a credential id: its place.
    Ids,
    /// Keyed hash of RP ID and user handle, and a place: a discoverable credential of this account.
    Accounts,
    /// Keyed hash of an RP ID, and a place: a discoverable credential of this relying party. 1 for
    /// one that may be listed without verification (`credProtect` level 1), else 0.
    Members,
    /// Keyed hash of an RP ID: how many discoverable credentials it has, how many of them may be
    /// listed without verification, and its number in [`Table::Order`]; 8 bytes each.
    Parties,
    /// Relying parties in the order in which they came: the keyed hash of the RP ID, by a number.
    Order,
    /// What changed among the credentials last, by its number ([`feed`](crate::feed)).
    Changes,
    /// What is known of the circle: rows, each by the keyed hash of its own key
    /// ([`circle`](crate::circle)).
    Circle,
}

/// What a table holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Content {
    /// Things, each sealed for its table and key.
    Sealed,
    /// What can be made again from the credentials, in plain.
    Index,
    /// Bytes that nobody could open.
    Aside,
    /// Things, each sealed for its table and key, of which nothing is lost when they go.
    Feed,
}

impl Table {
    /// All of them. Their places in this list are their numbers in the head: new ones come last.
    pub(crate) const ALL: [Self; 12] = [
        Self::Credentials,
        Self::Counters,
        Self::Records,
        Self::Links,
        Self::Aside,
        Self::Ids,
        Self::Accounts,
        Self::Members,
        Self::Parties,
        Self::Order,
        Self::Changes,
        Self::Circle,
    ];

    /// Those of a format, the first of them that has a sealed head or a later one.
    pub(crate) fn of(format: u32) -> impl Iterator<Item = Self> {
        let count = match format {
            ..=3 => 10,
            4 | 5 => 11,
            _ => Self::ALL.len(),
        };
        Self::ALL.into_iter().take(count)
    }

    /// Its name in the file, with the format that had it first in this form, what it holds, and the
    /// name that its seals are made for.
    const fn row(self) -> (Definition, Content, &'static str) {
        let (name, content, seal) = match self {
            Self::Credentials => ("3.credentials", Content::Sealed, "credentials"),
            Self::Counters => ("3.counters", Content::Sealed, "counters"),
            Self::Records => ("3.records", Content::Sealed, "records"),
            Self::Links => ("3.links", Content::Sealed, "links"),
            Self::Aside => ("3.aside", Content::Aside, "aside"),
            Self::Ids => ("3.ids", Content::Index, "ids"),
            Self::Accounts => ("4.accounts", Content::Index, "accounts"),
            Self::Members => ("3.members", Content::Index, "members"),
            Self::Parties => ("3.parties", Content::Index, "parties"),
            Self::Order => ("3.order", Content::Index, "order"),
            Self::Changes => ("4.changes", Content::Feed, "changes"),
            Self::Circle => ("6.circle", Content::Sealed, "circle"),
        };
        (TableDefinition::new(name), content, seal)
    }

    pub(crate) const fn definition(self) -> Definition {
        self.row().0
    }

    pub(crate) const fn content(self) -> Content {
        self.row().1
    }

    /// What its seals are made for; and how it is called.
    pub(crate) const fn name(self) -> &'static str {
        self.row().2
    }

    /// Those with this content.
    pub(crate) fn with(content: Content) -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(move |table| table.content() == content)
    }

    /// What is under a key, for a person.
    pub(crate) fn part(self, key: &[u8]) -> String {
        let text = || String::from_utf8_lossy(key).into_owned();
        let number = place_of(key).unwrap_or_default();
        match self {
            Self::Credentials => format!("passkey {number}"),
            Self::Counters => format!("the signature counter of passkey {number}"),
            Self::Records => match &*text() {
                "pin" => "the PIN".to_owned(),
                "pin-retries" => "the count of PIN attempts".to_owned(),
                "uv-retries" => "the count of verification attempts".to_owned(),
                "settings" => "the settings".to_owned(),
                "large-blobs" => "the large blobs".to_owned(),
                "identity" => "the identity".to_owned(),
                "fingerprints" => "the fingerprints".to_owned(),
                "wrapping-secret" => "the secret of credentials that are not stored".to_owned(),
                "unneeded-keys" => "the list of keys to be deleted".to_owned(),
                "key-store" => "what ties the store to a TPM".to_owned(),
                "exchange-account" => "the id of the account in exports".to_owned(),
                "key-attestation" => "the attestation key in a TPM".to_owned(),
                "store-counter" => "the counter that tells older copies".to_owned(),
                other => format!("the record {other}"),
            },
            Self::Links => match &*text() {
                IDENTITY => "what this phone is to computers".to_owned(),
                COMPUTERS => "the links to computers".to_owned(),
                FORGOTTEN => "the computers that were forgotten".to_owned(),
                PHONES => "the links to phones".to_owned(),
                CIRCLE_5 => Self::Circle.part(key),
                CIRCLE_DEVICE => "what this device is in its circle".to_owned(),
                CIRCLE_PLACE => "what the circle of devices was told".to_owned(),
                other => format!("the link {other}"),
            },
            Self::Aside => "what was put aside".to_owned(),
            Self::Changes => "the feed of changes".to_owned(),
            Self::Circle => "what is known of the circle of devices".to_owned(),
            Self::Ids | Self::Accounts | Self::Members | Self::Parties | Self::Order => {
                "an index".to_owned()
            }
        }
    }
}

pub(crate) fn id_entry(keys: &Keys, id: &CredentialId) -> [u8; ENTRY] {
    keys.entry("ids", &[id.as_bytes()])
}

pub(crate) fn account_entry(keys: &Keys, rp_id: &RpId, user: &UserHandle) -> [u8; ENTRY] {
    keys.entry("accounts", &[rp_id.as_str().as_bytes(), user.as_bytes()])
}

pub(crate) fn party_entry(keys: &Keys, rp_id: &RpId) -> [u8; ENTRY] {
    keys.entry("parties", &[rp_id.as_str().as_bytes()])
}

/// The key of a credential among those of its relying party, or of its account: they are in the
/// order of their places.
pub(crate) fn member_entry(group: &[u8; ENTRY], place: u64) -> Vec<u8> {
    [&group[..], &place.to_be_bytes()].concat()
}

/// The place in the key that [`member_entry`] made, or that is the key.
pub(crate) fn place_of(key: &[u8]) -> Option<u64> {
    key.last_chunk().copied().map(u64::from_be_bytes)
}
