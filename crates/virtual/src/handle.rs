//! Handles of keys that say whose they are: two passkeys may have one key, and stay two.

use towline_authenticator::{Credential, KeyHandle};
use towline_crypto::zeroize::Zeroizing;
use towline_ctap::CredentialId;

/// What such a handle begins with. After it come the length of the id, the id and the private key.
const MARK: [u8; 16] = *b"towline passkey\0";

/// Gives the credential's key the credential's id: for the authenticator, which hands nothing but
/// the key to those who sign.
pub(crate) fn name(credential: &mut Credential) {
    let (id, key) = (credential.id.as_bytes(), &credential.key);
    let length = u16::try_from(id.len()).unwrap_or(u16::MAX).to_be_bytes();
    let named = [&MARK[..], &length, id, key.expose()].concat();
    let material = Zeroizing::new(named.into_boxed_slice());
    credential.key = KeyHandle::new(key.algorithm(), material);
}

/// Takes the id out of the credential's key again.
pub(crate) fn unname(credential: &mut Credential) {
    if let Some((_, key)) = read(&credential.key) {
        credential.key = key;
    }
}

/// Whose key it is, and the key; `None` of one that says nothing: a new one, or one of U2F.
pub(crate) fn read(handle: &KeyHandle) -> Option<(CredentialId, KeyHandle)> {
    let rest = handle.expose().strip_prefix(&MARK)?;
    let (length, rest) = rest.split_first_chunk()?;
    let (id, key) = rest.split_at_checked(u16::from_be_bytes(*length).into())?;
    let key = KeyHandle::new(handle.algorithm(), Zeroizing::new(key.into()));
    Some((CredentialId::new(id).ok()?, key))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use towline_ctap::{RpId, User, UserHandle};

    use super::*;

    #[test]
    fn a_handle_says_whose_it_is_and_is_the_key_again() {
        let key = KeyHandle::new(-7, Zeroizing::new(Box::new([7; 32])));
        assert_eq!(read(&key), None);
        let user = User { id: UserHandle::new(b"42").unwrap(), name: None, display_name: None };
        let id = CredentialId::new(&[1, 2, 3]).unwrap();
        let mut credential =
            Credential::new(id.clone(), RpId::new("example.org").unwrap(), user, key.clone());
        name(&mut credential);
        assert_eq!(read(&credential.key), Some((id, key.clone())));
        unname(&mut credential);
        assert_eq!(credential.key, key);
    }
}
