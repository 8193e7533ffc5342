//! `prf` as browsers and phones speak it over the hybrid transport: what WebAuthn calls by that
//! name (WebAuthn L3 §10.1.4), sent on as it is instead of being turned into `hmac-secret`. The
//! platform has hashed its inputs to 32-byte salts, and the tunnel keeps salts and results secret,
//! so that nothing is encrypted once more. Outputs are unsigned.

use alloc::vec::Vec;

use towline_cbor::{Key, Reader, Writer, decode};
use towline_crypto::Secret;

use super::ExtensionValue;
use crate::{CredentialId, Malformed, hidden::debug_without_bytes};

const ID: &str = "prf";

/// One salt, or two.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PrfSalts {
    /// The salt for `results.first`.
    pub first: [u8; 32],
    /// The salt for `results.second`, if there are two.
    pub second: Option<[u8; 32]>,
}

debug_without_bytes!(struct PrfSalts {}, hides { first, second });

/// The result for each salt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrfResults {
    /// The result for the first salt.
    pub first: Secret<32>,
    /// The result for the second salt, if there was one.
    pub second: Option<Secret<32>>,
}

/// The input of a creation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PrfCreateInput {
    /// `eval`: asks for results at once. An authenticator may leave them for the first assertion.
    pub eval: Option<PrfSalts>,
}

/// The output of a creation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrfCreateOutput {
    /// `enabled`: whether the credential can have results.
    pub enabled: bool,
    /// `results`: the results, if they were asked for and are given at once.
    pub results: Option<PrfResults>,
}

/// The input of an assertion.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PrfGetInput {
    /// `eval`: the salts for every credential that has none of its own.
    pub eval: Option<PrfSalts>,
    /// `evalByCredential`: the salts for some.
    pub eval_by_credential: Vec<(CredentialId, PrfSalts)>,
}

impl PrfGetInput {
    /// The salts for a credential.
    #[must_use]
    pub fn salts_for(&self, credential: &CredentialId) -> Option<&PrfSalts> {
        let own = self.eval_by_credential.iter().find(|(id, _)| id == credential);
        own.map(|(_, salts)| salts).or(self.eval.as_ref())
    }
}

/// The output of an assertion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrfGetOutput {
    /// `results`: the results, if there are any.
    pub results: Option<PrfResults>,
}

/// Reads `first` and `second` of a map.
fn read_pair(reader: &mut Reader<'_>) -> Result<([u8; 32], Option<[u8; 32]>), Malformed> {
    let (mut first, mut second) = (None, None);
    reader.map(|key, value| {
        let place = match key {
            Key::Text("first") => &mut first,
            Key::Text("second") => &mut second,
            _ => return Ok(()),
        };
        let bytes = value.bytes()?.try_into().map_err(|_| Malformed::Length("a value of prf"))?;
        *place = Some(bytes);
        Ok::<(), Malformed>(())
    })?;
    Ok((first.ok_or(Malformed::Missing("prf.first"))?, second))
}

fn write_pair(writer: &mut Writer, first: &[u8; 32], second: Option<&[u8; 32]>) {
    writer.map(|map| {
        map.entry("first", |w| w.bytes(first));
        map.optional("second", second, |w, second| w.bytes(second));
    });
}

impl PrfSalts {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        read_pair(reader).map(|(first, second)| Self { first, second })
    }

    fn write(&self, writer: &mut Writer) {
        write_pair(writer, &self.first, self.second.as_ref());
    }
}

impl PrfResults {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let (first, second) = read_pair(reader)?;
        Ok(Self { first: Secret::new(first), second: second.map(Secret::new) })
    }

    fn write(&self, writer: &mut Writer) {
        write_pair(writer, self.first.expose(), self.second.as_ref().map(Secret::expose));
    }
}

impl ExtensionValue for PrfCreateInput {
    const ID: &'static str = ID;

    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let mut input = Self::default();
        reader.map(|key, value| {
            if key == Key::Text("eval") {
                input.eval = Some(PrfSalts::read(value)?);
            }
            Ok::<(), Malformed>(())
        })?;
        Ok(input)
    }

    fn write(&self, writer: &mut Writer) {
        writer.map(|map| map.optional("eval", self.eval.as_ref(), |w, salts| salts.write(w)));
    }
}

impl ExtensionValue for PrfCreateOutput {
    const ID: &'static str = ID;

    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let (mut enabled, mut results) = (None, None);
        reader.map(|key, value| {
            match key {
                Key::Text("enabled") => enabled = Some(value.bool()?),
                Key::Text("results") => results = Some(PrfResults::read(value)?),
                _ => {}
            }
            Ok::<(), Malformed>(())
        })?;
        Ok(Self { enabled: enabled.ok_or(Malformed::Missing("prf.enabled"))?, results })
    }

    fn write(&self, writer: &mut Writer) {
        writer.map(|map| {
            map.entry("enabled", |w| w.bool(self.enabled));
            map.optional("results", self.results.as_ref(), |w, results| results.write(w));
        });
    }
}

impl ExtensionValue for PrfGetInput {
    const ID: &'static str = ID;

    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let mut input = Self::default();
        reader.map(|key, value| {
            match key {
                Key::Text("eval") => input.eval = Some(PrfSalts::read(value)?),
                Key::Text("evalByCredential") => value.map(|key, value| {
                    let Key::Other(key) = key else {
                        return Err(Malformed::Value("a key of prf.evalByCredential"));
                    };
                    let id = CredentialId::read(decode(key, 1, Reader::bytes)?)?;
                    input.eval_by_credential.push((id, PrfSalts::read(value)?));
                    Ok(())
                })?,
                _ => {}
            }
            Ok::<(), Malformed>(())
        })?;
        Ok(input)
    }

    fn write(&self, writer: &mut Writer) {
        writer.map(|map| {
            map.optional("eval", self.eval.as_ref(), |w, salts| salts.write(w));
            if !self.eval_by_credential.is_empty() {
                map.entry("evalByCredential", |w| {
                    w.map(|map| {
                        for (id, salts) in &self.eval_by_credential {
                            let mut key = Writer::new();
                            key.bytes(id.as_bytes());
                            map.entry(Key::Other(&key.into_vec()), |w| salts.write(w));
                        }
                    });
                });
            }
        });
    }
}

impl ExtensionValue for PrfGetOutput {
    const ID: &'static str = ID;

    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let mut results = None;
        reader.map(|key, value| {
            if key == Key::Text("results") {
                results = Some(PrfResults::read(value)?);
            }
            Ok::<(), Malformed>(())
        })?;
        Ok(Self { results })
    }

    fn write(&self, writer: &mut Writer) {
        writer.map(|map| {
            map.optional("results", self.results.as_ref(), |w, results| results.write(w));
        });
    }
}
