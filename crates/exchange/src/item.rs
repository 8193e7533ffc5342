//! The names in a document above the passkey, and what an item of ours is called.

use towline_authenticator::Credential;
use towline_crypto::CryptoProvider;
use zeroize::Zeroizing;

use crate::base64url;

/// The only major version that there is.
pub(crate) const MAJOR: i64 = 1;

pub(crate) const VERSION: &str = "version";
pub(crate) const ACCOUNTS: &str = "accounts";
pub(crate) const ITEMS: &str = "items";
pub(crate) const CREDENTIALS: &str = "credentials";
pub(crate) const ID: &str = "id";
pub(crate) const TITLE: &str = "title";
pub(crate) const CREATION_AT: &str = "creationAt";
pub(crate) const MODIFIED_AT: &str = "modifiedAt";
pub(crate) const EXTENSIONS: &str = "extensions";

/// The title of the item of a passkey that came with none.
pub(crate) fn title(credential: &Credential) -> &str {
    let name = credential.rp_name.as_deref().filter(|name| !name.is_empty());
    name.unwrap_or_else(|| credential.rp_id.as_str())
}

/// The id of the item of a passkey that came with none: the same in each export of this account,
/// by the account's id as it is written.
pub(crate) fn id(
    account: &str,
    credential: &Credential,
    provider: &CryptoProvider,
) -> Zeroizing<String> {
    let rp_id_hash = credential.rp_id.hash(provider);
    let parts =
        [b"towline cxf item", account.as_bytes(), rp_id_hash.as_bytes(), credential.id.as_bytes()];
    let hash = provider.sha256.hash(&parts);
    base64url::write(hash.get(..16).unwrap_or_default())
}
