//! What is where in the file. Values are sealed unless said otherwise.

use redb::TableDefinition;
use towline_ctap::{CredentialId, RpId, UserHandle};

use crate::seal::{ENTRY, Keys};

/// What tells how to read the rest: [`FORMAT`] and [`ROOT`], which are not sealed, and numbers, which are.
pub(crate) const META: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("meta");
/// In [`META`]: the form of the file, 4 bytes, big-endian. Not sealed.
pub(crate) const FORMAT: &str = "format";
/// In [`META`]: the root key, under what opens the store. Not sealed once more.
pub(crate) const ROOT: &str = "root";
/// In [`META`]: the place of the next credential.
pub(crate) const NEXT: &str = "next";
/// In [`META`]: the signature counter for all credentials.
pub(crate) const GLOBAL_COUNTER: &str = "global-counter";

/// Credentials by their place, which is higher for newer ones.
pub(crate) const CREDENTIALS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("credentials");
/// The signature counter of the credential at this place; 0 if it is not there.
pub(crate) const COUNTERS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("counters");
/// Credentials that could not be opened, by their place, as they were found. Kept for whoever can.
pub(crate) const ASIDE: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("aside");
/// The authenticator's records, by their names.
pub(crate) const RECORDS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("records");

/// What links with other devices are made of, by its name.
pub(crate) const LINKS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("links");

/// Keyed hash of a credential id: its place, in plain.
pub(crate) const IDS: TableDefinition<'_, &[u8], u64> = TableDefinition::new("ids");
/// Keyed hash of RP ID and user handle: the place of the discoverable credential, in plain.
pub(crate) const ACCOUNTS: TableDefinition<'_, &[u8], u64> = TableDefinition::new("accounts");
/// Keyed hash of an RP ID, and a place: a discoverable credential of this relying party. 1 for one that may be listed without
/// verification (`credProtect` level 1), else 0; in plain.
pub(crate) const MEMBERS: TableDefinition<'_, &[u8], u8> = TableDefinition::new("members");
/// Keyed hash of an RP ID: how many discoverable credentials it has, and how many of them may be listed without verification,
/// each 8 bytes, big-endian; in plain.
pub(crate) const PARTIES: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("parties");

pub(crate) fn id_entry(keys: &Keys, id: &CredentialId) -> [u8; ENTRY] {
    keys.entry("ids", &[id.as_bytes()])
}

pub(crate) fn account_entry(keys: &Keys, rp_id: &RpId, user: &UserHandle) -> [u8; ENTRY] {
    keys.entry("accounts", &[rp_id.as_str().as_bytes(), user.as_bytes()])
}

pub(crate) fn party_entry(keys: &Keys, rp_id: &RpId) -> [u8; ENTRY] {
    keys.entry("parties", &[rp_id.as_str().as_bytes()])
}

/// The key of a credential among those of its relying party: they are in the order of their places.
pub(crate) fn member_entry(party: &[u8; ENTRY], place: u64) -> Vec<u8> {
    [&party[..], &place.to_be_bytes()].concat()
}

/// The place in the key that [`member_entry`] made.
pub(crate) fn place_of(member: &[u8]) -> Option<u64> {
    member.last_chunk().copied().map(u64::from_be_bytes)
}
