//! Credentials as bytes, for stores outside of this crate.

use crate::rig::*;
use towline_authenticator::{
    Config, CredRandom, Credential, DamagedCredential, ExtensionData, KeyHandle, LargeBlobPlace,
    UnixTime,
};
use towline_crypto::Secret;
use towline_ctap::{
    CredentialId, LargeBlobKey, User, UserHandle,
    extension::{CredentialProtectionPolicy::UserVerificationRequired, LargeBlob},
};
use zeroize::Zeroizing;

fn bare() -> Credential {
    let user = User { id: UserHandle::new(&[7]).unwrap(), name: None, display_name: None };
    let key = KeyHandle::new(-7, Zeroizing::new([9; 32].into()));
    Credential::new(CredentialId::new(&[1; 32]).unwrap(), rp_id("example.org"), user, key)
}

fn full() -> Credential {
    let mut kept = ExtensionData::default();
    kept.cred_random = Some(CredRandom::Derived(Secret::new([2; 32])));
    kept.cred_blob = Some(vec![3; 32].into());
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
        never_counts: true,
        made: Some(UnixTime(1_700_000_000)),
        changed: Some(UnixTime(-1)),
        used: Some(UnixTime(i64::MAX)),
        revision: 300,
        foreign: Some(b"{}".to_vec().into()),
        backed_up: true,
        ..bare()
    }
}

#[test]
fn every_credential_survives_the_round_trip() {
    let empty = Credential { extensions: Some(Box::default()), ..full() };
    let mut with_place = ExtensionData::default();
    with_place.large_blob = Some(LargeBlobPlace::Empty);
    let with_place = Credential { extensions: Some(Box::new(with_place)), ..bare() };
    let mut pair = ExtensionData::default();
    pair.cred_random =
        Some(CredRandom::Pair { with_uv: Secret::new([6; 32]), without_uv: Secret::new([7; 32]) });
    let pair = Credential { extensions: Some(Box::new(pair)), ..bare() };
    for credential in [bare(), full(), empty, with_place, pair] {
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
fn what_was_written_in_the_first_form_is_read_for_ever() {
    let mut written = vec![0xa9, 0x00, 0x01, 0x01, 0x58, 32];
    written.extend([1; 32]);
    written.extend(b"\x02\x6bexample.org\x03\x41\x07\x07\xf4\x08\x01\x09\xf4\x0a\x26\x0b\x58\x20");
    written.extend([9; 32]);
    assert_eq!(Credential::from_bytes(&written), Ok(bare()));

    // With everything that this form had.
    let mut written = vec![0xb3, 0x00, 0x01, 0x01, 0x58, 32];
    written.extend([1; 32]);
    written.extend(b"\x02\x6bexample.org\x03\x41\x07\x04\x67Example\x05\x65alice\x06\x65Alice");
    written.extend(b"\x07\xf5\x08\x03\x09\xf5\x0a\x39\x01\x00\x0b\x58\x20");
    written.extend([9; 32]);
    written.extend([0x0c, 0x58, 0x20]);
    written.extend([2; 32]);
    written.extend([0x0d, 0x58, 0x20]);
    written.extend([3; 32]);
    written.extend([0x0e, 0x58, 0x20]);
    written.extend([4; 32]);
    written.extend(b"\x0f\xf5\x10\xf5\x11\x45\x05\x05\x05\x05\x05\x12\x19\x03\xe8");
    let read = Credential::from_bytes(&written).unwrap();
    let kept = read.extensions.as_deref().unwrap();
    assert_eq!(kept.cred_random, Some(CredRandom::Derived(Secret::new([2; 32]))));
    assert_eq!(kept.cred_blob.as_ref().unwrap().expose(), [3; 32]);
    assert_eq!(kept.large_blob_key.as_ref().unwrap().expose(), &[4; 32]);
    let blob = kept.large_blob.as_ref().and_then(LargeBlobPlace::blob).unwrap();
    assert_eq!((&blob.compressed[..], blob.original_size), (&[5; 5][..], 1000));
    assert!(kept.third_party_payment && read.discoverable && read.backup_eligible);
    assert_eq!(read.protection, UserVerificationRequired);
    assert_eq!(
        (read.rp_name.as_deref(), read.user.name.as_deref()),
        (Some("Example"), Some("alice"))
    );
    assert_eq!((read.key.algorithm(), read.key.expose()), (-257, &[9; 32][..]));
    let since = (read.never_counts, read.made, read.changed, read.used, read.revision);
    assert_eq!((since, read.foreign), ((false, None, None, None, 0), None));
}

#[test]
fn what_was_written_in_the_second_form_is_read_for_ever() {
    let mut written = vec![2, 32];
    written.extend([1; 32]);
    written.extend(b"\x01\x07\x00\x00\x00\x01\x00\x0bexample.org\x00\x0d\x20");
    written.extend([9; 32]);
    written.extend([0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(Credential::from_bytes(&written), Ok(bare()));
}

#[test]
fn what_was_written_in_the_third_form_is_read_for_ever() {
    let mut written = vec![3, 32];
    written.extend([1; 32]);
    written.extend(b"\x01\x07\x00\x00\x00\x01\x00\x0bexample.org\x00\x0d\x20");
    written.extend([9; 32]);
    written.extend([0, 0, 0, 0, 0, 0, 0, 1]);
    let elsewhere = Credential { backed_up: true, ..bare() };
    assert_eq!(elsewhere.to_bytes()[..], written);
    assert_eq!(Credential::from_bytes(&written), Ok(elsewhere));
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
    for other in [0, 1, Credential::NEWEST_FORM.to_le_bytes()[0] + 1, 0x7f] {
        later[0] = other;
        assert_eq!(Credential::from_bytes(&later), Err(DamagedCredential), "form {other}");
    }
    // The first form, with a member that it never had.
    let mut first = vec![0xaa, 0x00, 0x01, 0x01, 0x58, 32];
    first.extend([1; 32]);
    first.extend(b"\x02\x6bexample.org\x03\x41\x07\x07\xf4\x08\x01\x09\xf4\x0a\x26\x0b\x58\x20");
    first.extend([9; 32]);
    first.extend([0x13, 0xf5]);
    assert_eq!(Credential::from_bytes(&first), Err(DamagedCredential));
}
