//! What the PIN/UV auth protocols put on the wire: key agreement keys, proofs of a token (CTAP 2.3
//! §6.5.4 to §6.5.7).

use alloc::vec::Vec;

use towline_cbor::{Key, Kind, MapWriter, Reader, Writer};
use towline_crypto::P256PublicKey;

use crate::{DecodeError, Malformed, hidden::debug_without_bytes};

/// The COSE algorithm that key agreement keys are labelled with: ECDH-ES + HKDF-256. It is a label
/// only; what is run depends on the protocol.
const LABEL: i64 = -25;

/// One side's public key for the key agreement of a PIN/UV auth protocol: coordinates on P-256.
///
/// Whether they are a point of the curve is for the cryptography to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyAgreementKey {
    /// The x coordinate, big-endian.
    pub x: [u8; 32],
    /// The y coordinate, big-endian.
    pub y: [u8; 32],
}

impl KeyAgreementKey {
    /// The point `04 || x || y`, as the cryptography takes it.
    #[must_use]
    pub fn point(&self) -> [u8; 65] {
        let mut point = [4; 65];
        let (_, coordinates) = point.split_at_mut(1);
        let (x, y) = coordinates.split_at_mut(32);
        x.copy_from_slice(&self.x);
        y.copy_from_slice(&self.y);
        point
    }

    /// Reads a COSE key on P-256. Its algorithm is not judged: some platforms send another label.
    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let (mut kty, mut curve, mut x, mut y) = (None, None, None, None);
        reader.map(|key, value| {
            match (key, value.kind()?) {
                (Key::Int(1), Kind::Uint) => kty = Some(value.int()?),
                (Key::Int(-1), Kind::Uint) => curve = Some(value.int()?),
                (Key::Int(-2), Kind::Bytes) => x = value.bytes()?.try_into().ok(),
                (Key::Int(-3), Kind::Bytes) => y = value.bytes()?.try_into().ok(),
                _ => {}
            }
            Ok::<(), Malformed>(())
        })?;
        match (kty, curve, x, y) {
            (Some(2), Some(1), Some(x), Some(y)) => Ok(Self { x, y }),
            _ => Err(Malformed::Value("keyAgreement")),
        }
    }

    pub(crate) fn write(&self, writer: &mut Writer) {
        writer.map(|map| {
            map.entry(1, |w| w.uint(2));
            map.entry(3, |w| w.int(LABEL));
            map.entry(-1, |w| w.uint(1));
            map.entry(-2, |w| w.bytes(&self.x));
            map.entry(-3, |w| w.bytes(&self.y));
        });
    }
}

impl From<&P256PublicKey> for KeyAgreementKey {
    fn from(key: &P256PublicKey) -> Self {
        Self { x: *key.x(), y: *key.y() }
    }
}

/// Proof that whoever sent a request holds a PIN/UV token, or the secret that was agreed on.
#[derive(Clone, PartialEq, Eq)]
pub struct PinUvAuth {
    /// `pinUvAuthProtocol`: 1 or 2. Others are read, too, for the authenticator to refuse.
    pub protocol: u64,
    /// `pinUvAuthParam`: the MAC, as it came.
    pub param: Vec<u8>,
}

debug_without_bytes!(struct PinUvAuth { protocol } hides { param });

impl PinUvAuth {
    /// Puts the two parameters together; a protocol without a MAC proves nothing.
    pub(crate) fn from_parts(
        protocol: Option<u64>,
        param: Option<Vec<u8>>,
    ) -> Result<Option<Self>, DecodeError> {
        let Some(param) = param else { return Ok(None) };
        let protocol = protocol.ok_or(DecodeError::MissingParameter("pinUvAuthProtocol"))?;
        Ok(Some(Self { protocol, param }))
    }

    pub(crate) fn write(auth: Option<&Self>, map: &mut MapWriter<'_>, protocol: i64, param: i64) {
        if let Some(auth) = auth {
            map.entry(protocol, |w| w.uint(auth.protocol));
            map.entry(param, |w| w.bytes(&auth.param));
        }
    }
}
