//! How each type of a getInfo member is read and written.

use alloc::{string::String, vec::Vec};

use towline_cbor::{Key, Reader, Writer};

use super::Version;
use crate::{
    Malformed, Transport,
    request::{read_algorithms, write_algorithms},
};

/// A type that a member of getInfo has.
pub(super) trait Member: Sized {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed>;
    fn write(&self, writer: &mut Writer);
}

macro_rules! member {
    ($type:ty, $reader:ident => $read:expr, $self:ident $writer:ident => $write:expr) => {
        impl Member for $type {
            fn read($reader: &mut Reader<'_>) -> Result<Self, Malformed> {
                $read
            }

            fn write(&$self, $writer: &mut Writer) {
                $write
            }
        }
    };
}

member!(u64, r => Ok(r.uint()?), self w => w.uint(*self));
member!(bool, r => Ok(r.bool()?), self w => w.bool(*self));
member!([u8; 32], r => Ok(*r.byte_array()?), self w => w.bytes(self));
member!(Vec<u8>, r => Ok(r.bytes()?.into()), self w => w.bytes(self));
member!(Vec<i64>, r => read_algorithms(r), self w => write_algorithms(w, self));
member!(Vec<u64>, r => list(r, |r| Ok(r.uint()?)), self w => write_list(w, self, |w, v| w.uint(*v)));
member!(Vec<String>, r => list(r, |r| Ok(r.text()?.into())), self w => write_list(w, self, |w, v| w.text(v)));
member!(Vec<Version>, r => list(r, |r| Ok(r.text()?.into())), self w => write_list(w, self, |w, v| w.text(v.as_str())));
member!(Vec<Transport>, r => list(r, |r| Ok(r.text()?.into())), self w => write_list(w, self, |w, v| w.text(v.as_str())));

impl Member for Vec<(String, u64)> {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let mut all = Self::new();
        reader.map(|key, value| {
            if let Key::Text(name) = key {
                all.push((name.into(), value.uint()?));
            }
            Ok::<(), Malformed>(())
        })?;
        Ok(all)
    }

    fn write(&self, writer: &mut Writer) {
        writer.map(|map| {
            self.iter().for_each(|(name, level)| map.entry(name.as_str(), |w| w.uint(*level)));
        });
    }
}

fn list<T>(
    reader: &mut Reader<'_>,
    mut read: impl FnMut(&mut Reader<'_>) -> Result<T, Malformed>,
) -> Result<Vec<T>, Malformed> {
    let mut all = Vec::new();
    reader.array(|element| {
        all.push(read(element)?);
        Ok::<(), Malformed>(())
    })?;
    Ok(all)
}

fn write_list<T>(writer: &mut Writer, all: &[T], write: impl Fn(&mut Writer, &T)) {
    writer.array(|array| all.iter().for_each(|value| array.item(|w| write(w, value))));
}
