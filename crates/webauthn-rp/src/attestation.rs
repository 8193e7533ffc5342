//! Attestation objects, and their statements: those that can be judged as they are, and those whose
//! certificates have to lead to a root.

mod android;
mod judge;
mod roots;
mod safetynet;
mod tpm;
mod x509;

use towline_cbor::{Key, Reader, decode};
use towline_ctap::{MESSAGE_DEPTH, Malformed};

pub(crate) use self::judge::{About, Basis, Flaw};
pub use self::roots::TrustAnchors;

/// An attestation object (§6.5.4), in canonical CBOR.
pub(crate) struct AttestationObject<'a> {
    pub(crate) format: &'a str,
    pub(crate) statement: Statement<'a>,
    pub(crate) auth_data: &'a [u8],
}

/// An attestation statement.
pub(crate) enum Statement<'a> {
    /// Format `none`, and empty (§8.7).
    None,
    /// Format `packed`, signed by the credential itself (§8.2).
    PackedSelf { alg: i64, sig: &'a [u8] },
    /// One that has to be judged by certificates, or by rules of another format: as it came.
    Other(&'a [u8]),
}

impl<'a> AttestationObject<'a> {
    pub(crate) fn decode(object: &'a [u8]) -> Result<Self, Malformed> {
        let (mut format, mut statement, mut auth_data) = (None, None, None);
        decode(object, MESSAGE_DEPTH, |reader| {
            reader.map(|key, value| {
                match key {
                    Key::Text("fmt") => format = Some(value.text()?),
                    Key::Text("attStmt") => statement = Some(value.raw()?),
                    Key::Text("authData") => auth_data = Some(value.bytes()?),
                    _ => {}
                }
                Ok::<(), Malformed>(())
            })
        })?;
        let format = format.ok_or(Malformed::Missing("fmt"))?;
        let statement = statement.ok_or(Malformed::Missing("attStmt"))?;
        let auth_data = auth_data.ok_or(Malformed::Missing("authData"))?;
        let statement = match format {
            "none" | "packed" => {
                let known =
                    decode(statement, MESSAGE_DEPTH, |reader| Statement::read(format, reader))?;
                known.unwrap_or(Statement::Other(statement))
            }
            _ => Statement::Other(statement),
        };
        Ok(Self { format, statement, auth_data })
    }
}

impl<'a> Statement<'a> {
    fn read(format: &str, reader: &mut Reader<'a>) -> Result<Option<Self>, Malformed> {
        let (mut alg, mut sig, mut others) = (None, None, false);
        reader.map(|key, value| {
            match key {
                Key::Text("alg") => alg = Some(value.int()?),
                Key::Text("sig") => sig = Some(value.bytes()?),
                _ => others = true,
            }
            Ok::<(), Malformed>(())
        })?;
        Ok(match (format, alg, sig, others) {
            ("none", None, None, false) => Some(Self::None),
            ("packed", Some(alg), Some(sig), false) => Some(Self::PackedSelf { alg, sig }),
            _ => None,
        })
    }
}
