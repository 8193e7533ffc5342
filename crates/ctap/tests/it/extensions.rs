//! The map of extensions: opaque values that pass through, typed values on top.

use towline_cbor::ErrorKind;
use towline_crypto::Secret;
use towline_ctap::{
    CredentialId, Extensions, KeyAgreementKey, Status,
    extension::{
        CredBlob, CredBlobStored, CredentialProtectionPolicy, ExtensionValue, GetCredBlob,
        GetLargeBlobKey, GetMinPinLength, HmacSecret, HmacSecretInput, HmacSecretMcInput,
        HmacSecretMcOutput, HmacSecretOutput, LargeBlob, LargeBlobInput, LargeBlobOutput,
        LargeBlobSupport, LargeBlobSupported, MinPinLength, PinComplexityPolicy, PrfCreateInput,
        PrfCreateOutput, PrfGetInput, PrfGetOutput, PrfResults, PrfSalts, ThirdPartyPayment,
    },
};

use crate::value::{V, array, bytes, int, map, text};

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

fn survives<T: ExtensionValue + PartialEq + std::fmt::Debug>(value: &T, encoded: &V) {
    let mut extensions = Extensions::new();
    extensions.set(value);
    assert_eq!(extensions.raw(T::ID), Some(&encoded.encode()[..]), "{value:?}");
    assert_eq!(extensions.get::<T>().unwrap().as_ref(), Some(value));
}

fn refused<T: ExtensionValue + std::fmt::Debug>(encoded: &V) -> Status {
    let mut extensions = Extensions::new();
    extensions.set_raw(T::ID, &encoded.encode()).unwrap();
    extensions.get::<T>().expect_err("must be refused").status()
}

const KEY: KeyAgreementKey = KeyAgreementKey { x: [0xaa; 32], y: [0xbb; 32] };

fn hmac_secret_members() -> Vec<(V, V)> {
    let key = map([
        (int(1), int(2)),
        (int(3), int(-25)),
        (int(-1), int(1)),
        (int(-2), bytes(&[0xaa; 32])),
        (int(-3), bytes(&[0xbb; 32])),
    ]);
    vec![(int(1), key), (int(2), bytes(&[1; 48])), (int(3), bytes(&[2; 32])), (int(4), int(2))]
}

fn hmac_secret_input() -> HmacSecretInput {
    HmacSecretInput {
        key_agreement: KEY,
        salt_enc: vec![1; 48],
        salt_auth: vec![2; 32],
        pin_uv_auth_protocol: Some(2),
    }
}

#[test]
fn hmac_secret_has_another_value_at_each_place() {
    survives(&HmacSecret(true), &V::Bool(true));
    survives(&hmac_secret_input(), &V::Map(hmac_secret_members()));
    survives(&HmacSecretOutput(vec![7; 80]), &bytes(&[7; 80]));
    survives(&HmacSecretMcInput(hmac_secret_input()), &V::Map(hmac_secret_members()));
    survives(&HmacSecretMcOutput(HmacSecretOutput(vec![7; 48])), &bytes(&[7; 48]));
    assert_eq!(HmacSecret::ID, "hmac-secret");
    assert_eq!(HmacSecretMcOutput::ID, "hmac-secret-mc");
}

#[test]
fn without_a_protocol_hmac_secret_means_the_first() {
    let without = HmacSecretInput { pin_uv_auth_protocol: None, ..hmac_secret_input() };
    assert_eq!((without.protocol(), hmac_secret_input().protocol()), (1, 2));
    survives(&without, &V::Map(hmac_secret_members()[..3].to_vec()));
}

#[test]
fn hmac_secret_refuses_what_is_missing_or_of_the_wrong_type() {
    for place in 0..3 {
        let mut members = hmac_secret_members();
        members.remove(place);
        assert_eq!(refused::<HmacSecretInput>(&V::Map(members)), Status::CborUnexpectedType);
    }
    for (place, wrong) in [(0, int(1)), (1, text("x")), (2, int(1)), (3, bytes(&[2]))] {
        let mut members = hmac_secret_members();
        members[place].1 = wrong;
        let members = V::Map(members);
        assert_eq!(refused::<HmacSecretInput>(&members), Status::CborUnexpectedType);
        assert_eq!(refused::<HmacSecretMcInput>(&members), Status::CborUnexpectedType);
    }
    assert_eq!(refused::<HmacSecretInput>(&V::Bool(true)), Status::CborUnexpectedType);
    assert_eq!(refused::<HmacSecret>(&map([])), Status::CborUnexpectedType);
    assert_eq!(refused::<HmacSecretOutput>(&V::Bool(true)), Status::CborUnexpectedType);
}

#[test]
fn the_simple_extensions_are_booleans_bytes_and_numbers() {
    for value in [true, false] {
        survives(&CredBlobStored(value), &V::Bool(value));
        survives(&GetCredBlob(value), &V::Bool(value));
        survives(&GetLargeBlobKey(value), &V::Bool(value));
        survives(&GetMinPinLength(value), &V::Bool(value));
        survives(&PinComplexityPolicy(value), &V::Bool(value));
        survives(&ThirdPartyPayment(value), &V::Bool(value));
    }
    survives(&CredBlob(Vec::new()), &bytes(&[]));
    survives(&CredBlob(vec![1; 32]), &bytes(&[1; 32]));
    survives(&MinPinLength(4), &int(4));
    for wrong in [int(1), V::Null, text("true"), map([])] {
        assert_eq!(refused::<GetLargeBlobKey>(&wrong), Status::CborUnexpectedType);
        assert_eq!(refused::<CredBlob>(&wrong), Status::CborUnexpectedType);
        assert_eq!(refused::<ThirdPartyPayment>(&wrong), Status::CborUnexpectedType);
    }
    assert_eq!(refused::<MinPinLength>(&int(-1)), Status::CborUnexpectedType);
    assert_eq!(refused::<MinPinLength>(&V::Bool(true)), Status::CborUnexpectedType);
}

#[test]
fn large_blob_has_another_value_at_each_place() {
    let blob = || LargeBlob { compressed: vec![1, 2], original_size: 500 };
    survives(&LargeBlobSupport::Required, &map([(text("support"), text("required"))]));
    survives(&LargeBlobSupport::Preferred, &map([(text("support"), text("preferred"))]));
    survives(&LargeBlobSupported(false), &map([(text("supported"), V::Bool(false))]));
    survives(&LargeBlobInput::Read, &map([(text("read"), V::Bool(true))]));
    survives(
        &LargeBlobInput::Write(blob()),
        &map([(text("write"), bytes(&[1, 2])), (text("originalSize"), int(500))]),
    );
    survives(&LargeBlobOutput::Blob(None), &map([]));
    survives(
        &LargeBlobOutput::Blob(Some(blob())),
        &map([(text("blob"), bytes(&[1, 2])), (text("originalSize"), int(500))]),
    );
    survives(&LargeBlobOutput::Written(true), &map([(text("written"), V::Bool(true))]));
}

#[test]
fn whatever_is_wrong_with_large_blob_is_invalid_cbor() {
    let (read, write) = ((text("read"), V::Bool(true)), (text("write"), bytes(&[1])));
    let size = (text("originalSize"), int(1));
    for wrong in [
        V::Bool(true),
        map([]),
        map([(text("read"), V::Bool(false))]),
        map([(text("read"), int(1))]),
        map([read.clone(), write.clone(), size.clone()]),
        map([read, size.clone()]),
        map([write]),
        map([size]),
        map([(text("write"), text("x")), (text("originalSize"), int(1))]),
        map([(text("write"), bytes(&[1])), (text("originalSize"), int(-1))]),
    ] {
        assert_eq!(refused::<LargeBlobInput>(&wrong), Status::InvalidCbor, "{wrong:?}");
    }
    for wrong in [
        V::Null,
        map([]),
        map([(text("support"), V::Bool(true))]),
        map([(text("support"), text("optional"))]),
    ] {
        assert_eq!(refused::<LargeBlobSupport>(&wrong), Status::InvalidCbor, "{wrong:?}");
    }
    assert_eq!(refused::<LargeBlobSupported>(&map([])), Status::InvalidCbor);
    let both = map([(text("blob"), bytes(&[1])), (text("written"), V::Bool(true))]);
    assert_eq!(refused::<LargeBlobOutput>(&both), Status::InvalidCbor);
}

const ONE: PrfSalts = PrfSalts { first: [1; 32], second: None };
const TWO: PrfSalts = PrfSalts { first: [1; 32], second: Some([2; 32]) };

fn one() -> V {
    map([(text("first"), bytes(&[1; 32]))])
}

fn two() -> V {
    map([(text("first"), bytes(&[1; 32])), (text("second"), bytes(&[2; 32]))])
}

#[test]
fn prf_has_another_value_at_each_place() {
    let results = PrfResults { first: Secret::new([1; 32]), second: Some(Secret::new([2; 32])) };
    survives(&PrfCreateInput::default(), &map([]));
    survives(&PrfCreateInput { eval: Some(TWO) }, &map([(text("eval"), two())]));
    survives(
        &PrfCreateOutput { enabled: true, results: None },
        &map([(text("enabled"), V::Bool(true))]),
    );
    survives(
        &PrfCreateOutput { enabled: true, results: Some(results.clone()) },
        &map([(text("enabled"), V::Bool(true)), (text("results"), two())]),
    );
    survives(&PrfGetOutput { results: Some(results) }, &map([(text("results"), two())]));
    survives(&PrfGetOutput { results: None }, &map([]));
    let id = |bytes: &[u8]| CredentialId::new(bytes).unwrap();
    let input = PrfGetInput {
        eval: Some(ONE),
        eval_by_credential: vec![(id(&[7]), TWO), (id(&[8, 8]), ONE)],
    };
    survives(
        &input,
        &map([
            (text("eval"), one()),
            (text("evalByCredential"), map([(bytes(&[7]), two()), (bytes(&[8, 8]), one())])),
        ]),
    );
    assert_eq!(input.salts_for(&id(&[7])), Some(&TWO));
    assert_eq!(input.salts_for(&id(&[9])), Some(&ONE));
    assert_eq!(PrfGetInput { eval: None, ..input }.salts_for(&id(&[9])), None);
}

#[test]
fn blobs_are_not_printed() {
    assert_eq!(format!("{:?}", CredBlob(vec![0xab; 3])), "CredBlob(3 bytes)");
    let blob = LargeBlob { compressed: vec![0xab; 3], original_size: 9 };
    assert_eq!(format!("{blob:?}"), "LargeBlob(3 bytes for 9)");
}

#[test]
fn the_results_of_prf_are_not_printed() {
    let results = PrfResults { first: Secret::new([0xab; 32]), second: None };
    let printed = format!("{results:?}");
    assert!(!printed.contains("171") && !printed.contains("ab,"), "{printed}");
}

#[test]
fn prf_refuses_salts_that_are_missing_or_not_32_bytes() {
    for (eval, expected) in [
        (map([]), Status::CborUnexpectedType),
        (map([(text("second"), bytes(&[2; 32]))]), Status::CborUnexpectedType),
        (map([(text("first"), bytes(&[1; 31]))]), Status::InvalidLength),
        (map([(text("first"), bytes(&[1; 33]))]), Status::InvalidLength),
        (map([(text("first"), text("x"))]), Status::CborUnexpectedType),
        (array([]), Status::CborUnexpectedType),
    ] {
        let input = map([(text("eval"), eval)]);
        assert_eq!(refused::<PrfGetInput>(&input), expected);
        assert_eq!(refused::<PrfCreateInput>(&input), expected);
    }
    for (key, expected) in [
        (text("x"), Status::InvalidParameter),
        (int(1), Status::InvalidParameter),
        (bytes(&[]), Status::InvalidLength),
        (V::Bool(true), Status::CborUnexpectedType),
    ] {
        let input = map([(text("evalByCredential"), map([(key, one())]))]);
        assert_eq!(refused::<PrfGetInput>(&input), expected);
    }
    assert_eq!(refused::<PrfCreateOutput>(&map([])), Status::CborUnexpectedType);
}
