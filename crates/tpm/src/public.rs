//! Public areas: what a key is and may do (TPM 2.0 Part 2 §12.2).

use towline_crypto::CryptoProvider;
use towline_ctap::{CosePublicKey, algorithm};

use crate::{
    handle::{ObjectName, SHA256},
    wire::{Reader, Unreadable, Writer},
};

pub(crate) const RSA: u16 = 0x0001;
const AES: u16 = 0x0006;
const KEYED_HASH: u16 = 0x0008;
const NULL: u16 = 0x0010;
const RSASSA: u16 = 0x0014;
const ECDSA: u16 = 0x0018;
const ECC: u16 = 0x0023;
const CFB: u16 = 0x0043;

/// The longest part of a key that is read: an RSA modulus of 4096 bits.
const LONGEST: usize = 512;

/// The attributes of objects (TPM 2.0 Part 2 §8.3), as far as they are used here.
pub mod attribute {
    /// It never leaves its TPM.
    pub const FIXED_TPM: u32 = 0x0000_0002;
    /// It never gets another parent.
    pub const FIXED_PARENT: u32 = 0x0000_0010;
    /// The TPM made its secret.
    pub const SENSITIVE_DATA_ORIGIN: u32 = 0x0000_0020;
    /// Whoever knows its authorisation value may use it.
    pub const USER_WITH_AUTH: u32 = 0x0000_0040;
    /// What certifies it, or changes it, has to keep its policy.
    pub const ADMIN_WITH_POLICY: u32 = 0x0000_0080;
    /// Wrong authorisations are not counted by the whole TPM's lockout.
    pub const NO_DA: u32 = 0x0000_0400;
    /// It signs only what the TPM itself has made; or it is a parent.
    pub const RESTRICTED: u32 = 0x0001_0000;
    /// It decrypts; restricted, it is a parent.
    pub const DECRYPT: u32 = 0x0002_0000;
    /// It signs digests, or what its TPM says.
    pub const SIGN: u32 = 0x0004_0000;
}

/// What a key is fixed to sign with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// Whatever the command says.
    Any,
    /// ECDSA, or RSASSA for an RSA key, with SHA-256.
    Sha256,
}

/// A curve (TPM 2.0 Part 2 §6.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Curve {
    /// NIST P-256.
    P256,
    /// NIST P-384.
    P384,
}

impl Curve {
    const fn id(self) -> u16 {
        match self {
            Self::P256 => 3,
            Self::P384 => 4,
        }
    }

    /// How long a coordinate is, in bytes.
    #[must_use]
    pub const fn coordinate(self) -> usize {
        match self {
            Self::P256 => 32,
            Self::P384 => 48,
        }
    }
}

/// What kind of object it is, and its public half. In a template that is empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Object {
    /// A key on a curve.
    Ecc {
        /// The curve that the key is on.
        curve: Curve,
        /// What it signs with; `None` where it is a parent, which encrypts by AES-128-CFB.
        scheme: Option<Scheme>,
        /// The x coordinate, big-endian.
        x: Vec<u8>,
        /// The y coordinate, big-endian.
        y: Vec<u8>,
    },
    /// An RSA key with the exponent 65537.
    Rsa {
        /// The length of the modulus, in bits.
        bits: u16,
        /// What it signs with; `None` where it is a parent, which encrypts by AES-128-CFB.
        scheme: Option<Scheme>,
        /// The modulus, big-endian.
        n: Vec<u8>,
    },
    /// Data that was sealed; it has no public half.
    Sealed {
        /// What names it: a hash that the TPM makes.
        unique: Vec<u8>,
    },
}

/// The public area of an object whose name is by SHA-256 (`TPMT_PUBLIC`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicArea {
    /// What it may do: [`attribute`].
    pub attributes: u32,
    /// The policy by which it can be used, or empty.
    pub policy: Vec<u8>,
    /// The kind of object, with its public half.
    pub object: Object,
}

impl PublicArea {
    /// The bytes, without a length in front.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let kind = match self.object {
            Object::Ecc { .. } => ECC,
            Object::Rsa { .. } => RSA,
            Object::Sealed { .. } => KEYED_HASH,
        };
        let writer = Writer::new().u16(kind).u16(SHA256).u32(self.attributes).sized(&self.policy);
        let used = |writer: Writer, scheme: Option<Scheme>, signs: u16| match scheme {
            None => writer.u16(AES).u16(128).u16(CFB).u16(NULL),
            Some(Scheme::Any) => writer.u16(NULL).u16(NULL),
            Some(Scheme::Sha256) => writer.u16(NULL).u16(signs).u16(SHA256),
        };
        let writer = match &self.object {
            Object::Ecc { curve, scheme, x, y } => {
                used(writer, *scheme, ECDSA).u16(curve.id()).u16(NULL).sized(x).sized(y)
            }
            Object::Rsa { bits, scheme, n } => {
                used(writer, *scheme, RSASSA).u16(*bits).u32(0).sized(n)
            }
            Object::Sealed { unique } => writer.u16(NULL).sized(unique),
        };
        writer.finish().to_vec()
    }

    /// Reads one that fills `bytes`.
    ///
    /// # Errors
    /// [`Unreadable`], also for what is not used here: other curves, schemes and hashes.
    pub fn decode(bytes: &[u8]) -> Result<Self, Unreadable> {
        let mut reader = Reader::new(bytes, "public area");
        let kind = reader.u16()?;
        if reader.u16()? != SHA256 {
            return Err(reader.malformed());
        }
        let attributes = reader.u32()?;
        let policy = reader.sized(64)?.into();
        let object = match kind {
            ECC => {
                let scheme = scheme(&mut reader, ECDSA)?;
                let curve = match reader.u16()? {
                    3 => Curve::P256,
                    4 => Curve::P384,
                    _ => return Err(reader.malformed()),
                };
                if reader.u16()? != NULL {
                    return Err(reader.malformed());
                }
                let x = reader.sized(curve.coordinate())?.into();
                let y = reader.sized(curve.coordinate())?.into();
                Object::Ecc { curve, scheme, x, y }
            }
            RSA => {
                let scheme = scheme(&mut reader, RSASSA)?;
                let bits = reader.u16()?;
                if !matches!(reader.u32()?, 0 | 65537) {
                    return Err(reader.malformed());
                }
                Object::Rsa { bits, scheme, n: reader.sized(LONGEST)?.into() }
            }
            KEYED_HASH if reader.u16()? == NULL => {
                Object::Sealed { unique: reader.sized(64)?.into() }
            }
            _ => return Err(reader.malformed()),
        };
        reader.end()?;
        Ok(Self { attributes, policy, object })
    }

    /// The name that authorisations are bound to.
    #[must_use]
    pub fn name(&self, provider: &CryptoProvider) -> ObjectName {
        ObjectName::of(provider, &self.encode())
    }

    /// The public key for a COSE algorithm; `None` where it is none for that.
    #[must_use]
    pub fn cose(&self, algorithm: i64) -> Option<CosePublicKey> {
        match (&self.object, algorithm) {
            (Object::Ecc { curve: Curve::P256, x, y, .. }, algorithm::ES256) => {
                let (x, y) = (x.as_slice().try_into().ok()?, y.as_slice().try_into().ok()?);
                Some(CosePublicKey::P256 { alg: algorithm, x, y })
            }
            (Object::Ecc { curve: Curve::P384, x, y, .. }, algorithm::ES384) => {
                let (x, y) = (x.clone(), y.clone());
                let whole = x.len() == 48 && y.len() == 48;
                whole.then_some(CosePublicKey::Ec2 { alg: algorithm, curve: 2, x, y })
            }
            (Object::Rsa { n, bits, .. }, algorithm::RS256) => {
                let whole = n.len().checked_mul(8) == Some(usize::from(*bits));
                let e = vec![1, 0, 1];
                whole.then(|| CosePublicKey::Rsa { alg: algorithm, n: n.clone(), e })
            }
            _ => None,
        }
    }
}

/// What a key encrypts its children with, and signs with.
fn scheme(reader: &mut Reader<'_>, signs: u16) -> Result<Option<Scheme>, Unreadable> {
    match reader.u16()? {
        AES if (reader.u16()?, reader.u16()?, reader.u16()?) == (128, CFB, NULL) => Ok(None),
        NULL => match reader.u16()? {
            NULL => Ok(Some(Scheme::Any)),
            it if it == signs && reader.u16()? == SHA256 => Ok(Some(Scheme::Sha256)),
            _ => Err(reader.malformed()),
        },
        _ => Err(reader.malformed()),
    }
}

/// A signature that a TPM made, in the form that WebAuthn wants.
///
/// # Errors
/// [`Unreadable`], also for schemes that are not used here.
pub(crate) fn signature(reader: &mut Reader<'_>) -> Result<Vec<u8>, Unreadable> {
    let scheme = reader.u16()?;
    let _hash = reader.u16()?;
    match scheme {
        ECDSA => {
            let r = integer(reader.sized(66)?);
            let s = integer(reader.sized(66)?);
            let content = [r, s].concat();
            Ok([vec![0x30], length(content.len()), content].concat())
        }
        RSASSA => reader.sized(LONGEST).map(Into::into),
        _ => Err(reader.malformed()),
    }
}

/// An ASN.1 INTEGER in DER, of a positive number.
fn integer(bytes: &[u8]) -> Vec<u8> {
    let start = bytes.iter().position(|byte| *byte != 0).unwrap_or(bytes.len());
    let bytes = bytes.get(start..).unwrap_or_default();
    let pad: &[u8] = if bytes.first().is_none_or(|first| first & 0x80 != 0) { &[0] } else { &[] };
    let content = [pad, bytes].concat();
    [vec![0x02], length(content.len()), content].concat()
}

/// A length in DER: of what is shorter than 256 bytes.
fn length(length: usize) -> Vec<u8> {
    let byte = u8::try_from(length).unwrap_or(u8::MAX);
    if byte < 0x80 { vec![byte] } else { vec![0x81, byte] }
}

/// How a digest is to be signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InScheme {
    /// As the key says, which has a scheme.
    OfKey,
    /// ECDSA with the hash of this many bits.
    Ecdsa(u16),
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rsassa,
}

impl InScheme {
    pub(crate) fn encode(self, writer: Writer) -> Writer {
        match self {
            Self::OfKey => writer.u16(NULL),
            Self::Ecdsa(384) => writer.u16(ECDSA).u16(0x000c),
            Self::Ecdsa(_) => writer.u16(ECDSA).u16(SHA256),
            Self::Rsassa => writer.u16(RSASSA).u16(SHA256),
        }
    }
}
