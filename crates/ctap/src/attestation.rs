//! Attestation statements and objects (WebAuthn L3 §6.5, §8).

use alloc::{string::String, vec::Vec};

use towline_cbor::{Error, Key, Reader, Writer, decode};

use crate::{ClientDataHash, CosePublicKey, CredentialId, MESSAGE_DEPTH, Malformed, RpIdHash};

/// What an authenticator says about where a credential comes from.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AttestationStatement {
    /// Format `none`: nothing (WebAuthn L3 §8.7).
    None,
    /// Format `packed` (WebAuthn L3 §8.2).
    Packed(PackedAttestation),
    /// Format `fido-u2f` (WebAuthn L3 §8.6).
    FidoU2f(FidoU2fAttestation),
    /// Another format, or a statement with members that are not known here.
    Other(OtherAttestation),
}

/// A statement of format `packed`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackedAttestation {
    /// The COSE algorithm of the signature.
    pub alg: i64,
    /// The signature over the authenticator data and the client data hash.
    pub sig: Vec<u8>,
    /// The certificates, leaf first, each in DER; `None` for self attestation, which signs with the
    /// credential's own key.
    pub x5c: Option<Vec<Vec<u8>>>,
}

/// A statement of format `fido-u2f`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FidoU2fAttestation {
    /// The one certificate, in DER; its key is on P-256.
    pub certificate: Vec<u8>,
    /// The signature, ECDSA with SHA-256, over [`FidoU2fAttestation::signed_message`].
    pub sig: Vec<u8>,
}

impl FidoU2fAttestation {
    /// What is signed: `00 || rpIdHash || clientDataHash || credentialId || 04 || x || y` (WebAuthn
    /// L3 §8.6). `None` if the credential's key is not on P-256.
    #[must_use]
    pub fn signed_message(
        rp_id_hash: &RpIdHash,
        client_data_hash: &ClientDataHash,
        credential_id: &CredentialId,
        key: &CosePublicKey,
    ) -> Option<Vec<u8>> {
        let point = key.p256_point()?;
        let parts: [&[u8]; 5] = [
            &[0],
            rp_id_hash.as_bytes(),
            client_data_hash.as_bytes(),
            credential_id.as_bytes(),
            &point,
        ];
        Some(parts.concat())
    }
}

/// A statement that is kept as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OtherAttestation {
    format: String,
    statement: Vec<u8>,
}

impl OtherAttestation {
    /// Takes a statement in a format that is not known here.
    ///
    /// # Errors
    /// [`Error`] where the statement is not exactly one canonical item.
    pub fn new(format: &str, statement: &[u8]) -> Result<Self, Error> {
        decode(statement, MESSAGE_DEPTH, Reader::skip)?;
        Ok(Self { format: format.into(), statement: statement.into() })
    }

    /// The encoded statement.
    #[must_use]
    pub fn statement(&self) -> &[u8] {
        &self.statement
    }
}

impl AttestationStatement {
    /// The identifier of the format.
    #[must_use]
    pub fn format(&self) -> &str {
        match self {
            Self::None => "none",
            Self::Packed(_) => "packed",
            Self::FidoU2f(_) => "fido-u2f",
            Self::Other(other) => &other.format,
        }
    }

    /// Whether it is self attestation: signed with the credential's own key (WebAuthn L3 §6.5.3).
    #[must_use]
    pub const fn is_self(&self) -> bool {
        matches!(self, Self::Packed(PackedAttestation { x5c: None, .. }))
    }

    /// Reads the statement of a format. One that does not have exactly the members known here is
    /// kept as it is: the relying party judges it.
    pub(crate) fn read(format: &str, reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let statement = reader.raw()?;
        let typed = match format {
            "none" => decode(statement, MESSAGE_DEPTH, none).map(|()| Self::None),
            "packed" => decode(statement, MESSAGE_DEPTH, packed).map(Self::Packed),
            "fido-u2f" => decode(statement, MESSAGE_DEPTH, fido_u2f).map(Self::FidoU2f),
            _ => Err(Malformed::Value("the attestation format")),
        };
        Ok(typed.unwrap_or_else(|_| {
            Self::Other(OtherAttestation { format: format.into(), statement: statement.into() })
        }))
    }

    pub(crate) fn write(&self, writer: &mut Writer) {
        match self {
            Self::None => writer.map(|_| {}),
            Self::Packed(PackedAttestation { alg, sig, x5c }) => writer.map(|map| {
                map.entry("alg", |w| w.int(*alg));
                map.entry("sig", |w| w.bytes(sig));
                map.optional("x5c", x5c.as_deref(), write_certificates);
            }),
            Self::FidoU2f(FidoU2fAttestation { certificate, sig }) => writer.map(|map| {
                map.entry("sig", |w| w.bytes(sig));
                map.entry("x5c", |w| write_certificates(w, core::slice::from_ref(certificate)));
            }),
            Self::Other(other) => writer.raw(&other.statement),
        }
    }
}

/// The attestation object that a relying party gets (WebAuthn L3 §6.5.4), from a statement and
/// encoded authenticator data.
#[must_use]
pub fn attestation_object(statement: &AttestationStatement, auth_data: &[u8]) -> Vec<u8> {
    let mut writer = Writer::with_capacity(auth_data.len().saturating_add(256));
    writer.map(|map| {
        map.entry("fmt", |w| w.text(statement.format()));
        map.entry("attStmt", |w| statement.write(w));
        map.entry("authData", |w| w.bytes(auth_data));
    });
    writer.into_vec()
}

fn none(reader: &mut Reader<'_>) -> Result<(), Malformed> {
    reader.map(|_, _| Err(Malformed::Value("attStmt")))
}

fn packed(reader: &mut Reader<'_>) -> Result<PackedAttestation, Malformed> {
    let (mut alg, mut sig, mut x5c) = (None, None, None);
    reader.map(|key, value| {
        match key {
            Key::Text("alg") => alg = Some(value.int()?),
            Key::Text("sig") => sig = Some(value.bytes()?.into()),
            Key::Text("x5c") => x5c = Some(read_certificates(value)?),
            _ => return Err(Malformed::Value("attStmt")),
        }
        Ok(())
    })?;
    Ok(PackedAttestation {
        alg: alg.ok_or(Malformed::Missing("attStmt.alg"))?,
        sig: sig.ok_or(Malformed::Missing("attStmt.sig"))?,
        x5c,
    })
}

fn fido_u2f(reader: &mut Reader<'_>) -> Result<FidoU2fAttestation, Malformed> {
    let (mut sig, mut x5c) = (None, None);
    reader.map(|key, value| {
        match key {
            Key::Text("sig") => sig = Some(value.bytes()?.into()),
            Key::Text("x5c") => x5c = Some(read_certificates(value)?),
            _ => return Err(Malformed::Value("attStmt")),
        }
        Ok(())
    })?;
    let x5c: [Vec<u8>; 1] = x5c
        .ok_or(Malformed::Missing("attStmt.x5c"))?
        .try_into()
        .map_err(|_| Malformed::Length("attStmt.x5c"))?;
    let [certificate] = x5c;
    Ok(FidoU2fAttestation { certificate, sig: sig.ok_or(Malformed::Missing("attStmt.sig"))? })
}

fn read_certificates(reader: &mut Reader<'_>) -> Result<Vec<Vec<u8>>, Malformed> {
    let mut certificates = Vec::new();
    reader.array(|element| {
        certificates.push(element.bytes()?.into());
        Ok::<(), Malformed>(())
    })?;
    Ok(certificates)
}

fn write_certificates(writer: &mut Writer, certificates: &[Vec<u8>]) {
    writer.array(|array| certificates.iter().for_each(|cert| array.item(|w| w.bytes(cert))));
}
