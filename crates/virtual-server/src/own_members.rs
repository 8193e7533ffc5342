//! What the doors of others add to their form of a credential, so that nothing is lost on the way
//! out and in again: the members of [`StoredCredential`] that WebDriver and DevTools lack, under
//! the names that they have there.

use serde_json::{Map, Value};

use crate::StoredCredential;

/// The secrets of `prf` above all: without them a passkey that is taken out and put back gives
/// other values.
const NAMES: [&str; 10] = [
    "changedAt",
    "createdAt",
    "credBlob",
    "credProtect",
    "fido2Extensions",
    "largeBlobKey",
    "prfSecret",
    "rpName",
    "thirdPartyPayment",
    "usedAt",
];

/// Writes those that the credential has.
pub(crate) fn write(credential: &StoredCredential, written: &mut Map<String, Value>) {
    let Ok(Value::Object(all)) = serde_json::to_value(credential) else { return };
    written.extend(
        all.into_iter().filter(|(name, value)| NAMES.contains(&name.as_str()) && !value.is_null()),
    );
}

/// The credential with those that are among these members.
///
/// # Errors
/// Where one is not as it must be; the text says which.
pub(crate) fn added(
    credential: StoredCredential,
    members: &Map<String, Value>,
) -> Result<StoredCredential, serde_json::Error> {
    let own = members.iter().filter(|(name, _)| NAMES.contains(&name.as_str()));
    let own: Vec<(String, Value)> = own.map(|(name, it)| (name.clone(), it.clone())).collect();
    if own.is_empty() {
        return Ok(credential);
    }
    let mut all = serde_json::to_value(credential)?;
    if let Some(all) = all.as_object_mut() {
        // What is derived from others would speak against them.
        all.remove("fido2Extensions");
        all.extend(own);
    }
    serde_json::from_value(all)
}
