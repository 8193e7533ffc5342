//! The certificate of a registration by U2F where there is no batch key: signed by the new key
//! itself, so that it tells neither the model nor the device (RFC 5280; U2F raw message formats
//! §4.3 wants one in any case).

use towline_ctap::CosePublicKey;

/// 1.2.840.10045.4.3.2, ecdsa-with-SHA256.
const ECDSA_WITH_SHA256: [u8; 12] =
    [0x30, 10, 0x06, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];

/// 1.2.840.10045.2.1 and 1.2.840.10045.3.1.7, a key on P-256.
const ON_P256: [u8; 21] = [
    0x30, 19, 0x06, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 8, 0x2a, 0x86, 0x48, 0xce,
    0x3d, 0x03, 0x01, 0x07,
];

/// `CN=U2F`: the same for all.
const NAME: [u8; 16] =
    [0x30, 14, 0x31, 12, 0x30, 10, 0x06, 3, 0x55, 0x04, 0x03, 0x0c, 3, b'U', b'2', b'F'];

/// From 2000 to 2049, the first and the last year of this form of time: a key does not know the
/// date.
const VALIDITY: &[u8] = b"\x30\x1e\x17\x0d000101000000Z\x17\x0d491231235959Z";

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const SEQUENCE: u8 = 0x30;

/// What the certificate of a key on P-256 says, to be signed; `None` for any other key.
pub(crate) fn to_be_signed(key: &CosePublicKey, serial: [u8; 8]) -> Option<Vec<u8>> {
    let point = uncompressed(key)?;
    // Positive, and without a zero in front.
    let [first, rest @ ..] = serial;
    let serial = [&[(first & 0x3f) | 0x40], &rest[..]].concat();
    let subject_key = element(SEQUENCE, &[&ON_P256, &bits(&point)]);
    let parts: [&[u8]; 7] = [
        // Version 3.
        &[0xa0, 3, 0x02, 1, 2],
        &element(INTEGER, &[&serial]),
        &ECDSA_WITH_SHA256,
        &NAME,
        VALIDITY,
        &NAME,
        &subject_key,
    ];
    Some(element(SEQUENCE, &parts))
}

/// The certificate: what is signed, the algorithm, the signature.
pub(crate) fn signed(to_be_signed: &[u8], signature: &[u8]) -> Vec<u8> {
    element(SEQUENCE, &[to_be_signed, &ECDSA_WITH_SHA256, &bits(signature)])
}

/// `0x04 || x || y`.
pub(crate) fn uncompressed(key: &CosePublicKey) -> Option<[u8; 65]> {
    let CosePublicKey::P256 { x, y, .. } = key else { return None };
    [&[0x04], &x[..], &y[..]].concat().try_into().ok()
}

fn bits(content: &[u8]) -> Vec<u8> {
    element(BIT_STRING, &[&[0], content])
}

/// An element of DER; its content is shorter than 64 KiB here by far.
fn element(tag: u8, content: &[&[u8]]) -> Vec<u8> {
    let content = content.concat();
    let [high, low] = u16::try_from(content.len()).unwrap_or(u16::MAX).to_be_bytes();
    let head: &[u8] = match (high, low) {
        (0, 0..=0x7f) => &[tag, low],
        (0, _) => &[tag, 0x81, low],
        _ => &[tag, 0x82, high, low],
    };
    [head, &content].concat()
}
