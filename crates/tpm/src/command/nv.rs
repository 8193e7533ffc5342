//! Memory that lasts, in a place with a number (TPM 2.0 Part 3 §31).

use towline_crypto::CryptoProvider;
use zeroize::Zeroizing;

use super::{CommandCode, TpmCommand, nothing};
use crate::{
    handle::{Handle, ObjectName, SHA256},
    wire::{Reader, Unreadable, Writer},
};

/// As much as is read at once: TPMs give 768 bytes and more, with few exceptions.
pub(crate) const CHUNK: u16 = 512;

/// What an index is (TPM 2.0 Part 2 §13.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NvKind {
    /// Bytes that mean nothing to the TPM.
    Ordinary,
    /// A number of 64 bits that can only grow.
    Counter,
    /// How often its authorisation was wrong, and how often it may be; a right one sets the count
    /// back to 0.
    PinFail,
}

/// A policy authorises writing.
const POLICY_WRITE: u32 = 0x0000_0008;
/// Its own authorisation value authorises writing.
const AUTH_WRITE: u32 = 0x0000_0004;
/// The owner authorises reading.
const OWNER_READ: u32 = 0x0002_0000;
/// Its own authorisation value authorises reading.
const AUTH_READ: u32 = 0x0004_0000;
/// Wrong authorisations are not counted by the whole TPM's lockout.
const NO_DA: u32 = 0x0200_0000;
/// It was written.
const WRITTEN: u32 = 0x2000_0000;

impl NvKind {
    const fn bits(self) -> u32 {
        match self {
            Self::Ordinary => 0,
            Self::Counter => 0x10,
            Self::PinFail => 0x80,
        }
    }
}

/// The public area of an index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NvPublic {
    /// The number of the place.
    pub index: Handle,
    /// What it is and who may do what with it (`TPMA_NV`).
    pub attributes: u32,
    /// The policy, or empty.
    pub policy: Vec<u8>,
    /// How long it is, in bytes.
    pub size: u16,
}

/// An index as commands name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NvIndex {
    /// The number of the place.
    pub handle: Handle,
    /// Its name, which changes with the first write.
    pub name: ObjectName,
}

impl NvPublic {
    /// An index that counts wrong PINs, and that is written by who meets the policy: the PIN is
    /// the authorisation value. The owner may read how many there were.
    #[must_use]
    pub const fn pin_fail(index: Handle, policy: Vec<u8>) -> Self {
        let attributes = NvKind::PinFail.bits() | POLICY_WRITE | OWNER_READ | NO_DA;
        Self { index, attributes, policy, size: 8 }
    }

    /// A counter, whose authorisation value is what it takes to use it.
    #[must_use]
    pub const fn counter(index: Handle) -> Self {
        let attributes = NvKind::Counter.bits() | AUTH_READ | AUTH_WRITE | NO_DA;
        Self { index, attributes, policy: Vec::new(), size: 8 }
    }

    /// The same once it was written.
    #[must_use]
    pub fn written(&self) -> Self {
        Self { attributes: self.attributes | WRITTEN, ..self.clone() }
    }

    /// Whether it was written.
    #[must_use]
    pub const fn is_written(&self) -> bool {
        self.attributes & WRITTEN != 0
    }

    /// What commands name it by.
    #[must_use]
    pub fn named(&self, provider: &CryptoProvider) -> NvIndex {
        NvIndex { handle: self.index, name: ObjectName::of(provider, &self.encode()) }
    }

    fn encode(&self) -> Vec<u8> {
        let writer = Writer::new().u32(self.index.0).u16(SHA256).u32(self.attributes);
        writer.sized(&self.policy).u16(self.size).finish().to_vec()
    }

    fn decode(bytes: &[u8]) -> Result<Self, Unreadable> {
        let mut reader = Reader::new(bytes, "public area of an NV index");
        let index = Handle(reader.u32()?);
        // The hash decides of the name alone, which the TPM gives as well.
        let _hash = reader.u16()?;
        let attributes = reader.u32()?;
        let policy = reader.sized(64)?.into();
        let size = reader.u16()?;
        reader.end()?;
        Ok(Self { index, attributes, policy, size })
    }
}

impl TpmCommand<()> {
    /// `TPM2_NV_DefineSpace` by the owner. The first parameter has the authorisation value: it is
    /// to be encrypted.
    #[must_use]
    pub fn nv_define(auth: &[u8], public: &NvPublic) -> Self {
        let parameters = Writer::new().sized(auth).sized(&public.encode());
        Self::new(CommandCode::NvDefineSpace, parameters, nothing)
            .by(Handle::OWNER, &Handle::OWNER.name())
    }

    /// `TPM2_NV_UndefineSpace` by the owner.
    #[must_use]
    pub fn nv_undefine(index: &NvIndex) -> Self {
        Self::new(CommandCode::NvUndefineSpace, Writer::new(), nothing)
            .by(Handle::OWNER, &Handle::OWNER.name())
            .about(index.handle, &index.name)
    }

    /// `TPM2_NV_Write` from the start, by the index itself.
    #[must_use]
    pub fn nv_write(index: &NvIndex, data: &[u8]) -> Self {
        let parameters = Writer::new().sized(data).u16(0);
        Self::new(CommandCode::NvWrite, parameters, nothing)
            .by(index.handle, &index.name)
            .about(index.handle, &index.name)
    }

    /// `TPM2_NV_Increment` by the index itself.
    #[must_use]
    pub fn nv_increment(index: &NvIndex) -> Self {
        Self::new(CommandCode::NvIncrement, Writer::new(), nothing)
            .by(index.handle, &index.name)
            .about(index.handle, &index.name)
    }
}

impl TpmCommand<Zeroizing<Vec<u8>>> {
    /// `TPM2_NV_Read` by the owner, or by the index itself.
    #[must_use]
    pub fn nv_read(by: Option<Handle>, index: &NvIndex, offset: u16, length: u16) -> Self {
        let parameters = Writer::new().u16(length).u16(offset);
        let read = Self::new(CommandCode::NvRead, parameters, |_, reader| {
            Ok(Zeroizing::new(reader.sized(CHUNK.into())?.into()))
        });
        match by {
            Some(by) => read.by(by, &by.name()),
            None => read.by(index.handle, &index.name),
        }
        .about(index.handle, &index.name)
    }
}

impl TpmCommand<(NvPublic, ObjectName)> {
    /// `TPM2_NV_ReadPublic`: what an index is, and its name as the TPM says.
    #[must_use]
    pub fn nv_read_public(index: Handle) -> Self {
        Self::new(CommandCode::NvReadPublic, Writer::new(), |_, reader| {
            Ok((NvPublic::decode(reader.sized(128)?)?, ObjectName::take(reader)?))
        })
        .about(index, &index.name())
    }
}
