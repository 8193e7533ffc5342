//! COSE keys as WebAuthn uses them (WebAuthn L3 §5.8.5, §6.5.1; RFC 9052 §7, RFC 9053 §7).

use alloc::vec::Vec;

use towline_cbor::{Key, Kind, Reader, Writer, decode};
use towline_crypto::P256PublicKey;

use crate::{MESSAGE_DEPTH, Malformed, rsa};

/// COSE algorithm identifiers (IANA COSE Algorithms) that occur in WebAuthn.
pub mod algorithm {
    /// ECDSA with SHA-256; in WebAuthn, on P-256.
    pub const ES256: i64 = -7;
    /// EdDSA; in WebAuthn, Ed25519.
    pub const EDDSA: i64 = -8;
    /// ECDSA on P-256 with SHA-256, fully specified.
    pub const ESP256: i64 = -9;
    /// Ed25519, fully specified.
    pub const ED25519: i64 = -19;
    /// ECDSA with SHA-384; in WebAuthn, on P-384.
    pub const ES384: i64 = -35;
    /// ECDSA with SHA-512; in WebAuthn, on P-521.
    pub const ES512: i64 = -36;
    /// ECDSA with SHA-256 on secp256k1.
    pub const ES256K: i64 = -47;
    /// ML-DSA-44 (FIPS 204). Its use in WebAuthn is a draft.
    pub const ML_DSA_44: i64 = -48;
    /// ML-DSA-65 (FIPS 204). Its use in WebAuthn is a draft.
    pub const ML_DSA_65: i64 = -49;
    /// ML-DSA-87 (FIPS 204). Its use in WebAuthn is a draft.
    pub const ML_DSA_87: i64 = -50;
    /// ECDSA on P-384 with SHA-384, fully specified.
    pub const ESP384: i64 = -51;
    /// ECDSA on P-521 with SHA-512, fully specified.
    pub const ESP512: i64 = -52;
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    pub const RS256: i64 = -257;
}

const KTY: i64 = 1;
const ALG: i64 = 3;

/// COSE elliptic curves.
const P384: i64 = 2;
const ED25519: i64 = 6;

/// How long the public keys of ML-DSA are, in bytes (FIPS 204 table 2).
const fn ml_dsa_length(alg: i64) -> Option<usize> {
    match alg {
        algorithm::ML_DSA_44 => Some(1312),
        algorithm::ML_DSA_65 => Some(1952),
        algorithm::ML_DSA_87 => Some(2592),
        _ => None,
    }
}

/// A credential public key.
///
/// Its numbers are as they came: whether a point is on its curve is for the cryptography to say.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CosePublicKey {
    /// An elliptic-curve key on P-256.
    P256 {
        /// What it is used with: -7 (ES256) or -9 (ESP256).
        alg: i64,
        /// The x coordinate, big-endian.
        x: [u8; 32],
        /// The y coordinate, big-endian.
        y: [u8; 32],
    },
    /// An elliptic-curve key on another curve with two coordinates.
    Ec2 {
        /// What it is used with.
        alg: i64,
        /// The COSE curve: 2 is P-384, 3 is P-521, 8 is secp256k1.
        curve: i64,
        /// The x coordinate, big-endian.
        x: Vec<u8>,
        /// The y coordinate, big-endian.
        y: Vec<u8>,
    },
    /// An octet key pair.
    Okp {
        /// What it is used with: -8 (EdDSA), say.
        alg: i64,
        /// The COSE curve: 6 is Ed25519, 7 is Ed448.
        curve: i64,
        /// The public key.
        x: Vec<u8>,
    },
    /// An RSA key.
    Rsa {
        /// What it is used with: -257 (RS256), say.
        alg: i64,
        /// The modulus, big-endian.
        n: Vec<u8>,
        /// The public exponent, big-endian.
        e: Vec<u8>,
    },
    /// An algorithm key pair: the algorithm alone says what the bytes mean
    /// (draft-ietf-cose-dilithium).
    Akp {
        /// What it is used with: -48 (ML-DSA-44), say.
        alg: i64,
        /// The public key.
        public: Vec<u8>,
    },
    /// A key of another type, or with further members.
    Other(OtherKey),
}

/// A COSE key that is kept as it came; made by reading only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OtherKey {
    alg: Option<i64>,
    encoded: Vec<u8>,
}

impl OtherKey {
    /// The encoded key.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.encoded
    }
}

impl CosePublicKey {
    /// A P-256 key for an algorithm.
    #[must_use]
    pub fn from_p256(alg: i64, key: &P256PublicKey) -> Self {
        Self::P256 { alg, x: *key.x(), y: *key.y() }
    }

    /// Whether [`Self::from_plain`] knows the keys of an algorithm.
    #[must_use]
    pub const fn has_plain_form(alg: i64) -> bool {
        use algorithm::{ED25519 as ED25519_ALG, EDDSA, ES256, ES384, ESP256, ESP384, RS256};
        matches!(alg, ES256 | ESP256 | ES384 | ESP384 | EDDSA | ED25519_ALG | RS256)
            || ml_dsa_length(alg).is_some()
    }

    /// The key of an algorithm from its plain form, as [`towline_crypto::SigningKey::public_key`]
    /// gives it: the point `04 || x || y` for ECDSA on P-256 and P-384, the bytes themselves for
    /// Ed25519 and ML-DSA, `RSAPublicKey` in DER for RS256. `None` for other algorithms, lengths
    /// and encodings.
    #[must_use]
    pub fn from_plain(alg: i64, plain: &[u8]) -> Option<Self> {
        use algorithm::{ED25519 as ED25519_ALG, EDDSA, ES256, ES384, ESP256, ESP384, RS256};
        match alg {
            ES256 | ESP256 => {
                let (x, y) = coordinates::<32>(plain)?;
                Some(Self::P256 { alg, x: *x, y: *y })
            }
            ES384 | ESP384 => {
                let (x, y) = coordinates::<48>(plain)?;
                Some(Self::Ec2 { alg, curve: P384, x: x.into(), y: y.into() })
            }
            EDDSA | ED25519_ALG if plain.len() == 32 => {
                Some(Self::Okp { alg, curve: ED25519, x: plain.into() })
            }
            RS256 => {
                let (n, e) = rsa::read(plain)?;
                Some(Self::Rsa { alg, n: n.into(), e: e.into() })
            }
            _ if ml_dsa_length(alg) == Some(plain.len()) => {
                Some(Self::Akp { alg, public: plain.into() })
            }
            _ => None,
        }
    }

    /// The key in its plain form, as [`towline_crypto::SignatureAlgorithm::verify`] takes it; the
    /// inverse of [`Self::from_plain`], and `None` for the keys that it does not make.
    #[must_use]
    pub fn to_plain(&self) -> Option<Vec<u8>> {
        let plain = match self {
            Self::P256 { x, y, .. } => [&[4], &x[..], y].concat(),
            Self::Ec2 { x, y, .. } => [&[4], &x[..], y].concat(),
            Self::Okp { x: bytes, .. } | Self::Akp { public: bytes, .. } => bytes.clone(),
            Self::Rsa { n, e, .. } => rsa::write(n, e)?,
            Self::Other(_) => return None,
        };
        (Self::from_plain(self.algorithm()?, &plain).as_ref() == Some(self)).then_some(plain)
    }

    /// What the key is used with, if it says so.
    #[must_use]
    pub const fn algorithm(&self) -> Option<i64> {
        match self {
            Self::P256 { alg, .. }
            | Self::Ec2 { alg, .. }
            | Self::Okp { alg, .. }
            | Self::Rsa { alg, .. }
            | Self::Akp { alg, .. } => Some(*alg),
            Self::Other(other) => other.alg,
        }
    }

    /// The point `04 || x || y` of a P-256 key, as signature verification takes it.
    #[must_use]
    pub fn p256_point(&self) -> Option<[u8; 65]> {
        let Self::P256 { x, y, .. } = self else { return None };
        let mut point = [4; 65];
        let (_, coordinates) = point.split_at_mut(1);
        let (first, second) = coordinates.split_at_mut(32);
        first.copy_from_slice(x);
        second.copy_from_slice(y);
        Some(point)
    }

    /// The encoded key.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        self.write(&mut writer);
        writer.into_vec()
    }

    /// Reads a key that fills `bytes`.
    ///
    /// # Errors
    /// [`Malformed`] where it is not a canonical COSE key, or its coordinates have the wrong
    /// length.
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        decode(bytes, MESSAGE_DEPTH, Self::read)
    }

    pub(crate) fn write(&self, writer: &mut Writer) {
        let point = |writer: &mut Writer, alg, curve, x: &[u8], y: Option<&[u8]>| {
            writer.map(|map| {
                map.entry(KTY, |w| w.uint(if y.is_some() { 2 } else { 1 }));
                map.entry(ALG, |w| w.int(alg));
                map.entry(-1, |w| w.int(curve));
                map.entry(-2, |w| w.bytes(x));
                map.optional(-3, y, |w, y| w.bytes(y));
            });
        };
        match self {
            Self::P256 { alg, x, y } => point(writer, *alg, 1, x, Some(y)),
            Self::Ec2 { alg, curve, x, y } => point(writer, *alg, *curve, x, Some(y)),
            Self::Okp { alg, curve, x } => point(writer, *alg, *curve, x, None),
            Self::Rsa { alg, n, e } => writer.map(|map| {
                map.entry(KTY, |w| w.uint(3));
                map.entry(ALG, |w| w.int(*alg));
                map.entry(-1, |w| w.bytes(n));
                map.entry(-2, |w| w.bytes(e));
            }),
            Self::Akp { alg, public } => writer.map(|map| {
                map.entry(KTY, |w| w.uint(7));
                map.entry(ALG, |w| w.int(*alg));
                map.entry(-1, |w| w.bytes(public));
            }),
            Self::Other(other) => writer.raw(&other.encoded),
        }
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let encoded = reader.raw()?;
        let members = decode(encoded, MESSAGE_DEPTH, Members::read)?;
        let coordinate = |bytes: &[u8]| {
            bytes.try_into().map_err(|_| Malformed::Length("a coordinate of the public key"))
        };
        Ok(match members {
            Members {
                kty: Some(2),
                alg: Some(alg),
                curve: Some(1),
                b2: Some(x),
                b3: Some(y),
                ..
            } if members.count == 5 => Self::P256 { alg, x: coordinate(x)?, y: coordinate(y)? },
            Members {
                kty: Some(2),
                alg: Some(alg),
                curve: Some(curve),
                b2: Some(x),
                b3: Some(y),
                ..
            } if members.count == 5 => Self::Ec2 { alg, curve, x: x.into(), y: y.into() },
            Members { kty: Some(1), alg: Some(alg), curve: Some(curve), b2: Some(x), .. }
                if members.count == 4 =>
            {
                Self::Okp { alg, curve, x: x.into() }
            }
            Members { kty: Some(3), alg: Some(alg), b1: Some(n), b2: Some(e), .. }
                if members.count == 4 =>
            {
                Self::Rsa { alg, n: n.into(), e: e.into() }
            }
            Members { kty: Some(7), alg: Some(alg), b1: Some(public), .. }
                if members.count == 3 =>
            {
                if ml_dsa_length(alg).is_some_and(|length| length != public.len()) {
                    return Err(Malformed::Length("the public key"));
                }
                Self::Akp { alg, public: public.into() }
            }
            Members { kty: Some(_), alg, .. } => {
                Self::Other(OtherKey { alg, encoded: encoded.into() })
            }
            _ => return Err(Malformed::Missing("the type of the public key")),
        })
    }
}

/// The coordinates of the point `04 || x || y`.
fn coordinates<const N: usize>(point: &[u8]) -> Option<(&[u8; N], &[u8; N])> {
    let (&tag, rest) = point.split_first()?;
    let (x, y) = rest.split_first_chunk::<N>()?;
    Some((x, y.try_into().ok().filter(|_| tag == 4)?))
}

/// The members of a COSE key that a known shape is made of.
#[derive(Default)]
struct Members<'a> {
    count: usize,
    kty: Option<i64>,
    alg: Option<i64>,
    /// Label -1 as an integer: the curve.
    curve: Option<i64>,
    /// Labels -1, -2 and -3 as byte strings.
    b1: Option<&'a [u8]>,
    b2: Option<&'a [u8]>,
    b3: Option<&'a [u8]>,
}

impl<'a> Members<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, Malformed> {
        let mut members = Self::default();
        reader.map(|key, value| {
            members.count = members.count.saturating_add(1);
            let kind = value.kind()?;
            match (key, kind) {
                // A type or an algorithm may be registered as text, too: then the key is of another
                // kind.
                (Key::Int(KTY), Kind::Uint | Kind::Nint) => members.kty = Some(value.int()?),
                (Key::Int(ALG), Kind::Uint | Kind::Nint) => members.alg = Some(value.int()?),
                (Key::Int(-1), Kind::Uint | Kind::Nint) => members.curve = Some(value.int()?),
                (Key::Int(-1), Kind::Bytes) => members.b1 = Some(value.bytes()?),
                (Key::Int(-2), Kind::Bytes) => members.b2 = Some(value.bytes()?),
                (Key::Int(-3), Kind::Bytes) => members.b3 = Some(value.bytes()?),
                _ => {}
            }
            Ok::<(), Malformed>(())
        })?;
        Ok(members)
    }
}
