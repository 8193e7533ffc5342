//! Key packages (RFC 5958), as far as the algorithms of passkeys go: strict DER, one key each.

use towline_crypto::zeroize::Zeroizing;
use towline_ctap::algorithm;

const INTEGER: u8 = 0x02;
const OCTET_STRING: u8 = 0x04;
const SEQUENCE: u8 = 0x30;

/// What stands in an AlgorithmIdentifier, without its head.
struct Kind {
    cose: i64,
    /// The object identifier, and the parameters, both with their heads.
    identifier: &'static [u8],
    form: Form,
}

/// What the octet string of the key holds.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// ECPrivateKey (RFC 5915), with a scalar of this length.
    Ec(usize),
    /// CurvePrivateKey (RFC 8410): another octet string of 32 bytes.
    Edwards,
    /// RSAPrivateKey (RFC 8017). The plain form of such a key is the whole package.
    Rsa,
}

const KINDS: [Kind; 4] = [
    Kind {
        cose: algorithm::ES256,
        identifier: b"\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07",
        form: Form::Ec(32),
    },
    Kind {
        cose: algorithm::ES384,
        identifier: b"\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x05\x2b\x81\x04\x00\x22",
        form: Form::Ec(48),
    },
    Kind { cose: algorithm::EDDSA, identifier: b"\x06\x03\x2b\x65\x70", form: Form::Edwards },
    Kind {
        cose: algorithm::RS256,
        identifier: b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00",
        form: Form::Rsa,
    },
];

/// The COSE algorithm and the plain form of the private key.
pub(crate) fn read(der: &[u8]) -> Option<(i64, &[u8])> {
    let (package, rest) = take(der, SEQUENCE)?;
    if !rest.is_empty() {
        return None;
    }
    let (version, package) = take(package, INTEGER)?;
    let (identifier, package) = take(package, SEQUENCE)?;
    // What may follow, attributes and the public key, adds nothing.
    let (key, _) = take(package, OCTET_STRING)?;
    if !matches!(version, [0 | 1]) {
        return None;
    }
    let kind = KINDS.iter().find(|kind| kind.identifier == identifier)?;
    let private = match kind.form {
        Form::Rsa => der,
        Form::Edwards => take(key, OCTET_STRING).filter(|(seed, _)| seed.len() == 32)?.0,
        Form::Ec(length) => {
            let (key, _) = take(key, SEQUENCE)?;
            let (version, key) = take(key, INTEGER)?;
            let (scalar, _) = take(key, OCTET_STRING)?;
            (version == [1] && scalar.len() == length).then_some(scalar)?
        }
    };
    Some((kind.cose, private))
}

/// The key package of a private key in its plain form.
pub(crate) fn write(cose: i64, private: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let kind = KINDS.iter().find(|kind| kind.cose == cose)?;
    let key = match kind.form {
        Form::Rsa => return Some(Zeroizing::new(private.to_vec())),
        Form::Edwards => put(OCTET_STRING, &[private])?,
        Form::Ec(_) => put(SEQUENCE, &[&[INTEGER, 1, 1], &put(OCTET_STRING, &[private])?])?,
    };
    let identifier = put(SEQUENCE, &[kind.identifier])?;
    put(SEQUENCE, &[&[INTEGER, 1, 0], &identifier, &put(OCTET_STRING, &[&key])?])
}

/// The content of the element with this tag that the bytes begin with, and what follows it.
fn take(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let rest = bytes.strip_prefix(&[tag])?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81 => {
            let (&length, rest) = rest.split_first()?;
            (Some(usize::from(length)).filter(|length| *length > 0x7f)?, rest)
        }
        0x82 => {
            let (length, rest) = rest.split_first_chunk()?;
            (Some(usize::from(u16::from_be_bytes(*length))).filter(|length| *length > 0xff)?, rest)
        }
        _ => return None,
    };
    rest.split_at_checked(length)
}

/// An element of this tag; `None` for one of 128 bytes or more, which no key here has.
fn put(tag: u8, parts: &[&[u8]]) -> Option<Zeroizing<Vec<u8>>> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let head = u8::try_from(length).ok().filter(|length| *length < 0x80)?;
    let mut element = Zeroizing::new(Vec::with_capacity(length.saturating_add(2)));
    element.extend([tag, head]);
    parts.iter().for_each(|part| element.extend_from_slice(part));
    Some(element)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_comes_back_as_it_went() {
        for (cose, length) in [(-7, 32), (-35, 48), (-8, 32)] {
            let private = vec![7; length];
            let package = write(cose, &private).unwrap();
            assert_eq!(read(&package), Some((cose, &private[..])));
            for cut in 0..package.len() {
                assert_eq!(read(&package[..cut]), None, "{cose} cut at {cut}");
            }
        }
        assert_eq!(write(-48, &[7; 32]), None);
    }

    /// RFC 8410 §10.3.
    #[test]
    fn the_example_of_rfc_8410_is_read() {
        let package = b"\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20\
            \xd4\xee\x72\xdb\xf9\x13\x58\x4a\xd5\xb6\xd8\xf1\xf7\x69\xf8\xad\
            \x3a\xfe\x7c\x28\xcb\xf1\xd4\xfb\xe0\x97\xa8\x8f\x44\x75\x58\x42";
        let (cose, seed) = read(package).unwrap();
        assert_eq!((cose, seed[0], seed.len()), (-8, 0xd4, 32));
    }

    #[test]
    fn what_is_no_key_package_is_refused() {
        let good = write(-7, &[7; 32]).unwrap();
        for place in 0..good.len() - 32 {
            let mut bad = good.to_vec();
            bad[place] ^= 0x40;
            assert_eq!(read(&bad), None, "byte {place}");
        }
        assert_eq!(read(&[&good[..], &[0]].concat()), None, "something behind it");
    }
}
