//! Key packages (RFC 5958, "PKCS #8"), as far as the algorithms of passkeys go: strict DER, one key
//! each.

use towline_crypto::SigningKey;
use towline_ctap::algorithm;
use zeroize::Zeroizing;

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OCTET_STRING: u8 = 0x04;
const OBJECT_IDENTIFIER: u8 = 0x06;
const SEQUENCE: u8 = 0x30;
/// `[0]` and `[1]` in an ECPrivateKey, which are explicit; `[0]` is also the attributes of a
/// package.
const CONTEXT_0: u8 = 0xa0;
const CONTEXT_1: u8 = 0xa1;
/// `[1]` in a package: its public key; `[0]` in a key of ML-DSA: its seed.
const IMPLICIT_0: u8 = 0x80;
const IMPLICIT_1: u8 = 0x81;

/// The longest that is looked at: more than an RSA key of 16384 bits takes.
const LONGEST: usize = 16 << 10;

/// What the octet string of the key holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// ECPrivateKey (RFC 5915), with a scalar of this length.
    Ec(usize),
    /// CurvePrivateKey (RFC 8410): another octet string of 32 bytes.
    Edwards,
    /// RSAPrivateKey (RFC 8017). The plain form of such a key is the whole package.
    Rsa,
    /// The seed of ML-DSA (RFC 9881).
    MlDsa,
}

/// What stands in an AlgorithmIdentifier, without its head.
struct Kind {
    cose: i64,
    /// The object identifier, and the parameters, both with their heads.
    identifier: &'static [u8],
    form: Form,
}

/// `id-ecPublicKey`, with its head. The curve follows.
const EC: &[u8] = b"\x06\x07\x2a\x86\x48\xce\x3d\x02\x01";

const KINDS: [Kind; 6] = [
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
    Kind {
        cose: algorithm::ML_DSA_44,
        identifier: b"\x06\x09\x60\x86\x48\x01\x65\x03\x04\x03\x11",
        form: Form::MlDsa,
    },
    Kind {
        cose: algorithm::ML_DSA_65,
        identifier: b"\x06\x09\x60\x86\x48\x01\x65\x03\x04\x03\x12",
        form: Form::MlDsa,
    },
];

/// A private key out of a package. It is wiped on drop, and not shown by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyPackage {
    /// The COSE algorithm that a key of this kind signs with: the package says the kind only.
    pub algorithm: i64,
    /// The private key in the plain form of
    /// [`SignatureAlgorithm`](towline_crypto::SignatureAlgorithm).
    pub private: Zeroizing<Vec<u8>>,
    /// The public key that is in there too, if there is one, in its plain form or compressed.
    /// Whether it belongs to the private key is not checked.
    pub public: Option<Vec<u8>>,
}

impl std::fmt::Debug for KeyPackage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "KeyPackage(algorithm {})", self.algorithm)
    }
}

/// Why bytes are no key package that is of use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadKeyPackage {
    /// They are no package in strict DER, or it contradicts itself.
    #[error("this is no PKCS #8 private key")]
    Malformed,
    /// It is of another algorithm, curve or size.
    #[error("this is a PKCS #8 private key of a kind that no passkey here has")]
    Unsupported,
}

impl KeyPackage {
    /// Reads a package: keys on P-256 and P-384, for Ed25519, of RSA with 2048 bits or more, and of
    /// ML-DSA-44 and -65 as a seed.
    ///
    /// # Errors
    /// [`BadKeyPackage`] for anything else.
    pub fn read(der: &[u8]) -> Result<Self, BadKeyPackage> {
        let package = Package::read(der).ok_or(BadKeyPackage::Malformed)?;
        let Some(kind) = KINDS.iter().find(|kind| kind.identifier == package.identifier) else {
            return Err(package.unknown());
        };
        let malformed = BadKeyPackage::Malformed;
        let (private, public) = match kind.form {
            Form::Ec(length) => {
                let inner = EcPrivateKey::read(package.key).ok_or(malformed)?;
                // The parameters in there are the curve once more.
                let curve = kind.identifier.strip_prefix(EC);
                if inner.scalar.len() != length || inner.curve.is_some_and(|is| Some(is) != curve) {
                    return Err(malformed);
                }
                (inner.scalar, inner.public.or(package.public))
            }
            Form::Edwards => {
                let seed = all(package.key, OCTET_STRING).filter(|seed| seed.len() == 32);
                (seed.ok_or(malformed)?, package.public)
            }
            Form::MlDsa => {
                let seed = all(package.key, IMPLICIT_0).filter(|seed| seed.len() == 32);
                // Expanded keys are as good, but the seed can't be had from them.
                (seed.ok_or(BadKeyPackage::Unsupported)?, package.public)
            }
            Form::Rsa => {
                let modulus = rsa_modulus(package.key).ok_or(malformed)?;
                if modulus < 2048 / 8 {
                    return Err(BadKeyPackage::Unsupported);
                }
                (der, None)
            }
        };
        Ok(Self {
            algorithm: kind.cose,
            private: Zeroizing::new(private.to_vec()),
            public: public.map(<[u8]>::to_vec),
        })
    }

    /// The package of a private key in its plain form: of an ECDSA key with its public key in it,
    /// as the standards' examples and OpenSSL write it, of others without.
    ///
    /// `None` for algorithms that have no package here, and where a key is none of theirs.
    #[must_use]
    pub fn write(algorithm: i64, key: &dyn SigningKey) -> Option<Zeroizing<Vec<u8>>> {
        let private = key.private_bytes().ok()?;
        Self::write_plain(algorithm, &private, Some(key.public_key()))
    }

    /// The same from the plain forms; ECDSA keys get their public key only if it is given.
    #[must_use]
    pub fn write_plain(
        algorithm: i64,
        private: &[u8],
        public: Option<&[u8]>,
    ) -> Option<Zeroizing<Vec<u8>>> {
        let kind = KINDS.iter().find(|kind| kind.cose == algorithm)?;
        let key = match kind.form {
            Form::Rsa => return Some(Zeroizing::new(private.to_vec())),
            Form::Edwards => put(OCTET_STRING, &[private])?,
            Form::MlDsa => put(IMPLICIT_0, &[private])?,
            Form::Ec(_) => {
                let scalar = put(OCTET_STRING, &[private])?;
                let public = match public {
                    Some(point) => put(CONTEXT_1, &[&put(BIT_STRING, &[&[0], point])?])?,
                    None => Zeroizing::default(),
                };
                put(SEQUENCE, &[&[INTEGER, 1, 1], &scalar, &public])?
            }
        };
        let identifier = put(SEQUENCE, &[kind.identifier])?;
        put(SEQUENCE, &[&[INTEGER, 1, 0], &identifier, &put(OCTET_STRING, &[&key])?])
    }
}

/// The parts of a package (RFC 5958 §2).
struct Package<'a> {
    identifier: &'a [u8],
    key: &'a [u8],
    public: Option<&'a [u8]>,
}

impl<'a> Package<'a> {
    fn read(der: &'a [u8]) -> Option<Self> {
        if der.len() > LONGEST {
            return None;
        }
        let rest = all(der, SEQUENCE)?;
        let (version, rest) = take(rest, INTEGER)?;
        let (identifier, rest) = take(rest, SEQUENCE)?;
        let (key, rest) = take(rest, OCTET_STRING)?;
        let (_attributes, rest) = optional(rest, CONTEXT_0);
        let (public, rest) = optional(rest, IMPLICIT_1);
        // Earlier versions of the crate `ring` wrote it with a head of its own.
        let (headed, rest) = optional(rest, CONTEXT_1);
        let headed = match headed {
            Some(headed) => Some(all(headed, BIT_STRING)?),
            None => None,
        };
        let public = match (public, headed) {
            (Some(_), Some(_)) => return None,
            (public, headed) => public.or(headed),
        };
        // Version 2, which is written 1, is the one with a public key.
        let version_fits = version == [u8::from(public.is_some())];
        let public = match public {
            Some(public) => Some(bits(public)?),
            None => None,
        };
        (rest.is_empty() && version_fits).then_some(Self { identifier, key, public })
    }

    /// Another algorithm is one that is not known here, if it is one at all.
    fn unknown(&self) -> BadKeyPackage {
        let named = take(self.identifier, OBJECT_IDENTIFIER).is_some();
        let curve = self.identifier.starts_with(EC);
        let holds =
            if curve { EcPrivateKey::read(self.key).is_some() } else { !self.key.is_empty() };
        if named && holds { BadKeyPackage::Unsupported } else { BadKeyPackage::Malformed }
    }
}

/// RFC 5915 §3.
struct EcPrivateKey<'a> {
    scalar: &'a [u8],
    curve: Option<&'a [u8]>,
    public: Option<&'a [u8]>,
}

impl<'a> EcPrivateKey<'a> {
    fn read(der: &'a [u8]) -> Option<Self> {
        let rest = all(der, SEQUENCE)?;
        let (version, rest) = take(rest, INTEGER)?;
        let (scalar, rest) = take(rest, OCTET_STRING)?;
        let (curve, rest) = optional(rest, CONTEXT_0);
        let (public, rest) = optional(rest, CONTEXT_1);
        let public = match public {
            Some(public) => Some(bits(all(public, BIT_STRING)?)?),
            None => None,
        };
        (version == [1] && rest.is_empty()).then_some(Self { scalar, curve, public })
    }
}

/// How many bytes the modulus of an RSAPrivateKey has, without the zero that keeps it positive.
fn rsa_modulus(der: &[u8]) -> Option<usize> {
    let (version, rest) = take(all(der, SEQUENCE)?, INTEGER)?;
    let (modulus, _) = take(rest, INTEGER)?;
    let modulus = modulus.strip_prefix(&[0]).unwrap_or(modulus);
    (version == [0]).then_some(modulus.len())
}

/// A bit string of whole bytes.
fn bits(content: &[u8]) -> Option<&[u8]> {
    content.strip_prefix(&[0])
}

/// The content of the one element with this tag that the bytes are.
fn all(bytes: &[u8], tag: u8) -> Option<&[u8]> {
    let (content, rest) = take(bytes, tag)?;
    rest.is_empty().then_some(content)
}

/// The content of an element that may be there, and what follows.
fn optional(bytes: &[u8], tag: u8) -> (Option<&[u8]>, &[u8]) {
    match take(bytes, tag) {
        Some((content, rest)) => (Some(content), rest),
        None => (None, bytes),
    }
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

/// An element of this tag; `None` for one of 65536 bytes or more.
fn put(tag: u8, parts: &[&[u8]]) -> Option<Zeroizing<Vec<u8>>> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let [high, low] = u16::try_from(length).ok()?.to_be_bytes();
    let mut element = Zeroizing::new(Vec::with_capacity(length.saturating_add(4)));
    element.push(tag);
    match (high, low) {
        (0, 0..=0x7f) => element.push(low),
        (0, _) => element.extend([0x81, low]),
        _ => element.extend([0x82, high, low]),
    }
    parts.iter().for_each(|part| element.extend_from_slice(part));
    Some(element)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(der: &[u8]) -> Option<(i64, Vec<u8>)> {
        KeyPackage::read(der).ok().map(|package| (package.algorithm, package.private.to_vec()))
    }

    #[test]
    fn a_key_comes_back_as_it_went() {
        for (cose, length) in [(-7, 32), (-35, 48), (-8, 32), (-48, 32), (-49, 32)] {
            let private = vec![7; length];
            let package = KeyPackage::write_plain(cose, &private, None).unwrap();
            assert_eq!(read(&package), Some((cose, private)));
            for cut in 0..package.len() {
                assert_eq!(read(&package[..cut]), None, "{cose} cut at {cut}");
            }
        }
        assert_eq!(KeyPackage::write_plain(-50, &[7; 32], None), None);
        let point = [&[4][..], &[9; 96]].concat();
        let package = KeyPackage::write_plain(-35, &[7; 48], Some(&point)).unwrap();
        assert_eq!(KeyPackage::read(&package).unwrap().public, Some(point));
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
        let good = KeyPackage::write_plain(-7, &[7; 32], None).unwrap();
        for place in 0..good.len() - 32 {
            let mut bad = good.to_vec();
            bad[place] ^= 0x40;
            assert_eq!(read(&bad), None, "byte {place}");
        }
        assert_eq!(read(&[&good[..], &[0]].concat()), None, "something behind it");
        let shown = format!("{:?}", KeyPackage::read(&good).unwrap());
        assert_eq!(shown, "KeyPackage(algorithm -7)", "the key is a secret");
    }
}
