//! Secrets are redacted, wiped, and compared by value; public keys split where they should.

use towline_crypto::{Error, P256PublicKey, Secret, constant_time_eq};
use zeroize::{Zeroize, ZeroizeOnDrop};

#[test]
fn debug_output_shows_the_length_only() {
    let secret = Secret::new([0xa7; 16]);
    assert_eq!(format!("{secret:?}"), "Secret(16 bytes)");
    assert_eq!(format!("{:#?}", Some(&secret)), "Some(\n    Secret(16 bytes),\n)");
}

#[test]
fn wiping_leaves_zeros() {
    let mut secret = Secret::new([0xa7; 16]);
    secret.zeroize();
    assert_eq!(secret.expose(), &[0; 16]);
}

#[test]
fn a_secret_is_wiped_when_it_is_dropped() {
    fn wiped_on_drop<T: ZeroizeOnDrop>() {}
    wiped_on_drop::<Secret<32>>();
}

#[test]
fn secrets_compare_by_value() {
    assert_eq!(Secret::new([1; 32]), Secret::new([1; 32]));
    for index in 0..32 {
        let mut other = [1; 32];
        other[index] ^= 0x80;
        assert_ne!(Secret::new([1; 32]), Secret::new(other), "byte {index}");
    }
}

#[test]
fn a_slice_of_another_length_is_no_secret() {
    assert_eq!(Secret::<4>::from_slice(&[1, 2, 3, 4]), Ok(Secret::new([1, 2, 3, 4])));
    for wrong in [&[][..], &[1, 2, 3], &[1, 2, 3, 4, 5]] {
        assert_eq!(Secret::<4>::from_slice(wrong), Err(Error::Length));
    }
}

#[test]
fn a_secret_whose_making_failed_does_not_exist() {
    let failed = Secret::<4>::try_init(|bytes| {
        bytes.fill(9);
        Err(Error::Random)
    });
    assert_eq!(failed, Err(Error::Random));
}

#[test]
fn slices_of_unequal_length_are_unequal() {
    assert!(constant_time_eq(b"", b""));
    assert!(constant_time_eq(b"abc", b"abc"));
    assert!(!constant_time_eq(b"abc", b"abd"));
    assert!(!constant_time_eq(b"abc", b"abcd"));
    assert!(!constant_time_eq(b"abc", b""));
}

#[test]
fn a_public_key_splits_into_its_coordinates_and_compresses_by_the_parity_of_y() {
    let mut bytes = [0; 65];
    bytes[0] = 4;
    bytes[1..33].fill(0x11);
    bytes[33..].fill(0x22);
    let even = P256PublicKey::assume_checked(bytes);
    assert_eq!((even.x(), even.y()), (&[0x11; 32], &[0x22; 32]));
    assert_eq!(even.compressed()[0], 2);
    assert_eq!(even.compressed()[1..], [0x11; 32]);
    bytes[64] = 0x23;
    assert_eq!(P256PublicKey::assume_checked(bytes).compressed()[0], 3);
}

#[test]
fn errors_are_sentences_without_data() {
    for error in
        [Error::Random, Error::InvalidPublicKey, Error::InvalidPrivateKey, Error::Authentication]
    {
        let message = error.to_string();
        assert!(
            message.len() > 10
                && message.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b' ')
        );
    }
}
