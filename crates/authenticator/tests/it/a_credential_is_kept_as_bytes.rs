//! Credentials as bytes, for stores outside of this crate.

use crate::rig::*;
use towline_authenticator::{
    Config, Credential, DamagedCredential, ExtensionData, KeyHandle, LargeBlobPlace,
};
use towline_crypto::Secret;
use towline_ctap::{
    CredentialId, LargeBlobKey, User, UserHandle,
    extension::{
        CredentialProtectionPolicy::{self, UserVerificationRequired},
        LargeBlob,
    },
};
use zeroize::Zeroizing;

fn bare() -> Credential {
    Credential {
        id: CredentialId::new(&[1; 32]).unwrap(),
        rp_id: rp_id("example.org"),
        rp_name: None,
        user: User { id: UserHandle::new(&[7]).unwrap(), name: None, display_name: None },
        discoverable: false,
        protection: CredentialProtectionPolicy::default(),
        backup_eligible: false,
        key: KeyHandle::new(-7, Zeroizing::new([9; 32].into())),
        extensions: None,
    }
}

fn full() -> Credential {
    let mut kept = ExtensionData::default();
    kept.hmac_secret = Some(Secret::new([2; 32]));
    kept.cred_blob = Some([3; 32].into());
    kept.large_blob_key = Some(LargeBlobKey::new(Secret::new([4; 32])));
    let blob = LargeBlob { compressed: vec![5; 300], original_size: 1000 };
    kept.large_blob = Some(LargeBlobPlace::Holds(Box::new(blob)));
    kept.third_party_payment = true;
    Credential {
        rp_name: Some("Example".into()),
        user: user("alice"),
        discoverable: true,
        protection: UserVerificationRequired,
        backup_eligible: true,
        key: KeyHandle::new(-257, Zeroizing::new(vec![9; 1200].into())),
        extensions: Some(Box::new(kept)),
        ..bare()
    }
}

#[test]
fn every_credential_survives_the_round_trip() {
    let empty = Credential { extensions: Some(Box::default()), ..full() };
    let mut with_place = ExtensionData::default();
    with_place.large_blob = Some(LargeBlobPlace::Empty);
    let with_place = Credential { extensions: Some(Box::new(with_place)), ..bare() };
    for credential in [bare(), full(), empty, with_place] {
        assert_eq!(Credential::from_bytes(&credential.to_bytes()), Ok(credential));
    }
    for config in [Config::phone(), Config::platform(), Config::security_key()] {
        let mut rig = Rig::new(config);
        rig.passkey("example.org", "alice");
        let made = rig.store.credentials().remove(0);
        assert_eq!(Credential::from_bytes(&made.to_bytes()), Ok(made));
    }
}

#[test]
fn what_was_written_once_is_read_for_ever() {
    let mut written = vec![0xa9, 0x00, 0x01, 0x01, 0x58, 32];
    written.extend([1; 32]);
    written.extend(b"\x02\x6bexample.org\x03\x41\x07\x07\xf4\x08\x01\x09\xf4\x0a\x26\x0b\x58\x20");
    written.extend([9; 32]);
    assert_eq!(bare().to_bytes()[..], written);
    assert_eq!(Credential::from_bytes(&written), Ok(bare()));
}

#[test]
fn whatever_else_the_bytes_are_they_are_no_credential() {
    let bytes = full().to_bytes();
    for length in 0..bytes.len() {
        assert_eq!(Credential::from_bytes(&bytes[..length]), Err(DamagedCredential), "{length}");
    }
    let longer = [&bytes[..], &[0]].concat();
    assert_eq!(Credential::from_bytes(&longer), Err(DamagedCredential));
    let mut later = bytes.to_vec();
    assert_eq!(later[2], 1, "the version");
    later[2] = 2;
    assert_eq!(Credential::from_bytes(&later), Err(DamagedCredential));
    // A member that a later version has added.
    let mut more = bare().to_bytes().to_vec();
    more[0] += 1;
    more.extend([0x10, 0xf5]);
    assert_eq!(Credential::from_bytes(&more), Err(DamagedCredential));
}
