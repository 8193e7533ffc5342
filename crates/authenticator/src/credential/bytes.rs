//! A credential as bytes, for stores that keep it in a file or a database: the number of its form,
//! and its members ([`Kept`]).

mod first_form;

use towline_ctap::{RpId, extension::CredentialProtectionPolicy};
use zeroize::Zeroizing;

use crate::{
    Credential, ExtensionData, KeyHandle,
    credential::kept::{Kept, Rest, newest},
};

/// The bytes are not a credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the stored credential can't be read; it is damaged, or was written by a later version")]
pub struct DamagedCredential;

/// The first form that is not a map of CBOR.
const SECOND: u32 = 2;

/// What the indexes of a store need to know of a credential.
pub(crate) struct Keys<'a> {
    pub(crate) id: &'a [u8],
    pub(crate) user: &'a [u8],
    pub(crate) rp_id: &'a [u8],
    pub(crate) discoverable: bool,
    /// Whether it shows itself without user verification and without being named.
    pub(crate) open: bool,
}

impl Credential {
    /// The form that [`Self::to_bytes`] writes. It goes up when a member is added: a store that
    /// keeps these bytes must then be closed to programs that know an earlier one only.
    pub const NEWEST_FORM: u32 = newest(&[Self::FORM, ExtensionData::FORM]);

    /// The credential in a form that later versions of this crate read, too. It holds secrets: keep
    /// it as such, encrypted wherever others can read the store. They are wiped on drop.
    #[must_use]
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let form = u64::from(Self::NEWEST_FORM);
        let room = form.room().saturating_add(self.room());
        let mut bytes = Zeroizing::new(Vec::with_capacity(room));
        form.put(&mut bytes);
        self.put(&mut bytes);
        bytes
    }

    /// Reads what [`Self::to_bytes`] has written, with this or an earlier version.
    ///
    /// # Errors
    /// [`DamagedCredential`] where it is anything else.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DamagedCredential> {
        Self::read(bytes, None)
    }

    /// The same, where it is known for which relying party the credential most likely is.
    pub(crate) fn read(bytes: &[u8], expected: Option<&RpId>) -> Result<Self, DamagedCredential> {
        if first_form::may_be(bytes) {
            return first_form::read(bytes);
        }
        let read = || {
            let mut rest = Rest::of_any_form(bytes)?.expecting(expected);
            if !(SECOND..=Self::NEWEST_FORM).contains(&rest.form()) {
                return None;
            }
            Self::take(&mut rest).filter(|_| rest.is_empty())
        };
        read().ok_or(DamagedCredential)
    }

    /// What stands at the beginning of [`Self::to_bytes`]. `None` where it is anything else.
    pub(crate) fn keys(bytes: &[u8]) -> Option<Keys<'_>> {
        Self::keys_and_rest(bytes).map(|(keys, _)| keys)
    }

    /// The key of what [`Self::to_bytes`] has written.
    pub(crate) fn key(bytes: &[u8]) -> Option<KeyHandle> {
        let (_, mut rest) = Self::keys_and_rest(bytes)?;
        // The name of the relying party.
        rest.skip_optional_part()?;
        KeyHandle::take(&mut rest)
    }

    fn keys_and_rest(bytes: &[u8]) -> Option<(Keys<'_>, Rest<'_>)> {
        let mut rest = Rest::of_any_form(bytes)?;
        let (id, user) = (rest.part()?, rest.part()?);
        // The names.
        rest.skip_optional_part()?;
        rest.skip_optional_part()?;
        let discoverable = bool::take(&mut rest)?;
        let open = rest.byte()? == CredentialProtectionPolicy::UserVerificationOptional.level();
        let _backup_eligible = bool::take(&mut rest)?;
        let rp_id = rest.part()?;
        Some((Keys { id, user, rp_id, discoverable, open }, rest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What each form has. A member that is added belongs to a new form, since programs that know
    /// the older ones only can't read it: write `since N` before it, and a line for it here. The
    /// lines that are here stay for ever.
    #[test]
    fn a_member_that_is_added_raises_the_form() {
        let second = [
            "id",
            "user",
            "discoverable",
            "protection",
            "backup_eligible",
            "rp_id",
            "rp_name",
            "key",
            "extensions",
            "never_counts",
            "made",
            "changed",
            "used",
            "revision",
            "foreign",
        ];
        let third = [(3, "backed_up")];
        let members = second.into_iter().map(|member| (2, member)).chain(third);
        assert_eq!(Credential::MEMBERS, members.collect::<Vec<_>>());
        let second =
            ["cred_random", "cred_blob", "large_blob_key", "large_blob", "third_party_payment"];
        assert_eq!(ExtensionData::MEMBERS, second.map(|member| (2, member)));
        assert_eq!(Credential::NEWEST_FORM, 3);
    }
}
