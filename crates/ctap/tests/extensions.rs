//! The map of extensions: opaque values that pass through, typed values on top.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use towline_cbor::ErrorKind;
use towline_ctap::{Extensions, Status, extension::CredentialProtectionPolicy};

#[test]
fn identifiers_come_in_canonical_order_whatever_the_order_of_setting() {
    let mut extensions = Extensions::new();
    for id in ["hmac-secret", "prf", "credProtect", "credBlob", "aaa"] {
        extensions.set_raw(id, &[0xf5]).unwrap();
    }
    let ids: Vec<_> = extensions.ids().collect();
    assert_eq!(ids, ["aaa", "prf", "credBlob", "credProtect", "hmac-secret"]);
}

#[test]
fn a_value_that_is_set_again_replaces_the_one_before() {
    let mut extensions = Extensions::new();
    extensions.set(&CredentialProtectionPolicy::UserVerificationOptional);
    extensions.set(&CredentialProtectionPolicy::UserVerificationRequired);
    assert_eq!(extensions.raw("credProtect"), Some(&[3][..]));
    assert_eq!(extensions.ids().count(), 1);
    assert_eq!(extensions.get(), Ok(Some(CredentialProtectionPolicy::UserVerificationRequired)));
}

#[test]
fn a_raw_value_that_is_not_one_canonical_item_is_refused() {
    let mut extensions = Extensions::new();
    for (value, kind) in [
        (&[][..], ErrorKind::UnexpectedEnd),
        (&[0xf5, 0xf5], ErrorKind::TrailingBytes),
        (&[0x18, 1], ErrorKind::NotShortest),
        (&[0x81; 9], ErrorKind::TooDeep),
    ] {
        assert_eq!(extensions.set_raw("x", value).unwrap_err().kind(), kind);
    }
    assert!(extensions.is_empty());
}

#[test]
fn every_level_of_protection_is_one_of_three() {
    for level in 0..=5 {
        let policy = CredentialProtectionPolicy::from_level(level);
        assert_eq!(policy.is_some(), (1..=3).contains(&level));
        assert!(policy.is_none_or(|policy| u64::from(policy.level()) == level));
    }
    assert!(
        CredentialProtectionPolicy::UserVerificationOptional
            < CredentialProtectionPolicy::UserVerificationRequired
    );
}

#[test]
fn a_typed_value_of_the_wrong_kind_names_the_status_to_answer() {
    let mut extensions = Extensions::new();
    extensions.set_raw("credProtect", &[0xf5]).unwrap();
    let refusal = extensions.get::<CredentialProtectionPolicy>().unwrap_err();
    assert_eq!(refusal.status(), Status::CborUnexpectedType);
}
