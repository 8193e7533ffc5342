//! What a TPM has and how it is (TPM 2.0 Part 3 §30.2).

use super::{CommandCode, TpmCommand};
use crate::{
    handle::Handle,
    wire::{Reader, Unreadable, Writer},
};

/// As many as are read of a list: TPMs give a KiB at once.
const MOST: u32 = 254;

/// A list that a TPM gives, as far as it gives it at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capability<T> {
    /// Whether there is more.
    pub more: bool,
    /// What there is.
    pub values: Vec<T>,
}

/// Algorithms by their identifiers (TPM 2.0 Part 2 §6.3).
pub type Algorithms = Capability<u16>;
/// Handles that are in use.
pub type Handles = Capability<Handle>;
/// Properties by their numbers, with their values (TPM 2.0 Part 2 §6.13).
pub type Properties = Capability<(u32, u32)>;
/// Curves by their identifiers (TPM 2.0 Part 2 §6.4).
pub type Curves = Capability<u16>;

const ALGORITHMS: u32 = 0;
const HANDLES: u32 = 1;
const PROPERTIES: u32 = 6;
const CURVES: u32 = 8;

fn list<T>(
    reader: &mut Reader<'_>,
    capability: u32,
    read: impl Fn(&mut Reader<'_>) -> Result<T, Unreadable>,
) -> Result<Capability<T>, Unreadable> {
    let more = reader.u8()? != 0;
    if reader.u32()? != capability {
        return Err(reader.malformed());
    }
    let count = reader.u32()?;
    if count > MOST {
        return Err(reader.malformed());
    }
    let values = (0..count).map(|_| read(reader)).collect::<Result<_, _>>()?;
    Ok(Capability { more, values })
}

fn ask(capability: u32, from: u32, count: u32) -> Writer {
    Writer::new().u32(capability).u32(from).u32(count.min(MOST))
}

impl TpmCommand<Properties> {
    /// `TPM2_GetCapability`: properties from a number on.
    #[must_use]
    pub fn properties(from: u32, count: u32) -> Self {
        Self::new(CommandCode::GetCapability, ask(PROPERTIES, from, count), |_, reader| {
            list(reader, PROPERTIES, |reader| Ok((reader.u32()?, reader.u32()?)))
        })
    }
}

impl TpmCommand<Handles> {
    /// `TPM2_GetCapability`: the handles of a kind that are in use, from one on.
    #[must_use]
    pub fn handles(from: Handle) -> Self {
        Self::new(CommandCode::GetCapability, ask(HANDLES, from.0, MOST), |_, reader| {
            list(reader, HANDLES, |reader| reader.u32().map(Handle))
        })
    }
}

impl TpmCommand<Algorithms> {
    /// `TPM2_GetCapability`: the algorithms.
    #[must_use]
    pub fn algorithms() -> Self {
        Self::new(CommandCode::GetCapability, ask(ALGORITHMS, 0, MOST), |_, reader| {
            list(reader, ALGORITHMS, |reader| {
                let algorithm = reader.u16()?;
                let _attributes = reader.u32()?;
                Ok(algorithm)
            })
        })
    }

    /// `TPM2_GetCapability`: the curves.
    #[must_use]
    pub fn curves() -> Self {
        Self::new(CommandCode::GetCapability, ask(CURVES, 0, MOST), |_, reader| {
            list(reader, CURVES, |reader| reader.u16())
        })
    }
}
