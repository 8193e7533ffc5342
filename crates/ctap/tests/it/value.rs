//! CBOR as it is told to be: a writer for tests that also makes what the standard forbids.
#![allow(dead_code)]

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum V {
    Int(i64),
    Bytes(Vec<u8>),
    Text(String),
    Array(Vec<V>),
    /// In the order given, repeated keys included.
    Map(Vec<(V, V)>),
    Bool(bool),
    Null,
    Raw(Vec<u8>),
}

pub(crate) fn int(value: i64) -> V {
    V::Int(value)
}

pub(crate) fn bytes(value: &[u8]) -> V {
    V::Bytes(value.to_vec())
}

pub(crate) fn text(value: &str) -> V {
    V::Text(value.into())
}

pub(crate) fn array<const N: usize>(items: [V; N]) -> V {
    V::Array(items.to_vec())
}

pub(crate) fn map<const N: usize>(entries: [(V, V); N]) -> V {
    V::Map(entries.to_vec())
}

impl V {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.write(&mut out);
        out
    }

    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Int(value @ 0..) => head(out, 0, *value as u64),
            Self::Int(value) => head(out, 1, !*value as u64),
            Self::Bytes(value) => {
                head(out, 2, value.len() as u64);
                out.extend(value);
            }
            Self::Text(value) => {
                head(out, 3, value.len() as u64);
                out.extend(value.as_bytes());
            }
            Self::Array(items) => {
                head(out, 4, items.len() as u64);
                items.iter().for_each(|item| item.write(out));
            }
            Self::Map(entries) => {
                head(out, 5, entries.len() as u64);
                entries.iter().for_each(|(key, value)| {
                    key.write(out);
                    value.write(out);
                });
            }
            Self::Bool(value) => out.push(0xf4 + u8::from(*value)),
            Self::Null => out.push(0xf6),
            Self::Raw(value) => out.extend(value),
        }
    }
}

fn head(out: &mut Vec<u8>, major: u8, argument: u64) {
    let big = argument.to_be_bytes();
    let (info, rest): (u8, &[u8]) = match argument {
        0..24 => (big[7], &[]),
        24..0x100 => (24, &big[7..]),
        0x100..0x1_0000 => (25, &big[6..]),
        0x1_0000..0x1_0000_0000 => (26, &big[4..]),
        _ => (27, &big),
    };
    out.push(major << 5 | info);
    out.extend(rest);
}
