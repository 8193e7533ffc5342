//! Authenticator data in parts that may each be wrong (WebAuthn L3 §6.1).

use super::cbor;

/// The flags: bits that are set, cleared and flipped whether it makes sense or not.
pub(super) const UP: u8 = 0x01;
pub(super) const RESERVED_1: u8 = 0x02;
pub(super) const UV: u8 = 0x04;
pub(super) const BE: u8 = 0x08;
pub(super) const BS: u8 = 0x10;
pub(super) const RESERVED_2: u8 = 0x20;
pub(super) const AT: u8 = 0x40;
pub(super) const ED: u8 = 0x80;

/// Authenticator data.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct AuthData {
    pub(super) rp_id_hash: Vec<u8>,
    pub(super) flags: u8,
    pub(super) count: u32,
    pub(super) attested: Option<Attested>,
    /// The map of extension outputs, as encoded; empty if there is none.
    pub(super) outputs: Vec<u8>,
}

/// The credential in them.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Attested {
    aaguid: Vec<u8>,
    pub(super) id: Vec<u8>,
    /// COSE_Key, as encoded.
    pub(super) key: Vec<u8>,
}

impl AuthData {
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let (rp_id_hash, rest) = bytes.split_at_checked(32)?;
        let (&flags, rest) = rest.split_first()?;
        let (count, rest) = rest.split_first_chunk()?;
        let (attested, outputs) = if flags & AT == 0 {
            (None, rest)
        } else {
            let (aaguid, rest) = rest.split_at_checked(16)?;
            let (length, rest) = rest.split_first_chunk()?;
            let (id, rest) = rest.split_at_checked(u16::from_be_bytes(*length).into())?;
            let (key, rest) = cbor::split(rest)?;
            let (aaguid, id, key) = (aaguid.to_vec(), id.to_vec(), key.to_vec());
            (Some(Attested { aaguid, id, key }), rest)
        };
        let count = u32::from_be_bytes(*count);
        let (rp_id_hash, outputs) = (rp_id_hash.to_vec(), outputs.to_vec());
        Some(Self { rp_id_hash, flags, count, attested, outputs })
    }

    pub(super) fn write(&self) -> Vec<u8> {
        let mut bytes = [&self.rp_id_hash[..], &[self.flags], &self.count.to_be_bytes()].concat();
        if let Some(Attested { aaguid, id, key }) = &self.attested {
            let length = u16::try_from(id.len()).unwrap_or(u16::MAX);
            bytes.extend([aaguid, &length.to_be_bytes()[..], id, key].concat());
        }
        bytes.extend_from_slice(&self.outputs);
        bytes
    }

    /// Adds the output of `minPinLength`, and says that there are outputs. Nothing changes where it
    /// is there already.
    pub(super) fn add_output(&mut self) {
        let mut outputs = cbor::Map::read(&self.outputs).unwrap_or(cbor::Map(Vec::new()));
        outputs.set("minPinLength", cbor::int(4));
        self.outputs = outputs.write();
        self.flags |= ED;
    }
}
