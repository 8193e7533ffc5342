//! SubjectPublicKeyInfo: the new key in the form that sites can use without COSE (WebAuthn L3
//! §5.2.1.1).

use towline_ctap::{CosePublicKey, algorithm};

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;

/// All that comes before a point of P-256, as nearly all keys are: id-ecPublicKey on that curve
/// (RFC 5480 §2.1.1), and the lengths.
const BEFORE_P256: &[u8] =
    b"\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07\
      \x03\x42\x00";
/// AlgorithmIdentifier of id-ecPublicKey on P-384 and P-521.
const P384: &[u8] = b"\x30\x10\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x05\x2b\x81\x04\x00\x22";
const P521: &[u8] = b"\x30\x10\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x05\x2b\x81\x04\x00\x23";
/// AlgorithmIdentifier of Ed25519 (RFC 8410 §3).
const ED25519: &[u8] = b"\x30\x05\x06\x03\x2b\x65\x70";
/// AlgorithmIdentifier of rsaEncryption (RFC 3279 §2.3.1).
const RSA: &[u8] = b"\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00";

/// The DER of the key, where its kind is known; a site is told `null` otherwise.
pub(crate) fn encode(key: &CosePublicKey) -> Option<Vec<u8>> {
    let (identifier, bits) = match key {
        CosePublicKey::P256 { alg: algorithm::ES256 | algorithm::ESP256, .. } => {
            return Some([BEFORE_P256, &key.p256_point()?].concat());
        }
        CosePublicKey::Ec2 { alg: algorithm::ES384 | algorithm::ESP384, curve: 2, x, y } => {
            (P384, point(x, y, 48)?)
        }
        CosePublicKey::Ec2 { alg: algorithm::ES512 | algorithm::ESP512, curve: 3, x, y } => {
            (P521, point(x, y, 66)?)
        }
        CosePublicKey::Okp { alg: algorithm::EDDSA | algorithm::ED25519, curve: 6, x }
            if x.len() == 32 =>
        {
            (ED25519, x.clone())
        }
        CosePublicKey::Rsa { alg: algorithm::RS256, n, e } => {
            (RSA, tlv(SEQUENCE, &[&integer(n), &integer(e)]))
        }
        _ => return None,
    };
    Some(tlv(SEQUENCE, &[identifier, &tlv(BIT_STRING, &[&[0], &bits])]))
}

fn point(x: &[u8], y: &[u8], length: usize) -> Option<Vec<u8>> {
    (x.len() == length && y.len() == length).then(|| [&[4], x, y].concat())
}

/// A non-negative INTEGER from big-endian bytes.
fn integer(bytes: &[u8]) -> Vec<u8> {
    let start = bytes.iter().position(|byte| *byte != 0).unwrap_or(bytes.len());
    let digits = bytes.get(start..).unwrap_or_default();
    let padded = digits.first().is_none_or(|first| *first >= 0x80);
    tlv(INTEGER, &[if padded { &[0] } else { &[] }, digits])
}

fn tlv(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let big = content.len().to_be_bytes();
    let digits = big.iter().position(|byte| *byte != 0).and_then(|start| big.get(start..));
    let digits = digits.unwrap_or(&[0]);
    let mut out = vec![tag];
    match digits {
        [short] if *short < 0x80 => out.push(*short),
        // A length of a slice has at most 8 bytes.
        long => {
            out.push(0x80 | u8::try_from(long.len()).unwrap_or(8));
            out.extend_from_slice(long);
        }
    }
    out.extend(content);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_p256_key_is_91_bytes() {
        let key = CosePublicKey::P256 { alg: -7, x: [1; 32], y: [2; 32] };
        let der = encode(&key).unwrap();
        assert_eq!(der.len(), 91);
        assert_eq!(der[..2], [0x30, 0x59]);
        assert_eq!(der[23..27], [0x03, 0x42, 0x00, 0x04]);
        assert_eq!(der[27..59], [1; 32]);
    }

    #[test]
    fn an_ed25519_key_is_44_bytes() {
        let der = encode(&CosePublicKey::Okp { alg: -8, curve: 6, x: vec![7; 32] }).unwrap();
        assert_eq!(der[..12], *b"\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00");
        assert_eq!(der.len(), 44);
    }

    #[test]
    fn an_rsa_modulus_with_its_top_bit_set_stays_positive() {
        let key = CosePublicKey::Rsa { alg: -257, n: vec![0xff; 256], e: vec![1, 0, 1] };
        let der = encode(&key).unwrap();
        assert_eq!(der[..4], [0x30, 0x82, 0x01, 0x22]);
        assert_eq!(der[19..24], [0x03, 0x82, 0x01, 0x0f, 0x00]);
        assert_eq!(der[24..33], [0x30, 0x82, 0x01, 0x0a, 0x02, 0x82, 0x01, 0x01, 0x00]);
        assert!(der.ends_with(&[0x02, 0x03, 1, 0, 1]));
    }

    #[test]
    fn a_p521_key_takes_a_long_length() {
        let key = CosePublicKey::Ec2 { alg: -36, curve: 3, x: vec![1; 66], y: vec![2; 66] };
        let der = encode(&key).unwrap();
        assert_eq!((der.len(), &der[..3]), (158, &[0x30, 0x81, 0x9b][..]));
    }

    #[test]
    fn keys_that_do_not_fit_their_algorithm_have_no_der() {
        for key in [
            CosePublicKey::P256 { alg: -8, x: [1; 32], y: [2; 32] },
            CosePublicKey::Ec2 { alg: -35, curve: 2, x: vec![1; 47], y: vec![2; 48] },
            CosePublicKey::Ec2 { alg: -7, curve: 2, x: vec![1; 48], y: vec![2; 48] },
            CosePublicKey::Okp { alg: -8, curve: 6, x: vec![7; 31] },
            CosePublicKey::Okp { alg: -8, curve: 7, x: vec![7; 57] },
        ] {
            assert_eq!(encode(&key), None, "{key:?}");
        }
    }
}
