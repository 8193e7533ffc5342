//! RSAES-OAEP (RFC 8017 §7.1), which no provider has: endorsement keys of TPMs want it, and nothing
//! else here.

use aws_lc_rs::rsa::{OAEP_SHA256_MGF1SHA256, OaepPublicEncryptingKey, PublicEncryptingKey};
use towline_crypto::Error;

/// Encrypts a message for the RSA key with this modulus, big-endian and of 2048 bits, and the
/// exponent 65537, by RSAES-OAEP with SHA-256.
///
/// # Errors
/// [`Error::InvalidPublicKey`] where it is no such modulus; [`Error::KeyUnavailable`] where the
/// message is longer than 190 bytes.
pub fn encrypt_oaep_sha256(
    modulus: &[u8; 256],
    label: &[u8],
    message: &[u8],
) -> Result<Vec<u8>, Error> {
    // SubjectPublicKeyInfo (RFC 8017 §A.1, RFC 3279 §2.3.1): all but the modulus is the same.
    const HEAD: [u8; 33] = *b"\x30\x82\x01\x22\
        \x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00\
        \x03\x82\x01\x0f\x00\
        \x30\x82\x01\x0a\x02\x82\x01\x01\x00";
    const EXPONENT: [u8; 5] = [0x02, 3, 1, 0, 1];
    if modulus[0] < 0x80 {
        return Err(Error::InvalidPublicKey);
    }
    let key = [&HEAD[..], modulus, &EXPONENT].concat();
    let key = PublicEncryptingKey::from_der(&key).map_err(|_| Error::InvalidPublicKey)?;
    let key = OaepPublicEncryptingKey::new(key).map_err(|_| Error::InvalidPublicKey)?;
    let mut encrypted = vec![0; key.ciphertext_size()];
    key.encrypt(&OAEP_SHA256_MGF1SHA256, message, &mut encrypted, Some(label))
        .map_err(|_| Error::KeyUnavailable)?;
    Ok(encrypted)
}
